/*
 * bm25_search.h
 *	  What the files of a search share: its state, what a row must reach, and
 *	  how a row is kept.
 */
#ifndef BARQ_BM25_SEARCH_H
#define BARQ_BM25_SEARCH_H

#include "bm25/bm25_layout.h"

/* More terms than this are summed up window by window, without bounds. */
#define BM25_MANY_TERMS		24

typedef struct Bm25Search
{
	Bm25Body	body;
	const BarqBm25Query *query;
	const uint8 *skip;
	BarqBm25Top *top;
	Bm25Conditions *conditions; /* NULL: there are none */
	bool	   *recheck;

	uint32		n;				/* terms that score or are required, and are there */
	Bm25Cursor **cursors;		/* theirs, in the order of the query */
	uint32	   *numbers;		/* of these terms in the query */
	bool	   *held;			/* by the query's terms, of a row; NULL: no variants */
	Bm25Cursor **again;			/* of many terms with variants: the cursors once more */
	bool	   *required;		/* rows must hold them; NULL: none */

	const void *lengths;		/* of all rows; NULL: read by the page */

	/* rows before tie_row have TIDs up to tie_tid */
	ItemPointerData tie_tid;
	uint32		tie_row;
} Bm25Search;

/* The first row whose TID is after the worst one's that is kept. */
extern uint32 barq_bm25_tie_row(Bm25Search *s);

/* Keep a row of a positive score if it is good enough and nothing forbids it. */
extern void barq_bm25_keep(Bm25Search *s, double score, uint32 row);

/* bm25_prune.c: the best rows of up to BM25_MANY_TERMS terms */
extern void barq_bm25_search_few(Bm25Search *s);

/* bm25_rows.c: barq_bm25_match() of a query that is scored */
extern void barq_bm25_match_scored(BarqView *view, const BarqBm25Query *query,
								   const uint8 *skip, BarqRowsVisitor visit, void *arg);

static inline uint32
barq_bm25_length_of(const Bm25Search *s, uint32 row)
{
	if (s->lengths == NULL)
		return barq_bm25_length(&s->body, row);
	switch (s->body.header.length_width)
	{
		case 1:
			return ((const uint8 *) s->lengths)[row];
		case 2:
			return ((const uint16 *) s->lengths)[row];
		default:
			return ((const uint32 *) s->lengths)[row];
	}
}

static inline double
barq_bm25_norm_of(const Bm25Search *s, uint32 length)
{
	return barq_bm25_norm(s->query->k1, s->query->b, length, s->query->avglen);
}

/* What a row must reach to be kept: 0 while there is room. */
static inline double
barq_bm25_threshold(const Bm25Search *s)
{
	return s->top->count < s->top->max ? 0 : s->top->hits[0].score;
}

/* Can no row from `row` on, of at most this score, be kept? */
static inline bool
barq_bm25_hopeless(Bm25Search *s, double bound, uint32 row)
{
	double		worst = barq_bm25_threshold(s);

	if (likely(bound != worst) || worst == 0)
		return bound < worst;
	return row >= barq_bm25_tie_row(s);
}

#endif							/* BARQ_BM25_SEARCH_H */
