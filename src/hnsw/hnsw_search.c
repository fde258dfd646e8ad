/*
 * hnsw_search.c
 *	  Searching a body: descent over the upper layers (hnsw_descend.c), then a beam
 *	  over layer 0 (Malkov & Yashunin, algorithms 2 and 5), resumable.
 *
 * The beam holds the best rows met so far. Rows for which it has no room go to
 * `rest` (HnswVisited). When the caller has taken the whole beam, the best rows
 * of rest make the next beam; visited marks stay, so that no row is met twice.
 * When rest is empty too, all rows that the walk never reached are scored. So a
 * search that is driven to its end returns each row once.
 *
 * The walk passes through rows in `skip`, but does not count them: the beam
 * holds as many of them as lie before its `ef` other rows. Where skip leaves so
 * few rows that scoring each of them costs less, they are scored instead. With a filter
 * the walk meets only rows that it admits (hnsw_filter.c).
 *
 * Of a row's copies (hnsw_copies.c) the walk meets one, which links to all the
 * others. That copy is expanded only when it is due to be returned; expanded
 * earlier, the copies of one vector would fill the beam.
 *
 * A finite bound ends a beam early: when the nearest row not yet expanded is not
 * below the bound, and several expansions one after the other have found
 * neither a row below the bound nor a nearest row. The beam is kept, and a call
 * with a larger bound continues it.
 *
 * Of a graph that is searched after one of at least twice its rows, few rows beat the bound.
 * So its first beam is a third as broad (16 rows at least), until most do: then it is widened,
 * and the walk goes on as if it had been whole.
 */
#include "postgres.h"

#include <math.h>

#include "hnsw/hnsw_descend.h"
#include "hnsw/hnsw_search.h"
#include "miscadmin.h"

#define SWEEP_FACTOR	32		/* measured, see few_left() */
#define SEARCH_PATIENCE 8		/* expansions; see patience_of() */
#define SEARCH_INTERRUPT 256	/* expansions between interrupt checks */

/*
 * A graph that a larger one bounds is searched with this part of a beam, which becomes a
 * whole one where this share of its rows beat the bound (measured: docs/performance.md,
 * "Several graphs").
 */
#define NARROW			0.35
#define NARROW_LEAST	16	/* rows; fewer go astray: ef_search = 10 lost 0.03 recall@10 */
#define NARROW_BEATEN	0.75

#define HNSW_SAMPLES		4	/* rows of a search looked up in memory */

/*
 * For a search of an image that is not in memory: have the codes of n rows read
 * from disk at once, not one after the other.
 */
static void
read_rows_ahead(HnswSearch *search, const uint32 *rows, int n)
{
	const HnswGraph *graph = &search->graph;

	for (int i = 0; i < n; i++)
		barq_view_read_ahead(graph->view, graph->vector.codes_off +
							 (uint64) rows[i] * graph->codec.stride,
							 graph->codec.stride);
}

/*
 * Are some of n rows not in memory? A few of them are asked about,
 * since a system call for each would cost a search in memory some
 * percent.
 */
static bool
is_cold(const HnswSearch *search, const uint32 *rows, int n, int samples)
{
	const HnswGraph *graph = &search->graph;

	for (int i = 0; i < n; i += Max(n / samples, 1))
		if (barq_view_is_cold(graph->view, graph->vector.codes_off +
							  (uint64) rows[i] * graph->codec.stride))
			return true;
	return false;
}

/*
 * Before n rows are scored: see above. `samples`: how many rows are
 * asked about, if that was not done.
 */
static inline void
look_ahead(HnswSearch *search, const uint32 *rows, int n, int samples)
{
	if (unlikely(search->cold == HNSW_UNKNOWN))
	{
		search->cold = is_cold(search, rows, n, samples) ? HNSW_COLD : HNSW_WARM;
		barq_view_answer(search->graph.view, search->cold == HNSW_COLD);
	}
	if (unlikely(search->cold == HNSW_COLD))
		read_rows_ahead(search, rows, n);
}

/* HnswDescent.ahead of a search. */
static void
descend_ahead(void *arg, const uint32 *rows, int n)
{
	look_ahead(arg, rows, n, 1);
}

/*
 * Write the rows to which the upper layers lead to start[]; returns their number
 * (barq_hnsw_descend()).
 */
