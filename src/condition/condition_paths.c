/*
 * condition_paths.c
 *	  Paths that search an index of barq for the rows that other indexes find:
 *	  `WHERE tags @> '{sale}' AND price < 20 ORDER BY embedding <=> $1`.
 *
 * A path has two parts. The ordered index path of the barq index, without other
 * conditions than its own, and the bitmap path that the planner would choose for the
 * other indexes. The planner has dropped these where others were cheaper, so both are
 * made again by create_index_paths(), on copies of the table's RelOptInfo that have
 * empty lists of paths and only the indexes wanted.
 *
 * Row security needs no care here: create_index_paths() matches no condition to an
 * index that must wait for one of a lower security level, unless its operator is
 * leakproof; and the clauses of the plan are checked in the planner's order.
 *
 * The hook is installed in time: opening a table's indexes calls their handler, which
 * loads the library, and the planner opens them before it calls the hook.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/filters.h"
#include "base/settings.h"
#include "catalog/pg_class.h"
#include "condition/condition.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "text_index/text_paths.h"
#include "vector_index/vector_index.h"

static set_rel_pathlist_hook_type next_hook = NULL;

/* Whether an index is one of barq that searches in an order. No side effects. */
static bool
is_ordering(const IndexOptInfo *index)
{
	return index->amcostestimate == (void *) barq_hnsw_cost_estimate ||
		index->amcostestimate == (void *) barq_ivf_cost_estimate ||
		barq_is_text_info(index);
}

RelOptInfo *
barq_rel_of_indexes(const RelOptInfo *rel, List *indexes)
{
	RelOptInfo *copy = makeNode(RelOptInfo);

	memcpy(copy, rel, sizeof(RelOptInfo));
	copy->indexlist = indexes;
	copy->pathlist = copy->partial_pathlist = copy->ppilist = NIL;
	copy->cheapest_parameterized_paths = NIL;
	copy->cheapest_startup_path = copy->cheapest_total_path = NULL;
	copy->consider_parallel = false;
	copy->joininfo = NIL;
	copy->has_eclass_joins = false;
	return copy;
}

/*
 * The path by which an index returns rows in the order that the query wants; NULL if
 * there is none, or it must not be used (BARQ_REFUSED_COST).
 */
static IndexPath *
ordered_path(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index)
{
	RelOptInfo *copy;
	ListCell   *cell;

	if (index->indpred != NIL && !index->predOK)
		return NULL;
	copy = barq_rel_of_indexes(rel, list_make1(index));
	create_index_paths(root, copy);
	foreach(cell, copy->pathlist)
	{
		IndexPath  *path = lfirst(cell);

		/* a second distance would have to be put in order by the executor */
		if (IsA(path, IndexPath) && path->path.param_info == NULL &&
			path->path.pathkeys != NIL && list_length(path->indexorderbys) == 1 &&
			path->path.total_cost < BARQ_REFUSED_COST &&
			(!barq_is_text_info(index) || barq_text_path_is_fixed(path)))
			return barq_filter_whole_path(root, rel, path);
	}
	return NULL;
}

/*
 * The bitmap path that the planner would choose for the table's conditions from all
 * indexes; NULL if there is none. The ordering index is left out if its path enforces
 * conditions (of text) already. Copies of these indexes offer bitmaps
 * only, so that no plain index scan displaces the bitmap.
 */
static BitmapHeapPath *
bitmap_path(PlannerInfo *root, RelOptInfo *rel, const IndexPath *ordered)
{
	List	   *indexes = NIL;
	RelOptInfo *copy;
	ListCell   *cell;

	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);
		IndexOptInfo *bitmaps;

		if ((index == ordered->indexinfo && ordered->indexclauses != NIL) ||
			!index->amhasgetbitmap ||
			(index->indpred != NIL && !index->predOK))
			continue;
		bitmaps = makeNode(IndexOptInfo);
		memcpy(bitmaps, index, sizeof(IndexOptInfo));
		bitmaps->amhasgettuple = bitmaps->amcanorderbyop = bitmaps->amcanparallel = false;
		bitmaps->sortopfamily = NULL;
		indexes = lappend(indexes, bitmaps);
	}
	if (indexes == NIL)
		return NULL;
	copy = barq_rel_of_indexes(rel, indexes);
	create_index_paths(root, copy);
	foreach(cell, copy->pathlist)
	{
		BitmapHeapPath *path = lfirst(cell);

		if (IsA(path, BitmapHeapPath) && path->path.param_info == NULL)
			return path;
	}
	return NULL;
}

