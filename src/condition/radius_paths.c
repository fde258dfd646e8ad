/*
 * radius_paths.c
 *	  Paths for conditions on a distance, `embedding <=> query < bound`.
 *
 * An index qual for them (as text_paths.c makes for scores) would need an operator in
 * each operator class and would be an Index Scan, which cannot show how the search ended
 * and fetches each row to check the condition again. A custom scan does neither. It
 * takes the planner's parameters for a query that comes from another table.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "base/settings.h"
#include "condition/radius.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

static set_rel_pathlist_hook_type next_hook = NULL;

/* The share of a table's rows that all its conditions are thought to leave. */
static double
share_of_conditions(PlannerInfo *root, const RelOptInfo *rel)
{
	return clauselist_selectivity(root, rel->baserestrictinfo, 0, JOIN_INNER, NULL);
}

/* Multiply the estimated rows of paths without parameters. */
static void
correct_paths(List *paths, double by)
{
	ListCell   *cell;

	foreach(cell, paths)
	{
		Path	   *path = lfirst(cell);

		if (path->param_info == NULL)
			path->rows = clamp_row_est(path->rows * by);
	}
}

/*
 * The path keys of the clause's distance, if these begin the order that the query wants;
 * else NIL.
 */
static List *
distance_pathkeys(PlannerInfo *root, const BarqRadiusClause *clause)
{
	PathKey    *key;
	ListCell   *cell;

	if (root->query_pathkeys == NIL)
		return NIL;
	key = linitial(root->query_pathkeys);
	if (BarqPathKeyDescends(key) || key->pk_nulls_first || key->pk_eclass->ec_has_volatile)
		return NIL;
	foreach(cell, key->pk_eclass->ec_members)
		if (equal(((EquivalenceMember *) lfirst(cell))->em_expr, clause->distance))
			return list_make1(key);
	return NIL;
}

/* Add a path; required_outer: the tables that the query or the bound comes from. */
static void
add_radius_path(PlannerInfo *root, RelOptInfo *rel, BarqRadiusClause *clause,
				Relids required_outer, List *pathkeys)
{
	CustomPath *path = makeNode(CustomPath);
	ParamPathInfo *info = get_baserel_parampathinfo(root, rel, required_outer);

	if (info != NULL)
		info->ppi_rows = Min(info->ppi_rows, clamp_row_est(rel->rows * clause->share));
	path->path.pathtype = T_CustomScan;
	path->path.parent = rel;
	path->path.pathtarget = rel->reltarget;
	path->path.param_info = info;
	path->path.parallel_safe = rel->consider_parallel;
	path->path.rows = info != NULL ? info->ppi_rows : rel->rows;
	path->path.pathkeys = pathkeys;
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_private = list_make1(clause);
	path->methods = &barq_radius_path_methods;
	barq_radius_cost(root, path, clause, pathkeys != NIL);
	add_path(rel, &path->path);
}

/* Paths for a condition of this table alone. */
static void
add_own_paths(PlannerInfo *root, RelOptInfo *rel)
{
	BarqRadiusClause *clause = barq_radius_clause(root, rel, rel->baserestrictinfo, false);
	double		guess;
	double		by;
	List	   *pathkeys;

	if (clause == NULL)
		return;
	/* others may have corrected the rows, too (text_paths.c): by a factor */
	guess = share_of_conditions(root, rel);
	barq_radius_estimate(root, clause);
	by = guess > 0 ? share_of_conditions(root, rel) / guess : 1;
	rel->rows = clamp_row_est(rel->rows * by);
	correct_paths(rel->pathlist, by);
	correct_paths(rel->partial_pathlist, by);

	add_radius_path(root, rel, clause, rel->lateral_relids, NIL);
	pathkeys = distance_pathkeys(root, clause);
	if (pathkeys != NIL)
		add_radius_path(root, rel, clause, rel->lateral_relids, pathkeys);
}

/* A path for a condition whose query or bound comes from other tables. */
static void
add_join_path(PlannerInfo *root, RelOptInfo *rel)
{
	BarqRadiusClause *clause = barq_radius_clause(root, rel, rel->joininfo, true);
	Relids		outer;

	if (clause == NULL)
		return;
	barq_radius_estimate(root, clause);
	outer = bms_union(clause->given->clause_relids, rel->lateral_relids);
	outer = bms_del_member(outer, rel->relid);
	add_radius_path(root, rel, clause, outer, NIL);
}

/* The rows of a table of partitions or children: the sum of theirs, which are corrected. */
static void
add_up_children(PlannerInfo *root, RelOptInfo *rel, Index rti)
{
	double		rows = 0;
	ListCell   *cell;

	foreach(cell, root->append_rel_list)
	{
		AppendRelInfo *info = lfirst(cell);
		RelOptInfo *child;

		if (info->parent_relid != rti)
			continue;
		child = root->simple_rel_array[info->child_relid];
		if (child != NULL && !IS_DUMMY_REL(child))
			rows += child->rows;
	}
	if (rows > 0 && rows < rel->rows)
		rel->rows = rows;
}

/* set_rel_pathlist_hook: call the hook installed before, then add paths. */
static void
add_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!barq_condition_scan || rte->rtekind != RTE_RELATION || rte->tablesample != NULL || IS_DUMMY_REL(rel))
		return;
	if (rte->inh)
		add_up_children(root, rel, rti);
	else if (rel->indexlist != NIL)
	{
		add_own_paths(root, rel);
		add_join_path(root, rel);
	}
}

void
barq_radius_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = add_paths;
	RegisterCustomScanMethods(&barq_radius_scan_methods);
}
