/*
 * hybrid.c
 *	  barq_hybrid() and barq_rrf(): the steps of a call.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "hybrid/hybrid.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hybrid);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_rrf);

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
		BarqGroups *groups = args->group_by == NULL ? NULL : barq_groups_create(entry);
		bool		choose = groups != NULL || args->diversity > 0;
		BarqFusedHit *fused;
		int			nfused;
		int			most = args->k;

		barq_hybrid_run_legs(table, entry, args, groups, rankings);
		fused = barq_hybrid_fuse(rankings, args, &nfused);

		/* rows are chosen from a sorted list, in which ties are broken already */
		if (choose || args->expr[BARQ_EXPR_BOOST] != NULL)
			barq_hybrid_boost(table, entry, args, fused, &nfused);
		if (choose)
			most = nfused = barq_hybrid_select(entry, args,
											   groups == NULL ? 0 : barq_groups_count(groups),
											   fused, nfused);
		barq_hybrid_put_rows(table, entry, fused, nfused, most,
							 choose || args->expr[BARQ_EXPR_BOOST] != NULL, store, desc);
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
 * text_column name, query_syntax text, vector_index name, text_index name,
 * group_by name, per_group int, fusion text, diversity float8, boost text,
 * vector_candidates int, text_candidates int)
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

	barq_hybrid_read_args(fcinfo, &args);
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
	double		rrf_k = barq_hybrid_weight(PG_GETARG_DATUM(1), PG_ARGISNULL(1), "rrf_k");
	double		weight = barq_hybrid_weight(PG_GETARG_DATUM(2), PG_ARGISNULL(2), "weight");

	if (PG_ARGISNULL(0))
		PG_RETURN_FLOAT8(0);
	if (PG_GETARG_INT64(0) < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rank must be at least 1, not %lld",
						(long long) PG_GETARG_INT64(0))));
	PG_RETURN_FLOAT8(barq_rrf_score(PG_GETARG_INT64(0), rrf_k, weight));
}
