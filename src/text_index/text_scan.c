/*
 * text_scan.c
 *	  Index scans over text: ORDER BY <@>, WHERE @@@, or both at once.
 *
 * A scan for @@@ alone finds all its rows at the first call, as does one for
 * `<@> query < 0`. With a lower bound (`<@> query <= -2`) rows come as in a
 * ranking (text_scan_ranked.c), and the scan ends at the first that exceeds the
 * bound.
 */
#include "postgres.h"

#include "access/table.h"
#include "base/array.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/bufmgr.h"
#include "text_index/text_scan.h"
#include "utils/memutils.h"
#include "utils/rel.h"

IndexScanDesc
barq_text_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	BarqTextScan *ts = palloc0(sizeof(BarqTextScan));

	ts->report = barq_scan_report_begin();
	ts->owner = CurrentMemoryContext;
	ts->context = AllocSetContextCreate(CurrentMemoryContext, "barq scan",
										ALLOCSET_DEFAULT_SIZES);
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
		memset(scan->xs_orderbynulls, true, sizeof(bool) * norderbys);
	}
	scan->opaque = ts;
	return scan;
}

/* Close the table that rows were checked against. */
static void
end_heap(BarqTextScan *ts)
{
	if (ts->heap != NULL)
		barq_heap_distance_end(ts->heap);
	ts->heap = NULL;
}

void
barq_text_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
				 ScanKey orderbys, int norderbys)
{
	BarqTextScan *ts = scan->opaque;
	BarqScanReport *report = ts->report;
	MemoryContext owner = ts->owner;
	MemoryContext context = ts->context;
	BarqRowSource *outer = ts->outer;

	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));
	end_heap(ts);
	MemoryContextReset(context);
	memset(ts, 0, sizeof(*ts));
	ts->report = report;
	ts->owner = owner;
	ts->context = context;
	ts->outer = outer;
}

void
barq_text_scan_admit(IndexScanDesc scan, BarqRowSource *source)
{
	((BarqTextScan *) scan->opaque)->outer = source;
}

void
barq_text_end_scan(IndexScanDesc scan)
{
	BarqTextScan *ts = scan->opaque;

	end_heap(ts);
	MemoryContextDelete(ts->context);
	barq_scan_report_end(ts->report, scan->indexRelation);
	pfree(ts);
	scan->opaque = NULL;
}

/* ---- rows in any order ---- */

/* BarqRowsVisitor: keep matching rows in the scan's context. */
static void
add_rows(void *arg, BarqMatchedRows *rows)
{
	BarqTextScan *ts = arg;
	uint32		n = rows->n;
	MemoryContext old = MemoryContextSwitchTo(ts->context);

	BARQ_ARRAY_RESERVE(ts->tids, ts->tids_space, ts->ntids + n, 1024);
	BARQ_ARRAY_RESERVE(ts->rechecks, ts->rechecks_space, ts->ntids + n, 1024);
	MemoryContextSwitchTo(old);
	memcpy(ts->tids + ts->ntids, rows->tids, sizeof(ItemPointerData) * n);
	memset(ts->rechecks + ts->ntids, rows->recheck, sizeof(bool) * n);
	ts->ntids += n;
}

bool
barq_text_scan_rows(BarqTextState *state, BarqTextScan *ts, uint32 segment, uint32 list_below,
					BarqRowFilter *filter)
{
	memset(filter, 0, sizeof(*filter));
	if (ts->source == NULL)
	{
		filter->skip = state->snapshot->segments[segment].dead;
		return true;
	}
	ts->source->segment(ts->source, state->index, state->snapshot, segment,
						&state->views[segment], list_below, filter);
	return filter->rows == NULL || filter->count > 0;
}

/* BarqTextWork: find all rows that match. */
static void
find_matches(BarqTextState *state, void *arg)
{
	BarqTextScan *ts = arg;

	barq_scan_report_segments(ts->report, state->index, state->snapshot);
	ts->ntids = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqRowFilter filter;

		if (barq_text_scan_rows(state, ts, i, 0, &filter))
			barq_bm25_match(&state->views[i], ts->query, filter.skip, add_rows, ts);
	}
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_match(state->log, ts->query, ts->condition, add_rows, ts);
}

