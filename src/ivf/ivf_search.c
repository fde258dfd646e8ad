/*
 * ivf_search.c
 *	  Searching a body: rank lists by their centroids, score the rows of the
 *	  nearest lists (*probe* them), select the best rows for each call.
 *
 * All keys are kept in the order in which lists were probed, so that each row
 * has a *place*: the number of rows before it. A later call selects from the
 * keys again; the key of a row that was returned is NaN.
 *
 * Which lists are probed. First `probes` lists, and more in small indexes, until
 * IVF_AHEAD times as many rows are scored as the breadth of the search. Later calls
 * probe further lists, as many at a time, until IVF_AHEAD times as many rows are
 * scored as were wanted so far (the farther down the ranking, the more lists hold
 * some of its rows; measured in docs/performance.md). Further lists are also probed when the rows
 * scored cannot fill a call without a bound. A call with a bound has enough rows
 * from other segments and is not filled up.
 *
 * Inner products. The best rows are in lists of long rows, whose centroids have
 * a large product with the query. Rows of a wide list reach farther beyond
 * their centroid than rows of a narrow list, so lists are ranked by the product
 * with the centroid plus SPREADS spreads (ivf_spread()). Long rows are few, so
 * their lists are short: if the number of probes was chosen by this file, lists
 * are probed until as many rows are scored as that many lists of equal length
 * would hold.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "ivf/ivf_search.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

#define IVF_AHEAD	32			/* rows scored for each row wanted */
#define IVF_SAMPLES	4			/* lists of a search looked up in memory */
#define IVF_LAST	65536		/* rows selected by a refill, at most, unless the
	* caller wants more */

uint32
barq_ivf_choose_probes(uint32 lists)
{
	/* measured: docs/performance.md, "IVF" */
	return (uint32) Min((double) lists, ceil(sqrt((double) lists)));
}

uint32
barq_ivf_lists_of(BarqView *view)
{
	IvfLists	lists;

	barq_ivf_open(view, &lists);
	return lists.header.lists;
}

static void take_start(IvfSearch *search, const BarqSearchStart *start);

/* Set how many lists are probed at a time, and the rows to be scored at least. */
static void
set_extent(IvfSearch *search, int breadth, int probes)
{
	uint32		lists = search->lists.header.lists;
	bool		beside_graphs = search->ahead == BARQ_IVF_AHEAD_BESIDE;

	search->at_once = probes > 0 ? (uint32) probes :
		Min(lists, barq_ivf_choose_probes(lists) *
			(beside_graphs ? Max(breadth / IVF_BREADTH_PER_PROBES, 1) : 1));
	if (probes == 0 && search->lists.header.spreads_off != 0)
		search->least_rows = (uint32) ((uint64) search->lists.body.rows * search->at_once /
									   Max(lists, 1));

	/*
	 * A first call that emptied its probes would return far rows before nearer
	 * ones of other lists.
	 */
	if (!search->probes_only)
		search->least_rows = Max(search->least_rows, (uint32) breadth * search->ahead);
}

BarqSearch *
barq_ivf_begin(BarqView *view, const BarqSearchParams *params)
{
	IvfSearch  *search = palloc0(sizeof(IvfSearch));

	barq_ivf_open(view, &search->lists);
	search->context = CurrentMemoryContext;
	search->query = params->query;
	search->filter = params->filter;
	search->skip = params->filter == NULL ? params->skip : NULL;
	search->probes_only = params->probes_only;
	search->ahead = params->beside_graphs ? BARQ_IVF_AHEAD_BESIDE : IVF_AHEAD;
	set_extent(search, params->breadth, params->probes);
	search->want = IVF_FIRST;
	search->halved = params->filter == NULL && params->recall == 0;
	if (params->start != NULL)
		take_start(search, params->start);
	return (BarqSearch *) search;
}

