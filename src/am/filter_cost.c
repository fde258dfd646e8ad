/*
 * filter_cost.c
 *	  The planner's estimates for the index clauses on filter columns.
 */
#include "postgres.h"

#include "am/filters.h"
#include "optimizer/optimizer.h"

double
barq_filter_selectivity(PlannerInfo *root, IndexPath *path)
{
	List	   *clauses = NIL;
	ListCell   *cell;

	foreach(cell, path->indexclauses)
	{
		IndexClause *clause = lfirst_node(IndexClause, cell);

		if (clause->indexcol > 0 || IsA(clause->rinfo->clause, NullTest))
			clauses = lappend(clauses, clause->rinfo);
	}
	if (clauses == NIL)
		return 1;
	return clauselist_selectivity(root, clauses, path->indexinfo->rel->relid, JOIN_INNER, NULL);
}
