/*
 * hnsw_visited.h
 *	  The set of rows that a search has visited: a hash table of row numbers, as large
 *	  as the search needs, or a bit for each row where that takes no more memory.
 *
 * A search visits a thousand rows, whatever the size of the graph; so the table is small
 * enough for the processor's caches, and the first search of a session touches no more
 * memory than any other (docs/performance.md, "Images: the first search").
 *
 * Each backend keeps a few sets and lends them to its searches. They are allocated in
 * TopMemoryContext; a callback on the borrower's memory context returns a set that an
 * ERROR left on loan.
 */
#ifndef BARQ_HNSW_VISITED_H
#define BARQ_HNSW_VISITED_H

#include "postgres.h"

#include "flat/hits.h"

typedef struct HnswVisited
{
	uint32	   *slots;			/* row numbers by hash, or free; or words of bits */
	Size		allocated;		/* elements of slots */
	bool		bits;			/* a bit for each row */
	uint32		shift;			/* of the hash: 32 less the logarithm of the slots in use */
	uint32		mask;			/* slots in use, less one */
	uint32		count;			/* rows in the table */
	uint32		most;			/* from which on the table grows */
	uint32		rows;			/* of the loan */
	uint32		first_slots;	/* slots of an empty table */
	struct HnswVisitedLoan *loan;	/* NULL while not on loan */
	struct HnswVisited *next;	/* in the backend's pool */

	/* visited rows that are not in the beam, from which the next beam is made */
	BarqHit    *rest;
	Size		rest_size;
} HnswVisited;

/* Rows that a beam of so many is expected to visit. */
#define HNSW_VISITS(beam)	((uint32) (beam) * 24 + 256)

/* A free slot; no row has this number. */
#define HNSW_VISITED_FREE	PG_UINT32_MAX

/*
 * Borrow an empty set for a search of so many rows, which is expected to visit `expected`
 * of them. The pool owns it: the borrower returns it, or the reset of the current memory
 * context does.
 */
extern HnswVisited *barq_hnsw_visited_borrow(uint32 rows, uint32 expected);

/* Return a borrowed set; the borrower's pointer is invalid afterwards. */
extern void barq_hnsw_visited_return(HnswVisited *visited);

/* Empty the set of visited rows. */
extern void barq_hnsw_visited_clear(HnswVisited *visited);

/*
 * Empty the set, and expect so many rows from now on. If these are all rows of the loan,
 * neither barq_hnsw_visit() nor barq_hnsw_visited_clear() allocates memory afterwards.
 */
extern void barq_hnsw_visited_expect(HnswVisited *visited, uint32 expected);

/* Twice as many slots, or bits in their place; for barq_hnsw_visit(). */
extern void barq_hnsw_visited_grow(HnswVisited *visited);

/*
 * Make room for at least size hits in visited->rest and keep its first `used`
 * ones. The array may move.
 */
extern void barq_hnsw_rest_grow(HnswVisited *visited, Size used, Size size);

/* The slot of a row in the table, or the free one where it belongs. */
static inline uint32
hnsw_visited_slot(const HnswVisited *visited, uint32 row)
{
	uint32		at = row * 0x9e3779b1u >> visited->shift;

	while (visited->slots[at] != row && visited->slots[at] != HNSW_VISITED_FREE)
		at = (at + 1) & visited->mask;
	return at;
}

static inline bool
barq_hnsw_is_visited(const HnswVisited *visited, uint32 row)
{
	Assert(row < visited->rows);
	if (visited->bits)
		return (visited->slots[row / 32] >> row % 32 & 1) != 0;
	return visited->slots[hnsw_visited_slot(visited, row)] == row;
}

/* Mark a row as visited; false if it was already. row < rows of the loan. */
static inline bool
barq_hnsw_visit(HnswVisited *visited, uint32 row)
{
	uint32		at;

	Assert(row < visited->rows);
	if (visited->bits)
	{
		uint32		word = visited->slots[row / 32];
		uint32		bit = (uint32) 1 << row % 32;

		visited->slots[row / 32] = word | bit;
		return (word & bit) == 0;
	}
	at = hnsw_visited_slot(visited, row);
	if (visited->slots[at] == row)
		return false;
	visited->slots[at] = row;
	if (unlikely(++visited->count > visited->most))
		barq_hnsw_visited_grow(visited);
	return true;
}

#endif							/* BARQ_HNSW_VISITED_H */
