/*
 * hnsw_filter.c
 *	  Searches within a condition: which way a search goes, and the rows that a walk meets.
 *
 * Where many of the rows around the query are admitted, the walk goes through all rows,
 * and those that are not admitted are left out when rows are returned: a broader beam
 * costs less than to look for admitted neighbours. Else the walk meets admitted rows
 * only. docs/performance.md, "Filter columns", has what each costs.
 */
#include "postgres.h"

#include <math.h>

#include "hnsw/hnsw.h"
#include "hnsw/hnsw_search.h"
#include "kernels/kernels.h"

/* from which share of admitted rows around the query on all rows are walked through */
#define THROUGH_SHARE	0.25f
#define THROUGH_ASKED	0.1f	/* where rows are asked about one by one */

/* where the query's neighbourhood is not admitted: see barq_hnsw_begin_filtered() */
#define FAR_BREADTH		2
#define FAR_BREADTH_MANY 1.6	/* from THROUGH_SHARE on, with twice as many fresh rows */
#define FAR_SCORED		192
#define FAR_SCORED_SURE	384		/* where a recall is wanted */
#define FAR_SCORED_LEAST 40000	/* of an eighth of the rows at most */
#define FAR_BITS		3000

#define FAR_SEEDS		2048	/* rows at the nearest of which a far walk begins, */
#define FAR_EACH		32		/* where a recall is wanted one of so many, */
#define FAR_FEW			16		/* of few rows one of so many, */
#define FAR_SEEDS_MOST	16384	/* but not more */
#define FAR_ASKED		8		/* rows asked for each of them, at most */

#define APPROACH_SHARE	0.05f	/* see approach() */
#define APPROACH_BREADTH 32
#define APPROACH_FROM	8

#define LEAST_WANTED	0.25	/* of the breadth, where few rows are admitted */
#define SAMPLE_ADMITTED	32		/* rows of the first sample that should be admitted */
#define ASKED_LATELY	2048
#define LISTS_MORE		1.5f	/* see barq_hnsw_gather_admitted() */
#define FAR_LISTS		3.0f
#define FRESH_NEAR		1.25f	/* times `degree` rows met with an expansion, where the rows */
#define NOT_FEWER		0.8f	/* near the query have so many times the share of the others */
#define CODE_AHEAD		128		/* bytes of a code that are fetched before it is scored */
#define PRIOR			64		/* rows for which the filter's own share counts */

/*
 * A walk that meets admitted rows only is one in a smaller graph: where n rows are admitted,
 * fewer than GAIN_ROWS, a beam (n / GAIN_ROWS)^g as long finds as much of the nearest as one of all
 * rows. The longer the beam has to be, the more of that is due to the size of the graph: of e rows, g
 * is GAIN_GROWS * log(e / GAIN_BEAM), at least GAIN (docs/performance.md, "Recall by name").
 */
#define GAIN_ROWS		100000.0
#define GAIN			0.2
#define GAIN_GROWS		0.115
#define GAIN_BEAM		16.0

/* How much broader a walk through all rows is if this share of them is admitted. */
static double
stretch(double share)
{
	return pow(Max(share, 0.01), -0.4);
}

int
barq_hnsw_rows_wanted(int breadth, double share)
{
	return (int) Max(breadth * Min(Max(share * stretch(share), LEAST_WANTED), 1), 1);
}

/* A neighbour of a list; false at its end. ERRCODE_INDEX_CORRUPTED if it is out of range. */
static inline bool
is_neighbour(uint32 neighbour, uint32 rows)
{
	if (likely(neighbour < rows))
		return true;
	if (neighbour != HNSW_NONE)
		barq_vector_corrupted("neighbour outside of the graph");
	return false;
}

/* Start reading a row's list into the processor's cache. */
static inline void
prefetch_list(const HnswSearch *search, uint32 row)
{
	const char *list = search->lists + (uint64) row * search->list_bytes;

	__builtin_prefetch(list);
	__builtin_prefetch(list + 64);
}

/*
 * Start reading the lists that will be read if the nearest row of the beam is expanded
 * next, at most `most` of them.
 */
