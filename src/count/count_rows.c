/*
 * count_rows.c
 *	  The rows that match a text query and that a snapshot sees, without the table where
 *	  the visibility map allows (invariants N1 to N4 of the README).
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "base/settings.h"
#include "base/steps.h"
#include "count/count.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "text_index/text_scan.h"
#include "utils/rel.h"

/* Searches that believe the visibility map before one that asks the table for each row. */
#define MAP_ATTEMPTS	4

typedef struct Counting
{
	IndexScanState *scan;
	BarqTextScan *ts;
	const BarqCountVisitor *visitor;
	Relation	table;
	Snapshot	snapshot;
	bool		use_map;

	Buffer		map;			/* the page of the visibility map looked at last */
	BlockNumber block;			/* the page of the table that it was asked about last */
	bool		visible;		/* and its answer */
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;

	/* of this search */
	uint64		epoch;			/* dead epoch of the index that was read */
	uint64		by_map;
	uint64		fetched;
	uint64		rows;
} Counting;

/* Does the snapshot see a row, which meets the conditions if `recheck`? Reads the table. */
static bool
is_visible(Counting *c, const ItemPointerData *tid, bool recheck)
{
	ExprContext *context = c->scan->ss.ps.ps_ExprContext;
	ItemPointerData at = *tid;
	bool		again = false;

	CHECK_FOR_INTERRUPTS();
	c->fetched++;
	if (!table_index_fetch_tuple(c->fetch, &at, c->snapshot, c->slot, &again, NULL))
		return false;
	if (!recheck)
		return true;
	context->ecxt_scantuple = c->slot;
	return ExecQualAndReset(c->scan->indexqualorig, context);
}

/*
 * Is the row's page all-visible? Then the row is visible to every snapshot, unless VACUUM
 * has removed it since the index was read, which a changed dead epoch tells (N1).
 */
static bool
is_all_visible(Counting *c, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);

	if (block != c->block)
	{
		c->block = block;
		c->visible = VM_ALL_VISIBLE(c->table, block, &c->map);

		/* the table is not read, so its predicate lock is taken here (N3) */
		if (c->visible)
			PredicateLockPage(c->table, block, c->snapshot);
	}
	return c->visible;
}

/* BarqRowsVisitor: pass the visible ones on. */
static void
visit(void *arg, BarqMatchedRows *rows)
{
	Counting   *c = arg;
	bool		recheck = rows->recheck || c->ts->recheck;
	uint32		kept = 0;

	for (uint32 i = 0; i < rows->n; i++)
	{
		if (!recheck && c->use_map && is_all_visible(c, &rows->tids[i]))
			c->by_map++;
		else if (!is_visible(c, &rows->tids[i], recheck))
			continue;
		rows->tids[kept] = rows->tids[i];
		if (rows->view != NULL)
			rows->rows[kept] = rows->rows[i];
		kept++;
	}
	rows->n = kept;
	c->rows += kept;
	if (kept > 0)
		c->visitor->rows(c->visitor->arg, rows);
}

/* BarqTextWork: find the rows of one state of the index. */
static void
find(BarqTextState *state, void *arg)
{
	Counting   *c = arg;

	c->epoch = state->snapshot->dead_epoch;
	c->by_map = c->fetched = c->rows = 0;
	c->block = InvalidBlockNumber;
	c->visitor->start(c->visitor->arg);
	barq_scan_report_segments(c->ts->report, state->index, state->snapshot);
	barq_step("count: index read");
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqRowFilter filter;

		if (barq_text_scan_rows(state, c->ts, i, 0, &filter))
			barq_bm25_match(&state->views[i], c->ts->query, filter.skip, visit, c);
	}
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_match(state->log, c->ts->query, c->ts->condition, visit, c);
	barq_step("count: map read");
}

/* The scan's descriptor, begun as IndexScan does, and its keys read. */
static BarqTextScan *
start_scan(IndexScanState *scan)
{
	BarqTextScan *ts;

	if (scan->ss.ps.chgParam != NULL ||
		(scan->iss_NumRuntimeKeys != 0 && !scan->iss_RuntimeKeysReady))
		ExecReScan(&scan->ss.ps);
	if (scan->iss_ScanDesc == NULL)
	{
		scan->iss_ScanDesc = BarqIndexBeginScan(scan->ss.ss_currentRelation, scan->iss_RelationDesc,
												scan->ss.ps.state->es_snapshot,
												scan->iss_NumScanKeys, scan->iss_NumOrderByKeys);
		index_rescan(scan->iss_ScanDesc, scan->iss_ScanKeys, scan->iss_NumScanKeys,
					 scan->iss_OrderByKeys, scan->iss_NumOrderByKeys);
	}
	ts = scan->iss_ScanDesc->opaque;
	return ts;
}

/* Search until no VACUUM came between the index and the visibility map. */
static void
search(Counting *c, BarqCountReport *report)
{
	Relation	index = c->scan->iss_RelationDesc;

	for (int attempt = 1;; attempt++)
	{
		BarqMeta	meta;

		c->use_map = attempt <= MAP_ATTEMPTS;
		barq_text_with_state(index, find, c);
		if (c->by_map == 0)
			break;
		barq_meta_read(index, &meta);
		if (meta.dead_epoch == c->epoch)
			break;
		report->repeats++;
	}
	report->by_map += c->by_map;
	report->fetched += c->fetched;
	report->rows += c->rows;
	pgstat_count_index_tuples(index, (PgStat_Counter) (c->by_map + c->fetched));
}

bool
barq_count_rows(IndexScanState *scan, const BarqCountVisitor *visitor, BarqCountReport *report)
{
	Counting	c = {
		.scan = scan, .ts = start_scan(scan), .visitor = visitor,
		.table = scan->ss.ss_currentRelation,
		.snapshot = scan->ss.ps.state->es_snapshot,
		.map = InvalidBuffer
	};

	barq_scan_report_enter(c.ts->report);
	if (!c.ts->started)
		barq_text_scan_start(scan->iss_ScanDesc, c.ts);
	barq_scan_report_leave(c.ts->report);
	if (!c.ts->nothing && (c.ts->query == NULL || c.ts->ranked || c.ts->thresholds != NIL))
	{
		index_rescan(scan->iss_ScanDesc, scan->iss_ScanKeys, scan->iss_NumScanKeys,
					 scan->iss_OrderByKeys, scan->iss_NumOrderByKeys);
		return false;
	}
	visitor->start(visitor->arg);
	if (c.ts->nothing)
		return true;

	c.fetch = BarqFetchBegin(c.table);
	c.slot = scan->ss.ss_ScanTupleSlot;
	barq_scan_report_enter(c.ts->report);
	search(&c, report);
	barq_scan_report_leave(c.ts->report);
	ExecClearTuple(c.slot);
	table_index_fetch_end(c.fetch);
	if (c.map != InvalidBuffer)
		ReleaseBuffer(c.map);
	return true;
}
