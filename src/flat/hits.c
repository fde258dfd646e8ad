/*
 * hits.c
 *	  Selection and order of (key, row) pairs. Pure functions over arrays. May call
 *	  kernels.
 */
#include "postgres.h"

#include "flat/hits.h"
#include "kernels/kernels.h"

#define SAMPLE	16				/* hits that choose a pivot among many */
#define CHUNK	256				/* keys compared at a time */

static inline void
swap_hits(BarqHit *a, BarqHit *b)
{
	BarqHit		t = *a;

	*a = *b;
	*b = t;
}

/*
 * Move a pivot for the k-th of hits[lo .. hi-1] to hits[hi - 1]: the median of three or,
 * where few of many are wanted, one of a sample that has probably little more than
 * these before it.
 */
static void
choose_pivot(BarqHit *hits, Size lo, Size hi, Size k)
{
	Size		n = hi - lo;
	Size		wanted = k - lo;

	if (n >= 8 * SAMPLE && wanted * 4 <= n)
	{
		BarqHit		sample[SAMPLE];
		Size		step = n / SAMPLE;
		Size		which = Min(wanted * SAMPLE / n * 3 / 2 + 2, SAMPLE - 1);

		for (Size i = 0; i < SAMPLE; i++)
			sample[i] = hits[lo + i * step];
		barq_hits_sort(sample, SAMPLE);
		for (Size i = 0; i < SAMPLE; i++)
			if (hits[lo + i * step].row == sample[which].row &&
				hits[lo + i * step].key == sample[which].key)
			{
				swap_hits(&hits[lo + i * step], &hits[hi - 1]);
				return;
			}
	}
	else
	{
		Size		mid = lo + n / 2;

		if (barq_hit_before(hits[mid], hits[lo]))
			swap_hits(&hits[mid], &hits[lo]);
		if (barq_hit_before(hits[hi - 1], hits[lo]))
			swap_hits(&hits[hi - 1], &hits[lo]);
		if (barq_hit_before(hits[mid], hits[hi - 1]))
			swap_hits(&hits[mid], &hits[hi - 1]);
	}
}

/*
 * Where few of many hits are wanted: move those whose keys are at most one that a sample
 * gives to the front. Returns their number, or n if they are fewer than k.
 */
static Size
leave_out_most(BarqHit *hits, Size n, Size k)
{
	BarqHit		sample[SAMPLE];
	float		limit;
	float		keys[CHUNK];
	uint32		found[CHUNK];
	Size		kept = 0;

	for (Size i = 0; i < SAMPLE; i++)
		sample[i] = hits[i * (n / SAMPLE)];
	barq_hits_sort(sample, SAMPLE);
	limit = sample[Min(k * SAMPLE / n * 3 / 2 + 2, SAMPLE - 1)].key;
	for (Size at = 0; at < n; at += CHUNK)
	{
		Size		count = Min(CHUNK, n - at);
		int			nfound;

		for (Size i = 0; i < count; i++)
			keys[i] = hits[at + i].key;
		nfound = barq_kernels->find_at_most(keys, (int) count, limit, found);
		for (int i = 0; i < nfound; i++)
			swap_hits(&hits[kept++], &hits[at + found[i]]);
	}
	return kept < k ? n : kept;
}

/*
 * Hoare's quickselect, with Lomuto's partition. An unlucky order costs
 * quadratic time, which is accepted: keys of rows are not chosen to cause it.
 */
void
barq_hits_select(BarqHit *hits, Size n, Size k)
{
	Size		lo = 0;
	Size		hi = n;			/* the k-th lies in [lo, hi) */

	Assert(k <= n);
	if (n >= 2 * CHUNK && k > 0 && k * 8 <= n)
		hi = leave_out_most(hits, n, k);
	while (hi - lo > 1 && k > lo && k < hi)
	{
		Size		m = lo;
		BarqHit		pivot;

		choose_pivot(hits, lo, hi, k);
		pivot = hits[hi - 1];

		/* without branches: comparisons of keys cannot be predicted */
		for (Size i = lo; i < hi - 1; i++)
		{
			BarqHit		hit = hits[i];

			hits[i] = hits[m];
			hits[m] = hit;
			m += (hit.key < pivot.key) | ((hit.key == pivot.key) & (hit.row < pivot.row));
		}
		swap_hits(&hits[m], &hits[hi - 1]);
		/* [lo, m) < pivot < (m, hi) */
		if (k <= m)
			hi = m;
		else
			lo = m + 1;
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
