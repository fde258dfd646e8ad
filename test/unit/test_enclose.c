/*
 * test_enclose.c
 *	  Intervals that follow from keys hold the operator's distance at every level, for
 *	  forms sq8 and rabitq and vectors of many kinds; no row within a limit is said to
 *	  be beyond it; no vector of a ball is nearer than the ball's bound.
 */
#include "kernels/codec_internal.h"
#include "kernels/measure.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MAX_DIMS 2048
#define ROWS 8

static const BarqKernels *levels[8];
static int	nlevels;

static float x[ROWS][MAX_DIMS],
			q[MAX_DIMS],
			c[MAX_DIMS];
static		_Alignas(64) char rows[ROWS * (MAX_DIMS + 256)];
static char mem[MAX_DIMS * 8 + 8192];

/* Uniform in [-1, 1). */
static double
random_number(void)
{
	return (double) (random_bits() >> 11) / (double) (UINT64_C(1) << 52) - 1;
}

/* What the SQL operator computes (types/dense_distance.c). */
static double
operator_distance(BarqMetric metric, const BarqKernels *k, const float *a, const float *b, int n)
{
	float		ab,
				aa,
				bb;
	double		d_ab = 0,
				d_aa = 0,
				d_bb = 0;

	if (metric == BARQ_METRIC_L2)
		return sqrt((double) k->l2sq(a, b, n));
	if (metric == BARQ_METRIC_IP)
		return -(double) k->ip(a, b, n);
	k->cosine_parts(a, b, n, &ab, &aa, &bb);
	if (barq_sumsq_is_ordinary(aa) && barq_sumsq_is_ordinary(bb))
		return barq_cosine_distance(ab, aa, bb);
	for (int i = 0; i < n; i++)
	{
		d_ab += (double) a[i] * b[i];
		d_aa += (double) a[i] * a[i];
		d_bb += (double) b[i] * b[i];
	}
	return 1 - barq_clamp_cosine(d_ab / sqrt(d_aa * d_bb));
}

typedef enum Kind
{
	UNIFORM,
	NEAR,						/* to the query */
	CONSTANT,					/* nearly */
	SPARSE,
	SCALED,						/* of any magnitude */
	HUGE_VALUES,
	TINY_VALUES,
	KINDS
} Kind;

static const char *const kind_names[] = {"uniform", "near", "constant", "sparse", "scaled", "huge", "tiny"};

/* Fill in a vector of a kind. */
static void
make(Kind kind, float *v, int n)
{
	double		scale = kind == SCALED ? exp(30 * random_number()) :
		kind == HUGE_VALUES ? 1e37 : kind == TINY_VALUES   ? 1e-40 : 1;
	double		near = exp(-10 * fabs(random_number()));

	for (int i = 0; i < n; i++)
	{
		double		r = random_number();

		if (kind == NEAR)
			v[i] = (float) (q[i] + near * r * 0.1);
		else if (kind == CONSTANT)
			v[i] = (float) (3 + 1e-5 * r);
		else if (kind == SPARSE)
			v[i] = random_bits() % 16 == 0 ? (float) r : 0;
		else
			v[i] = (float) (scale * r);
	}
	v[0] = v[0] == 0 ? 1 : v[0];
}

static long cases,
			outside,
			wrongly_beyond,
			missed,
			nearer;
static double width,
			far_limits;
static char first[200];

static void
note(long *counter, const char *what, const BarqCodec *codec, Kind kind, double a, double b)
{
	if ((*counter)++ == 0 && first[0] == 0)
		snprintf(first, sizeof(first), "%s: metric %d, form %d, %d dimensions, %s: %.17g %.17g",
				 what, codec->metric, codec->quant, codec->dims, kind_names[kind], a, b);
}

