/*
 * text_handler.c
 *	  The access method barq_bm25: its callbacks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "text_index/text_index.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_handler);

/* barq_bm25_handler(internal) → index_am_handler */
Datum
barq_bm25_handler(PG_FUNCTION_ARGS)
{
	IndexAmRoutine *am = barq_am_routine();

	am->amstrategies = 0;		/* not the same for all classes */
	am->amsupport = BARQ_TEXT_LANGUAGE_PROC;
	am->amoptsprocnum = BARQ_TEXT_OPTIONS_PROC;
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
