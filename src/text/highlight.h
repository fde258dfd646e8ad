/*
 * highlight.h
 *	  barq_highlight(): highlight_find.c finds the words of a query in a text,
 *	  highlight.c chooses the fragments to show and writes them.
 */
#ifndef BARQ_HIGHLIGHT_H
#define BARQ_HIGHLIGHT_H

#include "postgres.h"

#include "fmgr.h"
#include "text/lexize.h"
#include "text/text_query.h"

/* A term or a prefix of the query. */
typedef struct QueryTerm
{
	bool		everywhere;		/* marked at each place, not only within phrases */
	uint32		shown;			/* in so many chosen fragments */
	uint32		in_window;		/* occurrences in the window under way */
} QueryTerm;

/* A word of the text, or several that overlap: bytes. */
typedef struct Unit
{
	Size		start;
	Size		end;
} Unit;

/* An occurrence of a query term in the text. */
typedef struct Match
{
	uint32		term;			/* of the text, in the tokenizer's table */
	uint32		query_term;		/* index in Highlight.query_terms */
	uint32		position;
	uint32		unit;			/* index in Highlight.units */
	Size		start;
	Size		end;
	bool		marked;
} Match;

typedef struct Highlight
{
	const char *body;
	Size		length;
	uint32		field;			/* of the body, a bit: words asked of others only are not
								 * marked; 0: all are */
	BarqTokenizer *tokenizer;

	/* words and phrases of the query that are not marked - */
	const BarqClause **leaves;
	uint32		nleaves;
	uint32		leaves_space;

	/* the query's terms: exact ones, then prefixes */
	QueryTerm  *query_terms;
	uint32		nquery_terms;
	BarqTermTable *exact;		/* number i here is query_terms[i] */
	uint32		nexact;
	BarqTermTable *prefixes;	/* number i here is query_terms[nexact + i] */
	uint32		longest_prefix; /* bytes */

	/* query term of each of the tokenizer's terms, a cache (find_query_term) */
	int32	   *query_term_of;
	uint32		nterms;
	uint32		terms_space;

	Unit	   *units;
	uint64		nunits;
	uint64		units_space;
	Match	   *matches;		/* in the order of the text */
	uint64		nmatches;
	uint64		matches_space;
	uint64		position;		/* of the last word */
	Size		last_start;		/* of the last word */
} Highlight;

/*
 * Find the query in h->body by h->tokenizer: units and matches, in the order of
 * the text, palloc'd. Only matches to be marked remain. Raises errors of
 * dictionaries; checks for interrupts.
 */
extern void barq_highlight_find(Highlight *h, const BarqTextQuery *query);

/*
 * barq_highlight() with a tokenizer in place of its third argument; the others
 * are taken from fcinfo. fields: names in the query; field: that of the text (a bit), of
 * which words are marked; 0: all are. Returns the text with tags, palloc'd. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE for a bad option.
 */
extern text *barq_highlight_by(FunctionCallInfo fcinfo, const BarqQueryFields *fields,
							   uint32 field, BarqTokenizer *tokenizer);

#endif							/* BARQ_HIGHLIGHT_H */
