/*
 * handler.c
 *	  The access method handlers.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/text.h"
#include "commands/vacuum.h"
#include "fmgr.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hnsw_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_ivf_handler);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_handler);

/* What the access methods have in common. */
static IndexAmRoutine *
make_routine(void)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amoptsprocnum = 0;
	am->amcanorder = false;
	am->amcanorderbyop = true;
	am->amcanbackward = false;
	am->amcanunique = false;
	am->amcanmulticol = false;	/* filter columns are a later issue */
	am->amoptionalkey = true;	/* ORDER BY needs no WHERE */
	am->amsearcharray = false;
	am->amsearchnulls = false;
	am->amstorage = false;
	am->amclusterable = false;
	am->ampredlocks = false;
	am->amcanparallel = false;
	am->amcaninclude = false;
	am->amusemaintenanceworkmem = false;
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL |
		VACUUM_OPTION_PARALLEL_COND_CLEANUP;
	am->amkeytype = InvalidOid;

	am->ambulkdelete = barq_bulk_delete;
	am->amvacuumcleanup = barq_vacuum_cleanup;
	am->amcanreturn = NULL;
	am->amproperty = NULL;
	am->amadjustmembers = NULL;
	am->amgetbitmap = NULL;
	am->ammarkpos = NULL;
	am->amrestrpos = NULL;
	am->amestimateparallelscan = NULL;
	am->aminitparallelscan = NULL;
	am->amparallelrescan = NULL;
	return am;
}

/* And those of vectors. */
static IndexAmRoutine *
make_vector_routine(void)
{
	IndexAmRoutine *am = make_routine();

	am->amstrategies = 0;		/* ordering operators only, any number */
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
	am->amcostestimate = barq_vector_cost_estimate;
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

Datum
barq_bm25_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = make_routine();

	am->amstrategies = 3;
	am->amsupport = 0;
	am->ambuild = barq_text_build;
	am->ambuildempty = barq_text_build_empty;
	am->aminsert = barq_text_insert;
	am->amcostestimate = barq_text_cost_estimate;
	am->amoptions = barq_text_reloptions;
	am->ambuildphasename = barq_text_phase_name;
	am->amvalidate = barq_text_validate;
	am->ambeginscan = barq_text_begin_scan;
	am->amrescan = barq_text_rescan;
	am->amgettuple = barq_text_get_tuple;
	am->amgetbitmap = barq_text_get_bitmap;
	am->amendscan = barq_text_end_scan;
	PG_RETURN_POINTER(am);
}