static void
prefetch_next(const HnswSearch *search, int most)
{
	const uint8 *refused = search->filter->skip;
	uint32		rows = search->graph.body.rows;
	const uint32 *list;
	int			at = search->next;

	while (at < search->n && (search->beam[at].row & HNSW_EXPANDED) != 0)
		at++;
	if (at == search->n || search->lists == NULL || search->closed == NULL)
		return;
	list = (const uint32 *) (search->lists + (uint64) HNSW_ROW(search->beam[at].row) * search->list_bytes);
	for (int i = 0; i < search->degree && most > 0 && list[i] < rows; i++)
		if (barq_bit_is_set(refused, list[i]) && !barq_hnsw_is_visited(search->visited, list[i]))
		{
			prefetch_list(search, list[i]);
			most--;
		}
}

/*
 * Add to search->fresh the rows of a list that the filter admits and that were not met,
 * and mark them; *nfresh is their number, at most search->most_fresh. hops, unless NULL,
 * receives those that it does not admit and whose list was not read, *nhops of
 * them. The filter has bits.
 */
static void
gather_bits(HnswSearch *search, uint32 row, int *nfresh, uint32 *hops, int *nhops)
{
	const uint8 *refused = search->filter->skip;
	uint8	   *closed = search->closed;
	uint32	   *fresh = search->fresh;
	uint32		rows = search->graph.body.rows;
	int			degree;
	const uint32 *list = hnsw_search_list(search, row, &degree);
	int			n = *nfresh;
	int			nrefused = 0;
	int			i;

	/* without branches: which rows are admitted or met cannot be predicted */
	for (i = 0; i < degree && n < search->most_fresh && is_neighbour(list[i], rows); i++)
	{
		uint32		neighbour = list[i];
		uint8		bit = (uint8) (1 << (neighbour & 7));
		uint8		shut = closed[neighbour >> 3];

		fresh[n] = neighbour;
		n += (shut & bit) == 0;
		closed[neighbour >> 3] = shut | bit;
		if (hops == NULL)
			nrefused += (refused[neighbour >> 3] & bit) != 0;
		else if ((refused[neighbour >> 3] & bit) != 0)
		{
			nrefused++;
			hops[*nhops] = neighbour;
			*nhops += !barq_hnsw_is_visited(search->visited, neighbour);
		}
	}
	*nfresh = n;
	search->asked += i;
	search->admitted += i - nrefused;
}

/*
 * The same of the list of a row that is not admitted, whose share of admitted rows is not
 * counted. The whole list is looked at, and only rows that are taken are marked. (To look at
 * 16 rows at once by gathering their bits was no faster: the lists are waited for.)
 */
static void
gather_hop(HnswSearch *search, uint32 row, int *nfresh)
{
	uint8	   *closed = search->closed;
	uint32	   *fresh = search->fresh;
	uint32		rows = search->graph.body.rows;
	int			degree;
	const uint32 *list = hnsw_search_list(search, row, &degree);
	int			n = *nfresh;
	int			kept = *nfresh;
	int			i;

	Assert(closed != NULL);
	for (i = 0; i < degree && list[i] < rows; i++)
	{
		uint32		neighbour = list[i];

		fresh[n] = neighbour;
		n += ((closed[neighbour >> 3] >> (neighbour & 7)) & 1) ^ 1;
	}
	if (i < degree)
		(void) is_neighbour(list[i], rows);

	/* a list of a damaged body may have a row twice */
	for (i = kept; i < n && kept < search->most_fresh; i++)
	{
		fresh[kept] = fresh[i];
		kept += !barq_bit_is_set(closed, fresh[i]);
		barq_bit_set(closed, fresh[i]);
	}
	*nfresh = kept;
}

/* The same, for a filter that is asked about each row. */
static void
gather_asked(HnswSearch *search, uint32 row, int *nfresh, uint32 *hops, int *nhops)
{
	HnswVisited *visited = search->visited;
	uint32		rows = search->graph.body.rows;
	int			degree;
	const uint32 *list = hnsw_search_list(search, row, &degree);
	int			n = 0;

	for (int i = 0; i < degree && is_neighbour(list[i], rows); i++)
	{
		search->near[n] = list[i];
		if (barq_hnsw_is_visited(visited, list[i]))
			continue;
		barq_row_filter_prefetch(search->filter, list[i]);
		n++;
	}
	search->asked += n;
	for (int i = 0; i < n && *nfresh < search->most_fresh; i++)
	{
		uint32		neighbour = search->near[i];

		if (barq_row_filter_admits(search->filter, neighbour))
		{
			barq_hnsw_visit(visited, neighbour);
			search->fresh[(*nfresh)++] = neighbour;
			search->admitted++;
		}
		else if (hops != NULL)
			hops[(*nhops)++] = neighbour;
	}
}

