/*
 * bm25_pool.c
 *	  Several terms as one: a cursor with a member for each of a few (bm25_members.c), or
 *	  over the postings of all, which are decoded at once and cut into blocks as if they
 *	  were one term's.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"

/*
 * Where at least one row in so many has a posting, counting by row is faster
 * than merging lists.
 */
#define COUNTING	128

typedef struct PooledPosting
{
	uint32		row;
	uint32		frequency;
} PooledPosting;

/*
 * Merge two lists of postings in row order into out[], which has room for na +
 * nb; frequencies of the same row are added. *nout: postings written.
 */
static void
merge_postings(const PooledPosting *a, Size na, const PooledPosting *b, Size nb,
			   PooledPosting *out, Size *nout)
{
	Size		n = 0;

	while (na > 0 || nb > 0)
	{
		if (nb == 0 || (na > 0 && a->row < b->row))
		{
			out[n++] = *a++;
			na--;
		}
		else if (na == 0 || b->row < a->row)
		{
			out[n++] = *b++;
			nb--;
		}
		else
		{
			out[n] = *a++;
			out[n].frequency = (uint32) Min((uint64) out[n].frequency + b->frequency,
											PG_UINT32_MAX);
			n++;
			b++;
			na--;
			nb--;
		}
	}
	*nout = n;
}

/* The postings of all terms, one for each row that has any. */
typedef struct Pool
{
	Size		n;
	uint32	   *rows;
	uint32	   *frequencies;
} Pool;

/*
 * Allocate room for n postings, and for seven more that collect_counts() may
 * write behind them.
 */
static void
pool_space(Pool *pool, Size n)
{
	pool->rows = palloc_extended(sizeof(uint32) * (n + 7), MCXT_ALLOC_HUGE);
	pool->frequencies = palloc_extended(sizeof(uint32) * (n + 7), MCXT_ALLOC_HUGE);
	pool->n = 0;
}

/* Decode all postings of a cursor into out[], which has room for its df. */
static void
decode(Bm25Cursor *cursor, PooledPosting *out)
{
	for (cursor->block = 0; cursor->block < cursor->nblocks; cursor->block++)
	{
		barq_bm25_cursor_load(cursor);
		barq_bm25_cursor_frequencies(cursor);
		for (uint32 j = 0; j < cursor->n; j++)
		{
			out->row = cursor->rows[j];
			out->frequency = cursor->frequencies[j];
			out++;
		}
	}
}

/*
 * Pool few postings: merge the lists of n terms pairwise, so that each posting
 * is copied log(n) times. `cursor` is scratch.
 */
static void
pool_by_merging(Pool *pool, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
				Bm25Cursor *cursor)
{
	PooledPosting **lists = palloc(sizeof(PooledPosting *) * n);
	Size	   *counts = palloc(sizeof(Size) * n);

	for (uint32 i = 0; i < n; i++)
	{
		lists[i] = palloc_extended(sizeof(PooledPosting) * (Size) entries[i].df,
								   MCXT_ALLOC_HUGE);
		counts[i] = entries[i].df;
		barq_bm25_cursor_open_entry(cursor, body, &entries[i]);
		decode(cursor, lists[i]);
	}
	while (n > 1)
	{
		uint32		left = 0;

		for (uint32 i = 0; i < n; i += 2)
		{
			PooledPosting *both;
			Size		nboth;

			barq_check_interrupts();
			if (i + 1 == n)
			{
				lists[left] = lists[i];
				counts[left++] = counts[i];
				continue;
			}
			both = palloc_extended(sizeof(PooledPosting) * (counts[i] + counts[i + 1]),
								   MCXT_ALLOC_HUGE);
			merge_postings(lists[i], counts[i], lists[i + 1], counts[i + 1],
						   both, &nboth);
			pfree(lists[i]);
			pfree(lists[i + 1]);
			lists[left] = both;
			counts[left++] = nboth;
		}
		n = left;
	}
	pool_space(pool, counts[0]);
	for (; pool->n < counts[0]; pool->n++)
	{
		pool->rows[pool->n] = lists[0][pool->n].row;
		pool->frequencies[pool->n] = lists[0][pool->n].frequency;
	}
	pfree(lists[0]);
	pfree(lists);
	pfree(counts);
}

/* Order of qsort(): by row. */
static int
compare_pooled(const void *a, const void *b)
{
	uint32		x = ((const PooledPosting *) a)->row;
	uint32		y = ((const PooledPosting *) b)->row;

	return x < y ? -1 : x > y;
}

/* Frequencies by row. */
typedef struct Counts
{
	uint8	   *sums;			/* by row; 255: see large */
	Size		distinct;		/* rows with a sum above 0 */

	/* sums of 255 and more: of a row, the sum of its entries here */
	PooledPosting *large;
	Size		nlarge;
	Size		space;
} Counts;

/*
 * Add up the frequencies of all terms by row. The caller has set counts->sums to
 * view->rows bytes of zeros and the other fields to 0; counts->large grows in the
 * current memory context, and the caller frees it. `cursor` is opened again for each
 * term. Checks for interrupts. ERRCODE_INDEX_CORRUPTED for damaged postings.
 */
