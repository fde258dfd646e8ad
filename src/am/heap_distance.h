/*
 * heap_distance.h
 *	  The distance of one row, from the heap.
 */
#ifndef BARQ_HEAP_DISTANCE_H
#define BARQ_HEAP_DISTANCE_H

#include "compat.h"

#include "access/genam.h"

typedef struct BarqHeapDistance BarqHeapDistance;

/* In the memory context current; to be ended before that is reset. */
extern BarqHeapDistance *barq_heap_distance_begin(IndexScanDesc scan);

/*
 * What the operator of the scan's first ORDER BY key says about the row, to
 * the bit (NaN included). False: the scan's snapshot sees no such row.
 */
extern bool barq_heap_distance(BarqHeapDistance *state, const ItemPointerData *tid,
							   double *distance);
extern void barq_heap_distance_end(BarqHeapDistance *state);

#endif							/* BARQ_HEAP_DISTANCE_H */
