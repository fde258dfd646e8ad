/*
 * heap.h
 *	  A template of binary heaps in arrays. Include it once for each type of item,
 *	  after defining
 *
 *	  BARQ_HEAP_NAME	prefix of the functions made
 *	  BARQ_HEAP_ITEM	type of an item
 *	  BARQ_HEAP_ABOVE(a, b)	whether item *a belongs nearer to the top than *b
 *
 * Makes static functions, for an array of n items with the top first:
 *	  void NAME_replace_top(items, n, item)	  drop the top, add item
 *	  void NAME_add(items, n, item)			  add item to n others; room for n + 1
 *	  void NAME_make(items, n)				  order n items into a heap
 */
#include "postgres.h"

#define BARQ_HEAP_PASTE_(a, b)	CppConcat(a, b)
#define BARQ_HEAP_FUNCTION(name)	BARQ_HEAP_PASTE_(BARQ_HEAP_NAME, name)

/* Put `item` into the heap, from the free position `at` downwards. */
static inline void
BARQ_HEAP_FUNCTION(_sift_down)(BARQ_HEAP_ITEM *items, uint64 n, uint64 at,
							   BARQ_HEAP_ITEM item)
{
	for (;;)
	{
		uint64		child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && BARQ_HEAP_ABOVE(&items[child + 1], &items[child]))
			child++;
		if (!BARQ_HEAP_ABOVE(&items[child], &item))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = item;
}

static inline void
BARQ_HEAP_FUNCTION(_replace_top)(BARQ_HEAP_ITEM *items, uint64 n, BARQ_HEAP_ITEM item)
{
	BARQ_HEAP_FUNCTION(_sift_down)
	(items, n, 0, item);
}

static inline void
BARQ_HEAP_FUNCTION(_add)(BARQ_HEAP_ITEM *items, uint64 n, BARQ_HEAP_ITEM item)
{
	uint64		at = n;

	for (; at > 0 && BARQ_HEAP_ABOVE(&item, &items[(at - 1) / 2]); at = (at - 1) / 2)
		items[at] = items[(at - 1) / 2];
	items[at] = item;
}

static inline void
BARQ_HEAP_FUNCTION(_make)(BARQ_HEAP_ITEM *items, uint64 n)
{
	for (uint64 i = n / 2; i-- > 0;)
		BARQ_HEAP_FUNCTION(_sift_down)
	(items, n, i, items[i]);
}

#undef BARQ_HEAP_FUNCTION
#undef BARQ_HEAP_PASTE_
#undef BARQ_HEAP_NAME
#undef BARQ_HEAP_ITEM
#undef BARQ_HEAP_ABOVE
