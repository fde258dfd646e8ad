/*
 * measure.h
 *	  Lengths, angles and shares, whatever the elements come from: the values
 *	  that SQL's operators have, and that the codec promises not to overstate.
 */
#ifndef BARQ_MEASURE_H
#define BARQ_MEASURE_H

#include <math.h>
#include <stdint.h>

/* Rounding may carry a cosine out of [-1, 1]; NaN stays NaN. */
static inline double
barq_clamp_cosine(double cosine)
{
	if (cosine > 1.0)
		return 1.0;
	if (cosine < -1.0)
		return -1.0;
	return cosine;
}

/*
 * From a.b, a.a and b.b; NaN where either is zero. One root of the product,
 * not two: equal vectors give exactly 0.
 */
static inline double
barq_cosine_distance(float ab, float aa, float bb)
{
	return 1.0 - barq_clamp_cosine((double) ab / sqrt((double) aa * (double) bb));
}

/* Euclidean length of n elements, summed in double. */
static inline double
barq_euclidean_norm(const float *x, int n)
{
	double		sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += (double) x[i] * (double) x[i];
	return sqrt(sum);
}

/*
 * The share, of the bits set in either of two bit strings, that are not set in
 * both; 1 where none is set in both.
 */
static inline double
barq_jaccard(uint32_t both, uint32_t either)
{
	return both == 0 ? 1.0 : 1.0 - (double) both / (double) either;
}

#endif							/* BARQ_MEASURE_H */
