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
 * may copy it along with the others, unread.) Between that node and the scan only nodes
 * are accepted that read no column: Limit without TIES, and Material. Where the planner has
 * removed the SubqueryScan above a topmost node, as usual in LATERAL, the node above it is
 * of the outer query: a nested loop or an aggregation is searched for Vars of the column;
 * below any other node the key is computed.
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

/* The topmost node of a query. */
typedef struct QueryTop
{
	const Plan *top;			/* NULL: none */
	const Plan *reader;			/* of the outer query, not a SubqueryScan; or NULL */
	int			side;			/* of the reader: OUTER_VAR or INNER_VAR */
} QueryTop;

static bool find_top(const Plan *plan, const CustomScan *scan, QueryTop *found);

/* find_top() of a list of plans. */
static bool
find_top_in(const List *plans, const CustomScan *scan, QueryTop *found)
{
	ListCell   *cell;

	foreach(cell, plans)
		if (find_top(lfirst(cell), scan, found))
			return true;
	return false;
}

/* Whether a child of `reader` is a topmost node that leads to the scan: *found. */
static bool
is_top_below(const Plan *reader, int side, const CustomScan *scan, QueryTop *found)
{
	const Plan *child = side == OUTER_VAR ? outerPlan(reader) : innerPlan(reader);

	/* a scan of the reader's own query is not below a Limit */
	if (child == NULL || !IsA(child, Limit) || !leads_to(child, scan))
		return false;
	found->top = child;
	found->reader = reader;
	found->side = side;
	return true;
}

/* Find the topmost node of a subquery below `plan` that leads to the scan. */
static bool
find_top(const Plan *plan, const CustomScan *scan, QueryTop *found)
{
	if (plan == NULL)
		return false;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_SubqueryScan:
			{
				const Plan *subplan = ((const SubqueryScan *) plan)->subplan;

				if (!leads_to(subplan, scan))
					return find_top(subplan, scan, found);
				found->top = subplan;
				return true;
			}
		case T_Append:
			return find_top_in(((const Append *) plan)->appendplans, scan, found);
		case T_MergeAppend:
			return find_top_in(((const MergeAppend *) plan)->mergeplans, scan, found);
		case T_CustomScan:
			return find_top_in(((const CustomScan *) plan)->custom_plans, scan, found);
		case T_NestLoop:
		case T_Agg:
			if (is_top_below(plan, OUTER_VAR, scan, found) ||
				is_top_below(plan, INNER_VAR, scan, found))
				return true;
			break;
		default:
			break;
	}
	return find_top(outerPlan(plan), scan, found) || find_top(innerPlan(plan), scan, found);
}

/* Find the topmost node of a query in the statement that leads to the scan. */
static bool
find_top_of(const PlannedStmt *statement, const CustomScan *scan, QueryTop *found)
{
	ListCell   *cell;

	memset(found, 0, sizeof(QueryTop));
	if (statement->commandType == CMD_SELECT && leads_to(statement->planTree, scan))
		found->top = statement->planTree;
	foreach(cell, statement->subplans)
		if (found->top == NULL && lfirst(cell) != NULL && leads_to(lfirst(cell), scan))
			found->top = lfirst(cell);
	return found->top != NULL || find_top(statement->planTree, scan, found) ||
		find_top_in(statement->subplans, scan, found);
}

/* Argument of has_var(). */
typedef struct ReadColumn
{
	int			side;
	AttrNumber	attno;
} ReadColumn;

/* expression_tree_walker: whether there is a Var of the column. */
static bool
has_var(Node *node, void *context)
{
	const ReadColumn *column = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varno == column->side && ((Var *) node)->varattno == column->attno;
	return expression_tree_walker(node, has_var, context);
}

/* Whether a node of the outer query reads a column of the topmost node. */
static bool
is_read(const QueryTop *found, int column)
{
	const Plan *reader = found->reader;
	ReadColumn	read = {found->side, (AttrNumber) (column + 1)};
	ListCell   *cell;

	if (reader == NULL)
		return false;
	if (has_var((Node *) reader->targetlist, &read) || has_var((Node *) reader->qual, &read))
		return true;
	if (IsA(reader, Agg))
	{
		const Agg  *agg = (const Agg *) reader;

		for (int i = 0; i < agg->numCols; i++)
			if (agg->grpColIdx[i] == read.attno)
				return true;
		return agg->chain != NIL;
	}
	if (has_var((Node *) ((const Join *) reader)->joinqual, &read))
		return true;
	foreach(cell, castNode(NestLoop, (Node *) reader)->nestParams)
		if (has_var((Node *) lfirst_node(NestLoopParam, cell)->paramval, &read))
			return true;
	return false;
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
	QueryTop	found;
	ListCell   *cell;

	foreach(cell, tlist)
		any |= is_key(lfirst_node(TargetEntry, cell));
	if (!any || !find_top_of(statement, scan, &found))
		return tlist;
	any = false;
	foreach(cell, tlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (is_key(entry) && is_junk(found.top, scan, foreach_current_index(cell)) &&
			!is_read(&found, foreach_current_index(cell)))
		{
			entry = flatCopyTargetEntry(entry);
			entry->expr = (Expr *) makeNullConst(exprType((Node *) entry->expr), -1, InvalidOid);
			any = true;
		}
		result = lappend(result, entry);
	}
	return any ? result : tlist;
}
