/*
 * count_scan.c
 *	  The custom scan that counts: its children are index scans, whose rows it takes from
 *	  the index itself (count_rows.c), or one by one where that is not possible.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "count/count.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "utils/rel.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

typedef struct CountState
{
	CustomScanState css;		/* the first member */
	bool		done;			/* the row was returned since the last rescan */
	BarqCountReport report;		/* of all rescans */
} CountState;

static const CustomExecMethods exec_methods;

/* CustomScanMethods.CreateCustomScanState */
static Node *
create_state(CustomScan *plan)
{
	CountState *state = (CountState *) newNode(sizeof(CountState), T_CustomScanState);

	state->css.methods = &exec_methods;
	return (Node *) state;
}

/* CustomExecMethods.BeginCustomScan */
static void
begin_scan(CustomScanState *css, EState *estate, int eflags)
{
	ListCell   *cell;

	foreach(cell, castNode(CustomScan, css->ss.ps.plan)->custom_plans)
		css->custom_ps = lappend(css->custom_ps, ExecInitNode(lfirst(cell), estate, eflags));
}

/* BarqCountVisitor of a count. */
static void
count_none(void *arg)
{
	*(uint64 *) arg = 0;
}

static void
count_more(void *arg, BarqMatchedRows *rows)
{
	*(uint64 *) arg += rows->n;
}

/*
 * Pass the rows of a child to a visitor, counted as a row of the child each. False if they
 * have to be fetched one by one.
 */
static bool
visit_child(CountState *state, PlanState *child, const BarqCountVisitor *visitor)
{
	uint64		before = state->report.rows;
	bool		visited;

	if (!IsA(child, IndexScanState) || child->qual != NULL)
		return false;
	if (child->instrument)
		InstrStartNode(child->instrument);
	visited = barq_count_rows((IndexScanState *) child, visitor, &state->report);
	if (child->instrument)
		InstrStopNode(child->instrument, (double) (state->report.rows - before));
	return visited;
}

/* How many rows a child has. */
static uint64
count_child(CountState *state, PlanState *child)
{
	uint64		count = 0;
	BarqCountVisitor visitor = {count_none, count_more, &count};

	if (visit_child(state, child, &visitor))
		return count;
	count = 0;
	for (;;)
	{
		TupleTableSlot *slot = ExecProcNode(child);

		if (TupIsNull(slot))
			break;
		count++;
	}
	state->report.fetched += count;
	return count;
}

/* CustomExecMethods.ExecCustomScan: one row, of counts. */
static TupleTableSlot *
exec_scan(CustomScanState *css)
{
	CountState *state = (CountState *) css;
	TupleTableSlot *slot = css->ss.ss_ScanTupleSlot;
	uint64		count = 0;
	ListCell   *cell;

	if (state->done)
		return NULL;
	foreach(cell, css->custom_ps)
		count += count_child(state, lfirst(cell));
	state->done = true;
	ExecClearTuple(slot);
	for (int i = 0; i < slot->tts_tupleDescriptor->natts; i++)
	{
		slot->tts_values[i] = Int64GetDatum((int64) count);
		slot->tts_isnull[i] = false;
	}
	ExecStoreVirtualTuple(slot);
	if (css->ss.ps.ps_ProjInfo == NULL)
		return slot;
	ResetExprContext(css->ss.ps.ps_ExprContext);
	css->ss.ps.ps_ExprContext->ecxt_scantuple = slot;
	return ExecProject(css->ss.ps.ps_ProjInfo);
}

bool
barq_count_visit(PlanState *plan, const BarqCountVisitor *visitor,
				 void (*done) (void *arg, Relation table, Relation index))
{
	CountState *state = (CountState *) plan;
	ListCell   *cell;

	if (!IsA(plan, CustomScanState) || state->css.methods != &exec_methods)
		return false;
	foreach(cell, state->css.custom_ps)
	{
		IndexScanState *child = lfirst(cell);

		if (!visit_child(state, &child->ss.ps, visitor))
			return false;
		done(visitor->arg, child->ss.ss_currentRelation, child->iss_RelationDesc);
	}
	return true;
}

/* CustomExecMethods.ReScanCustomScan */
static void
rescan(CustomScanState *css)
{
	ListCell   *cell;

	((CountState *) css)->done = false;
	foreach(cell, css->custom_ps)
	{
		PlanState  *child = lfirst(cell);

		if (css->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(child, css->ss.ps.chgParam);

		/* else when it is started */
		if (child->chgParam == NULL)
			ExecReScan(child);
	}
}

/* CustomExecMethods.EndCustomScan */
static void
end_scan(CustomScanState *css)
{
	ListCell   *cell;

	foreach(cell, css->custom_ps)
		ExecEndNode(lfirst(cell));
}

/* CustomExecMethods.ExplainCustomScan */
static void
explain(CustomScanState *css, List *ancestors, ExplainState *es)
{
	const BarqCountReport *report = &((CountState *) css)->report;

	if (!es->analyze)
		return;
	ExplainPropertyUInteger("Rows by Visibility Map", NULL, report->by_map, es);
	ExplainPropertyUInteger("Heap Fetches", NULL, report->fetched, es);
	if (report->repeats > 0 || es->format != EXPLAIN_FORMAT_TEXT)
		ExplainPropertyUInteger("Searches Repeated", NULL, report->repeats, es);
}

static const CustomExecMethods exec_methods = {
	.CustomName = BARQ_COUNT_NAME,
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan,
	.ExplainCustomScan = explain,
};

const CustomScanMethods barq_count_scan_methods = {
	.CustomName = BARQ_COUNT_NAME,
	.CreateCustomScanState = create_state,
};
