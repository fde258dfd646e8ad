/*
 * unread_key.c
 *	  Sort keys that nothing in a finished plan reads.
 *
 * `SELECT id FROM t ORDER BY v <=> $1 LIMIT 10`: the distance is a junk column of the
 * scan's target list, in case that a node above sorts or merges by it. For a scan that
 * returns rows in order this is rare, and the distance of a TOASTed vector costs as much
 * as half the search. So the scan looks at the plan that is to be run, when the executor
 * starts (invariant C7): planning is over then, no node is added any more, and a hook
 * of the planner would miss the first query of a session.
 *
 * Each query (of the statement, a subquery, a subplan) has one topmost node, whose
 * result is read by attribute number, and of its columns only those that are not junk:
 * the executor's junk filter removes the others at the top of the statement and from
 * whole-row values, and no Var refers to a junk column of another query. (A SubqueryScan
 * may copy it along with the others, unread.) Between that node and the scan only nodes are accepted
 * that read no column: Limit without TIES, and Material.
 */
#include "postgres.h"

#include "condition/unread_key.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

/* The node below one that passes rows on without reading their columns, or NULL. */
static const Plan *
below(const Plan *plan)
{
	if (IsA(plan, Material) ||
		(IsA(plan, Limit) && ((const Limit *) plan)->limitOption == LIMIT_OPTION_COUNT))
		return outerPlan(plan);
	return NULL;
}

/* Whether `top` is the scan, or nodes that read no column lead from it to the scan. */
static bool
leads_to(const Plan *top, const CustomScan *scan)
{
	while (top != NULL && top != &scan->scan.plan)
		top = below(top);
	return top != NULL;
}

static const Plan *top_in(const Plan *plan, const CustomScan *scan);

/* top_in() of a list of plans. */
static const Plan *
top_in_list(const List *plans, const CustomScan *scan)
{
	const Plan *top = NULL;
	ListCell   *cell;

	foreach(cell, plans)
		if ((top = top_in(lfirst(cell), scan)) != NULL)
			break;
	return top;
}

/* The topmost node of a subquery below `plan` that leads to the scan; NULL: none. */
static const Plan *
top_in(const Plan *plan, const CustomScan *scan)
{
	const Plan *top;

	if (plan == NULL)
		return NULL;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_SubqueryScan:
			top = ((const SubqueryScan *) plan)->subplan;
			return leads_to(top, scan) ? top : top_in(top, scan);
		case T_Append:
			return top_in_list(((const Append *) plan)->appendplans, scan);
		case T_MergeAppend:
			return top_in_list(((const MergeAppend *) plan)->mergeplans, scan);
		case T_CustomScan:
			return top_in_list(((const CustomScan *) plan)->custom_plans, scan);
		default:
			top = top_in(outerPlan(plan), scan);
			return top != NULL ? top : top_in(innerPlan(plan), scan);
	}
}

/* The topmost node of a query in the statement that leads to the scan; NULL: none. */
static const Plan *
top_of(const PlannedStmt *statement, const CustomScan *scan)
{
	const Plan *top;
	ListCell   *cell;

	if (statement->commandType == CMD_SELECT && leads_to(statement->planTree, scan))
		return statement->planTree;
	foreach(cell, statement->subplans)
		if (lfirst(cell) != NULL && leads_to(lfirst(cell), scan))
			return lfirst(cell);
	top = top_in(statement->planTree, scan);
	return top != NULL ? top : top_in_list(statement->subplans, scan);
}

/*
 * Whether a column is junk in all nodes from the top to the scan. In a parallel worker
 * the columns of the topmost node are not junk: another process reads them.
 */
static bool
is_junk(const Plan *top, const CustomScan *scan, int column)
{
	for (;; top = below(top))
	{
		if (list_length(top->targetlist) <= column ||
			!list_nth_node(TargetEntry, top->targetlist, column)->resjunk)
			return false;
		if (top == &scan->scan.plan)
			return true;
	}
}

/* Whether an entry may be a sort key that is worth leaving out. */
static bool
is_key(const TargetEntry *entry)
{
	return entry->resjunk && entry->ressortgroupref > 0 && !IsA(entry->expr, Var) &&
		!IsA(entry->expr, Const);
}

List *
barq_keys_read(const PlannedStmt *statement, const CustomScan *scan)
{
	List	   *tlist = scan->scan.plan.targetlist;
	List	   *result = NIL;
	bool		any = false;
	const Plan *top;
	ListCell   *cell;

	foreach(cell, tlist)
		any |= is_key(lfirst_node(TargetEntry, cell));
	if (!any || (top = top_of(statement, scan)) == NULL)
		return tlist;
	any = false;
	foreach(cell, tlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (is_key(entry) && is_junk(top, scan, foreach_current_index(cell)))
		{
			entry = flatCopyTargetEntry(entry);
			entry->expr = (Expr *) makeNullConst(exprType((Node *) entry->expr), -1, InvalidOid);
			any = true;
		}
		result = lappend(result, entry);
	}
	return any ? result : tlist;
}
