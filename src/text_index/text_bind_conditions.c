/*
 * text_bind_conditions.c
 *	  Which rows a text query matches: conditions on the terms of its clauses.
 *
 * Unmarked words are all required by @@@, and are alternatives for <@>. So for
 * <@> a group matches a row if all its clauses marked + match, none marked -
 * does, and, if none is marked +, at least one unmarked clause does; an unmarked
 * phrase matches if one of its words does. A row that scores contains one of the
 * query's words anyway: a query without marks needs no conditions for <@>.
 *
 * A row of which the language makes nothing of a word (a stop word) is taken to have the
 * word, where it is required, if the query has others in that language. The language of a
 * field is one of every row: such words are not required, but for one if all are such.
 */
#include "postgres.h"

#include "base/array.h"
#include "miscadmin.h"
#include "text_index/text_bind.h"

/* Add a copy of a condition, with this occur. */
static void
add_condition(Conditions *conditions, BarqOccur occur, const BarqBm25Condition *condition)
{
	BARQ_ARRAY_RESERVE(conditions->list, conditions->space, conditions->n + 1, 4);
	conditions->list[conditions->n] = *condition;
	conditions->list[conditions->n++].occur = occur;
}

/* A condition over sub-conditions, which it takes over. */
static BarqBm25Condition
condition_of(BarqBm25ConditionKind kind, const Conditions *conditions)
{
	return (BarqBm25Condition) {
		.occur = BARQ_MUST,
		.kind = kind,
		.nconditions = conditions->n,
		.conditions = conditions->list
	};
}

/* The condition of a word or a phrase; loose: one of a phrase's words suffices. */
static BarqBm25Condition
condition_of_terms(Binding *binding, const BarqClause *clause, bool loose)
{
	uint32		n = Max(clause->nterms, 1);
	bool		variants = false;
	BarqBm25Condition condition = {
		.occur = BARQ_MUST,
		.kind = BARQ_BM25_TERMS,
		.phrase = clause->kind == BARQ_CLAUSE_PHRASE && !loose,
		.nterms = clause->nterms,
		.terms = palloc(sizeof(uint32) * n),
		.offsets = palloc(sizeof(uint32) * n),
		.variants = palloc(sizeof(uint32) * n)
	};

	barq_bind_use_fields(binding, clause->fields);
	for (uint32 i = 0, variant = 0; i < clause->nterms; i++)
	{
		const BarqClauseTerm *term = &clause->terms[i];
		bool		with_last = i > 0 && term->offset == term[-1].offset &&
			term->variant == term[-1].variant;

		variants |= with_last;
		variant += i > 0 && !with_last;
		condition.terms[i] = barq_bind_term(binding, term, 0, NO_VARIANT);
		condition.offsets[i] = term->offset;
		condition.variants[i] = variant;
	}
	if (!variants)
	{
		pfree(condition.variants);
		condition.variants = NULL;
	}
	return condition;
}

/* ---- languages ---- */

/* The languages, a bit each, that make no terms of any of n clauses. No side effects. */
static uint64
stopped_in(const BarqClause *clauses, uint32 n)
{
	uint64		stopped = PG_UINT64_MAX;

	for (uint32 i = 0; i < n && stopped != 0; i++)
		stopped &= clauses[i].nclauses == 0 || clauses[i].by_language || clauses[i].stopped != 0 ?
			clauses[i].stopped : stopped_in(clauses[i].clauses, clauses[i].nclauses);
	return stopped;
}

/*
 * A condition that rows of these languages (a bit each) satisfy anyway, by their marks:
 * their words are stop words there.
 */
static BarqBm25Condition
or_language(Binding *binding, const BarqBm25Condition *condition, uint64 languages)
{
	Conditions	some = {0};
	uint32		fields = binding->fields;

	if (languages == 0 || binding->languages == NULL)
		return *condition;
	add_condition(&some, BARQ_MUST, condition);
	binding->fields = 0;
	for (uint32 i = 0; i < binding->languages->nmarks; i++)
	{
		const BarqLanguageMark *mark = &binding->languages->marks[i];
		BarqClauseTerm term = {.text = unconstify(char *, mark->text.text), .length = mark->text.length};
		BarqBm25Condition marked;

		if ((languages >> mark->language & 1) == 0)
			continue;
		marked = (BarqBm25Condition) {
			.kind = BARQ_BM25_TERMS,
			.nterms = 1,
			.terms = palloc(sizeof(uint32)),
			.offsets = palloc0(sizeof(uint32))
		};
		marked.terms[0] = barq_bind_term(binding, &term, 0, NO_VARIANT);
		add_condition(&some, BARQ_MUST, &marked);
	}
	binding->fields = fields;
	return condition_of(BARQ_BM25_SOME, &some);
}

