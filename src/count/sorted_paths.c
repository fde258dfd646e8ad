/*
 * sorted_paths.c
 *	  Paths for `SELECT * FROM t WHERE body @@@ 'words' ORDER BY price LIMIT 10`, where price
 *	  is a filter column of the index of the texts.
 *
 * The access method cannot say that its scans have the order of a column (amcanorder is for
 * btrees), so set_rel_pathlist_hook offers a custom scan. Its path has the first sort key
 * only: of further ones the server makes an incremental sort.
 */
#include "postgres.h"

#include <math.h>

#include "access/stratnum.h"
#include "am/filters.h"
#include "base/settings.h"
#include "condition/condition.h"
#include "count/count.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "text_index/text_paths.h"
#include "text_index/text_scan.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

/* To look for one row in the postings, in operators. */
#define LOOK_OPERATORS	8

static set_rel_pathlist_hook_type next_hook = NULL;
static const CustomPathMethods path_methods;

/*
 * The column of an index, from 0, whose order begins the order that the query wants; -1 if
 * there is none.
 */
static int
sorting_column(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index)
{
	PathKey    *key = linitial(root->query_pathkeys);

	if (key->pk_eclass->ec_has_volatile)
		return -1;
	for (int i = 1; i < index->nkeycolumns; i++)
	{
		Oid			type = index->opcintype[i];
		TargetEntry *entry = list_nth(index->indextlist, i);

		if (barq_filter_is_sortable(barq_filter_form(type)) &&
			lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY)->btree_opf == key->pk_opfamily &&
			find_ec_member_matching_expr(key->pk_eclass, entry->expr, rel->relids) != NULL)
			return i;
	}
	return -1;
}

/* Has a path a condition `@@@`, and no other on a score? */
static bool
only_matches(const IndexPath *path)
{
	bool		matches = false;
	ListCell   *cell;

	foreach(cell, path->indexclauses)
	{
		IndexClause *clause = lfirst_node(IndexClause, cell);
		ListCell   *qual;

		foreach(qual, clause->indexquals)
		{
			OpExpr	   *given = (OpExpr *) lfirst_node(RestrictInfo, qual)->clause;
			int			strategy;

			if (!IsA(given, OpExpr))
				continue;
			strategy = get_op_opfamily_strategy(given->opno, path->indexinfo->opfamily[clause->indexcol]);
			if (strategy == BARQ_TEXT_MATCH_STRATEGY || strategy == BARQ_TEXT_GLOBAL_MATCH_STRATEGY)
				matches = true;
			else if (strategy < BARQ_FILTER_LESS)
				return false;
		}
	}
	return matches;
}

/*
 * Set the costs of a path. The first batch either walks the order of the column and looks
 * for its rows in the postings, or finds all matches, as each later one may have to
 * (text_scan_sorted.c).
 */
static void
set_cost(CustomPath *path, const IndexPath *scan)
{
	double		tuples = Max(scan->indexinfo->tuples, 1);
	double		rows = Max(scan->indexselectivity * tuples, 1);
	double		looked = Min(BARQ_TEXT_FIRST_BATCH * tuples / rows, tuples);
	Cost		all = scan->indextotalcost + rows * cpu_operator_cost;
	Cost		first = Min(all, 4 * random_page_cost + looked * cpu_operator_cost * LOOK_OPERATORS);
	double		batches = rows > BARQ_TEXT_FIRST_BATCH ?
		ceil(log(rows / BARQ_TEXT_FIRST_BATCH) / log(4)) : 0;

	path->path.startup_cost = first;
	path->path.total_cost = first + batches * all + barq_count_table_cost(scan);
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = scan->path.disabled_nodes;
#else
	if (!enable_indexscan)
		path->path.startup_cost += disable_cost, path->path.total_cost += disable_cost;
#endif
}

/* Offer a path by an index, if it has one. */
static void
add_path_of(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index)
{
	int			column = sorting_column(root, rel, index);
	IndexPath  *scan;
	CustomPath *path;
	PathKey    *key = linitial(root->query_pathkeys);

	if (column < 0)
		return;
	scan = barq_count_index_path(root, rel, index, false);
	if (scan == NULL || !only_matches(scan))
		return;
	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = rel->consider_parallel;
	path->path.pathkeys = list_make1(key);
	path->path.rows = rel->rows;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(scan);
	path->custom_private = list_make3_int(column, BarqPathKeyDescends(key), key->pk_nulls_first);
	path->methods = &path_methods;
	set_cost(path, scan);
	add_path(rel, &path->path);
}

/* set_rel_pathlist_hook: call the hook installed before, then add paths. */
static void
add_sorted_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!barq_sorted_scan || rte->rtekind != RTE_RELATION || rte->inh || rte->tablesample != NULL ||
		root->query_pathkeys == NIL || rel->baserestrictinfo == NIL || IS_DUMMY_REL(rel))
		return;
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);

		if (barq_is_text_info(index))
			add_path_of(root, rel, index);
	}
}

/*
 * CustomPathMethods.PlanCustomPath. `custom_plans` has the plan of the index scan: conditions
 * that it enforces are rechecked where it asks for that; its filter has the others.
 */
static Plan *
plan_sorted(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	IndexScan  *search = castNode(IndexScan, barq_below_gate(linitial(custom_plans)));
	IndexPath  *found = linitial(path->custom_paths);
	TargetEntry *column = list_nth(found->indexinfo->indextlist, linitial_int(path->custom_private));

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = search->scan.plan.qual;
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_exprs = list_make3(search->indexqual, search->indexqualorig,
									list_make1(copyObject(column->expr)));
	scan->custom_private = list_make2(list_make1_oid(search->indexid),
									  list_copy(path->custom_private));
	scan->methods = &barq_sorted_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = BARQ_SORTED_NAME,
	.PlanCustomPath = plan_sorted,
};

void
barq_sorted_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_sorted_paths;
	RegisterCustomScanMethods(&barq_sorted_scan_methods);
}
