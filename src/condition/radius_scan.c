/*
 * radius_scan.c
 *	  The custom scan of a search within a radius: the rows that the index finds, in the
 *	  order of the heap or of their distance.
 *
 * Rows come from barq_radius_run(), which knows of most of them that they are within the
 * radius. The condition is checked for the others only, so no other vector is read. In
 * the order of the distance, vectors are read where intervals of distances overlap.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "commands/explain.h"
#include "condition/radius.h"
#include "condition/search_node.h"
#include "condition/unread_key.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "storage/bufmgr.h"
#include "storage/predicate.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/spccache.h"
#include "vector_index/own_order.h"
#include "vector_index/radius.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

typedef struct RadiusState
{
	CustomScanState css;		/* the first member */
	ExprState  *condition;		/* as given, over the table */
	ExprState  *distance;		/* over the table */
	ExprState  *query;
	ExprState  *bound;
	bool		inclusive;
	bool		ordered;
	bool		unread;			/* sort keys are not computed */
	Relation	index;			/* NULL: only EXPLAIN */
	IndexFetchTableData *fetch;
	BarqRadiusSearch *search;
	int			ahead;			/* heap pages to prefetch */

	bool		started;		/* since the last rescan */
	MemoryContext context;		/* of the rows, reset by a rescan */
	int64		next;			/* of search->rows, where these are not ordered */
	int64		prefetched;
	BarqOrderQueue *queue;		/* where they are */
	double		radius;

	/* of all rescans */
	uint64		ncertain;		/* rows returned by their bounds alone */
	uint64		nchecked;		/* rows whose condition was checked */
	uint64		nremoved;		/* those of them that failed */
	uint64		nmeasured;		/* rows whose distance was computed for the order */
} RadiusState;

static const CustomExecMethods exec_methods;

/* A member of the plan's expressions. */
static List *
expressions(RadiusState *state, int which)
{
	return list_nth(castNode(CustomScan, state->css.ss.ps.plan)->custom_exprs, which);
}

/* The index that the search scans. */
static Oid
index_of(RadiusState *state)
{
	return linitial_oid(list_nth(castNode(CustomScan, state->css.ss.ps.plan)->custom_private,
								 BARQ_RADIUS_INDEX));
}

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	RadiusState *state = (RadiusState *) newNode(sizeof(RadiusState), T_CustomScanState);
	List	   *flags = list_nth(plan->custom_private, BARQ_RADIUS_FLAGS);

	state->css.methods = &exec_methods;
	state->inclusive = linitial_int(flags);
	state->ordered = lsecond_int(flags);
	return (Node *) state;
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	RadiusState *state = (RadiusState *) css;
	Relation	table = css->ss.ss_currentRelation;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	List	   *values = expressions(state, BARQ_RADIUS_VALUES);
	List	   *tlist = state->ordered ? barq_keys_read(estate->es_plannedstmt, plan) :
		plan->scan.plan.targetlist;

	state->unread = tlist != plan->scan.plan.targetlist;
	barq_search_use_table_slot(css, estate, tlist);
	state->condition = ExecInitQual(expressions(state, BARQ_RADIUS_CONDITION), &css->ss.ps);
	state->distance = ExecInitExpr(linitial(expressions(state, BARQ_RADIUS_DISTANCE)),
								   &css->ss.ps);
	state->query = ExecInitExpr(linitial(values), &css->ss.ps);
	state->bound = ExecInitExpr(lsecond(values), &css->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state->index = index_open(index_of(state), exec_rt_fetch(plan->scan.scanrelid, estate)->rellockmode);
	/* the access methods leave predicate locks to the server's index scans */
	PredicateLockRelation(state->index, estate->es_snapshot);
	state->fetch = BarqFetchBegin(table);
	state->ahead = get_tablespace_io_concurrency(table->rd_rel->reltablespace);
	state->search = barq_radius_begin();
	state->context = AllocSetContextCreate(estate->es_query_cxt, "barq radius rows",
										   ALLOCSET_DEFAULT_SIZES);
}

