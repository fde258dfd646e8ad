/*
 * vector_distance.c
 *	  Distances between two vectors.
 *
 * Sums are float32, made by the kernels that the indexes use too, so that an
 * index and the heap agree on a distance to the last bit. A sum beyond
 * float32's range is infinite, no error, as in pgvector.
 */
#include "types/vector.h"

#include "kernels/kernels.h"

PG_FUNCTION_INFO_V1(barq_vector_l2_distance);
PG_FUNCTION_INFO_V1(barq_vector_l2_squared_distance);
PG_FUNCTION_INFO_V1(barq_vector_inner_product);
PG_FUNCTION_INFO_V1(barq_vector_negative_inner_product);
PG_FUNCTION_INFO_V1(barq_vector_cosine_distance);
PG_FUNCTION_INFO_V1(barq_vector_spherical_distance);
PG_FUNCTION_INFO_V1(barq_vector_l1_distance);

typedef float (*DistanceKernel) (const float *a, const float *b, int n);

/* The kernel's result for the two arguments, which must agree in dimensions. */
static float
apply_kernel(FunctionCallInfo fcinfo, DistanceKernel kernel)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	float		result;

	barq_check_dims(a, b);
	result = kernel(a->x, b->x, a->dim);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* Rounding may carry a cosine out of [-1, 1]; NaN stays NaN. */
static inline double
clamp_cosine(double cosine)
{
	if (cosine > 1.0)
		return 1.0;
	if (cosine < -1.0)
		return -1.0;
	return cosine;
}

/* l2_distance(vector, vector) */
Datum
barq_vector_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt((double) apply_kernel(fcinfo, barq_kernels->l2sq)));
}

/* vector_l2_squared_distance(vector, vector) */
Datum
barq_vector_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) apply_kernel(fcinfo, barq_kernels->l2sq));
}

/* inner_product(vector, vector) */
Datum
barq_vector_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) apply_kernel(fcinfo, barq_kernels->ip));
}

/* vector_negative_inner_product(vector, vector) */
Datum
barq_vector_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) -apply_kernel(fcinfo, barq_kernels->ip));
}

/* cosine_distance(vector, vector): NaN where either is all zeros */
Datum
barq_vector_cosine_distance(PG_FUNCTION_ARGS)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	float		ab;
	float		aa;
	float		bb;

	barq_check_dims(a, b);
	barq_kernels->cosine_parts(a->x, b->x, a->dim, &ab, &aa, &bb);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);

	/* one root of the product, not two: equal vectors give exactly 0 */
	PG_RETURN_FLOAT8(1.0 - clamp_cosine((double) ab /
										sqrt((double) aa * (double) bb)));
}

/*
 * vector_spherical_distance(vector, vector): the angle between unit vectors
 * as a share of pi, which unlike the cosine satisfies the triangle inequality.
 * The arguments are taken to be of length 1.
 */
Datum
barq_vector_spherical_distance(PG_FUNCTION_ARGS)
{
	double		cosine = (double) apply_kernel(fcinfo, barq_kernels->ip);

	PG_RETURN_FLOAT8(acos(clamp_cosine(cosine)) / M_PI);
}

/* l1_distance(vector, vector) */
Datum
barq_vector_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8((double) apply_kernel(fcinfo, barq_kernels->l1));
}
