/*
 * condition_scan.c
 *	  The custom scan: runs the bitmap plan below it, and searches an index of barq for
 *	  the rows of the bitmap only.
 *
 * The predicate locks of a serializable transaction are one on the whole index, since
 * barq's methods have ampredlocks off, and those that the scans of the bitmap take.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "am/scan_report.h"
#include "condition/bitmap_tids.h"
#include "condition/condition.h"
#include "condition/given_key.h"
#include "condition/search_node.h"
#include "executor/executor.h"
#include "nodes/tidbitmap.h"
#include "store/admitted.h"
#include "utils/memutils.h"

typedef struct ConditionState
{
	CustomScanState css;		/* the first member */
	PlanState  *bitmap;			/* the plan below */
	BarqSearchNode search;

	bool		started;		/* since the last rescan */
	MemoryContext context;		/* of the TIDs */
	BarqAdmitted *admitted;		/* NULL: the bitmap has to be made (again) */

	uint64		nadmitted;		/* TIDs, of all rescans */
} ConditionState;

static const CustomExecMethods exec_methods;

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	ConditionState *state = (ConditionState *) newNode(sizeof(ConditionState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	ConditionState *state = (ConditionState *) css;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	List	   *tlist = barq_search_tlist(css, estate, barq_search_expressions(css, BARQ_CONDITION_GIVEN),
										  &state->search.key);

	barq_search_use_table_slot(css, estate, tlist);
	state->bitmap = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	css->custom_ps = list_make1(state->bitmap);
	state->search.recheck = ExecInitQual(barq_search_expressions(css, BARQ_CONDITION_RECHECK), &css->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	barq_search_open(&state->search, css, barq_search_index(css),
					 barq_search_expressions(css, BARQ_CONDITION_ORDERBYS),
					 barq_search_expressions(css, BARQ_CONDITION_KEYS));
	state->context = AllocSetContextCreate(estate->es_query_cxt, "barq condition",
										   ALLOCSET_DEFAULT_SIZES);
}

/* Run the plan below and keep its TIDs, in state->context. */
static void
make_bitmap(ConditionState *state)
{
	TIDBitmap  *bitmap;
	uint64	   *tids;
	uint64		n;
	MemoryContext old;

	MemoryContextReset(state->context);
	old = MemoryContextSwitchTo(state->context);
	tids = barq_bitmap_tids(state->bitmap, state->css.ss.ss_currentRelation, &n);
	if (tids != NULL)
	{
		state->admitted = barq_admitted_of_tids(tids, n);
		pfree(tids);
	}
	MemoryContextSwitchTo(old);
	if (tids == NULL)
	{
		bitmap = (TIDBitmap *) MultiExecProcNode(state->bitmap);
		if (bitmap == NULL || !IsA(bitmap, TIDBitmap))
			elog(ERROR, "unrecognized result from subplan");
		old = MemoryContextSwitchTo(state->context);
		state->admitted = barq_admitted_make(bitmap);
		MemoryContextSwitchTo(old);
		tbm_free(bitmap);
	}
	state->nadmitted += barq_admitted_count(state->admitted);
}

/* Begin the search, anew after a rescan. */
static void
start(ConditionState *state)
{
	if (state->admitted == NULL)
		make_bitmap(state);
	barq_search_start(&state->search, &state->css, barq_admitted_source(state->admitted));
	state->started = true;
}

/* ExecScanAccessMtd: the next row of the search; an empty slot at the end. */
static TupleTableSlot *
next_row(ScanState *node)
{
	ConditionState *state = (ConditionState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	ItemPointer tid;

	if (!state->started)
		start(state);
	if (barq_admitted_count(state->admitted) == 0)
		return ExecClearTuple(slot);
	while ((tid = barq_search_next(&state->search)) != NULL)
	{
		ItemPointerData admitted = *tid;	/* fetching the row changes the scan's */
		bool		recheck = false;
		bool		found PG_USED_FOR_ASSERTS_ONLY;

		if (!index_fetch_heap(state->search.scan, slot))
			continue;
		found = barq_admitted_has(state->admitted, &admitted, &recheck);
		Assert(found);
		if (!recheck || barq_search_passes(&state->search, &state->css, slot))
		{
			if (state->search.key == BARQ_KEY_GIVEN)
				barq_given_key_set(&state->css, &state->search);
			return slot;
		}
		state->search.nremoved++;
	}
	return ExecClearTuple(slot);
}

/* ExecScanRecheckMtd: whether a newer version of a row passes the bitmap's conditions. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return barq_search_passes(&((ConditionState *) node)->search, (CustomScanState *) node, slot);
}

/* CustomExecMethods.ExecCustomScan */
static TupleTableSlot *
exec_scan(CustomScanState *css)
{
	return ExecScan(&css->ss, next_row, recheck_row);
}

/* CustomExecMethods.ReScanCustomScan. The bitmap is kept if its parameters are. */
static void
rescan(CustomScanState *css)
{
	ConditionState *state = (ConditionState *) css;

	if (css->ss.ps.chgParam != NULL)
		UpdateChangedParamSet(state->bitmap, css->ss.ps.chgParam);
	if (state->bitmap->chgParam != NULL)
		state->admitted = NULL;
	state->started = false;
	ExecScanReScan(&css->ss);
}

/* CustomExecMethods.EndCustomScan */
static void
end_scan(CustomScanState *css)
{
	ConditionState *state = (ConditionState *) css;

	barq_search_close(&state->search);
	ExecEndNode(state->bitmap);
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	ConditionState *state = (ConditionState *) css;

	barq_search_show_index(barq_search_index(css), es);
	barq_search_show(css, "Order By", barq_search_expressions(css, BARQ_CONDITION_SHOWN), ancestors, es);
	barq_search_show_key(state->search.key, es);
	if (barq_search_expressions(css, BARQ_CONDITION_SHOWN_KEYS) != NIL)
		barq_search_show(css, "Index Cond", barq_search_expressions(css, BARQ_CONDITION_SHOWN_KEYS), ancestors, es);
	barq_search_show(css, "Recheck Cond", barq_search_expressions(css, BARQ_CONDITION_RECHECK), ancestors, es);
	if (!es->analyze)
		return;
	ExplainPropertyUInteger("Rows In Bitmap", NULL, state->nadmitted, es);
	barq_search_show_removed(&state->search, es);
	if (state->search.scan != NULL)
		barq_scan_report_show(state->search.scan, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = BARQ_CONDITION_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

const CustomScanMethods barq_condition_scan_methods = {
	.CustomName = BARQ_CONDITION_NAME,
	.CreateCustomScanState = create_state,
};
