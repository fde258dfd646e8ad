/*
 * ivf_together.c
 *	  The first step of several searches of one body: each list that some of them
 *	  probe is read once, and a block of its rows is scored for all of these while it
 *	  is in the cache.
 *
 * The step finds for each query what its search would find: the lists to probe and the
 * best rows of these, in the order of (key, place), where a place is the number
 * of rows before a row in the query's own order of lists. Lists come in their own
 * order here, so a row with the key of the worst row kept may still be better than it,
 * by its place; it is not left out. The nearest lists of all queries come before the
 * others: then few rows of these are better than the best of the nearest.
 */
#include "postgres.h"

#include <math.h>

#include "ivf/ivf_search.h"
#include "kernels/kernels.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define AHEAD_BYTES	(UINT64CONST(4) * 1024 * 1024)	/* announced, of lists not in memory */
#define SAMPLES		16			/* lists asked about before each list is */
#define FIRST_ROOM	512			/* rows of a query's nearest list to select from at once */

/* The best rows of a query so far; hits are by place. */
typedef struct Best
{
	BarqHit    *hits;
	int			n;
	float		limit;			/* no row above it is wanted */
	bool		complete;		/* no row was left out */
} Best;

/* A query's probe of a list. */
typedef struct Visit
{
	uint32		query;
	uint32		probe;
} Visit;

typedef struct Together
{
	const BarqQuery *const *queries;
	IvfSearch **searches;
	int			n;
	int			want;
	const uint8 *skip;
	Best	   *best;
	int			room;			/* hits of a query that are selected from, above want */
	uint32	   *firsts;			/* visits of list i: [firsts[i], firsts[i + 1]) */
	Visit	   *visits;
	float		keys[IVF_TOGETHER * IVF_CHUNK];
} Together;

Size
barq_ivf_together_bytes(BarqView *view, const BarqSearchParams *params, int want)
{
	IvfSearch  *search = (IvfSearch *) barq_ivf_begin(view, params);
	Size		probes = search->at_once;
	Size		least = search->lists.header.lists * (uint64) search->least_rows /
		Max(search->lists.body.rows, 1);

	pfree(search);
	return sizeof(IvfSearch) + Max(probes, least) * (sizeof(Probe) + sizeof(Visit) + sizeof(uint32)) +
		sizeof(BarqHit) * (Max(want, IVF_FIRST) + Max(2 * want, FIRST_ROOM));
}

/* Begin the searches and choose their lists. */
static void
probe_lists(Together *t, BarqView *view, const BarqSearchParams *params)
{
	BarqSearchParams each = *params;

	each.start = NULL;
	for (int i = 0; i < t->n; i++)
	{
		each.query = t->queries[i];
		t->searches[i] = (IvfSearch *) barq_ivf_begin(view, &each);
	}
	if (t->n == 0 || t->searches[0]->lists.header.lists == 0)
		return;
	for (int first = 0; first < t->n; first += IVF_TOGETHER)
	{
		int			count = Min(IVF_TOGETHER, t->n - first);

		barq_ivf_rank_lists(t->searches + first, count);
		for (int i = first; i < first + count; i++)
		{
			barq_ivf_probe_first(t->searches[i]);
			pfree(t->searches[i]->ranking);
			t->searches[i]->ranking = NULL;
		}
	}
}

/* Sort probes [from, end) of all searches by list: t->firsts, t->visits. */
static void
sort_visits(Together *t, uint32 from, uint32 end)
{
	uint32		lists = t->searches[0]->lists.header.lists;
	uint32		n = 0;

	memset(t->firsts, 0, sizeof(uint32) * ((Size) lists + 1));
	for (int i = 0; i < t->n; i++)
		for (uint32 p = from; p < Min(t->searches[i]->nprobes, end); p++)
			t->firsts[t->searches[i]->probes[p].list]++;
	for (uint32 list = 0; list <= lists; list++)
	{
		n += t->firsts[list];
		t->firsts[list] = n;
	}
	/* each list's visits from their end on, so that firsts become their starts */
	for (int i = t->n - 1; i >= 0; i--)
		for (uint32 p = from; p < Min(t->searches[i]->nprobes, end); p++)
			t->visits[--t->firsts[t->searches[i]->probes[p].list]] = (Visit) {(uint32) i, p};
}

