/*
 * text_query.h
 *	  The query language: words, "phrases", +must, -not, prefix*, \ escapes;
 *	  parsed into clauses and normalised by the tokenizer of the documents.
 */
#ifndef BARQ_TEXT_QUERY_H
#define BARQ_TEXT_QUERY_H

#include "text/tokenizer.h"

#define BARQ_QUERY_MOST_TERMS	65536	/* of all clauses */

typedef enum BarqOccur
{
	BARQ_SHOULD,
	BARQ_MUST,
	BARQ_MUST_NOT
} BarqOccur;

typedef enum BarqClauseKind
{
	BARQ_CLAUSE_WORDS,			/* a word: its terms are alternatives at each position */
	BARQ_CLAUSE_PHRASE,			/* terms at given distances */
	BARQ_CLAUSE_PREFIX			/* one term, which begins the document's */
} BarqClauseKind;

/* A normalised term of a clause. */
typedef struct BarqClauseTerm
{
	char	   *text;			/* palloc'd, not terminated */
	uint32		length;
	uint32		offset;			/* in a phrase, from its first term; else 0 */
} BarqClauseTerm;

typedef struct BarqClause
{
	BarqClauseKind kind;
	BarqOccur	occur;
	uint32		nterms;
	BarqClauseTerm *terms;		/* by offset; several of one offset are alternatives */
} BarqClause;

typedef struct BarqTextQuery
{
	uint32		nclauses;		/* without those that normalised to nothing */
	BarqClause *clauses;
} BarqTextQuery;

/*
 * Parse and normalise. ERRCODE_SYNTAX_ERROR, with the place, for an unbalanced
 * quote, a dangling \, + or - without a word; ERRCODE_PROGRAM_LIMIT_EXCEEDED
 * for more than BARQ_QUERY_MOST_TERMS. A query of nothing but stop words has
 * no clauses, which is no error.
 *
 * A word that gives terms at several positions (foo-bar, a URL, three letters
 * of Japanese in an ngram index) is a phrase of them, as it is in a document
 * that holds the same word. Unmarked words that stand together are tokenised
 * together where a dictionary looks ahead (a thesaurus), each alone elsewhere.
 *
 * A prefix is put in small letters and through the dictionaries that filter
 * (unaccent), but not stemmed: databases* finds no term "databas". Its star
 * belongs to its last word; words before that (foo,ba*) are a clause of their
 * own, except behind -, where the star has no meaning then and is left out.
 * Nor has it any behind two or more characters of a script that an ngram
 * tokenizer cuts into grams: their grams are found in longer words anyway.
 */
extern BarqTextQuery *barq_text_query_parse(const char *query, Size length,
											BarqTokenizer *tokenizer);

/* The same without normalising: is the syntax right? Raises what parse would. */
extern void barq_text_query_check(const char *query, Size length);

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
