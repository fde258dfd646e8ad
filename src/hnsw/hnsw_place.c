/*
 * hnsw_place.c
 *	  Rows in order of place, and the windows in which their neighbours are searched, so
 *	  that a graph larger than memory grows at disk speed (README.md, "Place").
 */
#include "postgres.h"

#include <math.h>

#include "base/bits.h"
#include "base/interrupts.h"
#include "flat/hits.h"
#include "hnsw/hnsw_place.h"

/*
 * A window has at least so large a part of the rows: smaller ones cost recall (GloVe,
 * 100,000 rows, ef_search 40: a quarter 0.868, a fifth 0.865, an eighth some 0.02 less,
 * everything 0.873). Only a part of its pages is in use at a time.
 */
#define LEAST_WINDOW	4

/*
 * A narrow window has so large a part. A process takes it instead while the pages of the
 * other do not stay in memory (hnsw_insert.c), which costs more time than recall is worth.
 */
#define NARROW_WINDOW	6

/* What order_rows() has found. */
typedef struct Places
{
	BarqHnswWork *work;
	uint32		n;
	uint32	   *first;			/* area row with which each begins; end of the last */
	const char *centroids;
	BarqHit    *hits;			/* n */
	float	   *keys;			/* n */
	float	   *best;			/* n: key at the nearest place of the present group */
} Places;

/*
 * Order the rows from work->kept on: those with upper levels first, the highest before
 * the others, then by place. Sets places->n, first and centroids. counts[]: receives the
 * number of rows of each level. False, with nothing done, if rows of the codec have no
 * places. *numbers: as in barq_hnsw_order_by_place().
 */
static bool
order_rows(Places *places, BarqFindPlaces find_places, uint32 *counts, uint32 **numbers)
{
	BarqHnswWork *work = places->work;
	BarqAreaRows area = hnsw_work_rows(work);
	uint32		n = work->rows - work->kept;
	uint32	   *groups = MemoryContextAllocHuge(CurrentMemoryContext,
												Max((Size) n, 1) * sizeof(uint32));
	uint32		ngroups;

	area.rows = n;
	area.codes += (Size) work->kept * work->codec.stride;
	area.tids += work->kept;
	area.lists = NULL;
	if (area.refinements != NULL)
		area.refinements += (Size) work->kept * work->codec.refine_bytes;
	places->n = find_places(&work->codec, area.codes, n, groups, &places->centroids);
	if (places->n == 0)
	{
		pfree(groups);
		return false;
	}

	memset(counts, 0, sizeof(uint32) * (HNSW_MAX_LAYERS + 1));
	for (uint32 i = 0; i < n; i++)
	{
		int			level = barq_hnsw_draw_level(work->kept + i, work->m);

		if ((i & 0xfffff) == 0)
			barq_check_interrupts();
		counts[level]++;
		groups[i] = level > 0 ? (uint32) (HNSW_MAX_LAYERS - level) : HNSW_MAX_LAYERS + groups[i];
	}
	ngroups = places->n + HNSW_MAX_LAYERS;
	places->first = MemoryContextAllocHuge(CurrentMemoryContext,
										   ((Size) ngroups + 1) * sizeof(uint32));
	if (numbers == NULL)
	{
		barq_area_group(&area, groups, ngroups, places->first, NULL);
		pfree(groups);
	}
	else
	{
		uint32	   *origin = MemoryContextAllocHuge(CurrentMemoryContext,
													(Size) n * sizeof(uint32));

		barq_area_group(&area, groups, ngroups, places->first, origin);
		for (uint32 i = 0; i < n; i++)
			groups[origin[i]] = work->kept + i;
		pfree(origin);
		*numbers = groups;
	}
	for (uint32 i = 0; i <= ngroups; i++)
		places->first[i] += work->kept;
	places->first += HNSW_MAX_LAYERS;
	return true;
}

