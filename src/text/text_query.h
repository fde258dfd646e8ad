/*
 * text_query.h
 *	  The query language: words, "phrases", +must, -not, prefix*, OR, groups in
 *	  ( ), ^2 boosts, field:word, \ escapes; parsed into clauses, whose terms come from
 *	  the tokenizer of the documents.
 */
#ifndef BARQ_TEXT_QUERY_H
#define BARQ_TEXT_QUERY_H

#include "text/tokenizer.h"

#define BARQ_QUERY_MOST_TERMS	65536	/* of all clauses */
#define BARQ_QUERY_DEEPEST		32		/* groups within groups */
#define BARQ_QUERY_MOST_BOOST	1000	/* of one mark */

/* Bounds of the product of nested boosts; 0 stays 0. */
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
	BARQ_CLAUSE_WORD,			/* terms at one position */
	BARQ_CLAUSE_PHRASE,			/* terms at given distances */
	BARQ_CLAUSE_GROUP,			/* clauses, each with a mark of its own */
	BARQ_CLAUSE_ANY				/* clauses that are alternatives (OR) */
} BarqClauseKind;

/*
 * A normalised term of a clause. Variants at one offset are alternatives: the word
 * occurs at a position if all terms of one variant do.
 */
typedef struct BarqClauseTerm
{
	char	   *text;			/* palloc'd, not terminated */
	uint32		length;
	uint32		offset;			/* positions after the phrase's first term; else 0 */
	uint32		variant;		/* at its offset: 0, 1, 2 ... */
	bool		prefix;			/* matches all terms that begin with it */
	uint32		fields;			/* in which it is looked for, a bit each, of those of the
								 * clause; 0: all of them */
} BarqClauseTerm;

typedef struct BarqClause
{
	BarqClauseKind kind;
	BarqOccur	occur;
	double		boost;			/* of a word or a phrase: times those of its groups */
	uint32		fields;			/* of a word or a phrase: fields, a bit each, in which it is
								 * looked for; 0: those that the query is for */
	uint32		nterms;			/* of a word or a phrase */
	BarqClauseTerm *terms;		/* sorted by offset and variant */
	uint32		nclauses;		/* of a group or alternatives: at least one */
	struct BarqClause *clauses;

	/* of a query in several languages (barq_text_query_parse_languages) */
	bool		pooled;			/* a word whose terms score as one */
	uint64		stopped;		/* languages, a bit each, that make no terms of it */
	bool		by_language;	/* alternatives of which each language makes one */
	uint32		npools;			/* of such: the words that score in their place, by position */
	struct BarqClause *pools;
} BarqClause;

typedef struct BarqTextQuery
{
	uint32		nclauses;		/* without those that have no terms */
	BarqClause *clauses;
} BarqTextQuery;

/*
 * The names by which a query may name fields (title:word). The name of a field is followed
 * by a colon and, without a space, by a word, a phrase or a group; otherwise, and after any
 * other name, the colon is a letter (error: disk, http://x).
 */
typedef struct BarqQueryFields
{
	uint32		n;
	const char *names[BARQ_MOST_FIELDS];	/* by field; NULL: it cannot be named */
} BarqQueryFields;

/* The names, separated by commas, for a message; palloc'd. */
extern char *barq_query_fields_list(const BarqQueryFields *fields);

/*
 * Parse leniently and normalise; palloc'd. fields: their names; NULL: none. Only dictionaries and memory limits
 * raise errors: malformed queries are repaired (query_scan.c), groups deeper than
 * BARQ_QUERY_DEEPEST are read as part of the group around them, and clauses after
 * BARQ_QUERY_MOST_TERMS terms are left out. A query of stop words alone has no
 * clauses.
 *
 * OR separates alternatives, each of which extends to the next OR or to the end of
 * the group: "a b OR c" is (a b) OR c, as in websearch_to_tsquery.
 *
 * A word that gives terms at several positions (foo-bar, a URL, three letters of
 * Japanese in an ngram index) is a phrase of them, since a document with this word
 * has the terms at the same distances. Adjacent unmarked words are tokenised
 * together if a dictionary looks ahead (a thesaurus), else each alone. The words by
 * which a thesaurus replaces them are words of the query, not a phrase, as in
 * plainto_tsquery.
 *
 * A prefix is normalised as by to_tsquery('word:*'): all its terms are prefixes,
 * and a stop word vanishes. With an ngram tokenizer the star belongs to the last
 * word, if that is of a script with spaces; grams need no star, since they are
 * found within longer words anyway.
 */
extern BarqTextQuery *barq_text_query_parse(const char *query, Size length,
											const BarqQueryFields *fields,
											BarqTokenizer *tokenizer);

#define BARQ_QUERY_MOST_LANGUAGES	64

/* One language of a query in several. */
typedef struct BarqQueryLanguage
{
	BarqTokenizer *tokenizer;
	uint32		fields;			/* that are in this language, a bit each; 0 in all languages of
								 * the query, or in none */
} BarqQueryLanguage;

/*
 * The same in several languages (at most BARQ_QUERY_MOST_LANGUAGES), of which a row or a
 * field may have any: each word, phrase and prefix is normalised by all of them, for the
 * fields of each. Where the results differ, they are alternatives, and all terms at one position
 * of them score as one, with the sum of their frequencies; but a word that a dictionary
 * divides into several terms scores by itself in each language. A dictionary that looks ahead
 * sees one word at a time.
 */
extern BarqTextQuery *barq_text_query_parse_languages(const char *query, Size length,
													  const BarqQueryFields *fields,
													  const BarqQueryLanguage *languages, uint32 n);

/* Ways to read the text of a query. */
typedef enum BarqQuerySyntax
{
	BARQ_SYNTAX_LENIENT,		/* for text typed by people: never an error */
	BARQ_SYNTAX_STRICT,			/* an error where lenient reading repairs */
	BARQ_SYNTAX_PLAIN			/* words only; marks have no meaning */
} BarqQuerySyntax;

/*
 * A syntax by its name. Raises ERRCODE_INVALID_PARAMETER_VALUE, with a hint, for
 * any other name.
 */
extern BarqQuerySyntax barq_query_syntax_by_name(const char *name);

/*
 * Check a query by strict reading. Raises ERRCODE_SYNTAX_ERROR, with the place
 * and a hint, where lenient reading would repair it,
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED for too many words or too deep groups,
 * ERRCODE_UNDEFINED_COLUMN if it names a field that is none of `fields`, where there are
 * some. A query that passes means the same leniently. fields: NULL: they are not known yet,
 * and what looks like the name of one is taken as that; then the result says whether
 * something does, so that the query has to be checked again with the names.
 */
extern bool barq_text_query_check_strict(const char *query, Size length,
										 const BarqQueryFields *fields);

/*
 * A text with a backslash before each character that would be read as a mark, so
 * that it is a query for its own words. Palloc'd, terminated by a zero byte that
 * *escaped_length does not count.
 */
extern char *barq_text_query_escape(const char *query, Size length, Size *escaped_length);

#endif							/* BARQ_TEXT_QUERY_H */