void
barq_ivf_score(const IvfLists *lists, const BarqQuery *const *queries, int nqueries,
			   uint64 off, uint32 n, float *keys)
{
	BarqView   *view = lists->view;
	Size		stride = lists->codec.stride;

	if (view->base != NULL)
		barq_queries_keys(queries, nqueries, view->base + off, stride, (int) n, keys);
	else
	{
		for (uint32 i = 0; i < n; i++)
		{
			const void *row = barq_view_read(view, off + i * stride, lists->codec.row_bytes);

			for (int j = 0; j < nqueries; j++)
				keys[(Size) j * n + i] = barq_query_key(queries[j], row);
		}
	}
}

/* Write the keys of the n codes that lie from offset off on to keys[]. */
static void
score(IvfSearch *search, uint64 off, uint32 n, float *keys)
{
	barq_ivf_score(&search->lists, &search->query, 1, off, n, keys);
	barq_keys_clean(keys, (int) n);
}

/* Set the ranking's elements of lists [first, first + count) from their centroids' keys. */
static void
rank_some(IvfSearch *search, uint32 first, uint32 count, float *keys)
{
	barq_keys_clean(keys, (int) count);
	if (search->lists.header.spreads_off != 0)
	{
		double		far = IVF_SPREADS * barq_query_norm(search->query);

		for (uint32 i = 0; i < count; i++)
			keys[i] -= (float) (far * ivf_spread(&search->lists, first + i));
		barq_keys_clean(keys, (int) count);
	}
	for (uint32 i = 0; i < count; i++)
		search->ranking[first + i] = (BarqHit) {keys[i], first + i};
}

void
barq_ivf_rank_lists(IvfSearch *const *searches, int nsearches)
{
	const IvfLists *lists = &searches[0]->lists;
	uint32		n = lists->header.lists;
	const BarqQuery *queries[IVF_TOGETHER];
	float		keys[IVF_TOGETHER * IVF_CHUNK];

	Assert(nsearches <= IVF_TOGETHER);
	for (int j = 0; j < nsearches; j++)
	{
		queries[j] = searches[j]->query;
		searches[j]->ranking = MemoryContextAlloc(searches[j]->context, sizeof(BarqHit) * n);
	}
	if (searches[0]->at_once >= n)
	{
		/* all are probed: in list order, so that rows of equal key stay in order */
		for (int j = 0; j < nsearches; j++)
		{
			for (uint32 i = 0; i < n; i++)
				searches[j]->ranking[i] = (BarqHit) {0, i};
			searches[j]->ranked = n;
		}
		return;
	}
	if (barq_view_asks(lists->view) &&
		barq_view_is_cold(lists->view, ivf_centroid_off(lists, 0)))
		barq_view_read_ahead(lists->view, ivf_centroid_off(lists, 0),
							 (uint64) n * lists->codec.stride);
	for (uint32 first = 0; first < n; first += IVF_CHUNK)
	{
		uint32		count = Min(IVF_CHUNK, n - first);

		CHECK_FOR_INTERRUPTS();
		barq_ivf_score(lists, queries, nsearches, ivf_centroid_off(lists, first), count, keys);
		for (int j = 0; j < nsearches; j++)
			rank_some(searches[j], first, count, keys + (Size) j * count);
	}
}

/*
 * Append a list to the probes; `more` are to be appended with it.
 * ERRCODE_INDEX_CORRUPTED where lists overlap.
 */
static void
add_probe(IvfSearch *search, uint32 list, uint32 more)
{
	Probe	   *probe;
	uint32		end;

	if (search->nprobes == search->probes_room)
	{
		search->probes_room += more;
		search->probes = search->probes == NULL ?
			MemoryContextAlloc(search->context, sizeof(Probe) * search->probes_room) :
			repalloc(search->probes, sizeof(Probe) * search->probes_room);
	}
	probe = &search->probes[search->nprobes++];
	barq_ivf_list(&search->lists, list, &probe->first, &end);
	probe->rows = end - probe->first;
	probe->place = search->places;
	probe->list = list;

	/* only lists of a damaged body overlap */
	if (probe->rows > search->lists.body.rows - search->places)
		barq_vector_corrupted("more rows in lists than in all");
	search->places += probe->rows;
}

