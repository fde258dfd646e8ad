/*
 * scan_rest.c
 *	  The end of an index scan over vectors: rows without a key.
 *
 * They are read from a snapshot of their own, which is taken when all others
 * were returned. A row that was visible all the time has no key now as then.
 */
#include "postgres.h"

#include "vector_index/scan_rounds.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Read at a time. */
#define REST_BATCH	256

typedef struct ScanRest
{
	MemoryContext context;		/* of walk and snapshot, a child of the scan's */
	BarqMeta	meta;
	BarqKeylessWalk *walk;		/* NULL: to be begun */
	BarqKeyless keyless;		/* of the batch */
	ItemPointerData tids[REST_BATCH];
	int			n;
	int			at;
} ScanRest;

/* The next batch; false if the index was changed under it: begin again. */
static bool
read_batch(IndexScanDesc scan, ScanRest *rest)
{
	MemoryContext old = MemoryContextSwitchTo(rest->context);

	if (rest->walk == NULL)
	{
		BarqSnapshot *snapshot = barq_snapshot_get(scan->indexRelation, &rest->meta, true,
												   rest->context);

		rest->walk = barq_keyless_begin(scan->indexRelation, snapshot, &rest->meta,
										barq_consistency != BARQ_CONSISTENCY_SEALED);
	}
	rest->n = barq_keyless_next(rest->walk, &rest->keyless, rest->tids, REST_BATCH);
	rest->at = 0;
	MemoryContextSwitchTo(old);
	return rest->n >= 0;
}

/*
 * The same, begun again where a page was re-used (scan_rounds.c), without what
 * was emitted before.
 */
static void
next_batch(IndexScanDesc scan, VectorScan *vs)
{
	MemoryContext old = CurrentMemoryContext;
	ScanRest   *rest = vs->rest;
	uint64		failed_version = 0;

	for (;;)
	{
		volatile bool ok = false;

		CHECK_FOR_INTERRUPTS();
		PG_TRY();
		{
			ok = read_batch(scan, rest);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(old);
			if (geterrcode() != ERRCODE_BARQ_SEGMENT_GONE)
				PG_RE_THROW();
			FlushErrorState();
		}
		PG_END_TRY();
		if (ok)
			return;
		barq_meta_check_moved(scan->indexRelation, rest->meta.directory_version,
							  &failed_version);
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
		vs->rest->context = AllocSetContextCreate(vs->context, "barq scan rest",
												  ALLOCSET_DEFAULT_SIZES);
		next_batch(scan, vs);
	}
	for (;;)
	{
		while (vs->rest->at < vs->rest->n)
		{
			*tid = vs->rest->tids[vs->rest->at++];
			*keyless = vs->rest->keyless;
			if (vs->skip != NULL && tidset_lookup(vs->skip, *tid) != NULL)
				continue;
			barq_scan_remember(vs, tid);
			return true;
		}
		if (vs->rest->n == 0)
			return false;
		next_batch(scan, vs);
	}
}