static int
descend(HnswSearch *search, BarqHit *start)
{
	HnswDescent descent = {
		.graph = &search->graph,
		.query = search->query,
		.visited = search->visited,
		.absent = HNSW_NONE,
		.ahead = search->cold == HNSW_WARM ? NULL : descend_ahead,
		.arg = search
	};
	int			n = barq_hnsw_descend(&descent, start);

	barq_hnsw_visited_expect(search->visited, HNSW_VISITS(search->ef));

	/* every search reads the upper layers: they are in memory before the others */
	if (search->asks && search->cold == HNSW_WARM)
		search->cold = HNSW_UNKNOWN;
	return n;
}

/*
 * Do two rows have identical vectors? Reads both, so rows read before become
 * invalid in a body without an image; ERRCODE_INDEX_CORRUPTED if one is damaged.
 * Called for rows with equal keys only, which are few. A body that is read by pages
 * lends one row at a time, so the first is copied.
 */
static bool
is_copy(HnswSearch *search, uint32 a, uint32 b)
{
	HnswGraph  *graph = &search->graph;
	Size		length;
	const void *row = barq_vector_read_row(graph->view, &graph->vector, &graph->codec,
										   a, &length);
	void	   *kept = NULL;
	bool		equal;

	if (search->lists == NULL)
		row = kept = memcpy(MemoryContextAlloc(search->context, length), row, length);
	equal = barq_rows_equal(&graph->codec, row,
							barq_vector_read_row(graph->view, &graph->vector,
												 &graph->codec, b, &length));
	if (kept != NULL)
		pfree(kept);
	return equal;
}

/*
 * Write the row's neighbours that were not visited to search->fresh and mark
 * them as visited; returns their number. ERRCODE_INDEX_CORRUPTED where a
 * neighbour is out of range.
 */
static inline int
gather(HnswSearch *search, uint32 row)
{
	HnswVisited *visited = search->visited;
	uint32		rows = search->graph.body.rows;
	int			degree;
	const uint32 *list = hnsw_search_list(search, row, &degree);
	int			nfresh = 0;

	for (int i = 0; i < degree; i++)
	{
		uint32		neighbour = list[i];

		if (unlikely(neighbour >= rows))
		{
			if (neighbour == HNSW_NONE)
				break;
			barq_vector_corrupted("neighbour outside of the graph");
		}
		search->fresh[nfresh] = neighbour;
		nfresh += barq_hnsw_visit(visited, neighbour);
	}
	return nfresh;
}

/*
 * With skip: move the rows behind the ef-th row that is not in skip from the
 * beam to rest. Rows of skip that were expanded are dropped instead: neither
 * they nor their neighbours are needed again.
 */
static void
trim(HnswSearch *search)
{
	while (search->count > search->ef ||
		   (search->count == search->ef &&
			hnsw_is_skipped(search, HNSW_ROW(search->beam[search->n - 1].row))))
	{
		BarqHit		last = search->beam[--search->n];

		if (!hnsw_is_skipped(search, HNSW_ROW(last.row)))
			search->count--;
		else if ((last.row & (HNSW_EXPANDED | HNSW_COPY)) == HNSW_EXPANDED)
			continue;
		hnsw_rest_reserve(search, 1);
		hnsw_rest_append(search, last.key, last.row);
	}
}

/*
 * Expansions without progress after which a bound ends a beam (measured:
 * docs/performance.md, "The graph's constants").
 */
static inline int
patience_of(const HnswSearch *search)
{
	return SEARCH_PATIENCE + search->ef / 8;
}

/*
 * Expand rows of the beam until all are expanded or the bound ends the beam.
 * Compiled twice, for searches with and without skip.
 */
