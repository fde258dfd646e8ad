/*
 * text_query.h
 *	  The query language: words, "phrases", +must, -not, prefix*, OR, groups in
 *	  ( ), ^2 boosts, \ escapes; parsed into clauses and normalised by the
 *	  tokenizer of the documents.
 */
#ifndef BARQ_TEXT_QUERY_H
#define BARQ_TEXT_QUERY_H

#include "text/tokenizer.h"

#define BARQ_QUERY_MOST_TERMS	65536	/* of all clauses */
#define BARQ_QUERY_DEEPEST		32		/* groups within groups */
#define BARQ_QUERY_MOST_BOOST	1000	/* of one mark */

/* Of marks within marks, multiplied; 0 is left 0. */
#define BARQ_QUERY_SMALLEST_BOOST	1e-6
#define BARQ_QUERY_LARGEST_BOOST	1e6

typedef enum BarqOccur
{
	BARQ_SHOULD,
	BARQ_MUST,
	BARQ_MUST_NOT
} BarqOccur;

typedef enum BarqClauseKind
{
	BARQ_CLAUSE_WORD,			/* terms of one position */
	BARQ_CLAUSE_PHRASE,			/* terms at given distances */
	BARQ_CLAUSE_GROUP,			/* clauses with marks of their own */
	BARQ_CLAUSE_ANY				/* clauses that are alternatives (OR) */
} BarqClauseKind;

/*
 * A normalised term of a clause. At each offset the terms of one variant
 * belong together and the variants are alternatives: the word is there where
 * all terms of some variant are.
 */
typedef struct BarqClauseTerm
{
	char	   *text;			/* palloc'd, not terminated */
	uint32		length;
	uint32		offset;			/* in a phrase, from its first term; else 0 */
	uint32		variant;		/* of its offset: 0, 1, 2 ... */
	bool		prefix;			/* stands for all terms that begin with it */
} BarqClauseTerm;

typedef struct BarqClause
{
	BarqClauseKind kind;
	BarqOccur	occur;
	double		boost;			/* of a word or a phrase, those of its groups in it */
	uint32		nterms;			/* of a word or a phrase */
	BarqClauseTerm *terms;		/* by offset and variant */
	uint32		nclauses;		/* of a group or alternatives: at least one */
	struct BarqClause *clauses;
} BarqClause;

typedef struct BarqTextQuery
{
	uint32		nclauses;		/* without those that normalised to nothing */
	BarqClause *clauses;
} BarqTextQuery;

/*
 * Parse leniently and normalise; lives in the current memory context. Raises
 * nothing but what dictionaries and memory do: what is malformed is mended
 * (query_scan.c), groups deeper than BARQ_QUERY_DEEPEST are read as part of
 * the one around them, and clauses after BARQ_QUERY_MOST_TERMS terms are left
 * out. A query of nothing but stop words has no clauses.
 *
 * OR joins what stands between it and the next OR or the end of its group: "a
 * b OR c" is (a b) OR c, as in websearch_to_tsquery.
 *
 * A word that gives terms at several positions (foo-bar, a URL, three letters
 * of Japanese in an ngram index) is a phrase of them, as it is in a document
 * that holds the same word. Unmarked words that stand together are tokenised
 * together where a dictionary looks ahead (a thesaurus), each alone elsewhere;
 * the words that a thesaurus puts in their place are words of the query, not a
 * phrase, as in plainto_tsquery.
 *
 * A prefix goes through the dictionaries as to_tsquery('word:*') does: all its
 * terms are prefixes, and a stop word vanishes. An ngram tokenizer's star
 * belongs to the last word of a script with spaces; grams need none, they are
 * found in longer words anyway.
 */
extern BarqTextQuery *barq_text_query_parse(const char *query, Size length,
											BarqTokenizer *tokenizer);

/* How a query's text is read. */
typedef enum BarqQuerySyntax
{
	BARQ_SYNTAX_LENIENT,		/* text from people: never an error */
	BARQ_SYNTAX_STRICT,			/* ERRCODE_SYNTAX_ERROR for what lenient mends */
	BARQ_SYNTAX_PLAIN			/* words alone, no mark means anything */
} BarqQuerySyntax;

/* By its name; ERRCODE_INVALID_PARAMETER_VALUE, with a hint, for any other. */
extern BarqQuerySyntax barq_query_syntax_by_name(const char *name);

/*
 * Check a query as `strict` reads it. ERRCODE_SYNTAX_ERROR, with the place and
 * a hint, where lenient reading would mend something; a query that passes means
 * the same leniently.
 */
extern void barq_text_query_check_strict(const char *query, Size length);

/*
 * A text with backslashes before all that would be read as marks: read
 * leniently it asks for the words of the text. Palloc'd, terminated by a zero
 * byte that *escaped_length does not count.
 */
extern char *barq_text_query_escape(const char *query, Size length, Size *escaped_length);

#endif							/* BARQ_TEXT_QUERY_H */
