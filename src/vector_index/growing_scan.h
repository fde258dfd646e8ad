/*
 * growing_scan.h
 *	  The best rows of the growing log for a query of vectors.
 */
#ifndef BARQ_GROWING_SCAN_H
#define BARQ_GROWING_SCAN_H

#include "kernels/codec.h"
#include "store/growing.h"
#include "store/row_filter.h"
#include "store/snapshot.h"

/* A row of the log that a search returned. */
typedef struct BarqGrowingHit
{
	float		key;			/* as in BarqHit */
	ItemPointerData tid;
	uint32		cached;			/* internal: row of the log's cache */
	BarqInterval interval;		/* by the exact query, and the row's refinement */
	double		code_bound;		/* the lower bound without the refinement */
} BarqGrowingHit;

/*
 * Write the `max` best rows of the log into hits, best first: rows that follow
 * (after_key, after_tid) in the order of key and TID and have a key below
 * `bound`. Returns their number, or -1 if the log was sealed meanwhile.
 * after_tid NULL: from the first row on. `source`: the condition that rows have to
 * satisfy, or NULL. `meta` is the metapage with which the
 * snapshot was taken; rows of full pages are kept in the snapshot's cache of the
 * log. Raises ERRCODE_INDEX_CORRUPTED for a record that is no row of the
 * codec.
 */
extern int	barq_growing_search(Relation index, BarqSnapshot *snapshot,
								const BarqMeta *meta, const BarqCodec *codec,
								const BarqQuery *query, float after_key,
								const ItemPointerData *after_tid, float bound,
								BarqRowSource *source, BarqGrowingHit *hits, int max);

/* Receives a row of the log and an interval of its distance, proven. */
typedef void (*BarqGrowingRow) (void *arg, const ItemPointerData *tid,
								const BarqInterval *interval);

/*
 * Call visit() for every row of the log. Returns false if the log was sealed meanwhile:
 * start again. The rest is as for barq_growing_search().
 */
extern bool barq_growing_rows(Relation index, BarqSnapshot *snapshot,
							  const BarqMeta *meta, const BarqCodec *codec,
							  const BarqQuery *query, BarqGrowingRow visit, void *arg);

#endif							/* BARQ_GROWING_SCAN_H */
