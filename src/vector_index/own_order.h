/*
 * own_order.h
 *	  A queue by which the access method itself puts rows in exact order: for
 *	  servers whose executor loses TIDs, and for codes without proven bounds.
 */
#ifndef BARQ_OWN_ORDER_H
#define BARQ_OWN_ORDER_H

#include "postgres.h"

#include "storage/itemptr.h"

/*
 * Whether this server's executor loses the TID of a row when it puts rows in
 * order after a re-check (xs_recheckorderby): the row's ctid is then invalid,
 * and SELECT … FOR UPDATE, or a join on ctid, fails. Tested once a process, by a
 * tuple slot that is freed again.
 */
extern bool barq_executor_loses_tids(void);

/* Rows by distance, then TID; NaN is the largest distance. */
typedef struct BarqOrderQueue BarqOrderQueue;

/* An empty queue, allocated in `context` and freed with it. */
extern BarqOrderQueue *barq_order_queue_create(MemoryContext context);

/* Add a row. Allocates in the queue's memory context, where no entry is free. */
extern void barq_order_queue_add(BarqOrderQueue *queue, const ItemPointerData *tid,
								 double distance);

/* Remove the nearest row if its distance is at most `limit`; false if there is none. */
extern bool barq_order_queue_take(BarqOrderQueue *queue, double limit,
								  ItemPointerData *tid, double *distance);

#endif							/* BARQ_OWN_ORDER_H */
