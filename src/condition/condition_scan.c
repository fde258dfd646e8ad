/*
 * condition_scan.c
 *	  The custom scan: runs the bitmap plan below it, and searches an index of barq for
 *	  the rows of the bitmap only.
 *
 * The index is scanned by the server's index_beginscan(), which takes the predicate
 * locks of a serializable transaction: one on the whole index, since barq's methods
 * have ampredlocks off, as the scans of the bitmap take their own.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "commands/explain.h"
#include "condition/condition.h"
#include "executor/executor.h"
#include "executor/nodeIndexscan.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/tidbitmap.h"
#include "parser/parsetree.h"
#include "store/admitted.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "text_index/text_index.h"
#include "vector_index/vector_index.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

typedef struct ConditionState
{
	CustomScanState css;		/* the first member */
	PlanState  *bitmap;			/* the plan below */
	ExprState  *recheck;		/* the bitmap's conditions */
	Relation	index;			/* NULL: only EXPLAIN */
	IndexScanDesc scan;

	/* of the scan; values known at run time are evaluated into them */
	ScanKey		orderbys;
	int			norderbys;
	ScanKey		keys;
	int			nkeys;
	IndexRuntimeKeyInfo *runtime;
	int			nruntime;
	ExprContext *runtime_context;

	bool		started;		/* since the last rescan */
	MemoryContext context;		/* of the TIDs */
	BarqAdmitted *admitted;		/* NULL: the bitmap has to be made (again) */

	uint64		nadmitted;		/* TIDs, of all rescans */
	uint64		nremoved;		/* rows that failed the recheck */
} ConditionState;

/* A member of the plan's expressions. */
static List *
expressions(ConditionState *state, int which)
{
	CustomScan *plan = castNode(CustomScan, state->css.ss.ps.plan);

	return list_nth(plan->custom_exprs, which);
}

/* The index that the search scans. */
static Oid
index_of(ConditionState *state)
{
	CustomScan *plan = castNode(CustomScan, state->css.ss.ps.plan);

	return linitial_oid(linitial(plan->custom_private));
}

