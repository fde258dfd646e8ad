/*
 * text_query.c
 *	  From the items of a text query to clauses of normalised terms. See
 *	  text_query.h.
 */
#include "text/text_query.h"

#include "base/array.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "text/lexize.h"
#include "text/query_scan.h"
#include "utils/memutils.h"

/* A term of the text at hand, and the first byte of its word. */
typedef struct Span
{
	uint32		term;
	uint32		position;
	uint32		variant;
	uint32		answer;			/* number of the dictionaries' answer with it */
	Size		start;
	bool		prefix;
} Span;

/* Sibling clauses. */
typedef struct Clauses
{
	uint32		n;
	uint32		space;
	BarqClause *list;
} Clauses;

/* A group that is open, or the query itself. */
typedef struct Level
{
	BarqOccur	occur;
	Clauses		clauses;		/* since its last OR */
	Clauses		alternatives;	/* before that: one clause for each alternative */
} Level;

typedef struct Parse
{
	BarqTokenizer *tokenizer;	/* at work */
	uint32		fields;			/* of its language; 0: all */
	const BarqQueryLanguage *languages;
	uint32		nlanguages;
	uint32		nterms;			/* of all clauses */
	bool		full;			/* BARQ_QUERY_MOST_TERMS reached: stop reading */
	Level		levels[BARQ_QUERY_DEEPEST + 1];
	int			depth;			/* of the innermost open level */

	/* the text tokenised last */
	Span	   *spans;
	uint32		nspans;
	uint32		spans_space;
	uint32		position;
	uint32		answers;

	/* adjacent unmarked words, whose clauses are still to be made */
	BarqQueryItem *words;
	uint32		nwords;
	uint32		words_space;
} Parse;

/* Append a copy of a clause. The result is valid until the next call. */
static BarqClause *
add_clause(Clauses *clauses, const BarqClause *clause)
{
	BARQ_ARRAY_RESERVE(clauses->list, clauses->space, clauses->n + 1, 8);
	clauses->list[clauses->n] = *clause;
	return &clauses->list[clauses->n++];
}

char *
barq_query_fields_list(const BarqQueryFields *fields)
{
	StringInfoData list;

	initStringInfo(&list);
	for (uint32 i = 0; i < fields->n; i++)
		if (fields->names[i] != NULL)
			appendStringInfo(&list, "%s\"%s\"", list.len > 0 ? ", " : "", fields->names[i]);
	return list.data;
}

/* ---- words ---- */

static char *
copy_bytes(const char *text, uint32 length)
{
	return memcpy(palloc(Max(length, 1)), text, length);
}

/* A boost within the bounds in which scores keep their precision; 0 stays 0. */
static double
bounded_boost(double boost)
{
	if (boost == 0)
		return 0;
	return Min(Max(boost, BARQ_QUERY_SMALLEST_BOOST), BARQ_QUERY_LARGEST_BOOST);
}

/*
 * Add a clause, a word or a phrase, of n spans sorted by position; none if n is 0.
 * Sets parse->full if there are too many terms.
 */
static void
add_clause_of_spans(Parse *parse, const Span *spans, uint32 n, const BarqQueryItem *item)
{
	BarqClause *clause;

	if (n == 0)
		return;
	if (n > BARQ_QUERY_MOST_TERMS - parse->nterms)
	{
		parse->full = true;
		return;
	}
	parse->nterms += n;
	clause = add_clause(&parse->levels[parse->depth].clauses,
						&(BarqClause) {
							.kind = BARQ_CLAUSE_WORD,
							.occur = item->occur,
							.boost = bounded_boost(item->boost),
							.fields = item->fields,
							.nterms = n,
							.terms = palloc(n * sizeof(BarqClauseTerm))
						});
	for (uint32 i = 0; i < n; i++)
	{
		BarqClauseTerm *term = &clause->terms[i];
		const char *text = barq_terms_text(barq_tokenizer_terms(parse->tokenizer),
										   spans[i].term, &term->length);

		term->text = copy_bytes(text, term->length);
		term->offset = spans[i].position - spans[0].position;
		term->prefix = spans[i].prefix;
		term->fields = parse->fields;
		term->variant = 0;
		if (i > 0 && term->offset == term[-1].offset)
			term->variant = term[-1].variant + (spans[i].variant != spans[i - 1].variant);
		if (term->offset > 0)
			clause->kind = BARQ_CLAUSE_PHRASE;
	}
}

