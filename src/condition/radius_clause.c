/*
 * radius_clause.c
 *	  Conditions `distance < bound`: which of them an index answers, and how many rows
 *	  meet one.
 *
 * PostgreSQL guesses that a third of the rows meet a condition on an expression, by
 * which no plan of such a query would be a good one. Two ways were left to correct that.
 * An expression index that does not exist, made up by get_relation_info_hook, with a
 * histogram of distances by get_index_stats_hook, would let the planner's own functions
 * estimate; but each query has another expression, the planner would look for paths by
 * that index, and parameters have no histogram. So the selectivity is written where the
 * planner caches it, in the RestrictInfo: all estimates of this condition, of this table
 * and of joins above, take it from there.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "condition/radius.h"
#include "base/upper_bound.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "vector_index/radius.h"
#include "vector_index/vector_index.h"

/* Whether an index is one of vectors that this query may use. No side effects. */
static bool
is_vector_index(const IndexOptInfo *index)
{
	return (index->amcostestimate == (void *) barq_hnsw_cost_estimate ||
			index->amcostestimate == (void *) barq_ivf_cost_estimate) &&
		(index->indpred == NIL || index->predOK);
}

/* Whether an expression can be evaluated before the table is scanned. */
static bool
is_known_before(PlannerInfo *root, const RelOptInfo *rel, Node *node)
{
	return !bms_is_member(rel->relid, pull_varnos(root, node)) &&
		!contain_volatile_functions(node) && !contain_subplans(node);
}

/* Whether an operator orders rows of the index: it is one of its distance. */
static bool
is_distance(Oid operator, const IndexOptInfo * index)
{
	return OidIsValid(operator) &&
		OidIsValid(get_op_opfamily_sortfamily(operator, index->opfamily[0]));
}

/* The clause of a condition for an index, NULL if the index does not answer it. */
static BarqRadiusClause *
read_clause(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *index, RestrictInfo *given)
{
	BarqUpperBound bounded;
	BarqRadiusClause *clause;
	Node	   *left;
	Node	   *right;
	Node	   *query;

	if (given->pseudoconstant || !barq_read_upper_bound(given->clause, &bounded))
		return NULL;
	left = linitial(bounded.operation->args);
	right = lsecond(bounded.operation->args);
	if (match_index_to_operand(left, 0, index) && is_distance(bounded.operation->opno, index))
		query = right;
	else if (match_index_to_operand(right, 0, index) &&
			 is_distance(get_commutator(bounded.operation->opno), index))
		query = left;
	else
		return NULL;
	if (!is_known_before(root, rel, query) || !is_known_before(root, rel, bounded.bound))
		return NULL;
	clause = palloc0(sizeof(BarqRadiusClause));
	clause->given = given;
	clause->index = index;
	clause->distance = bounded.operation;
	clause->query = (Expr *) query;
	clause->bound = (Expr *) bounded.bound;
	clause->inclusive = bounded.inclusive;
	return clause;
}

BarqRadiusClause *
barq_radius_clause(PlannerInfo *root, RelOptInfo *rel, List *conditions, bool join)
{
	ListCell   *condition;
	ListCell   *index;

	foreach(condition, conditions)
	{
		RestrictInfo *given = lfirst_node(RestrictInfo, condition);

		/* distances are not leakproof, so policies of row security come first */
		if (!restriction_is_securely_promotable(given, rel) ||
			(join && !join_clause_is_movable_to(given, rel)))
			continue;
		foreach(index, rel->indexlist)
		{
			BarqRadiusClause *clause = is_vector_index(lfirst(index)) ?
				read_clause(root, rel, lfirst(index), given) : NULL;

			if (clause != NULL)
				return clause;
		}
	}
	return NULL;
}

void
barq_radius_estimate(PlannerInfo *root, BarqRadiusClause *clause)
{
	Node	   *query = estimate_expression_value(root, (Node *) clause->query);
	Node	   *bound = estimate_expression_value(root, (Node *) clause->bound);
	double		share = -1;

	if ((IsA(bound, Const) && ((Const *) bound)->constisnull) ||
		(IsA(query, Const) && ((Const *) query)->constisnull))
		share = 0;
	else if (IsA(bound, Const))
	{
		Relation	index = index_open(clause->index->indexoid, NoLock);

		share = barq_radius_share(index, IsA(query, Const) ? &((Const *) query)->constvalue : NULL,
								  DatumGetFloat8(((Const *) bound)->constvalue));
		index_close(index, NoLock);
	}
	if (share < 0)
		share = DEFAULT_RANGE_INEQ_SEL;
	CLAMP_PROBABILITY(share);
	clause->share = share;
	clause->given->norm_selec = clause->given->outer_selec = share;
}
