/*
 * text_selectivity.c
 *	  Selectivity of text @@@ query and text <@@ threshold.
 *
 * A query that is known at planning is estimated from the frequencies of its terms
 * in the index, as if words occurred in documents independently. Any other query
 * is estimated to match one row in a hundred. So is every query of a role that may
 * not see all rows: better estimates would reveal something about the others.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "parser/parse_relation.h"
#include "parser/parsetree.h"
#include "text_index/bm25threshold.h"
#include "utils/selfuncs.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_text_selectivity);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_threshold_selectivity);

#define DEFAULT_SELECTIVITY	0.01

/* A query and the statistics that its estimate comes from. */
typedef struct Estimate
{
	BarqTextStatistics *statistics;
	const BarqBm25Query *query;
	double		documents;		/* not 0 */
} Estimate;

/* The share of documents with a term of the query. */
static double
term_share(const Estimate *estimate, uint32 number)
{
	const BarqBm25Term *term = &estimate->query->terms[number];

	return term->prefix ? DEFAULT_SELECTIVITY :
		barq_text_statistics_df(estimate->statistics, term->text.text, term->text.length,
								term->df_fields) /
		estimate->documents;
}

/*
 * The share of documents that satisfy a condition of kind BARQ_BM25_TERMS: at each
 * offset (for a phrase; else once) all terms of one of its variants occur.
 */
static double
terms_share(const Estimate *estimate, const BarqBm25Condition *condition)
{
	double		share = condition->nterms > 0 ? 1 : 0;

	for (uint32 i = 0, end; i < condition->nterms; i = end)
	{
		double		none = 1;

		for (end = i; end < condition->nterms &&
			 (!condition->phrase || condition->offsets[end] == condition->offsets[i]);)
		{
			uint32		first = end;
			double		all = 1;

			do
				all *= term_share(estimate, condition->terms[end++]);
			while (end < condition->nterms && condition->variants != NULL &&
				   condition->variants[end] == condition->variants[first]);
			none *= 1 - all;
		}
		share *= 1 - none;
	}
	return share;
}

/* Conditions of which more than one has to hold, beyond which estimates are coarse. */
#define MOST_COUNTED	256

/*
 * The share of documents that satisfy all conditions; least > 0: at least so many, as if
 * each held independently.
 */
static double
conditions_share(const Estimate *estimate, const BarqBm25Condition *conditions, uint32 n,
				 uint32 least)
{
	bool		some = least > 0;
	bool		count = least > 1 && least <= n && n <= MOST_COUNTED;
	double		exactly[MOST_COUNTED + 1] = {1};	/* so many of those before hold */
	double		share = 1;
	double		fewer = 0;

	for (uint32 i = 0; i < n; i++)
	{
		const BarqBm25Condition *condition = &conditions[i];
		double		here = condition->kind == BARQ_BM25_TERMS ?
			terms_share(estimate, condition) :
			conditions_share(estimate, condition->conditions, condition->nconditions,
							 condition->kind == BARQ_BM25_SOME ? Max(condition->least, 1) : 0);

		if (condition->occur == BARQ_MUST_NOT)
			here = 1 - here;
		share *= some ? 1 - here : here;
		for (uint32 j = i + 1; j > 0 && count; j--)
			exactly[j] = exactly[j] * (1 - here) + exactly[j - 1] * here;
		if (count)
			exactly[0] *= 1 - here;
	}
	for (uint32 i = 0; i < least && count; i++)
		fewer += exactly[i];
	if (count)
		return Max(1 - fewer, 0);
	return some ? 1 - share : share;
}

/*
 * The share of rows that match a query bound to an index; scored: that have a
 * score. The caller has checked rights by rows_are_visible().
 */
static double
estimate(const BarqQueryValue *value, bool scored)
{
	BarqTextStatistics *statistics = barq_text_statistics(value->index, CurrentMemoryContext);
	BarqBm25Query *query = scored ? barq_text_bind(statistics, value, NULL, 0) :
		barq_text_bind(statistics, NULL, &value, 1);
	BarqBm25Totals totals;
	Estimate	in;
	double		share = 1;

	barq_text_statistics_totals(statistics, &totals);
	if (totals.documents == 0 || query->nothing)
		return 0;
	in.statistics = statistics;
	in.query = query;
	in.documents = totals.documents;
	if (scored)
	{
		double		none = 1;

		for (uint32 i = 0; i < query->nterms; i++)
			if (query->terms[i].weight != 0)
				none *= 1 - term_share(&in, i);
		share = 1 - none;
	}
	return share * conditions_share(&in, query->conditions, query->nconditions, 0);
}

/*
 * Whether an OID is an index of a relation on this value, or a partitioned index
 * above one. Reads catalogs only.
 */
