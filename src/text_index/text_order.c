/*
 * text_order.c
 *	  What an ordered path of an index says about its rows: the values by which they are
 *	  ordered, which the index gives with them, and the conditions that it decides.
 */
#include "postgres.h"

#include "am/am.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "text_index/bm25query.h"
#include "text_index/text_binding.h"
#include "text_index/text_index.h"
#include "text_index/text_paths.h"
#include "text_index/text_row.h"
#include "utils/lsyscache.h"

bool
barq_is_text_info(const IndexOptInfo *index)
{
	return (void *) index->amcostestimate == (void *) barq_text_cost_estimate;
}

/*
 * Whether a query, of an order or a condition by which a path uses the index, is for that
 * index whatever its value at run time. A bm25query in a parameter may name another one.
 */
static bool
is_for_index(Node *query, Oid index)
{
	List	   *args;

	if (IsA(query, Const))
		return true;			/* the path's cost has refused others */
	if (!IsA(query, FuncExpr) || (args = ((FuncExpr *) query)->args) == NIL)
		return false;
	if (exprType(linitial(args)) == TEXTOID)
		return list_length(args) >= 2 && exprType(lsecond(args)) == REGCLASSOID &&
			barq_is_index_or_parent(barq_text_index_of_query(query), index);

	/* bm25threshold() and bm25_fields() of a query, bm25_bind() of a bm25query */
	return IsA(linitial(args), Const) ?
		barq_is_index_or_parent(barq_text_index_of_query(linitial(args)), index) :
		is_for_index(linitial(args), index);
}

/* The right operand of an operator of an index's class. */
static Node *
query_of(Expr *clause)
{
	return IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2 ?
		lsecond(((OpExpr *) clause)->args) : NULL;
}

bool
barq_text_path_is_fixed(const IndexPath *path)
{
	const IndexOptInfo *index = path->indexinfo;
	ListCell   *cell;
	ListCell   *qual;
	Node	   *query;

	foreach(cell, path->indexorderbys)
		if ((query = query_of(lfirst(cell))) == NULL || !is_for_index(query, index->indexoid))
			return false;
	foreach(cell, path->indexclauses)
	{
		const IndexClause *clause = lfirst_node(IndexClause, cell);

		foreach(qual, clause->indexquals)
		{
			Expr	   *operation = lfirst_node(RestrictInfo, qual)->clause;

			query = query_of(operation);
			if (query != NULL && !is_for_index(query, index->indexoid) &&
				get_op_opfamily_strategy(((OpExpr *) operation)->opno,
										 index->opfamily[clause->indexcol]) <= BARQ_TEXT_GLOBAL_MATCH_STRATEGY)
				return false;
		}
	}
	return true;
}

Expr *
barq_text_path_order(PlannerInfo *root, RelOptInfo *rel, const IndexPath *path)
{
	const PathKey *key = linitial(path->path.pathkeys);
	Expr	   *order = linitial(path->indexorderbys);
	ListCell   *cell;

	foreach(cell, barq_text_class_members(key->pk_eclass, rel->relids))
	{
		EquivalenceMember *member = lfirst(cell);
		OpExpr	   *operation;

		if (!bms_equal(member->em_relids, rel->relids))
			continue;
		if (equal(member->em_expr, order))
			return member->em_expr;
		operation = barq_text_row_operation(root, path->indexinfo, member->em_expr);
		if (operation != NULL && equal(operation, order))
			return member->em_expr;
	}
	return NULL;
}

List *
barq_text_path_decided(const IndexPath *path)
{
	List	   *result = NIL;
	ListCell   *cell;

	foreach(cell, path->indexclauses)
	{
		RestrictInfo *given = lfirst_node(IndexClause, cell)->rinfo;

		if (barq_text_is_on_row(given))
			result = lappend(result, given->clause);
	}
	return result;
}
