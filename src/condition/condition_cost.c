/*
 * condition_cost.c
 *	  The cost of a search within the bitmap of other indexes.
 */
#include "postgres.h"

#include <math.h>

#include "base/settings.h"
#include "condition/condition.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"

void
barq_condition_cost(PlannerInfo *root, CustomPath *path, const IndexPath *ordered,
					const BitmapHeapPath *bitmap)
{
	RelOptInfo *rel = path->path.parent;
	double		tuples = Max(rel->tuples, 1);
	Cost		bitmap_cost;
	Selectivity selectivity;
	double		matches;
	double		listed;
	double		scored;
	double		per_row;

	cost_bitmap_tree_node(bitmap->bitmapqual, &bitmap_cost, &selectivity);
	matches = clamp_row_est(selectivity * tuples);

	/* few rows are scored one by one; a walk scores more, the fewer match */
	listed = sqrt(32.0 * barq_ef_search * tuples);
	scored = matches <= listed ? matches :
		Min(matches, barq_ef_search * 32 * tuples / matches);

	/* from TIDs to rows, then their codes: a memory access each */
	path->path.startup_cost = bitmap_cost + ordered->indexinfo->tuples * 0.1 * cpu_operator_cost +
		matches * cpu_operator_cost + scored * cpu_operator_cost + random_page_cost;

	/* the rows of the bitmap that the search returns, cheaper than any sort of them */
	per_row = (ordered->path.total_cost - ordered->path.startup_cost) /
		clamp_row_est(ordered->indexselectivity * tuples);
	path->path.rows = rel->rows;
	path->path.total_cost = path->path.startup_cost + per_row * matches;
}
