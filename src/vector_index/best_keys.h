/*
 * best_keys.h
 *	  What a further row must beat: the keys of the best rows so far, of a scan's
 *	  round, or the distances of a row's nearest (barq_recall).
 */
#ifndef BARQ_BEST_KEYS_H
#define BARQ_BEST_KEYS_H

#include "utils/float.h"

/* The worst of the best keys is on top. */
#define BARQ_HEAP_NAME	key_heap
#define BARQ_HEAP_ITEM	double
#define BARQ_HEAP_ABOVE(a, b)	(*(a) > *(b))
#include "base/heap.h"

/*
 * The keys of the `want` best candidates so far, as a heap with the worst on
 * top: what a further row must beat.
 */
typedef struct BestKeys
{
	double	   *heap;			/* room for `want` */
	int			count;
	int			want;
} BestKeys;

static inline void
note_key(BestKeys *best, double key)
{
	if (best->count < best->want)
		key_heap_add(best->heap, best->count++, key);
	else if (key < best->heap[0])
		key_heap_replace_top(best->heap, best->count, key);
}

static inline double
key_to_beat(const BestKeys *best)
{
	return best->count < best->want ? get_float8_infinity() : best->heap[0];
}

#endif							/* BARQ_BEST_KEYS_H */
