/*
 * ivf_kmeans.c
 *	  Centroids from a sample: k-means++ (Arthur & Vassilvitskii 2007,
 *	  http://ilpubs.stanford.edu:8090/778/) on a part of it, then Lloyd's
 *	  iterations (Lloyd 1982) on all, spherical where directions count (Dhillon
 *	  & Modha 2001: means are normalised, which encoding under cosine does).
 *
 * Rows and centroids are compared as codes; means are taken of the decoded
 * vectors. The leader alone runs this; assignment of the sample is shared
 * (barq_ivf_sample_measure).
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "ivf/ivf_work.h"
#include "base/interrupts.h"

#define START_A_LIST	16		/* rows for each list among which k-means++ chooses */
#define MOST_ITERATIONS	16
#define LEAST_GAIN		0.002	/* an iteration that saves a smaller share is the last */
#define KEYS_AT_ONCE	1024

/*
 * Iterations that compare each row with all centroids. Later ones compare it
 * only with the centroids near to that of its list, as rows then move to
 * neighbouring lists only.
 */
#define FULL_ITERATIONS	2

typedef struct Kmeans
{
	BarqIvfWork *work;
	BarqCodec	space;			/* ivf_space() */
	uint32		sample;			/* rows */
	uint64		random;			/* state of uniform() */
} Kmeans;

static const char *
sample_row(const Kmeans *km, uint32 i)
{
	return ivf_work_at(km->work, km->work->sample_off) + i * (Size) km->space.stride;
}

static char *
centroid(const Kmeans *km, uint32 i)
{
	return ivf_work_at(km->work, km->work->centroids_off) + i * (Size) km->space.stride;
}

/* A random number in [0, 1): xorshift64* (Vigna 2016) */
static double
uniform(Kmeans *km)
{
	km->random ^= km->random >> 12;
	km->random ^= km->random << 25;
	km->random ^= km->random >> 27;
	return (double) ((km->random * UINT64CONST(0x2545f4914f6cdd1d)) >> 11) / 9007199254740992.0;
}

static uint32
random_row(Kmeans *km)
{
	return Min((uint32) (uniform(km) * km->sample), km->sample - 1);
}

/* Make a row of the sample the centroid of a list. */
static void
set_to_row(Kmeans *km, uint32 list, uint32 row)
{
	memcpy(centroid(km, list), sample_row(km, row), km->space.stride);
}

/*
 * k-means++: for n rows, lower costs[i] to the row's cost at a new centroid (code) where
 * that is less. Returns the sum of costs[].
 */
static double
lower_costs(Kmeans *km, const char *code, const char *rows, uint32 n, float *costs)
{
	float		keys[KEYS_AT_ONCE];
	double		total = 0;

	for (uint32 at = 0; at < n; at += KEYS_AT_ONCE)
	{
		int			count = (int) Min(KEYS_AT_ONCE, n - at);

		barq_code_keys(&km->space, code, rows + at * (Size) km->space.stride,
					   km->space.stride, NULL, count, keys);
		for (int i = 0; i < count; i++)
		{
			float		cost = km->space.metric == BARQ_METRIC_COSINE ? 1 + keys[i] : keys[i];

			/* negative by rounding, or NaN */
			if (!(cost >= 0))
				cost = 0;
			costs[at + i] = Min(costs[at + i], cost);
			total += costs[at + i];
		}
	}
	return total;
}

/*
 * Choose the first centroids by k-means++: rows of the sample, each with a
 * probability in proportion to its cost at the centroids chosen before.
 */
static void
start(Kmeans *km)
{
	uint32		lists = km->work->lists;
	uint32		every = Max(km->sample / ((uint64) lists * START_A_LIST), 1);
	uint32		n = km->sample / every;
	float	   *costs = palloc_extended(sizeof(float) * n, MCXT_ALLOC_HUGE);
	uint32		row = (uint32) (uniform(km) * n) * every;

	/* together, for they are read once for each list, and the sample may exceed memory */
	char	   *rows = palloc_extended((Size) n * km->space.stride, MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < n; i++)
	{
		if ((i & 0xfff) == 0)
			barq_check_interrupts();
		memcpy(rows + i * (Size) km->space.stride, sample_row(km, i * every),
			   km->space.stride);
		costs[i] = INFINITY;
	}
	for (uint32 list = 0; list < lists; list++)
	{
		double		total;
		double		left;
		uint32		i;

		barq_check_interrupts();
		set_to_row(km, list, row);
		if (list + 1 == lists)
			break;
		total = lower_costs(km, centroid(km, list), rows, n, costs);

		/* every row is a centroid already, or the sum has overflowed */
		if (!(total > 0) || isinf(total))
		{
			row = random_row(km);
			continue;
		}
		left = uniform(km) * total;
		for (i = 0; i + 1 < n && left >= costs[i]; i++)
			left -= costs[i];
		row = i * every;
	}
	pfree(rows);
	pfree(costs);
}

