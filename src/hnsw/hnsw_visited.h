/*
 * hnsw_visited.h
 *	  Which rows a search has met: a 16-bit tag a row. A row is visited when
 *	  its tag is the search's own, so a new search clears nothing.
 *
 * The arrays are large (2 bytes a row), so each backend keeps a few and lends
 * them to its searches. They live in TopMemoryContext; a callback on the
 * borrower's memory context brings back what an ERROR left lent.
 */
#ifndef BARQ_HNSW_VISITED_H
#define BARQ_HNSW_VISITED_H

#include "postgres.h"

#include "flat/hits.h"

typedef struct HnswVisited
{
	uint16	   *tags;
	Size		rows;			/* tags there are */
	uint16		tag;			/* of the search at hand */
	struct HnswVisitedLoan *loan;	/* NULL while free */
	struct HnswVisited *next;	/* the backend's list */

	/* rows met and not kept in a beam, for the search's next batch */
	BarqHit    *rest;
	Size		rest_size;
} HnswVisited;

/* Borrow for a search of so many rows, until returned or the context is reset. */
extern HnswVisited *barq_hnsw_visited_borrow(uint32 rows);
extern void barq_hnsw_visited_return(HnswVisited *visited);

/* Forget all that was visited. */
extern void barq_hnsw_visited_clear(HnswVisited *visited);

/* Make room for at least size hits in rest, keeping the first used ones. */
extern void barq_hnsw_rest_grow(HnswVisited *visited, Size used, Size size);

static inline bool
barq_hnsw_visit(HnswVisited *visited, uint32 row)
{
	if (visited->tags[row] == visited->tag)
		return false;
	visited->tags[row] = visited->tag;
	return true;
}

#endif							/* BARQ_HNSW_VISITED_H */
