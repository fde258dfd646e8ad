/*
 * text_bind.c
 *	  Text queries bound to the statistics of an index: which terms score and by
 *	  how much, which terms a row must and must not contain.
 */
#include "postgres.h"

#include "base/array.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "text_index/text_bind.h"
#include "utils/memutils.h"

/* ---- terms ---- */

uint32
barq_bind_term(Binding *binding, const BarqClauseTerm *term, double boost, uint32 variant)
{
	BARQ_ARRAY_RESERVE(binding->terms, binding->space, binding->n + 1, 16);
	binding->terms[binding->n] = (BoundTerm) {
		.term.text = {.text = term->text, .length = term->length},
		.term.prefix = term->prefix,
		.term.fields = barq_bm25_both_fields(boost > 0 ? binding->scoring_fields : binding->fields,
											 term->fields),
		.term.df_fields = barq_bm25_both_fields(binding->fields, term->fields),
		.boost = boost,
		.variant = variant
	};
	return binding->n++;
}

/* A variant with room for nterms term numbers; valid until the next one is added. */
static BarqBm25Variant *
add_variant(Binding *binding, uint32 nterms)
{
	BarqBm25Variant *variant;

	BARQ_ARRAY_RESERVE(binding->variants, binding->variant_space, binding->nvariants + 1, 16);
	variant = &binding->variants[binding->nvariants++];
	variant->nterms = nterms;
	variant->terms = palloc(sizeof(uint32) * nterms);
	return variant;
}

void
barq_bind_use_fields(Binding *binding, uint32 fields)
{
	uint32		scoring;

	if (binding->every == 0)
		return;
	if (fields == 0)
		fields = binding->asked;
	scoring = fields & binding->weighing;
	binding->fields = fields == binding->every ? 0 : fields;
	binding->scoring_fields = scoring == binding->every ? 0 : scoring == 0 ? BARQ_BM25_NO_FIELDS : scoring;
}

/* Does a term count in any of the fields that score? No side effects. */
static bool
scores(const Binding *binding, const BarqClauseTerm *term)
{
	return term->fields == 0 ||
		barq_bm25_both_fields(binding->scoring_fields, term->fields) != BARQ_BM25_NO_FIELDS;
}

/*
 * Let the terms of a pooled word score as one. Its key has what no text has, a zero byte, at
 * its start and between the alternatives.
 */
static void
score_pool(Binding *binding, const BarqClause *clause, double boost)
{
	BarqBm25Alternative *alternatives = palloc(sizeof(BarqBm25Alternative) * clause->nterms);
	StringInfoData key;
	BarqClauseTerm pool = {.prefix = true};
	uint32		number;
	uint32		n = 0;

	initStringInfo(&key);
	for (uint32 i = 0; i < clause->nterms; i++)
	{
		const BarqClauseTerm *term = &clause->terms[i];

		if (!scores(binding, term))
			continue;
		alternatives[n++] = (BarqBm25Alternative) {{term->text, term->length, term->fields}, term->prefix};
		appendStringInfoChar(&key, '\0');
		appendStringInfoChar(&key, term->prefix ? '*' : '=');
		appendBinaryStringInfo(&key, (const char *) &term->fields, sizeof(term->fields));
		appendBinaryStringInfo(&key, term->text, term->length);
	}
	if (n == 0)
		return;
	pool.text = key.data;
	pool.length = key.len;
	number = barq_bind_term(binding, &pool, boost, NO_VARIANT);
	binding->terms[number].term.nalternatives = n;
	binding->terms[number].term.alternatives = alternatives;
}

/* Let the terms of a word or a phrase score, those of one variant together. */
static void
score_terms(Binding *binding, const BarqClause *clause, double boost)
{
	if (clause->pooled)
	{
		score_pool(binding, clause, boost);
		return;
	}
	for (uint32 i = 0, next; i < clause->nterms; i = next)
	{
		const BarqClauseTerm *term = &clause->terms[i];
		BarqBm25Variant *variant;

		next = i + 1;
		while (next < clause->nterms && clause->terms[next].offset == term->offset &&
			   clause->terms[next].variant == term->variant)
			next++;
		if (!scores(binding, term))
			continue;
		if (next == i + 1)
		{
			barq_bind_term(binding, term, boost, NO_VARIANT);
			continue;
		}
		variant = add_variant(binding, next - i);
		for (uint32 j = i; j < next; j++)
			variant->terms[j - i] = barq_bind_term(binding, &clause->terms[j], boost,
												   binding->nvariants - 1);
	}
}

/*
 * Let the terms of a word or a phrase score in its fields: in all together, or, where fields
 * are scored by themselves, each in one field, of which it has the weight.
 */
