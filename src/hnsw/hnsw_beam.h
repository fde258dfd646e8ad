/*
 * hnsw_beam.h
 *	  The beam of a search: one array of (key, row), sorted by key. The two
 *	  highest bits of a row are flags. An insertion is a binary search and a
 *	  memmove of half the beam; at the usual sizes that costs less than two
 *	  heaps.
 */
#ifndef BARQ_HNSW_BEAM_H
#define BARQ_HNSW_BEAM_H

#include "flat/vector_body.h"

#define HNSW_EXPANDED	((uint32) 0x80000000)	/* its neighbours have been met */
#define HNSW_COPY		((uint32) 0x40000000)	/* see hnsw_search.c */
#define HNSW_ROW(x)		((x) & ~(HNSW_EXPANDED | HNSW_COPY))

StaticAssertDecl(BARQ_MAX_ROWS < HNSW_COPY, "the highest bits of a row are flags");

/*
 * Insert a row into the sorted beam[from .. n-1], behind rows of the same key;
 * beam[n] exists. Returns its place.
 */
static inline int
hnsw_beam_insert(BarqHit *beam, int from, int n, float key, uint32 row)
{
	int			lo = from;
	int			len = n - from;

	while (len > 0)
	{
		int			half = len >> 1;
		bool		right = beam[lo + half].key <= key;

		lo = right ? lo + half + 1 : lo;
		len = right ? len - half - 1 : half;
	}
	memmove(&beam[lo + 1], &beam[lo], (n - lo) * sizeof(BarqHit));
	beam[lo].key = key;
	beam[lo].row = row;
	return lo;
}

#endif							/* BARQ_HNSW_BEAM_H */