static pg_attribute_always_inline void
advance_beam(HnswSearch *search, float bound, bool with_skip)
{
	int			patience = patience_of(search);
	int			interrupt = SEARCH_INTERRUPT;

	while (search->next < search->n)
	{
		BarqHit    *beam = search->beam;
		uint32		row = beam[search->next].row;
		float		own = beam[search->next].key;
		bool		progress = false;
		int			nfresh;

		if (row & HNSW_EXPANDED)
		{
			search->next++;
			continue;
		}
		if (unlikely(!barq_key_below(own, bound)) &&
			search->stale >= patience)
			return;
		if (--interrupt == 0)
		{
			CHECK_FOR_INTERRUPTS();
			interrupt = SEARCH_INTERRUPT;
		}
		beam[search->next++].row = row | HNSW_EXPANDED;
		row = HNSW_ROW(row);

		nfresh = search->filter == NULL || search->through ? gather(search, row) :
			barq_hnsw_gather_admitted(search, row);
		look_ahead(search, search->fresh, nfresh, HNSW_SAMPLES);
		hnsw_score(search, search->fresh, nfresh);
		hnsw_rest_reserve(search, nfresh);
		if (with_skip)
		{
			hnsw_beam_reserve(search, (Size) search->n + nfresh);
			beam = search->beam;
		}
		for (int i = 0; i < nfresh; i++)
		{
			float		key = search->keys[i];
			uint32		id = search->fresh[i];
			uint32		flags = 0;
			bool		full = search->count >= search->ef + search->copies;
			int			place;

			/* while opening: rows nearer than the copy go to rest, not before it */
			if ((full && !(key < beam[search->n - 1].key)) ||
				unlikely(search->opening && key < own))
			{
				if (with_skip)
					hnsw_rest_reserve(search, 1);	/* trim() may have used the room */
				hnsw_rest_append(search, key, id);
				continue;
			}
			if (search->lists != NULL)
			{
				const char *list = search->lists + (uint64) id * search->list_bytes;

				__builtin_prefetch(list);
				__builtin_prefetch(list + 64);
				if (unlikely(search->cold == HNSW_COLD))
					barq_view_read_ahead(search->graph.view,
										 list - search->graph.view->base,
										 search->list_bytes);
			}
			if (!with_skip && full)
			{
				BarqHit		last = beam[--search->n];

				hnsw_rest_append(search, last.key, last.row);
				if ((last.row & HNSW_COPY) && search->copies > 0)
					search->copies--;
			}
			if (unlikely(key == own) && is_copy(search, row, id))
			{
				flags = HNSW_EXPANDED | HNSW_COPY;
				/* one for the copy that a row links to, not for those behind it */
				if (!with_skip && !search->opening && search->copies < search->ef)
					search->copies++;
				/* copies leave the order of the beam, so it can't be widened later */
				search->ef = Max(search->ef, search->whole);
				search->whole = 0;
			}
			place = hnsw_beam_insert(beam, search->start, search->n, key, id | flags);
			search->n++;
			progress |= (key < bound || place == search->start);
			if (place < search->next)
				search->next = place;
			if (!with_skip)
				search->count = search->n;
			else if (!hnsw_is_skipped(search, id))
			{
				search->count++;
				trim(search);
			}
		}
		search->stale = progress ? 0 : search->stale + 1;
	}
}

void
barq_hnsw_advance(HnswSearch *search, float bound)
{
	/* what a filter does not admit is not in the beam */
	if (search->skip == NULL)
		advance_beam(search, bound, false);
	else
		advance_beam(search, bound, true);
}

/* Rows of the beam of a search of this breadth. */
static inline int
beam_rows(int breadth)
{
	return Max(breadth, 1) + Max(breadth, 0) / 4;
}

/* BarqVectorSearchOps.begin */
static BarqSearch *
hnsw_search_begin(BarqView *view, const BarqSearchParams *params)
{
	HnswSearch *search = palloc0(sizeof(HnswSearch));
	HnswGraph  *graph = &search->graph;

	barq_hnsw_open(view, graph);
	search->context = CurrentMemoryContext;
	search->query = params->query;
	search->filter = params->filter;
	search->recall = params->recall;
	search->afar = params->afar ? HNSW_AFAR_WANTED : HNSW_AFAR_NOT;
	search->skip = params->filter == NULL ? params->skip : NULL;
	search->ef = search->breadth = beam_rows(params->breadth);
	search->factor = 1;
	search->lesser = params->lesser && params->filter == NULL;
	search->degree = 2 * graph->header.m;
	search->list_bytes = graph->header.list_bytes;
	if (view->base != NULL)
		search->lists = view->base + graph->header.lists_off;
	search->asks = barq_view_asks(view);
	search->cold = search->asks ? HNSW_UNKNOWN : HNSW_WARM;
	search->list = palloc(search->degree * sizeof(uint32));
	search->hops = palloc(search->degree * sizeof(uint32));
	search->near = palloc((search->degree + 1) * sizeof(uint32));
	search->fresh = palloc(((HNSW_MOST_FRESH + 1) * search->degree + 1) * sizeof(uint32));
	search->keys = palloc((HNSW_MOST_FRESH * search->degree + 1) * sizeof(float));
	search->beam_size = hnsw_beam_room(search);
	search->beam = MemoryContextAllocHuge(search->context, search->beam_size * sizeof(BarqHit));
	search->bound = INFINITY;
	if (graph->body.rows > 0)
		search->visited = barq_hnsw_visited_borrow(graph->body.rows, HNSW_VISITS(HNSW_DESCENT));
	return (BarqSearch *) search;
}

