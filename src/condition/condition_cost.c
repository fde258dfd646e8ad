/*
 * condition_cost.c
 *	  The cost of a search within the bitmap of other indexes.
 */
#include "postgres.h"

#include <math.h>

#include "base/settings.h"
#include "catalog/pg_am.h"
#include "condition/bitmap_tids.h"
#include "condition/condition.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "text_index/text_paths.h"
#include "utils/spccache.h"
#include "vector_index/recall_target.h"
#include "vector_index/vector_index.h"

/* As BITMAP_COST of a search, by which it lists the rows of a bitmap or walks a graph. */
#define LISTED_COST	96

/*
 * Reading TIDs of btree indexes without a bitmap costs about so much of what the planner
 * reckons for the bitmap (docs/performance.md, "The ways into a condition").
 */
#define READ_TIDS	0.5

/* How many times its cost a bitmap has to spare in the worst case. */
#define FAR_PAYS	2

/* Whether all scans of a bitmap are of btree indexes, as bitmap_tids.c wants them. */
static bool
is_read_as_tids(const Path *bitmapqual)
{
	List	   *children;
	ListCell   *cell;

	if (IsA(bitmapqual, IndexPath))
		return ((const IndexPath *) bitmapqual)->indexinfo->relam == BTREE_AM_OID;
	if (IsA(bitmapqual, BitmapAndPath))
		children = ((const BitmapAndPath *) bitmapqual)->bitmapquals;
	else if (IsA(bitmapqual, BitmapOrPath))
		children = ((const BitmapOrPath *) bitmapqual)->bitmapquals;
	else
		return false;
	foreach(cell, children)
		if (!is_read_as_tids(lfirst(cell)))
			return false;
	return true;
}

bool
barq_late_bitmap_pays(const IndexPath *ordered, const BarqLateBitmap *late)
{
	double		found = ordered->indexselectivity * Max(ordered->indexinfo->rel->tuples, 1);

	return found * (1 - late->share * late->within) >= FAR_PAYS * late->cost;
}

void
barq_condition_cost(PlannerInfo *root, CustomPath *path, const IndexPath *ordered,
					const BitmapHeapPath *bitmap, BarqLateBitmap *late)
{
	RelOptInfo *rel = path->path.parent;
	double		tuples = Max(rel->tuples, 1);
	bool		is_text = barq_is_text_info(ordered->indexinfo);

	/* a target of recall is for vectors, and needs their curves */
	double		breadth = is_text ? barq_ef_search :
		barq_planned_breadth(ordered->indexinfo->indexoid, false, root->limit_tuples);
	double		random_page;
	Cost		bitmap_cost;
	Selectivity selectivity;
	double		matches;
	double		listed;
	double		scored;
	double		found;
	Cost		startup;
	double		per_row;
	double		heap;

	cost_bitmap_tree_node(bitmap->bitmapqual, &bitmap_cost, &selectivity);
	matches = clamp_row_est(selectivity * tuples);
	if (is_read_as_tids(bitmap->bitmapqual) &&
		matches * BARQ_BITMAP_TID_BYTES <= work_mem * 1024.0)
		bitmap_cost *= READ_TIDS;

	/* few rows are scored one by one; a walk scores more, the fewer match */
	listed = sqrt(LISTED_COST * breadth * tuples);
	scored = matches <= listed ? matches :
		Min(matches, breadth * 32 * tuples / matches);

	/* from TIDs to rows, then their codes: a memory access each */
	path->path.startup_cost = bitmap_cost + ordered->indexinfo->tuples * 0.1 * cpu_operator_cost +
		matches * cpu_operator_cost + scored * cpu_operator_cost + random_page_cost;

	/*
	 * The rows of the bitmap that the search returns. To fetch one costs what
	 * cost_index() takes for it: then a sort of the bitmap's rows, which reads the same
	 * pages in their order, costs less if LIMIT wants most of them.
	 */
	get_tablespace_page_costs(rel->reltablespace, &random_page, NULL);
	heap = index_pages_fetched(matches, rel->pages, ordered->indexinfo->pages, root) * random_page;
	found = clamp_row_est(ordered->indexselectivity * tuples);
	startup = ordered->path.startup_cost;
#if PG_VERSION_NUM < 180000
	if (!enable_indexscan)
		startup -= disable_cost;	/* which indextotalcost does not have */
#endif
	per_row = Max(ordered->indextotalcost - startup, 0) / found;
	if (!is_text)
		per_row /= barq_vector_unforeseen(ordered->indexinfo, found);
	per_row += cpu_tuple_cost + rel->baserestrictcost.per_tuple;
	path->path.rows = rel->rows;
	path->path.total_cost = path->path.startup_cost + per_row * matches + heap;

	/* a search without the bitmap fetches each of its rows from the heap as well */
	heap = index_pages_fetched(found, rel->pages, ordered->indexinfo->pages, root) * random_page;
	late->cost = path->path.startup_cost / (per_row + heap / found);
	late->share = Min(rel->rows / found, 1);
	late->within = Max(matches / rel->rows, 1);
	late->walks = matches > listed;
}
