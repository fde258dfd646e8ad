/*
 * growing_scan.h
 *	  The best rows of the growing log for a query of vectors.
 */
#ifndef BARQ_GROWING_SCAN_H
#define BARQ_GROWING_SCAN_H

#include "kernels/codec.h"
#include "store/growing.h"
#include "store/snapshot.h"

typedef struct BarqGrowingHit
{
	float		key;
	ItemPointerData tid;
	uint32		cached;			/* remembered row, until it is re-scored */
	double		distance;		/* re-scored */
	double		lower_bound;
} BarqGrowingHit;

/*
 * The `max` best rows of the log that come after (after_key, after_tid) in the
 * order of key and TID and have a key below bound, best first, into hits;
 * returns how many, or -1 if the log was sealed meanwhile. after_tid NULL: from
 * the beginning. meta is the metapage with which the snapshot was got.
 */
extern int	barq_growing_search(Relation index, BarqSnapshot *snapshot,
								const BarqMeta *meta, const BarqCodec *codec,
								const BarqQuery *query, float after_key,
								const ItemPointerData *after_tid, float bound,
								BarqGrowingHit *hits, int max);

#endif							/* BARQ_GROWING_SCAN_H */
