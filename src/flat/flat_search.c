/*
 * flat_search.c
 *	  Searching a flat body: the first call scores all rows, each call selects
 *	  the best of those not yet returned.
 *
 * Rows are returned in the total order of (key, row), so the last pair returned
 * is all that a search must remember to go on. Each refill selects four times
 * as many rows as the refill before, so that draining a segment of n rows costs
 * O(n log n), not O(n^2 / max).
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "flat/vector_body.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

#define FLAT_CHUNK		256		/* rows scored, then compared with the limit */
#define FLAT_FIRST		64		/* rows selected by the first refill, at least */
#define FLAT_LAST		65536	/* rows selected by a refill, at most, unless the
	* caller wants more */

typedef struct FlatSearch
{
	MemoryContext context;
	BarqView   *view;
	const BarqQuery *query;
	const uint8 *skip;
	uint8	   *passed;			/* rows returned by half codes; NULL: none */
		const uint32 *ids;			/* the rows to search, ascending; NULL: all */
		uint32		rows;			/* their number */
		BarqVectorHeader header;
	BarqCodec	codec;

	float	   *keys;			/* of every row to search; NULL until scored */
		bool		returned;		/* whether last is set */
		BarqHit		last;			/* the last pair returned */

	/* best rows after last, sorted; ready[0 .. next-1] have been returned */
	BarqHit    *ready;
	int			nready;
	int			next;
	int			want;			/* rows to select at the next refill */
		Size		ready_size;
	bool		filled;			/* whether there was a refill */
		float		bound;			/* bound of the last refill */
		bool		complete;		/* whether ready has all rows below that bound */
		bool		halved;			/* whether ready is from half codes */
} FlatSearch;

/* BarqVectorSearchOps.begin */
static BarqSearch *
flat_search_begin(BarqView *view, const BarqSearchParams *params)
{
	FlatSearch *search = palloc0(sizeof(FlatSearch));
	BarqBodyHeader body;

	barq_vector_open(view, &body, &search->header, &search->codec);
	search->context = CurrentMemoryContext;
	search->view = view;
	search->query = params->query;
	search->skip = params->skip;
	search->ids = params->rows;
	search->rows = params->rows != NULL ? params->nrows : body.rows;
	Assert(search->rows <= body.rows);
	search->want = FLAT_FIRST;
	return (BarqSearch *) search;
}

/* If `count` rows from `first` on are not in memory, have them all read at once. */
static void
read_ahead(const FlatSearch *search, uint32 first, uint32 count)
{
	uint64		stride = search->header.stride;
	uint64		off = search->header.codes_off +
		stride * (search->ids != NULL ? search->ids[first] : first);

	if (!barq_view_is_cold(search->view, off))
		return;
	if (search->ids == NULL)
		barq_view_read_ahead(search->view, off, count * stride);
	else
		for (uint32 i = first; i < first + count; i++)
			barq_view_read_ahead(search->view, search->header.codes_off + stride * search->ids[i],
								 stride);
}

/* A selection of the best rows, in search->ready. */
typedef struct Selection
{
	Size		n;				/* rows in ready */
		Size		room;			/* elements of ready */
		float		bound;			/* of the caller */
		float		limit;			/* rows at or above it cannot be selected */
		bool		complete;		/* whether no row below the bound was dropped */
} Selection;

/* Add a row, whose key is below the limit, unless it was returned or is to be skipped. */
static void
select_row(FlatSearch *search, Selection *s, BarqHit hit)
{
	if (search->returned && !barq_hit_before(search->last, hit))
		return;
	if (search->skip != NULL && barq_bit_is_set(search->skip, hit.row))
		return;
	if (search->passed != NULL && barq_bit_is_set(search->passed, hit.row))
		return;
	search->ready[s->n++] = hit;
	if (s->n < s->room)
		return;

	/*
	 * Keep the better half. Rows still to come have higher numbers, so those with
	 * the key of the worst row kept are not among the best: the limit may exclude
	 * that key. An infinite limit would exclude nothing (barq_key_below), so then
	 * the bound remains the limit.
	 */
	s->limit = barq_hits_keep(search->ready, s->n, search->want);
	s->n = search->want;
	s->complete = false;
	if (s->limit == INFINITY)
		s->limit = s->bound;
}

/* Select from the keys of all rows, which the first call computes. */
static void
select_by_keys(FlatSearch *search, Selection *s)
{
	bool		score = (search->keys == NULL);

	if (score)
		search->keys = MemoryContextAllocHuge(search->context, sizeof(float) * Max(search->rows, 1));
	for (uint32 first = 0; first < search->rows; first += FLAT_CHUNK)
	{
		int			count = Min(FLAT_CHUNK, search->rows - first);
		float	   *keys = search->keys + first;
		uint32		found[FLAT_CHUNK];
		int			nfound;

		if (((first / FLAT_CHUNK) & 63) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			if (score)
				read_ahead(search, first, Min(64 * FLAT_CHUNK, search->rows - first));
		}
		if (score)
			barq_vector_keys(search->view, &search->header, &search->codec,
							 search->query, search->ids != NULL ? search->ids + first : NULL,
							 search->ids != NULL ? 0 : first, count, keys);
		nfound = barq_kernels->find_at_most(keys, count, s->limit, found);
		for (int i = 0; i < nfound; i++)
		{
			uint32		at = first + found[i];

			if (barq_key_below(search->keys[at], s->limit))
				select_row(search, s, (BarqHit) {search->keys[at], search->ids != NULL ? search->ids[at] : at});
		}
	}
}

