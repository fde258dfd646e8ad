/*
 * hnsw_visited.h
 *	  The set of rows that a search has visited: a 16-bit tag for each row. A
 *	  row is visited if its tag is the search's tag, so a new search takes the
 *	  next tag and need not clear the array.
 *
 * The arrays are large (2 bytes a row), so each backend keeps a few and lends
 * them to its searches. They are allocated in TopMemoryContext; a callback on
 * the borrower's memory context returns an array that an ERROR left on loan.
 */
#ifndef BARQ_HNSW_VISITED_H
#define BARQ_HNSW_VISITED_H

#include "postgres.h"

#include "flat/hits.h"

typedef struct HnswVisited
{
	uint16	   *tags;			/* in `allocated` */
	void	   *allocated;
	Size		rows;			/* elements of tags */
	uint16		tag;			/* of the current search; never 0 */
	struct HnswVisitedLoan *loan;	/* NULL while not on loan */
	struct HnswVisited *next;	/* in the backend's pool */

	/* visited rows that are not in the beam, from which the next beam is made */
	BarqHit    *rest;
	Size		rest_size;
} HnswVisited;

/*
 * Borrow marks for a search of so many rows, none of them visited. The pool
 * owns them: the borrower returns them, or the reset of the current memory
 * context does.
 */
extern HnswVisited *barq_hnsw_visited_borrow(uint32 rows);

/* Return borrowed marks; the borrower's pointer is invalid afterwards. */
extern void barq_hnsw_visited_return(HnswVisited *visited);

/* Empty the set of visited rows. */
extern void barq_hnsw_visited_clear(HnswVisited *visited);

/*
 * Make room for at least size hits in visited->rest and keep its first `used`
 * ones. The array may move.
 */
extern void barq_hnsw_rest_grow(HnswVisited *visited, Size used, Size size);

static inline bool
barq_hnsw_is_visited(const HnswVisited *visited, uint32 row)
{
	return visited->tags[row] == visited->tag;
}

/* Mark a row as visited; false if it was already. row < rows of the loan. */
static inline bool
barq_hnsw_visit(HnswVisited *visited, uint32 row)
{
	if (visited->tags[row] == visited->tag)
		return false;
	visited->tags[row] = visited->tag;
	return true;
}

#endif							/* BARQ_HNSW_VISITED_H */
