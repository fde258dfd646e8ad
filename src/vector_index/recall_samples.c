/*
 * recall_samples.c
 *	  Which rows of a segment its recall curve is measured by.
 *
 * Rows that lie far from others miss more as queries than the rest, and differ more among
 * themselves. A graph tells without a search which they are: by the distance to the nearest row
 * that a row is linked with; lists by the distance to the row's centroid. So several times as
 * many rows as are measured are put in that order, and samples are taken evenly along it, more
 * of them from its beginning, each with the weight by which the mean stays that of all rows.
 * (Not by inner products, which tell more of a row's length than of how far it is.) For the same
 * error it takes up to a third fewer samples than where they are drawn at random
 * (docs/performance.md, "Recall by name").
 */
#include "postgres.h"

#include <math.h>

#include "flat/vector_body.h"
#include "miscadmin.h"
#include "store/segment.h"
#include "utils/memutils.h"
#include "vector_index/recall_samples.h"

#define ROWS_A_SAMPLE	4		/* rows put in order for each sample */

/*
 * Of the rows at place x of their order, from 0 to 1, FIRST_DENSITY - 2 (FIRST_DENSITY - 1) x
 * times as many are samples as of all rows: four times as many of the first as of the last.
 */
#define FIRST_DENSITY	1.6

/* A row and how far it lies from others. */
typedef struct Isolated
{
	float		distance;		/* a key */
	uint32		row;
} Isolated;

static int
compare_isolated(const void *a, const void *b)
{
	const Isolated *x = a;
	const Isolated *y = b;

	if (x->distance != y->distance)
		return x->distance > y->distance ? -1 : 1;
	return x->row < y->row ? -1 : x->row > y->row;
}

const BarqQuery *
barq_row_query(const BarqCodec *codec, BarqView *view, uint32 row)
{
	const void *code = barq_vector_row_code(view, row);
	void	   *value = palloc(barq_row_value_bytes(codec, code));

	barq_row_value(codec, code, value);
	return barq_query_prepare(palloc(barq_query_bytes(codec)), codec, value);
}

BarqSamples
barq_samples_begin(const BarqCodec *codec, BarqView *view, int enough)
{
	const BarqVectorSearchOps *ops = barq_segment_kind(view->kind)->vectors;
	BarqSamples samples = {view->rows, NULL};
	Isolated   *isolated;
	MemoryContext context;
	MemoryContext old;

	if (ops->isolation == NULL || codec->metric == BARQ_METRIC_IP)
		return samples;
	samples.n = (uint32) Min((uint64) enough * ROWS_A_SAMPLE, view->rows);
	isolated = palloc(sizeof(Isolated) * samples.n);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq recall samples", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	for (uint32 i = 0; i < samples.n; i++)
	{
		uint32		row = (uint32) ((uint64) i * view->rows / samples.n);

		CHECK_FOR_INTERRUPTS();
		isolated[i].row = row;
		isolated[i].distance = ops->isolation(view, barq_row_query(codec, view, row), row);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	qsort(isolated, samples.n, sizeof(Isolated), compare_isolated);
	samples.rows = palloc(sizeof(uint32) * samples.n);
	for (uint32 i = 0; i < samples.n; i++)
		samples.rows[i] = isolated[i].row;
	pfree(isolated);
	return samples;
}

uint32
barq_sample(const BarqSamples *samples, int i, double *weight)
{
	const double golden = 0.6180339887498949;
	const double falls = 4 * (FIRST_DENSITY - 1);
	double		place = i * golden - floor(i * golden);
	double		density;

	*weight = 1;
	if (samples->rows == NULL)
		return (uint32) (place * samples->n);

	/* the place up to which this part of the samples lies */
	density = sqrt(FIRST_DENSITY * FIRST_DENSITY - falls * place);
	*weight = 1 / density;
	place = (FIRST_DENSITY - density) / (falls / 2);
	return samples->rows[(uint32) Min(place * samples->n, samples->n - 1)];
}
