/*
 * scan_rest.c
 *	  The end of an index scan over vectors: rows without a key.
 *
 * These rows are read from a snapshot of the index of their own, which is taken
 * when all other rows are returned. No row is lost by that: a row visible to the
 * query has no key in any later snapshot either.
 */
#include "postgres.h"

#include "vector_index/scan_rounds.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows are read this many at a time. */
#define REST_BATCH	256

/* The state of reading rows without a key; in the scan's memory context. */
typedef struct ScanRest
{
	Relation	index;
	MemoryContext context;		/* of walk and snapshot, a child of the scan's */
	BarqMeta	meta;			/* with which the snapshot was taken */
	BarqKeylessWalk *walk;		/* NULL: not begun */
	const BarqFilterCondition *condition;	/* of the scan, or NULL */
	BarqKeyless keyless;		/* of the batch */
	ItemPointerData tids[REST_BATCH];
	int			n;				/* TIDs in the batch */
	int			at;				/* the next of them */
} ScanRest;

/*
 * Read the next batch into the ScanRest `arg`, empty at the end; begins the walk
 * if there is none. Leaves rest->context the current memory context. Returns
 * false, or raises ERRCODE_BARQ_SEGMENT_GONE, if pages were re-used meanwhile:
 * the walk has to begin again.
 */
static bool
read_batch(void *arg)
{
	ScanRest   *rest = arg;

	MemoryContextSwitchTo(rest->context);
	if (rest->walk == NULL)
	{
		BarqSnapshot *snapshot = barq_snapshot_get(rest->index, &rest->meta, true,
												   rest->context);

		rest->walk = barq_keyless_begin(rest->index, snapshot, &rest->meta,
										barq_consistency != BARQ_CONSISTENCY_SEALED);
		if (rest->condition != NULL)
			barq_keyless_filter(rest->walk, rest->condition);
	}
	rest->n = barq_keyless_next(rest->walk, &rest->keyless, rest->tids, REST_BATCH);
	rest->at = 0;
	return rest->n >= 0;
}

/*
 * Read the next batch. If pages were re-used, the walk begins again and rows
 * already emitted are skipped (see barq_scan_advance).
 */
static void
next_batch(VectorScan *vs)
{
	ScanRest   *rest = vs->rest;
	uint64		failed_version = 0;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (barq_try_reading(read_batch, rest))
			return;
		barq_meta_check_moved(rest->index, rest->meta.directory_version, &failed_version);
		rest->walk = NULL;
		MemoryContextReset(rest->context);
		barq_scan_skip_emitted(vs);
	}
}

bool
barq_scan_next_keyless(IndexScanDesc scan, VectorScan *vs, ItemPointerData *tid,
					   BarqKeyless *keyless)
{
	if (vs->rest == NULL)
	{
		vs->rest = MemoryContextAllocZero(vs->context, sizeof(ScanRest));
		vs->rest->index = scan->indexRelation;
		vs->rest->condition = vs->conditions.filters;
		vs->rest->context = AllocSetContextCreate(vs->context, "barq scan rest",
												  ALLOCSET_DEFAULT_SIZES);
		next_batch(vs);
	}
	for (;;)
	{
		while (vs->rest->at < vs->rest->n)
		{
			*tid = vs->rest->tids[vs->rest->at++];
			*keyless = vs->rest->keyless;
			if (*keyless == BARQ_KEYLESS_NULL ? vs->conditions.no_nulls : vs->conditions.only_nulls)
				continue;
			if (vs->conditions.source != NULL &&
				!vs->conditions.source->row(vs->conditions.source, tid, NULL))
				continue;
			if (vs->returned.skip != NULL && tidset_lookup(vs->returned.skip, *tid) != NULL)
				continue;
			barq_scan_remember(vs, tid);
			return true;
		}
		if (vs->rest->n == 0)
			return false;
		next_batch(vs);
	}
}
