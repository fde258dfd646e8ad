/*
 * text_query.c
 *	  A text query's items normalised into clauses. See text_query.h.
 */
#include "text/text_query.h"

#include "miscadmin.h"
#include "text/lexize.h"
#include "text/query_scan.h"
#include "utils/memutils.h"

/* A term of an item, and where the word that gave it begins. */
typedef struct Span
{
	uint32		term;
	uint32		position;
	Size		start;
	bool		prefix;
} Span;

typedef struct Parse
{
	BarqTokenizer *tokenizer;
	BarqTextQuery *query;
	uint32		space;			/* of query->clauses */
	uint32		nterms;			/* of all clauses */

	/* of the text at hand */
	Span	   *spans;
	uint32		nspans;
	uint32		spans_space;
	uint32		position;

	/* unmarked words that stand together */
	BarqQueryItem *words;
	uint32		nwords;
	uint32		words_space;
} Parse;

static BarqClause *
add_clause(Parse *parse, BarqClauseKind kind, BarqOccur occur, uint32 nterms)
{
	BarqTextQuery *query = parse->query;
	BarqClause *clause;

	parse->nterms += nterms;
	if (parse->nterms > BARQ_QUERY_MOST_TERMS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a text query has more than %d terms", BARQ_QUERY_MOST_TERMS)));
	if (query->nclauses == parse->space)
	{
		parse->space = Max(parse->space * 2, 8);
		query->clauses = query->clauses == NULL ?
			palloc(parse->space * sizeof(BarqClause)) :
			repalloc(query->clauses, parse->space * sizeof(BarqClause));
	}
	clause = &query->clauses[query->nclauses++];
	*clause = (BarqClause) {
		.kind = kind,
		.occur = occur,
		.nterms = nterms,
		.terms = palloc(nterms * sizeof(BarqClauseTerm))
	};
	return clause;
}

static char *
copy_bytes(const char *text, uint32 length)
{
	return memcpy(palloc(Max(length, 1)), text, length);
}

/* A clause of some spans, in the order of their positions; or none. */
static void
clause_of_spans(Parse *parse, const Span *spans, uint32 n, BarqOccur occur)
{
	BarqClause *clause;

	if (n == 0)
		return;
	clause = add_clause(parse, BARQ_CLAUSE_WORDS, occur, n);
	for (uint32 i = 0; i < n; i++)
	{
		BarqClauseTerm *term = &clause->terms[i];
		const char *text = barq_terms_text(barq_tokenizer_terms(parse->tokenizer),
										   spans[i].term, &term->length);

		term->text = copy_bytes(text, term->length);
		term->offset = spans[i].position - spans[0].position;
		if (term->offset > 0)
			clause->kind = BARQ_CLAUSE_PHRASE;
	}
	/* among others it can only stand for itself */
	if (n == 1 && spans[0].prefix)
		clause->kind = BARQ_CLAUSE_PREFIX;
}

static void
add_span(void *arg, const BarqPiece *word, Size start, Size end)
{
	Parse	   *parse = arg;

	/* (more than there may be in all: the error comes with the clause) */
	for (uint32 i = 0; i < word->nterms && parse->nspans <= BARQ_QUERY_MOST_TERMS; i++)
	{
		if (parse->nspans == parse->spans_space)
		{
			parse->spans_space = Max(parse->spans_space * 2, 64);
			parse->spans = parse->spans == NULL ?
				palloc(parse->spans_space * sizeof(Span)) :
				repalloc(parse->spans, parse->spans_space * sizeof(Span));
		}
		parse->spans[parse->nspans++] = (Span) {
			.term = word->terms[i].term,
			.position = parse->position + word->terms[i].position,
			.start = start,
			.prefix = word->terms[i].prefix
		};
	}
	parse->position += word->advance;
}

/* Tokenise [from, to) of the items' texts into parse->spans. */
static void
tokenize(Parse *parse, const char *from, const char *to)
{
	parse->nspans = 0;
	parse->position = 0;
	barq_tokenize_words(parse->tokenizer, from, to - from, true, add_span, parse);
}

/*
 * A word or a phrase, with the space before it that most words of documents
 * have; not where a configuration has dictionaries for white space.
 */
static void
clause_of_text(Parse *parse, const char *text, Size length, BarqOccur occur)
{
	tokenize(parse, parse->tokenizer->chunks ? text - 1 : text, text + length);
	clause_of_spans(parse, parse->spans, parse->nspans, occur);
}

static void
clause_of_prefix(Parse *parse, const BarqQueryItem *item)
{
	Size		before = 0;
	char	   *prefix = barq_tokenize_prefix(parse->tokenizer, item->text, item->length, &before);
	BarqClause *clause;

	if (prefix == NULL || (before > 0 && item->occur == BARQ_MUST_NOT))
	{
		clause_of_text(parse, item->text, item->length, item->occur);
		return;
	}
	if (before > 0)
		clause_of_text(parse, item->text, before, item->occur);
	if (prefix[0] == '\0')
		return;
	clause = add_clause(parse, BARQ_CLAUSE_PREFIX, item->occur, 1);
	clause->terms[0] = (BarqClauseTerm) {prefix, strlen(prefix), 0};
}

static void
remember_word(Parse *parse, const BarqQueryItem *item)
{
	if (parse->nwords == parse->words_space)
	{
		parse->words_space = Max(parse->words_space * 2, 8);
		parse->words = parse->words == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext,
								   parse->words_space * sizeof(BarqQueryItem)) :
			repalloc_huge(parse->words, parse->words_space * sizeof(BarqQueryItem));
	}
	parse->words[parse->nwords++] = *item;
}

/* The clauses of words that stand together, a clause each at most. */
static void
clauses_of_words(Parse *parse)
{
	const BarqQueryItem *last;
	uint32		nclauses = parse->query->nclauses;
	uint32		nterms = parse->nterms;
	const char *from;

	if (parse->nwords == 0)
		return;
	for (uint32 i = 0; i < parse->nwords && !parse->tokenizer->looks_ahead; i++)
	{
		clause_of_text(parse, parse->words[i].text, parse->words[i].length, BARQ_SHOULD);
		CHECK_FOR_INTERRUPTS();
	}
	if (parse->tokenizer->looks_ahead)
	{
		/* all of them together, sorted by the word in which an answer begins */
		parse->query->nclauses = nclauses;
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
			clause_of_spans(parse, parse->spans + i, next - i, BARQ_SHOULD);
		}
	}
	parse->nwords = 0;
}

BarqTextQuery *
barq_text_query_parse(const char *query, Size length, BarqTokenizer *tokenizer)
{
	Parse		parse = {
		.tokenizer = tokenizer,
		.query = palloc0(sizeof(BarqTextQuery))
	};
	BarqQueryScan scan;
	BarqQueryItem item;

	barq_tokenizer_refresh(tokenizer);
	barq_query_scan_start(&scan, query, length);
	while (barq_query_scan_next(&scan, &item))
	{
		if (item.kind == BARQ_ITEM_WORD && item.occur == BARQ_SHOULD)
		{
			remember_word(&parse, &item);
			continue;
		}
		clauses_of_words(&parse);
		if (item.kind == BARQ_ITEM_PREFIX)
			clause_of_prefix(&parse, &item);
		else
			clause_of_text(&parse, item.text, item.length, item.occur);
		CHECK_FOR_INTERRUPTS();
	}
	clauses_of_words(&parse);
	barq_query_scan_end(&scan);
	if (parse.words != NULL)
		pfree(parse.words);
	if (parse.spans != NULL)
		pfree(parse.spans);
	return parse.query;
}
