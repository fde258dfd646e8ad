/*
 * text_runtime.c
 *	  The functions by which the planner (text_support.c) binds queries whose
 *	  value is known only at run time.
 *
 * bm25_bind(query, index) returns the query for `index`, or for another index of
 * the same table if the query names one. bm25_unbound(query, …) is used where no
 * index was found: it raises the reason unless the query names an index.
 *
 * All users may call these functions, and learn nothing by it: the result is a
 * bm25query like any other. Calls bound by the planner check no rights
 * (text_operators.c), so these functions check the caller's right to an index that
 * the query names if it indexes another column or table.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "text_index/text_binding.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_bind_text);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_bind);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_fields);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_unbound_text);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_unbound);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_unbound_support);

/* bm25_bind(query text, index regclass) → bm25query */
Datum
barq_bm25_bind_text(PG_FUNCTION_ARGS)
{
	text	   *query = PG_GETARG_TEXT_PP(0);

	PG_RETURN_POINTER(barq_query_value_make(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
											PG_GETARG_OID(1)));
}

/*
 * The OID of the index that a value names: by OID, or by a name among the
 * indexes of tables. InvalidOid if it names none. Raises
 * ERRCODE_UNDEFINED_OBJECT if the tables have no index of that name.
 */
static Oid
named_index(const BarqQueryValue *value, List *tables)
{
	Oid			index;

	if (barq_query_value_name(value) == NULL)
		return value->index;
	index = barq_text_index_named(tables, barq_query_value_last_name(value), true);
	if (!OidIsValid(index))
		barq_text_raise_no_index(tables, barq_query_value_last_name(value));
	return index;
}

/*
 * bm25_bind(query bm25query, index regclass) → bm25query: the query for `index`,
 * or for the index that it names itself. Raises ERRCODE_UNDEFINED_OBJECT if the
 * index does not exist or the table has no index of the query's name,
 * ERRCODE_WRONG_OBJECT_TYPE if `index` is not an index,
 * ERRCODE_INSUFFICIENT_PRIVILEGE if the query names an index on another value
 * whose content the role may not see.
 */
Datum
barq_bm25_bind(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	Oid			index = PG_GETARG_OID(1);
	Oid			table = IndexGetRelation(index, true);
	Oid			named;

	if (!OidIsValid(table))
		barq_raise_not_an_index(index);
	named = named_index(value, list_make1_oid(table));
	if (!OidIsValid(named))
		named = index;
	if (named != index && !barq_text_same_key(named, index))
		barq_check_index_content_rights(named);
	PG_RETURN_POINTER(barq_query_value_for(value, named));
}

/*
 * bm25_fields(query bm25query, index regclass, fields integer) → bm25query: the query for
 * these fields of its index, a bit each.
 */
Datum
barq_bm25_fields(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	int32		fields = PG_GETARG_INT32(2);

	if (!OidIsValid(value->index) || fields <= 0 || fields > BARQ_ALL_FIELDS)
		PG_RETURN_POINTER(value);
	PG_RETURN_POINTER(barq_query_value_of_fields(value, value->index, (uint8) fields));
}

/* Element i (from 1) of barq_text_choice_array(), palloc'd; NULL if it is NULL. */
static char *
element(ArrayType *why, int i)
{
	bool		isnull;
	Datum		datum = array_get_element(PointerGetDatum(why), 1, &i, -1, -1, false,
										  TYPALIGN_INT, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

ArrayType *
barq_text_choice_array(const BarqTextChoice *choice)
{
	const char *elements[] = {unpack_sql_state(choice->sqlstate), choice->reason,
				choice->detail, choice->hint};
	Datum		datums[lengthof(elements)];
	bool		nulls[lengthof(elements)];
	int			dims[] = {lengthof(elements)};
	int			lower[] = {1};

	for (Size i = 0; i < lengthof(elements); i++)
	{
		nulls[i] = elements[i] == NULL;
		datums[i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(elements[i]);
	}
	return construct_md_array(datums, nulls, 1, dims, lower, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Raise the error of barq_text_choice_array(). */
pg_noreturn static void
raise_unbound(ArrayType *why)
{
	BarqTextChoice choice = {0};
	char	   *sqlstate = element(why, 1);

	choice.sqlstate = sqlstate != NULL && strlen(sqlstate) == 5 ?
		MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2], sqlstate[3], sqlstate[4]) :
		ERRCODE_UNDEFINED_OBJECT;
	choice.reason = element(why, 2);
	if (choice.reason == NULL)
		choice.reason = "no barq_bm25 index fits this text query";
	choice.detail = element(why, 3);
	choice.hint = element(why, 4);
	barq_text_raise(&choice);
}

/* bm25_unbound(query text, tables regclass[], why text[], value any): always an error. */
Datum
barq_bm25_unbound_text(PG_FUNCTION_ARGS)
{
	raise_unbound(PG_GETARG_ARRAYTYPE_P(2));
}

/*
 * bm25_unbound(query bm25query, tables regclass[], why text[], value any) →
 * bm25query: the query for the index that it names, of one of the tables. Raises
 * `why` for a query that names none, ERRCODE_UNDEFINED_OBJECT if no table has an
 * index of that name, ERRCODE_INSUFFICIENT_PRIVILEGE without the right to the
 * index's content.
 */
Datum
barq_bm25_unbound(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	List	   *tables = NIL;
	Datum	   *datums;
	int			n;
	Oid			named;

	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &datums, NULL, &n);
	for (int i = 0; i < n; i++)
		if (get_rel_relkind(DatumGetObjectId(datums[i])) != '\0')
			tables = lappend_oid(tables, DatumGetObjectId(datums[i]));
	named = named_index(value, tables);
	if (!OidIsValid(named))
		raise_unbound(PG_GETARG_ARRAYTYPE_P(2));
	barq_check_index_content_rights(named);
	PG_RETURN_POINTER(barq_query_value_for(value, named));
}

/*
 * Planner support of bm25_unbound(): a cost so high that a generic plan is not
 * preferred to custom plans, for which an index may be found.
 */
Datum
barq_bm25_unbound_support(PG_FUNCTION_ARGS)
{
	Node	   *node = (Node *) PG_GETARG_POINTER(0);

	if (IsA(node, SupportRequestCost))
	{
		SupportRequestCost *request = (SupportRequestCost *) node;

		request->startup = BARQ_ERROR_COST;
		request->per_tuple = cpu_operator_cost;
		PG_RETURN_POINTER(request);
	}
	PG_RETURN_POINTER(NULL);
}
