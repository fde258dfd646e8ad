/*
 * places.c
 *	  Places of rows, for graphs that are larger than memory: k-means in two levels over
 *	  a sample, by way of the lists of ivf.
 *
 * The places of one region have adjacent numbers, and so have regions near each other:
 * centroids are put in a chain, each followed by the nearest one that is left.
 */
#include "postgres.h"

#include <math.h>

#include "base/interrupts.h"
#include "miscadmin.h"
#include "store/work.h"
#include "vector_index/vector_build.h"

/*
 * Rows of a place. A search for neighbours reads rows of dozens of places in any case;
 * smaller ones cost time to find.
 */
#define ROWS_A_PLACE	512
#define SAMPLE_A_PLACE	32
#define MOST_PLACES		16384

/* Centroids in the order of their chain. */
typedef struct Centroids
{
	uint32		n;
	char	   *codes;			/* stride bytes each */
} Centroids;

/* The two levels. */
typedef struct Places
{
	const BarqCodec *codec;		/* of the rows */
	BarqCodec	space;			/* in which they are compared: L2 for inner products */
	Centroids	regions;
	Centroids  *inner;			/* of each region */
	uint32	   *first;			/* the first place of each region; the number of all */
	float	   *keys;			/* of one row at the centroids of a level */
} Places;

/* BarqIvfProgress: checks for interrupts only. */
static void
check_only(void *arg, uint32 rows)
{
	barq_check_interrupts();
}

/* Number of the nearest centroid to a code. */
static uint32
nearest(const Places *places, const Centroids *centroids, const char *code)
{
	uint32		best = 0;

	barq_code_keys(&places->space, code, centroids->codes, places->space.stride, NULL,
				   (int) centroids->n, places->keys);
	for (uint32 i = 1; i < centroids->n; i++)
		if (places->keys[i] < places->keys[best])
			best = i;
	return best;
}

/*
 * Put centroids in a chain: the nearest to `start` (NULL: the first) comes first, each is
 * followed by the nearest of those that are left.
 */
static void
chain(Places *places, Centroids *centroids, const char *start)
{
	Size		stride = places->codec->stride;
	Centroids	left = {centroids->n, palloc_extended(centroids->n * stride, MCXT_ALLOC_HUGE)};

	memcpy(left.codes, centroids->codes, centroids->n * stride);
	for (uint32 i = 0; i < centroids->n; i++)
	{
		uint32		next = start == NULL ? 0 : nearest(places, &left, start);

		barq_check_interrupts();
		memcpy(centroids->codes + i * stride, left.codes + next * stride, stride);
		left.n--;
		memmove(left.codes + next * stride, left.codes + left.n * stride,
				next < left.n ? stride : 0);
		start = centroids->codes + i * stride;
	}
	pfree(left.codes);
}

/*
 * Train at most `wanted` centroids on n codes, and put them in a chain that begins near
 * `start`. palloc'd in the current memory context.
 */