/* Keep the best `want` rows of a full selection, and let no row above them in. */
static void
prune(const Together *t, Best *best)
{
	best->limit = barq_hits_keep(best->hits, best->n, t->want);
	best->n = t->want;
	best->complete = false;
}

/*
 * Add the rows of a block that are good enough. keys: theirs, `row` the number of the
 * first one, `place` its place for this query.
 */
static void
select_rows(const Together *t, Best *best, float *keys, uint32 n, uint32 place, uint32 row)
{
	uint32		found[IVF_CHUNK];
	uint32		nfound;

	if (best->limit == INFINITY)
		barq_keys_clean(keys, (int) n); /* else NaN is not within the limit */
	nfound = barq_kernels->find_at_most(keys, (int) n, best->limit, found);
	if (nfound < n)
		best->complete = false;
	for (uint32 i = 0; i < nfound; i++)
	{
		uint32		j = found[i];

		if (!(keys[j] <= best->limit) ||
			(t->skip != NULL && barq_bit_is_set(t->skip, row + j)))
			continue;
		best->hits[best->n++] = (BarqHit) {keys[j], place + j};
		if (best->n == t->room)
			prune(t, best);
	}
}

/* Score the rows of a list for the queries that visit it. */
static void
score_list(Together *t, const Visit *visits, uint32 nvisits)
{
	const Probe *any = &t->searches[visits[0].query]->probes[visits[0].probe];
	const IvfLists *lists = &t->searches[0]->lists;

	for (uint32 at = 0; at < any->rows; at += IVF_CHUNK)
	{
		uint32		count = Min(IVF_CHUNK, any->rows - at);

		CHECK_FOR_INTERRUPTS();
		for (uint32 first = 0; first < nvisits; first += IVF_TOGETHER)
		{
			const BarqQuery *queries[IVF_TOGETHER];
			uint32		n = Min(IVF_TOGETHER, nvisits - first);

			for (uint32 j = 0; j < n; j++)
				queries[j] = t->queries[visits[first + j].query];
			barq_ivf_score(lists, queries, (int) n, ivf_code_off(lists, any->first + at), count, t->keys);
			for (uint32 j = 0; j < n; j++)
			{
				const Visit *visit = &visits[first + j];

				select_rows(t, &t->best[visit->query], t->keys + (Size) j * count, count,
							t->searches[visit->query]->probes[visit->probe].place + at,
							any->first + at);
			}
		}
	}
}

/* Whether the first rows of a list are in memory. Asks the kernel. */
static bool
list_is_cold(const Together *t, uint32 list)
{
	IvfLists   *lists = &t->searches[0]->lists;
	uint32		first;
	uint32		end;

	barq_ivf_list(lists, list, &first, &end);
	return first < end && barq_view_is_cold(lists->view, ivf_code_off(lists, first));
}

/*
 * Whether some of the lists to be read are not in memory. To ask about every list would
 * cost a step in memory a tenth, so a few are asked about.
 */
static bool
lists_are_cold(const Together *t)
{
	uint32		lists = t->searches[0]->lists.header.lists;
	uint32		nvisits = t->firsts[lists];
	bool		cold = false;

	for (uint32 i = 0; i < SAMPLES && nvisits > 0 && !cold; i++)
	{
		const Visit *visit = &t->visits[(uint64) (nvisits - 1) * i / (SAMPLES - 1)];

		cold = list_is_cold(t, t->searches[visit->query]->probes[visit->probe].list);
	}
	return cold;
}