/*
 * For a query far from the rows: add the nearest of rows from all over the segment to the
 * rows for which the beam has no room. Not where they would be read from disk.
 */
static void
meet_afar(HnswSearch *search)
{
	BarqHit    *nearest = MemoryContextAlloc(search->context, sizeof(BarqHit) * search->degree);
	int			n = search->cold == HNSW_COLD ? 0 : barq_hnsw_nearest_afar(search, nearest);

	hnsw_rest_reserve(search, n);
	for (int i = 0; i < n; i++)
		hnsw_rest_append(search, nearest[i].key, nearest[i].row);
	pfree(nearest);
	search->afar = HNSW_AFAR_MET;
}

/* The same for the first beam, whose first rows are there. */
static void
begin_afar(HnswSearch *search)
{
	if (search->afar != HNSW_AFAR_WANTED || search->ef < 2 * search->degree)
		return;
	meet_afar(search);
	for (; search->nrest > 0; search->nrest--)
	{
		BarqHit		hit = search->visited->rest[search->nrest - 1];

		hnsw_beam_insert(search->beam, 0, search->n++, hit.key, hit.row);
		search->count += !hnsw_is_skipped(search, hit.row);
	}
}

/*
 * Make the first beam: the rows to which the upper layers lead. max: rows that
 * the caller wants at once; the beam holds at least as many, or, if it is narrow, will
 * where as many beat the bound.
 */
static void
begin_beam(HnswSearch *search, float bound, int max)
{
	BarqHit		start[HNSW_DESCENT];
	int			n;

	search->ef = Max(search->ef, Min(max, HNSW_MOST_EF));
	hnsw_beam_reserve(search, hnsw_beam_room(search));
	if (search->lesser && !isinf(bound))
	{
		search->whole = search->ef;
		search->ef = Max((int) (search->ef * NARROW), Min(search->ef, NARROW_LEAST));
	}
	n = descend(search, start);
	if (search->filter != NULL)
	{
		HnswWay		way = barq_hnsw_begin_filtered(search, start[0].row);

		search->through = way == HNSW_WALK_ALL;
		if (way == HNSW_SCORE_ADMITTED)
			barq_hnsw_sweep(search);	/* the caller makes the first beam */
		if (way != HNSW_WALK_ALL)
			return;
		hnsw_beam_reserve(search, hnsw_beam_room(search));
	}
	search->n = search->count = 0;
	for (int i = 0; i < n; i++)
	{
		/* a damaged body may lead to a row twice */
		if (!barq_hnsw_visit(search->visited, start[i].row))
			continue;
		search->beam[search->n++] = start[i];
		search->count += !hnsw_is_skipped(search, start[i].row);
	}
	begin_afar(search);
}

/*
 * Does skip leave so few rows that scoring each of them costs less than a walk? No
 * side effects. A walk expands about ef · rows / left rows until ef of them are not in
 * skip; an expansion costs as much as scoring SWEEP_FACTOR rows one after the
 * other (docs/performance.md). A walk with a finite bound, which other segments
 * have set, ends after about twice its patience.
 */
static bool
few_left(const HnswSearch *search, float bound)
{
	uint32		rows = search->graph.body.rows;
	int			expanded = isinf(bound) ? search->ef :
		Min(search->ef, 2 * patience_of(search));
	double		limit = sqrt((double) SWEEP_FACTOR * expanded * rows);

	return search->skip != NULL &&
		barq_bits_clear_count(search->skip, rows, (uint32) limit) <= limit;
}

/*
 * After a walk through all rows: does the filter admit hardly any of those in the first
 * beam? Then they are excluded around the query, further than its first neighbours.
 */
static bool
hardly_any(const HnswSearch *search)
{
	int			admitted = 0;

	for (int i = 0; i < search->n; i++)
		admitted += hnsw_is_wanted(search, HNSW_ROW(search->beam[i].row));
	return (double) admitted / Max(search->n, 1) <
		(double) search->filter->count / search->graph.body.rows / 4;
}

/* Begin the search anew, through admitted rows; no row has been returned. */
static void
walk_admitted(HnswSearch *search)
{
	barq_hnsw_visited_clear(search->visited);
	search->nrest = 0;
	search->n = search->next = search->stale = search->copies = 0;
	search->ef = search->breadth;
	search->factor = 1;
	search->through = false;
	search->excluded = true;
	begin_beam(search, INFINITY, 0);
}

