/*
 * validate.c
 *	  Validation of operator classes: the parts that all access methods share.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/am.h"
#include "catalog/pg_type.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

bool
barq_validate_class(Oid opclass, BarqClassCheck check)
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
		/* any_ops: every build with it fails (no_class.c) */
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