/*
 * Whether a clause is set aside: a field's language makes nothing of it, though of others of
 * the query (languages: those that do, a bit each), so it may be missing there. Rows need
 * not satisfy it, unless it is among such only: then one of them. No side effects.
 */
static bool
is_aside(const Binding *binding, const BarqClause *clause, uint64 languages)
{
	return (stopped_in(clause, 1) & languages & binding->of_fields) != 0;
}

/* Require one of some conditions, if there are any. */
static void
require_one(Conditions *conditions, const Conditions *some)
{
	BarqBm25Condition one;

	if (some->n == 0)
		return;
	one = condition_of(BARQ_BM25_SOME, some);
	add_condition(conditions, BARQ_MUST, &one);
}

/* ---- operators ---- */

static BarqBm25Condition match_condition(Binding *binding, const BarqClause *clause);

/*
 * Add the conditions of @@@ for sibling clauses; groups not marked - are flattened.
 * languages: those that have words of the query there, a bit each. *aside receives the
 * conditions set aside; *required is set if rows have to satisfy another.
 */
static void
flatten_clauses(Binding *binding, Conditions *conditions, const BarqClause *clauses, uint32 n,
				uint64 languages, Conditions *aside, bool *required)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];
		BarqBm25Condition condition;

		CHECK_FOR_INTERRUPTS();
		if (clause->kind == BARQ_CLAUSE_GROUP && clause->occur != BARQ_MUST_NOT)
		{
			flatten_clauses(binding, conditions, clause->clauses, clause->nclauses, languages, aside,
							required);
			continue;
		}
		condition = match_condition(binding, clause);
		if (clause->occur == BARQ_MUST_NOT)
		{
			add_condition(conditions, BARQ_MUST_NOT, &condition);
			continue;
		}
		if (is_aside(binding, clause, languages))
		{
			add_condition(aside, BARQ_MUST, &condition);
			continue;
		}
		condition = or_language(binding, &condition, stopped_in(clause, 1) & languages);
		add_condition(conditions, BARQ_MUST, &condition);
		*required = true;
	}
}

/* Add the conditions of @@@ for the clauses of a query or a group. */
static void
match_clauses(Binding *binding, Conditions *conditions, const BarqClause *clauses, uint32 n)
{
	Conditions	aside = {0};
	bool		required = false;

	flatten_clauses(binding, conditions, clauses, n, ~stopped_in(clauses, n), &aside, &required);
	if (!required)
		require_one(conditions, &aside);
}

/* The condition of @@@ for one clause, disregarding its mark. */
static BarqBm25Condition
match_condition(Binding *binding, const BarqClause *clause)
{
	Conditions	conditions = {0};

	switch (clause->kind)
	{
		case BARQ_CLAUSE_GROUP:
			match_clauses(binding, &conditions, clause->clauses, clause->nclauses);
			return condition_of(BARQ_BM25_ALL, &conditions);
		case BARQ_CLAUSE_ANY:
			for (uint32 i = 0; i < clause->nclauses; i++)
			{
				BarqBm25Condition condition = match_condition(binding, &clause->clauses[i]);

				add_condition(&conditions, BARQ_MUST, &condition);
			}
			return condition_of(BARQ_BM25_SOME, &conditions);
		default:
			return condition_of_terms(binding, clause, false);
	}
}

/*
 * Whether a clause contains marks. Then one of its words does not suffice to
 * match it.
 */
static bool
has_marks(const BarqClause *clause)
{
	for (uint32 i = 0; i < clause->nclauses; i++)
		if (clause->clauses[i].occur != BARQ_SHOULD || has_marks(&clause->clauses[i]))
			return true;
	return false;
}

static BarqBm25Condition rank_condition(Binding *binding, const BarqClause *clause);

/*
 * Add the conditions of <@> for sibling clauses. scored: rows are known to contain
 * one of their words.
 */