/* Select by half codes, without keys of the rows that are beyond the bound. */
static void
select_by_halves(FlatSearch *search, Selection *s, const BarqHalfTerms *terms)
{
	for (uint32 first = 0; first < search->rows; first += FLAT_CHUNK)
	{
		uint32		rows[FLAT_CHUNK];
		float		keys[FLAT_CHUNK];
		int			n;

		if (((first / FLAT_CHUNK) & 63) == 0)
		{
			CHECK_FOR_INTERRUPTS();
			if (barq_halves_are_cold(search->view, &search->header, &search->codec, first))
				barq_halves_read_ahead(search->view, &search->header, &search->codec, first,
									   Min(64 * FLAT_CHUNK, search->rows - first));
		}
		n = barq_halves_find(search->view, &search->header, &search->codec, search->query, terms,
							 first, Min(FLAT_CHUNK, search->rows - first), s->limit, rows);
		if (n == 0)
			continue;
		barq_vector_keys(search->view, &search->header, &search->codec, search->query, rows, 0, n,
						 keys);
		for (int i = 0; i < n; i++)
			if (keys[i] < s->limit)
				select_row(search, s, (BarqHit) {keys[i], rows[i]});
	}
}

/*
 * The rows in search->ready, which half codes found, have been returned. Rows that they
 * missed come before the last of these, so rows are passed by their numbers from now on.
 */
static void
pass_returned(FlatSearch *search)
{
	Size		bytes = Max(barq_bits_bytes(search->rows), 1);

	search->passed = MemoryContextAllocHuge(search->context, bytes);
	memset(search->passed, 0, bytes);
	for (int i = 0; i < search->next; i++)
		barq_bit_set(search->passed, search->ready[i].row);
	search->returned = search->halved = false;
}

/*
 * Fill search->ready with the best search->want rows that have a key below
 * bound and follow search->last, sorted. Scores all rows at the first call, unless half
 * codes say which may be below the bound.
 */
static void
refill(FlatSearch *search, float bound)
{
	Selection	s = {0, (Size) search->want * 2, bound, bound, true};
	BarqHalfTerms terms;

	if (search->halved)
		pass_returned(search);
	if (search->ready_size < s.room)
	{
		if (search->ready != NULL)
			pfree(search->ready);
		search->ready = NULL;
		search->ready = MemoryContextAllocHuge(search->context, s.room * sizeof(BarqHit));
		search->ready_size = s.room;
	}
	if (!search->filled && search->ids == NULL &&
		barq_halves_begin(search->view, &search->header, search->query, bound, &terms))
	{
		select_by_halves(search, &s, &terms);
		search->halved = true;
	}
	else
		select_by_keys(search, &s);
	if (s.n > (Size) search->want)
	{
		barq_hits_select(search->ready, s.n, search->want);
		s.n = search->want;
		s.complete = false;
	}
	barq_hits_sort(search->ready, s.n);
	search->nready = (int) s.n;
	search->next = 0;
	search->filled = true;
	search->bound = bound;
	search->complete = s.complete;
	search->want = Min(search->want * 4, FLAT_LAST);
}

/* BarqVectorSearchOps.next */
static int
flat_search_next(BarqSearch *opaque, float bound, BarqHit *hits, int max)
{
	FlatSearch *search = (FlatSearch *) opaque;
	int			n = 0;

	if (max <= 0 || search->rows == 0)
		return 0;
	if (!search->filled ||
		(search->next == search->nready &&
		 (!search->complete || bound > search->bound)))
	{
		search->want = Max(search->want, max);
		refill(search, bound);
	}
	while (n < max && search->next < search->nready &&
		   barq_key_below(search->ready[search->next].key, bound))
		hits[n++] = search->ready[search->next++];
	if (n > 0)
	{
		search->last = hits[n - 1];
		search->returned = true;
	}
	return n;
}

/* BarqVectorSearchOps.broaden: all rows are scored; they are returned again */
static bool
flat_search_broaden(BarqSearch *opaque, int breadth, int probes, bool afar)
{
	FlatSearch *search = (FlatSearch *) opaque;

	search->returned = search->filled = search->halved = false;
	search->nready = search->next = 0;
	if (search->passed != NULL)
		pfree(search->passed);
	search->passed = NULL;
	return true;
}

/* BarqVectorSearchOps.end */
static void
flat_search_end(BarqSearch *search)
{
	/* a flat search holds memory only, which its context owns */
}


static const BarqVectorSearchOps search_ops = {
	.begin = flat_search_begin,
	.next = flat_search_next,
	.end = flat_search_end,
	.broaden = flat_search_broaden,
	.row_code = barq_vector_row_code,
	.within = barq_vector_within,
};

const BarqSegmentKind barq_flat_kind = {
	.id = BARQ_KIND_FLAT,
	.name = "flat",
	.check = barq_vector_check,
	.vectors = &search_ops,
};
