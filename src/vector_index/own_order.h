/*
 * own_order.h
 *	  Rows in exact order by the access method itself: for servers whose
 *	  executor cannot be trusted with it, and for codes that prove no bound.
 */
#ifndef BARQ_OWN_ORDER_H
#define BARQ_OWN_ORDER_H

#include "postgres.h"

#include "storage/itemptr.h"

/*
 * Whether this server's executor forgets where a row lies when it puts rows in
 * order after a re-check (xs_recheckorderby): the row's ctid is then invalid,
 * and SELECT … FOR UPDATE, or a join on ctid, fails.
 */
extern bool barq_executor_loses_tids(void);

/* Rows waiting until nothing can come before them. */
typedef struct BarqOrderQueue BarqOrderQueue;

extern BarqOrderQueue *barq_order_queue_create(MemoryContext context);
extern void barq_order_queue_add(BarqOrderQueue *queue, const ItemPointerData *tid,
								 double distance);

/* Take the nearest row if it is at most `limit` away. */
extern bool barq_order_queue_take(BarqOrderQueue *queue, double limit,
								  ItemPointerData *tid, double *distance);

#endif							/* BARQ_OWN_ORDER_H */
