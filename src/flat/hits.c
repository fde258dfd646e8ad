/*
 * hits.c
 *	  Selection and order of (key, row) pairs. Pure functions over arrays.
 */
#include "postgres.h"

#include "flat/hits.h"

static inline void
swap_hits(BarqHit *a, BarqHit *b)
{
	BarqHit		t = *a;

	*a = *b;
	*b = t;
}

/*
 * Hoare's quickselect; the pivot is the median of three. An unlucky order costs
 * quadratic time, which is accepted: keys of rows are not chosen to cause it.
 */
void
barq_hits_select(BarqHit *hits, Size n, Size k)
{
	Size		lo = 0;
	Size		hi = n;			/* the k-th lies in [lo, hi) */

	Assert(k <= n);
	while (hi - lo > 1 && k > lo && k < hi)
	{
		Size		mid = lo + (hi - lo) / 2;
		BarqHit		pivot;
		Size		i = lo;
		Size		j = hi - 1;

		if (barq_hit_before(hits[mid], hits[lo]))
			swap_hits(&hits[mid], &hits[lo]);
		if (barq_hit_before(hits[hi - 1], hits[lo]))
			swap_hits(&hits[hi - 1], &hits[lo]);
		if (barq_hit_before(hits[hi - 1], hits[mid]))
			swap_hits(&hits[hi - 1], &hits[mid]);
		pivot = hits[mid];

		for (;;)
		{
			while (barq_hit_before(hits[i], pivot))
				i++;
			while (barq_hit_before(pivot, hits[j]))
				j--;
			if (i >= j)
				break;
			swap_hits(&hits[i], &hits[j]);
			i++;
			j--;
		}
		/* [lo, j] <= pivot <= (j, hi); both parts are shorter than before */
		if (j + 1 == hi)
			j--;
		if (k <= j + 1)
			hi = j + 1;
		else
			lo = j + 1;
	}
}

/* Order of qsort(): by key, then by row. */
static int
compare_hits(const void *a, const void *b)
{
	const BarqHit *x = a;
	const BarqHit *y = b;

	if (barq_hit_before(*x, *y))
		return -1;
	return barq_hit_before(*y, *x) ? 1 : 0;
}

void
barq_hits_sort(BarqHit *hits, Size n)
{
	/* most batches are this small, and insertion sort is faster for them */
	if (n <= 16)
	{
		for (Size i = 1; i < n; i++)
		{
			BarqHit		h = hits[i];
			Size		j = i;

			for (; j > 0 && barq_hit_before(h, hits[j - 1]); j--)
				hits[j] = hits[j - 1];
			hits[j] = h;
		}
		return;
	}
	qsort(hits, n, sizeof(BarqHit), compare_hits);
}

uint32
barq_bits_clear_count(const uint8 *bits, uint32 n, uint32 enough)
{
	uint32		clear = 0;

	if (bits == NULL)
		return n;
	for (uint32 word = 0; word < (n + 63) / 64 && clear <= enough; word++)
		clear += __builtin_popcountll(barq_bits_clear_word(bits, n, word));
	return clear;
}
