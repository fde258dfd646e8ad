/*
 * validate.c
 *	  Checking operator classes of the vector access methods.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
#include "am/am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* A complaint, as amvalidate functions make them. */
#define COMPLAIN(...) \
	do { \
		ereport(INFO, \
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), \
				 errmsg(__VA_ARGS__))); \
		ok = false; \
	} while (0)

/*
 * An operator class of vectors has one ordering operator of strategy 1 over
 * float8, and support function 1 that tells the space.
 */
bool
barq_vector_validate(Oid opclass)
{
	HeapTuple	class_tuple;
	Form_pg_opclass class_form;
	char	   *name;
	CatCList   *operators;
	CatCList   *procedures;
	bool		ok = true;
	bool		has_operator = false;
	bool		has_space = false;

	class_tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	if (!HeapTupleIsValid(class_tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class_form = (Form_pg_opclass) GETSTRUCT(class_tuple);
	name = NameStr(class_form->opcname);

	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class_form->opcfamily));
	procedures = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class_form->opcfamily));

	for (int i = 0; i < procedures->n_members; i++)
	{
		Form_pg_amproc proc = (Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple);

		if (proc->amprocnum != BARQ_SPACE_PROC)
			COMPLAIN("operator class \"%s\" contains function %s with invalid support number %d",
					 name, format_procedure(proc->amproc), proc->amprocnum);
		else if (!check_amproc_signature(proc->amproc, INTERNALOID, true, 1, 1, INTERNALOID))
			COMPLAIN("operator class \"%s\" contains function %s with wrong signature for support number %d",
					 name, format_procedure(proc->amproc), proc->amprocnum);
		else if (proc->amproclefttype == class_form->opcintype)
			has_space = true;
	}

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy != 1)
			COMPLAIN("operator class \"%s\" contains operator %s with invalid strategy number %d",
					 name, format_operator(op->amopopr), op->amopstrategy);
		else if (op->amoppurpose != AMOP_ORDER ||
				 get_op_rettype(op->amopopr) != FLOAT8OID)
			COMPLAIN("operator class \"%s\" contains operator %s, which does not order by float8",
					 name, format_operator(op->amopopr));
		else if (op->amoplefttype == class_form->opcintype)
			has_operator = true;
	}

	if (!has_operator)
		COMPLAIN("operator class \"%s\" lacks its distance operator", name);
	if (!has_space)
		COMPLAIN("operator class \"%s\" lacks support function %d", name, BARQ_SPACE_PROC);

	ReleaseCatCacheList(procedures);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(class_tuple);
	return ok;
}
