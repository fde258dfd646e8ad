/*
 * validate.c
 *	  Checking operator classes of all access methods.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "am/am.h"
#include "am/text.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* A complaint, as amvalidate functions make them. */
#define COMPLAIN(ok, ...) \
	do { \
		ereport(INFO, \
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), \
				 errmsg(__VA_ARGS__))); \
		*(ok) = false; \
	} while (0)

/* What is asked of a class: fills *ok with false where it is not so. */
typedef void (*ClassCheck) (const FormData_pg_opclass *class, CatCList *operators,
							CatCList *procedures, bool *ok);

static bool
check_class(Oid opclass, ClassCheck check)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass class;
	CatCList   *operators;
	CatCList   *procedures;
	bool		ok = true;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class = (Form_pg_opclass) GETSTRUCT(tuple);
	if (class->opcintype == ANYELEMENTOID)
	{
		/* any_ops, which no index can have (no_class.c) */
		ReleaseSysCache(tuple);
		return true;
	}
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class->opcfamily));
	procedures = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class->opcfamily));
	check(class, operators, procedures, &ok);
	ReleaseCatCacheList(procedures);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(tuple);
	return ok;
}

/* An operator that orders by float8, of the class's own type. */
static bool
is_ordering(const FormData_pg_opclass *class, const FormData_pg_amop *op, bool *ok)
{
	if (op->amoppurpose != AMOP_ORDER || get_op_rettype(op->amopopr) != FLOAT8OID)
	{
		COMPLAIN(ok, "operator class \"%s\" contains operator %s, which does not order by float8",
				 NameStr(class->opcname), format_operator(op->amopopr));
		return false;
	}
	return op->amoplefttype == class->opcintype;
}

static void
complain_of_strategy(const FormData_pg_opclass *class, const FormData_pg_amop *op, bool *ok)
{
	COMPLAIN(ok, "operator class \"%s\" contains operator %s with invalid strategy number %d",
			 NameStr(class->opcname), format_operator(op->amopopr), op->amopstrategy);
}

static void
check_vectors(const FormData_pg_opclass *class, CatCList *operators, CatCList *procedures, bool *ok)
{
	const char *name = NameStr(class->opcname);
	bool		has_operator = false;
	bool		has_space = false;

	for (int i = 0; i < procedures->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple);

		if (proc->amprocnum != BARQ_SPACE_PROC)
			COMPLAIN(ok, "operator class \"%s\" contains function %s with invalid support number %d",
					 name, format_procedure(proc->amproc), proc->amprocnum);
		else if (!check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID))
			COMPLAIN(ok, "operator class \"%s\" contains function %s with wrong signature for support number %d",
					 name, format_procedure(proc->amproc), proc->amprocnum);
		else if (proc->amproclefttype == class->opcintype)
			has_space = true;
	}

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy != 1)
			complain_of_strategy(class, op, ok);
		else if (is_ordering(class, op, ok))
			has_operator = true;
	}

	if (!has_operator)
		COMPLAIN(ok, "operator class \"%s\" lacks its distance operator", name);
	if (!has_space)
		COMPLAIN(ok, "operator class \"%s\" lacks support function %d", name, BARQ_SPACE_PROC);
}

static void
check_texts(const FormData_pg_opclass *class, CatCList *operators, CatCList *procedures, bool *ok)
{
	const char *name = NameStr(class->opcname);
	bool		has_score = false;

	if (procedures->n_members > 0)
		COMPLAIN(ok, "operator class \"%s\" contains support functions, and needs none", name);

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy == BARQ_TEXT_SCORE_STRATEGY)
		{
			if (is_ordering(class, op, ok))
				has_score = true;
		}
		else if (op->amopstrategy == BARQ_TEXT_MATCH_STRATEGY ||
				 op->amopstrategy == BARQ_TEXT_THRESHOLD_STRATEGY)
		{
			if (op->amoppurpose != AMOP_SEARCH || get_op_rettype(op->amopopr) != BOOLOID)
				COMPLAIN(ok, "operator class \"%s\" contains operator %s, which does not match",
						 name, format_operator(op->amopopr));
		}
		else
			complain_of_strategy(class, op, ok);
	}
	if (!has_score)
		COMPLAIN(ok, "operator class \"%s\" lacks its ranking operator", name);
}

/*
 * An operator class of vectors has one ordering operator of strategy 1 over
 * float8, and support function 1 that tells the space.
 */
bool
barq_vector_validate(Oid opclass)
{
	return check_class(opclass, check_vectors);
}

/*
 * An operator class of texts has <@> (strategy 1), which orders by float8, and
 * @@@ and <@@ (strategies 2 and 3), which are searched for; no support functions.
 */
bool
barq_text_validate(Oid opclass)
{
	return check_class(opclass, check_texts);
}
