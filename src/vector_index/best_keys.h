/*
 * best_keys.h
 *	  The key that a further row must beat: a heap of the best keys so far, of a
 *	  round of a scan, or of the nearest rows of barq_recall().
 */
#ifndef BARQ_BEST_KEYS_H
#define BARQ_BEST_KEYS_H

#include "utils/float.h"

/* The worst of the best keys is on top. */
#define BARQ_HEAP_NAME	key_heap
#define BARQ_HEAP_ITEM	double
#define BARQ_HEAP_ABOVE(a, b)	(*(a) > *(b))
#include "base/heap.h"

/* The `want` smallest keys so far, as a heap with the largest on top. */
typedef struct BestKeys
{
	double	   *heap;			/* room for `want` */
	int			count;
	int			want;
} BestKeys;

/* Add a key if it is among the `want` smallest. */
static inline void
note_key(BestKeys *best, double key)
{
	Assert(best->want > 0);
	if (best->count < best->want)
		key_heap_add(best->heap, best->count++, key);
	else if (key < best->heap[0])
		key_heap_replace_top(best->heap, best->count, key);
}

/* The key below which a further one would be added; infinity at first. */
static inline double
key_to_beat(const BestKeys *best)
{
	return best->count < best->want ? get_float8_infinity() : best->heap[0];
}

#endif							/* BARQ_BEST_KEYS_H */
