/*
 * recall_measure.c
 *	  Measuring the recall curve of a segment, on rows of it or on queries of a user.
 *
 * A row of the segment is a query as if the row itself were not there. Its nearest rows
 * are found by scoring all codes and re-scoring the best of them, and for each of them
 * the breadth is asked at which a search meets it (BarqVectorSearchOps.breadths). So a
 * query takes its part of a scan of the codes, which several queries share, and one walk,
 * whatever the number of breadths.
 */
#include "postgres.h"

#include <math.h>

#include "base/compare.h"
#include "base/settings.h"
#include "base/stats.h"
#include "common/pg_prng.h"
#include "flat/vector_body.h"
#include "ivf/ivf.h"
#include "miscadmin.h"
#include "store/view.h"
#include "utils/memutils.h"
#include "vector_index/recall_measure.h"
#include "vector_index/recall_samples.h"

#define NEAREST			100		/* rows looked for, of each query */
#define RESCORED		130		/* of these best codes, with the query's own row */

/*
 * Samples: as many as cost 2.9 % of the work of making a segment. The scan of all codes, which
 * samples share, grows with the rows of the segment as that work does; the walk does not,
 * so small segments have fewer. At 100 dimensions 265 are 2.9 % of that work at 60,000 rows,
 * 190 at 30,000, and the longer a code is, the fewer (docs/performance.md, "Recall by name").
 * A graph of less m and ef_construction is made faster, but walks in it are as long: so the
 * number grows with the root of their product.
 * Lists are made five times as fast, and have no walks. The breadths of a hundred rows, the last of which are
 * found late, are asked of each eighth sample only. More samples are taken while the time that
 * the caller allows lasts.
 */
#define LEAST_SAMPLES	48
#define LEAST_OF_LISTS	32
#define FURTHER			8		/* more samples at once */
#define HARD_SAMPLES	24		/* by which hardness can be told, at least */
#define ENOUGH_SAMPLES	450		/* of a segment so large that walks cost nothing */
#define HALF_ROWS		42000	/* rows of which a scan costs as much as all else of a sample */
#define LISTS_PART		3.1
#define ENOUGH_BYTES	112		/* of a code, up to which there are as many */
#define MOST_SAMPLES	512
#define SAMPLES_A_HUNDRED	8
#define FEW				10		/* rows of which every sample asks */

/*
 * A row that is a query leaves a hole in the graph, through which its neighbours are not
 * linked as they would be without it: it needs 1.1 to 1.3 times the breadth of a query that
 * was never there (docs/performance.md, "Recall by name"). Not by inner products: there its
 * neighbours link to the longest rows, not to it, and what it leaves is no hole.
 */
#define HOLE	1.15

/* This part of the samples is not crowded (BarqHardness). */
#define HARD_QUANTILE	0.7

/*
 * This part of a sample may be farther than those that are not far: none where all have the same
 * weight, one where far rows are so many that each counts less.
 */
#define FARTHER			0.75

/* A row of the nearest, by its distance. */
typedef struct Near
{
	double		distance;
	uint32		row;
	int			rank;			/* by codes, from 1 */
} Near;

static int
compare_near(const void *a, const void *b)
{
	double		x = ((const Near *) a)->distance;
	double		y = ((const Near *) b)->distance;

	return x < y ? -1 : x > y;
}

/*
 * How a segment of this kind is searched in an index: *params, but for the query, as
 * barq_scan does. `most`: the largest breadth that is asked about.
 */
static void
search_params(bool of_lists, BarqSearchParams *params)
{
	memset(params, 0, sizeof(*params));
	params->breadth = of_lists ? BARQ_LISTS_BREADTH : BARQ_CURVE_MOST;
	params->beside_graphs = !of_lists;
}

void
barq_curve_range(bool of_lists, BarqView *view, int *least, int *most)
{
	*least = of_lists ? 1 : 10;
	*most = of_lists ? (int) Max(barq_ivf_lists_of(view), 1) : BARQ_CURVE_MOST;
}

