/*
 * sorted_scan.c
 *	  The custom scan of matching rows in the order of a filter column.
 *
 * The order is that of the index (text_scan_sorted.c). A row's value is the one that the
 * index has for its TID: a new version with another value has another TID.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "condition/search_node.h"
#include "count/count.h"
#include "executor/executor.h"
#include "text_index/text_index.h"

typedef struct SortedState
{
	CustomScanState css;		/* the first member */
	BarqSearchNode search;
	bool		started;		/* since the last rescan */
	uint64		looked;			/* of the rescans before */
	uint64		compared;
} SortedState;

static const CustomExecMethods exec_methods;

/* How it is sorted: BARQ_SORTED_*. */
static int
order_of(CustomScanState *css, int which)
{
	return list_nth_int(lsecond(castNode(CustomScan, css->ss.ps.plan)->custom_private), which);
}

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	SortedState *state = (SortedState *) newNode(sizeof(SortedState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	SortedState *state = (SortedState *) css;

	barq_search_use_table_slot(css, estate, castNode(CustomScan, css->ss.ps.plan)->scan.plan.targetlist);
	state->search.recheck = ExecInitQual(barq_search_expressions(css, BARQ_SORTED_SHOWN_KEYS), &css->ss.ps);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		barq_search_open(&state->search, css, barq_search_index(css), NIL, barq_search_expressions(css, BARQ_SORTED_KEYS));
}

/* ExecScanAccessMtd: the next row of the search; an empty slot at the end. */
static TupleTableSlot *
next_row(ScanState *node)
{
	SortedState *state = (SortedState *) node;

	if (!state->started)
	{
		barq_search_start(&state->search, &state->css, NULL);
		barq_text_scan_sort(state->search.scan, order_of(&state->css, BARQ_SORTED_NUMBER),
							order_of(&state->css, BARQ_SORTED_DESCENDING),
							order_of(&state->css, BARQ_SORTED_NULLS_FIRST));
	}
	state->started = true;
	return barq_search_next_row(&state->search, &state->css);
}

/* ExecScanRecheckMtd: whether a newer version of a row meets the index's conditions. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return barq_search_passes(&((SortedState *) node)->search, (CustomScanState *) node, slot);
}

/* CustomExecMethods.ExecCustomScan */
static TupleTableSlot *
exec_scan(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

/* Add what the search took since the last rescan. */
static void
add_up(SortedState *state)
{
	uint64		looked;
	uint64		compared;

	if (!state->started)
		return;
	barq_text_scan_sorted_rows(state->search.scan, &looked, &compared);
	state->looked += looked;
	state->compared += compared;
	state->started = false;
}

/* CustomExecMethods.ReScanCustomScan */
static void
rescan(CustomScanState *css)
{
	add_up((SortedState *) css);
	ExecScanReScan(&css->ss);
}

/* CustomExecMethods.EndCustomScan */
static void
end_scan(CustomScanState *css)
{
	barq_search_close(&((SortedState *) css)->search);
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	SortedState *state = (SortedState *) css;
	bool		descending = order_of(css, BARQ_SORTED_DESCENDING);
	bool		nulls_first = order_of(css, BARQ_SORTED_NULLS_FIRST);

	barq_search_show_index(barq_search_index(css), es);
	barq_search_show(css, "Order By", barq_search_expressions(css, BARQ_SORTED_COLUMN), ancestors, es);
	if (descending || nulls_first || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyText("Direction", descending ?
							(nulls_first ? "DESC" : "DESC NULLS LAST") :
							(nulls_first ? "ASC NULLS FIRST" : "ASC"), es);
	barq_search_show(css, "Index Cond", barq_search_expressions(css, BARQ_SORTED_SHOWN_KEYS), ancestors, es);
	if (!es->analyze)
		return;
	add_up(state);
	barq_search_show_removed(&state->search, es);
	ExplainPropertyUInteger("Rows Looked For", NULL, state->looked, es);
	ExplainPropertyUInteger("Rows Compared", NULL, state->compared, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = BARQ_SORTED_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

const CustomScanMethods barq_sorted_scan_methods = {
	.CustomName = BARQ_SORTED_NAME,
	.CreateCustomScanState = create_state,
};