static void
count_frequencies(Counts *counts, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
				  Bm25Cursor *cursor)
{
	uint8	   *sums = counts->sums;
	Size		distinct = 0;

	for (uint32 i = 0; i < n; i++)
	{
		barq_check_interrupts();
		barq_bm25_cursor_open_entry(cursor, body, &entries[i]);
		for (; cursor->block < cursor->nblocks; cursor->block++)
		{
			barq_bm25_cursor_load(cursor);
			barq_bm25_cursor_frequencies(cursor);
			for (uint32 j = 0; j < cursor->n; j++)
			{
				uint8	   *sum = &sums[cursor->rows[j]];
				uint32		frequency = cursor->frequencies[j];

				distinct += *sum == 0;
				if (likely(*sum + frequency < PG_UINT8_MAX))
				{
					*sum += frequency;
					continue;
				}
				BARQ_ARRAY_RESERVE(counts->large, counts->space, counts->nlarge + 1, 64);
				counts->large[counts->nlarge].row = cursor->rows[j];
				counts->large[counts->nlarge++].frequency =
					frequency + (*sum < PG_UINT8_MAX ? *sum : 0);
				*sum = PG_UINT8_MAX;
			}
		}
	}
	counts->distinct = distinct;
}

/* Make postings of the sums by row. */
static void
collect_counts(Pool *pool, const Counts *counts, uint32 rows)
{
	const uint8 *sums = counts->sums;

	pool_space(pool, counts->distinct);
	for (Size from = 0; from < rows; from += 8)
	{
		uint64		eight;

		memcpy(&eight, sums + from, 8);
		if (eight == 0)
			continue;
		for (int i = 0; i < 8; i++)
		{
			pool->rows[pool->n] = (uint32) (from + i);
			pool->frequencies[pool->n] = sums[from + i];
			pool->n += sums[from + i] != 0;
		}
	}
	Assert(pool->n == counts->distinct);
}

/* Replace the frequencies of rows whose sum is 255 or more. */
static void
set_large_counts(Pool *pool, Counts *counts)
{
	PooledPosting *large = counts->large;

	if (counts->nlarge > 0)
		qsort(large, counts->nlarge, sizeof(PooledPosting), compare_pooled);
	for (Size i = 0, at = 0; i < counts->nlarge;)
	{
		uint64		frequency = 0;
		uint32		row = large[i].row;

		for (; i < counts->nlarge && large[i].row == row; i++)
			frequency += large[i].frequency;
		while (pool->rows[at] < row)
			at++;
		pool->frequencies[at] = (uint32) Min(frequency, PG_INT32_MAX);
	}
}

/* Pool many postings: add them up by row. `cursor` is scratch. */
static void
pool_by_counting(Pool *pool, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
				 Bm25Cursor *cursor)
{
	uint32		rows = body->view->rows;
	Counts		counts = {0};

	counts.sums = palloc_extended(TYPEALIGN(8, (Size) rows), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	count_frequencies(&counts, body, entries, n, cursor);
	collect_counts(pool, &counts, rows);
	set_large_counts(pool, &counts);
	pfree(counts.sums);
	if (counts.large != NULL)
		pfree(counts.large);
}

uint32
barq_bm25_find_all(const Bm25Body *body, const BarqBm25Text *terms, uint32 nterms,
				   Bm25Entry **entries, uint64 *postings)
{
	uint32		n = 0;

	*entries = palloc_extended(sizeof(Bm25Entry) * (Size) Max(nterms, 1), MCXT_ALLOC_HUGE);
	*postings = 0;
	for (uint32 i = 0; i < nterms; i++)
	{
		if ((i & 63) == 0)
			barq_check_interrupts();
		if (!barq_bm25_find(body, terms[i].text, terms[i].length, &(*entries)[n]))
			continue;
		(*entries)[n].fields = terms[i].fields;
		*postings += (*entries)[n++].df;
	}
	return n;
}

bool
barq_bm25_cursor_open_pooled(Bm25Cursor *cursor, const Bm25Body *body,
							 const BarqBm25Text *terms, uint32 nterms, uint32 most)
{
	Bm25Entry  *entries;
	uint64		postings;
	uint32		n = barq_bm25_find_all(body, terms, nterms, &entries, &postings);
	Pool		pool;
	Bm25Skip   *skips;

	if (n == 0)
		return false;
	if (n == 1)
	{
		barq_bm25_cursor_open_counting(cursor, body, &entries[0]);
		pfree(entries);
		return true;
	}
	if (n <= most)
	{
		barq_bm25_pool_open_members(cursor, body, entries, n, postings);
		pfree(entries);
		return true;
	}
	if (body->nfields > 1)
		return barq_bm25_pool_fields(cursor, body, entries, n, postings);
	if (postings > body->view->rows / COUNTING)
		pool_by_counting(&pool, body, entries, n, cursor);
	else
		pool_by_merging(&pool, body, entries, n, cursor);
	pfree(entries);

	barq_bm25_cursor_init(cursor, body);
	cursor->df = (uint32) pool.n;
	cursor->nblocks = (cursor->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	skips = palloc_extended(sizeof(Bm25Skip) * (Size) cursor->nblocks,
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (uint32 block = 0; block < cursor->nblocks; block++)
	{
		Size		from = (Size) block * BARQ_BM25_BLOCK;
		uint32		count = Min(BARQ_BM25_BLOCK, pool.n - from);
		uint32		lengths[BARQ_BM25_BLOCK];

		barq_bm25_lengths(body, pool.rows + from, count, lengths);
		skips[block].last_row = pool.rows[from + count - 1];
		barq_bm25_maxima_add_block(&skips[block].maxima, pool.frequencies + from, lengths,
								   count);
		barq_bm25_maxima_merge(&cursor->maxima, &skips[block].maxima);
	}
	cursor->pool_rows = pool.rows;
	cursor->pool_frequencies = pool.frequencies;
	cursor->skips = skips;
	barq_bm25_cursor_rewind(cursor);
	return true;
}
