/*
 * recall_calibrate.c
 *	  Measuring an index by the queries of a user.
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "store/snapshot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "vector_index/recall_calibrate.h"
#include "vector_index/recall_measure.h"
#include "vector_index/recall_target.h"

#define NEAREST		100

/* Time for the curve of a segment that has none, in microseconds. */
#define LATE_CURVE_US	UINT64CONST(1000000)

/* Segments and queries of a measurement. */
typedef struct Measurement
{
	Relation	index;
	const Datum *queries;
	int			nqueries;
	MemoryContext context;		/* of the attempt, reset before the next */

	BarqMeta	meta;
	BarqSnapshot *snapshot;
	bool		of_lists;
	BarqCodec	codec;
	BarqView   *views;
	int			least;			/* breadth; what is asked about */
	int			most;
	BarqCurveSums sums;
	uint32		used;			/* queries that have neighbours */
} Measurement;

static int
compare_neighbours(const void *a, const void *b)
{
	double		x = ((const BarqNeighbour *) a)->distance;
	double		y = ((const BarqNeighbour *) b)->distance;

	return x < y ? -1 : x > y;
}

/*
 * Prepare a query; NULL for a zero vector under cosine, to which no row is near. Raises
 * the type's error for another number of dimensions than the index's.
 */
static BarqQuery *
prepare_query(const Measurement *m, Datum value)
{
	const BarqVectorSpace *space = barq_vector_space(m->index);
	void	   *copy;
	int			dims;
	const void *elements = space->elements(value, &dims, &copy);

	if (dims != m->codec.dims)
		space->dims_differ(m->codec.dims, dims);
	if (m->codec.metric == BARQ_METRIC_COSINE && barq_value_is_zero(&m->codec, elements))
		return NULL;
	return barq_query_prepare(palloc(barq_query_bytes(&m->codec)), &m->codec, elements);
}

/*
 * Add to the sums the breadths that the nearest rows of all segments need, for n of the queries
 * from `first` on, at most BARQ_MEASURED_TOGETHER.
 */
static void
measure_queries(Measurement *m, int first, int n)
{
	uint32		segments = m->snapshot->nsegments;
	BarqMeasured measured[BARQ_MEASURED_TOGETHER];
	BarqNeighbour *nearest[BARQ_MEASURED_TOGETHER];
	int			found[BARQ_MEASURED_TOGETHER] = {0};
	int			used = 0;

	for (int i = 0; i < n; i++)
	{
		BarqQuery  *query = prepare_query(m, m->queries[first + i]);

		if (query == NULL)
			continue;
		measured[used] = (BarqMeasured) {.query = query, .absent = BARQ_NO_ROW, .asked = NEAREST};
		nearest[used++] = palloc(sizeof(BarqNeighbour) * NEAREST * Max(segments, 1));
	}
	for (uint32 s = 0; s < segments; s++)
	{
		for (int i = 0; i < used; i++)
			measured[i].nearest = nearest[i] + found[i];
		barq_measure_nearest(&m->views[s], m->of_lists, measured, used, NEAREST, NULL);
		for (int i = 0; i < used; i++)
			found[i] += measured[i].n;
	}
	for (int i = 0; i < used; i++)
	{
		int			needed[NEAREST];

		qsort(nearest[i], found[i], sizeof(BarqNeighbour), compare_neighbours);
		found[i] = Min(found[i], NEAREST);
		if (found[i] == 0)
			continue;
		for (int j = 0; j < found[i]; j++)
			needed[j] = nearest[i][j].needed;
		barq_curve_add(&m->sums, needed, found[i], BARQ_CURVE_KS, 1);
		m->used++;
	}
}

/* Measure the curves of segments that have none, and note them in the directory. */
static void
measure_missing_curves(Measurement *m)
{
	for (uint32 i = 0; i < m->snapshot->nsegments; i++)
	{
		BarqSegmentDesc *desc = &m->snapshot->segments[i].desc;
		uint64		statistics[lengthof(desc->statistics)];

		if (barq_curve_of(desc->statistics) != NULL)
			continue;
		barq_measure_curve(&m->meta.options, &m->views[i], LATE_CURVE_US, NULL,
						   statistics);
		if (barq_curve_of(statistics) == NULL)
			continue;
		barq_directory_set_statistics(m->index, desc->id, statistics);

		/* the snapshot is shared by this session's scans, which want the same curve */
		memcpy(desc->statistics, statistics, sizeof(statistics));
	}
}

/* Take a snapshot and measure all queries. For barq_try_reading(). */
static bool
measure_all(void *arg)
{
	Measurement *m = arg;
	MemoryContext query_context;
	MemoryContext old = MemoryContextSwitchTo(m->context);

	m->used = 0;
	m->least = m->most = 1;
	m->snapshot = barq_snapshot_get(m->index, &m->meta, true, m->context);
	m->of_lists = m->meta.options.index_kind == BARQ_KIND_IVF;
	barq_vector_codec(&m->meta.options, &m->codec);
	m->views = barq_snapshot_views(m->snapshot, m->index, false);
	measure_missing_curves(m);
	for (uint32 i = 0; i < m->snapshot->nsegments; i++)
	{
		const BarqSegmentKind *kind = barq_segment_kind(m->views[i].kind);
		int			last;

		if (kind->vectors == NULL || kind->vectors->breadths == NULL)
			continue;
		barq_curve_range(m->of_lists, &m->views[i], &m->least, &last);
		m->most = Max(m->most, last);
	}
	barq_curve_begin(&m->sums, m->least, m->most);
	query_context = AllocSetContextCreate(m->context, "barq calibration query",
										  ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(query_context);
	for (int i = 0; i < m->nqueries; i += BARQ_MEASURED_TOGETHER)
	{
		CHECK_FOR_INTERRUPTS();
		measure_queries(m, i, Min(BARQ_MEASURED_TOGETHER, m->nqueries - i));
		MemoryContextReset(query_context);
	}
	MemoryContextSwitchTo(old);
	return true;
}

uint32
barq_calibrate_index(Relation index, const Datum *queries, int nqueries)
{
	Measurement m = {.index = index, .queries = queries, .nqueries = nqueries};
	union
	{
		BarqCalibration calibration;
		uint64		words[lengthof(((BarqMeta *) 0)->calibration)];
	}			stored;
	uint64		failed_version = 0;
	BarqCurvePart *parts;

	memset(&stored, 0, sizeof(stored));
	if (nqueries == 0)
	{
		barq_meta_set_calibration(index, stored.words);
		return 0;
	}
	m.context = AllocSetContextCreate(CurrentMemoryContext, "barq calibration",
									  ALLOCSET_DEFAULT_SIZES);
	while (!barq_try_reading(measure_all, &m))
	{
		CHECK_FOR_INTERRUPTS();
		barq_meta_check_moved(index, m.meta.directory_version, &failed_version);
		MemoryContextReset(m.context);
	}
	if (m.used > 0)
	{
		parts = barq_curve_parts(m.snapshot, &m.meta);
		barq_calibration_finish(&m.sums, parts, (int) m.snapshot->nsegments, &stored.calibration);
		pfree(parts);
		barq_meta_set_calibration(index, stored.words);
	}
	MemoryContextDelete(m.context);
	return m.used;
}
