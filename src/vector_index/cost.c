/*
 * cost.c
 *	  Cost estimates of scans of vector indexes. The planner should take the index
 *	  for ORDER BY distance with a LIMIT, and sort where that is cheaper.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "am/filters.h"
#include "vector_index/recall_target.h"
#include "vector_index/vector_index.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "am/search_names.h"
#include "base/settings.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"
#include "utils/syscache.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_by_index);

/* A search with a condition costs at most so many without one (docs/performance.md). */
#define FILTERED_SEARCH	8

/*
 * Give a path a cost that the planner never takes, because its rows would be
 * incomplete or in the wrong order.
 */
static void
refuse_path(IndexPath *path, Cost *startup_cost, Cost *total_cost,
			Selectivity *selectivity, double *correlation, double *pages)
{
	*startup_cost = BARQ_REFUSED_COST;
	*total_cost = BARQ_REFUSED_COST;
	*selectivity = 0;
	*correlation = 0;
	*pages = 0;
	BarqPathRefuse(path);
}

/*
 * barq_by_index(query anyelement, index regclass) → anyelement: returns the query.
 * The planner reads from the call which index a search by distance has to use.
 */
Datum
barq_by_index(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

/*
 * Whether the query of an ORDER BY distance is a call barq_by_index(query,
 * index) that names an index other than the path's. A parent of the path's index
 * does not count as other. Only reads catalogs.
 */
static bool
names_other_index(IndexPath *path)
{
	OpExpr	   *distance = linitial(path->indexorderbys);
	FuncExpr   *query;
	Const	   *named;
	FmgrInfo	function;

	if (!IsA(distance, OpExpr) || list_length(distance->args) != 2 ||
		!IsA(lsecond(distance->args), FuncExpr))
		return false;
	query = lsecond(distance->args);
	if (list_length(query->args) != 2 || !IsA(lsecond(query->args), Const))
		return false;
	fmgr_info(query->funcid, &function);
	named = lsecond(query->args);
	return function.fn_addr == barq_by_index && !named->constisnull &&
		!barq_is_index_or_parent(DatumGetObjectId(named->constvalue),
								 path->indexinfo->indexoid);
}

/* Pages of a table's TOAST table as the last VACUUM counted them; 0 without one. */
static double
toast_pages(Oid table)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid			toast = InvalidOid;
	double		pages = 0;

	if (HeapTupleIsValid(tuple))
	{
		toast = ((Form_pg_class) GETSTRUCT(tuple))->reltoastrelid;
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(toast) &&
		HeapTupleIsValid(tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(toast))))
	{
		pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
		ReleaseSysCache(tuple);
	}
	return pages;
}

/* Stored width of a value out of line, at most. */
#define TOAST_POINTER	20

/*
 * Whether the values that the index is made of are out of line, by the statistics of
 * their column. Values as small as a TOAST pointer are taken for one.
 */
static bool
is_toasted(PlannerInfo *root, IndexOptInfo *index)
{
	AttrNumber	column = index->indexkeys[0];
	int32		width;

	if (column == 0)
	{
		Bitmapset  *columns = NULL;
		int			member;

		pull_varattnos(linitial(index->indexprs), index->rel->relid, &columns);
		if (!bms_get_singleton_member(columns, &member))
			return false;
		column = member + FirstLowInvalidHeapAttributeNumber;
	}
	if (column <= 0)
		return false;
	width = get_attavgwidth(planner_rt_fetch(index->rel->relid, root)->relid, column);
	return width > 0 && width <= TOAST_POINTER;
}

/*
 * Cost of reading one TOASTed vector: a descent of the TOAST table's index, with one page
 * in four not cached, and the chunks, of so many pages in the table.
 */
static double
value_cost(IndexOptInfo *index, double pages)
{
	return 0.25 * random_page_cost + 50 * cpu_operator_cost +
		pages / Max(index->rel->tuples, 1) * 4 * cpu_tuple_cost;
}

/* Cost of reading the vector of one row if vectors are TOASTed, else 0. */
static double
detoast_cost(PlannerInfo *root, IndexOptInfo *index)
{
	double		pages;

	if (!is_toasted(root, index) ||
		(pages = toast_pages(planner_rt_fetch(index->rel->relid, root)->relid)) == 0)
		return 0;
	return value_cost(index, pages);
}

/*
 * Whether the index puts rows in order by intervals, which needs few vectors. *dims: of
 * its vectors.
 */
static bool
orders_by_intervals(IndexOptInfo *index, int *dims)
{
	Relation	relation = index_open(index->indexoid, NoLock);
	BarqCodec	codec;

	barq_vector_codec(&barq_meta_cached(relation, false)->options, &codec);
	index_close(relation, NoLock);
	*dims = codec.dims;
	return barq_codec_is_narrow(&codec);
}

/* Share of the rows whose intervals overlap, so that their vectors are read. */
#define OVERLAPPING	0.2

/*
 * Share of the rows that a scan returns whose vectors are read. The executor reads each
 * to put rows in order, before it checks any condition. If the index does that by
 * intervals, only vectors of rows that meet the conditions are read, for their sort key,
 * and those of some rows whose intervals overlap.
 */
