/*
 * ordered_scan.c
 *	  The custom scan without a bitmap: searches an index, and does not compute the sort
 *	  key: of vectors it puts rows in exact order, and leaves out a key that nothing in the
 *	  plan reads; of text the index gives the key.
 */
#include "postgres.h"

#include "am/scan_report.h"
#include "condition/condition.h"
#include "condition/search_node.h"
#include "executor/executor.h"

typedef struct OrderedState
{
	CustomScanState css;		/* the first member */
	BarqSearchNode search;
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

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	OrderedState *state = (OrderedState *) css;
	List	   *tlist = barq_search_tlist(css, estate, barq_search_expressions(css, BARQ_ORDERED_GIVEN),
										  &state->search.key);

	barq_search_use_table_slot(css, estate, tlist);
	/* of vectors NIL: all conditions are filters of the plan */
	state->search.recheck = ExecInitQual(barq_search_expressions(css, BARQ_ORDERED_RECHECK), &css->ss.ps);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		barq_search_open(&state->search, css, barq_search_index(css),
						 barq_search_expressions(css, BARQ_ORDERED_ORDERBYS),
						 barq_search_expressions(css, BARQ_ORDERED_KEYS));
}

/* ExecScanAccessMtd: the next row of the search; an empty slot at the end. */
static TupleTableSlot *
next_row(ScanState *node)
{
	OrderedState *state = (OrderedState *) node;

	if (!state->started)
		barq_search_start(&state->search, &state->css, NULL);
	state->started = true;
	return barq_search_next_row(&state->search, &state->css);
}

/* ExecScanRecheckMtd: whether a newer version of a row passes the conditions. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return barq_search_passes(&((OrderedState *) node)->search, (CustomScanState *) node, slot);
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
	List	   *keys = barq_search_expressions(css, BARQ_ORDERED_SHOWN_KEYS);

	barq_search_show_index(barq_search_index(css), es);
	barq_search_show(css, "Order By", barq_search_expressions(css, BARQ_ORDERED_SHOWN), ancestors, es);
	if (keys != NIL)
		barq_search_show(css, "Index Cond", keys, ancestors, es);
	barq_search_show_key(state->search.key, es);
	if (!es->analyze || state->search.scan == NULL)
		return;
	if (barq_search_expressions(css, BARQ_ORDERED_GIVEN) == NIL)
		ExplainPropertyUInteger("Vectors Read For Order", NULL,
								(*(BarqScanReport **) state->search.scan->opaque)->heap_rows, es);
	else
		barq_search_show_removed(&state->search, es);
	barq_scan_report_show(state->search.scan, es);
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
