/*
 * hnsw_beams.c
 *	  The rows of a search's beams: the best of those that the walk has met and for which
 *	  there was no room yet (`rest`).
 */
#include "postgres.h"

#include <math.h>

#include "hnsw/hnsw_search.h"
#include "miscadmin.h"

/* Append the best n rows of rest to the beam, behind those that it has, in no order. */
static void
take_best(HnswSearch *search, Size n)
{
	BarqHit    *rest = search->visited->rest;

	barq_hits_select(rest, search->nrest, n);
	hnsw_beam_reserve(search, search->n + n + hnsw_beam_room(search));
	memcpy(search->beam + search->n, rest, n * sizeof(BarqHit));
	memmove(rest, rest + n, (search->nrest - n) * sizeof(BarqHit));
	search->nrest -= n;
	for (Size i = 0; i < n; i++)
		search->count += !hnsw_is_skipped(search, HNSW_ROW(search->beam[search->n++].row));
}

/* Put the beam in order, and expand from its first row on. */
static void
restart(HnswSearch *search)
{
	barq_hits_sort(search->beam, search->n);
	search->start = search->next = search->stale = 0;
}

/* Score the n rows in search->fresh and append them to rest as expanded. */
static void
sweep_batch(HnswSearch *search, int n)
{
	hnsw_score(search, search->fresh, n);
	hnsw_rest_reserve(search, n);
	for (int i = 0; i < n; i++)
		hnsw_rest_append(search, search->keys[i], search->fresh[i] | HNSW_EXPANDED);
}

void
barq_hnsw_sweep(HnswSearch *search)
{
	HnswVisited *visited = search->visited;
	uint32		rows = search->graph.body.rows;
	const uint8 *skip = search->closed != NULL ? search->closed :
		search->filter != NULL ? search->filter->skip : search->skip;
	bool		ask = search->filter != NULL && search->closed == NULL;
	int			n = 0;

	for (uint32 first = 0; first < rows; first += 64)
	{
		uint64		word = skip == NULL ? PG_UINT64_MAX :
			barq_bits_clear_word(skip, rows, first / 64);

		if ((first & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		for (; word != 0; word &= word - 1)
		{
			uint32		row = first + __builtin_ctzll(word);

			if (row >= rows)
				break;
			if (ask && !barq_row_filter_admits(search->filter, row))
				continue;
			search->fresh[n] = row;
			n += search->closed != NULL || barq_hnsw_visit(visited, row);
			if (n == search->degree)
			{
				sweep_batch(search, n);
				n = 0;
			}
		}
	}
	sweep_batch(search, n);
	search->swept = true;
}

bool
barq_hnsw_next_beam(HnswSearch *search, float bound, int max)
{
	const BarqHit *rest;
	float		best = INFINITY;

	if (search->nrest == 0)
	{
		if (search->swept)
			return false;
		barq_hnsw_sweep(search);
		if (search->nrest == 0)
			return false;
	}
	rest = search->visited->rest;
	for (Size i = 0; i < search->nrest; i++)
		best = Min(best, rest[i].key);
	if (!barq_key_below(best, bound))
		return false;

	/*
	 * A caller that wants a third beam will want more: from there on each beam
	 * is twice as wide as the last.
	 */
	if (search->batch > 1)
		search->ef = Max(search->ef, Min(search->ef * 2, HNSW_MOST_EF));
	search->ef = Max(search->ef, Min(max, HNSW_MOST_EF));
	search->n = search->count = search->copies = 0;
	take_best(search, Min((Size) search->ef, search->nrest));
	restart(search);
	return true;
}

void
barq_hnsw_widen_beam(HnswSearch *search)
{
	/* rows in skip do not count, so it may take several times */
	while (search->count < search->ef && search->nrest > 0)
		take_best(search, Min((Size) (search->ef - search->count), search->nrest));
	restart(search);
}