/* The first span after i with another position or, by_answer, another answer. */
static uint32
next_span(const Span *spans, uint32 n, uint32 i, bool by_answer)
{
	uint32		next = i + 1;

	while (next < n && (by_answer ? spans[next].answer == spans[i].answer :
						spans[next].position == spans[i].position))
		next++;
	return next;
}

/*
 * Add the clauses of an unmarked word: one clause, but one for each position if
 * all spans are from one answer (a dictionary replaces a word by several).
 */
static void
add_clauses_of_word(Parse *parse, const Span *spans, uint32 n, const BarqQueryItem *item)
{
	if (n == 0 || next_span(spans, n, 0, true) < n)
	{
		add_clause_of_spans(parse, spans, n, item);
		return;
	}
	for (uint32 i = 0, next; i < n; i = next)
	{
		next = next_span(spans, n, i, false);
		add_clause_of_spans(parse, spans + i, next - i, item);
	}
}

/* BarqWordSink: add the terms of a word to the spans. */
static void
add_spans(void *arg, const BarqPiece *word, Size start, Size end)
{
	Parse	   *parse = arg;

	/* one more than the limit is enough for the clause to be left out */
	for (uint32 i = 0; i < word->nterms && parse->nspans <= BARQ_QUERY_MOST_TERMS; i++)
	{
		BARQ_ARRAY_RESERVE(parse->spans, parse->spans_space, parse->nspans + 1, 64);
		parse->spans[parse->nspans++] = (Span) {
			.term = word->terms[i].term,
			.position = parse->position + word->terms[i].position,
			.variant = word->terms[i].variant,
			.answer = parse->answers,
			.start = start,
			.prefix = word->terms[i].prefix
		};
	}
	parse->position += word->advance;
	parse->answers++;
}

/* Set parse->spans to the terms of [from, to), a part of the items' texts. */
static void
tokenize(Parse *parse, const char *from, const char *to)
{
	parse->nspans = 0;
	parse->position = 0;
	barq_tokenize_words(parse->tokenizer, from, to - from, BARQ_WORDS_QUERY, add_spans, parse);
}

/*
 * Tokenise an item with a space before it, as most words of documents have one;
 * without, if the configuration has dictionaries for white space.
 */
static void
tokenize_item(Parse *parse, const BarqQueryItem *item)
{
	tokenize(parse, parse->tokenizer->chunks ? item->text - 1 : item->text,
			 item->text + item->length);
}

/* Add the clause of a prefix, a phrase, or a word with a mark or a boost. */
static void
add_clause_of_item(Parse *parse, const BarqQueryItem *item)
{
	tokenize_item(parse, item);
	if (item->kind == BARQ_ITEM_PREFIX)
	{
		Size		from = 0;
		Size		shift = parse->tokenizer->chunks ? 1 : 0;
		bool		any = parse->tokenizer->kind != BARQ_TOKENIZER_NGRAM ||
			barq_ngram_last_word(item->text, item->length, &from);

		for (uint32 i = 0; i < parse->nspans && any; i++)
			if (parse->spans[i].start >= from + shift || from == 0)
				parse->spans[i].prefix = true;
	}
	add_clause_of_spans(parse, parse->spans, parse->nspans, item);
}

/* Add an unmarked word, whose clauses add_clauses_of_words() makes. */
static void
add_word(Parse *parse, const BarqQueryItem *item)
{
	BARQ_ARRAY_RESERVE(parse->words, parse->words_space, parse->nwords + 1, 8);
	parse->words[parse->nwords++] = *item;
}

/*
 * Add the clauses of parse->words: word by word, or, once a dictionary looks ahead,
 * of all of them together.
 */
