/*
 * ordered_paths.c
 *	  Paths that search an index in the place of an index scan, because the node does not
 *	  compute the sort key: of vectors one that nothing reads, `SELECT id FROM t ORDER BY v
 *	  <=> $1 LIMIT 10`; of text always, as the index gives it.
 *
 * Of text nothing is dearer than by the index scan, and the path is offered wherever the scan
 * itself would compute the score, selected or not. Of vectors it is offered only where that may spare something: the vectors are TOASTed, the index puts rows
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
#include "text_index/text_paths.h"
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

/*
 * What a path costs less than the index scan in whose place it is, where `spared` of the
 * cost of each row is.
 */
static Cost
spared_of(const IndexPath *scan, Cost spared)
{
	Cost		run = scan->path.total_cost - scan->path.startup_cost;

	/* never more than half: a row is still found by the search, and fetched */
	return Max(Min(spared * Max(scan->indexinfo->tuples, 1), run / 2), run * 1e-6);
}

/*
 * The path in the place of an index scan. `spared`: of the cost of each row, or 0. `given`:
 * of text, the expression whose value the index gives; else NULL.
 */
static Path *
ordered_path(RelOptInfo *rel, IndexPath *scan, Cost spared, Expr *given)
{
	CustomPath *path = makeNode(CustomPath);

	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.parallel_safe = scan->path.parallel_safe;
	path->path.pathkeys = scan->path.pathkeys;
	path->path.rows = scan->path.rows;
	path->path.startup_cost = scan->path.startup_cost;
	path->path.total_cost = scan->path.total_cost - spared_of(scan, spared);
#if PG_VERSION_NUM >= 180000
	path->path.disabled_nodes = scan->path.disabled_nodes;
#endif
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make1(scan);
	path->custom_private = given == NULL ? NIL : list_make1(given);
	path->methods = &path_methods;
	return (Path *) path;
}

/*
 * The path in the place of an index scan of text: NULL if the scan does not compute the
 * score, or an execution may have to put its rows in order.
 */
static Path *
scored_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *scan)
{
	Expr	   *given;

	/* below a join the score is not computed by the scan */
	if (bms_membership(root->all_baserels) != BMS_SINGLETON ||
		!barq_text_path_is_fixed(scan) ||
		(given = barq_text_path_order(root, rel, scan)) == NULL)
		return NULL;
	return ordered_path(rel, scan, 0, given);
}

/*
 * What the cost of each row may be less than that of an index scan of vectors; *foreseen:
 * and probably is. 0: no path is offered.
 */
static Cost
spared_of_row(PlannerInfo *root, RelOptInfo *rel, const IndexPath *scan, bool *foreseen)
{
	*foreseen = is_key_unread(root, rel);
	return computes_of_vector(root->processed_tlist, scan->indexinfo) ? 0 :
		barq_vector_key_cost(root, scan->indexinfo);
}

/* The path in the place of an index scan of vectors, or NULL. */
static Path *
unread_path(PlannerInfo *root, RelOptInfo *rel, IndexPath *scan)
{
	bool		foreseen;
	Cost		spared = spared_of_row(root, rel, scan, &foreseen);

	return spared <= 0 ? NULL : ordered_path(rel, scan, foreseen ? spared : 0, NULL);
}

Cost
barq_ordered_spared(PlannerInfo *root, RelOptInfo *rel, const IndexPath *scan)
{
	bool		foreseen;
	Cost		spared = spared_of_row(root, rel, scan, &foreseen);

	return spared <= 0 ? 0 : spared_of(scan, foreseen ? spared : 0);
}

void
barq_add_ordered_paths(PlannerInfo *root, RelOptInfo *rel)
{
	List	   *paths = NIL;
	ListCell   *cell;

	foreach(cell, rel->pathlist)
	{
		IndexPath  *scan = lfirst(cell);
		Path	   *path;

		if (!is_ordered_scan(lfirst(cell)))
			continue;
		path = barq_is_text_info(scan->indexinfo) ? scored_path(root, rel, scan) :
			unread_path(root, rel, scan);
		if (path != NULL)
			paths = lappend(paths, path);
	}
	foreach(cell, paths)
		add_path(rel, lfirst(cell));
}

/*
 * The filters of a scan of text: those that PostgreSQL's index scan has, but for
 * conditions on rows, which the index decides too.
 */
static List *
filters_of(const IndexScan *search, const IndexPath *scan)
{
	return list_difference(search->scan.plan.qual, barq_text_path_decided(scan));
}

/* The conditions of a path of text that its index enforces, as the query has them. */
static List *
enforced_by(const IndexPath *scan)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, scan->indexclauses)
		result = lappend(result, lfirst_node(IndexClause, cell)->rinfo->clause);
	return result;
}

/*
 * CustomPathMethods.PlanCustomPath. `custom_plans` has the plan of the index scan, of which
 * the expressions are kept. Of vectors all conditions of the table are filters too: the
 * index may ask for a recheck of its own. A search of text checks all conditions where the
 * index asks for a recheck.
 */
static Plan *
plan_ordered(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
			 List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	IndexScan  *search = castNode(IndexScan, barq_below_gate(linitial(custom_plans)));
	List	   *conditions = extract_actual_clauses(clauses, false);
	const IndexPath *replaced = linitial(path->custom_paths);
	List	   *given = path->custom_private;
	bool		text = given != NIL;

	scan->scan.plan.targetlist = tlist;
	scan->scan.plan.qual = text ? filters_of(search, replaced) : conditions;
	scan->scan.scanrelid = rel->relid;
	scan->flags = path->flags;
	scan->custom_exprs = list_make4(search->indexorderby, search->indexqual,
									text ? given : search->indexorderbyorig,
									text ? enforced_by(replaced) : search->indexqualorig);
	scan->custom_exprs = lappend(scan->custom_exprs, given);
	scan->custom_exprs = lappend(scan->custom_exprs, text ? conditions : NIL);
	scan->custom_private = list_make1(list_make1_oid(search->indexid));
	scan->methods = &barq_ordered_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = BARQ_ORDERED_NAME,
	.PlanCustomPath = plan_ordered,
};
