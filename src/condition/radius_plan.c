/*
 * radius_plan.c
 *	  From a path of a search within a radius to its plan node.
 */
#include "postgres.h"

#include "condition/radius.h"
#include "optimizer/appendinfo.h"
#include "optimizer/restrictinfo.h"

/* The conditions but the one that the search answers, as the node's filter. */
static List *
other_conditions(const List *conditions, const BarqRadiusClause *clause)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, conditions)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

		/* that of a join may come as a copy for this table */
		if (condition != clause->given && !equal(condition->clause, clause->given->clause) &&
			!condition->pseudoconstant)
			result = lappend(result, condition->clause);
	}
	return result;
}

/* CustomPathMethods.PlanCustomPath. The server replaces parameters of a join afterwards. */
static Plan *
plan_radius(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	BarqRadiusClause *clause = linitial(path->custom_private);
	bool		ordered = path->path.pathkeys != NIL;

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = other_conditions(clauses, clause);
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_exprs = list_make3(list_make2(copyObject(clause->query), copyObject(clause->bound)),
									list_make1(copyObject(clause->given->clause)),
									list_make1(copyObject(clause->distance)));
	scan->custom_private = list_make2(list_make1_oid(clause->index->indexoid),
									  list_make2_int(clause->inclusive, ordered));
	scan->methods = &barq_radius_scan_methods;
	return &scan->scan.plan;
}

/*
 * CustomPathMethods.ReparameterizeCustomPathByChild: the path's parameters come from a
 * partition in place of its parent.
 */
static List *
adjust_to_child(PlannerInfo *root, List *custom_private, RelOptInfo *child)
{
	BarqRadiusClause *clause = palloc(sizeof(BarqRadiusClause));

	memcpy(clause, linitial(custom_private), sizeof(BarqRadiusClause));
	clause->given = (RestrictInfo *) BarqAdjustToChild(root, (Node *) clause->given, child);
	clause->distance = (OpExpr *) BarqAdjustToChild(root, (Node *) clause->distance, child);
	clause->query = (Expr *) BarqAdjustToChild(root, (Node *) clause->query, child);
	clause->bound = (Expr *) BarqAdjustToChild(root, (Node *) clause->bound, child);
	return list_make1(clause);
}

const CustomPathMethods barq_radius_path_methods = {
	.CustomName = BARQ_RADIUS_NAME,
	.PlanCustomPath = plan_radius,
	.ReparameterizeCustomPathByChild = adjust_to_child,
};
