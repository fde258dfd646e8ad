/*
 * hits.h
 *	  Operations on arrays of (key, row) pairs: order and selection of the best;
 *	  also the number of live rows of a bitmap. Shared by the vector kinds.
 *
 * The order is total: by key, then by row, so that "all pairs after this one"
 * means the same at every call. Keys are never NaN (barq_keys_clean()).
 */
#ifndef BARQ_HITS_H
#define BARQ_HITS_H

#include <math.h>

#include "base/bits.h"
#include "flat/flat.h"

/* Whether a comes before b in the order of (key, row). */
static inline bool
barq_hit_before(BarqHit a, BarqHit b)
{
	return a.key < b.key || (a.key == b.key && a.row < b.row);
}

/*
 * Replace NaN by infinity in keys[0 .. n-1]. NaN (infinity minus infinity, for
 * vectors near the end of float's range) cannot be ordered; such a row is treated as
 * the farthest.
 */
static inline void
barq_keys_clean(float *keys, int n)
{
	for (int i = 0; i < n; i++)
		keys[i] = (keys[i] == keys[i]) ? keys[i] : INFINITY;
}

/*
 * Whether a caller with this bound wants a row with this key. An infinite bound
 * excludes no row, not even rows with an infinite key.
 */
static inline bool
barq_key_below(float key, float bound)
{
	return key < bound || bound == INFINITY;
}

/* Move the k best of n hits to the front, in any order. 0 <= k <= n. */
extern void barq_hits_select(BarqHit *hits, Size n, Size k);

/*
 * The same; the largest key of the k best: rows with a larger one can no longer be among
 * them. -infinity for k = 0.
 */
static inline float
barq_hits_keep(BarqHit *hits, Size n, Size k)
{
	float		largest = -INFINITY;

	barq_hits_select(hits, n, k);
	for (Size i = 0; i < k; i++)
		largest = Max(largest, hits[i].key);
	return largest;
}

/* Sort n hits, best first. */
extern void barq_hits_sort(BarqHit *hits, Size n);

/*
 * Number of clear bits among the first n. If bits is NULL, n. Counting stops once the
 * number is above `enough`; the result is then only a lower bound.
 */
extern uint32 barq_bits_clear_count(const uint8 *bits, uint32 n, uint32 enough);

#endif							/* BARQ_HITS_H */
