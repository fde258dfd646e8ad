/*
 * heap_distance.c
 *	  The distance of one row, from the heap: for the few rows whose bound is not
 *	  precise enough. The executor computes the same for every row.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "am/heap_distance.h"
#include "am/scan_report.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "executor/executor.h"

struct BarqHeapDistance
{
	IndexScanDesc scan;
	IndexInfo  *info;
	EState	   *estate;
	TupleTableSlot *slot;
	IndexFetchTableData *fetch;
};

BarqHeapDistance *
barq_heap_distance_begin(IndexScanDesc scan)
{
	BarqHeapDistance *state = palloc(sizeof(BarqHeapDistance));

	state->scan = scan;
	state->info = BuildIndexInfo(scan->indexRelation);
	state->estate = CreateExecutorState();
	state->slot = table_slot_create(scan->heapRelation, NULL);
	state->fetch = BarqFetchBegin(scan->heapRelation);
	return state;
}

/* Read a row into state->slot, until let_go(). False if the scan's snapshot sees no such row. */
static bool
fetch_row(BarqHeapDistance *state, const ItemPointerData *tid)
{
	ItemPointerData at = *tid;
	bool		again = false;
	bool		all_dead = false;

	barq_heap_rows++;
	return table_index_fetch_tuple(state->fetch, &at, state->scan->xs_snapshot,
								   state->slot, &again, &all_dead);
}

static void
let_go(BarqHeapDistance *state)
{
	ExecClearTuple(state->slot);
	table_index_fetch_reset(state->fetch);
}

bool
barq_heap_sees(BarqHeapDistance *state, const ItemPointerData *tid)
{
	bool		found = fetch_row(state, tid);

	let_go(state);
	return found;
}

bool
barq_heap_value(BarqHeapDistance *state, const ItemPointerData *tid,
				BarqValueVisitor visit, void *arg)
{
	ExprContext *context = GetPerTupleExprContext(state->estate);
	MemoryContext old;
	Datum		values[INDEX_MAX_KEYS];
	bool		isnull[INDEX_MAX_KEYS];
	bool		found = fetch_row(state, tid);

	if (found)
	{
		old = MemoryContextSwitchTo(context->ecxt_per_tuple_memory);
		context->ecxt_scantuple = state->slot;
		FormIndexDatum(state->info, state->slot, state->estate, values, isnull);
		found = visit(arg, values, isnull);
		MemoryContextSwitchTo(old);
	}
	let_go(state);
	ResetExprContext(context);
	return found;
}

/* Argument of measure(). */
typedef struct Measure
{
	ScanKey		key;
	double		distance;
} Measure;

/* BarqValueVisitor: the distance of a value by the operator of an ORDER BY key. */
static bool
measure(void *arg, const Datum *values, const bool *isnull)
{
	Measure    *m = arg;

	if (isnull[0])
		return false;
	m->distance = DatumGetFloat8(FunctionCall2Coll(&m->key->sk_func, m->key->sk_collation,
												   values[0], m->key->sk_argument));
	return true;
}

bool
barq_heap_distance(BarqHeapDistance *state, const ItemPointerData *tid, double *distance)
{
	Measure		m = {&state->scan->orderByData[0], 0};
	bool		found = barq_heap_value(state, tid, measure, &m);

	*distance = m.distance;
	return found;
}

void
barq_heap_distance_end(BarqHeapDistance *state)
{
	table_index_fetch_end(state->fetch);
	ExecDropSingleTupleTableSlot(state->slot);
	FreeExecutorState(state->estate);
}
