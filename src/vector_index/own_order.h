/*
 * own_order.h
 *	  A queue by which the access method itself puts rows in exact order: for
 *	  servers whose executor loses TIDs, for codes without proven bounds, and by
 *	  intervals where these are narrow.
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

/*
 * Rows by the low end of the interval in which their distance lies, then TID; NaN is
 * the largest distance.
 */
typedef struct BarqOrderQueue BarqOrderQueue;

/* A row of a queue. The distance is known if both ends are the same, or NaN. */
typedef struct BarqOrderRow
{
	ItemPointerData tid;
	double		low;
	double		high;
} BarqOrderRow;

/* What a queue says of its first row. */
typedef enum BarqOrderAnswer
{
	BARQ_ORDER_WAIT,			/* none may be taken yet, or there is none */
	BARQ_ORDER_NEXT,			/* taken: no other row can be nearer */
	BARQ_ORDER_OVERLAPS			/* taken, but another row may be nearer: add it
								 * again with its distance */
} BarqOrderAnswer;

/* An empty queue, allocated in `context` and freed with it. */
extern BarqOrderQueue *barq_order_queue_create(MemoryContext context);

/* Add a row. Allocates in the queue's memory context, where no entry is free. */
extern void barq_order_queue_add(BarqOrderQueue *queue, const BarqOrderRow *row);

/*
 * Take the first row if its distance is at most `limit` for certain, where rows to come
 * have distances of `limit` or more. With `limit` NaN any row is taken.
 */
extern BarqOrderAnswer barq_order_queue_take(BarqOrderQueue *queue, double limit,
											 BarqOrderRow *row);

/* Move all rows of a queue to another one. */
extern void barq_order_queue_move(BarqOrderQueue *to, BarqOrderQueue *from);

#endif							/* BARQ_OWN_ORDER_H */
