/*
 * count_call.c
 *	  barq_count(), and the statement that it shares with barq_facets().
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "base/names.h"
#include "base/script.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "count/count_call.h"
#include "executor/spi.h"
#include "hybrid/hybrid.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_count_matches);

/* Analyse the filter and convert its parameters, into the call's first ones. */
static void
add_filter(BarqCountCall *call, text *filter, ArrayType *filter_args)
{
	BarqHybridArgs args = {
		.caller = call->caller, .filter_args = filter_args,
		.expr[BARQ_EXPR_FILTER] = text_to_cstring(filter)
	};
	BarqHybridEntry entry = {0};
	ParamListInfo params;
	bool		moving = false;

	(void) barq_hybrid_check_expr(call->table, BARQ_EXPR_FILTER, &args, &entry.nparams,
								  &entry.param_types, &moving);
	barq_hybrid_check_params(&args, entry.nparams, entry.param_types);
	entry.arguments = palloc0_array(BarqArgument, Max(entry.nparams, 1));
	for (int i = 0; i < entry.nparams; i++)
		barq_argument_find(&entry.arguments[i], i + 1, TEXTOID, entry.param_types[i],
						   CurrentMemoryContext);
	for (int i = 0; i < entry.nparams; i++)
		entry.arguments[i].caller = call->caller;
	params = makeParamList(entry.nparams);
	barq_hybrid_bind_args(&entry, &args, params);

	call->nparams = entry.nparams;
	call->types = palloc_array(Oid, entry.nparams + 1);
	call->values = palloc_array(Datum, entry.nparams + 1);
	call->nulls = palloc(entry.nparams + 1);
	for (int i = 0; i < entry.nparams; i++)
	{
		call->types[i] = entry.param_types[i];
		call->values[i] = params->params[i].value;
		call->nulls[i] = params->params[i].isnull ? 'n' : ' ';
	}
}

char *
barq_count_call_column(const BarqCountCall *call, int column)
{
	return TextDatumGetCString(OidFunctionCall3(F_PG_GET_INDEXDEF_OID_INT4_BOOL,
												ObjectIdGetDatum(RelationGetRelid(call->index)),
												Int32GetDatum(column), BoolGetDatum(false)));
}

/* The left side of @@@: the column or, of several fields or a language, the row; palloc'd. */
static char *
searched(const BarqCountCall *call)
{
	if (call->columns.fields == 1 && call->columns.language < 0)
		return barq_count_call_column(call, call->columns.field_columns[0] + 1);
	return psprintf("(%s.*)", quote_identifier(RelationGetRelationName(call->table)));
}

/* The predicate of the index as SQL, palloc'd; NULL if it has none. */
static char *
predicate_of(const BarqCountCall *call)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID,
										ObjectIdGetDatum(RelationGetRelid(call->index)));
	char	   *predicate = NULL;
	bool		isnull;
	Datum		value;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", RelationGetRelid(call->index));
	value = SysCacheGetAttr(INDEXRELID, tuple, Anum_pg_index_indpred, &isnull);
	if (!isnull)
		predicate = TextDatumGetCString(OidFunctionCall2(F_PG_GET_EXPR_PG_NODE_TREE_OID, value,
														 ObjectIdGetDatum(RelationGetRelid(call->table))));
	ReleaseSysCache(tuple);
	return predicate;
}

/* Raise ERRCODE_INVALID_PARAMETER_VALUE if there are arguments of no filter. */
static void
refuse_args(const BarqCountCall *call, ArrayType *filter_args)
{
	if (filter_args != NULL && ArrayGetNItems(ARR_NDIM(filter_args), ARR_DIMS(filter_args)) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args of %s has elements, but there is no filter", call->caller),
				 errhint("Refer to each element in the filter, as $1, $2 and so on.")));
}

void
barq_count_call_begin(BarqCountCall *call, const char *caller, Oid function, Oid index,
					  text *query, text *filter, ArrayType *filter_args)
{
	Oid			schema = get_func_namespace(function);
	StringInfoData from;
	char	   *predicate;
	bool		partitioned;

	memset(call, 0, sizeof(*call));
	call->caller = caller;
	call->index = try_relation_open(index, AccessShareLock);
	if (call->index == NULL || !barq_is_text_index(call->index))
		barq_raise_not_an_index(index);
	partitioned = call->index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX;
	call->table = table_open(call->index->rd_index->indrelid, AccessShareLock);
	if (partitioned)
		barq_text_columns_of_classes(call->index, &call->columns);
	else
		barq_text_columns(call->index, &call->columns);
	call->types = palloc_array(Oid, 1);
	call->values = palloc_array(Datum, 1);
	call->nulls = palloc(1);
	if (filter != NULL)
		add_filter(call, filter, filter_args);
	else
		refuse_args(call, filter_args);

	initStringInfo(&from);
	appendStringInfo(&from, "FROM %s%s WHERE %s OPERATOR(%s.@@@) $%d",
					 partitioned ? "" : "ONLY ", barq_qualified_name(call->table), searched(call),
					 quote_identifier(get_namespace_name(schema)), call->nparams + 1);
	predicate = predicate_of(call);
	if (predicate != NULL)
		appendStringInfo(&from, " AND (%s)", predicate);
	if (filter != NULL)
		appendStringInfo(&from, " AND (%s\n)", text_to_cstring(filter));
	call->from = from.data;

	call->types[call->nparams] = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
												 CStringGetDatum("bm25query"),
												 ObjectIdGetDatum(schema));
	call->values[call->nparams] = PointerGetDatum(barq_query_value_make(VARDATA_ANY(query),
																		VARSIZE_ANY_EXHDR(query),
																		index));
	call->nulls[call->nparams++] = ' ';
}

void
barq_count_call_end(BarqCountCall *call)
{
	table_close(call->table, NoLock);
	relation_close(call->index, NoLock);
}

/*
 * barq_count(index regclass, query text, filter text, filter_args text[]) -> bigint: the
 * rows of the index that match and that the caller sees; NULL for a NULL query. Raises the
 * errors of barq_count_call_begin() and of the statement.
 */
Datum
barq_count_matches(PG_FUNCTION_ARGS)
{
	BarqCountCall call;
	bool		isnull;
	Datum		count;

	barq_expect_arguments(fcinfo, 4);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	barq_count_call_begin(&call, "barq_count()", fcinfo->flinfo->fn_oid, PG_GETARG_OID(0),
						  PG_GETARG_TEXT_PP(1), PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
						  PG_ARGISNULL(3) ? NULL : PG_GETARG_ARRAYTYPE_P(3));
	if (SPI_execute_with_args(psprintf("SELECT pg_catalog.count(1) %s", call.from), call.nparams,
							  call.types, call.values, call.nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a count of rows failed");
	count = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	barq_count_call_end(&call);
	SPI_finish();
	PG_RETURN_DATUM(count);
}
