/*
 * hybrid.c
 *	  barq_hybrid() and barq_rrf(): their arguments, and the steps of a call.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "hybrid/hybrid.h"
#include "text/text_query.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hybrid);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_rrf);

/* The arguments of barq_hybrid() in their order, without filter_args. */
enum
{
	ARG_ITEM,
	ARG_EMBEDDING,
	ARG_QUERY,
	ARG_K,
	ARG_CANDIDATES,
	ARG_RRF_K,
	ARG_VECTOR_WEIGHT,
	ARG_TEXT_WEIGHT,
	ARG_FILTER,
	ARG_VECTOR_COLUMN,
	ARG_TEXT_COLUMN,
	ARG_QUERY_SYNTAX,
	ARG_VECTOR_INDEX,
	ARG_TEXT_INDEX,
	NARGS
};

/* An argument of a call. */
typedef struct Argument
{
	Datum		value;
	bool		isnull;
	Oid			type;
} Argument;

/* Raise ERRCODE_NULL_VALUE_NOT_ALLOWED. */
pg_noreturn static void
raise_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be NULL", name)));
}

/*
 * A number of rows. Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for NULL,
 * ERRCODE_INVALID_PARAMETER_VALUE for a number below 1 or above
 * BARQ_HYBRID_MOST_ROWS.
 */
static int
rows_argument(const Argument *argument, const char *name)
{
	int			value;

	if (argument->isnull)
		raise_null(name);
	value = DatumGetInt32(argument->value);
	if (value < 1 || value > BARQ_HYBRID_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name,
						BARQ_HYBRID_MOST_ROWS, value)));
	return value;
}

/*
 * A weight, or rrf_k. Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for NULL,
 * ERRCODE_INVALID_PARAMETER_VALUE for a number that is negative or not finite.
 */
static double
weight_argument(const Argument *argument, const char *name)
{
	double		value;

	if (argument->isnull)
		raise_null(name);
	value = DatumGetFloat8(argument->value);
	if (!isfinite(value) || value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number and not negative", name)));
	return value;
}

/*
 * Raise ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE if the highest possible score is not
 * finite.
 */
static void
check_best_score(const BarqHybridArgs *args)
{
	double		best = 0;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (args->wanted[kind])
			best += barq_rrf_score(1, args->rrf_k, args->weight[kind]);
	if (!isfinite(best))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("vector_weight and text_weight are too large for a score to be finite"),
				 errhint("Divide both by the same number, which does not change the order of rows.")));
}

static const char *
name_argument(const Argument *argument)
{
	return argument->isnull ? NULL : pstrdup(NameStr(*DatumGetName(argument->value)));
}

static char *
text_argument(const Argument *argument)
{
	return argument->isnull ? NULL : TextDatumGetCString(argument->value);
}

/* Argument `number` of a call, with its type. */
static Argument
argument_at(FunctionCallInfo fcinfo, int number)
{
	Argument	argument = {PG_GETARG_DATUM(number), PG_ARGISNULL(number),
				get_fn_expr_argtype(fcinfo->flinfo, number)};

	return argument;
}

/* The number of the argument with a name; -1: filter_args. */
static int
argument_named(const char *name)
{
	static const char *const names[NARGS] = {
		"item", "embedding", "query", "k", "candidates", "rrf_k", "vector_weight",
		"text_weight", "filter", "vector_column", "text_column", "query_syntax",
		"vector_index", "text_index"};

	for (int i = 0; i < NARGS; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	if (strcmp(name, "filter_args") != 0)
		elog(ERROR, "barq_hybrid() has no argument \"%s\"", name);
	return -1;
}

/*
 * Set arguments[NARGS] and *filter_args from a call. The SQL functions differ in the
 * order of their arguments, which their names tell; arguments without a name are in
 * the order of the enum. Some functions have no filter_args.
 */
static void
collect_arguments(FunctionCallInfo fcinfo, Argument *arguments, Argument *filter_args)
{
	HeapTuple	function = SearchSysCache1(PROCOID, ObjectIdGetDatum(fcinfo->flinfo->fn_oid));
	Oid		   *types;
	char	  **names;
	char	   *modes;

	if (!HeapTupleIsValid(function))
		elog(ERROR, "cache lookup failed for function %u", fcinfo->flinfo->fn_oid);
	(void) get_func_arg_info(function, &types, &names, &modes);
	ReleaseSysCache(function);
	filter_args->isnull = true;
	for (int i = 0; i < PG_NARGS(); i++)
	{
		int			which = names[i][0] == '\0' ? i : argument_named(names[i]);

		*(which < 0 ? filter_args : &arguments[which]) = argument_at(fcinfo, i);
	}
}

/*
 * The text query in lenient syntax, palloc'd or the argument itself: a strict query
 * is checked, a plain one escaped. Errors of barq_query_syntax_by_name() and
 * barq_text_query_check_strict().
 */
static text *
read_query(const Argument *query, const Argument *syntax)
{
	text	   *words = DatumGetTextPP(query->value);
	char	   *name = text_argument(syntax);
	char	   *escaped;
	Size		length;

	if (name == NULL)
		raise_null("query_syntax");
	switch (barq_query_syntax_by_name(name))
	{
		case BARQ_SYNTAX_STRICT:
			barq_text_query_check_strict(VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words));
			break;
		case BARQ_SYNTAX_PLAIN:
			escaped = barq_text_query_escape(VARDATA_ANY(words), VARSIZE_ANY_EXHDR(words),
											 &length);
			words = cstring_to_text_with_len(escaped, length);
			break;
		case BARQ_SYNTAX_LENIENT:
			break;
	}
	return words;
}