static bool
is_index_of(Oid index, RelOptInfo *rel, Node *value)
{
	ListCell   *cell;

	foreach(cell, rel->indexlist)
	{
		IndexOptInfo *info = lfirst(cell);

		if (match_index_to_operand(value, 0, info) &&
			barq_is_index_or_parent(index, info->indexoid))
			return true;
	}
	return false;
}

/*
 * Whether estimates about a value of a relation may use the content of an index.
 * EXPLAIN shows estimates, so the role has to have the right to the index's
 * content, and no policy and no security barrier around the query may hide rows
 * from it. The role is the one whose rights are checked for the relation (a
 * view's owner) for an index of this very value, and the current user for any
 * other index.
 */
static bool
rows_are_visible(PlannerInfo *root, RelOptInfo *rel, Node *value, Oid index)
{
	Index		varno = rel->relid;
	RangeTblEntry *rte;
	Oid			user;

	if (rel->reloptkind != RELOPT_BASEREL && rel->reloptkind != RELOPT_OTHER_MEMBER_REL)
		return false;

	/* rights are checked on the table that is named in the query */
	while (root->append_rel_array != NULL && root->append_rel_array[varno] != NULL &&
		   planner_rt_fetch(root->append_rel_array[varno]->parent_relid, root)->rtekind == RTE_RELATION)
		varno = root->append_rel_array[varno]->parent_relid;
	rte = planner_rt_fetch(varno, root);
	if (rte->rtekind != RTE_RELATION || rte->securityQuals != NIL)
		return false;
	for (PlannerInfo *outer = root->parent_root; outer != NULL; outer = outer->parent_root)
	{
		ListCell   *cell;

		foreach(cell, outer->parse->rtable)
			if (((RangeTblEntry *) lfirst(cell))->security_barrier)
				return false;
	}
	user = is_index_of(index, rel, value) ? BarqCheckedUser(root, rte) : InvalidOid;
	return barq_may_see_index_content(index, OidIsValid(user) ? user : GetUserId());
}

/* The share of rows for a constant that is not NULL; DEFAULT_SELECTIVITY if unknown. */
typedef double (*ShareOfConstant) (PlannerInfo *root, const VariableStatData *variable,
								   const Const *constant);

/* Estimate `column OPERATOR constant`; any other clause gets the default. */
static Datum
selectivity(FunctionCallInfo fcinfo, ShareOfConstant share_of)
{
	PlannerInfo *root = (PlannerInfo *) PG_GETARG_POINTER(0);
	List	   *args = (List *) PG_GETARG_POINTER(2);
	int			varRelid = PG_GETARG_INT32(3);
	VariableStatData variable;
	Node	   *other;
	bool		on_left;
	double		share = DEFAULT_SELECTIVITY;

	if (!get_restriction_variable(root, args, varRelid, &variable, &other, &on_left))
		PG_RETURN_FLOAT8(share);
	if (IsA(other, Const) && ((Const *) other)->constisnull)
		share = 0;
	else if (IsA(other, Const) && on_left && variable.rel != NULL)
		share = share_of(root, &variable, (Const *) other);
	ReleaseVariableStats(variable);
	CLAMP_PROBABILITY(share);
	PG_RETURN_FLOAT8(share);
}

/*
 * Whether a query may be estimated by its index, for a column: only if the index
 * is known by its OID, as in queries that the planner has bound.
 */
static bool
may_estimate(PlannerInfo *root, const VariableStatData *variable, const BarqQueryValue *value)
{
	return OidIsValid(value->index) &&
		rows_are_visible(root, variable->rel, variable->var, value->index);
}

/* ShareOfConstant for @@@. */
static double
share_of_query(PlannerInfo *root, const VariableStatData *variable, const Const *constant)
{
	const BarqQueryValue *value;

	if (constant->consttype == TEXTOID)
		return DEFAULT_SELECTIVITY;
	value = DatumGetBarqQueryValue(constant->constvalue);
	return may_estimate(root, variable, value) ? estimate(value, false) : DEFAULT_SELECTIVITY;
}

/*
 * ShareOfConstant for <@@: the rows that have a score, for a bound of 0; half of
 * them for any other bound, since the distribution of scores is unknown.
 */
static double
share_of_threshold(PlannerInfo *root, const VariableStatData *variable, const Const *constant)
{
	const BarqThreshold *threshold = DatumGetBarqThreshold(constant->constvalue);
	const BarqQueryValue *value = barq_threshold_query(threshold);

	if (barq_threshold_passes(threshold, 0))
		return 1;
	return may_estimate(root, variable, value) ?
		estimate(value, true) * (threshold->bound < 0 ? 0.5 : 1) : DEFAULT_SELECTIVITY;
}

/* restrict estimator of @@@ */
Datum
barq_text_selectivity(PG_FUNCTION_ARGS)
{
	return selectivity(fcinfo, share_of_query);
}

/* restrict estimator of <@@ */
Datum
barq_threshold_selectivity(PG_FUNCTION_ARGS)
{
	return selectivity(fcinfo, share_of_threshold);
}
