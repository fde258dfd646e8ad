/*
 * heap_distance.h
 *	  The distance of one row, or its indexed value, computed from the heap.
 */
#ifndef BARQ_HEAP_DISTANCE_H
#define BARQ_HEAP_DISTANCE_H

#include "base/compat.h"

#include "access/genam.h"

typedef struct BarqHeapDistance BarqHeapDistance;

/*
 * Prepare to read rows of a scan's table. The state is palloc'd in the current
 * memory context; call barq_heap_distance_end() before that context is reset.
 */
extern BarqHeapDistance *barq_heap_distance_begin(IndexScanDesc scan);

/*
 * Compute a row's distance by the operator of the scan's first ORDER BY key: the
 * same bits as the executor's result, NaN included. False if the scan's snapshot
 * sees no such row, or its value is NULL.
 */
extern bool barq_heap_distance(BarqHeapDistance *state, const ItemPointerData *tid,
							   double *distance);

/* Whether the scan's snapshot sees a row. */
extern bool barq_heap_sees(BarqHeapDistance *state, const ItemPointerData *tid);

/*
 * Called with the values of the index's columns in a row, in a memory context that is
 * reset afterwards.
 */
typedef bool (*BarqValueVisitor) (void *arg, const Datum *values, const bool *isnull);

/*
 * Call visit(arg, ...) for a row and return its result; false without a call if the
 * scan's snapshot sees no such row.
 */
extern bool barq_heap_value(BarqHeapDistance *state, const ItemPointerData *tid,
							BarqValueVisitor visit, void *arg);

/* Release the table, the slot and the executor state; `state` itself is not freed. */
extern void barq_heap_distance_end(BarqHeapDistance *state);

#endif							/* BARQ_HEAP_DISTANCE_H */
