/*
 * filter_cost.c
 *	  The planner's estimates for the index clauses on filter columns.
 */
#include "postgres.h"

#include "am/filters.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

/* Whether an index clause is a query, which a search of the index answers, not a filter. */
static bool
is_query(const IndexPath *path, const IndexClause *clause)
{
	Expr	   *asked = linitial_node(RestrictInfo, clause->indexquals)->clause;

	return IsA(asked, OpExpr) &&
		get_op_opfamily_strategy(((OpExpr *) asked)->opno,
								 path->indexinfo->opfamily[clause->indexcol]) < BARQ_FILTER_LESS;
}

double
barq_filter_selectivity(PlannerInfo *root, IndexPath *path)
{
	List	   *clauses = NIL;
	ListCell   *cell;

	foreach(cell, path->indexclauses)
	{
		IndexClause *clause = lfirst_node(IndexClause, cell);

		if ((clause->indexcol > 0 && !is_query(path, clause)) || IsA(clause->rinfo->clause, NullTest))
			clauses = lappend(clauses, clause->rinfo);
	}
	if (clauses == NIL)
		return 1;
	return clauselist_selectivity(root, clauses, path->indexinfo->rel->relid, JOIN_INNER, NULL);
}