/* Breadths at which the nearest rows of a query, whose best codes are hits[], are met. */
static void
measure_one(BarqView *view, bool of_lists, BarqMeasured *measured, const BarqHit *hits, int got,
			int max)
{
	const BarqVectorSearchOps *ops = barq_segment_kind(view->kind)->vectors;
	BarqSearchParams params;
	Near		near[RESCORED];
	uint32		rows[RESCORED];
	int			needed[RESCORED];
	int			n = 0;

	for (int i = 0; i < got; i++)
	{
		double		bound;

		if (hits[i].row == measured->absent)
			continue;
		near[n].row = hits[i].row;
		near[n].rank = n + 1;
		barq_query_rescore(measured->query, ops->row_code(view, hits[i].row),
						   &near[n].distance, &bound);
		n++;
	}
	qsort(near, n, sizeof(Near), compare_near);
	n = Min(n, max);
	for (int i = 0; i < n; i++)
	{
		rows[i] = near[i].row;
		needed[i] = 1;
	}
	if (ops->breadths != NULL)
	{
		int			asked = Min(n, measured->asked);

		search_params(of_lists, &params);
		params.query = measured->query;
		ops->breadths(view, &params, measured->absent, rows, asked, needed);
		for (int i = asked; i < n; i++)
			needed[i] = BARQ_BREADTH_NEVER;
	}
	for (int i = 0; i < n; i++)
	{
		/* of a beam as long as the row's rank among codes, the row is re-scored */
		if (!of_lists && ops->breadths != NULL && needed[i] != BARQ_BREADTH_NEVER)
			needed[i] = Max(needed[i], near[i].rank);
		measured->nearest[i].distance = near[i].distance;
		measured->nearest[i].needed = needed[i];
	}
	measured->n = n;
}

void
barq_measure_nearest(BarqView *view, bool of_lists, BarqMeasured *queries, int n, int max,
					 BarqMergePoints *points)
{
	const BarqQuery *prepared[BARQ_MEASURED_TOGETHER];
	BarqHit    *hits = palloc(sizeof(BarqHit) * RESCORED * n);
	int			got;

	Assert(n <= BARQ_MEASURED_TOGETHER);
	for (int i = 0; i < n; i++)
		prepared[i] = queries[i].query;
	got = barq_flat_nearest(view, prepared, n, RESCORED, hits);
	for (int i = 0; i < n; i++)
	{
		barq_merge_point(points, BARQ_POINT_MEASURING);
		measure_one(view, of_lists, &queries[i], hits + (Size) i * RESCORED, got, max);
	}
	pfree(hits);
}

/* A row of the segment as a query, and what was found for it. */
typedef struct Sample
{
	double		weight;			/* of all weights, the rows that are like it */
	int			n;
	BarqNeighbour nearest[NEAREST];
} Sample;

/* A number that a sample has. */
typedef struct Weighted
{
	double		value;
	double		weight;
} Weighted;

static int
compare_weighted(const void *a, const void *b)
{
	return barq_compare_doubles(&((const Weighted *) a)->value, &((const Weighted *) b)->value);
}

/* Sorts the numbers, and returns the least that this part of the weights does not exceed. */
static double
quantile(Weighted *of, int n, double part)
{
	double		left = 0;
	int			at = 0;

	qsort(of, n, sizeof(Weighted), compare_weighted);
	for (int i = 0; i < n; i++)
		left += of[i].weight * part;
	while (at < n - 1 && (left -= of[at].weight) > 0)
		at++;
	return of[at].value;
}

/* What is usual among the samples. */
static BarqHardness
hardness_of(const Sample *samples, int n)
{
	BarqHardness hardness = barq_hardness_none();
	Weighted	crowding[MOST_SAMPLES];
	Weighted	tenth[MOST_SAMPLES];
	int			told = 0;

	for (int i = 0; i < n; i++)
	{
		const Sample *sample = &samples[i];

		if (sample->n < BARQ_HARDNESS_ROWS || !(sample->nearest[9].distance > 0))
			continue;
		tenth[told] = (Weighted) {sample->nearest[9].distance, sample->weight};
		crowding[told++] = (Weighted) {barq_crowding(sample->nearest[9].distance,
													 sample->nearest[sample->n - 1].distance, sample->n),
									  sample->weight};
	}
	if (told < HARD_SAMPLES)
		return hardness;
	hardness.crowded = (float) quantile(crowding, told, HARD_QUANTILE);
	hardness.far = (float) quantile(tenth, told, 1 - FARTHER / told);
	return hardness;
}