/* Put all rows found into the queue. */
static void
fill_queue(RadiusState *state)
{
	state->queue = barq_order_queue_create(state->context);
	for (int64 i = 0; i < state->search->nrows; i++)
	{
		const BarqRadiusRow *found = &state->search->rows[i];
		BarqOrderRow row = {found->tid, found->low, found->high};

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		/* not certain: the condition is checked, unless the queue learns the distance */
		if (!found->certain)
			row.high = get_float8_infinity();
		barq_order_queue_add(state->queue, &row);
	}
}

/* Evaluate query and bound, and search; no rows if one of them is NULL. */
static void
start(RadiusState *state)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;
	MemoryContext old;
	bool		no_query;
	bool		no_bound;
	Datum		query;
	Datum		bound;

	MemoryContextReset(state->context);
	old = MemoryContextSwitchTo(state->context);
	query = ExecEvalExpr(state->query, context, &no_query);
	bound = ExecEvalExpr(state->bound, context, &no_bound);
	state->search->nrows = 0;
	if (!no_query && !no_bound)
	{
		state->radius = DatumGetFloat8(bound);
		barq_radius_run(state->search, state->index, query, state->radius, state->inclusive);
	}
	if (state->ordered)
		fill_queue(state);
	MemoryContextSwitchTo(old);
	state->next = state->prefetched = 0;
	state->started = true;
}

/* Fetch the version of a row that the snapshot sees into the slot. */
static bool
fetch_row(RadiusState *state, const ItemPointerData *tid, TupleTableSlot *slot)
{
	ItemPointerData at = *tid;
	bool		again = false;

	CHECK_FOR_INTERRUPTS();
	return table_index_fetch_tuple(state->fetch, &at, state->css.ss.ps.state->es_snapshot,
								   slot, &again, NULL);
}

/* Whether the row in the slot meets the condition. */
static bool
passes(RadiusState *state, TupleTableSlot *slot)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQualAndReset(state->condition, context);
}

/* The same for a row that may be beyond the radius: counted. */
static bool
check(RadiusState *state, TupleTableSlot *slot)
{
	bool		result = passes(state, slot);

	state->nchecked++;
	state->nremoved += !result;
	return result;
}

/* Have the heap pages of the next rows read. */
static void
prefetch(RadiusState *state)
{
	const BarqRadiusSearch *search = state->search;
	BlockNumber last = InvalidBlockNumber;

	state->prefetched = Max(state->prefetched, state->next);
	if (state->prefetched > 0 && state->prefetched <= search->nrows)
		last = ItemPointerGetBlockNumber(&search->rows[state->prefetched - 1].tid);
	for (; state->prefetched < search->nrows && state->prefetched < state->next + state->ahead;
		 state->prefetched++)
	{
		BlockNumber block = ItemPointerGetBlockNumber(&search->rows[state->prefetched].tid);

		if (block != last)
			PrefetchBuffer(state->css.ss.ss_currentRelation, MAIN_FORKNUM, block);
		last = block;
	}
}

/* The next row in the order of the heap; an empty slot at the end. */
static TupleTableSlot *
next_in_heap(RadiusState *state, TupleTableSlot *slot)
{
	while (state->next < state->search->nrows)
	{
		const BarqRadiusRow *row;

		prefetch(state);
		row = &state->search->rows[state->next++];
		if (!fetch_row(state, &row->tid, slot))
			continue;
		if (row->certain)
		{
			state->ncertain++;
			return slot;
		}
		if (check(state, slot))
			return slot;
	}
	return ExecClearTuple(slot);
}

/* The distance of the row in the slot. */
static double
measure(RadiusState *state, TupleTableSlot *slot)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;
	bool		isnull;
	double		distance;

	context->ecxt_scantuple = slot;
	distance = DatumGetFloat8(ExecEvalExprSwitchContext(state->distance, context, &isnull));
	ResetExprContext(context);
	state->nmeasured++;
	return isnull ? get_float8_nan() : distance;
}