static void
score_in_fields(Binding *binding, const BarqClause *clause)
{
	uint32		fields;

	/* the only field of an index scores like those of others: not at all without weight */
	if (binding->options->nfields == 1 && binding->options->fields[0].weight == 0)
		return;
	barq_bind_use_fields(binding, clause->fields);
	if (binding->every == 0 || binding->options->combine == BARQ_COMBINE_BM25F)
	{
		score_terms(binding, clause, clause->boost);
		return;
	}
	fields = binding->scoring_fields == 0 ? binding->every : binding->scoring_fields & ~BARQ_BM25_NO_FIELDS;
	for (; fields != 0; fields &= fields - 1)
	{
		uint32		f = (uint32) pg_rightmost_one_pos32(fields);

		binding->fields = binding->scoring_fields = 1u << f;
		score_terms(binding, clause, clause->boost * (binding->options->fields[f].weight / BARQ_MILLIONTHS));
	}
}

/* Let all words and phrases score that are not marked -, at any depth of groups. */
static void
score_clauses(Binding *binding, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];

		if (clause->occur == BARQ_MUST_NOT || clause->boost == 0)
			continue;
		for (uint32 j = 0; j < clause->npools; j++)
			if (clause->pools[j].boost > 0)
				score_in_fields(binding, &clause->pools[j]);
		if (clause->npools > 0)
			continue;
		if (clause->nclauses > 0)
			score_clauses(binding, clause->clauses, clause->nclauses);
		else
			score_in_fields(binding, clause);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- sorting ---- */

/* Order of terms: by text, a word before the same prefix, scoring ones first. */
typedef struct SortKey
{
	const Binding *binding;
	uint32		term;
} SortKey;

/* qsort comparator of SortKey. */
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
	if (s->term.fields != t->term.fields)
		return s->term.fields < t->term.fields ? -1 : 1;
	if (s->term.df_fields != t->term.df_fields)
		return s->term.df_fields < t->term.df_fields ? -1 : 1;
	return (t->boost > 0) - (s->boost > 0);
}

/* Replace term numbers of conditions: `numbers` maps them to the query's. */
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
 * Set the query's variants, and for each term the variants it scores with: none
 * for a term that also scores alone.
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
 * Set the query's terms, sorted and each once, and its conditions and variants,
 * which refer to them. Returns the largest boost of each term, palloc'd. A prefix
 * of a condition stays apart from the same one that scores: the condition covers
 * all terms that begin with it, the score only its expansions.
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
			last->fields != term->term.fields || last->df_fields != term->term.df_fields ||
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

/*
 * Add a language of fields, a bit each (0: all, no field has a configuration of its own), or
 * these fields to one that the list has. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
static uint32
add_language(BarqQueryLanguage *languages, uint32 *n, Oid config, BarqTokenizerKind kind, uint32 fields)
{
	BarqTokenizer *tokenizer = barq_tokenizer_cached(config, kind);
	uint32		i = 0;

	while (i < *n && languages[i].tokenizer != tokenizer)
		i++;
	if (i == BARQ_QUERY_MOST_LANGUAGES)
		barq_text_raise_languages();
	if (i == *n)
		languages[(*n)++] = (BarqQueryLanguage) {.tokenizer = tokenizer};
	languages[i].fields |= fields;
	return i;
}

/*
 * Set the languages of a query: those of the rows, for the fields that have no configuration
 * of their own, and those of the others; returns their number, at least 1. Only fields that
 * the query is for count.
 */
static uint32
languages_of(Binding *binding, const BarqTextAnalysis *analysis, BarqQueryLanguage *languages)
{
	uint32		common = 0;		/* fields in the languages of the rows */
	bool		of_rows;		/* the query is for such fields, or for the only one */
	uint32		n = 0;

	for (int i = 0; i < BARQ_BM25_FIELDS; i++)
		if (!OidIsValid(analysis->configs[i]) && analysis->by_field)
			common |= binding->asked & 1u << i;

	of_rows = common != 0 || !analysis->by_field;
	if (!of_rows)
		binding->languages = NULL;

	/* in the order of their marks */
	for (uint32 i = 0; binding->languages != NULL && i < binding->languages->n; i++)
		(void) add_language(languages, &n, binding->languages->configs[i], analysis->tokenizer, common);
	if (binding->languages == NULL && of_rows)
		binding->of_fields |= UINT64CONST(1) << add_language(languages, &n, analysis->config,
															 analysis->tokenizer, common);
	for (int i = 0; i < BARQ_BM25_FIELDS; i++)
		if (OidIsValid(analysis->configs[i]) && (binding->asked >> i & 1) != 0)
			binding->of_fields |= UINT64CONST(1) << add_language(languages, &n, analysis->configs[i],
																 analysis->tokenizer, 1u << i);
	return n;
}

/*
 * The clauses of a query, by the tokenizer of the index, by the configuration that the
 * query has, or by all languages of the rows. A query for some of the fields names these only: it is computed from their
 * texts alone, too. Raises ERRCODE_UNDEFINED_OBJECT if its configuration does not exist,
 * ERRCODE_UNDEFINED_COLUMN if it is strict and names another field.
 */