/* Set args->filter and ->filter_args; an empty filter is none. */
static void
read_filter(const Argument *filter, const Argument *filter_args, BarqHybridArgs *args)
{
	if (!filter_args->isnull)
		args->filter_args = DatumGetArrayTypeP(filter_args->value);
	args->filter = text_argument(filter);
	if (args->filter != NULL && args->filter[0] == '\0')
		args->filter = NULL;
	if (args->filter == NULL && args->filter_args != NULL && ARR_NDIM(args->filter_args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args needs a filter")));
}

/* Set *args, palloc'd, from a call; raises errors of single arguments. */
static void
read_arguments(FunctionCallInfo fcinfo, BarqHybridArgs *args)
{
	Argument	from[NARGS];
	Argument	filter_args = {0};

	memset(args, 0, sizeof(*args));
	collect_arguments(fcinfo, from, &filter_args);
	args->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	args->row_type = from[ARG_ITEM].type;
	args->table = barq_hybrid_table(args->row_type);

	args->wanted[BARQ_LEG_VECTOR] = !from[ARG_EMBEDDING].isnull;
	args->wanted[BARQ_LEG_TEXT] = !from[ARG_QUERY].isnull;
	if (!args->wanted[BARQ_LEG_VECTOR] && !args->wanted[BARQ_LEG_TEXT])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("embedding and query must not both be NULL")));
	if (args->wanted[BARQ_LEG_VECTOR])
	{
		args->embedding = from[ARG_EMBEDDING].value;
		args->embedding_type = from[ARG_EMBEDDING].type;
	}
	if (args->wanted[BARQ_LEG_TEXT])
		args->query = read_query(&from[ARG_QUERY], &from[ARG_QUERY_SYNTAX]);

	/* fewer candidates than k could leave places of the result empty */
	args->k = rows_argument(&from[ARG_K], "k");
	args->candidates = Max(args->k, rows_argument(&from[ARG_CANDIDATES], "candidates"));
	args->rrf_k = weight_argument(&from[ARG_RRF_K], "rrf_k");
	args->weight[BARQ_LEG_VECTOR] = weight_argument(&from[ARG_VECTOR_WEIGHT], "vector_weight");
	args->weight[BARQ_LEG_TEXT] = weight_argument(&from[ARG_TEXT_WEIGHT], "text_weight");
	check_best_score(args);
	read_filter(&from[ARG_FILTER], &filter_args, args);
	args->column[BARQ_LEG_VECTOR] = name_argument(&from[ARG_VECTOR_COLUMN]);
	args->column[BARQ_LEG_TEXT] = name_argument(&from[ARG_TEXT_COLUMN]);
	args->index[BARQ_LEG_VECTOR] = name_argument(&from[ARG_VECTOR_INDEX]);
	args->index[BARQ_LEG_TEXT] = name_argument(&from[ARG_TEXT_INDEX]);
}

/* Rank, fuse, and put the rows into the result. */
static void
run(Relation table, const BarqHybridArgs *args, Tuplestorestate *store,
	TupleDesc desc)
{
	BarqHybridEntry *entry;

	SPI_connect();
	entry = barq_hybrid_prepare(table, args);
	PG_TRY();
	{
		BarqRanking rankings[BARQ_LEGS] = {{0}};
		BarqFusedHit *fused;
		int			nfused;

		for (int kind = 0; kind < BARQ_LEGS; kind++)
			if (args->wanted[kind])
				barq_hybrid_run_leg(table, entry, args, kind, &rankings[kind]);
		fused = barq_hybrid_fuse(rankings, args, &nfused);
		barq_hybrid_put_rows(table, entry, args, fused, nfused, store, desc);
	}
	PG_FINALLY();
	{
		barq_hybrid_release(entry);
	}
	PG_END_TRY();
	SPI_finish();
}

/*
 * barq_hybrid(item anyelement, embedding text, query text, k int,
 * candidates int, rrf_k float8, vector_weight float8, text_weight float8,
 * filter text, filter_args anycompatiblearray, vector_column name,
 * text_column name, query_syntax text, vector_index name, text_index name)
 * → TABLE(doc anyelement, score float8, vector_rank int, text_rank int).
 * The embedding may be of any type with an assignment cast to the column's.
 * filter_args may be missing, or at another place (sql/parts/50-hybrid.sql explains
 * why).
 */
Datum
barq_hybrid(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BarqHybridArgs args;
	Relation	table;

	read_arguments(fcinfo, &args);
	InitMaterializedSRF(fcinfo, 0);

	/* the lock is kept until the end of the transaction, like a statement's locks */
	table = relation_open(args.table, AccessShareLock);
	run(table, &args, rsinfo->setResult, rsinfo->setDesc);
	relation_close(table, NoLock);
	return (Datum) 0;
}

/*
 * barq_rrf(rank bigint, rrf_k float8, weight float8) → float8: the score of a rank;
 * 0 for NULL, that is, for a row that is not in the ranking.
 */
Datum
barq_rrf(PG_FUNCTION_ARGS)
{
	Argument	given[] = {argument_at(fcinfo, 1), argument_at(fcinfo, 2)};
	double		rrf_k = weight_argument(&given[0], "rrf_k");
	double		weight = weight_argument(&given[1], "weight");

	if (PG_ARGISNULL(0))
		PG_RETURN_FLOAT8(0);
	if (PG_GETARG_INT64(0) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rank must be at least 1, not %lld",
						(long long) PG_GETARG_INT64(0))));
	PG_RETURN_FLOAT8(barq_rrf_score(PG_GETARG_INT64(0), rrf_k, weight));
}