/* The next row in the order of the distance; an empty slot at the end. */
static TupleTableSlot *
next_in_order(RadiusState *state, TupleTableSlot *slot)
{
	BarqOrderRow row;
	BarqOrderAnswer answer;

	while ((answer = barq_order_queue_take(state->queue, get_float8_nan(), &row)) !=
		   BARQ_ORDER_WAIT)
	{
		if (!fetch_row(state, &row.tid, slot))
			continue;
		if (answer == BARQ_ORDER_OVERLAPS)
		{
			row.low = row.high = measure(state, slot);
			barq_order_queue_add(state->queue, &row);
			continue;
		}
		/* the upper end of a row that is not certain is infinite until it is measured */
		if (row.low != row.high && row.high < get_float8_infinity())
		{
			state->ncertain++;
			return slot;
		}
		if (check(state, slot))
			return slot;
	}
	return ExecClearTuple(slot);
}

/* ExecScanAccessMtd: the next row; an empty slot at the end. */
static TupleTableSlot *
next_row(ScanState *node)
{
	RadiusState *state = (RadiusState *) node;

	if (!state->started)
		start(state);
	return state->ordered ? next_in_order(state, node->ss_ScanTupleSlot) :
		next_in_heap(state, node->ss_ScanTupleSlot);
}

/* ExecScanRecheckMtd: whether a newer version of a row meets the condition. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return passes((RadiusState *) node, slot);
}

/* CustomExecMethods.ExecCustomScan */
static TupleTableSlot *
exec_scan(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

/* CustomExecMethods.ReScanCustomScan. Rows found are kept if no parameter has changed. */
static void
rescan(CustomScanState *css)
{
	RadiusState *state = (RadiusState *) css;

	if (css->ss.ps.chgParam != NULL || state->ordered)
		state->started = false;
	state->next = state->prefetched = 0;
	table_index_fetch_reset(state->fetch);
	ExecScanReScan(&css->ss);
}

/* CustomExecMethods.EndCustomScan */
static void
end_scan(CustomScanState *css)
{
	RadiusState *state = (RadiusState *) css;

	if (state->index == NULL)
		return;
	table_index_fetch_end(state->fetch);
	barq_radius_end(state->search, state->index);
	MemoryContextDelete(state->context);
	index_close(state->index, NoLock);
}

/* Show a property that counts, in text only if it is not 0. */
static void
show_count(const char *label, uint64 count, ExplainState *es)
{
	if (count > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyUInteger(label, NULL, count, es);
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	RadiusState *state = (RadiusState *) css;

	barq_search_show_index(index_of(state), es);
	barq_search_show(css, "Radius Cond", expressions(state, BARQ_RADIUS_CONDITION), ancestors, es);
	if (state->ordered)
		barq_search_show(css, "Order By", expressions(state, BARQ_RADIUS_DISTANCE), ancestors, es);
	barq_search_show_key(state->unread ? BARQ_KEY_UNREAD : BARQ_KEY_COMPUTED, es);
	if (!es->analyze || state->search == NULL)
		return;
	ExplainPropertyUInteger("Codes Scored", NULL, state->search->codes, es);
	if (state->search->lists > 0 || es->format != EXPLAIN_FORMAT_TEXT)
	{
		ExplainPropertyUInteger("Lists", NULL, state->search->lists, es);
		ExplainPropertyUInteger("Lists Skipped", NULL, state->search->lists_skipped, es);
	}
	ExplainPropertyUInteger("Rows by Bounds Alone", NULL, state->ncertain, es);
	ExplainPropertyUInteger("Rows Checked", NULL, state->nchecked, es);
	show_count("Rows Removed by Check", state->nremoved, es);
	show_count("Rows Measured for Order", state->nmeasured, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = BARQ_RADIUS_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

const CustomScanMethods barq_radius_scan_methods = {
	.CustomName = BARQ_RADIUS_NAME,
	.CreateCustomScanState = create_state,
};
