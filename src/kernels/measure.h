/*
 * measure.h
 *	  Lengths, cosines and Jaccard distances as the SQL operators compute them.
 *	  Lower bounds of the codec refer to these values.
 */
#ifndef BARQ_MEASURE_H
#define BARQ_MEASURE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Limit a cosine to [-1, 1], which rounding may exceed; NaN stays NaN. */
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
 * The cosine distance from a.b, a.a and b.b; NaN if a or b is zero. One root of
 * the product instead of two roots makes it exactly 0 for equal vectors.
 */
static inline double
barq_cosine_distance(float ab, float aa, float bb)
{
	return 1.0 - barq_clamp_cosine((double) ab / sqrt((double) aa * (double) bb));
}

/*
 * Is a float sum of squares far enough from 0 and infinity that a cosine may be computed
 * from it? Where the sum of either vector is not, the operators compute in double.
 */
static inline bool
barq_sumsq_is_ordinary(float sumsq)
{
	return sumsq >= 0x1p-100f && sumsq <= 0x1p124f;
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
 * The Jaccard distance from the numbers of bits set in both of two bit strings
 * and in either: 1 - both / either, and 1 if no bit is set in both.
 */
static inline double
barq_jaccard(uint32_t both, uint32_t either)
{
	return both == 0 ? 1.0 : 1.0 - (double) both / (double) either;
}

#endif							/* BARQ_MEASURE_H */
