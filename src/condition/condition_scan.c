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
#include "am/scan_bound.h"
#include "am/scan_report.h"
#include "condition/bitmap_tids.h"
#include "condition/condition.h"
#include "condition/given_key.h"
#include "condition/search_node.h"
#include "executor/executor.h"
#include "nodes/tidbitmap.h"
#include "store/admitted.h"
#include "utils/memutils.h"
#include "vector_index/vector_index.h"

typedef struct ConditionState
{
	CustomScanState css;		/* the first member */
	PlanState  *bitmap;			/* the plan below */
	BarqSearchNode search;

	bool		started;		/* since the last rescan */
	MemoryContext context;		/* of the TIDs */
	BarqAdmitted *admitted;		/* NULL: the bitmap has to be made (again) */

	uint64		nadmitted;		/* TIDs, of all rescans */

	/* a bitmap that is made when it is needed */
	bool		is_late;
	BarqLateBitmap late;		/* if is_late */
	bool		waits;			/* the search is without it, since the last rescan */
	double		limit;			/* rows asked of this search; 0: not known */
	uint64		nlooked_at;		/* rows of this search, while it waits */
	uint64		nreturned;		/* rows that the node returned since the last rescan */
	uint64		nnarrowed;		/* searches that went on within the bitmap, of all rescans */
	uint64		nbefore;		/* rows that they had looked at */
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
	List	   *late = list_nth(plan->custom_private, BARQ_CONDITION_LATE);
	List	   *tlist = barq_search_tlist(css, estate, barq_search_expressions(css, BARQ_CONDITION_GIVEN),
										  &state->search.key);

	barq_search_use_table_slot(css, estate, tlist);
	state->bitmap = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	css->custom_ps = list_make1(state->bitmap);
	state->is_late = late != NIL;
	if (state->is_late)
		state->late = barq_late_bitmap_of(late);
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

/*
 * Whether a search should be without the bitmap: one that begins, or goes on. A bitmap that an
 * earlier search made, and no parameter has changed, costs nothing more.
 */
static bool
may_wait(ConditionState *state)
{
	return state->is_late && state->admitted == NULL &&
		!barq_late_bitmap_is_due(&state->late, state->limit, state->nlooked_at, state->nreturned);
}

/* Begin the search, anew after a rescan. */
static void
start(ConditionState *state)
{
	state->nlooked_at = state->nreturned = 0;
	state->waits = false;
	if (state->is_late && barq_late_bitmap_may_wait(barq_search_names(state->search.index->rd_indam)))
	{
		state->limit = barq_scan_bound(NULL, &state->css.ss.ps).rows;
		state->waits = may_wait(state);
	}
	if (!state->waits && state->admitted == NULL)
		make_bitmap(state);
	barq_search_start(&state->search, &state->css,
					  state->waits ? NULL : barq_admitted_source(state->admitted));
	state->started = true;
}

/* Make the bitmap, and go on with its rows that the search has not come to. */
static void
narrow(ConditionState *state)
{
	make_bitmap(state);
	barq_vector_scan_narrow(state->search.scan, barq_admitted_source(state->admitted));
	state->waits = false;
	state->nnarrowed++;
	state->nbefore += state->nlooked_at;
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
	for (;;)
	{
		bool		recheck = false;

		if (state->waits && !may_wait(state) && barq_vector_scan_can_narrow(state->search.scan))
			narrow(state);
		if (!state->waits && barq_admitted_count(state->admitted) == 0)
			break;
		if ((tid = barq_search_next(&state->search)) == NULL)
			break;
		if (state->waits)
			state->nlooked_at++;
		else if (!barq_admitted_has(state->admitted, tid, &recheck))
		{
			Assert(state->is_late); /* found before the bitmap was made */
			continue;
		}
		if (!index_fetch_heap(state->search.scan, slot))
			continue;
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
	TupleTableSlot *slot = ExecScan(&css->ss, next_row, recheck_row);

	if (!TupIsNull(slot))
		((ConditionState *) css)->nreturned++;
	return slot;
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
	if (state->is_late)
		ExplainPropertyText("Bitmap", "when needed", es);
	else
		barq_search_show(css, "Recheck Cond", barq_search_expressions(css, BARQ_CONDITION_RECHECK), ancestors, es);
	if (!es->analyze)
		return;
	if (state->is_late)
	{
		ExplainPropertyUInteger("Searches Narrowed To Bitmap", NULL, state->nnarrowed, es);
		if (state->nnarrowed > 0 || es->format != EXPLAIN_FORMAT_TEXT)
			ExplainPropertyUInteger("Rows Looked At Before", NULL, state->nbefore, es);
	}
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
