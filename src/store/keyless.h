/*
 * keyless.h
 *	  Rows without a key (NULLs; under cosine also zero vectors). The store keeps
 *	  their TIDs and classes beside the rows that the segment kinds see, so that an
 *	  index holds every row of its table. They follow all rows with a key.
 */
#ifndef BARQ_KEYLESS_H
#define BARQ_KEYLESS_H

#include "store/snapshot.h"
#include "store/writer.h"

/* TIDs of keyless rows, collected in memory by class; all zero when empty. */
typedef struct BarqKeylessRows
{
	ItemPointerData *tids[BARQ_KEYLESS_KINDS];	/* palloc'd, or NULL */
	uint32		n[BARQ_KEYLESS_KINDS];
	uint32		space[BARQ_KEYLESS_KINDS];
} BarqKeylessRows;

/* Add a row; arrays are allocated in `context`. */
extern void barq_keyless_add(BarqKeylessRows *rows, MemoryContext context,
							 BarqKeyless keyless, const ItemPointerData *tid);

/* The number of rows of all classes. */
extern uint64 barq_keyless_count(const BarqKeylessRows *rows);

/*
 * Write collected rows, class after class, to a body whose kind has finished its
 * part. Errors of barq_body_write().
 */
extern void barq_keyless_write(BarqBodyWriter *writer, const BarqKeylessRows *rows);

/*
 * Write the live keyless rows of the inputs of a merge, class after class, to a body
 * whose kind has finished its part. Checks for interrupts. Errors of
 * barq_body_write() and barq_view_read().
 */
extern void barq_keyless_merge(BarqBodyWriter *writer, BarqMergeInput *inputs,
							   uint32 ninputs);

/*
 * A walk over the keyless rows of an index that are not dead, class after class:
 * of the segments of a snapshot and, if with_log, of the growing log.
 */
typedef struct BarqKeylessWalk BarqKeylessWalk;

/*
 * Begin a walk, palloc'd in the current memory context. Index, snapshot and *meta
 * must be valid as long as the walk is used. ERRCODE_BARQ_SEGMENT_GONE if a segment
 * of the snapshot was dropped.
 */
extern BarqKeylessWalk *barq_keyless_begin(Relation index, BarqSnapshot *snapshot,
										   const BarqMeta *meta, bool with_log);

/*
 * Leave out rows that do not satisfy a condition on filter columns, which must be valid
 * as long as the walk. Called before its first batch.
 */
struct		BarqFilterCondition;
extern void barq_keyless_filter(BarqKeylessWalk *walk,
								const struct BarqFilterCondition *condition);

/*
 * Copy the next TIDs, up to max of one class, to tids; *keyless receives the class.
 * Returns their number: 0 at the end, -1 if the log was sealed meanwhile and the
 * walk has to begin again with a new snapshot. ERRCODE_BARQ_SEGMENT_GONE if a segment
 * of the snapshot was dropped.
 */
extern int	barq_keyless_next(BarqKeylessWalk *walk, BarqKeyless *keyless,
							  ItemPointerData *tids, int max);

#endif							/* BARQ_KEYLESS_H */
