/*
 * ivf_sample.c
 *	  Samples of the rows, how well centroids fit them, and hence the decision
 *	  whether the centroids of an earlier training are kept.
 *
 * The *cost* of a row is its squared distance from the nearest centroid, which
 * k-means minimises; under cosine it is 1 - cos, half of that. Its mean over a
 * sample is stored with the centroids when they are trained. New rows far from
 * all centroids raise it. Many new rows near a few centroids lower it, but make
 * those lists long, which the *imbalance* shows: the mean length of the list of
 * a random row, divided by the mean length of a list.
 */
#include "postgres.h"

#include <math.h>

#include "ivf/ivf_work.h"
#include "base/interrupts.h"

/* Rows drawn for training: for each list, and at least in all. */
#define SAMPLE_A_LIST	128
#define SAMPLE_LEAST	10000

/* Rows drawn to measure cost and imbalance. */
#define SAMPLE_MEASURED	20000

/* Growth of cost and imbalance above which centroids are trained anew. */
#define DRIFTED_COST	1.05
#define DRIFTED_IMBALANCE 1.5

/* seeds of independent samples for training and measuring */
#define SEED_TRAIN		1
#define SEED_MEASURE	2

uint32
barq_ivf_sample_rows(uint32 lists, uint32 rows)
{
	return (uint32) Min(Max((uint64) lists * SAMPLE_A_LIST, SAMPLE_LEAST), rows);
}

/* A uniform random number below n: splitmix64 (Steele, Lea & Flood 2014). */
static uint64
draw(uint64 *state, uint64 n)
{
	uint64		z = (*state += UINT64CONST(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % n;
}

/*
 * Copy a random sample of `wanted` rows, or as many as the area has rows or
 * room for, to the area's sample; returns their number. Knuth, The Art of
 * Computer Programming, volume 2, 3.4.2, algorithm S.
 */
static uint32
draw_sample(BarqIvfWork *work, uint32 wanted, uint64 seed)
{
	Size		stride = work->codec.stride;
	char	   *sample = ivf_work_at(work, work->sample_off);
	uint32		n = 0;

	wanted = Min(wanted, work->space_sample);
	for (uint32 row = 0; row < work->rows && wanted > 0; row++)
	{
		const char *code = ivf_work_at(work, work->codes_off) + row * stride;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (draw(&seed, work->rows - row) >= wanted)
			continue;
		wanted--;
		memcpy(sample + n * stride, code, stride);
		n++;
	}
	return n;
}

/* The cost of a row whose key to its nearest centroid is given. */
static double
cost_of(BarqMetric metric, float key)
{
	double		cost = metric == BARQ_METRIC_COSINE ? 1.0 + key : key;

	return Max(cost, 0);
}

void
barq_ivf_sample_measure(BarqIvfWork *work, uint32 sample, bool near,
						BarqIvfProgress progress, void *arg,
						float *cost, float *imbalance)
{
	IvfStep		step = {0};
	const float *keys = (const float *) ivf_work_at(work, work->sample_key_off);
	const uint32 *lists = (const uint32 *) ivf_work_at(work, work->sample_list_off);
	uint32	   *counts = palloc_extended(sizeof(uint32) * work->lists,
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double		sum = 0;
	double		squares = 0;

	step.rows_off = work->sample_off;
	step.centroids_off = work->centroids_off;
	step.lists_off = work->sample_list_off;
	step.keys_off = work->sample_key_off;
	step.near_off = near ? work->near_off : 0;
	step.end = sample;
	barq_ivf_step_run(work, &step, progress, arg);

	for (uint32 i = 0; i < sample; i++)
	{
		sum += cost_of(work->codec.metric, keys[i]);
		counts[lists[i]]++;
	}
	for (uint32 i = 0; i < work->lists; i++)
		squares += (double) counts[i] * counts[i];
	pfree(counts);

	*cost = (float) (sum / Max(sample, 1));
	*imbalance = (float) (squares * work->lists / Max((double) sample * sample, 1));
}

/*
 * Do the kept centroids fit the rows nearly as well as when they were trained?
 * Overwrites the area's sample and runs a step: see barq_ivf_step_run() for progress.
 */
static bool
still_good(BarqIvfWork *work, BarqIvfProgress progress, void *arg)
{
	uint32		sample = draw_sample(work, SAMPLE_MEASURED, SEED_MEASURE);
	float		cost;
	float		imbalance;

	barq_ivf_sample_measure(work, sample, false, progress, arg, &cost, &imbalance);
	return cost <= work->kept_cost * DRIFTED_COST &&
		imbalance <= work->kept_imbalance * DRIFTED_IMBALANCE;
}

/* A progress callback that reports 0 rows: rows of a sample are no progress. */
typedef struct Quiet
{
	BarqIvfProgress progress;
	void	   *arg;
} Quiet;

/* BarqIvfProgress; arg: a Quiet */
static void
quiet_progress(void *arg, uint32 rows)
{
	Quiet	   *quiet = arg;

	if (quiet->progress != NULL)
		quiet->progress(quiet->arg, 0);
}

/* Find the centroids: those that are kept, or new ones. */
static void
find_centroids(BarqIvfWork *work, BarqIvfProgress progress, void *arg)
{
	Quiet		quiet = {progress, arg};
	uint32		sample;

	if (work->kept > 0 && still_good(work, quiet_progress, &quiet))
	{
		work->cost = work->kept_cost;
		work->imbalance = work->kept_imbalance;
		work->wanted = work->kept_wanted;
		return;
	}

	work->kept = 0;
	work->lists = work->wanted;
	sample = draw_sample(work, work->space_sample, SEED_TRAIN);
	barq_ivf_kmeans(work, sample, quiet_progress, &quiet);

	/* another sample: centroids fit the rows that trained them too well */
	sample = draw_sample(work, SAMPLE_MEASURED, SEED_MEASURE);
	barq_ivf_sample_measure(work, sample, false, quiet_progress, &quiet,
							&work->cost, &work->imbalance);
}

void
barq_ivf_work_train(BarqIvfWork *work, BarqIvfProgress progress, void *arg)
{
	if (work->rows == 0 || work->phase != IVF_PHASE_LOADED)
		return;
	find_centroids(work, progress, arg);
	memset(ivf_work_at(work, work->list_of_off + (uint64) work->kept * sizeof(uint32)), 0xff,
		   (uint64) (work->rows - work->kept) * sizeof(uint32));
	pg_write_barrier();			/* a process that goes on finds all of it */
	work->phase = IVF_PHASE_TRAINED;
}

void
barq_ivf_work_assign(BarqIvfWork *work, BarqIvfProgress progress, void *arg)
{
	IvfStep		step = {0};

	step.rows_off = work->codes_off;
	step.centroids_off = work->centroids_off;
	step.lists_off = work->list_of_off;
	step.first = work->kept;
	step.end = work->rows;
	step.goes_on = true;
	barq_ivf_step_run(work, &step, progress, arg);
	pg_atomic_write_u32(&work->finished, 1);
}

const char *
barq_ivf_work_centroids(BarqIvfWork *work, uint32 *lists, const uint32 **list_of)
{
	*lists = work->lists;
	*list_of = (const uint32 *) ivf_work_at(work, work->list_of_off);
	return ivf_work_at(work, work->centroids_off);
}
