/*
 * text_runtime.c
 *	  Queries that are bound to an index at run time: what the planner puts
 *	  around a query that it does not know (text_support.c).
 *
 * bm25_bind(query, index) is the query for an index: for `index`, unless the
 * query names another one of the same table. bm25_unbound(query, …) stands where
 * no index was found: an error, unless the query names one.
 *
 * Anybody may call these functions. They give nothing away: a query that names
 * an index is a bm25query as any other, and an index of another column or table
 * is checked for the caller's rights here, since the operators that the planner
 * has bound do not (text_operators.c).
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

/* The index that a value says among those of tables; InvalidOid: it says none. */
static Oid
said_index(const BarqQueryValue *value, List *tables)
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
 * bm25_bind(query bm25query, index regclass) → bm25query.
 * ERRCODE_UNDEFINED_OBJECT for a name that no index of the table has, and for an
 * index that does not exist; ERRCODE_WRONG_OBJECT_TYPE for what is no index;
 * ERRCODE_INSUFFICIENT_PRIVILEGE.
 */
Datum
barq_bm25_bind(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	Oid			index = PG_GETARG_OID(1);
	Oid			table = IndexGetRelation(index, true);
	Oid			said;

	if (!OidIsValid(table))
		barq_raise_not_an_index(index);
	said = said_index(value, list_make1_oid(table));
	if (!OidIsValid(said))
		said = index;
	if (said != index && !barq_text_same_key(said, index))
		barq_check_index_content_rights(said);
	PG_RETURN_POINTER(barq_query_value_for(value, said));
}

/* Element i of why no index was found, NULL where there is nothing to say. */
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

/* Raise what barq_text_choice_array made. */
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
 * bm25query: the query for the index that it names, of one of the tables. Errors
 * as bm25_bind(), and the reason for a query that names none.
 */
Datum
barq_bm25_unbound(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	List	   *tables = NIL;
	Datum	   *datums;
	int			n;
	Oid			said;

	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT, &datums, NULL, &n);
	for (int i = 0; i < n; i++)
		if (get_rel_relkind(DatumGetObjectId(datums[i])) != '\0')
			tables = lappend_oid(tables, DatumGetObjectId(datums[i]));
	said = said_index(value, tables);
	if (!OidIsValid(said))
		raise_unbound(PG_GETARG_ARRAYTYPE_P(2));
	barq_check_index_content_rights(said);
	PG_RETURN_POINTER(barq_query_value_for(value, said));
}

/*
 * What bm25_unbound() costs: so much that a plan for any parameters is not
 * preferred to plans for known ones, with which an index may be found.
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