/* Make room for the keys of all probes. */
static void
reserve_keys(IvfSearch *search)
{
	Size		bytes = sizeof(float) * (Size) Max(search->places, 1);

	if (search->keys != NULL && search->keys_room >= search->places)
		return;
	search->keys = search->keys == NULL ? MemoryContextAllocHuge(search->context, bytes) :
		repalloc_huge(search->keys, bytes);
	search->keys_room = search->places;
}

/*
 * Of the probes from `first` on, which are not scored: set the keys of rows that the
 * filter does not admit to NaN, as if they had been returned, of others to 0, and count
 * these.
 */
static void
ask_filter(IvfSearch *search, uint32 first)
{
	for (uint32 p = first; p < search->nprobes; p++)
	{
		const Probe *probe = &search->probes[p];
		float	   *keys = search->keys + probe->place;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < probe->rows; i++)
		{
			bool		admitted = barq_row_filter_admits(search->filter, probe->first + i);

			keys[i] = admitted ? 0 : NAN;
			search->admitted += admitted;
		}
	}
}

/* score() for `count` rows of which the filter admits some, as ask_filter() has found. */
static void
score_admitted(IvfSearch *search, uint32 first, uint32 count, float *keys)
{
	uint32		ids[IVF_CHUNK];
	float		scored[IVF_CHUNK];
	int			n = 0;

	for (uint32 i = 0; i < count; i++)
		if (keys[i] == 0)
			ids[n++] = first + i;
	if (n == 0)
		return;
	barq_vector_keys(search->lists.view, &search->lists.vector, &search->lists.codec,
					 search->query, ids, 0, n, scored);
	n = 0;
	for (uint32 i = 0; i < count; i++)
		if (keys[i] == 0)
			keys[i] = scored[n++];
}

/*
 * Append the next `count` nearest lists, or those that are left, to the probes;
 * the next refill scores them. ERRCODE_INDEX_CORRUPTED where lists overlap.
 */
static void
probe_more(IvfSearch *search, uint32 count)
{
	count = Min(count, search->lists.header.lists - search->nprobes);
	if (search->ranking == NULL)
		barq_ivf_rank_lists(&search, 1);
	if (search->ranked < search->nprobes + count)
	{
		BarqHit    *rest = search->ranking + search->ranked;
		uint32		nrest = search->lists.header.lists - search->ranked;
		uint32		more = Min(nrest, Max(search->nprobes + count - search->ranked, search->ranked));

		barq_hits_select(rest, nrest, more);
		barq_hits_sort(rest, more);
		search->ranked += more;
	}
	for (uint32 i = 0, from = search->nprobes; i < count; i++)
		add_probe(search, search->ranking[from + i].row, count - i);
	if (search->filter == NULL)
		search->admitted = search->places;
	else
	{
		reserve_keys(search);
		ask_filter(search, search->nprobes - count);
	}
}

void
barq_ivf_probe_first(IvfSearch *search)
{
	if (search->at_once > search->nprobes)
		probe_more(search, search->at_once - search->nprobes);
	while (search->nprobes < search->lists.header.lists && search->admitted < search->least_rows)
		probe_more(search, search->at_once / 8 + 1);
}

/*
 * Begin where barq_ivf_begin_together() has come to: its lists are the first probes, its
 * best rows are ready.
 */
static void
take_start(IvfSearch *search, const BarqSearchStart *start)
{
	for (uint32 i = 0; i < start->nlists; i++)
		add_probe(search, start->lists[i], start->nlists - i);
	Assert(search->filter == NULL);
	search->admitted = search->places;
	search->nstarted = start->nlists;
	search->want = start->want;
	search->nready = start->nhits;
	search->ready_size = Max(start->nhits, 1);
	search->ready = palloc(sizeof(BarqHit) * search->ready_size);
	memcpy(search->ready, start->hits, sizeof(BarqHit) * start->nhits);
	search->bound = INFINITY;
	search->complete = start->complete;
	search->unmarked = true;
}