static inline void
gather_list(HnswSearch *search, uint32 row, int *nfresh, uint32 *hops, int *nhops)
{
	if (search->closed != NULL)
		gather_bits(search, row, nfresh, hops, nhops);
	else
		gather_asked(search, row, nfresh, hops, nhops);
}

/* Start reading the codes of fresh[from .. end-1] into the processor's cache. Returns end. */
static inline int
prefetch_codes(const HnswSearch *search, int from, int end)
{
	const HnswGraph *graph = &search->graph;
	Size		stride = graph->codec.stride;

	if (search->lists == NULL)
		return end;
	for (int i = from; i < end; i++)
	{
		const char *code = graph->view->base + graph->vector.codes_off + search->fresh[i] * (uint64) stride;

		for (Size at = 0; at < Min(stride, CODE_AHEAD); at += 64)
			__builtin_prefetch(code + at);
	}
	return end;
}

/*
 * A row that is not admitted is marked as visited when its list is read. `more`
 * times as many lists are read as have `degree` admitted rows, by what share of the
 * neighbours was admitted lately, since some of these rows were met before.
 */
int
barq_hnsw_gather_admitted(HnswSearch *search, uint32 row)
{
	float		of_list = search->admitted / search->asked * search->degree;
	float		most = search->more * search->degree / Max(of_list, 0.01f) + 1;
	int			nfresh = 0;
	int			nhops = 0;
	int			ahead;

	if (search->asked > ASKED_LATELY)
	{
		search->asked /= 2;
		search->admitted /= 2;
	}
	gather_list(search, row, &nfresh, search->hops, &nhops);
	nhops = (int) Min((float) nhops, most);
	for (int i = 0; i < nhops && search->lists != NULL; i++)
		prefetch_list(search, search->hops[i]);
	ahead = prefetch_codes(search, 0, nfresh);
	for (int i = 0; i < nhops && nfresh < search->most_fresh; i++)
	{
		if (!barq_hnsw_visit(search->visited, search->hops[i]))
			continue;
		if (search->uncounted)
			gather_hop(search, search->hops[i], &nfresh);
		else
			gather_list(search, search->hops[i], &nfresh, NULL, NULL);
		ahead = prefetch_codes(search, ahead, nfresh);
	}
	prefetch_next(search, (int) Min(most, search->degree));
	return nfresh;
}

/* Score the n rows in search->fresh, which are met, and add them to the first beam. */
static void
seed(HnswSearch *search, int n)
{
	hnsw_score(search, search->fresh, n);
	hnsw_beam_reserve(search, (Size) search->n + n + hnsw_beam_room(search));
	for (int i = 0; i < n; i++)
		hnsw_beam_insert(search->beam, 0, search->n++, search->keys[i], search->fresh[i]);
	search->count = search->n;
}

int
barq_hnsw_nearest_afar(HnswSearch *search, BarqHit *nearest)
{
	const BarqRowFilter *filter = search->filter;
	uint32		rows = search->graph.body.rows;
	float		share = filter == NULL ? 1 : (float) filter->count / Max(rows, 1);
	uint32		seeds = search->recall > 0 ?
		Min(Max(rows / FAR_EACH, Min(FAR_SEEDS, rows / FAR_FEW)), FAR_SEEDS_MOST) : FAR_SEEDS;
	uint32		asked = (uint32) (seeds * Min(FAR_ASKED, 1 / Max(share, 0.01f)));
	uint32		step = Max(rows / asked, 1);
	BarqHit    *hits = MemoryContextAlloc(search->context,
										  sizeof(BarqHit) * (rows / step + 1));
	int			nhits = 0;
	int			n;
	uint64		row = step / 2;

	while (row < rows)
	{
		for (n = 0; row < rows && n < search->degree; row += step)
			if (filter == NULL || barq_row_filter_admits(filter, (uint32) row))
				search->fresh[n++] = (uint32) row;
		hnsw_score(search, search->fresh, n);
		for (int i = 0; i < n; i++)
			hits[nhits++] = (BarqHit) {search->keys[i], search->fresh[i]};
	}
	if (nhits > search->degree)
		barq_hits_select(hits, nhits, search->degree);
	n = 0;
	for (int i = 0; i < Min(nhits, search->degree); i++)
		if (hnsw_meet(search, hits[i].row))
			nearest[n++] = hits[i];
	pfree(hits);
	return n;
}

