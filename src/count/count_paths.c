/*
 * count_paths.c
 *	  Paths for `SELECT count(*) FROM t WHERE body @@@ 'words' AND tenant_id = 7`.
 *
 * create_upper_paths_hook offers a custom path for the aggregation, over index paths: one
 * for the table, or one for each partition. It does so only where each condition of the
 * table is one that the index enforces by itself, so that no filter would be above the
 * index scan. Their plans are made by the server, so rights, parameters and columns of
 * partitions are its business.
 */
#include "postgres.h"

#include "base/settings.h"
#include "catalog/pg_class.h"
#include "condition/condition.h"
#include "count/count.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "text_index/text_paths.h"
#include "utils/fmgroids.h"

bool		barq_count_always = false;

static create_upper_paths_hook_type next_hook = NULL;

/* ---- index paths ---- */

/*
 * Is a path a scan of an index of barq_bm25 (NULL: any) for a query, not in the order of
 * scores, without parameters of other tables? all: one that enforces each condition of its
 * table.
 */
static bool
is_query_scan(const Path *path, const IndexOptInfo *index, bool all)
{
	const IndexPath *scan = (const IndexPath *) path;
	ListCell   *cell;

	if (!IsA(path, IndexPath) || path->param_info != NULL || scan->indexclauses == NIL ||
		scan->indexorderbys != NIL || !barq_is_text_info(scan->indexinfo) ||
		path->total_cost >= BARQ_REFUSED_COST || (index != NULL && scan->indexinfo != index))
		return false;
	if (!all)
		return true;
	foreach(cell, scan->indexinfo->indrestrictinfo)
		if (!barq_path_enforces(scan, lfirst_node(RestrictInfo, cell)))
			return false;
	return true;
}

/* The first of these paths, or of bitmap paths below them, that is; NULL: none. */
static IndexPath *
first_query_scan(List *paths, const IndexOptInfo *index, bool all)
{
	ListCell   *cell;

	foreach(cell, paths)
	{
		Path	   *path = lfirst(cell);

		if (IsA(path, ProjectionPath))
			path = ((ProjectionPath *) path)->subpath;
		if (IsA(path, BitmapHeapPath))
			path = ((BitmapHeapPath *) path)->bitmapqual;
		if (is_query_scan(path, index, all))
			return (IndexPath *) path;
	}
	return NULL;
}

/* Must a condition be checked before the scan, or in the order of row security? */
static bool
has_special_conditions(const RelOptInfo *rel)
{
	ListCell   *cell;

	foreach(cell, rel->baserestrictinfo)
	{
		RestrictInfo *condition = lfirst_node(RestrictInfo, cell);

		if (condition->pseudoconstant || condition->security_level > 0)
			return true;
	}
	return false;
}

IndexPath *
barq_count_index_path(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *wanted, bool all)
{
	IndexPath  *path;
	ListCell   *cell;

	if (rel->baserestrictinfo == NIL || !bms_is_empty(rel->lateral_relids) ||
		has_special_conditions(rel))
		return NULL;
	path = first_query_scan(rel->pathlist, wanted, all);
	if (path != NULL)
		return path;

	/* the planner may have dropped it for a cheaper one */
	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *index = lfirst(cell);
		RelOptInfo *copy;

		if (!barq_is_text_info(index) ||
			(index->indpred != NIL && !index->predOK) || (wanted != NULL && index != wanted))
			continue;
		copy = barq_rel_of_indexes(rel, list_make1(index));
		create_index_paths(root, copy);
		path = first_query_scan(copy->pathlist, index, all);
		if (path != NULL)
		{
			path->path.parent = rel;
			return path;
		}
	}
	return NULL;
}

/*
 * Add such a path of a table, or of each of its partitions and children that the plan
 * reads, to *paths. False if one has none, or is no plain table.
 */
static bool
collect_paths(PlannerInfo *root, RelOptInfo *rel, List **paths)
{
	RangeTblEntry *rte = planner_rt_fetch(rel->relid, root);
	IndexPath  *path;
	ListCell   *cell;

	check_stack_depth();
	if (rte->rtekind != RTE_RELATION || rte->tablesample != NULL || rte->securityQuals != NIL)
		return false;
	if (IS_DUMMY_REL(rel))
		return true;
	if (rte->inh)
	{
		foreach(cell, root->append_rel_list)
		{
			AppendRelInfo *info = lfirst(cell);

			if (info->parent_relid == rel->relid &&
				root->simple_rel_array[info->child_relid] != NULL &&
				!collect_paths(root, root->simple_rel_array[info->child_relid], paths))
				return false;
		}
		return true;
	}
	if (rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW)
		return false;
	path = barq_count_index_path(root, rel, NULL, true);
	if (path == NULL)
		return false;
	*paths = lappend(*paths, path);
	return true;
}

/* ---- aggregates ---- */

