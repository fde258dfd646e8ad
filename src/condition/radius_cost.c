/*
 * radius_cost.c
 *	  The cost of a search within a radius.
 */
#include "postgres.h"

#include <math.h>

#include "condition/radius.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"

void
barq_radius_cost(PlannerInfo *root, CustomPath *path, const BarqRadiusClause *clause,
				 bool ordered)
{
	RelOptInfo *rel = path->path.parent;
	double		tuples = Max(clause->index->tuples, 1);
	double		pages = Max(rel->pages, 1);
	double		matches = clamp_row_est(clause->share * tuples);
	double		looks = ordered ? 3 : 2;	/* of a row near the radius, or of one that
											 * lies near another in the order */
	double		fetched;
	double		per_page;
	QualCost	qual;

	/* every code is scored: some 20 ns each, a twentieth of a row of the table */
	path->path.startup_cost = tuples * cpu_operator_cost + random_page_cost +
		matches * cpu_operator_cost * (2 + log2(matches + 1));

	/* rows come in the order of TIDs, as from a bitmap, or in that of the distance */
	fetched = index_pages_fetched(matches, rel->pages, clause->index->pages, root);
	per_page = ordered ? random_page_cost :
		random_page_cost - (random_page_cost - seq_page_cost) * sqrt(Min(fetched / pages, 1));
	cost_qual_eval(&qual, rel->baserestrictinfo, root);
	path->path.startup_cost += qual.startup;
	path->path.total_cost = path->path.startup_cost + fetched * per_page +
		matches * (cpu_tuple_cost + qual.per_tuple + looks * cpu_operator_cost) +
		path->path.rows * path->path.pathtarget->cost.per_tuple;
	path->path.startup_cost += path->path.pathtarget->cost.startup;
	path->path.total_cost += path->path.pathtarget->cost.startup;
}
