/*
 * validate.c
 *	  Validation of operator classes: the parts that all access methods share.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/am.h"
#include "am/filters.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_type.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

void
barq_validate_filter_operator(const FormData_pg_opclass *class, const FormData_pg_amop *op,
							  bool *ok)
{
	if (op->amoppurpose != AMOP_SEARCH || get_op_rettype(op->amopopr) != BOOLOID)
		BARQ_COMPLAIN(ok, "operator class \"%s\" contains operator %s, which does not match",
					  NameStr(class->opcname), format_operator(op->amopopr));
}

/* Has a family only operators with strategies of filter columns? */
static bool
is_filter_family(CatCList *operators)
{
	for (int i = 0; i < operators->n_members; i++)
		if (((Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple))->amopstrategy <
			BARQ_FILTER_LESS)
			return false;
	return true;
}

/*
 * Check a class of filter columns, any_ops (no_class.c) among them; support: the number of
 * the support function that it may have, or 0.
 */
static void
check_filter_class(const FormData_pg_opclass *class, CatCList *operators,
				   CatCList *procedures, int support, bool *ok)
{
	for (int i = 0; i < procedures->n_members; i++)
		if (((Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple))->amprocnum != support)
		{
			BARQ_COMPLAIN(ok, "operator class \"%s\" contains support functions, and needs none",
						  NameStr(class->opcname));
			break;
		}
	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy < BARQ_FILTER_LESS || op->amopstrategy > BARQ_FILTER_CONTAINS)
			barq_validate_strategy(class, op, ok);
		else
			barq_validate_filter_operator(class, op, ok);
	}
}

bool
barq_validate_class(Oid opclass, BarqClassCheck check, int filter_support)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Form_pg_opclass class;
	CatCList   *operators;
	CatCList   *procedures;
	bool		ok = true;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class = (Form_pg_opclass) GETSTRUCT(tuple);
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class->opcfamily));
	procedures = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class->opcfamily));
	if (barq_filter_form(class->opcintype) != BARQ_FILTER_NONE && is_filter_family(operators))
		check_filter_class(class, operators, procedures, filter_support, &ok);
	else
		check(class, operators, procedures, &ok);
	ReleaseCatCacheList(procedures);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(tuple);
	return ok;
}

bool
barq_validate_ordering(const FormData_pg_opclass *class, const FormData_pg_amop *op, bool *ok)
{
	if (op->amoppurpose != AMOP_ORDER || get_op_rettype(op->amopopr) != FLOAT8OID)
	{
		BARQ_COMPLAIN(ok, "operator class \"%s\" contains operator %s, which does not order by float8",
					  NameStr(class->opcname), format_operator(op->amopopr));
		return false;
	}
	return op->amoplefttype == class->opcintype;
}

void
barq_validate_strategy(const FormData_pg_opclass *class, const FormData_pg_amop *op, bool *ok)
{
	BARQ_COMPLAIN(ok, "operator class \"%s\" contains operator %s with invalid strategy number %d",
				  NameStr(class->opcname), format_operator(op->amopopr), op->amopstrategy);
}