bool
barq_path_enforces(const IndexPath *path, const RestrictInfo *condition)
{
	ListCell   *cell;

	foreach(cell, path->indexclauses)
		if (lfirst_node(IndexClause, cell)->rinfo == condition)
			return true;
	return false;
}

/* Whether the index of an ordered path enforces each condition of a bitmap itself. */
static bool
enforces_all(const IndexPath *ordered, const Path *bitmap)
{
	ListCell   *cell;

	if (IsA(bitmap, BitmapAndPath))
	{
		foreach(cell, ((const BitmapAndPath *) bitmap)->bitmapquals)
			if (!enforces_all(ordered, lfirst(cell)))
				return false;
		return true;
	}
	if (!IsA(bitmap, IndexPath) || ((const IndexPath *) bitmap)->indexinfo->indpred != NIL)
		return false;
	foreach(cell, ((const IndexPath *) bitmap)->indexclauses)
		if (!barq_path_enforces(ordered, lfirst_node(IndexClause, cell)->rinfo))
			return false;
	return true;
}

/* The path of a search by `ordered` for the rows of `bitmap`; *late as for its cost. */
static CustomPath *
condition_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *ordered,
			   BitmapHeapPath *bitmap, BarqLateBitmap *late)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = barq_path_suits_workers(root, ordered);
	path->path.pathkeys = ordered->path.pathkeys;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make2(bitmap, ordered);
	path->methods = &barq_condition_path_methods;
	barq_condition_cost(root, path, ordered, bitmap, late);
	return path;
}

/*
 * A path like `first`, which makes the bitmap when the rows looked at have shown that it
 * pays. It costs what the index scan costs that checks conditions after the search, in whose place
 * it is, and wins ties.
 */
static Path *
late_path(PlannerInfo *root, RelOptInfo *rel, const CustomPath *first, const BarqLateBitmap *late)
{
	CustomPath *path = makeNode(CustomPath);
	const IndexPath *ordered = lsecond(first->custom_paths);
	Cost		run = ordered->path.total_cost - ordered->path.startup_cost;

	memcpy(path, first, sizeof(CustomPath));
	path->path.startup_cost = ordered->path.startup_cost;
	path->path.total_cost = ordered->path.total_cost - barq_ordered_spared(root, rel, ordered) - run * 1e-6;
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = ordered->path.disabled_nodes;
#endif
	path->custom_private = barq_late_bitmap_list(late);
	return (Path *) path;
}

/* Add the paths of a search by `ordered` for the rows of `bitmap`. */
static void
add_paths_within(PlannerInfo *root, RelOptInfo *rel, IndexPath *ordered, BitmapHeapPath *bitmap)
{
	IndexOptInfo *index = ordered->indexinfo;
	BarqLateBitmap late;
	CustomPath *path = condition_path(root, rel, ordered, bitmap, &late);

	/* without a bitmap it is an index scan */
	if (enable_bitmapscan && enable_indexscan && !barq_is_text_info(index) &&
		barq_late_bitmap_may_wait(barq_search_names_of(index->indexoid)) &&
		barq_late_bitmap_pays(ordered, &late))
	{
		/* add_path() frees what it does not keep */
		add_path(rel, late_path(root, rel, path, &late));
		if (barq_late_bitmap_may_look(&late))
			path->custom_private = barq_late_bitmap_list(&late);
	}
	add_path(rel, &path->path);
}

/*
 * set_rel_pathlist_hook: call the hook installed before, then add a path for each
 * index of barq that has the query's order, if other indexes have conditions that it does
 * not enforce by its filter columns, and those of ordered_paths.c.
 */
static void
add_condition_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	List	   *indexes = rel->indexlist;
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!barq_condition_scan || rte->rtekind != RTE_RELATION || rte->inh ||
		rte->tablesample != NULL || IS_DUMMY_REL(rel) ||
		root->query_pathkeys == NIL || !bms_is_empty(rel->lateral_relids))
		return;
	barq_add_ordered_paths(root, rel);
	if (rel->baserestrictinfo == NIL)
		return;
	foreach(cell, indexes)
	{
		IndexOptInfo *index = lfirst(cell);
		IndexPath  *ordered;
		BitmapHeapPath *bitmap;

		if (is_ordering(index) &&
			(ordered = ordered_path(root, rel, index)) != NULL &&
			(bitmap = bitmap_path(root, rel, ordered)) != NULL &&
			!enforces_all(ordered, bitmap->bitmapqual))
			add_paths_within(root, rel, ordered, bitmap);
	}
}

void
barq_condition_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_condition_paths;
	RegisterCustomScanMethods(&barq_condition_scan_methods);
	RegisterCustomScanMethods(&barq_ordered_scan_methods);
}
