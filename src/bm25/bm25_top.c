/*
 * bm25_top.c
 *	  The best rows so far: a heap with the worst on top.
 */
#include "postgres.h"

#include "bm25/bm25.h"

/* Is a after b: a lower score, or the same and a later TID? */
static inline bool
worse(const BarqBm25Hit *a, const BarqBm25Hit *b)
{
	if (a->score != b->score)
		return a->score < b->score;
	return ItemPointerCompare((ItemPointer) &a->tid, (ItemPointer) &b->tid) > 0;
}

void
barq_bm25_top_init(BarqBm25Top *top, uint32 max)
{
	memset(top, 0, sizeof(*top));
	top->max = max;
	top->hits = palloc_extended(sizeof(BarqBm25Hit) * (Size) max, MCXT_ALLOC_HUGE);
}

#define BARQ_HEAP_NAME	hit_heap
#define BARQ_HEAP_ITEM	BarqBm25Hit
#define BARQ_HEAP_ABOVE(a, b)	worse(a, b)
#include "base/heap.h"

static inline void
add(BarqBm25Top *top, BarqBm25Hit hit)
{
	if (top->resumed)
	{
		BarqBm25Hit after;

		after.score = top->after_score;
		after.tid = top->after_tid;
		if (!worse(&hit, &after))
			return;
	}
	if (top->count == top->max)
	{
		if (worse(&top->hits[0], &hit))
			hit_heap_replace_top(top->hits, top->count, hit);
		return;
	}
	hit_heap_add(top->hits, top->count++, hit);
}

void
barq_bm25_top_add(BarqBm25Top *top, double score, ItemPointer tid)
{
	BarqBm25Hit hit = {score, *tid, false};

	add(top, hit);
}

/*
 * Rows of a segment come in order and behind those of the segments before it,
 * mostly: then they are put down as they come, and only a row that belongs
 * before the last one makes a heap of them.
 */
void
barq_bm25_top_add_rest(BarqBm25Top *top, ItemPointer tid, bool unsure)
{
	BarqBm25Hit hit = {0, *tid, unsure};

	if (top->resumed && ItemPointerCompare(tid, &top->after_tid) <= 0)
		return;
	if (top->count == 0)
		top->sorted = true;
	if (top->sorted)
	{
		if (top->count == 0 || ItemPointerCompare(tid, &top->hits[top->count - 1].tid) > 0)
		{
			if (top->count < top->max)
				top->hits[top->count++] = hit;
			return;
		}
		for (uint32 i = 0, j = top->count - 1; i < j; i++, j--)
		{
			BarqBm25Hit swap = top->hits[i];

			top->hits[i] = top->hits[j];
			top->hits[j] = swap;
		}
		top->sorted = false;
	}
	add(top, hit);
}

void
barq_bm25_top_sort(BarqBm25Top *top)
{
	if (top->sorted)
		return;
	for (uint32 n = top->count; n > 1; n--)
	{
		BarqBm25Hit last = top->hits[n - 1];

		top->hits[n - 1] = top->hits[0];
		hit_heap_replace_top(top->hits, n - 1, last);
	}
}
