/*
 * exact_order.c
 *	  Plans that would be wrong, not only less accurate, over rows in nearly exact
 *	  order.
 *
 * A scan of vectors returns missed rows at its end. Under a LIMIT that is an
 * approximation. But a merge join would lose pairs, and GROUP BY, DISTINCT and set
 * operations over sorted input would return groups twice: these need a Sort. An
 * access method cannot tell the planner so; instead, such a path gets a refusing
 * cost, at the query level of the scan and at outer levels that have the distance
 * as a column. A window function over all rows needs a Sort too; with a LIMIT, as
 * in rank() over the nearest twenty, the index is wanted.
 */
#include "postgres.h"

#include "vector_index/vector_index.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"

/* The distance of the path, as one level of the query refers to it. */
typedef struct Distance
{
	Expr	   *expr;			/* at the level of the scan; NULL at outer levels */
	Oid			operator;
	AttrNumber	column;			/* at outer levels: of a subquery or CTE */
} Distance;

/*
 * Whether a node is a Var of the column that has the distance, of a subquery or
 * CTE in the range table. Any subquery with the same operator in that column
 * counts: the planner does not tell which subquery it is planning. Changes
 * nothing.
 */
static bool
is_column(PlannerInfo *root, const Distance *distance, Node *node)
{
	Var		   *var = (Var *) node;
	RangeTblEntry *rte;
	TargetEntry *entry;

	if (!IsA(var, Var) || var->varlevelsup != 0 || var->varattno != distance->column ||
		var->varno < 1 || var->varno > list_length(root->parse->rtable))
		return false;
	rte = rt_fetch(var->varno, root->parse->rtable);
	if (rte->rtekind == RTE_CTE)
		return true;
	if (rte->rtekind != RTE_SUBQUERY || rte->subquery == NULL)
		return false;
	entry = get_tle_by_resno(rte->subquery->targetList, distance->column);

	/* a column of an inner level, or the distance itself */
	return entry != NULL && exprType((Node *) entry->expr) == FLOAT8OID &&
		(!IsA(entry->expr, OpExpr) ||
		 ((OpExpr *) entry->expr)->opno == distance->operator);
}

/* Whether a node is the distance, at the level of `root`. Changes nothing. */
static bool
is_distance(PlannerInfo *root, const Distance *distance, Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return distance->expr != NULL ? equal(node, distance->expr) :
		is_column(root, distance, node);
}

/* Whether the distance is a member of an equivalence class. Changes nothing. */
static bool
class_has(PlannerInfo *root, const Distance *distance, EquivalenceClass *class)
{
	ListCell   *lc;

	foreach(lc, class->ec_members)
		if (is_distance(root, distance, (Node *) ((EquivalenceMember *) lfirst(lc))->em_expr))
			return true;
	return false;
}

/* Whether the distance is one of the path keys. Changes nothing. */
static bool
keys_have(PlannerInfo *root, const Distance *distance, List *pathkeys)
{
	ListCell   *lc;

	foreach(lc, pathkeys)
		if (class_has(root, distance, ((PathKey *) lfirst(lc))->pk_eclass))
			return true;
	return false;
}

/*
 * Whether an equivalence class of several members, usable by a merge join, has
 * the distance. Changes nothing.
 */
static bool
is_joined(PlannerInfo *root, const Distance *distance)
{
	ListCell   *lc;

	foreach(lc, root->eq_classes)
	{
		EquivalenceClass *class = lfirst(lc);
		ListCell   *member;
		int			members = 0;

		foreach(member, class->ec_members)
			members += !((EquivalenceMember *) lfirst(member))->em_is_child;
		if (members > 1 && class->ec_merged == NULL && class_has(root, distance, class))
			return true;
	}
	return false;
}

/*
 * Whether the level of `root` needs its rows in the exact order of the distance.
 * Changes nothing.
 */
static bool
level_needs_exact_order(PlannerInfo *root, const Distance *distance)
{
	return keys_have(root, distance, root->group_pathkeys) ||
		keys_have(root, distance, root->distinct_pathkeys) ||
#if PG_VERSION_NUM >= 170000
		keys_have(root, distance, root->setop_pathkeys) ||
#endif
		(root->parse->limitCount == NULL &&
		 keys_have(root, distance, root->window_pathkeys)) ||
		is_joined(root, distance);
}

bool
barq_order_must_be_exact(PlannerInfo *root, IndexPath *path)
{
	Distance	distance = {0};

	if (path->path.pathkeys == NIL || !IsA(linitial(path->indexorderbys), OpExpr))
		return false;
	distance.expr = linitial(path->indexorderbys);
	distance.operator=((OpExpr *) distance.expr)->opno;

	/* of a partition or child: take the parent's expression, first in its class */
	if (!keys_have(root, &distance, path->path.pathkeys))
		distance.expr = ((EquivalenceMember *)
						 linitial(((PathKey *) linitial(path->path.pathkeys))->pk_eclass->ec_members))->em_expr;

	for (; root != NULL; root = root->parent_root)
	{
		AttrNumber	column = InvalidAttrNumber;
		ListCell   *lc;

		if (level_needs_exact_order(root, &distance))
			return true;

		/* the column that the next outer level sees it as */
		foreach(lc, root->parse->targetList)
		{
			TargetEntry *entry = lfirst(lc);

			if (!entry->resjunk && is_distance(root, &distance, (Node *) entry->expr))
				column = entry->resno;
		}
		if (column == InvalidAttrNumber)
			return false;
		distance.expr = NULL;
		distance.column = column;
	}
	return false;
}