static void
rank_clauses(Binding *binding, Conditions *conditions, const BarqClause *clauses, uint32 n,
			 bool scored)
{
	Conditions	some = {0};
	uint64		languages = ~stopped_in(clauses, n);
	bool		must = false;	/* but for those set aside, which others may do without */
	bool		marks = false;

	for (uint32 i = 0; i < n; i++)
	{
		bool		firm = clauses[i].occur == BARQ_MUST && !is_aside(binding, &clauses[i], languages);

		must |= firm;
		marks |= clauses[i].occur != BARQ_MUST_NOT && !firm && has_marks(&clauses[i]);
	}
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];
		bool		aside = clause->occur == BARQ_MUST && is_aside(binding, clause, languages);
		BarqBm25Condition condition;

		CHECK_FOR_INTERRUPTS();
		if ((clause->occur == BARQ_SHOULD || aside) && (must || (scored && !marks)))
			continue;
		condition = rank_condition(binding, clause);
		if (clause->occur == BARQ_MUST && !aside)
			condition = or_language(binding, &condition, stopped_in(clause, 1) & languages);
		if (clause->occur == BARQ_SHOULD || aside)
			add_condition(&some, BARQ_MUST, &condition);
		else
			add_condition(conditions, clause->occur, &condition);
	}
	require_one(conditions, &some);
}

/* The condition of <@> for one clause, disregarding its mark. */
static BarqBm25Condition
rank_condition(Binding *binding, const BarqClause *clause)
{
	Conditions	conditions = {0};

	switch (clause->kind)
	{
		case BARQ_CLAUSE_GROUP:
			rank_clauses(binding, &conditions, clause->clauses, clause->nclauses, false);
			return condition_of(BARQ_BM25_ALL, &conditions);
		case BARQ_CLAUSE_ANY:
			for (uint32 i = 0; i < clause->nclauses; i++)
			{
				BarqClause	alternative = clause->clauses[i];
				BarqBm25Condition condition;

				/* what a language makes of a phrase has the phrase's mark */
				if (clause->by_language)
					alternative.occur = clause->occur;
				condition = rank_condition(binding, &alternative);
				add_condition(&conditions, BARQ_MUST, &condition);
			}
			return condition_of(BARQ_BM25_SOME, &conditions);
		default:
			return condition_of_terms(binding, clause, clause->occur == BARQ_SHOULD);
	}
}

void
barq_bind_minimum(Binding *binding, const BarqTextQuery *parsed,
				  const BarqQueryParameters *parameters)
{
	Conditions *conditions = &binding->conditions;
	uint64		languages = ~stopped_in(parsed->clauses, parsed->nclauses);
	Conditions	some = {0};
	Conditions	aside = {0};
	BarqBm25Condition condition;
	bool		must = false;	/* but for those set aside */
	uint32		least;
	uint32		n = 0;

	for (uint32 i = 0; i < parsed->nclauses; i++)
	{
		must |= parsed->clauses[i].occur == BARQ_MUST &&
			!is_aside(binding, &parsed->clauses[i], languages);
		n += parsed->clauses[i].occur == BARQ_SHOULD;
	}
	least = barq_query_parameters_least(parameters, n, must);
	for (uint32 i = 0; i < parsed->nclauses; i++)
	{
		BarqClause	clause = parsed->clauses[i];
		BarqOccur	occur = clause.occur;

		CHECK_FOR_INTERRUPTS();
		clause.occur = BARQ_MUST;
		condition = rank_condition(binding, &clause);
		if (occur == BARQ_MUST || (occur == BARQ_SHOULD && least == n))
		{
			if (is_aside(binding, &clause, languages))
			{
				add_condition(&aside, BARQ_MUST, &condition);
				continue;
			}
			condition = or_language(binding, &condition, stopped_in(&clause, 1) & languages);
		}
		add_condition(occur == BARQ_SHOULD ? &some : conditions,
					  occur == BARQ_SHOULD ? BARQ_MUST : occur, &condition);
	}
	if (!must && (least == 0 || some.n == 0))
	{
		/* none has to hold by itself: one of those set aside or unmarked has to */
		for (uint32 i = 0; i < some.n && aside.n > 0; i++)
			add_condition(&aside, BARQ_MUST, &some.list[i]);
		require_one(conditions, &aside);
		return;
	}
	if (least == 0)
		return;
	if (least == n || least == some.n)
	{
		for (uint32 i = 0; i < some.n; i++)
			add_condition(conditions, BARQ_MUST, &some.list[i]);
		return;
	}
	condition = condition_of(BARQ_BM25_SOME, &some);
	condition.least = least;
	add_condition(conditions, BARQ_MUST, &condition);
}

void
barq_bind_matches(Binding *binding, const BarqTextQuery *parsed)
{
	match_clauses(binding, &binding->conditions, parsed->clauses, parsed->nclauses);
}

void
barq_bind_ranking(Binding *binding, const BarqTextQuery *parsed)
{
	rank_clauses(binding, &binding->conditions, parsed->clauses, parsed->nclauses, true);
}