void
barq_ivf_select_row(IvfSearch *search, Selection *s, float key, uint32 place, uint32 row)
{
	if (search->skip != NULL && barq_bit_is_set(search->skip, row))
		return;
	search->ready[s->n].key = key;
	search->ready[s->n].row = place;
	s->n++;
	if (s->n < s->room)
		return;

	/* keep the better half: of equal keys, the lower place is better */
	s->limit = barq_hits_keep(search->ready, s->n, search->want);
	s->n = search->want;
	s->complete = false;
	if (s->limit == INFINITY)
		s->limit = s->bound;
}

/*
 * Add the rows [at, at + count) of a probe that are below s->limit, were not returned
 * before, and are not in search->skip. keys: theirs.
 */
static void
select_rows(IvfSearch *search, Selection *s, const Probe *probe, uint32 at, uint32 count,
			const float *keys)
{
	uint32		found[IVF_CHUNK];
	int			nfound;

	/* NaN, of rows returned before, is within no limit */
	nfound = barq_kernels->find_at_most(keys, (int) count, s->limit, found);
	for (int i = 0; i < nfound; i++)
	{
		uint32		j = found[i];

		if (barq_key_below(keys[j], s->limit))
			barq_ivf_select_row(search, s, keys[j], probe->place + at + j, probe->first + at + j);
	}
}

/*
 * If the rows of the probes from `first` on are not in memory, have them all read at
 * once: the device serves several reads in the time of one. To ask the kernel for every
 * list would cost a search in memory some percent, so a few are asked about.
 */
static void
read_ahead(const IvfSearch *search, uint32 first)
{
	const BarqView *view = search->lists.view;
	uint32		n = search->nprobes - first;
	bool		cold = false;

	if (!barq_view_asks(view))
		return;
	for (uint32 i = 0; i < IVF_SAMPLES && !cold; i++)
	{
		const Probe *probe = &search->probes[first + (uint64) (n - 1) * i / (IVF_SAMPLES - 1)];

		cold = probe->rows > 0 &&
			barq_view_is_cold(view, ivf_code_off(&search->lists, probe->first));
	}
	barq_view_answer(view, cold);
	for (uint32 p = first; p < search->nprobes && cold; p++)
		barq_view_read_ahead(view, ivf_code_off(&search->lists, search->probes[p].first),
							 (uint64) search->probes[p].rows * search->lists.codec.stride);
}

/*
 * Score the probes of the search's start, and mark the rows that it has returned:
 * ready[0 .. next-1].
 */
static void
mark_started(IvfSearch *search)
{
	for (; search->nscored < search->nstarted; search->nscored++)
	{
		const Probe *probe = &search->probes[search->nscored];

		for (uint32 at = 0; at < probe->rows; at += IVF_CHUNK)
		{
			if ((at / IVF_CHUNK & 63) == 0)
				CHECK_FOR_INTERRUPTS();
			score(search, ivf_code_off(&search->lists, probe->first + at),
				  Min(IVF_CHUNK, probe->rows - at), search->keys + probe->place + at);
		}
	}
	for (int i = 0; i < search->next; i++)
		search->keys[search->ready[i].row] = NAN;
	search->unmarked = false;
}