/* Is an aggregate count(*), or count() of a constant that is not NULL? */
static bool
counts_rows(const Aggref *aggregate)
{
	if (aggregate->aggfilter != NULL || aggregate->aggdistinct != NIL ||
		aggregate->aggorder != NIL || aggregate->agglevelsup != 0 ||
		aggregate->aggsplit != AGGSPLIT_SIMPLE)
		return false;
	if (aggregate->aggfnoid == F_COUNT_)
		return true;
	if (aggregate->aggfnoid == F_COUNT_ANY)
	{
		Node	   *argument = (Node *) ((TargetEntry *) linitial(aggregate->args))->expr;

		return IsA(argument, Const) && !((Const *) argument)->constisnull;
	}
	return false;
}

/* The aggregates of expressions; NIL if there is none, or another than a count of rows. */
static List *
counts_of(List *expressions)
{
	List	   *found = pull_var_clause((Node *) expressions,
										PVC_INCLUDE_AGGREGATES | PVC_RECURSE_WINDOWFUNCS |
										PVC_INCLUDE_PLACEHOLDERS);
	List	   *aggregates = NIL;
	ListCell   *cell;

	foreach(cell, found)
	{
		if (!IsA(lfirst(cell), Aggref) || !counts_rows(lfirst(cell)))
			return NIL;
		aggregates = list_append_unique(aggregates, lfirst(cell));
	}
	return aggregates;
}

/* Does a query want one row of counts, of one table or its partitions? */
static bool
is_count(const PlannerInfo *root, const RelOptInfo *input)
{
	const Query *query = root->parse;

	return query->hasAggs && query->groupClause == NIL && query->groupingSets == NIL &&
		query->havingQual == NULL && query->rowMarks == NIL && !query->hasTargetSRFs &&
		input->reloptkind == RELOPT_BASEREL;
}

/* ---- the path ---- */

/*
 * CustomPathMethods.PlanCustomPath. The aggregates are the columns of the node's scan tuple:
 * the server replaces them in the target list.
 */
static Plan *
plan_count(PlannerInfo *root, RelOptInfo *rel, CustomPath *path, List *tlist,
		   List *clauses, List *custom_plans)
{
	CustomScan *scan = makeNode(CustomScan);
	List	   *aggregates = counts_of(get_tlist_exprs(tlist, true));
	ListCell   *cell;

	scan->scan.plan.targetlist = tlist;
	scan->flags = path->flags;
	scan->custom_plans = custom_plans;
	foreach(cell, aggregates)
		scan->custom_scan_tlist = lappend(scan->custom_scan_tlist,
										  makeTargetEntry(lfirst(cell),
														  list_length(scan->custom_scan_tlist) + 1,
														  NULL, false));
	scan->methods = &barq_count_scan_methods;
	return &scan->scan.plan;
}

static const CustomPathMethods path_methods = {
	.CustomName = BARQ_COUNT_NAME,
	.PlanCustomPath = plan_count,
};

Cost
barq_count_table_cost(const IndexPath *path)
{
	Cost		table = Max(path->path.total_cost - path->indextotalcost, 0);

	/* 15 to 17 add the cost of a disabled scan */
	return table >= disable_cost ? table - disable_cost : table;
}

/* The cost of counting the rows of such a path: the table's pages that are not all-visible. */
static Cost
find_cost(const IndexPath *path)
{
	return path->indextotalcost + path->path.rows * cpu_operator_cost +
		(1 - path->path.parent->allvisfrac) * barq_count_table_cost(path);
}

/* create_upper_paths_hook: call the hook installed before, then add a path. */
static void
add_count_path(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input,
			   RelOptInfo *output, void *extra)
{
	CustomPath *path;
	List	   *scans = NIL;
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, stage, input, output, extra);
	if (stage != UPPERREL_GROUP_AGG || !barq_count_scan || output->reloptkind != RELOPT_UPPER_REL ||
		!is_count(root, input) || counts_of(output->reltarget->exprs) == NIL ||
		!collect_paths(root, input, &scans) || scans == NIL)
		return;

	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = output;
	path->path.pathtarget = output->reltarget;
	path->path.rows = 1;
	foreach(cell, scans)
	{
		IndexPath  *scan = lfirst(cell);

		path->path.total_cost += find_cost(scan);
#if PG_VERSION_NUM >= 180000
		path->path.disabled_nodes += scan->path.disabled_nodes;
#else
		if (!enable_indexscan)
			path->path.total_cost += disable_cost;
#endif
	}
	if (barq_count_always)
		path->path.total_cost = 0;
	path->path.startup_cost = path->path.total_cost;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = scans;
	path->methods = &path_methods;
	add_path(output, &path->path);
}

void
barq_count_init(void)
{
	next_hook = create_upper_paths_hook;
	create_upper_paths_hook = add_count_path;
	RegisterCustomScanMethods(&barq_count_scan_methods);
}
