/*
 * text_validate.c
 *	  Checking operator classes of barq_bm25.
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/htup_details.h"
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
#define COMPLAIN(...) \
	do { \
		ereport(INFO, \
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION), \
				 errmsg(__VA_ARGS__))); \
		ok = false; \
	} while (0)

/*
 * An operator class of texts has <@> (strategy 1), which orders by float8, and
 * @@@ (strategy 2), which is searched for; no support functions.
 */
bool
barq_text_validate(Oid opclass)
{
	HeapTuple	class_tuple;
	Form_pg_opclass class_form;
	char	   *name;
	CatCList   *operators;
	CatCList   *procedures;
	bool		ok = true;
	bool		has_score = false;

	class_tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	if (!HeapTupleIsValid(class_tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class_form = (Form_pg_opclass) GETSTRUCT(class_tuple);
	name = NameStr(class_form->opcname);

	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class_form->opcfamily));
	procedures = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class_form->opcfamily));
	if (procedures->n_members > 0)
		COMPLAIN("operator class \"%s\" contains support functions, and needs none", name);

	for (int i = 0; i < operators->n_members; i++)
	{
		Form_pg_amop op = (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple);

		if (op->amopstrategy == BARQ_TEXT_SCORE_STRATEGY)
		{
			if (op->amoppurpose != AMOP_ORDER || get_op_rettype(op->amopopr) != FLOAT8OID)
				COMPLAIN("operator class \"%s\" contains operator %s, which does not order by float8",
						 name, format_operator(op->amopopr));
			else if (op->amoplefttype == class_form->opcintype)
				has_score = true;
		}
		else if (op->amopstrategy == BARQ_TEXT_MATCH_STRATEGY)
		{
			if (op->amoppurpose != AMOP_SEARCH || get_op_rettype(op->amopopr) != BOOLOID)
				COMPLAIN("operator class \"%s\" contains operator %s, which does not match",
						 name, format_operator(op->amopopr));
		}
		else
			COMPLAIN("operator class \"%s\" contains operator %s with invalid strategy number %d",
					 name, format_operator(op->amopopr), op->amopstrategy);
	}
	if (!has_score)
		COMPLAIN("operator class \"%s\" lacks its ranking operator", name);

	ReleaseCatCacheList(procedures);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(class_tuple);
	return ok;
}
