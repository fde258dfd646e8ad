/*
 * text_query_parse.h
 *	  A text query while its items become clauses (text_query.c, text_query_languages.c).
 */
#ifndef BARQ_TEXT_QUERY_PARSE_H
#define BARQ_TEXT_QUERY_PARSE_H

#include "text/query_scan.h"
#include "text/text_query.h"

/* A term of the text at hand, and the first byte of its word. */
typedef struct BarqQuerySpan
{
	uint32		term;
	uint32		position;
	uint32		variant;
	uint32		answer;			/* number of the dictionaries' answer with it */
	Size		start;
	bool		prefix;
} BarqQuerySpan;

/* Sibling clauses. */
typedef struct BarqQueryClauses
{
	uint32		n;
	uint32		space;
	BarqClause *list;
} BarqQueryClauses;

/* A group that is open, or the query itself. */
typedef struct BarqQueryLevel
{
	BarqOccur	occur;
	BarqQueryClauses clauses;	/* since its last OR */
	BarqQueryClauses alternatives;	/* before that: one clause for each alternative */
} BarqQueryLevel;

typedef struct BarqQueryParse
{
	BarqTokenizer *tokenizer;	/* at work */
	uint32		fields;			/* of its language; 0: all */
	const BarqQueryLanguage *languages;
	uint32		nlanguages;
	uint32		nterms;			/* of all clauses */
	bool		full;			/* BARQ_QUERY_MOST_TERMS reached: stop reading */
	BarqQueryLevel levels[BARQ_QUERY_DEEPEST + 1];
	int			depth;			/* of the innermost open level */

	/* the text tokenised last */
	BarqQuerySpan *spans;
	uint32		nspans;
	uint32		spans_space;
	uint32		position;
	uint32		answers;

	/* adjacent unmarked words, whose clauses are still to be made */
	BarqQueryItem *words;
	uint32		nwords;
	uint32		words_space;
} BarqQueryParse;

/* Bytes, palloc'd. */
static inline char *
barq_query_copy_bytes(const char *text, uint32 length)
{
	return memcpy(palloc(Max(length, 1)), text, length);
}

/* A boost within the bounds in which scores keep their precision; 0 stays 0. */
static inline double
barq_query_bounded_boost(double boost)
{
	if (boost == 0)
		return 0;
	return Min(Max(boost, BARQ_QUERY_SMALLEST_BOOST), BARQ_QUERY_LARGEST_BOOST);
}

/* Append a copy of a clause. The result is valid until the next call. */
extern BarqClause *barq_query_add_clause(BarqQueryClauses *clauses, const BarqClause *clause);

/*
 * Tokenise an item with a space before it, as most words of documents have one;
 * without, if the configuration has dictionaries for white space. Sets parse->spans.
 */
extern void barq_query_tokenize_item(BarqQueryParse *parse, const BarqQueryItem *item);

/*
 * Add the clauses of an unmarked word to the innermost level: one clause, but one for each
 * position if all spans are from one answer (a dictionary replaces a word by several).
 */
extern void barq_query_add_word(BarqQueryParse *parse, const BarqQuerySpan *spans, uint32 n,
								const BarqQueryItem *item);

/* Add the clause of a prefix, a phrase, or a word with a mark or a boost. */
extern void barq_query_add_item(BarqQueryParse *parse, const BarqQueryItem *item);

/* Add the clause of a word, a phrase or a prefix by all languages. */
extern void barq_query_add_languages(BarqQueryParse *parse, const BarqQueryItem *item);

#endif							/* BARQ_TEXT_QUERY_PARSE_H */