/*
 * Announce lists that are not in memory, from `list` on, if it is one of them: the device
 * serves several reads in the time of one. Returns the first list not announced.
 */
static uint32
read_ahead(const Together *t, uint32 list)
{
	IvfLists   *lists = &t->searches[0]->lists;
	uint64		bytes = 0;

	if (!list_is_cold(t, list))
		return list + 1;
	for (; list < lists->header.lists && bytes < AHEAD_BYTES; list++)
		if (t->firsts[list] < t->firsts[list + 1])
		{
			uint32		first;
			uint32		end;

			barq_ivf_list(lists, list, &first, &end);
			barq_view_read_ahead(lists->view, ivf_code_off(lists, first),
								 (uint64) (end - first) * lists->codec.stride);
			bytes += (uint64) (end - first) * lists->codec.stride;
		}
	return list;
}

/* Score probes [from, end) of all searches, list after list. */
static void
score_probes(Together *t, uint32 from, uint32 end)
{
	uint32		lists = t->searches[0]->lists.header.lists;
	uint32		announced;

	sort_visits(t, from, end);
	announced = lists_are_cold(t) ? 0 : lists;
	for (uint32 list = 0; list < lists; list++)
	{
		uint32		nvisits = t->firsts[list + 1] - t->firsts[list];

		if (nvisits == 0)
			continue;
		if (list >= announced)
			announced = read_ahead(t, list);
		score_list(t, t->visits + t->firsts[list], nvisits);
	}
}

/* What a search begins with; palloc'd. */
static void
make_start(const Together *t, int number, BarqSearchStart *start)
{
	const IvfSearch *search = t->searches[number];
	Best	   *best = &t->best[number];

	if (best->n > t->want)
		prune(t, best);
	barq_hits_sort(best->hits, best->n);
	start->lists = palloc(sizeof(uint32) * Max(search->nprobes, 1));
	start->nlists = search->nprobes;
	for (uint32 i = 0; i < search->nprobes; i++)
		start->lists[i] = search->probes[i].list;
	start->hits = palloc(sizeof(BarqHit) * Max(best->n, 1));
	memcpy(start->hits, best->hits, sizeof(BarqHit) * best->n);
	start->nhits = best->n;
	start->want = t->want;
	start->complete = best->complete;
}

void
barq_ivf_begin_together(BarqView *view, const BarqSearchParams *params,
						const BarqQuery *const *queries, int n, int want,
						BarqSearchStart *starts)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq searches together",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Together   *t = palloc0(sizeof(Together));
	uint64		nvisits = 0;

	t->queries = queries;
	t->n = n;
	t->want = Max(want, 1);
	t->skip = params->skip;
	t->searches = palloc(sizeof(IvfSearch *) * Max(n, 1));
	t->best = palloc0(sizeof(Best) * Max(n, 1));
	probe_lists(t, view, params);
	t->room = Max(2 * t->want, FIRST_ROOM);
	for (int i = 0; i < n; i++)
	{
		t->best[i].hits = palloc(sizeof(BarqHit) * t->room);
		t->best[i].limit = INFINITY;
		t->best[i].complete = true;
		nvisits += t->searches[i]->nprobes;
	}
	if (nvisits > 0)
	{
		t->firsts = palloc(sizeof(uint32) * ((Size) t->searches[0]->lists.header.lists + 1));
		t->visits = MemoryContextAllocHuge(context, sizeof(Visit) * nvisits);
		score_probes(t, 0, 1);
		for (int i = 0; i < n; i++)
			if (t->best[i].n > t->want)
				prune(t, &t->best[i]);
		t->room = 2 * t->want;
		score_probes(t, 1, PG_UINT32_MAX);
	}
	MemoryContextSwitchTo(old);
	for (int i = 0; i < n; i++)
		make_start(t, i, &starts[i]);
	MemoryContextDelete(context);
}
