/*
 * ordered_scan.c
 *	  The custom scan without a bitmap: searches an index of vectors, puts rows in exact
 *	  order, and leaves out a sort key that nothing in the plan reads.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/scan_report.h"
#include "condition/condition.h"
#include "condition/search_node.h"
#include "condition/unread_key.h"
#include "executor/executor.h"

typedef struct OrderedState
{
	CustomScanState css;		/* the first member */
	BarqSearchNode search;
	bool		unread;			/* the sort key is not computed */
	bool		started;		/* since the last rescan */
} OrderedState;

static const CustomExecMethods exec_methods;

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	OrderedState *state = (OrderedState *) newNode(sizeof(OrderedState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

/* The index that the search scans. */
static Oid
index_of(CustomScanState *css)
{
	return linitial_oid(linitial(castNode(CustomScan, css->ss.ps.plan)->custom_private));
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	OrderedState *state = (OrderedState *) css;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	List	   *tlist = barq_keys_read(estate->es_plannedstmt, plan);

	state->unread = tlist != plan->scan.plan.targetlist;
	barq_search_use_table_slot(css, estate, tlist);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		barq_search_open(&state->search, css, index_of(css),
						 list_nth(plan->custom_exprs, BARQ_ORDERED_ORDERBYS),
						 list_nth(plan->custom_exprs, BARQ_ORDERED_KEYS));
}

/* ExecScanAccessMtd: the next row of the search; an empty slot at the end. */
static TupleTableSlot *
next_row(ScanState *node)
{
	OrderedState *state = (OrderedState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	if (!state->started)
		barq_search_start(&state->search, &state->css, NULL);
	state->started = true;
	while (barq_search_next(&state->search) != NULL)
		if (index_fetch_heap(state->search.scan, slot))
			return slot;
	return ExecClearTuple(slot);
}

/* ExecScanRecheckMtd: the filter of the plan has the search's conditions too. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

/* CustomExecMethods.ExecCustomScan */
static TupleTableSlot *
exec_scan(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

/* CustomExecMethods.ReScanCustomScan */
static void
rescan(CustomScanState *css)
{
	((OrderedState *) css)->started = false;
	ExecScanReScan(&css->ss);
}

/* CustomExecMethods.EndCustomScan */
static void
end_scan(CustomScanState *css)
{
	barq_search_close(&((OrderedState *) css)->search);
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	OrderedState *state = (OrderedState *) css;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);

	barq_search_show_index(index_of(css), es);
	barq_search_show(css, "Order By", list_nth(plan->custom_exprs, BARQ_ORDERED_SHOWN), ancestors, es);
	if (list_nth(plan->custom_exprs, BARQ_ORDERED_SHOWN_KEYS) != NIL)
		barq_search_show(css, "Index Cond", list_nth(plan->custom_exprs, BARQ_ORDERED_SHOWN_KEYS),
						 ancestors, es);
	barq_search_show_unread(state->unread, es);
	if (es->analyze && state->search.scan != NULL)
		ExplainPropertyUInteger("Vectors Read For Order", NULL,
								(*(BarqScanReport **) state->search.scan->opaque)->heap_rows, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = BARQ_ORDERED_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

const CustomScanMethods barq_ordered_scan_methods = {
	.CustomName = BARQ_ORDERED_NAME,
	.CreateCustomScanState = create_state,
};
