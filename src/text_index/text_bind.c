/*
 * text_bind.c
 *	  Text queries bound to the statistics of an index: which terms score and by
 *	  how much, what rows must and must not hold.
 *
 * In a @@@ unmarked words are required, all of them; in a <@> they are
 * alternatives. So a group holds, where a <@> asks, if all that is marked + and
 * nothing that is marked - does, and, where nothing is marked +, something else
 * does; an unmarked phrase does where one of its words does. What scores at all
 * holds one of the query's words: conditions are needed for marks alone.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define NO_VARIANT	PG_UINT32_MAX

/* A term as a clause names it. */
typedef struct BoundTerm
{
	BarqBm25Term term;
	double		boost;			/* 0: does not score */
	uint32		variant;		/* that it scores with, or NO_VARIANT */
} BoundTerm;

/* Conditions that belong together. */
typedef struct Conditions
{
	uint32		n;
	uint32		space;
	BarqBm25Condition *list;
} Conditions;

/* A query under way: terms, and variants and conditions that refer to them. */
typedef struct Binding
{
	BoundTerm  *terms;
	uint32		n;
	uint32		space;
	BarqBm25Variant *variants;
	uint32		nvariants;
	uint32		variant_space;
	Conditions	conditions;
} Binding;

/* ---- terms ---- */

static uint32
add_term(Binding *binding, const BarqClauseTerm *term, double boost, uint32 variant)
{
	if (binding->n == binding->space)
	{
		binding->space = Max(binding->space * 2, 16);
		binding->terms = binding->terms == NULL ?
			palloc(sizeof(BoundTerm) * binding->space) :
			repalloc_huge(binding->terms, sizeof(BoundTerm) * (Size) binding->space);
	}
	binding->terms[binding->n] = (BoundTerm) {
		.term.text = {term->text, term->length},
		.term.prefix = term->prefix,
		.boost = boost,
		.variant = variant
	};
	return binding->n++;
}

static BarqBm25Variant *
add_variant(Binding *binding, uint32 nterms)
{
	BarqBm25Variant *variant;

	if (binding->nvariants == binding->variant_space)
	{
		binding->variant_space = Max(binding->variant_space * 2, 16);
		binding->variants = binding->variants == NULL ?
			palloc(sizeof(BarqBm25Variant) * binding->variant_space) :
			repalloc_huge(binding->variants,
						  sizeof(BarqBm25Variant) * (Size) binding->variant_space);
	}
	variant = &binding->variants[binding->nvariants++];
	variant->nterms = nterms;
	variant->terms = palloc(sizeof(uint32) * nterms);
	return variant;
}

/* The terms of a word or a phrase score, a variant of several all together. */
static void
score_terms(Binding *binding, const BarqClause *clause)
{
	for (uint32 i = 0, next; i < clause->nterms; i = next)
	{
		const BarqClauseTerm *term = &clause->terms[i];
		BarqBm25Variant *variant;

		next = i + 1;
		while (next < clause->nterms && clause->terms[next].offset == term->offset &&
			   clause->terms[next].variant == term->variant)
			next++;
		if (next == i + 1)
		{
			add_term(binding, term, clause->boost, NO_VARIANT);
			continue;
		}
		variant = add_variant(binding, next - i);
		for (uint32 j = i; j < next; j++)
			variant->terms[j - i] = add_term(binding, &clause->terms[j], clause->boost,
											 binding->nvariants - 1);
	}
}

/* All words that a query asks for score, in whatever group. */
static void
score_clauses(Binding *binding, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];

		if (clause->occur == BARQ_MUST_NOT || clause->boost == 0)
			continue;
		if (clause->nclauses > 0)
			score_clauses(binding, clause->clauses, clause->nclauses);
		else
			score_terms(binding, clause);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- conditions ---- */

static void
add_condition(Conditions *conditions, BarqOccur occur, const BarqBm25Condition *condition)
{
	if (conditions->n == conditions->space)
	{
		conditions->space = Max(conditions->space * 2, 4);
		conditions->list = conditions->list == NULL ?
			palloc(sizeof(BarqBm25Condition) * conditions->space) :
			repalloc_huge(conditions->list,
						  sizeof(BarqBm25Condition) * (Size) conditions->space);
	}
	conditions->list[conditions->n] = *condition;
	conditions->list[conditions->n++].occur = occur;
}

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