/*
 * What amgettuple does, without counting in the scan's report: set the next row,
 * or return false after the last one. Raises ERRCODE_FEATURE_NOT_SUPPORTED for a
 * scan without keys and ORDER BY, and the errors of barq_text_scan_start().
 */
static bool
next_row(IndexScanDesc scan, BarqTextScan *ts)
{
	if (scan->numberOfOrderBys == 0 && !barq_text_has_query(scan))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without a query",
						RelationGetRelationName(scan->indexRelation))));
	if (!ts->started)
	{
		barq_text_scan_start(scan, ts);
		if (!ts->nothing && !ts->ranked && ts->sort == NULL)
			barq_text_with_state(scan->indexRelation, find_matches, ts);
	}
	if (ts->nothing)
		return false;
	if (ts->sort != NULL)
		return barq_text_scan_next_sorted(scan, ts);
	if (ts->ranked)
		return barq_text_scan_next_ranked(scan, ts);
	if (ts->at == ts->ntids)
		return false;
	scan->xs_heaptid = ts->tids[ts->at];
	scan->xs_recheck = ts->rechecks[ts->at++] || ts->thresholds != NIL || ts->recheck;
	return true;
}

bool
barq_text_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	BarqTextScan *ts = scan->opaque;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	barq_scan_report_enter(ts->report);
	found = next_row(scan, ts);
	barq_scan_report_leave(ts->report);
	return found;
}

/* Add all pages of the table, whose rows the executor then checks. */
static int64
add_all_pages(IndexScanDesc scan, TIDBitmap *bitmap)
{
	Relation	heap = table_open(scan->indexRelation->rd_index->indrelid, NoLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);

	for (BlockNumber block = 0; block < blocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		tbm_add_page(bitmap, block);
	}
	table_close(heap, NoLock);
	return blocks;
}

/*
 * Add the rows that conditions on filter columns admit, for a scan without a query. The
 * planner makes such a bitmap of the path of an ordered scan, where the conditions on the
 * text must wait for a policy of row security.
 */
static int64
add_admitted(IndexScanDesc scan, BarqTextScan *ts, TIDBitmap *bitmap)
{
	int64		n = 0;

	/* each batch reads all segments */
	ts->batch = barq_text_largest_batch();
	while (barq_text_scan_next_ranked(scan, ts))
	{
		tbm_add_tuples(bitmap, &scan->xs_heaptid, 1, scan->xs_recheck);
		n++;
	}
	return n;
}

int64
barq_text_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap)
{
	BarqTextScan *ts = scan->opaque;
	bool		recheck;

	if (!barq_text_scan_answers(scan))
		return add_all_pages(scan, bitmap);
	if (!ts->started)
		barq_text_scan_start(scan, ts);
	if (ts->nothing)
		return 0;
	if (ts->query == NULL && ts->condition == NULL)
		return add_all_pages(scan, bitmap);
	if (ts->query == NULL)
	{
		int64		n;

		barq_scan_report_enter(ts->report);
		n = add_admitted(scan, ts, bitmap);
		barq_scan_report_leave(ts->report);
		return n;
	}
	recheck = ts->thresholds != NIL || ts->recheck || (ts->bounded && ts->bound < 0);
	barq_scan_report_enter(ts->report);
	barq_text_with_state(scan->indexRelation, find_matches, ts);
	barq_scan_report_leave(ts->report);
	for (uint64 i = 0; i < ts->ntids;)
	{
		uint64		n = 1;

		while (i + n < ts->ntids && n < 1024 && ts->rechecks[i + n] == ts->rechecks[i])
			n++;
		CHECK_FOR_INTERRUPTS();
		tbm_add_tuples(bitmap, ts->tids + i, (int) n, ts->rechecks[i] || recheck);
		i += n;
	}
	return (int64) ts->ntids;
}
