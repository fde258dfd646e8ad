/*
 * condition_plan.c
 *	  From a path to a plan node: the bitmap plan as a child, the search's order and
 *	  the bitmap's conditions as expressions.
 */
#include "postgres.h"

#include "condition/condition.h"
#include "condition/search_node.h"
#include "optimizer/restrictinfo.h"

/* The conditions of the ordering index itself, from its index path. */
static List *
index_conditions(const IndexPath *ordered)
{
	List	   *result = NIL;
	ListCell   *cell;
	ListCell   *qual;

	foreach(cell, ordered->indexclauses)
		foreach(qual, lfirst_node(IndexClause, cell)->indexquals)
			result = lappend(result, lfirst_node(RestrictInfo, qual)->clause);
	return result;
}

/*
 * CustomPathMethods.PlanCustomPath. `custom_plans` has the plan of the BitmapHeapPath:
 * only what is below it is kept. All conditions but the bitmap's stay filters, also
 * those that the ordering index enforces: it may ask for a recheck.
 */
static Plan *
plan_condition(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			   List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	IndexPath  *ordered = linitial(path->custom_private);
	BitmapHeapScan *heap = castNode(BitmapHeapScan, linitial(custom_plans));
	List	   *qual = heap->scan.plan.qual;

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = qual;
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_plans = list_make1(heap->scan.plan.lefttree);
	scan->custom_exprs = list_make4(barq_search_clauses(ordered->indexorderbys),
									barq_search_clauses(index_conditions(ordered)),
									heap->bitmapqualorig, copyObject(ordered->indexorderbys));
	scan->custom_private = list_make1(list_make1_oid(ordered->indexinfo->indexoid));
	scan->methods = &barq_condition_scan_methods;
	return &scan->scan.plan;
}

const CustomPathMethods barq_condition_path_methods = {
	.CustomName = BARQ_CONDITION_NAME,
	.PlanCustomPath = plan_condition,
};
