/*
 * text_query_languages.c
 *	  A word, a phrase or a prefix of a query in several languages: what each language makes
 *	  of it, as one clause. See barq_text_query_parse_languages().
 */
#include "postgres.h"

#include "base/array.h"
#include "miscadmin.h"
#include "text/text_query_parse.h"

/* A term that a language gives for an item. */
typedef struct LanguageTerm
{
	BarqClauseTerm term;		/* offset: its absolute position in the item */
	bool		part;			/* with others of its variant */
} LanguageTerm;

typedef struct LanguageTerms
{
	uint32		n;
	uint32		space;
	LanguageTerm *list;
} LanguageTerms;

/* Order of terms: by text, words before prefixes. */
static int
compare_clause_terms(const BarqClauseTerm *a, const BarqClauseTerm *b)
{
	int			order = barq_compare_terms(a->text, a->length, b->text, b->length);

	return order != 0 ? order : a->prefix - b->prefix;
}

/* qsort comparator of LanguageTerm: by position, then by term. */
static int
compare_language_terms(const void *a, const void *b)
{
	const LanguageTerm *x = a;
	const LanguageTerm *y = b;

	if (x->term.offset != y->term.offset)
		return x->term.offset < y->term.offset ? -1 : 1;
	return compare_clause_terms(&x->term, &y->term);
}

/* Add the terms of the spans, which the language at work has given for an item. */
static void
add_language_terms(LanguageTerms *terms, const BarqQueryParse *parse)
{
	const BarqQuerySpan *spans = parse->spans;

	for (uint32 i = 0; i < parse->nspans; i++)
	{
		LanguageTerm *added;
		const char *text;

		BARQ_ARRAY_RESERVE(terms->list, terms->space, terms->n + 1, 16);
		added = &terms->list[terms->n++];
		memset(added, 0, sizeof(*added));
		text = barq_terms_text(barq_tokenizer_terms(parse->tokenizer), spans[i].term,
							   &added->term.length);
		added->term.text = barq_query_copy_bytes(text, added->term.length);
		added->term.offset = spans[i].position;
		added->term.prefix = spans[i].prefix;
		added->term.fields = parse->fields;
		added->part = (i > 0 && spans[i - 1].position == spans[i].position &&
					   spans[i - 1].variant == spans[i].variant) ||
			(i + 1 < parse->nspans && spans[i + 1].position == spans[i].position &&
			 spans[i + 1].variant == spans[i].variant);
	}
}

/* Whether two clauses have the same terms, their fields aside. */
static bool
same_clause(const BarqClause *a, const BarqClause *b)
{
	if (a->kind != b->kind || a->nterms != b->nterms || a->nclauses != b->nclauses)
		return false;
	for (uint32 i = 0; i < a->nterms; i++)
		if (a->terms[i].offset != b->terms[i].offset || a->terms[i].variant != b->terms[i].variant ||
			compare_clause_terms(&a->terms[i], &b->terms[i]) != 0)
			return false;
	for (uint32 i = 0; i < a->nclauses; i++)
		if (!same_clause(&a->clauses[i], &b->clauses[i]))
			return false;
	return true;
}

/* Look for the terms of a clause in the fields of the same clause of another language, too. */
static void
join_fields(BarqClause *clause, const BarqClause *same)
{
	for (uint32 i = 0; i < clause->nterms; i++)
		clause->terms[i].fields |= same->terms[i].fields;
	for (uint32 i = 0; i < clause->nclauses; i++)
		join_fields(&clause->clauses[i], &same->clauses[i]);
}

/* Set the fields of terms that are looked for in all of `every` to 0. */
static void
name_every_field(BarqClause *clause, uint32 every)
{
	for (uint32 i = 0; i < clause->nterms; i++)
		if ((clause->terms[i].fields & every) == every)
			clause->terms[i].fields = 0;
	for (uint32 i = 0; i < clause->nclauses; i++)
		name_every_field(&clause->clauses[i], every);
	for (uint32 i = 0; i < clause->npools; i++)
		name_every_field(&clause->pools[i], every);
}

/* A word of the distinct terms among n sorted ones of one position; they score as one. */
static BarqClause
pool_of(const LanguageTerm *terms, uint32 n, const BarqQueryItem *item)
{
	BarqClause	pool = {
		.kind = BARQ_CLAUSE_WORD,
		.occur = item->occur,
		.boost = barq_query_bounded_boost(item->boost),
		.fields = item->fields,
		.terms = palloc(sizeof(BarqClauseTerm) * n)
	};

	for (uint32 i = 0; i < n; i++)
	{
		if (i > 0 && compare_clause_terms(&terms[i - 1].term, &terms[i].term) == 0)
		{
			pool.terms[pool.nterms - 1].fields |= terms[i].term.fields;
			continue;
		}
		pool.terms[pool.nterms] = terms[i].term;
		pool.terms[pool.nterms].offset = 0;
		pool.terms[pool.nterms].variant = pool.nterms;
		pool.nterms++;
	}
	pool.pooled = pool.nterms > 1;
	return pool;
}

