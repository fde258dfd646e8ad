/*
 * radius_share.c
 *	  How many rows of an index lie within a radius: an estimate for the planner, from a
 *	  sample of codes.
 *
 * The rows sampled lie at equal distances in the segments. Segments of graphs and lists
 * keep near rows together, so the sample is a stratified one. The planner does not wait
 * for images: what it reads is read page by page where there is none.
 *
 * Few rows of a sample, or none, lie within a small radius. There the share is taken
 * from the tail of the sampled distances, which near 0 grows as a power of the distance:
 * with Hill's estimator (Hill, Annals of Statistics 3, 1975) of that power, the local
 * intrinsic dimension, from the nearest rows of the sample (Amsaleg et al., KDD 2015).
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "store/snapshot.h"
#include "types/distance_memo.h"
#include "utils/memutils.h"
#include "base/compare.h"
#include "vector_index/growing_scan.h"
#include "vector_index/radius.h"
#include "vector_index/vector_index.h"

#define SAMPLE		1000		/* rows */
#define QUERIES		10			/* of them that serve as queries, where none is given */
#define ENOUGH		10			/* rows within the radius: their share is the answer */
#define TAIL		20			/* nearest rows from which the power is estimated */

typedef struct Sample
{
	Relation	index;
	const Datum *value;			/* the query, or NULL */
	double		radius;
	BarqMeta	meta;
	BarqCodec	codec;
	MemoryContext context;
	char	   *rows;			/* whole rows, one after the other */
	Size		used;
	Size		space;
	Size		at[SAMPLE];		/* of each row in `rows` */
	int			n;
	double		distances[SAMPLE];
	int			ndistances;
	double		share;
} Sample;

/*
 * The share of rows within the radius, from n distances, which are sorted. The metric
 * has distances below 0 if it is the inner product.
 */
static double
share_of(double *distances, int n, double radius, bool below_zero)
{
	int			within = 0;
	int			tail = Min(TAIL, n / 2);
	double		power = 0;
	double		far;

	qsort(distances, n, sizeof(double), barq_compare_doubles);
	while (within < n && distances[within] < radius)
		within++;
	if (within >= ENOUGH || tail == 0)
		return (double) within / n;
	far = distances[tail - 1];
	if (below_zero || !(radius > 0) || !(far > 0))
		return Max(within, 0.5) / n;
	for (int i = 0; i < tail; i++)
		power += log(far / Max(distances[i], far * 1e-3));
	power = power > 0 ? tail / power : 1;
	return Min((double) tail / n * pow(radius / far, power), (within + 1.0) / n);
}

/* Keep a copy of a row. */
static void
keep_row(Sample *sample, const void *row, Size bytes)
{
	Size		wanted = sample->used + MAXALIGN(bytes);

	if (sample->n == SAMPLE)
		return;
	if (wanted > sample->space)
	{
		sample->space = Max(wanted, sample->space * 2);
		sample->rows = sample->rows == NULL ? palloc(sample->space) :
			repalloc(sample->rows, sample->space);
	}
	memcpy(sample->rows + sample->used, row, bytes);
	sample->at[sample->n++] = sample->used;
	sample->used = wanted;
}

/* Add distances of the sampled rows but one from a query, given as the codec takes it. */
static void
add_distances(Sample *sample, const void *value, int except)
{
	BarqQuery  *query = barq_query_prepare(palloc(barq_query_bytes(&sample->codec)),
										   &sample->codec, value);

	sample->ndistances = 0;
	for (int i = 0; i < sample->n; i++)
		if (i != except)
			sample->distances[sample->ndistances++] =
				barq_key_distance(&sample->codec,
								  barq_query_key(query, sample->rows + sample->at[i]));
}

/* The share for the distances that were added. */
static double
share_of_sample(Sample *sample)
{
	return share_of(sample->distances, sample->ndistances, sample->radius,
					sample->codec.metric == BARQ_METRIC_IP);
}

/* The share for the query that is given; raises the error of other dimensions. */
static double
share_of_query(Sample *sample)
{
	const BarqVectorSpace *space = barq_vector_space(sample->index);
	void	   *copy;
	int			dims;
	const void *value = space->elements(PointerGetDatum(PG_DETOAST_DATUM(*sample->value)),
										&dims, &copy);

	if (dims != sample->codec.dims)
		return -1;				/* the error is the executor's */
	add_distances(sample, value, -1);
	return share_of_sample(sample);
}

/* The mean share for some of the sampled rows; negative if these cannot be decoded. */
static double
share_of_rows(Sample *sample)
{
	float	   *x;
	int			queries = Min(QUERIES, sample->n);
	double		share = 0;

	/* a sparse row may have a thousand million dimensions */
	if (barq_codec_has_heads(&sample->codec) || sample->codec.quant == BARQ_QUANT_BITS)
		return -1;
	x = palloc(sizeof(float) * sample->codec.dims);
	for (int i = 0; i < queries; i++)
	{
		int			row = (int) ((int64) sample->n * i / queries);

		barq_codec_decode(&sample->codec, sample->rows + sample->at[row], x);
		add_distances(sample, x, row);
		share += share_of_sample(sample) / queries;
	}
	return share;
}

/* Sample the segments of a snapshot and estimate; for barq_try_reading. */
static bool
attempt(void *arg)
{
	Sample	   *sample = arg;
	BarqSnapshot *snapshot;
	BarqView   *views;
	double		rows = 0;

	MemoryContextSwitchTo(sample->context);
	sample->n = 0;
	sample->used = sample->space = 0;
	sample->rows = NULL;
	sample->share = -1;
	snapshot = barq_snapshot_get(sample->index, &sample->meta, true, sample->context);
	barq_vector_codec(&sample->meta.options, &sample->codec);
	views = barq_snapshot_views(snapshot, sample->index, false);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		rows += views[i].rows;
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentKind *kind = barq_segment_kind(views[i].kind);
		uint32		n = (uint32) Min(ceil(SAMPLE * (views[i].rows / Max(rows, 1))), views[i].rows);

		CHECK_FOR_INTERRUPTS();
		for (uint32 j = 0; j < n && kind->vectors != NULL; j++)
		{
			const void *row = kind->vectors->row_code(&views[i],
													  (uint32) ((uint64) views[i].rows * j / n));

			keep_row(sample, row, barq_row_bytes(&sample->codec, row));
		}
	}
	if (sample->n >= 2)
		sample->share = sample->value != NULL ? share_of_query(sample) : share_of_rows(sample);
	return true;
}

double
barq_radius_share(Relation index, const Datum *query, double radius)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq radius sample",
												  ALLOCSET_DEFAULT_SIZES);
	Sample	   *sample = MemoryContextAllocZero(CurrentMemoryContext, sizeof(Sample));
	uint64		failed_version = 0;
	double		share;

	sample->index = index;
	sample->value = query;
	sample->radius = radius;
	sample->context = context;
	while (!barq_try_reading(attempt, sample))
	{
		CHECK_FOR_INTERRUPTS();
		barq_meta_check_moved(index, sample->meta.directory_version, &failed_version);
		MemoryContextReset(context);
	}
	share = sample->share;
	pfree(sample);
	MemoryContextDelete(context);
	return share;
}
