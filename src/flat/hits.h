/*
 * hits.h
 *	  Small operations on arrays of (key, row): order, selection of the best,
 *	  bits of a skip or dead bitmap. Shared by the vector kinds.
 *
 * The order is total: by key, then by row, so that "everything after this
 * pair" means the same at every call. Keys are never NaN (barq_hits_clean).
 */
#ifndef BARQ_HITS_H
#define BARQ_HITS_H

#include "base/bits.h"
#include "flat/flat.h"

static inline bool
barq_hit_before(BarqHit a, BarqHit b)
{
	return a.key < b.key || (a.key == b.key && a.row < b.row);
}

/*
 * A key that is not a number (infinity minus infinity, in vectors near the
 * end of float's range) would break every order: it counts as the farthest.
 */
static inline void
barq_keys_clean(float *keys, int n)
{
	for (int i = 0; i < n; i++)
		keys[i] = (keys[i] == keys[i]) ? keys[i] : __builtin_inff();
}

/* Is a row of this key of use to a caller with this bound? */
static inline bool
barq_key_below(float key, float bound)
{
	return key < bound || bound == __builtin_inff();
}

/* Move the k best to the front, in any order. 0 <= k <= n. */
extern void barq_hits_select(BarqHit *hits, Size n, Size k);

/* Best first. */
extern void barq_hits_sort(BarqHit *hits, Size n);

/*
 * Rows of n whose bit is not set; bits NULL means none is. Counting may stop
 * once there are more than enough.
 */
extern uint32 barq_bits_clear_count(const uint8 *bits, uint32 n, uint32 enough);

#endif							/* BARQ_HITS_H */