static void
add_clauses_of_words(Parse *parse)
{
	Clauses    *clauses = &parse->levels[parse->depth].clauses;
	uint32		nclauses = clauses->n;
	uint32		nterms = parse->nterms;
	const BarqQueryItem *last;
	const char *from;

	if (parse->nwords == 0)
		return;
	for (uint32 i = 0; i < parse->nwords && !parse->tokenizer->looks_ahead && !parse->full; i++)
	{
		tokenize_item(parse, &parse->words[i]);
		add_clauses_of_word(parse, parse->spans, parse->nspans, &parse->words[i]);
		CHECK_FOR_INTERRUPTS();
	}
	if (parse->tokenizer->looks_ahead)
	{
		/* spans belong to the word in which their answer begins */
		clauses->n = nclauses;
		parse->nterms = nterms;
		last = &parse->words[parse->nwords - 1];
		from = parse->words[0].text;
		tokenize(parse, from, last->text + last->length);
		for (uint32 i = 0, word = 0, next; i < parse->nspans; i = next)
		{
			Size		end;

			while (word + 1 < parse->nwords &&
				   parse->words[word + 1].text <= from + parse->spans[i].start)
				word++;
			end = parse->words[word].text + parse->words[word].length - from;
			for (next = i + 1; next < parse->nspans &&
				 parse->spans[next].start < end;
				 next++)
				;
			add_clauses_of_word(parse, parse->spans + i, next - i, &parse->words[word]);
		}
	}
	parse->nwords = 0;
}

