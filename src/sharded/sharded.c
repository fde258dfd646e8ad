/*
 * sharded.c
 *	  barq_sharded(), barq_sharded_sql() and barq_global_query().
 */
#include "sharded/sharded.h"

#include "base/settings.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "parser/parse_type.h"
#include "text_index/bm25global.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_sharded);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_sharded_sql);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_global_query);

/* ---- arguments ---- */

/* A text or a name, palloc'd; NULL for NULL. */
static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static char *
name_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(n)));
}

/* A number of rows. Raises ERRCODE_INVALID_PARAMETER_VALUE out of its range. */
static int
rows_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n) || PG_GETARG_INT32(n) < 1 || PG_GETARG_INT32(n) > BARQ_SHARDED_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d", name, BARQ_SHARDED_MOST_ROWS)));
	return PG_GETARG_INT32(n);
}

/* A weight. Raises ERRCODE_INVALID_PARAMETER_VALUE unless finite and not negative. */
static double
weight_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n) || !(PG_GETARG_FLOAT8(n) >= 0 && PG_GETARG_FLOAT8(n) <= 1e300))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a number that is not negative", name)));
	return PG_GETARG_FLOAT8(n);
}

/* Raise ERRCODE_FEATURE_NOT_SUPPORTED if an argument is given that only barq_hybrid() has. */
static void
refuse(const char *caller, const char *name, bool given)
{
	if (given)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s does not support %s over shards", caller, name),
				 errhint("Leave it out, ask for more rows (k), and choose among them in the statement around it.")));
}

/*
 * Read the arguments from the second one on, which barq_sharded() and
 * barq_sharded_sql() share; args->table is set. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE, and the errors of refuse(), barq_sharded_filter(),
 * barq_sharded_columns() and barq_sharded_check_group(). caller: the function's name, for messages.
 */
static void
read_args(FunctionCallInfo fcinfo, BarqShardedArgs *args, const char *caller)
{
	args->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	args->embedding = text_argument(fcinfo, 1);
	args->k = rows_argument(fcinfo, 3, "k");
	args->candidates = Max(rows_argument(fcinfo, 4, "candidates"), args->k);
	args->rrf_k = weight_argument(fcinfo, 5, "rrf_k");
	args->vector_weight = weight_argument(fcinfo, 6, "vector_weight");
	args->text_weight = weight_argument(fcinfo, 7, "text_weight");
	args->filter = text_argument(fcinfo, 8);
	if (args->filter != NULL)
		args->filter = barq_sharded_filter(args->table, args->filter,
										   PG_ARGISNULL(9) ? NULL : PG_GETARG_ARRAYTYPE_P(9), caller);
	args->vector_column = name_argument(fcinfo, 10);
	args->text_column = name_argument(fcinfo, 11);
	args->distance = text_argument(fcinfo, 12);
	args->group_by = name_argument(fcinfo, 13);
	refuse(caller, "boost", !PG_ARGISNULL(14));
	refuse(caller, "diversity", !PG_ARGISNULL(15) && PG_GETARG_FLOAT8(15) != 0);
	if (args->embedding == NULL && args->query == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("embedding and query are both NULL"),
				 errhint("Give one of them, or both.")));
	if (args->embedding != NULL && args->distance == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("distance must not be NULL")));
	barq_sharded_columns(args);
	if (args->group_by != NULL)
		barq_sharded_check_group(args);
}

/* ---- steps ---- */

/* Bytes that a statement of postgres_fdw's may take in the context of an error. */
#define MOST_CONTEXT	160

/*
 * The context of an error of a statement, palloc'd: `name` in place of the statement,
 * and of statements that were sent to shards only the beginning. Contexts of callers
 * follow the statement and stay as they are.
 */
static char *
short_context(const char *context, const char *sql, const char *name)
{
	const char *statement = strstr(context, sql);
	StringInfoData text;

	if (statement == NULL)
		return pstrdup(context);
	initStringInfo(&text);
	while (context < statement)
	{
		int			length = Min((int) strcspn(context, "\n"), (int) (statement - context));
		int			kept = length <= MOST_CONTEXT ? length :
			pg_mbcliplen(context, length, MOST_CONTEXT);

		appendBinaryStringInfo(&text, context, kept);
		if (kept < length)
			appendStringInfoString(&text, " ...");
		context += length;
		if (context < statement)
		{
			appendStringInfoChar(&text, '\n');
			context++;
		}
	}
	appendStringInfo(&text, "%s%s", name, statement + strlen(sql));
	return text.data;
}

/*
 * Run a statement by SPI, which is connected. Its errors are raised without its text,
 * which may be long: it names every column for each shard, and statistics of all words.
 */
static void
execute(const char *sql, const char *name)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "a search of shards returned no rows");
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (error->context != NULL)
			error->context = short_context(error->context, sql, name);
		if (error->internalquery != NULL && strcmp(error->internalquery, sql) == 0)
		{
			error->internalquery = NULL;
			error->internalpos = 0;
		}
		ReThrowError(error);
	}
	PG_END_TRY();
}

/*
 * The only value of a statement's only row, as text, in the current memory context of
 * before SPI_connect(), `context`. SPI is connected. Raises
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if it is NULL.
 */