/* Measure samples [first, first + n) of a segment, in the current memory context. */
static void
measure_rows(const BarqCodec *codec, BarqView *view, bool of_lists, const BarqSamples *rows,
			 int first, int n, BarqMergePoints *points, Sample *samples)
{
	BarqMeasured measured[BARQ_MEASURED_TOGETHER];

	for (int i = 0; i < n; i++)
	{
		uint32		row = barq_sample(rows, first + i, &samples[first + i].weight);

		measured[i].query = barq_row_query(codec, view, row);
		measured[i].absent = row;
		measured[i].asked = (first + i) % SAMPLES_A_HUNDRED == 0 ? NEAREST : FEW;
		measured[i].nearest = samples[first + i].nearest;
	}
	barq_measure_nearest(view, of_lists, measured, n, NEAREST, points);
	for (int i = 0; i < n; i++)
		samples[first + i].n = measured[i].n;
}

/* How many rows of a segment are measured at least: see above. */
static int
enough_samples(const BarqFrozenOptions *frozen, uint32 rows, Size code_bytes)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);
	double		enough = ENOUGH_SAMPLES * rows / ((double) rows + HALF_ROWS) *
		sqrt(cbrt(Min(ENOUGH_BYTES / (double) code_bytes, 1)));

	if (frozen->index_kind == BARQ_KIND_IVF)
		return (int) Max(enough / LISTS_PART, LEAST_OF_LISTS);
	enough *= sqrt((double) options->m * options->ef_construction /
				   (BARQ_HNSW_DEFAULT_M * BARQ_HNSW_DEFAULT_EF_CONSTRUCTION));
	return (int) Min(Max(enough, LEAST_SAMPLES), MOST_SAMPLES);
}

void
barq_measure_curve(const BarqFrozenOptions *frozen, BarqView *view, uint64 budget_us,
				   BarqMergePoints *points, uint64 *statistics)
{
	bool		of_lists = frozen->index_kind == BARQ_KIND_IVF;
	const BarqSegmentKind *kind = barq_segment_kind(view->kind);
	BarqRecallCurve *curve = (BarqRecallCurve *) statistics;
	BarqCodec	codec;
	bool		leave_hole;
	BarqCurveSums sums;
	BarqHardness hardness;
	MemoryContext context;
	MemoryContext old;
	Sample	   *samples;
	BarqSamples rows;
	instr_time	start;
	int			least;
	int			most;
	int			enough;
	int			n;

	memset(curve, 0, sizeof(*curve));
	if (kind->vectors == NULL || kind->vectors->breadths == NULL || view->rows < 2)
		return;
	barq_vector_codec(frozen, &codec);
	leave_hole = !of_lists && codec.metric != BARQ_METRIC_IP;
	enough = enough_samples(frozen, view->rows, codec.stride);
	INSTR_TIME_SET_CURRENT(start);
	samples = palloc(sizeof(Sample) * MOST_SAMPLES);
	rows = barq_samples_begin(&codec, view, enough);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq recall curve",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	barq_curve_range(of_lists, view, &least, &most);
	for (n = 0; n < MOST_SAMPLES;)
	{
		int			together = n < enough ? Min(BARQ_MEASURED_TOGETHER, enough - n) :
			Min(FURTHER, MOST_SAMPLES - n);

		if (n >= enough && barq_elapsed_us(start) > budget_us)
			break;
		measure_rows(&codec, view, of_lists, &rows, n, together, points, samples);
		n += together;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);

	hardness = hardness_of(samples, n);
	barq_curve_begin(&sums, least, most);
	for (int i = 0; i < n; i++)
	{
		int			needed[NEAREST];

		/*
		 * As if hard queries got no more than others: so queries of another kind,
		 * of which more are hard, stay near the target. (By inner products none is
		 * known to be hard.)
		 */
		for (int j = 0; j < samples[i].n; j++)
		{
			needed[j] = samples[i].nearest[j].needed;
			if (leave_hole && needed[j] != BARQ_BREADTH_NEVER)
				needed[j] = (int) ceil(needed[j] / HOLE);
		}
		barq_curve_add(&sums, needed, samples[i].n,
					   i % SAMPLES_A_HUNDRED == 0 ? BARQ_CURVE_KS : 1, samples[i].weight);
	}
	pfree(samples);
	if (rows.rows != NULL)
		pfree(rows.rows);
	barq_curve_finish(&sums, false, curve);
	curve->crowded = hardness.crowded;
	curve->far = hardness.far;
}
