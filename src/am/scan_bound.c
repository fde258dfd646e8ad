/*
 * scan_bound.c
 *	  Finding the LIMIT above an index scan.
 */
#include "postgres.h"

#include "am/scan_bound.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/nodeFuncs.h"

/* A statement that runs; statements that it runs in turn come before it. */
typedef struct Running
{
	QueryDesc  *query;
	uint64		count;			/* rows asked for by this call; 0: all */
	struct Running *outer;
} Running;

static Running *running = NULL;
static ExecutorRun_hook_type next_run = NULL;
static double own_rows = 0;

/* A search for a scan among plan nodes. */
typedef struct Search
{
	IndexScanDesc scan;
	const PlanState *node;		/* NULL: an index scan */
	double		bound;			/* rows that are taken of the node; 0: not known */
	BarqScanBound found;
} Search;

/* The bound of the node under a Limit node whose own bound is `bound`. */
static double
below_limit(const LimitState *limit, double bound)
{
	double		own;

	if (limit->lstate == LIMIT_INITIAL || limit->noCount)
		return bound == 0 ? 0 : bound + (double) limit->offset;
	own = (double) limit->count;
	if (bound > 0)
		own = Min(own, bound);
	return own + (double) limit->offset;
}

/* Do the nodes below this one give at most as many rows as are taken of it? */
static bool
passes_bound(const PlanState *node)
{
	switch (nodeTag(node))
	{
		case T_AppendState:
		case T_MergeAppendState:
		case T_LockRowsState:
		case T_LimitState:
		case T_GatherState:
		case T_GatherMergeState:
			return true;
		case T_ResultState:
		case T_SubqueryScanState:
			return node->qual == NULL;
		default:
			return false;
	}
}

/* Look for the scan in a node and below it; true where it was found. */
static bool
look_in(PlanState *node, void *arg)
{
	Search	   *search = arg;
	double		bound = search->bound;
	ListCell   *lc;
	bool		found;

	check_stack_depth();
	if (search->node != NULL ? node == search->node :
		IsA(node, IndexScanState) && ((IndexScanState *) node)->iss_ScanDesc == search->scan)
	{
		search->found.rows = bound;
		if (node->qual != NULL)
			search->found.passing = Max(node->plan->plan_rows, 1);
		return true;
	}

	/* sub-plans have bounds of their own only */
	search->bound = 0;
	foreach(lc, node->initPlan)
		if (look_in(((SubPlanState *) lfirst(lc))->planstate, search))
			return true;
	foreach(lc, node->subPlan)
		if (look_in(((SubPlanState *) lfirst(lc))->planstate, search))
			return true;
	if (passes_bound(node))
		search->bound = IsA(node, LimitState) ?
			below_limit((LimitState *) node, bound) : bound;
	found = planstate_tree_walker(node, look_in, search);
	search->bound = bound;
	return found;
}

BarqScanBound
barq_scan_bound(IndexScanDesc scan, const PlanState *node)
{
	for (const Running *at = running; at != NULL; at = at->outer)
	{
		Search		search = {scan, node, (double) at->count, {0, 0}};

		if (at->query->planstate != NULL && look_in(at->query->planstate, &search))
			return search.found;
	}
	return (BarqScanBound) {own_rows, 0};
}

void
barq_scan_bound_own(double rows)
{
	own_rows = rows;
}

/* ExecutorRun_hook: note which statement runs, for as long as it does. */
#if PG_VERSION_NUM >= 180000
#define RUN_ARGS		QueryDesc *query, ScanDirection direction, uint64 count
#define RUN_VALUES		query, direction, count
#else
#define RUN_ARGS		QueryDesc *query, ScanDirection direction, uint64 count, bool once
#define RUN_VALUES		query, direction, count, once
#endif

static void
run(RUN_ARGS)
{
	Running		here = {query, count, running};

	running = &here;
	PG_TRY();
	{
		if (next_run != NULL)
			next_run(RUN_VALUES);
		else
			standard_ExecutorRun(RUN_VALUES);
	}
	PG_FINALLY();
	{
		running = here.outer;
	}
	PG_END_TRY();
}

void
barq_scan_bound_init(void)
{
	next_run = ExecutorRun_hook;
	ExecutorRun_hook = run;
}
