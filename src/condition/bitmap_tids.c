/*
 * bitmap_tids.c
 *	  Running a bitmap plan without a bitmap.
 *
 * A TIDBitmap of PostgreSQL is a hash table of heap pages, which is sorted by a comparison
 * function when it is read: for 34,000 TIDs of 17,000 pages it took two thirds of a search
 * within a condition (docs/performance.md, "Within the bitmap of another index"). The scans
 * of the plan belong to the executor's own nodes, which have evaluated their keys; here
 * their TIDs are read by amgettuple, in place of amgetbitmap, and sorted as numbers. Of
 * other methods than btree amgettuple may be slower than amgetbitmap, or missing.
 *
 * The nodes and their scans run in the executor's context of the query, as when
 * PostgreSQL runs them: a scan keeps what it allocates from one rescan to the next (btree
 * a context of array keys). TIDs are allocated in the caller's context.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "base/array.h"
#include "catalog/pg_am.h"
#include "condition/bitmap_tids.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "utils/rel.h"

#define RADIX_SORT	sort_tids
#define RADIX_TYPE	uint64
#define RADIX_KEY(e) (e)
#include "base/radix.h"

/* TIDs of a table, ascending when they are complete. */
typedef struct Tids
{
	Relation	heap;
	uint64	   *tids;
	Size		n;
	Size		space;
} Tids;

static bool read_plan(PlanState *plan, Tids *tids);

static inline Size
most_tids(void)
{
	return work_mem * (Size) 1024 / BARQ_BITMAP_TID_BYTES;
}

/* Whether all scans of a plan are of btree indexes and likely to fit into work_mem. */
static bool
is_readable(PlanState *plan)
{
	PlanState **children;
	int			n;

	switch (nodeTag(plan))
	{
		case T_BitmapIndexScanState:
			{
				BitmapIndexScanState *scan = castNode(BitmapIndexScanState, plan);

				return scan->biss_RelationDesc != NULL &&
					scan->biss_RelationDesc->rd_rel->relam == BTREE_AM_OID &&
					scan->biss_NumArrayKeys == 0 &&
					plan->plan->plan_rows <= (double) most_tids();
			}
		case T_BitmapAndState:
			children = castNode(BitmapAndState, plan)->bitmapplans;
			n = castNode(BitmapAndState, plan)->nplans;
			break;
		case T_BitmapOrState:
			children = castNode(BitmapOrState, plan)->bitmapplans;
			n = castNode(BitmapOrState, plan)->nplans;
			break;
		default:
			return false;
	}
	for (int i = 0; i < n; i++)
		if (!is_readable(children[i]))
			return false;
	return true;
}

/* Sort TIDs and leave out those that come twice. */
static void
put_in_order(Tids *tids)
{
	uint64	   *spare;
	uint64	   *sorted;
	Size		kept = 0;

	if (tids->n < 2)
		return;
	spare = palloc_extended(sizeof(uint64) * tids->n, MCXT_ALLOC_HUGE);
	sorted = sort_tids(tids->tids, spare, tids->n);
	for (Size i = 0; i < tids->n; i++)
		if (i == 0 || sorted[i] != sorted[kept - 1])
			sorted[kept++] = sorted[i];
	pfree(sorted == spare ? tids->tids : spare);
	tids->tids = sorted;
	tids->space = tids->n;
	tids->n = kept;
}

/* ExecReScan() in the context of the query. */
static void
rescan(PlanState *plan)
{
	MemoryContext old = MemoryContextSwitchTo(plan->state->es_query_cxt);

	ExecReScan(plan);
	MemoryContextSwitchTo(old);
}

/* The next TID of a scan, read in the context of the query; NULL at the end. */
static inline ItemPointer
next_tid(BitmapIndexScanState *node)
{
	MemoryContext old = MemoryContextSwitchTo(node->ss.ps.state->es_query_cxt);
	ItemPointer tid = index_getnext_tid(node->biss_ScanDesc, ForwardScanDirection);

	MemoryContextSwitchTo(old);
	return tid;
}

