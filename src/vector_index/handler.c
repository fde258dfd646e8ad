/*
 * handler.c
 *	  The handlers of barq_hnsw and barq_ivf.
 */
#include "postgres.h"

#include "fmgr.h"
#include "vector_index/vector_index.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hnsw_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_ivf_handler);

/* The members that barq_hnsw and barq_ivf have in common; palloc'd. */
static IndexAmRoutine *
make_vector_routine(void)
{
	IndexAmRoutine *am = barq_am_routine();

	am->amstrategies = 0;		/* not the same for all classes */
	am->amsupport = 1;
	am->aminsert = barq_vector_insert;
	am->ambuildphasename = barq_build_phase_name;
	am->amvalidate = barq_vector_validate;
	am->ambeginscan = barq_vector_begin_scan;
	am->amrescan = barq_vector_rescan;
	am->amgettuple = barq_vector_get_tuple;
	am->amendscan = barq_vector_end_scan;
	return am;
}

Datum
barq_hnsw_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = make_vector_routine();

	am->ambuild = barq_hnsw_build;
	am->ambuildempty = barq_hnsw_build_empty;
	am->amcostestimate = barq_hnsw_cost_estimate;
	am->amoptions = barq_hnsw_reloptions;
	PG_RETURN_POINTER(am);
}

Datum
barq_ivf_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = make_vector_routine();

	am->ambuild = barq_ivf_build;
	am->ambuildempty = barq_ivf_build_empty;
	am->amcostestimate = barq_ivf_cost_estimate;
	am->amoptions = barq_ivf_reloptions;
	PG_RETURN_POINTER(am);
}
