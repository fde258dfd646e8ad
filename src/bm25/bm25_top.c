/*
 * bm25_top.c
 *	  The best rows so far: a heap with the worst row on top.
 */
#include "postgres.h"

#include "bm25/bm25.h"

/* Whether a has a lower score than b, or the same score and a later TID. */
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

/* Add a row to the heap, unless it comes before after_* or max rows are better. */
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

/* Whether the condition of a search admits a row. */
static inline bool
is_admitted(const BarqBm25Top *top, const ItemPointerData *tid)
{
	return top->source == NULL || top->source->row(top->source, tid, NULL);
}

void
barq_bm25_top_add(BarqBm25Top *top, double score, ItemPointer tid)
{
	BarqBm25Hit hit = {score, *tid, false};

	if (is_admitted(top, tid))
		add(top, hit);
}

/*
 * Rows of score 0 are ordered by TID. A segment's rows come in that order and
 * mostly behind those of the segments before, so they are appended to a sorted
 * array. The first row that belongs before the last one turns the array into a
 * heap, by reversing it.
 */
void
barq_bm25_top_add_rest(BarqBm25Top *top, ItemPointer tid, bool unsure)
{
	BarqBm25Hit hit = {0, *tid, unsure};

	if ((top->resumed && ItemPointerCompare(tid, &top->after_tid) <= 0) ||
		!is_admitted(top, tid))
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
	Assert(top->count <= top->max);
	for (uint32 n = top->count; n > 1; n--)
	{
		BarqBm25Hit last = top->hits[n - 1];

		top->hits[n - 1] = top->hits[0];
		hit_heap_replace_top(top->hits, n - 1, last);
	}
}