/* A word or a phrase; loose: one of a phrase's words will do. */
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

	for (uint32 i = 0, variant = 0; i < clause->nterms; i++)
	{
		const BarqClauseTerm *term = &clause->terms[i];
		bool		with_last = i > 0 && term->offset == term[-1].offset &&
			term->variant == term[-1].variant;

		variants |= with_last;
		variant += i > 0 && !with_last;
		condition.terms[i] = add_term(binding, term, 0, NO_VARIANT);
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

static BarqBm25Condition match_condition(Binding *binding, const BarqClause *clause);

/* What a @@@ asks for by clauses that stand side by side. */
static void
match_clauses(Binding *binding, Conditions *conditions, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];
		BarqBm25Condition condition;

		CHECK_FOR_INTERRUPTS();
		if (clause->kind == BARQ_CLAUSE_GROUP && clause->occur != BARQ_MUST_NOT)
		{
			match_clauses(binding, conditions, clause->clauses, clause->nclauses);
			continue;
		}
		condition = match_condition(binding, clause);
		add_condition(conditions, clause->occur == BARQ_MUST_NOT ? BARQ_MUST_NOT : BARQ_MUST,
					  &condition);
	}
}

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

/* Do marks stand in a clause, so that a word alone is not enough for it? */
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
 * What a <@> asks for by clauses that stand side by side; scored: only of rows
 * that hold one of their words.
 */
static void
rank_clauses(Binding *binding, Conditions *conditions, const BarqClause *clauses, uint32 n,
			 bool scored)
{
	Conditions	some = {0};
	bool		must = false;
	bool		marks = false;

	for (uint32 i = 0; i < n; i++)
	{
		must |= clauses[i].occur == BARQ_MUST;
		marks |= clauses[i].occur == BARQ_SHOULD && has_marks(&clauses[i]);
	}
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];
		BarqBm25Condition condition;

		CHECK_FOR_INTERRUPTS();
		if (clause->occur == BARQ_SHOULD && (must || (scored && !marks)))
			continue;
		condition = rank_condition(binding, clause);
		if (clause->occur == BARQ_SHOULD)
			add_condition(&some, BARQ_MUST, &condition);
		else
			add_condition(conditions, clause->occur, &condition);
	}
	if (some.n > 0)
	{
		BarqBm25Condition condition = condition_of(BARQ_BM25_SOME, &some);

		add_condition(conditions, BARQ_MUST, &condition);
	}
}

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
				BarqBm25Condition condition = rank_condition(binding, &clause->clauses[i]);

				add_condition(&conditions, BARQ_MUST, &condition);
			}
			return condition_of(BARQ_BM25_SOME, &conditions);
		default:
			return condition_of_terms(binding, clause, clause->occur == BARQ_SHOULD);
	}
}

/* ---- sorting ---- */

/* Order of terms: by text, a word before the same prefix, what scores first. */
typedef struct SortKey
{
	const Binding *binding;
	uint32		term;
} SortKey;

static int
compare_sort_keys(const void *a, const void *b)
{
	const SortKey *x = a;
	const SortKey *y = b;
	const BoundTerm *s = &x->binding->terms[x->term];
	const BoundTerm *t = &y->binding->terms[y->term];
	int			order = barq_compare_terms(s->term.text.text, s->term.text.length,
										   t->term.text.text, t->term.text.length);

	if (order != 0)
		return order;
	if (s->term.prefix != t->term.prefix)
		return s->term.prefix - t->term.prefix;
	return (t->boost > 0) - (s->boost > 0);
}

/* Terms of conditions by the numbers that they have in the query. */
static void
number_conditions(BarqBm25Condition *conditions, uint32 n, const uint32 *numbers)
{
	for (uint32 i = 0; i < n; i++)
	{
		for (uint32 j = 0; j < conditions[i].nterms; j++)
			conditions[i].terms[j] = numbers[conditions[i].terms[j]];
		number_conditions(conditions[i].conditions, conditions[i].nconditions, numbers);
	}
}

/*
 * Terms that score with a variant of several know it, those that also score by
 * themselves know none.
 */