/*
 * Move each centroid to the mean of its rows of the sample. means: lists · dims
 * elements, overwritten; counts: receives the rows of each list.
 */
static void
move_centroids(Kmeans *km, float *means, uint32 *counts)
{
	BarqIvfWork *work = km->work;
	const uint32 *list_of = (const uint32 *) ivf_work_at(work, work->sample_list_off);
	int			dims = km->space.dims;
	float	   *x = palloc(sizeof(float) * dims);
	char	   *row = palloc(km->space.row_bytes);

	memset(means, 0, sizeof(float) * (Size) work->lists * dims);
	memset(counts, 0, sizeof(uint32) * work->lists);
	for (uint32 i = 0; i < km->sample; i++)
		counts[list_of[i]]++;
	for (uint32 i = 0; i < km->sample; i++)
	{
		float	   *mean = means + (Size) list_of[i] * dims;
		float		share = 1.0f / counts[list_of[i]];

		if ((i & 0xff) == 0)
			barq_check_interrupts();
		barq_codec_decode(&km->space, sample_row(km, i), x);

		/* divide before adding: the sum could overflow */
		for (int k = 0; k < dims; k++)
			mean[k] += x[k] * share;
	}
	for (uint32 list = 0; list < work->lists; list++)
	{
		if ((list & 0xff) == 0)
			barq_check_interrupts();

		/* a zero mean has no direction under cosine: the centroid stays */
		if (counts[list] > 0 && barq_codec_encode_floats(&km->space, means + (Size) list * dims, row))
			memcpy(centroid(km, list), row, km->space.row_bytes);
	}
	pfree(row);
	pfree(x);
}

/*
 * Move the centroid of each list without rows to a random row of a list that
 * has several; after 16 misses it stays. Updates counts[].
 */
static void
fill_empty(Kmeans *km, uint32 *counts)
{
	const uint32 *list_of = (const uint32 *) ivf_work_at(km->work, km->work->sample_list_off);

	for (uint32 list = 0; list < km->work->lists; list++)
	{
		if (counts[list] > 0)
			continue;
		for (int tries = 0; tries < 16; tries++)
		{
			uint32		row = random_row(km);

			if (counts[list_of[row]] > 1)
			{
				set_to_row(km, list, row);
				counts[list_of[row]]--;
				break;
			}
		}
	}
}

/*
 * Write the IVF_NEAR nearest centroids of each centroid, itself among them, to
 * the area (near_off).
 */
static void
find_near(Kmeans *km)
{
	BarqIvfWork *work = km->work;
	uint32	   *near = (uint32 *) ivf_work_at(work, work->near_off);
	float	   *keys = palloc_extended(sizeof(float) * work->lists, MCXT_ALLOC_HUGE);
	BarqHit    *hits = palloc_extended(sizeof(BarqHit) * work->lists, MCXT_ALLOC_HUGE);

	for (uint32 list = 0; list < work->lists; list++)
	{
		if ((list & 0xf) == 0)
			barq_check_interrupts();
		barq_code_keys(&km->space, centroid(km, list), centroid(km, 0), km->space.stride,
					   NULL, (int) work->lists, keys);
		barq_keys_clean(keys, (int) work->lists);
		for (uint32 i = 0; i < work->lists; i++)
			hits[i] = (BarqHit) {keys[i], i};
		barq_hits_select(hits, work->lists, IVF_NEAR);
		for (int i = 0; i < IVF_NEAR; i++)
			near[(Size) list * IVF_NEAR + i] = hits[i].row;
	}
	pfree(hits);
	pfree(keys);
}

void
barq_ivf_kmeans(BarqIvfWork *work, uint32 sample, BarqIvfProgress progress, void *arg)
{
	Kmeans		km = {work, ivf_space(&work->codec), sample, 42};
	float	   *means;
	uint32	   *counts;
	float		before = INFINITY;

	Assert(sample > 0);
	work->lists = Min(work->lists, sample);
	start(&km);

	means = palloc_extended(sizeof(float) * (Size) work->lists * km.space.dims,
							MCXT_ALLOC_HUGE);
	counts = palloc_extended(sizeof(uint32) * work->lists, MCXT_ALLOC_HUGE);
	for (int i = 0; i < MOST_ITERATIONS; i++)
	{
		float		cost;
		float		imbalance;
		bool		near = i >= FULL_ITERATIONS && work->lists > 2 * IVF_NEAR;

		if (near)
			find_near(&km);
		barq_ivf_sample_measure(work, sample, near, progress, arg, &cost, &imbalance);
		if (!(cost < before * (1 - LEAST_GAIN)))
			break;
		before = cost;
		move_centroids(&km, means, counts);
		fill_empty(&km, counts);
	}
	pfree(counts);
	pfree(means);
}