/* The rows of one codec and the query. */
static void
check_rows(const BarqCodec *codec, Kind kind)
{
	BarqQuery  *query = barq_query_prepare(mem, codec, q);
	int			n = codec->dims;
	float		keys[ROWS];
	bool		beyond[ROWS];

	for (int i = 0; i < ROWS; i++)
		(void) barq_codec_encode(codec, x[i], rows + (size_t) i * codec->stride);
	barq_query_keys(query, rows, codec->stride, NULL, ROWS, keys);
	for (int i = 0; i < ROWS; i++)
	{
		BarqInterval interval;

		barq_query_enclose(query, rows + (size_t) i * codec->stride, keys[i], &interval);
		cases++;
		for (int l = 0; l < nlevels; l++)
		{
			double		value = operator_distance(codec->metric, levels[l], x[i], q, n);
			const double limits[] = {value, value - 1e-3 * fabs(value), interval.low - 1e-3, -1, 0};

			if (value < interval.low || value > interval.high)
				note(&outside, "outside", codec, kind, value, value < interval.low ? interval.low : interval.high);
			for (int k = 0; k < 5; k++)
			{
				barq_query_beyond(query, rows, codec->stride, ROWS, keys, limits[k], beyond);
				if (beyond[i] && value <= limits[k])
					note(&wrongly_beyond, "beyond", codec, kind, value, limits[k]);
				if (k == 2 && kind == UNIFORM && limits[k] > 0 && codec->metric != BARQ_METRIC_IP)
				{
					far_limits++;
					missed += !beyond[i];
				}
			}
		}
		if (kind == UNIFORM && codec->quant == BARQ_QUANT_SQ8 && codec->metric == BARQ_METRIC_COSINE)
			width += interval.high - interval.low;
	}
}

/* A ball that has all rows, and its bound. */
static void
check_ball(const BarqCodec *codec, Kind kind)
{
	int			n = codec->dims;
	double		radius = 0;

	for (int j = 0; j < n; j++)
		c[j] = (float) random_number();
	for (int i = 0; i < ROWS; i++)
	{
		double		sum = 0;
		double		norm = 0;

		for (int j = 0; j < n; j++)
			norm += (double) x[i][j] * x[i][j];
		norm = codec->metric == BARQ_METRIC_COSINE ? sqrt(norm) : 1;
		for (int j = 0; j < n; j++)
			sum += (x[i][j] / norm - c[j]) * (x[i][j] / norm - c[j]);
		radius = fmax(radius, sqrt(sum));
	}
	/* of this program's own sums */
	radius *= 1 + 1e-12;
	for (int i = 0; i < ROWS; i++)
		for (int l = 0; l < nlevels; l++)
		{
			double		value = operator_distance(codec->metric, levels[l], x[i], q, n);
			double		least = barq_ball_least(codec, q, c, radius);

			if (value < least)
				note(&nearer, "in a ball", codec, kind, value, least);
		}
}

int
main(void)
{
	static const BarqMetric metrics[] = {BARQ_METRIC_L2, BARQ_METRIC_IP, BARQ_METRIC_COSINE};
	static const BarqQuantization quants[] = {BARQ_QUANT_SQ8, BARQ_QUANT_RABITQ};
	static const int dims[] = {1, 2, 3, 7, 64, 65, 100, 129, 256, 768, 2048};
	const BarqKernels *const *all;
	int			n;

	all = barq_kernels_all(&n);
	for (int i = 0; i < n; i++)
		if (barq_kernels_supported(all[i]))
			levels[nlevels++] = all[i];
	for (int round = 0; round < 12; round++)
		for (size_t d = 0; d < sizeof(dims) / sizeof(dims[0]); d++)
			for (Kind kind = 0; kind < KINDS; kind++)
			{
				barq_kernels = levels[random_bits() % (uint64_t) nlevels];
				make(kind == NEAR ? UNIFORM : random_bits() % 2 ? kind : UNIFORM, q, dims[d]);
				for (int i = 0; i < ROWS; i++)
					make(kind, x[i], dims[d]);
				for (int m = 0; m < 3; m++)
					for (int k = 0; k < 2; k++)
					{
						BarqCodec	codec;

						barq_codec_init(&codec, metrics[m], quants[k], dims[d]);
						check_rows(&codec, kind);
						check_ball(&codec, kind);
					}
			}
	tap_ok(cases > 10000 && outside == 0, "intervals of keys hold the distance (%ld cases, %ld outside: %s)",
		   cases, outside, first);
	tap_ok(wrongly_beyond == 0, "no row within a limit is beyond it (%ld: %s)", wrongly_beyond, first);
	tap_ok(missed < far_limits / 10, "rows far beyond a limit are found to be (%ld of %g not)", missed, far_limits);
	tap_ok(width < 0.1 * cases, "intervals of sq8 are narrow (%g)", width / (double) cases);
	tap_ok(nearer == 0, "no vector of a ball is nearer than its bound (%ld: %s)", nearer, first);
	return tap_done();
}