static BarqTextQuery *
parse(BarqTextStatistics *statistics, Binding *binding, const BarqQueryValue *value,
	  const BarqQueryParameters *parameters)
{
	BarqQueryFields names = *barq_text_statistics_names(statistics);
	BarqTextAnalysis analysis = *barq_text_statistics_analysis(statistics);
	BarqQueryLanguage languages[BARQ_QUERY_MOST_LANGUAGES];
	uint32		n = 0;
	Size		length;
	const char *words = barq_query_value_words(value, &length);

	for (uint32 i = 0; i < names.n; i++)
		if ((binding->asked >> i & 1) == 0)
			names.names[i] = NULL;
	if (parameters->strict)
		(void) barq_text_query_check_strict(words, length, &names);
	binding->languages = barq_text_statistics_languages(statistics);
	binding->of_fields = 0;
	if (parameters->config != NULL)
	{
		binding->languages = NULL;
		analysis.config = barq_text_config_named(parameters->config, false);
		return barq_text_query_parse(words, length, &names, barq_text_tokenizer(&analysis));
	}
	n = languages_of(binding, &analysis, languages);
	return barq_text_query_parse_languages(words, length, &names, languages, n);
}

/*
 * Set the fields that a query is for. A row in which the one field of a condition is NULL
 * does not satisfy it.
 */
static void
set_fields(Binding *binding, BarqBm25Query *query, const BarqQueryValue *value, bool scored)
{
	if (query->nfields <= 1)
		return;
	binding->every = barq_bm25_every_field(query->nfields);
	binding->asked = barq_query_value_fields(value) & binding->every;
	if (binding->asked == 0)
		binding->asked = binding->every;
	binding->weighing = 0;
	for (uint32 i = 0; i < query->nfields; i++)
		if (query->fields[i].weight > 0 && query->fields[i].avglen > 0)
			binding->weighing |= 1 << i;
	if (!scored && binding->asked != binding->every && (binding->asked & (binding->asked - 1)) == 0)
		query->not_null |= binding->asked;
}

/* The parameters of a query; none are given where there is no query. */
static BarqQueryParameters
parameters_of(const BarqQueryValue *value)
{
	BarqQueryParameters parameters;

	if (value == NULL)
		barq_query_parameters_init(&parameters);
	else
		barq_query_value_parameters(value, &parameters);
	return parameters;
}

/*
 * Set how scores are computed: by the options of the index and the parameters of the query
 * that scores, whose b replaces those of all fields.
 */
static void
set_formula(BarqBm25Query *query, BarqTextStatistics *statistics,
			const BarqQueryParameters *parameters)
{
	const BarqTextOptions *options = barq_text_statistics_options(statistics);
	BarqBm25Totals totals;

	barq_text_statistics_totals(statistics, &totals);
	query->k1 = parameters->k1 >= 0 ? parameters->k1 : options->k1;
	query->b = parameters->b >= 0 ? parameters->b : options->b;
	query->avglen = totals.tokens == 0 ? 1 : (double) totals.tokens / totals.documents;
	if (options->nfields == 1 && options->fields[0].weight > 0)
		query->k1 /= options->fields[0].weight / BARQ_MILLIONTHS;
	if (options->nfields <= 1)
		return;
	query->nfields = options->nfields;
	query->fields = barq_text_statistics_fields(statistics);
	query->best = options->combine == BARQ_COMBINE_BEST;
	if (parameters->b >= 0)
	{
		BarqBm25Field *fields = palloc(sizeof(BarqBm25Field) * query->nfields);

		memcpy(fields, query->fields, sizeof(BarqBm25Field) * query->nfields);
		for (uint32 i = 0; i < query->nfields; i++)
			fields[i].b = parameters->b;
		query->fields = fields;
	}
}

BarqBm25Query *
barq_text_bind(BarqTextStatistics *statistics, const BarqQueryValue *score,
			   const BarqQueryValue **matches, int nmatches)
{
	BarqBm25Query *query = palloc0(sizeof(BarqBm25Query));
	BarqQueryParameters parameters = parameters_of(score);
	double		k1 = parameters.k1 >= 0 ? parameters.k1 :
		barq_text_statistics_options(statistics)->k1;
	Binding		binding = {.options = barq_text_statistics_options(statistics)};
	BarqTextQuery *parsed;
	double	   *boosts;

	query->scored = score != NULL;
	set_formula(query, statistics, &parameters);
	if (score != NULL)
	{
		set_fields(&binding, query, score, true);
		parsed = parse(statistics, &binding, score, &parameters);
		if (parameters.has_minimum)
			barq_bind_minimum(&binding, parsed, &parameters);
		else
			barq_bind_ranking(&binding, parsed);
		score_clauses(&binding, parsed->clauses, parsed->nclauses);
	}
	for (int m = 0; m < nmatches; m++)
	{
		parameters = parameters_of(matches[m]);
		set_fields(&binding, query, matches[m], false);
		parsed = parse(statistics, &binding, matches[m], &parameters);
		if (parsed->nclauses == 0)
			query->nothing = true;
		if (parameters.has_minimum)
			barq_bind_minimum(&binding, parsed, &parameters);
		else
			barq_bind_matches(&binding, parsed);
	}
	boosts = sort_terms(&binding, query);
	barq_text_statistics_weigh(statistics, query->terms, boosts, query->nterms, k1);
	pfree(boosts);
	return query;
}
