/*
 * cosine.h
 *	  The cosine distance of two vectors from their inner products.
 */
#ifndef BARQ_COSINE_H
#define BARQ_COSINE_H

#include <math.h>

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

#endif							/* BARQ_COSINE_H */
