/*
 * keyless.h
 *	  Rows without a key (NULLs; under cosine also zero vectors): kept by the
 *	  store beside what the kinds know, so that an index holds every row of its
 *	  table. They have a TID and a class, and follow all rows that have a key.
 */
#ifndef BARQ_KEYLESS_H
#define BARQ_KEYLESS_H

#include "store/snapshot.h"
#include "store/writer.h"

/* TIDs of a class each, gathered in memory. */
typedef struct BarqKeylessRows
{
	ItemPointerData *tids[BARQ_KEYLESS_KINDS];	/* palloc'd, or NULL */
	uint32		n[BARQ_KEYLESS_KINDS];
	uint32		space[BARQ_KEYLESS_KINDS];
} BarqKeylessRows;

/* Add one; what is allocated first is in `context`. */
extern void barq_keyless_add(BarqKeylessRows *rows, MemoryContext context,
							 BarqKeyless keyless, const ItemPointerData *tid);

/* All of them in all; and written to a body whose kind has finished its part. */
extern uint64 barq_keyless_count(const BarqKeylessRows *rows);
extern void barq_keyless_write(BarqBodyWriter *writer, const BarqKeylessRows *rows);

/* The live ones of a merge's inputs, written to a body likewise. */
extern void barq_keyless_merge(BarqBodyWriter *writer, BarqMergeInput *inputs,
							   uint32 ninputs);

/*
 * A walk over the live rows without a key of an index, class after class: of
 * the segments of a snapshot, and of the growing log if with_log. All are kept
 * alive by the caller.
 */
typedef struct BarqKeylessWalk BarqKeylessWalk;

extern BarqKeylessWalk *barq_keyless_begin(Relation index, BarqSnapshot *snapshot,
										   const BarqMeta *meta, bool with_log);

/*
 * Up to max TIDs, all of the class that *keyless receives; returns how many, 0
 * at the end. -1: the log was sealed meanwhile, begin again with a new snapshot.
 * A segment that is read by the page may be gone: ERRCODE_BARQ_SEGMENT_GONE.
 */
extern int	barq_keyless_next(BarqKeylessWalk *walk, BarqKeyless *keyless,
							  ItemPointerData *tids, int max);

#endif							/* BARQ_KEYLESS_H */
