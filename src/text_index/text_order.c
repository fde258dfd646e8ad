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

/* Whether a function is one of the extension's, in `schema`, that make a query. */
static bool
makes_query(Oid function, Oid schema)
{
	static const char *const names[] = {
		"bm25_bind", "bm25_fields", "bm25threshold", "to_bm25query", "barq_similar"
	};
	char	   *name = get_func_name(function);

	if (name == NULL || get_func_namespace(function) != schema)
		return false;
	for (Size i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/*
 * Whether a query, of an order or a condition by which a path uses the index, is for that
 * index whatever its value at run time. A bm25query in a parameter may name another one.
 * `schema`: of the extension's functions.
 */
static bool
is_for_index(Node *query, Oid index, Oid schema)
{
	List	   *args;
	Node	   *first;

	if (IsA(query, Const))
		return true;			/* the path's cost has refused others */
	if (!IsA(query, FuncExpr) || !makes_query(((FuncExpr *) query)->funcid, schema))
		return false;
	args = ((FuncExpr *) query)->args;
	first = linitial(args);

	/* bm25_bind(text, index), to_bm25query(text, index, ...), barq_similar(index, ...) */
	if (exprType(first) == TEXTOID)
		first = list_length(args) >= 2 ? lsecond(args) : first;
	if (exprType(first) == REGCLASSOID)
		return IsA(first, Const) && !((Const *) first)->constisnull &&
			barq_is_index_or_parent(DatumGetObjectId(((Const *) first)->constvalue), index);
	if (exprType(first) == TEXTOID)
		return false;			/* an index by its name */

	/* the others have a query, which is for the index if it is a constant: bound to it */
	return is_for_index(first, index, schema);
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
	Oid			schema;

	if (path->indexorderbys == NIL || query_of(linitial(path->indexorderbys)) == NULL)
		return false;
	schema = get_func_namespace(get_opcode(linitial_node(OpExpr, path->indexorderbys)->opno));
	foreach(cell, path->indexorderbys)
		if ((query = query_of(lfirst(cell))) == NULL ||
			!is_for_index(query, index->indexoid, schema))
			return false;
	foreach(cell, path->indexclauses)
	{
		const IndexClause *clause = lfirst_node(IndexClause, cell);

		foreach(qual, clause->indexquals)
		{
			Expr	   *operation = lfirst_node(RestrictInfo, qual)->clause;

			query = query_of(operation);
			if (query != NULL && !is_for_index(query, index->indexoid, schema) &&
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