/* Read the TIDs of one scan, as MultiExecBitmapIndexScan() makes its bitmap. */
static bool
read_scan(BitmapIndexScanState *node, Tids *tids)
{
	IndexScanDesc scan = node->biss_ScanDesc;
	ItemPointer tid;

	if (!node->biss_RuntimeKeysReady && node->biss_NumRuntimeKeys != 0)
	{
		rescan(&node->ss.ps);
		if (!node->biss_RuntimeKeysReady)
			return true;		/* a key is NULL: no rows */
	}

	/* btree asserts that amgettuple has a table and, in 18, that amgetbitmap has none */
	scan->heapRelation = tids->heap;
	while ((tid = next_tid(node)) != NULL)
	{
		if ((tids->n & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		if (tids->n == most_tids())
		{
			scan->heapRelation = NULL;
			return false;
		}
		BARQ_ARRAY_RESERVE(tids->tids, tids->space, tids->n + 1, 1024);
		tids->tids[tids->n++] = ((uint64) ItemPointerGetBlockNumberNoCheck(tid) << 16) |
			ItemPointerGetOffsetNumberNoCheck(tid);
	}
	scan->heapRelation = NULL;
	put_in_order(tids);
	return true;
}

/* Leave out of `tids` those that `others` does not have. */
static void
intersect(Tids *tids, const Tids *others)
{
	Size		kept = 0;
	Size		at = 0;

	for (Size i = 0; i < tids->n; i++)
	{
		while (at < others->n && others->tids[at] < tids->tids[i])
			at++;
		if (at < others->n && others->tids[at] == tids->tids[i])
			tids->tids[kept++] = tids->tids[i];
	}
	tids->n = kept;
}

/* Read the children of a BitmapAnd; it ends where no TID is left, as PostgreSQL's does. */
static bool
read_and(BitmapAndState *node, Tids *tids)
{
	for (int i = 0; i < node->nplans; i++)
	{
		Tids		others = {.heap = tids->heap};

		if (!read_plan(node->bitmapplans[i], i == 0 ? tids : &others))
			return false;
		if (i > 0)
			intersect(tids, &others);
		if (others.tids != NULL)
			pfree(others.tids);
		if (tids->n == 0)
			break;
	}
	return true;
}

/* Read the children of a BitmapOr. */
static bool
read_or(BitmapOrState *node, Tids *tids)
{
	for (int i = 0; i < node->nplans; i++)
	{
		Tids		more = {.heap = tids->heap};

		if (!read_plan(node->bitmapplans[i], &more) || tids->n + more.n > most_tids())
			return false;
		BARQ_ARRAY_RESERVE(tids->tids, tids->space, tids->n + more.n, 1024);
		if (more.n > 0)
			memcpy(tids->tids + tids->n, more.tids, sizeof(uint64) * more.n);
		tids->n += more.n;
		if (more.tids != NULL)
			pfree(more.tids);
	}
	put_in_order(tids);
	return true;
}

/*
 * Read the TIDs of a readable plan, as MultiExecProcNode() runs it. False if there are too
 * many: scans have begun then.
 */
static bool
read_plan(PlanState *plan, Tids *tids)
{
	bool		complete;

	if (plan->chgParam != NULL)
		rescan(plan);
	if (plan->instrument != NULL)
		InstrStartNode(plan->instrument);
	switch (nodeTag(plan))
	{
		case T_BitmapIndexScanState:
			complete = read_scan(castNode(BitmapIndexScanState, plan), tids);
			break;
		case T_BitmapAndState:
			complete = read_and(castNode(BitmapAndState, plan), tids);
			break;
		default:
			complete = read_or(castNode(BitmapOrState, plan), tids);
			break;
	}

	/* PostgreSQL counts the rows of scans only */
	if (plan->instrument != NULL)
		InstrStopNode(plan->instrument, IsA(plan, BitmapIndexScanState) ? (double) tids->n : 0);
	return complete;
}

uint64 *
barq_bitmap_tids(PlanState *plan, Relation heap, uint64 *n)
{
	Tids		tids = {.heap = heap};

	if (!is_readable(plan))
		return NULL;
	if (!read_plan(plan, &tids))
	{
		rescan(plan);
		return NULL;
	}
	*n = tids.n;
	return tids.tids != NULL ? tids.tids : palloc(sizeof(uint64));
}
