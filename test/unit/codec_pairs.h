/*
 * codec_pairs.h
 *	  For test_codec.c: kinds of data, and pairs of a vector and a query of each.
 */
#ifndef BARQ_TEST_CODEC_PAIRS_H
#define BARQ_TEST_CODEC_PAIRS_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "tap.h"

typedef enum Kind
{
	GAUSSIAN,
	UNIFORM,
	OFFSET_THOUSAND,
	OFFSET_MILLION,
	SPARSE,
	DUPLICATE,					/* query and vector are equal */
	NEAR_DUPLICATE,
	OPPOSITE,
	CONSTANT,
	MAGNITUDES,					/* each coordinate has another power of two */
	HUGE_VALUES,				/* around 1e38, sums overflow */
	LARGE_VALUES,				/* around 1e18, squares nearly overflow */
	SMALL_VALUES,				/* around 1e-19, squares underflow */
	DENORMAL,
	EXTREMES,					/* +- FLT_MAX, zeros */
	HUGE_AND_SMALL,				/* only the vector is huge */
	ONE_LARGE,					/* one coordinate is far larger than the others */
	WORST,						/* the query for which the bound is reached */
	NKINDS
} Kind;

static const char *const kind_names[NKINDS] = {
	"gaussian", "uniform", "offset 1e3", "offset 1e6", "sparse", "duplicate",
	"near duplicate", "opposite", "constant", "magnitudes", "huge", "large", "small",
	"denormal", "extremes", "huge and small", "one large", "worst"
};

static double
draw(Kind kind)
{
	switch (kind)
	{
		case UNIFORM:
			return random_uniform();
		case OFFSET_THOUSAND:
			return 1e3 + random_normal();
		case OFFSET_MILLION:
			return -1e6 + random_normal();
		case SPARSE:
			return random_uniform() < 0.95 ? 0 : random_normal();
		case MAGNITUDES:
			return ldexp(random_normal(), (int) (random_bits() % 240) - 120);
		case HUGE_VALUES:
			return random_normal() * 5e37;
		case LARGE_VALUES:
			return random_normal() * 3e18;
		case SMALL_VALUES:
			return random_normal() * 1e-19;
		case DENORMAL:
			return random_normal() * 1e-42;
		case EXTREMES:
			return (double) FLT_MAX * ((int) (random_bits() % 3) - 1);
		default:
			return random_normal();
	}
}

static void
draw_pair(Kind kind, float *x, float *q, int n)
{
	for (int i = 0; i < n; i++)
	{
		x[i] = (float) draw(kind);
		q[i] = (float) draw(kind);
	}
	switch (kind)
	{
		case DUPLICATE:
			memcpy(q, x, (size_t) n * sizeof(float));
			break;
		case NEAR_DUPLICATE:
			{
				double		near = pow(10, -1 - 8 * random_uniform());

				for (int i = 0; i < n; i++)
					q[i] = (float) (x[i] + near * random_normal());
				break;
			}
		case OPPOSITE:
			for (int i = 0; i < n; i++)
				q[i] = -x[i];
			break;
		case CONSTANT:
			for (int i = 0; i < n; i++)
				x[i] = x[0];
			break;
		case HUGE_AND_SMALL:
			for (int i = 0; i < n; i++)
				x[i] = (float) draw(HUGE_VALUES);
			break;
		case ONE_LARGE:
			x[random_bits() % (uint64_t) n] *= 1e4f;
			q[random_bits() % (uint64_t) n] *= 1e6f;
			break;
		default:
			break;
	}
}

#endif							/* BARQ_TEST_CODEC_PAIRS_H */
