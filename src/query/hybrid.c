/*
 * hybrid.c
 *	  barq_hybrid() and barq_rrf(): arguments and the order of the steps.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "query/hybrid.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hybrid);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_rrf);

/* barq_hybrid's, as the SQL function has them */
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
	ARG_FILTER_ARGS,
	ARG_VECTOR_COLUMN,
	ARG_TEXT_COLUMN
};

pg_noreturn static void
must_not_be_null(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be NULL", name)));
}

static int
rows_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	int			value;

	if (PG_ARGISNULL(number))
		must_not_be_null(name);
	value = PG_GETARG_INT32(number);
	if (value < 1 || value > BARQ_HYBRID_MOST_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between 1 and %d, not %d", name,
						BARQ_HYBRID_MOST_ROWS, value)));
	return value;
}

static double
weight_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	double		value;

	if (PG_ARGISNULL(number))
		must_not_be_null(name);
	value = PG_GETARG_FLOAT8(number);
	if (!isfinite(value) || value < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a finite number and not negative", name)));
	return value;
}

static const char *
column_argument(FunctionCallInfo fcinfo, int number)
{
	return PG_ARGISNULL(number) ? NULL : pstrdup(NameStr(*PG_GETARG_NAME(number)));
}

static void
read_arguments(FunctionCallInfo fcinfo, BarqHybridArgs *args)
{
	memset(args, 0, sizeof(*args));
	args->row_type = get_fn_expr_argtype(fcinfo->flinfo, ARG_ITEM);
	args->table = barq_hybrid_table(args->row_type);

	args->wanted[BARQ_LEG_VECTOR] = !PG_ARGISNULL(ARG_EMBEDDING);
	args->wanted[BARQ_LEG_TEXT] = !PG_ARGISNULL(ARG_QUERY);
	if (!args->wanted[BARQ_LEG_VECTOR] && !args->wanted[BARQ_LEG_TEXT])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("embedding and query must not both be NULL")));
	if (args->wanted[BARQ_LEG_VECTOR])
	{
		args->embedding = PointerGetDatum(PG_DETOAST_DATUM(PG_GETARG_DATUM(ARG_EMBEDDING)));
		args->embedding_type = get_fn_expr_argtype(fcinfo->flinfo, ARG_EMBEDDING);
	}
	if (args->wanted[BARQ_LEG_TEXT])
		args->query = PG_GETARG_TEXT_PP(ARG_QUERY);

	/* a ranking shorter than the result would leave places empty */
	args->k = rows_argument(fcinfo, ARG_K, "k");
	args->candidates = Max(args->k, rows_argument(fcinfo, ARG_CANDIDATES, "candidates"));
	args->rrf_k = weight_argument(fcinfo, ARG_RRF_K, "rrf_k");
	args->weight[BARQ_LEG_VECTOR] = weight_argument(fcinfo, ARG_VECTOR_WEIGHT, "vector_weight");
	args->weight[BARQ_LEG_TEXT] = weight_argument(fcinfo, ARG_TEXT_WEIGHT, "text_weight");

	if (PG_ARGISNULL(ARG_FILTER_ARGS))
		must_not_be_null("filter_args");
	args->filter_args = PG_GETARG_ARRAYTYPE_P(ARG_FILTER_ARGS);
	if (!PG_ARGISNULL(ARG_FILTER))
		args->filter = text_to_cstring(PG_GETARG_TEXT_PP(ARG_FILTER));
	else if (ARR_NDIM(args->filter_args) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter_args needs a filter")));
	args->column[BARQ_LEG_VECTOR] = column_argument(fcinfo, ARG_VECTOR_COLUMN);
	args->column[BARQ_LEG_TEXT] = column_argument(fcinfo, ARG_TEXT_COLUMN);
}

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
 * filter text, filter_args text[], vector_column name, text_column name)
 * → TABLE(doc anyelement, score float8, vector_rank int, text_rank int).
 * The embedding may also be a vector or a halfvec.
 */
Datum
barq_hybrid(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BarqHybridArgs args;
	Relation	table;

	read_arguments(fcinfo, &args);
	InitMaterializedSRF(fcinfo, 0);

	/* kept until the end of the transaction, as a statement's locks are */
	table = relation_open(args.table, AccessShareLock);
	run(table, &args, rsinfo->setResult, rsinfo->setDesc);
	relation_close(table, NoLock);
	return (Datum) 0;
}

/*
 * barq_rrf(rank bigint, rrf_k float8, weight float8) → float8: what a rank adds
 * to a row's score; nothing if the row is not in the ranking (NULL).
 */
Datum
barq_rrf(PG_FUNCTION_ARGS)
{
	double		rrf_k = weight_argument(fcinfo, 1, "rrf_k");
	double		weight = weight_argument(fcinfo, 2, "weight");

	if (PG_ARGISNULL(0))
		PG_RETURN_FLOAT8(0);
	if (PG_GETARG_INT64(0) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rank must be at least 1, not %lld",
						(long long) PG_GETARG_INT64(0))));
	PG_RETURN_FLOAT8(barq_rrf_score(PG_GETARG_INT64(0), rrf_k, weight));
}