static void
number_variants(Binding *binding, BarqBm25Query *query, const uint32 *numbers)
{
	bool	   *alone = palloc_extended(sizeof(bool) * (Size) Max(query->nterms, 1),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	for (uint32 i = 0; i < binding->n; i++)
		if (binding->terms[i].boost > 0 && binding->terms[i].variant == NO_VARIANT)
			alone[numbers[i]] = true;
	for (uint32 i = 0; i < binding->n; i++)
	{
		BarqBm25Term *term = &query->terms[numbers[i]];

		if (binding->terms[i].variant == NO_VARIANT || alone[numbers[i]])
			continue;
		term->variants = term->variants == NULL ? palloc(sizeof(uint32)) :
			repalloc(term->variants, sizeof(uint32) * (term->nvariants + 1));
		term->variants[term->nvariants++] = binding->terms[i].variant;
	}
	for (uint32 i = 0; i < binding->nvariants; i++)
		for (uint32 j = 0; j < binding->variants[i].nterms; j++)
			binding->variants[i].terms[j] = numbers[binding->variants[i].terms[j]];
	query->nvariants = binding->nvariants;
	query->variants = binding->variants;
	pfree(alone);
}

/*
 * Sort the terms and leave each in once, with the largest boost that it has. A
 * prefix that is a condition stays apart from the same one that scores: it
 * stands for all terms, not only for those that are pooled. Returns the boosts.
 */
static double *
sort_terms(Binding *binding, BarqBm25Query *query)
{
	Size		n = Max(binding->n, 1);
	SortKey    *keys = palloc_extended(sizeof(SortKey) * n, MCXT_ALLOC_HUGE);
	uint32	   *numbers = palloc_extended(sizeof(uint32) * n, MCXT_ALLOC_HUGE);
	double	   *boosts = palloc_extended(sizeof(double) * n, MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < binding->n; i++)
	{
		keys[i].binding = binding;
		keys[i].term = i;
	}
	qsort(keys, binding->n, sizeof(SortKey), compare_sort_keys);
	query->terms = palloc_extended(sizeof(BarqBm25Term) * n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < binding->n; i++)
	{
		const BoundTerm *term = &binding->terms[keys[i].term];
		const BarqBm25Term *last = i > 0 ? &query->terms[query->nterms - 1] : NULL;

		if (last == NULL || last->prefix != term->term.prefix ||
			(last->prefix && (boosts[query->nterms - 1] > 0) != (term->boost > 0)) ||
			barq_compare_terms(last->text.text, last->text.length,
							   term->term.text.text, term->term.text.length) != 0)
		{
			query->terms[query->nterms] = term->term;
			boosts[query->nterms++] = 0;
		}
		boosts[query->nterms - 1] = Max(boosts[query->nterms - 1], term->boost);
		numbers[keys[i].term] = query->nterms - 1;
	}
	number_conditions(binding->conditions.list, binding->conditions.n, numbers);
	query->conditions = binding->conditions.list;
	query->nconditions = binding->conditions.n;
	if (binding->nvariants > 0)
		number_variants(binding, query, numbers);
	pfree(keys);
	pfree(numbers);
	return boosts;
}

static BarqTextQuery *
parse(BarqTextStatistics *statistics, const BarqQueryValue *value)
{
	Size		length;
	const char *words = barq_query_value_words(value, &length);

	return barq_text_query_parse(words, length,
								 barq_text_tokenizer(barq_text_statistics_analysis(statistics)));
}

BarqBm25Query *
barq_text_bind(BarqTextStatistics *statistics, const BarqQueryValue *score,
			   const BarqQueryValue **matches, int nmatches)
{
	BarqBm25Query *query = palloc0(sizeof(BarqBm25Query));
	const BarqTextOptions *options = barq_text_statistics_options(statistics);
	BarqBm25Totals totals;
	Binding		binding = {0};
	double	   *boosts;

	barq_text_statistics_totals(statistics, &totals);
	query->k1 = options->k1;
	query->b = options->b;
	query->avglen = totals.tokens == 0 ? 1 : (double) totals.tokens / totals.documents;
	query->scored = score != NULL;
	if (score != NULL)
	{
		BarqTextQuery *parsed = parse(statistics, score);

		rank_clauses(&binding, &binding.conditions, parsed->clauses, parsed->nclauses, true);
		score_clauses(&binding, parsed->clauses, parsed->nclauses);
	}
	for (int m = 0; m < nmatches; m++)
	{
		BarqTextQuery *parsed = parse(statistics, matches[m]);

		if (parsed->nclauses == 0)
			query->nothing = true;
		match_clauses(&binding, &binding.conditions, parsed->clauses, parsed->nclauses);
	}
	boosts = sort_terms(&binding, query);
	barq_text_statistics_weigh(statistics, query->terms, boosts, query->nterms);
	pfree(boosts);
	return query;
}