/* Score the probes that are not scored, and select from the keys of all. */
static void
score_and_select(IvfSearch *search, Selection *s)
{
	for (uint32 p = 0; p < search->nprobes; p++)
	{
		const Probe *probe = &search->probes[p];

		CHECK_FOR_INTERRUPTS();
		for (uint32 at = 0; at < probe->rows; at += IVF_CHUNK)
		{
			uint32		count = Min(IVF_CHUNK, probe->rows - at);

			if ((at / IVF_CHUNK & 63) == 63)
				CHECK_FOR_INTERRUPTS();
			if (p >= search->nscored && search->filter != NULL)
				score_admitted(search, probe->first + at, count,
							   search->keys + probe->place + at);
			else if (p >= search->nscored)
				score(search, ivf_code_off(&search->lists, probe->first + at), count,
					  search->keys + probe->place + at);
			select_rows(search, s, probe, at, count, search->keys + probe->place + at);
		}
	}
	search->nscored = search->nprobes;
}

/* The selection is made: its best search->want rows, sorted, are those to be returned. */
static void
finish_selection(IvfSearch *search, Selection *s)
{
	if (s->n > (Size) search->want)
	{
		barq_hits_select(search->ready, s->n, search->want);
		s->n = search->want;
		s->complete = false;
	}
	barq_hits_sort(search->ready, s->n);
	search->nready = (int) s->n;
	search->next = 0;
	search->bound = s->bound;
	search->complete = s->complete;
}

/*
 * Score the probes that a start has not, and add the best of their rows to its own:
 * then the search is as if it had begun with a start of all its probes.
 */
static void
extend_start(IvfSearch *search)
{
	Selection	s = {search->nready, (Size) search->want * 2, INFINITY, INFINITY, search->complete};
	float		keys[IVF_CHUNK];

	Assert(search->unmarked && search->next == 0 && search->nready <= search->want);
	if (search->nready == search->want)
	{
		/* their places are before those of other rows, so equal keys are not better */
		s.limit = search->ready[search->nready - 1].key;
		s.complete = false;
	}
	search->ready = repalloc_huge(search->ready, s.room * sizeof(BarqHit));
	search->ready_size = s.room;
	if (search->nstarted < search->nprobes)
		read_ahead(search, search->nstarted);
	for (; search->nstarted < search->nprobes; search->nstarted++)
	{
		const Probe *probe = &search->probes[search->nstarted];

		for (uint32 at = 0; at < probe->rows; at += IVF_CHUNK)
		{
			uint32		count = Min(IVF_CHUNK, probe->rows - at);

			CHECK_FOR_INTERRUPTS();
			score(search, ivf_code_off(&search->lists, probe->first + at), count, keys);
			select_rows(search, &s, probe, at, count, keys);
		}
	}
	finish_selection(search, &s);
}

/*
 * Score the probes that are not scored, and fill search->ready with the best
 * search->want rows that are below bound and were not returned, sorted.
 */
static void
refill(IvfSearch *search, float bound)
{
	Selection	s = {0, (Size) search->want * 2, bound, bound, true};

	bool		halved = barq_ivf_begins_halved(search, bound);

	if (!halved)
	{
		reserve_keys(search);
		if (search->nscored < search->nprobes)
			read_ahead(search, search->nscored);
		if (search->unmarked)
			mark_started(search);
	}
	if (search->ready_size < s.room)
	{
		if (search->ready != NULL)
			pfree(search->ready);
		search->ready = NULL;
		search->ready = MemoryContextAllocHuge(search->context, s.room * sizeof(BarqHit));
		search->ready_size = s.room;
	}
	if (halved)
		barq_ivf_select_halved(search, &s);
	else
		score_and_select(search, &s);
	finish_selection(search, &s);
}

/* The row at a place. */
static uint32
row_of_place(const IvfSearch *search, uint32 place)
{
	uint32		lo = 0;
	uint32		hi = search->nprobes;

	while (hi - lo > 1)
	{
		uint32		mid = lo + (hi - lo) / 2;

		if (search->probes[mid].place <= place)
			lo = mid;
		else
			hi = mid;
	}
	return search->probes[lo].first + (place - search->probes[lo].place);
}

/*
 * Append rows below bound from ready to hits[0 .. n-1] until it has max;
 * returns its length.
 */