static Centroids
train(Places *places, const char *codes, uint32 n, uint32 wanted, const char *start)
{
	const BarqCodec *codec = places->codec;
	Size		stride = codec->stride;
	BarqBuildRows rows = {.n = n, .codes = codes};
	BarqWork   *area;
	BarqIvfWork *lists;
	const char *trained;
	const uint32 *list_of;
	Centroids	centroids;

	rows.tids = palloc_extended((Size) n * sizeof(ItemPointerData),
								MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	area = barq_work_create_private(barq_ivf_rows_bytes(codec, wanted, n));
	lists = barq_ivf_work_load_rows(area->address, codec, wanted, &rows);
	barq_ivf_work_train(lists, check_only, NULL);
	trained = barq_ivf_work_centroids(lists, &centroids.n, &list_of);
	centroids.codes = palloc_extended(centroids.n * stride, MCXT_ALLOC_HUGE);
	memcpy(centroids.codes, trained, centroids.n * stride);
	barq_work_release(area);
	pfree(unconstify(ItemPointerData *, rows.tids));
	chain(places, &centroids, start);
	return centroids;
}

/*
 * Copy a sample of `wanted` rows, evenly spread over all, to sample[]; returns their
 * number.
 */
static uint32
draw_sample(const BarqCodec *codec, const char *codes, uint32 n, uint32 wanted, char *sample)
{
	Size		stride = codec->stride;
	uint64		state = 1;

	wanted = Min(wanted, n);
	for (uint32 i = 0; i < wanted; i++)
	{
		/* one row of each part of n / wanted rows: xorshift64* (Vigna 2016) */
		uint32		from = (uint32) ((uint64) n * i / wanted);
		uint32		end = (uint32) ((uint64) n * (i + 1) / wanted);

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		state ^= state >> 12;
		state ^= state << 25;
		state ^= state >> 27;
		from += (uint32) (((state * UINT64CONST(0x2545f4914f6cdd1d)) >> 32) % (end - from));
		memcpy(sample + i * stride, codes + from * stride, stride);
	}
	return wanted;
}

/* Train both levels on a sample. */
static void
train_places(Places *places, char *sample, uint32 n, uint32 wanted)
{
	Size		stride = places->codec->stride;
	uint32		regions = (uint32) Max(sqrt(wanted), 1);
	char	   *part = palloc_extended(n * stride, MCXT_ALLOC_HUGE);
	uint32	   *region_of = palloc_extended(n * sizeof(uint32), MCXT_ALLOC_HUGE);
	const char *last = NULL;

	places->keys = palloc((regions + 1) * sizeof(float));
	places->regions = train(places, sample, n, regions, NULL);
	regions = places->regions.n;
	places->inner = palloc0(regions * sizeof(Centroids));
	places->first = palloc0((regions + 1) * sizeof(uint32));
	for (uint32 i = 0; i < n; i++)
	{
		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		region_of[i] = nearest(places, &places->regions, sample + i * stride);
	}
	for (uint32 region = 0; region < regions; region++)
	{
		Centroids  *inner = &places->inner[region];
		uint32		rows = 0;
		uint32		most;

		for (uint32 i = 0; i < n; i++)
			if (region_of[i] == region)
				memcpy(part + rows++ * stride, sample + i * stride, stride);
		most = (uint32) Max((uint64) wanted * rows / n, 1);
		places->keys = repalloc_huge(places->keys,
									 Max(most, places->regions.n) * sizeof(float) + 64);
		if (rows > 0)
			*inner = train(places, part, rows, most, last);
		places->first[region + 1] = places->first[region] + Max(inner->n, 1);
		if (inner->n > 0)
			last = inner->codes + (inner->n - 1) * stride;
	}
	pfree(region_of);
	pfree(part);
}

uint32
barq_find_places(const BarqCodec *codec, const char *codes, uint32 n, uint32 *places,
				 const char **centroids)
{
	MemoryContext context;
	MemoryContext old;
	BarqCodec	plain = *codec;
	Places		state;
	Size		stride = codec->stride;
	uint32		wanted = (uint32) Min(n / ROWS_A_PLACE, MOST_PLACES);
	char	   *sample;
	uint32		found;
	char	   *all;

	if (barq_codec_has_heads(codec) || wanted < 2)
		return 0;

	/* places need no refinements */
	plain.refine_bytes = 0;
	memset(&state, 0, sizeof(state));
	state.codec = &plain;
	state.space = plain;
	if (codec->metric == BARQ_METRIC_IP)
		state.space.metric = BARQ_METRIC_L2;
	context = AllocSetContextCreate(CurrentMemoryContext, "barq places",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	sample = palloc_extended((Size) Min(n, wanted * SAMPLE_A_PLACE) * stride,
							 MCXT_ALLOC_HUGE);
	train_places(&state, sample,
				 draw_sample(codec, codes, n, wanted * SAMPLE_A_PLACE, sample), wanted);
	pfree(sample);

	for (uint32 i = 0; i < n; i++)
	{
		const char *code = codes + i * stride;
		uint32		region = nearest(&state, &state.regions, code);

		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		places[i] = state.first[region];
		if (state.inner[region].n > 1)
			places[i] += nearest(&state, &state.inner[region], code);
	}
	found = state.first[state.regions.n];
	MemoryContextSwitchTo(old);
	all = palloc_extended(found * stride, MCXT_ALLOC_HUGE);
	for (uint32 region = 0; region < state.regions.n; region++)
	{
		const Centroids *inner = &state.inner[region];

		/* a region without rows of the sample is one place */
		memcpy(all + state.first[region] * stride,
			   inner->n > 0 ? inner->codes : state.regions.codes + region * stride,
			   Max(inner->n, 1) * stride);
	}
	*centroids = all;
	MemoryContextDelete(context);
	return found;
}