/* Begin a walk far from the query with them. */
static void
seed_from_afar(HnswSearch *search)
{
	BarqHit    *nearest = MemoryContextAlloc(search->context, sizeof(BarqHit) * search->degree);
	int			n = barq_hnsw_nearest_afar(search, nearest);

	for (int i = 0; i < n; i++)
		search->fresh[i] = nearest[i].row;
	seed(search, n);
	pfree(nearest);
	search->afar = HNSW_AFAR_MET;
}

/* From now on admitted rows are met by their bits, if the filter has any. */
static void
close_refused(HnswSearch *search)
{
	const BarqRowFilter *filter = search->filter;
	Size		bytes = barq_bits_bytes(search->graph.body.rows);

	if (filter->words != NULL || filter->admits != NULL || filter->skip == NULL)
		return;
	search->closed = MemoryContextAllocHuge(search->context, bytes);
	memcpy(search->closed, filter->skip, bytes);
}

/*
 * Begin a walk where few rows are admitted: a narrow walk through all rows finds those
 * nearest to the query, and the admitted ones that it met, and those around its nearest
 * rows, make the first beam. Where rows lie in clusters, the row to which the upper layers
 * lead may be in another cluster than the query, and admitted rows of two clusters have no
 * list in common by which a walk through these could correct it.
 */
static void
approach(HnswSearch *search, uint32 row)
{
	HnswVisited *visited = search->visited;
	int			ef = search->ef;
	uint32		nearest[APPROACH_FROM];
	int			nnearest;
	BarqHit    *hits;
	int			nhits = 0;

	search->through = true;
	search->ef = APPROACH_BREADTH;
	barq_hnsw_visit(visited, row);
	search->fresh[0] = row;
	seed(search, 1);
	barq_hnsw_advance(search, INFINITY);
	search->through = false;
	search->ef = ef;

	nnearest = Min(search->n, APPROACH_FROM);
	for (int i = 0; i < nnearest; i++)
		nearest[i] = HNSW_ROW(search->beam[i].row);
	hits = MemoryContextAlloc(search->context, sizeof(BarqHit) * (search->n + search->nrest));
	for (Size i = 0; i < search->n + search->nrest; i++)
	{
		const BarqHit *hit = i < (Size) search->n ? &search->beam[i] :
			&visited->rest[i - search->n];

		if (barq_row_filter_admits(search->filter, HNSW_ROW(hit->row)))
			hits[nhits++] = (BarqHit) {hit->key, HNSW_ROW(hit->row)};
	}
	barq_hnsw_visited_clear(visited);
	search->nrest = 0;
	search->n = search->next = search->stale = search->copies = 0;
	close_refused(search);
	barq_hits_sort(hits, nhits);
	hnsw_beam_reserve(search, (Size) nhits + hnsw_beam_room(search));
	for (int i = 0; i < nhits; i++)
		if (hnsw_meet(search, hits[i].row))
			search->beam[search->n++] = hits[i];
	search->count = search->n;
	pfree(hits);
	for (int i = 0; i < nnearest; i++)
		seed(search, barq_hnsw_gather_admitted(search, nearest[i]));

	/* rows for which the beam has no room can be taken later */
	if (search->n > search->ef)
	{
		Size		more = search->n - search->ef;

		if (more > visited->rest_size)
			barq_hnsw_rest_grow(visited, 0, more);
		memcpy(visited->rest, search->beam + search->ef, sizeof(BarqHit) * more);
		search->nrest = more;
		search->n = search->count = search->ef;
	}
}

/*
 * Look at the neighbours of a row and at theirs, until there should be SAMPLE_ADMITTED
 * admitted rows among them or `degree` lists are read. Sets search->asked and
 * search->admitted; marks nothing.
 */
static void
sample_share(HnswSearch *search, uint32 row, float share)
{
	uint32		rows = search->graph.body.rows;
	int			nhops = 0;

	search->asked = search->admitted = 0;
	for (int read = -1; read < nhops && search->asked * share < SAMPLE_ADMITTED; read++)
	{
		int			degree;
		const uint32 *list = hnsw_search_list(search, read < 0 ? row : search->hops[read], &degree);

		for (int i = 0; i < degree && is_neighbour(list[i], rows); i++)
		{
			search->asked++;
			search->admitted += barq_row_filter_admits(search->filter, list[i]);
			if (read < 0)
				search->hops[nhops++] = list[i];
		}
	}
	search->asked += PRIOR;
	search->admitted += PRIOR * share;
}

/*
 * Make a bit for each row of a filter that compares words, if that costs less than to ask
 * about the rows that a walk meets: in a segment of not too many rows. The filter is the
 * search's own from then on.
 */
