/*
 * own_order.c
 *	  A queue by which the access method itself puts rows in exact order.
 *
 * The executor usually does this (scan.c), with three exceptions. If the intervals in
 * which distances lie are narrow, few rows overlap others, and only these need their
 * distance; the executor would compute it for each row that it looks at. If a bound is not
 * proven (rabitq), the executor raises an ERROR for a row that lies below its
 * bound. And up to the minor releases of 2026 a row that waited in the executor's
 * queue loses its TID: ExecForceStoreHeapTuple clears the slot's TID and does not
 * set it again. KNN searches of GiST have the same fault: rows are right, their
 * ctid is not, and SELECT … FOR UPDATE of such a query fails. No version number
 * tells whether a server has the fault (distributors patch, and servers are
 * upgraded below a compiled extension), so the function itself is tried.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "vector_index/own_order.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "lib/pairingheap.h"
#include "utils/float.h"

struct BarqOrderQueue
{
	pairingheap heap;
	MemoryContext context;
	struct Waiting *unused;		/* list of free entries */
};

typedef struct Waiting
{
	pairingheap_node node;
	BarqOrderRow row;
	struct Waiting *next_unused;
} Waiting;

bool
barq_executor_loses_tids(void)
{
	static enum
	{
		UNKNOWN,
		KEEPS,
		LOSES
	} answer = UNKNOWN;

	if (answer == UNKNOWN)
	{
		TupleDesc	desc = CreateTemplateTupleDesc(1);
		Datum		value = Int32GetDatum(0);
		bool		isnull = false;
		TupleTableSlot *slot;
		HeapTuple	tuple;

		TupleDescInitEntry(desc, 1, NULL, INT4OID, -1, 0);
		slot = MakeSingleTupleTableSlot(desc, &TTSOpsBufferHeapTuple);
		tuple = heap_form_tuple(desc, &value, &isnull);
		ItemPointerSet(&tuple->t_self, 1, 1);
		ExecForceStoreHeapTuple(tuple, slot, true);
		answer = ItemPointerIsValid(&slot->tts_tid) ? KEEPS : LOSES;
		ExecDropSingleTupleTableSlot(slot);
		FreeTupleDesc(desc);
	}
	return answer == LOSES;
}

/* pairingheap comparator: nearest on top, then by TID; NaN is the largest. */
static int
compare_waiting(const pairingheap_node *a, const pairingheap_node *b, void *arg)
{
	const Waiting *x = (const Waiting *) a;
	const Waiting *y = (const Waiting *) b;
	int			order = float8_cmp_internal(y->row.low, x->row.low);

	if (order != 0)
		return order;
	return ItemPointerCompare((ItemPointer) &y->row.tid, (ItemPointer) &x->row.tid);
}

BarqOrderQueue *
barq_order_queue_create(MemoryContext context)
{
	BarqOrderQueue *queue = MemoryContextAllocZero(context, sizeof(BarqOrderQueue));

	queue->heap.ph_compare = compare_waiting;
	queue->context = context;
	return queue;
}

void
barq_order_queue_add(BarqOrderQueue *queue, const BarqOrderRow *row)
{
	Waiting    *waiting = queue->unused;

	Assert(!(row->low > row->high));
	if (waiting != NULL)
		queue->unused = waiting->next_unused;
	else
		waiting = MemoryContextAlloc(queue->context, sizeof(Waiting));
	waiting->row = *row;
	pairingheap_add(&queue->heap, &waiting->node);
}

BarqOrderAnswer
barq_order_queue_take(BarqOrderQueue *queue, double limit, BarqOrderRow *row)
{
	Waiting    *waiting;

	if (pairingheap_is_empty(&queue->heap))
		return BARQ_ORDER_WAIT;
	waiting = (Waiting *) pairingheap_first(&queue->heap);
	if (float8_cmp_internal(waiting->row.high, limit) > 0)
		return BARQ_ORDER_WAIT;
	pairingheap_remove_first(&queue->heap);
	*row = waiting->row;
	waiting->next_unused = queue->unused;
	queue->unused = waiting;

	/* a row whose distance is known comes first by that: others are not nearer */
	if (float8_cmp_internal(row->low, row->high) == 0 || pairingheap_is_empty(&queue->heap))
		return BARQ_ORDER_NEXT;
	waiting = (Waiting *) pairingheap_first(&queue->heap);
	return row->high <= waiting->row.low ? BARQ_ORDER_NEXT : BARQ_ORDER_OVERLAPS;
}

void
barq_order_queue_move(BarqOrderQueue *to, BarqOrderQueue *from)
{
	while (!pairingheap_is_empty(&from->heap))
	{
		Waiting    *waiting = (Waiting *) pairingheap_remove_first(&from->heap);

		barq_order_queue_add(to, &waiting->row);
		waiting->next_unused = from->unused;
		from->unused = waiting;
	}
}