/* Let a window have the rows [from, end), and what shares blocks with them. */
static void
admit(uint8 *window, uint32 from, uint32 end)
{
	for (uint32 block = from / HNSW_BLOCK_ROWS; from < end; block++)
	{
		barq_bit_set(window, block);
		from = (block + 1) * HNSW_BLOCK_ROWS;
	}
}

/*
 * Make the window for rows of the places [from, end): the rows before all places, and
 * those of the places nearest to any of these, `least` rows or more; and the narrow one.
 */
static void
make_window(Places *places, uint32 from, uint32 end, uint64 least)
{
	BarqHnswWork *work = places->work;
	const BarqCodec *codec = &work->codec;
	uint8	   *window = hnsw_work_window(work, work->nwindows, false);
	uint8	   *narrow = hnsw_work_window(work, work->nwindows, true);
	uint64		rows = 0;

	memset(window, 0, work->window_bytes);
	memset(narrow, 0, work->window_bytes);
	work->window_first[work->nwindows++] = places->first[from];
	work->window_first[work->nwindows] = places->first[end];
	admit(window, 0, places->first[0]);
	admit(narrow, 0, places->first[0]);

	for (uint32 place = from; place < end; place++)
	{
		barq_check_interrupts();
		barq_code_keys(codec, places->centroids + (Size) place * codec->stride,
					   places->centroids, codec->stride, NULL, (int) places->n,
					   places->keys);
		barq_keys_clean(places->keys, (int) places->n);
		for (uint32 i = 0; i < places->n; i++)
			places->best[i] = place == from ? places->keys[i] :
				Min(places->best[i], places->keys[i]);
	}
	for (uint32 i = 0; i < places->n; i++)
	{
		/* these places come first */
		places->hits[i].key = i >= from && i < end ? -INFINITY : places->best[i];
		places->hits[i].row = i;
	}
	barq_hits_sort(places->hits, places->n);
	for (uint32 i = 0; i < places->n && (i < end - from || rows < least); i++)
	{
		uint32		place = places->hits[i].row;

		admit(window, places->first[place], places->first[place + 1]);
		if (i < end - from || rows < work->rows / NARROW_WINDOW)
			admit(narrow, places->first[place], places->first[place + 1]);
		rows += places->first[place + 1] - places->first[place];
	}
}

/* Make the windows: each serves places whose rows are a part of HNSW_WINDOWS. */
static void
make_windows(Places *places, uint64 memory)
{
	BarqHnswWork *work = places->work;
	uint32		n = places->n;
	uint32		rows = places->first[n] - places->first[0];
	uint64		least = Max(work->rows / LEAST_WINDOW,
							memory / 2 / Max(work->area_bytes / work->rows, 1));
	uint32		from = 0;

	places->hits = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(BarqHit));
	places->keys = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(float));
	places->best = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(float));
	for (uint32 end = 1; end <= n; end++)
	{
		if (end < n &&
			places->first[end] - places->first[from] < rows / HNSW_WINDOWS + 1)
			continue;
		make_window(places, from, end, least);
		from = end;
	}
	pfree(places->best);
	pfree(places->keys);
	pfree(places->hits);
}

bool
barq_hnsw_order_by_place(BarqHnswWork *work, const BarqHnswOptions *options, uint32 *counts,
						 uint32 **numbers)
{
	Places		places = {.work = work};

	if (numbers != NULL)
		*numbers = NULL;
	if (options->find_places == NULL || work->area_bytes <= options->memory)
		return false;
	work->by_place = order_rows(&places, options->find_places, counts, numbers);

	/* the best neighbours by inner product are long rows of any place */
	if (work->by_place && work->codec.metric != BARQ_METRIC_IP)
		make_windows(&places, options->memory);
	if (!work->by_place)
		return false;
	pfree(places.first - HNSW_MAX_LAYERS);
	pfree(unconstify(char *, places.centroids));
	return true;
}
