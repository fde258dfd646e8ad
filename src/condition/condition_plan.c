/*
 * condition_plan.c
 *	  From a path to a plan node: the bitmap plan as a child, the search's order and
 *	  the bitmap's conditions as expressions.
 */
#include "postgres.h"

#include "condition/condition.h"
#include "optimizer/restrictinfo.h"
#include "text_index/text_paths.h"

/*
 * A child's plan without the Result above it that checks conditions without columns
 * (create_gating_plan()), which the custom scan has above itself as well.
 */
Plan *
barq_below_gate(Plan *plan)
{
	while (IsA(plan, Result))
		plan = outerPlan(plan);
	return plan;
}

/*
 * CustomPathMethods.PlanCustomPath. `custom_plans` has the plans of the BitmapHeapPath
 * and of the ordered IndexPath. Of the first only what is below it is kept, of the second
 * the expressions. All conditions but the bitmap's stay filters, also those that the
 * ordering index enforces: it may ask for a recheck. Where the bitmap is made late,
 * the bitmap's conditions are filters too.
 */
static Plan *
plan_condition(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			   List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	BitmapHeapScan *heap = castNode(BitmapHeapScan, barq_below_gate(linitial(custom_plans)));
	IndexScan  *search = castNode(IndexScan, barq_below_gate(lsecond(custom_plans)));
	List	   *late = path->custom_private;
	bool		text = barq_is_text_info(((IndexPath *) lsecond(path->custom_paths))->indexinfo);

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = late != NIL ? extract_actual_clauses(clauses, false) : heap->scan.plan.qual;
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_plans = list_make1(heap->scan.plan.lefttree);
	scan->custom_exprs = list_make5(search->indexorderby, search->indexqual,
									late != NIL ? NIL : heap->bitmapqualorig,
									search->indexorderbyorig,
									search->indexqualorig);
	scan->custom_exprs = lappend(scan->custom_exprs, text ? search->indexorderbyorig : NIL);
	scan->custom_private = list_make2(list_make1_oid(search->indexid), late);
	scan->methods = &barq_condition_scan_methods;
	return &scan->scan.plan;
}

const CustomPathMethods barq_condition_path_methods = {
	.CustomName = BARQ_CONDITION_NAME,
	.PlanCustomPath = plan_condition,
};
