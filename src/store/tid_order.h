/*
 * tid_order.h
 *	  The rows of a segment in the order of their TIDs, by which a sorted list of TIDs
 *	  is turned into row numbers.
 *
 * Made by the first search that needs it, in 6 bytes a row and 8 a heap page. A
 * segment never changes, so the order is kept as long as a snapshot of this backend
 * has the segment, and passed on from one snapshot to the next.
 */
#ifndef BARQ_TID_ORDER_H
#define BARQ_TID_ORDER_H

#include "store/directory.h"
#include "store/segment.h"

#include "storage/block.h"
#include "storage/off.h"

typedef struct BarqTidOrder
{
	int			references;		/* of snapshots */
	uint8		id[BARQ_ID_BYTES];	/* of the segment */
	Size		bytes;			/* of memory */

	/* blocks of the heap, ascending; rows of block i: first[i] to first[i + 1] - 1 */
	uint32		nblocks;
	BlockNumber *blocks;
	uint32	   *first;

	/* in the order of TIDs */
	uint32		nrows;			/* those with a key */
	uint32	   *rows;
	OffsetNumber *offsets;
} BarqTidOrder;

/*
 * The order of a segment's rows, with one reference. Allocated in CacheMemoryContext.
 * Checks for interrupts. ERRCODE_INDEX_CORRUPTED for a damaged body,
 * ERRCODE_BARQ_SEGMENT_GONE if a page was re-used.
 */
extern BarqTidOrder *barq_tid_order_make(BarqView *view, const uint8 *id);

/* Drop a reference. Raises no error. */
extern void barq_tid_order_release(BarqTidOrder *order);

#endif							/* BARQ_TID_ORDER_H */
