/*
 * ordered_paths.c
 *	  Paths that search an index of vectors in the place of an index scan, because the
 *	  node leaves out a sort key that nothing reads: `SELECT id FROM t ORDER BY v <=> $1
 *	  LIMIT 10`.
 *
 * Offered only where that may spare something: the vectors are TOASTed, the index puts rows
 * in order by intervals, without their vectors, and the query selects nothing that is
 * computed from them. Whether a key is left out is decided by the finished plan
 * (unread_key.c); here it is foreseen, for the cost. Where it is not foreseen it may still
 * come true, so of equal costs the path has the lower one by a millionth.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "condition/condition.h"
#include "condition/search_node.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/restrictinfo.h"
#include "vector_index/vector_index.h"

static const CustomPathMethods path_methods;

/* Whether a path is an ordered index scan that the node can do. No side effects. */
static bool
is_ordered_scan(const Path *path)
{
	const IndexPath *scan = (const IndexPath *) path;

	return IsA(path, IndexPath) && path->param_info == NULL && path->pathkeys != NIL &&
		list_length(scan->indexorderbys) == 1 && path->total_cost < BARQ_REFUSED_COST;
}

/*
 * Whether an expression selected, other than a column by itself, reads the indexed
 * columns: it may well contain the distance, which is then computed anyway.
 */
static bool
computes_of_vector(List *tlist, IndexOptInfo *index)
{
	Bitmapset  *columns = NULL;
	Bitmapset  *read = NULL;
	ListCell   *cell;

	if (index->indexkeys[0] != 0)
		columns = bms_make_singleton(index->indexkeys[0] - FirstLowInvalidHeapAttributeNumber);
	else
		pull_varattnos(linitial(index->indexprs), index->rel->relid, &columns);
	foreach(cell, tlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);

		if (!entry->resjunk && !IsA(entry->expr, Var))
			pull_varattnos((Node *) entry->expr, index->rel->relid, &read);
	}
	return bms_overlap(columns, read) || bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, read);
}

/*
 * Whether a table is the only one of its query: no join, and of a partitioned table all
 * other partitions are pruned, so that no node merges them. No side effects.
 */
static bool
is_only_table(PlannerInfo *root, const RelOptInfo *rel)
{
	while (rel->reloptkind == RELOPT_OTHER_MEMBER_REL)
	{
		rel = find_base_rel(root, root->append_rel_array[rel->relid]->parent_relid);
		if (bms_membership(rel->live_parts) != BMS_SINGLETON)
			return false;
	}
	return rel->reloptkind == RELOPT_BASEREL &&
		bms_membership(root->all_baserels) == BMS_SINGLETON;
}

/*
 * Whether probably nothing will read the sort key of a scan of this table: the query
 * returns rows of this table alone, in this order. No side effects.
 */
static bool
is_key_unread(PlannerInfo *root, const RelOptInfo *rel)
{
	Query	   *query = root->parse;

	return query->commandType == CMD_SELECT && query->rowMarks == NIL &&
		query->groupClause == NIL && query->groupingSets == NIL && !query->hasAggs &&
		!query->hasWindowFuncs && query->distinctClause == NIL && query->havingQual == NULL &&
		query->setOperations == NULL && !query->hasTargetSRFs &&
		query->limitOption == LIMIT_OPTION_COUNT &&
		list_length(query->sortClause) == 1 && list_length(root->query_pathkeys) == 1 &&
		is_only_table(root, rel);
}

/* The path in the place of an index scan. `spared`: of the cost of each row, or 0. */
static Path *
ordered_path(RelOptInfo *rel, IndexPath *scan, Cost spared)
{
	CustomPath *path = makeNode(CustomPath);
	Cost		run = scan->path.total_cost - scan->path.startup_cost;

	/* never more than half: a row is still found by the search, and fetched */
	spared = Min(spared * Max(scan->indexinfo->tuples, 1), run / 2);
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = rel->consider_parallel;
	path->path.pathkeys = scan->path.pathkeys;
	path->path.rows = scan->path.rows;
	path->path.startup_cost = scan->path.startup_cost;
	path->path.total_cost = scan->path.total_cost - Max(spared, run * 1e-6);
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = scan->path.disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(scan);
	path->methods = &path_methods;
	return (Path *) path;
}

void
barq_add_ordered_paths(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *paths = NIL;
	ListCell   *cell;

	foreach(cell, rel->pathlist)
	{
		IndexPath  *scan = lfirst(cell);
		Cost		spared;

		if (is_ordered_scan(lfirst(cell)) &&
			!computes_of_vector(root->processed_tlist, scan->indexinfo) &&
			(spared = barq_vector_key_cost(root, scan->indexinfo)) > 0)
			paths = lappend(paths, ordered_path(rel, scan, is_key_unread(root, rel) ? spared : 0));
	}
	foreach(cell, paths)
		add_path(rel, lfirst(cell));
}

/*
 * CustomPathMethods.PlanCustomPath. `custom_plans` has the plan of the index scan, of which
 * the expressions are kept. All conditions of the table are filters too: the index may ask
 * for a recheck of its own.
 */
static Plan *
plan_ordered(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			 List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	IndexScan  *search = castNode(IndexScan, barq_below_gate(linitial(custom_plans)));

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = extract_actual_clauses(clauses, false);
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_exprs = list_make4(search->indexorderby, search->indexqual,
									search->indexorderbyorig, search->indexqualorig);
	scan->custom_private = list_make1(list_make1_oid(search->indexid));
	scan->methods = &barq_ordered_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = BARQ_ORDERED_NAME,
	.PlanCustomPath = plan_ordered,
};