static const CustomExecMethods exec_methods;

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	ConditionState *state = (ConditionState *) newNode(sizeof(ConditionState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

/*
 * Give the scan a slot of the table's own kind, in place of the virtual one that
 * PostgreSQL 15 gives every custom scan: the index's rows are stored into it.
 */
static void
use_table_slot(CustomScanState *css, EState *estate)
{
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);

	ExecInitScanTupleSlot(estate, &css->ss, RelationGetDescr(css->ss.ss_currentRelation),
						  table_slot_callbacks(css->ss.ss_currentRelation));
	ExecAssignScanProjectionInfoWithVarno(&css->ss, plan->scan.scanrelid);
	css->ss.ps.qual = ExecInitQual(plan->scan.plan.qual, &css->ss.ps);
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	ConditionState *state = (ConditionState *) css;
	CustomScan *plan = castNode(CustomScan, css->ss.ps.plan);
	Index		table = plan->scan.scanrelid;

	use_table_slot(css, estate);
	state->bitmap = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	css->custom_ps = list_make1(state->bitmap);
	state->recheck = ExecInitQual(expressions(state, BARQ_CONDITION_RECHECK), &css->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;

	state->index = index_open(index_of(state), exec_rt_fetch(table, estate)->rellockmode);
	ExecIndexBuildScanKeys(&css->ss.ps, state->index, expressions(state, BARQ_CONDITION_ORDERBYS),
						   true, &state->orderbys, &state->norderbys, &state->runtime,
						   &state->nruntime, NULL, NULL);
	ExecIndexBuildScanKeys(&css->ss.ps, state->index, expressions(state, BARQ_CONDITION_KEYS),
						   false, &state->keys, &state->nkeys, &state->runtime,
						   &state->nruntime, NULL, NULL);
	if (state->nruntime > 0)
		state->runtime_context = CreateExprContext(estate);
	state->context = AllocSetContextCreate(estate->es_query_cxt, "barq condition",
										   ALLOCSET_DEFAULT_SIZES);
}

/* Run the plan below and keep its TIDs, in state->context. */
static void
make_bitmap(ConditionState *state)
{
	TIDBitmap  *bitmap;
	MemoryContext old;

	MemoryContextReset(state->context);
	bitmap = (TIDBitmap *) MultiExecProcNode(state->bitmap);
	if (bitmap == NULL || !IsA(bitmap, TIDBitmap))
		elog(ERROR, "unrecognized result from subplan");
	old = MemoryContextSwitchTo(state->context);
	state->admitted = barq_admitted_make(bitmap);
	MemoryContextSwitchTo(old);
	tbm_free(bitmap);
	state->nadmitted += barq_admitted_count(state->admitted);
}

/* Begin the search, anew after a rescan. */
static void
start(ConditionState *state)
{
	EState	   *estate = state->css.ss.ps.state;

	if (state->admitted == NULL)
		make_bitmap(state);
	if (state->nruntime > 0)
	{
		ResetExprContext(state->runtime_context);
		ExecIndexEvalRuntimeKeys(state->runtime_context, state->runtime, state->nruntime);
	}
	if (state->scan == NULL)
		state->scan = BarqIndexBeginScan(state->css.ss.ss_currentRelation, state->index,
										 estate->es_snapshot, state->nkeys,
										 state->norderbys);
	if (state->index->rd_indam->amgettuple == barq_vector_get_tuple)
		barq_vector_scan_admit(state->scan, barq_admitted_source(state->admitted));
	else
		barq_text_scan_admit(state->scan, barq_admitted_source(state->admitted));
	index_rescan(state->scan, state->keys, state->nkeys, state->orderbys, state->norderbys);
	state->started = true;
}

/* Whether the row in the scan's slot passes the bitmap's conditions. */
static bool
passes(ConditionState *state, TupleTableSlot *slot)
{
	ExprContext *context = state->css.ss.ps.ps_ExprContext;

	context->ecxt_scantuple = slot;
	return ExecQualAndReset(state->recheck, context);
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
	while ((tid = index_getnext_tid(state->scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData admitted = *tid;	/* fetching the row changes the scan's */
		bool		recheck = false;
		bool		found PG_USED_FOR_ASSERTS_ONLY;

		CHECK_FOR_INTERRUPTS();
		if (unlikely(state->scan->xs_recheckorderby))
			elog(ERROR, "index \"%s\" returned a row without its exact place in the order",
				 RelationGetRelationName(state->index));
		if (!index_fetch_heap(state->scan, slot))
			continue;
		found = barq_admitted_has(state->admitted, &admitted, &recheck);
		Assert(found);
		if (!recheck || passes(state, slot))
			return slot;
		state->nremoved++;
	}
	return ExecClearTuple(slot);
}

/* ExecScanRecheckMtd: whether a newer version of a row passes the bitmap's conditions. */
static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return passes((ConditionState *) node, slot);
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

	if (state->scan != NULL)
		index_endscan(state->scan);
	if (state->index != NULL)
		index_close(state->index, NoLock);
	ExecEndNode(state->bitmap);
}

/* Show a list of expressions over the table as a property. */
static void
show_expressions(ConditionState *state, const char *label, List *expressions, List *ancestors,
				 ExplainState *es)
{
	List	   *context = set_deparse_context_plan(es->deparse_cxt, state->css.ss.ps.plan, ancestors);
	Node	   *node = list_length(expressions) == 1 ? linitial(expressions) :
		(Node *) make_ands_explicit(expressions);

	ExplainPropertyText(label, deparse_expression(node, context,
												  list_length(es->rtable) > 1 || es->verbose, false),
						es);
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	ConditionState *state = (ConditionState *) css;

	ExplainPropertyText("Index", get_rel_name(index_of(state)), es);
	show_expressions(state, "Order By", expressions(state, BARQ_CONDITION_SHOWN), ancestors, es);
	show_expressions(state, "Recheck Cond", expressions(state, BARQ_CONDITION_RECHECK), ancestors, es);
	if (!es->analyze)
		return;
	ExplainPropertyUInteger("Rows In Bitmap", NULL, state->nadmitted, es);
	if (state->nremoved > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyUInteger("Rows Removed by Index Recheck", NULL, state->nremoved, es);
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