/* ---- languages ---- */

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
add_language_terms(LanguageTerms *terms, const Parse *parse)
{
	const Span *spans = parse->spans;

	for (uint32 i = 0; i < parse->nspans; i++)
	{
		LanguageTerm *added;
		const char *text;

		BARQ_ARRAY_RESERVE(terms->list, terms->space, terms->n + 1, 16);
		added = &terms->list[terms->n++];
		memset(added, 0, sizeof(*added));
		text = barq_terms_text(barq_tokenizer_terms(parse->tokenizer), spans[i].term,
							   &added->term.length);
		added->term.text = copy_bytes(text, added->term.length);
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
		.boost = bounded_boost(item->boost),
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
join_languages(Clauses *made, LanguageTerms *terms, uint64 stopped, const BarqQueryItem *item)
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

/* Add the clause of a word, a phrase or a prefix by all languages. */
static void
add_clause_of_languages(Parse *parse, const BarqQueryItem *item)
{
	Clauses    *clauses = &parse->levels[parse->depth].clauses;
	uint32		before = clauses->n;
	Clauses		made = {0};
	LanguageTerms terms = {0};
	uint64		stopped = 0;
	uint32		every = 0;
	BarqClause	joined;

	for (uint32 i = 0; i < parse->nlanguages; i++)
	{
		Clauses		own = {0};
		uint32		known = 0;

		CHECK_FOR_INTERRUPTS();
		parse->tokenizer = parse->languages[i].tokenizer;
		parse->fields = parse->languages[i].fields;
		if (parse->fields != 0 && item->fields != 0 && (parse->fields &= item->fields) == 0)
			continue;
		every |= parse->fields;
		if (item->kind == BARQ_ITEM_WORD && item->occur == BARQ_SHOULD && item->boost == 1)
		{
			tokenize_item(parse, item);
			add_clauses_of_word(parse, parse->spans, parse->nspans, item);
		}
		else
			add_clause_of_item(parse, item);
		for (uint32 j = before; j < clauses->n; j++)
			add_clause(&own, &clauses->list[j]);
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
			add_clause(&made, &joined);
	}
	if (made.n == 0)
		return;
	joined = join_languages(&made, &terms, stopped, item);
	name_every_field(&joined, every);
	add_clause(clauses, &joined);
}

/* ---- groups ---- */

/* Multiply the boosts of a clause and of those within it. */
static void
multiply(BarqClause *clause, double boost)
{
	clause->boost = bounded_boost(clause->boost * boost);
	for (uint32 i = 0; i < clause->nclauses; i++)
		multiply(&clause->clauses[i], boost);
	for (uint32 i = 0; i < clause->npools; i++)
		multiply(&clause->pools[i], boost);
}

/* Clauses as one clause of a kind; a single one without a mark is returned itself. */
static BarqClause
join(BarqClauseKind kind, const Clauses *clauses)
{
	if (clauses->n == 1 && clauses->list[0].occur == BARQ_SHOULD)
		return clauses->list[0];
	return (BarqClause) {
		.kind = kind,
		.occur = BARQ_SHOULD,
		.boost = 1,
		.nclauses = clauses->n,
		.clauses = clauses->list
	};
}

/* Make the clauses since the last OR, if any, an alternative. */
static void
end_alternative(Level *level)
{
	if (level->clauses.n > 0)
	{
		BarqClause	joined = join(BARQ_CLAUSE_GROUP, &level->clauses);

		add_clause(&level->alternatives, &joined);
	}
	level->clauses = (Clauses) {0};
}

/* Begin a group. */
static void
open_level(Parse *parse, const BarqQueryItem *item)
{
	Assert(parse->depth < BARQ_QUERY_DEEPEST);
	parse->levels[++parse->depth] = (Level) {.occur = item->occur};
}

/* End a group and add its clause to the level around it, if it has clauses. */
static void
close_level(Parse *parse, double boost)
{
	Level	   *level = &parse->levels[parse->depth];
	BarqClause	joined;

	Assert(parse->depth > 0);
	end_alternative(level);
	parse->depth--;
	if (level->alternatives.n == 0)
		return;
	joined = join(BARQ_CLAUSE_ANY, &level->alternatives);
	joined.occur = level->occur;
	if (boost != 1)
		multiply(&joined, boost);
	add_clause(&parse->levels[parse->depth].clauses, &joined);
}

/* Add an item of the query to the innermost open level. */
static void
take_item(Parse *parse, const BarqQueryItem *item)
{
	bool		mark = item->kind == BARQ_ITEM_OPEN || item->kind == BARQ_ITEM_CLOSE ||
		item->kind == BARQ_ITEM_OR;

	if (parse->nlanguages > 1 && !mark)
	{
		add_clause_of_languages(parse, item);
		return;
	}
	if (item->kind == BARQ_ITEM_WORD && item->occur == BARQ_SHOULD && item->boost == 1)
	{
		/* a dictionary that looks ahead sees the words of one field */
		if (parse->nwords > 0 && parse->words[0].fields != item->fields)
			add_clauses_of_words(parse);
		add_word(parse, item);
		return;
	}
	add_clauses_of_words(parse);
	switch (item->kind)
	{
		case BARQ_ITEM_OPEN:
			open_level(parse, item);
			break;
		case BARQ_ITEM_CLOSE:
			close_level(parse, item->boost);
			break;
		case BARQ_ITEM_OR:
			end_alternative(&parse->levels[parse->depth]);
			break;
		default:
			add_clause_of_item(parse, item);
			break;
	}
}

BarqTextQuery *
barq_text_query_parse(const char *query, Size length, const BarqQueryFields *fields,
					  BarqTokenizer *tokenizer)
{
	BarqQueryLanguage language = {.tokenizer = tokenizer};

	return barq_text_query_parse_languages(query, length, fields, &language, 1);
}

BarqTextQuery *
barq_text_query_parse_languages(const char *query, Size length, const BarqQueryFields *fields,
								const BarqQueryLanguage *languages, uint32 n)
{
	BarqTextQuery *result = palloc0(sizeof(BarqTextQuery));
	Parse		parse = {.tokenizer = languages[0].tokenizer, .languages = languages, .nlanguages = n};
	Level	   *top = &parse.levels[0];
	BarqQueryScan scan;
	BarqQueryItem item;

	for (uint32 i = 0; i < n; i++)
		barq_tokenizer_refresh(languages[i].tokenizer);
	barq_query_scan_start(&scan, query, length, false);
	scan.fields = fields;
	while (!parse.full && barq_query_scan_next(&scan, &item))
	{
		take_item(&parse, &item);
		CHECK_FOR_INTERRUPTS();
	}
	add_clauses_of_words(&parse);
	while (parse.depth > 0)
		close_level(&parse, 1);
	barq_query_scan_end(&scan);
	if (parse.words != NULL)
		pfree(parse.words);
	if (parse.spans != NULL)
		pfree(parse.spans);

	if (top->alternatives.n > 0)
	{
		BarqClause	any;

		end_alternative(top);
		any = join(BARQ_CLAUSE_ANY, &top->alternatives);
		top->clauses = (Clauses) {0};
		add_clause(&top->clauses, &any);
	}
	/* the query is a group itself: drop one that encloses it all */
	if (top->clauses.n == 1 && top->clauses.list[0].kind == BARQ_CLAUSE_GROUP &&
		top->clauses.list[0].occur == BARQ_SHOULD)
	{
		result->nclauses = top->clauses.list[0].nclauses;
		result->clauses = top->clauses.list[0].clauses;
	}
	else
	{
		result->nclauses = top->clauses.n;
		result->clauses = top->clauses.list;
	}
	return result;
}
