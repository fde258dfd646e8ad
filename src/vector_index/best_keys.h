/*
 * best_keys.h
 *	  What a further row must beat: the keys of the best rows so far, of a scan's
 *	  round, or the distances of a row's nearest (barq_recall).
 */
#ifndef BARQ_BEST_KEYS_H
#define BARQ_BEST_KEYS_H

#include "utils/float.h"

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
	double	   *heap = best->heap;
	int			at;

	if (best->count < best->want)
	{
		for (at = best->count++; at > 0 && heap[(at - 1) / 2] < key; at = (at - 1) / 2)
			heap[at] = heap[(at - 1) / 2];
		heap[at] = key;
		return;
	}
	if (!(key < heap[0]))
		return;
	for (at = 0;;)
	{
		int			child = 2 * at + 1;

		if (child >= best->count)
			break;
		if (child + 1 < best->count && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= key)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = key;
}

static inline double
key_to_beat(const BestKeys *best)
{
	return best->count < best->want ? get_float8_infinity() : best->heap[0];
}

#endif							/* BARQ_BEST_KEYS_H */
