/*
 * exact_order.c
 *	  Plans that are wrong, not only less good, over rows in nearly exact order.
 *
 * A scan of vectors returns at its end what it had missed. Under a LIMIT that
 * is an approximation like any other. But a merge join would lose pairs, and
 * GROUP BY, DISTINCT and set operations by sorted input would have groups twice:
 * these need a Sort. The planner has no word for it, so such a path is made
 * impossible, at the level of the query and at those around it that see the
 * distance as a column. A window function over all rows is one of them; with a
 * LIMIT, as in rank() over the nearest twenty, the index is what is wanted.
 */
#include "postgres.h"

#include "vector_index/vector_index.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"

/* A distance as a level of the query sees it. */
typedef struct Distance
{
	Expr	   *expr;			/* at the level of the scan; NULL above */
	Oid			operator;
	AttrNumber	column;			/* above: of a subquery or CTE */
} Distance;

/*
 * Is a Var the distance, as a column of a subquery in the range table? That its
 * query computes a distance with the same operator in that column is enough:
 * the planner does not say which of several it is planning.
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

	/* a column of a level further down, or the distance itself */
	return entry != NULL && exprType((Node *) entry->expr) == FLOAT8OID &&
		(!IsA(entry->expr, OpExpr) ||
		 ((OpExpr *) entry->expr)->opno == distance->operator);
}

static bool
is_distance(PlannerInfo *root, const Distance *distance, Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return distance->expr != NULL ? equal(node, distance->expr) :
		is_column(root, distance, node);
}

/* Is the distance a member of a class? */
static bool
class_has(PlannerInfo *root, const Distance *distance, EquivalenceClass *class)
{
	ListCell   *lc;

	foreach(lc, class->ec_members)
		if (is_distance(root, distance, (Node *) ((EquivalenceMember *) lfirst(lc))->em_expr))
			return true;
	return false;
}

static bool
keys_have(PlannerInfo *root, const Distance *distance, List *pathkeys)
{
	ListCell   *lc;

	foreach(lc, pathkeys)
		if (class_has(root, distance, ((PathKey *) lfirst(lc))->pk_eclass))
			return true;
	return false;
}

/* Is the distance equal to something else, by which a merge join could go? */
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

/*
 * Would a plan above this path, which is in the order of a distance, be wrong if
 * some rows came out of order? Called while paths are made, when the keys of
 * this level and of those around it are known.
 */
bool
barq_order_must_be_exact(PlannerInfo *root, IndexPath *path)
{
	Distance	distance = {0};

	if (path->path.pathkeys == NIL || !IsA(linitial(path->indexorderbys), OpExpr))
		return false;
	distance.expr = linitial(path->indexorderbys);
	distance.operator=((OpExpr *) distance.expr)->opno;

	/* of a partition or child the members of classes are translated ones */
	if (!keys_have(root, &distance, path->path.pathkeys))
		distance.expr = ((EquivalenceMember *)
						 linitial(((PathKey *) linitial(path->path.pathkeys))->pk_eclass->ec_members))->em_expr;

	for (; root != NULL; root = root->parent_root)
	{
		AttrNumber	column = InvalidAttrNumber;
		ListCell   *lc;

		if (level_needs_exact_order(root, &distance))
			return true;

		/* as which column the level around this one sees it */
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