static void
make_bits(HnswSearch *search)
{
	const BarqRowFilter *filter = search->filter;
	uint32		rows = search->graph.body.rows;
	BarqRowFilter *own;
	uint8	   *bits;

	if (filter->words == NULL || rows > (uint64) FAR_BITS * search->ef)
		return;
	bits = MemoryContextAllocHuge(search->context, barq_bits_bytes(rows) + sizeof(uint64));
	barq_kernels->out_of_range(filter->words, rows, filter->low, filter->high, bits);
	if (filter->skip != NULL)
		for (Size i = 0; i < barq_bits_bytes(rows); i++)
			bits[i] |= filter->skip[i];
	own = MemoryContextAlloc(search->context, sizeof(BarqRowFilter));
	*own = *filter;
	own->words = NULL;
	own->skip = bits;
	search->filter = own;
}

/* Multiply the length that the breadth gives the beam. */
static void
set_factor(HnswSearch *search, double factor)
{
	search->factor = factor;
	search->ef = Max((int) (search->ef * factor), 1);
}

/*
 * A walk through admitted rows begins with that row if it is admitted, with admitted rows
 * around it, and with rows from all over those that are admitted, for these may lie
 * elsewhere, where no list leads from there. If fewer rows are admitted around it than
 * elsewhere, the nearest admitted rows are far from the query and hardly nearer than
 * others, which makes them hard to find: up to FAR_SCORED rows for each of the beam are
 * scored without a walk, and the beam of a walk is wider. Where many rows are admitted, an
 * expansion that meets twice as many of them finds as much with a shorter beam
 * (docs/performance.md, "Filter columns").
 */
HnswWay
barq_hnsw_begin_filtered(HnswSearch *search, uint32 row)
{
	float		share = (float) search->filter->count / Max(search->graph.body.rows, 1);
	float		local;
	bool		is_far;
	int			n;

	search->n = 0;
	search->more = LISTS_MORE;
	search->most_fresh = search->degree;
	sample_share(search, row, share);
	local = search->admitted / search->asked;
	is_far = local < share / 2 || search->excluded;
	search->uncounted = !is_far && local >= share * NOT_FEWER &&
		search->filter->words == NULL && search->filter->admits == NULL && search->filter->skip != NULL;
	if (search->uncounted)
		search->most_fresh = (int) (search->degree * FRESH_NEAR);
	if (is_far)
	{
		if (search->filter->count <= Max(Min(FAR_SCORED_LEAST, search->graph.body.rows / 8),
										 (search->recall > 0 ? FAR_SCORED_SURE : FAR_SCORED) * (uint64) search->ef))
			return HNSW_SCORE_ADMITTED;
		search->more = FAR_LISTS;
		if (share < THROUGH_SHARE)
			set_factor(search, FAR_BREADTH);
		else
		{
			set_factor(search, FAR_BREADTH_MANY);
			search->more *= HNSW_MOST_FRESH;
			search->most_fresh *= HNSW_MOST_FRESH;
		}
		make_bits(search);
	}
	else if (local >= (search->filter->words != NULL || search->filter->admits != NULL ? THROUGH_ASKED : THROUGH_SHARE))
	{
		set_factor(search, stretch(local));
		return HNSW_WALK_ALL;
	}
	else if (search->recall > 0 && search->afar != HNSW_AFAR_WANTED)
		set_factor(search, pow(Min(search->filter->count / GAIN_ROWS, 1),
							   Max(GAIN, GAIN_GROWS * log(search->ef / GAIN_BEAM))));
	if (!is_far && local < APPROACH_SHARE)
		approach(search, row);
	else
	{
		close_refused(search);
		if (barq_row_filter_admits(search->filter, row))
		{
			search->fresh[0] = row;
			seed(search, hnsw_meet(search, row));
		}
		seed(search, barq_hnsw_gather_admitted(search, row));
	}
	if (is_far || search->afar == HNSW_AFAR_WANTED)
	{
		seed_from_afar(search);
		return HNSW_WALK_ADMITTED;
	}
	n = 0;
	for (int i = 0; i < search->filter->nseeds && n < search->degree; i++)
		if (search->filter->seeds[i] < search->graph.body.rows &&
			hnsw_meet(search, search->filter->seeds[i]))
			search->fresh[n++] = search->filter->seeds[i];
	seed(search, n);
	return HNSW_WALK_ADMITTED;
}
