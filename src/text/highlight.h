/*
 * highlight.h
 *	  What barq_highlight() finds in a text: highlight_find.c finds it,
 *	  highlight.c chooses what is shown.
 */
#ifndef BARQ_HIGHLIGHT_H
#define BARQ_HIGHLIGHT_H

#include "postgres.h"

#include "fmgr.h"
#include "text/lexize.h"
#include "text/text_query.h"

/* A term of the query that a document may hold: exact ones, then prefixes. */
typedef struct Asked
{
	bool		everywhere;		/* marked wherever it stands, not in phrases alone */
	uint32		shown;			/* by so many chosen fragments */
	uint32		in_window;		/* while a window passes over it */
} Asked;

/* A word of the text, or several that overlap. */
typedef struct Unit
{
	Size		start;
	Size		end;
} Unit;

/* A term of the query in the text. */
typedef struct Match
{
	uint32		term;
	uint32		asked;
	uint32		position;
	uint32		unit;
	Size		start;
	Size		end;
	bool		marked;
} Match;

typedef struct Highlight
{
	const char *body;
	Size		length;
	BarqTokenizer *tokenizer;

	/* words and phrases of the query that are not to be missing */
	const BarqClause **leaves;
	uint32		nleaves;
	uint32		leaves_space;

	BarqTermTable *prefixes;	/* number i here is asked[nexact + i] */
	uint32		longest_prefix;
	BarqTermTable *exact;		/* number i here is asked[i] */
	uint32		nexact;
	Asked	   *asked;
	uint32		nasked;

	/* by number of the tokenizer's terms: what it is asked as */
	int32	   *asked_as;
	uint32		nterms;

	Unit	   *units;
	uint64		nunits;
	uint64		units_space;
	Match	   *matches;		/* in the order of the text */
	uint64		nmatches;
	uint64		matches_space;
	uint64		position;
	Size		last_start;		/* of the word seen last */
} Highlight;

/*
 * Find the query in h->body by h->tokenizer: units and marked matches, in the
 * order of the text, in the current memory context.
 */
extern void barq_highlight_find(Highlight *h, const BarqTextQuery *query);

/*
 * barq_highlight() by a tokenizer: the SQL function's arguments but for the
 * third. Returns the text with tags, palloc'd.
 */
extern text *barq_highlight_by(FunctionCallInfo fcinfo, BarqTokenizer *tokenizer);

#endif							/* BARQ_HIGHLIGHT_H */