/*
 * The words that score in place of the clauses of all languages: one for each position. Where
 * a position has parts of words, the clauses score themselves, all of them: none.
 */
static uint32
pools_of(const LanguageTerms *terms, const BarqQueryItem *item, BarqClause **pools)
{
	uint32		n = 0;

	*pools = palloc(sizeof(BarqClause) * Max(terms->n, 1));
	for (uint32 i = 0, next; i < terms->n; i = next)
	{
		for (next = i; next < terms->n && terms->list[next].term.offset == terms->list[i].term.offset; next++)
			if (terms->list[next].part)
				return 0;
		(*pools)[n++] = pool_of(&terms->list[i], next - i, item);
	}
	return n;
}

/*
 * One clause of the clauses that the languages made of an item: `stopped` are those that
 * made none.
 */
static BarqClause
join_languages(BarqQueryClauses *made, LanguageTerms *terms, uint64 stopped, const BarqQueryItem *item)
{
	BarqClause	joined;
	bool		words = true;

	if (terms->n > 0)
		qsort(terms->list, terms->n, sizeof(LanguageTerm), compare_language_terms);
	for (uint32 i = 0; i < made->n; i++)
		words &= made->list[i].kind == BARQ_CLAUSE_WORD;
	for (uint32 i = 0; i < terms->n; i++)
		words &= !terms->list[i].part && terms->list[i].term.offset == terms->list[0].term.offset;
	if (made->n == 1)
		joined = made->list[0];
	else if (words)
		joined = pool_of(terms->list, terms->n, item);
	else
	{
		for (uint32 i = 0; i < made->n; i++)
			made->list[i].occur = BARQ_SHOULD;
		joined = (BarqClause) {
			.kind = BARQ_CLAUSE_ANY,
			.occur = item->occur,
			.boost = 1,
			.nclauses = made->n,
			.clauses = made->list,
			.by_language = true
		};
		joined.npools = pools_of(terms, item, &joined.pools);
	}
	joined.stopped = stopped;
	return joined;
}

void
barq_query_add_languages(BarqQueryParse *parse, const BarqQueryItem *item)
{
	BarqQueryClauses *clauses = &parse->levels[parse->depth].clauses;
	uint32		before = clauses->n;
	BarqQueryClauses made = {0};
	LanguageTerms terms = {0};
	uint64		stopped = 0;
	uint32		every = 0;
	BarqClause	joined;

	for (uint32 i = 0; i < parse->nlanguages; i++)
	{
		BarqQueryClauses own = {0};
		uint32		known = 0;

		CHECK_FOR_INTERRUPTS();
		parse->tokenizer = parse->languages[i].tokenizer;
		parse->fields = parse->languages[i].fields;
		if (parse->fields != 0 && item->fields != 0 && (parse->fields &= item->fields) == 0)
			continue;
		every |= parse->fields;
		if (item->kind == BARQ_ITEM_WORD && item->occur == BARQ_SHOULD && item->boost == 1)
		{
			barq_query_tokenize_item(parse, item);
			barq_query_add_word(parse, parse->spans, parse->nspans, item);
		}
		else
			barq_query_add_item(parse, item);
		for (uint32 j = before; j < clauses->n; j++)
			barq_query_add_clause(&own, &clauses->list[j]);
		clauses->n = before;
		if (parse->full)
			return;
		if (own.n == 0)
		{
			stopped |= UINT64CONST(1) << i;
			continue;
		}
		add_language_terms(&terms, parse);
		joined = own.n == 1 ? own.list[0] : (BarqClause) {
												.kind = BARQ_CLAUSE_GROUP,
												.occur = BARQ_SHOULD,	/* only unmarked words have several clauses */
												.boost = 1,
												.nclauses = own.n,
												.clauses = own.list
											};
		while (known < made.n && !same_clause(&made.list[known], &joined))
			known++;
		if (known < made.n)
			join_fields(&made.list[known], &joined);
		else
			barq_query_add_clause(&made, &joined);
	}
	if (made.n == 0)
		return;
	joined = join_languages(&made, &terms, stopped, item);
	name_every_field(&joined, every);
	barq_query_add_clause(clauses, &joined);
}
