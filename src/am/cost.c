/*
 * cost.c
 *	  What a vector index scan costs: the planner is to take the index for
 *	  ORDER BY distance with a LIMIT, and to sort where that is cheaper.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "am/am.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "settings.h"
#include "utils/float.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

/* Make a path impossible: it would not return what it promises. */
static void
refuse(IndexPath *path, Cost *startup_cost, Cost *total_cost,
	   Selectivity *selectivity, double *correlation, double *pages)
{
	*startup_cost = get_float8_infinity();
	*total_cost = get_float8_infinity();
	*selectivity = 0;
	*correlation = 0;
	*pages = 0;
	BarqPathRefuse(path);
}

void
barq_vector_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
						  Cost *startup_cost, Cost *total_cost,
						  Selectivity *selectivity, double *correlation,
						  double *pages)
{
	IndexOptInfo *index = path->indexinfo;
	double		tuples = Max(index->tuples, 1);
	double		heap_pages = Max(index->rel->pages, 1);
	double		scored;
	double		per_tuple;
	double		enough;

	/*
	 * Without an ORDER BY the index would be scanned for a partial index's
	 * predicate alone, and it lacks rows (NULLs).
	 *
	 * A LIMIT larger than what a scan may look at would come back short, where
	 * a sort returns all: the user asked for the rows.
	 */
	enough = barq_iterative_scan == BARQ_ITERATIVE_OFF ?
		barq_ef_search : barq_max_scan_tuples;
	if (path->indexorderbys == NIL ||
		(barq_iterative_scan != BARQ_ITERATIVE_OFF &&
		 root->limit_tuples > 0 && root->limit_tuples > enough))
	{
		refuse(path, startup_cost, total_cost, selectivity, correlation, pages);
		return;
	}

	/*
	 * To find its first rows a search scores about ef · 2m codes, or all of
	 * them where there are fewer, and one code takes about as long as a cheap
	 * operator.
	 */
	scored = Min(tuples, (double) barq_ef_search * 2 * BARQ_HNSW_DEFAULT_M);
	*startup_cost = scored * cpu_operator_cost * 0.5 + random_page_cost;

	/*
	 * Each row costs a visit to the heap and its share of a search. In all it
	 * must come dearer than reading and sorting the table, whatever the page
	 * costs are set to, so that the index wins only where a LIMIT (or a
	 * cursor's fraction) needs a part of the rows.
	 */
	per_tuple = 2 * (cpu_tuple_cost + cpu_operator_cost * (4 + 2 * log2(tuples + 1)) +
					 seq_page_cost * heap_pages / tuples) +
		cpu_operator_cost * 2 * BARQ_HNSW_DEFAULT_M;
	*total_cost = *startup_cost + per_tuple * tuples;
	*selectivity = 1;
	*correlation = 0;
	*pages = index->pages;
}
