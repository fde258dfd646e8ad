/*
 * tid_order.c
 *	  Sorting the rows of a segment by their TIDs. Calls view.c.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "store/tid_order.h"
#include "store/view.h"
#include "utils/memutils.h"

/* TIDs are read this many at a time. */
#define READ_BATCH	1024

/* A row and its TID as one number. */
typedef struct TidKey
{
	uint64		tid;			/* block << 16 | offset */
	uint32		row;
} TidKey;

#define RADIX_SORT sort_keys
#define RADIX_TYPE TidKey
#define RADIX_KEY(e) ((e).tid)
#include "base/radix.h"

/* Read the TIDs of all rows with a key; *sorted: whether they ascend. */
static void
read_keys(BarqView *view, TidKey *keys, bool *sorted)
{
	ItemPointerData tids[READ_BATCH];

	*sorted = true;
	for (uint32 first = 0; first < view->rows; first += READ_BATCH)
	{
		uint32		n = Min(READ_BATCH, view->rows - first);

		barq_check_interrupts();
		barq_view_tids(view, first, n, tids);
		for (uint32 i = 0; i < n; i++)
		{
			TidKey	   *key = &keys[first + i];

			key->tid = ((uint64) ItemPointerGetBlockNumberNoCheck(&tids[i]) << 16) |
				ItemPointerGetOffsetNumberNoCheck(&tids[i]);
			key->row = first + i;
			if (first + i > 0 && key->tid < key[-1].tid)
				*sorted = false;
		}
	}
}

BarqTidOrder *
barq_tid_order_make(BarqView *view, const uint8 *id)
{
	uint32		n = view->rows;
	TidKey	   *keys = palloc_extended(sizeof(TidKey) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);
	TidKey	   *spare = NULL;
	TidKey	   *sorted = keys;
	bool		in_order;
	uint32		nblocks = 0;
	Size		bytes;
	BarqTidOrder *order;

	read_keys(view, keys, &in_order);
	if (!in_order)
	{
		spare = palloc_extended(sizeof(TidKey) * (Size) n, MCXT_ALLOC_HUGE);
		sorted = sort_keys(keys, spare, n);
	}
	for (uint32 i = 0; i < n; i++)
		nblocks += i == 0 || sorted[i].tid >> 16 != sorted[i - 1].tid >> 16;

	/* one allocation, which an error cannot tear */
	bytes = MAXALIGN(sizeof(BarqTidOrder)) +
		sizeof(BlockNumber) * (Size) nblocks + sizeof(uint32) * ((Size) nblocks + 1) +
		(sizeof(uint32) + sizeof(OffsetNumber)) * (Size) n;
	order = MemoryContextAllocHuge(CacheMemoryContext, bytes);
	order->references = 1;
	memcpy(order->id, id, BARQ_ID_BYTES);
	order->bytes = bytes;
	order->nblocks = nblocks;
	order->nrows = n;
	order->blocks = (BlockNumber *) ((char *) order + MAXALIGN(sizeof(BarqTidOrder)));
	order->first = (uint32 *) (order->blocks + nblocks);
	order->rows = order->first + nblocks + 1;
	order->offsets = (OffsetNumber *) (order->rows + n);

	nblocks = 0;
	for (uint32 i = 0; i < n; i++)
	{
		BlockNumber block = (BlockNumber) (sorted[i].tid >> 16);

		if (i == 0 || block != order->blocks[nblocks - 1])
		{
			order->blocks[nblocks] = block;
			order->first[nblocks++] = i;
		}
		order->rows[i] = sorted[i].row;
		order->offsets[i] = (OffsetNumber) sorted[i].tid;
	}
	order->first[nblocks] = n;
	pfree(keys);
	if (spare != NULL)
		pfree(spare);
	return order;
}

void
barq_tid_order_release(BarqTidOrder *order)
{
	Assert(order->references > 0);
	if (--order->references == 0)
		pfree(order);
}
