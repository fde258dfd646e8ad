/*
 * flat_together.c
 *	  The nearest rows of several queries, by one scan of all codes of a body: a block of
 *	  rows is scored for all queries while it is in the cache.
 *
 * A query finds the rows that a search of the flat kind would return first. Rows come in
 * their own order, so a row with the key of the worst row kept is not among the best.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "flat/vector_body.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

#define TOGETHER_CHUNK	256		/* rows scored, then selected from */
#define TOGETHER_AHEAD	64		/* blocks that are read ahead, if they are not in memory */

/* Rows of a query that are selected from at once. */
#define ROOM(want)		((Size) (want) * 4)

/* The best rows of a query so far. */
typedef struct Best
{
	BarqHit    *hits;			/* room for ROOM(want) */
	Size		n;
	float		limit;			/* no row above it is wanted, */
	bool		full;			/* nor one with this key */
} Best;

/* Keep the best `want` rows of a full selection. */
static void
prune(Best *best, int want)
{
	best->limit = barq_hits_keep(best->hits, best->n, want);
	best->n = want;
	best->full = true;
}

/* Add those of `count` rows from `first` on that are good enough. */
static void
select_rows(Best *best, int want, const float *keys, int count, uint32 first)
{
	uint32		found[TOGETHER_CHUNK];
	int			nfound = barq_kernels->find_at_most(keys, count, best->limit, found);

	for (int i = 0; i < nfound; i++)
	{
		float		key = keys[found[i]];

		if (best->full && !(key < best->limit))
			continue;
		best->hits[best->n++] = (BarqHit) {key, first + found[i]};
		if (best->n == ROOM(want))
			prune(best, want);
	}
}

/* If a part of the body is not in memory, have it all read at once. */
static void
read_ahead(BarqView *view, const BarqVectorHeader *header, uint32 first, uint32 count)
{
	uint64		off = header->codes_off + (uint64) header->stride * first;

	if (barq_view_is_cold(view, off))
		barq_view_read_ahead(view, off, (uint64) header->stride * count);
}

int
barq_flat_nearest(BarqView *view, const BarqQuery *const *queries, int n, int want,
				  BarqHit *hits)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	BarqCodec	codec;
	Best	   *best = palloc(sizeof(Best) * n);
	float	   *keys = palloc(sizeof(float) * TOGETHER_CHUNK * n);
	int			got = 0;

	barq_vector_open(view, &body, &header, &codec);
	for (int j = 0; j < n; j++)
		best[j] = (Best) {palloc(sizeof(BarqHit) * ROOM(want)), 0, INFINITY, false};
	for (uint32 first = 0; first < body.rows; first += TOGETHER_CHUNK)
	{
		int			count = Min(TOGETHER_CHUNK, body.rows - first);

		CHECK_FOR_INTERRUPTS();
		if (first % (TOGETHER_AHEAD * TOGETHER_CHUNK) == 0)
			read_ahead(view, &header, first, Min(TOGETHER_AHEAD * TOGETHER_CHUNK, body.rows - first));
		barq_vector_keys_many(view, &header, &codec, queries, n, first, count, keys);
		for (int j = 0; j < n; j++)
			select_rows(&best[j], want, keys + (Size) j * count, count, first);
	}
	for (int j = 0; j < n; j++)
	{
		if (best[j].n > (Size) want)
			prune(&best[j], want);
		got = (int) best[j].n;
		barq_hits_sort(best[j].hits, got);
		memcpy(hits + (Size) j * want, best[j].hits, sizeof(BarqHit) * got);
		pfree(best[j].hits);
	}
	pfree(best);
	pfree(keys);
	return got;
}