static char *
gather(const BarqShardedArgs *args, List *shards, MemoryContext context)
{
	char	   *value = NULL;

	execute(barq_sharded_statistics_sql(args, shards, barq_global_caller()), "statistics of shards");
	if (SPI_processed == 1)
		value = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (value == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no shard has statistics of table \"%s\"", get_rel_name(args->table)),
				 errhint("Each shard needs a barq_bm25 index on the column.")));
	return MemoryContextStrdup(context, value);
}

/* Leave out shards that do not answer, if barq.allow_partial; true if any is. */
static bool
leave_out(List *shards)
{
	int			missing = barq_allow_partial ? barq_sharded_find_missing(shards) : 0;

	if (missing == list_length(shards))
		ereport(ERROR,
				(errcode(ERRCODE_CONNECTION_FAILURE),
				 errmsg("no shard answers"),
				 errhint("Look at the options of the foreign servers, and whether these servers run.")));
	return missing > 0;
}

/*
 * Run a search. Of groups there may be more than among the candidates: then the search is
 * repeated with four times as many, until there are k groups or all rows were candidates.
 */
static void
search(BarqShardedArgs *args, List *shards)
{
	for (;;)
	{
		int64		found = 0;
		bool		isnull;

		execute(barq_sharded_search_sql(args, shards), "search of shards");
		if (args->group_by == NULL || SPI_processed >= (uint64) args->k ||
			args->candidates >= BARQ_SHARDED_MOST_ROWS)
			return;
		if (SPI_processed > 0)
			found = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
												7, &isnull));
		if (found < args->candidates)
			return;
		SPI_freetuptable(SPI_tuptable);
		args->candidates = Min(args->candidates * 4, BARQ_SHARDED_MOST_ROWS);
	}
}

/* Put the rows of a search into the result, with `partial` as the last column. */
static void
put_rows(bool partial, Tuplestorestate *store, TupleDesc desc)
{
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[7];
		bool		nulls[7] = {false};

		for (int column = 0; column < 6; column++)
			values[column] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
										   column + 1, &nulls[column]);
		values[6] = BoolGetDatum(partial);
		tuplestore_putvalues(store, desc, values, nulls);
	}
}

/*
 * barq_sharded(item anyelement, embedding text, query text, k int, candidates int,
 * rrf_k float8, vector_weight float8, text_weight float8, filter text, filter_args
 * text[], vector_column name, text_column name, distance text, group_by name,
 * boost text, diversity float8) → TABLE(doc anyelement, score float8,
 * vector_rank int, text_rank int, vector_distance float8, text_score float8, partial boolean): the
 * best rows of a table over all its shards. Each ranking is merged over all shards, and
 * the merged rankings are fused. With the caller's rights. Raises the errors of
 * read_args(), barq_sharded_shards() and of the statements; with barq.allow_partial,
 * shards that cannot be reached are left out with a warning, and `partial` is true.
 */
Datum
barq_sharded(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = CurrentMemoryContext;
	BarqShardedArgs args = {0};
	List	   *shards;
	bool		partial;

	args.table = typeOrDomainTypeRelid(get_fn_expr_argtype(fcinfo->flinfo, 0));
	if (!OidIsValid(args.table))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("item is not of a table's row type"),
				 errhint("Write NULL::mytable.")));
	args.query = text_argument(fcinfo, 2);
	read_args(fcinfo, &args, "barq_sharded()");
	InitMaterializedSRF(fcinfo, 0);
	shards = barq_sharded_shards(args.table);
	SPI_connect();
	partial = leave_out(shards);
	if (args.query != NULL)
		args.query = gather(&args, shards, context);
	search(&args, shards);
	put_rows(partial, rsinfo->setResult, rsinfo->setDesc);
	SPI_finish();
	return (Datum) 0;
}

/*
 * barq_sharded_sql(item regclass, embedding text, query bm25global, …as
 * barq_sharded()) → text: the statement that barq_sharded() runs. Runs nothing.
 */
Datum
barq_sharded_sql(PG_FUNCTION_ARGS)
{
	BarqShardedArgs args = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	args.table = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(2))
		args.query = OidOutputFunctionCall(F_JSONB_OUT, PG_GETARG_DATUM(2));
	read_args(fcinfo, &args, "barq_sharded_sql()");
	PG_RETURN_TEXT_P(cstring_to_text(barq_sharded_search_sql(&args, barq_sharded_shards(args.table))));
}

/*
 * barq_global_query(item regclass, query text, text_column name) → bm25global: a query
 * with the statistics of all shards of a table. Raises what barq_sharded() raises.
 */
Datum
barq_global_query(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	BarqShardedArgs args = {0};
	List	   *shards;
	char	   *value;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	args.table = PG_GETARG_OID(0);
	args.schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	args.query = text_argument(fcinfo, 1);
	args.text_column = name_argument(fcinfo, 2);
	barq_sharded_columns(&args);
	shards = barq_sharded_shards(args.table);
	SPI_connect();
	(void) leave_out(shards);
	value = gather(&args, shards, context);
	SPI_finish();
	PG_RETURN_DATUM(OidInputFunctionCall(F_JSONB_IN, value, InvalidOid, -1));
}
