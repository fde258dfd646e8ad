/*
 * text_cost.c
 *	  amcostestimate: the cost of a scan of a barq_bm25 index.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "am/filters.h"
#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "text_index/bm25global.h"
#include "text_index/bm25threshold.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"

/*
 * The index that a query expression names, if it is known at planning: from a
 * constant or bm25_bind(anything, constant). *index is InvalidOid for a NULL
 * query. Returns false if the index is known at run time only: then this index
 * must not be scanned. threshold: the expression is a bm25threshold, constant or
 * made by bm25threshold(query, ...). Raises ERRCODE_UNDEFINED_TABLE if a
 * constant names an index that does not exist.
 */
static bool
named_index(Node *query, bool threshold, Oid *index)
{
	*index = InvalidOid;
	if (threshold && query != NULL && IsA(query, Const) && !((Const *) query)->constisnull)
	{
		*index = barq_query_value_find_index(barq_threshold_query(DatumGetBarqThreshold(((Const *) query)->constvalue)));
		return true;
	}
	if (threshold && query != NULL && IsA(query, FuncExpr))
		query = linitial(((FuncExpr *) query)->args);
	if (query != NULL && IsA(query, FuncExpr) && list_length(((FuncExpr *) query)->args) >= 2)
		query = lsecond(((FuncExpr *) query)->args);
	if (query == NULL || !IsA(query, Const))
		return false;
	if (((Const *) query)->constisnull)
		return true;
	if (((Const *) query)->consttype == REGCLASSOID)
		*index = DatumGetObjectId(((Const *) query)->constvalue);
	else
		*index = barq_query_value_find_index(DatumGetBarqQueryValue(((Const *) query)->constvalue));
	return OidIsValid(*index);
}

/*
 * Whether this index can answer a query that names `named` (InvalidOid: a NULL
 * query). Reads catalogs only.
 */
static bool
answers(Oid index, Oid named)
{
	return !OidIsValid(named) || barq_is_index_or_parent(named, index);
}

/*
 * Whether an index can answer a bm25global, as far as its value is known at planning;
 * a scan for one that it can't answer returns all rows, to be rechecked. The planner
 * holds a lock on the index.
 */
static bool
answers_global(Oid index_oid, Node *query)
{
	Relation	index;
	bool		fits;

	if (!IsA(query, Const) || ((Const *) query)->constisnull)
		return true;
	index = index_open(index_oid, NoLock);
	fits = barq_global_fits(barq_global_read(((Const *) query)->constvalue), index);
	index_close(index, NoLock);
	return fits;
}

/* The strategy of an operator in a family; ordering: for ORDER BY. */
static int
strategy_of(Oid operator, Oid family, bool ordering)
{
	int			strategy;
	Oid			left;
	Oid			right;

	get_op_opfamily_properties(operator, family, ordering, &strategy, &left, &right);
	return strategy;
}

/* Whether an index can answer the query of a clause by an operator of this strategy. */
static bool
answers_clause(Oid index, const OpExpr *clause, int strategy)
{
	Node	   *query = lsecond(clause->args);
	Oid			named;

	if (strategy == BARQ_TEXT_GLOBAL_SCORE_STRATEGY || strategy == BARQ_TEXT_GLOBAL_MATCH_STRATEGY)
		return answers_global(index, query);
	return named_index(query, strategy == BARQ_TEXT_THRESHOLD_STRATEGY, &named) &&
		answers(index, named);
}

/* Whether a column (from 0) of an index is a field. Reads the index's metapage. */
static bool
is_field(Oid index_oid, int column)
{
	Relation	index = index_open(index_oid, NoLock);
	BarqTextColumns columns;

	barq_text_columns(index, &columns);
	index_close(index, NoLock);
	return columns.field_of[column] >= 0;
}

void
barq_text_cost_estimate(PlannerInfo *root, IndexPath *path, double loop_count,
						Cost *startup_cost, Cost *total_cost,
						Selectivity *selectivity, double *correlation,
						double *pages)
{
	IndexOptInfo *index = path->indexinfo;
	GenericCosts costs = {0};
	double		tuples = Max(index->tuples, 1);
	double		found;
	bool		possible = true;
	bool		searches = path->indexorderbys != NIL;
	ListCell   *cell;
	ListCell   *column;

	/*
	 * Refuse a query that names another index, and a scan with neither a query as an
	 * index condition nor ORDER BY.
	 */
	forboth(cell, path->indexorderbys, column, path->indexorderbycols)
	{
		OpExpr	   *clause = lfirst(cell);

		if (IsA(clause, OpExpr) && list_length(clause->args) == 2 &&
			!answers_clause(index->indexoid, clause, strategy_of(clause->opno, index->opfamily[lfirst_int(column)], true)))
			possible = false;
	}
	foreach(cell, path->indexclauses)
	{
		IndexClause *asked = lfirst_node(IndexClause, cell);
		OpExpr	   *clause;
		int			strategy;

		/* not asked->rinfo, which may be `<@> query < bound` (text_paths.c) */
		clause = (OpExpr *) linitial_node(RestrictInfo, asked->indexquals)->clause;

		/*
		 * = ANY (array) is refused: the queries in an array have not been bound
		 * to an index
		 */
		if (IsA(clause, ScalarArrayOpExpr) &&
			(asked->indexcol == 0 || get_op_opfamily_strategy(((ScalarArrayOpExpr *) clause)->opno,
															  index->opfamily[asked->indexcol]) < BARQ_FILTER_LESS))
			possible = false;
		if (!IsA(clause, OpExpr) || list_length(clause->args) != 2)
			continue;
		strategy = get_op_opfamily_strategy(clause->opno, index->opfamily[asked->indexcol]);
		if (strategy >= BARQ_FILTER_LESS)
			continue;			/* a filter column, or a comparison of the text, left
								 * to the executor */
		if (asked->indexcol > 0 && !is_field(index->indexoid, asked->indexcol))
			possible = false;
		searches = true;
		if (!answers_clause(index->indexoid, clause, strategy))
			possible = false;
	}
	possible &= searches;
	if (!possible)
	{
		*startup_cost = BARQ_REFUSED_COST;
		*total_cost = BARQ_REFUSED_COST;
		/* with selectivity below 1 the planner would also offer a bitmap scan */
		*selectivity = 1;
		*correlation = 0;
		*pages = 0;
		BarqPathRefuse(path);
		return;
	}

	genericcostestimate(root, path, loop_count, &costs);
	/* rows that filter columns leave out are found by the search all the same */
	found = Max(costs.indexSelectivity / Max(barq_filter_selectivity(root, path), 1e-9) * tuples, 1);
	found = Min(found, tuples);
	if (path->indexorderbys != NIL)
	{
		/*
		 * A search for the first rows reads a small part of the postings; bounds
		 * exclude the rest. Rows come with their scores, so nothing is sorted or
		 * computed again; but each batch, four times as large as the one before,
		 * is a search of its own.
		 */
		*startup_cost = 10 * random_page_cost + sqrt(found) * cpu_operator_cost * 10;
		*total_cost = *startup_cost + found * (cpu_index_tuple_cost + cpu_operator_cost * 40);
	}
	else
	{
		*startup_cost = 4 * random_page_cost;
		*total_cost = *startup_cost + found * (cpu_index_tuple_cost + cpu_operator_cost * 2);
	}
	*selectivity = costs.indexSelectivity;
	*correlation = 0;
	*pages = costs.numIndexPages;
}
