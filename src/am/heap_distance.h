/*
 * heap_distance.h
 *	  The distance of one row, or its indexed value, from the heap.
 */
#ifndef BARQ_HEAP_DISTANCE_H
#define BARQ_HEAP_DISTANCE_H

#include "base/compat.h"

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

/*
 * Look at the indexed value of a row, in a memory context that is reset
 * afterwards. False: the scan's snapshot sees no such row, or it is NULL, or
 * `look` says so.
 */
typedef bool (*BarqValueLook) (void *arg, Datum value);
extern bool barq_heap_value(BarqHeapDistance *state, const ItemPointerData *tid,
							BarqValueLook look, void *arg);
extern void barq_heap_distance_end(BarqHeapDistance *state);

#endif							/* BARQ_HEAP_DISTANCE_H */