/*
 * Make a narrow first beam whole, if so many of its rows beat the bound that it may have
 * missed some. False if it stays as it is.
 */
static bool
make_whole(HnswSearch *search, float bound)
{
	int			beaten = (int) (search->ef * NARROW_BEATEN);

	if (search->whole == 0 || search->batch > 1 || search->start > 0 || search->n <= beaten ||
		!barq_key_below(search->beam[beaten].key, bound))
		return false;
	search->ef = search->whole;
	search->whole = 0;
	barq_hnsw_widen_beam(search);
	return true;
}

/* BarqVectorSearchOps.next */
static int
hnsw_search_next(BarqSearch *opaque, float bound, BarqHit *hits, int max)
{
	HnswSearch *search = (HnswSearch *) opaque;
	int			n = 0;

	if (max <= 0 || search->visited == NULL)
		return 0;
	if (search->batch == 0)
	{
		if (few_left(search, bound))
			barq_hnsw_sweep(search);
		else
			begin_beam(search, bound, max);
		search->batch = 1;
		if (search->swept)
			(void) barq_hnsw_next_beam(search, bound, max);
	}
	if (bound > search->bound)
		search->stale = 0;
	search->bound = bound;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		barq_hnsw_advance(search, bound);

		if (search->through && search->batch == 1 && search->start == 0 && hardly_any(search))
		{
			walk_admitted(search);
			continue;
		}
		if (make_whole(search, bound))
			continue;

		/* rows below bound are expanded, so they may leave the beam */
		while (n < max && search->start < search->n &&
			   barq_key_below(search->beam[search->start].key, bound))
		{
			BarqHit		hit = search->beam[search->start];

			if (hit.row & HNSW_COPY)
			{
				search->beam[search->start].row = HNSW_ROW(hit.row);
				search->next = search->start;
				search->opening = true;
				barq_hnsw_advance(search, bound);
				search->opening = false;
				continue;
			}
			search->start++;
			Assert(hit.row & HNSW_EXPANDED);
			hit.row = HNSW_ROW(hit.row);
			if (hnsw_is_wanted(search, hit.row))
				hits[n++] = hit;
		}
		if (n > 0 || search->start < search->n)
			return n;
		if (!barq_hnsw_next_beam(search, bound, max))
			return 0;
		search->batch++;
	}
}

/*
 * BarqVectorSearchOps.broaden: the first beam, whose rows are all kept, takes the best
 * rows of rest as well, for which it had no room. A broader beam would have expanded the
 * same rows so far, in the same order (hnsw_breadth.c); nearly, with a filter, for what a
 * walk through admitted rows asks depends on what it has asked, and with skip, whose
 * expanded rows trim() may have dropped. Not with copies, which leave the order of the beam.
 */
static bool
hnsw_search_broaden(BarqSearch *opaque, int breadth, int probes, bool afar)
{
	HnswSearch *search = (HnswSearch *) opaque;

	if (search->visited == NULL || search->batch != 1 || search->copies > 0 ||
		beam_rows(breadth) <= search->breadth)
		return false;
	search->breadth = beam_rows(breadth);
	search->whole = 0;

	/* far from all rows, a walk through admitted ones finds no more than one of all */
	if (afar)
		search->factor = Max(search->factor, 1);
	search->ef = Max(search->ef, (int) (search->breadth * search->factor));
	if (afar && search->afar != HNSW_AFAR_MET && !search->swept)
		meet_afar(search);
	barq_hnsw_widen_beam(search);
	return true;
}

/* BarqVectorSearchOps.end */
static void
hnsw_search_end(BarqSearch *opaque)
{
	HnswSearch *search = (HnswSearch *) opaque;

	if (search->visited != NULL)
		barq_hnsw_visited_return(search->visited);
	search->visited = NULL;
}

static const BarqVectorSearchOps search_ops = {
	.begin = hnsw_search_begin,
	.next = hnsw_search_next,
	.end = hnsw_search_end,
	.broaden = hnsw_search_broaden,
	.row_code = barq_vector_row_code,
	.breadths = barq_hnsw_breadths,
	.isolation = barq_hnsw_isolation,
	.within = barq_vector_within,
};

const BarqSegmentKind barq_hnsw_kind = {
	.id = BARQ_KIND_HNSW,
	.name = "hnsw",
	.jumps = true,
	.check = barq_hnsw_check,
	.vectors = &search_ops,
};