static int
take_ready(IvfSearch *search, float bound, BarqHit *hits, int n, int max)
{
	while (n < max && search->next < search->nready &&
		   barq_key_below(search->ready[search->next].key, bound))
	{
		BarqHit    *hit = &search->ready[search->next++];

		hits[n].key = hit->key;
		hits[n].row = row_of_place(search, hit->row);
		if (!search->unmarked)
			search->keys[hit->row] = NAN;
		search->returned++;
		n++;
	}
	return n;
}

/* BarqVectorSearchOps.next */
static int
ivf_search_next(BarqSearch *opaque, float bound, BarqHit *hits, int max)
{
	IvfSearch  *search = (IvfSearch *) opaque;
	uint64		scored_for;
	int			n = 0;

	if (max <= 0 || search->lists.header.lists == 0)
		return 0;

	/* rows to score for those wanted so far */
	scored_for = search->returned == 0 ? 0 :
		(search->returned + (uint64) max) * search->ahead;
	if (search->nprobes == 0)
		barq_ivf_probe_first(search);
	while (search->nprobes < search->lists.header.lists &&
		   !search->probes_only && search->admitted < scored_for)
		probe_more(search, search->at_once);

	for (;;)
	{
		if (search->nprobes > Max(search->nscored, search->nstarted) ||
			(search->next == search->nready &&
			 (!search->complete || bound > search->bound)))
		{
			/*
			 * A caller that took all selected rows will want more: select
			 * four times as many. Not where new probes are the reason of the
			 * refill: then the rows left in ready are selected again, so they
			 * should be few.
			 */
			if (search->nready > 0 && search->next == search->nready)
				search->want = Min(search->want * 4, IVF_LAST);
			search->want = Max(search->want, max);
			refill(search, bound);
		}
		n = take_ready(search, bound, hits, n, max);

		/* rows of a further list may be nearer, so they make a batch of their own */
		if (n > 0 || bound != INFINITY || search->probes_only)
			return n;
		if (search->next < search->nready || !search->complete)
			continue;
		if (search->nprobes == search->lists.header.lists)
			return 0;
		probe_more(search, search->at_once);
	}
}

/*
 * BarqVectorSearchOps.broaden: probe further lists, and select from the keys of all, or from
 * the best rows of a start and the keys of the further lists. Not after a second selection,
 * which has dropped the keys of rows that were returned before; nor where a search that began
 * with a start shall have more rows, not only more probes.
 */
static bool
ivf_search_broaden(BarqSearch *opaque, int breadth, int probes, bool afar)
{
	IvfSearch  *search = (IvfSearch *) opaque;
	bool		started = search->nstarted > 0;

	if (search->nprobes == 0 || search->returned != (uint64) search->next ||
		(started && (!search->unmarked || probes == 0)))
		return false;
	for (int i = 0; i < search->next && !started; i++)
		search->keys[search->ready[i].row] = search->ready[i].key;
	search->returned = 0;
	search->next = 0;
	set_extent(search, breadth, probes);
	barq_ivf_probe_first(search);
	if (started)
		extend_start(search);
	else
	{
		search->nready = 0;
		search->complete = false;
	}
	return true;
}

/* BarqVectorSearchOps.end */
static void
ivf_search_end(BarqSearch *search)
{
	/* an IVF search holds memory only, which its context owns */
}

static const BarqVectorSearchOps search_ops = {
	.begin = barq_ivf_begin,
	.next = ivf_search_next,
	.begin_together = barq_ivf_begin_together,
	.together_bytes = barq_ivf_together_bytes,
	.end = ivf_search_end,
	.broaden = ivf_search_broaden,
	.row_code = barq_vector_row_code,
	.breadths = barq_ivf_breadths,
	.isolation = barq_ivf_isolation,
	.within = barq_ivf_within,
};

const BarqSegmentKind barq_ivf_kind = {
	.id = BARQ_KIND_IVF,
	.name = "ivf",
	.jumps = true,
	.check = barq_ivf_check,
	.vectors = &search_ops,
};
