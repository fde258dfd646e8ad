/*
 * growing_scan.h
 *	  The best rows of the growing log for a query of vectors.
 */
#ifndef BARQ_GROWING_SCAN_H
#define BARQ_GROWING_SCAN_H

#include "kernels/codec.h"
#include "store/growing.h"

typedef struct BarqGrowingHit
{
	float		key;
	ItemPointerData tid;
	double		distance;		/* re-scored */
	double		lower_bound;
} BarqGrowingHit;

/*
 * The `max` best rows of the log that come after (after_key, after_tid) in the
 * order of key and TID, best first, into hits; returns how many, or -1 if the
 * log was sealed meanwhile. after_tid NULL: from the beginning.
 */
extern int	barq_growing_search(Relation index, const BarqMeta *meta,
								const BarqCodec *codec, const BarqQuery *query,
								float after_key, const ItemPointerData *after_tid,
								BarqGrowingHit *hits, int max);

#endif							/* BARQ_GROWING_SCAN_H */