static double
vectors_read(IndexOptInfo *index)
{
	int			dims;

	if (!orders_by_intervals(index, &dims))
		return 1;
	return Min(1, OVERLAPPING + index->rel->rows / Max(index->rel->tuples, 1));
}

double
barq_vector_unforeseen(const IndexOptInfo *index, double rows)
{
	return 2 - Min(index->rel->rows / Max(rows, 1), 1);
}

Cost
barq_vector_key_cost(PlannerInfo *root, IndexOptInfo *index)
{
	int			dims;

	if (index->amcostestimate != (void *) barq_hnsw_cost_estimate &&
		index->amcostestimate != (void *) barq_ivf_cost_estimate)
		return 0;

	/* a value has two bytes a dimension at least */
	if (!is_toasted(root, index) || !orders_by_intervals(index, &dims) ||
		dims * sizeof(uint16) <= TOAST_POINTER)
		return 0;
	return value_cost(index, toast_pages(planner_rt_fetch(index->rel->relid, root)->relid)) *
		(vectors_read(index) - OVERLAPPING);
}

/*
 * The estimate of both access methods. scored: codes scored to find the first
 * rows; more: codes scored for each further row.
 */
static void
estimate_path(PlannerInfo *root, IndexPath *path, double scored, double more,
			  Cost *startup_cost, Cost *total_cost, Selectivity *selectivity,
			  double *correlation, double *pages)
{
	IndexOptInfo *index = path->indexinfo;
	double		tuples = Max(index->tuples, 1);
	double		heap_pages = Max(index->rel->pages, 1);
	double		matching;
	double		per_tuple;
	double		detoast;
	const BarqSearchNames *names = barq_search_names_of(index->indexoid);
	int			most = barq_max_scan_tuples_for(names);

	/*
	 * Without an ORDER BY the planner would use a partial index for its predicate
	 * alone, which a scan does not support. With a LIMIT larger than
	 * barq.max_scan_tuples a scan would return too few rows, a sort returns all.
	 */
	if (path->indexorderbys == NIL || names_other_index(path) ||
		barq_order_must_be_exact(root, path) ||
		(barq_iterative_scan_for(names) != BARQ_ITERATIVE_OFF && most > 0 &&
		 root->limit_tuples > 0 && root->limit_tuples > most))
	{
		refuse_path(path, startup_cost, total_cost, selectivity, correlation, pages);
		return;
	}

	/*
	 * Rows that filter columns leave are all scored if they are few. Otherwise they are
	 * found within a search that looks at the others too.
	 */
	*selectivity = barq_filter_selectivity(root, path);
	matching = Max(*selectivity * tuples, 1);
	if (*selectivity < 1)
		scored = Min(2 * matching, scored * Min(1 / *selectivity, FILTERED_SEARCH)) + log2(tuples + 1);

	/* one code takes about as long as a cheap operator */
	*startup_cost = scored * cpu_operator_cost * 0.5 + random_page_cost;

	/*
	 * Each row costs a visit to the heap and its share of a search. The total
	 * must exceed the cost of reading and sorting the table for all settings of
	 * the page costs, so that the index wins only if a LIMIT (or a cursor's
	 * fraction) needs a part of the rows.
	 */
	per_tuple = 2 * (cpu_tuple_cost + cpu_operator_cost * (4 + 2 * log2(tuples + 1)) +
					 seq_page_cost * heap_pages / tuples) +
		cpu_operator_cost * more;
	detoast = detoast_cost(root, index);
	if (detoast > 0)
		per_tuple += detoast * vectors_read(index);
	*total_cost = *startup_cost + per_tuple * matching * barq_vector_unforeseen(index, matching);
	*correlation = 0;
	*pages = index->pages;
}

void
barq_hnsw_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
						Cost *startup_cost, Cost *total_cost,
						Selectivity *selectivity, double *correlation,
						double *pages)
{
	double		degree = 2 * BARQ_HNSW_DEFAULT_M;

	/* a graph walk scores about ef · 2m codes, at most all of them */
	estimate_path(root, path,
				  Min(Max(path->indexinfo->tuples, 1), barq_planned_breadth(path->indexinfo->indexoid, false, root->limit_tuples) * degree), degree,
				  startup_cost, total_cost, selectivity, correlation, pages);
}

void
barq_ivf_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
					   Cost *startup_cost, Cost *total_cost,
					   Selectivity *selectivity, double *correlation,
					   double *pages)
{
	double		tuples = Max(path->indexinfo->tuples, 1);
	Relation	index = index_open(path->indexinfo->indexoid, NoLock);
	double		lists = path->indexorderbys == NIL ? 0 : barq_ivf_built_lists(index);
	double		probes = barq_planned_breadth(path->indexinfo->indexoid, true, root->limit_tuples);

	index_close(index, NoLock);
	if (lists == 0)
		lists = barq_ivf_choose_lists(tuples);
	if (probes == 0)
		probes = barq_ivf_choose_probes((uint32) lists);

	/* all centroids, then the rows of the lists probed */
	estimate_path(root, path, lists + tuples * Min(probes / lists, 1), 1,
				  startup_cost, total_cost, selectivity, correlation, pages);
}
