/*
 * handler.c
 *	  The access method handlers.
 */
#include "postgres.h"

#include "am/am.h"
#include "commands/vacuum.h"
#include "fmgr.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_hnsw_handler);

Datum
barq_hnsw_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amstrategies = 0;		/* ordering operators only, any number */
	am->amsupport = 1;
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

	am->ambuild = barq_hnsw_build;
	am->ambuildempty = barq_hnsw_build_empty;
	am->aminsert = barq_vector_insert;
	am->ambulkdelete = barq_bulk_delete;
	am->amvacuumcleanup = barq_vacuum_cleanup;
	am->amcanreturn = NULL;
	am->amcostestimate = barq_vector_cost_estimate;
	am->amoptions = barq_hnsw_reloptions;
	am->amproperty = NULL;
	am->ambuildphasename = barq_build_phase_name;
	am->amvalidate = barq_vector_validate;
	am->amadjustmembers = NULL;
	am->ambeginscan = barq_vector_begin_scan;
	am->amrescan = barq_vector_rescan;
	am->amgettuple = barq_vector_get_tuple;
	am->amgetbitmap = NULL;
	am->amendscan = barq_vector_end_scan;
	am->ammarkpos = NULL;
	am->amrestrpos = NULL;
	am->amestimateparallelscan = NULL;
	am->aminitparallelscan = NULL;
	am->amparallelrescan = NULL;

	PG_RETURN_POINTER(am);
}
