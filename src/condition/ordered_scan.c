/*
 * ordered_scan.c
 *	  The custom scan without a bitmap: searches an index, and does not compute the sort
 *	  key: of vectors it puts rows in exact order, and leaves out a key that nothing in the
 *	  plan reads; of text the index gives the key.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/scan_report.h"
#include "condition/condition.h"
#include "condition/given_key.h"
#include "condition/search_node.h"
#include "executor/executor.h"

typedef struct OrderedState
{
	CustomScanState css;		/* the first member */
	BarqSearchNode search;
	BarqKeyValue key;			/* whence the sort key is */
	ExprState  *recheck;		/* of text: all conditions */
	bool		started;		/* since the last rescan */
	uint64		nremoved;		/* rows that failed the recheck */
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

/* A member of the plan's expressions. */
static List *
expressions(CustomScanState *css, int which)
{
	return list_nth(castNode(CustomScan, css->ss.ps.plan)->custom_exprs, which);
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	OrderedState *state = (OrderedState *) css;
	List	   *tlist = barq_search_tlist(css, estate, expressions(css, BARQ_ORDERED_GIVEN),
										  &state->key);

	barq_search_use_table_slot(css, estate, tlist);
	state->recheck = ExecInitQual(expressions(css, BARQ_ORDERED_RECHECK), &css->ss.ps);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		barq_search_open(&state->search, css, index_of(css),
						 expressions(css, BARQ_ORDERED_ORDERBYS),
						 expressions(css, BARQ_ORDERED_KEYS));
}

/* Whether the row in the scan's slot passes all conditions of a search of text. */
static bool
passes(OrderedState *state, TupleTableSlot *slot)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQualAndReset(state->recheck, context);
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
	{
		bool		recheck = state->search.scan->xs_recheck;

		if (!index_fetch_heap(state->search.scan, slot))
			continue;
		if (recheck && !passes(state, slot))
		{
			state->nremoved++;
			continue;
		}
		if (state->key == BARQ_KEY_GIVEN)
			barq_given_key_set(&state->css, &state->search);
		return slot;
	}
	return ExecClearTuple(slot);
}

/*
 * ExecScanRecheckMtd: whether a newer version of a row passes the conditions. Of vectors
 * all are filters of the plan, and none is checked here.
 */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return passes((OrderedState *) node, slot);
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
	List	   *keys = expressions(css, BARQ_ORDERED_SHOWN_KEYS);

	barq_search_show_index(index_of(css), es);
	barq_search_show(css, "Order By", expressions(css, BARQ_ORDERED_SHOWN), ancestors, es);
	if (keys != NIL)
		barq_search_show(css, "Index Cond", keys, ancestors, es);
	barq_search_show_key(state->key, es);
	if (!es->analyze || state->search.scan == NULL)
		return;
	if (expressions(css, BARQ_ORDERED_GIVEN) == NIL)
		ExplainPropertyUInteger("Vectors Read For Order", NULL,
								(*(BarqScanReport **) state->search.scan->opaque)->heap_rows, es);
	else if (state->nremoved > 0)
		ExplainPropertyUInteger("Rows Removed by Index Recheck", NULL, state->nremoved, es);
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
