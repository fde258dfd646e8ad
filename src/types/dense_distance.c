/*
 * dense_distance.c
 *	  Distances between two vectors or two halfvecs.
 *
 * Sums are float32, computed by the same kernels that the indexes use, so that
 * an index and the heap agree on a distance to the last bit. A sum beyond
 * float32's range is infinite, not an error, as in pgvector. The cosine, which
 * does not depend on lengths, is computed in double if squares leave that range.
 */
#include "types/dense.h"

#include "kernels/kernels.h"
#include "kernels/measure.h"

typedef float (*FloatKernel) (const float *a, const float *b, int n);
typedef float (*HalfKernel) (const uint16 *a, const uint16 *b, int n);

/*
 * The kernel's result for the two arguments. Frees copies made by detoasting.
 * Raises ERRCODE_DATA_EXCEPTION if their dimensions differ.
 */
static float
apply_kernel(FunctionCallInfo fcinfo, const BarqVecType *type,
			 FloatKernel of_floats, HalfKernel of_halves)
{
	BarqDense  *a = PG_GETARG_BARQ_DENSE(0);
	BarqDense  *b = PG_GETARG_BARQ_DENSE(1);
	float		result;

	barq_check_dims(type, a->dim, b->dim);
	if (type == &barq_halfvec_type)
		result = of_halves((uint16 *) a->x, (uint16 *) b->x, a->dim);
	else
		result = of_floats((float *) a->x, (float *) b->x, a->dim);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* Squared L2 distance of the two arguments. */
static double
l2sq(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	return apply_kernel(fcinfo, type, barq_kernels->l2sq, barq_kernels->l2sq_f16f16);
}

/* Inner product of the two arguments. */
static double
ip(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	return apply_kernel(fcinfo, type, barq_kernels->ip, barq_kernels->ip_f16f16);
}

/* l2_distance */
static Datum
dense_l2_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(sqrt(l2sq(fcinfo, type)));
}

/* vector_l2_squared_distance, halfvec_l2_squared_distance */
static Datum
dense_l2_squared_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(l2sq(fcinfo, type));
}

/* inner_product */
static Datum
dense_inner_product(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(ip(fcinfo, type));
}

/* vector_negative_inner_product, halfvec_negative_inner_product */
static Datum
dense_negative_inner_product(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(-ip(fcinfo, type));
}

/*
 * Whether a sum of squares is far enough from 0 and infinity for float32. No
 * side effects.
 */
static inline bool
is_ordinary(float sumsq)
{
	return sumsq >= 0x1p-100f && sumsq <= 0x1p124f;
}

/* The cosine distance of vectors of any length, in double. */
static double
cosine_distance_in_double(const float *a, const float *b, int n)
{
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;

	for (int i = 0; i < n; i++)
	{
		ab += (double) a[i] * (double) b[i];
		aa += (double) a[i] * (double) a[i];
		bb += (double) b[i] * (double) b[i];
	}
	/* one root of the product, as in barq_cosine_distance() */
	return 1 - barq_clamp_cosine(ab / sqrt(aa * bb));
}

/* cosine_distance: NaN if all elements of an argument are zero */
static Datum
dense_cosine_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *a = PG_GETARG_BARQ_DENSE(0);
	BarqDense  *b = PG_GETARG_BARQ_DENSE(1);
	float		ab;
	float		aa;
	float		bb;
	double		distance;

	barq_check_dims(type, a->dim, b->dim);
	if (type == &barq_halfvec_type)
	{
		const uint16 *x = (const uint16 *) a->x;
		const uint16 *y = (const uint16 *) b->x;

		ab = barq_kernels->ip_f16f16(x, y, a->dim);
		aa = barq_kernels->ip_f16f16(x, x, a->dim);
		bb = barq_kernels->ip_f16f16(y, y, a->dim);
	}
	else
		barq_kernels->cosine_parts((float *) a->x, (float *) b->x, a->dim,
								   &ab, &aa, &bb);
	/* sums of halves are in range, except those of zeros, which give NaN anyway */
	if (type == &barq_halfvec_type || (is_ordinary(aa) && is_ordinary(bb)))
		distance = barq_cosine_distance(ab, aa, bb);
	else
		distance = cosine_distance_in_double((float *) a->x, (float *) b->x, a->dim);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(distance);
}

/*
 * vector_spherical_distance, halfvec_spherical_distance: the angle between
 * unit vectors divided by pi, which unlike the cosine satisfies the triangle
 * inequality. Does not check that the arguments have length 1.
 */
static Datum
dense_spherical_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(acos(barq_clamp_cosine(ip(fcinfo, type))) / M_PI);
}

/* l1_distance */
static Datum
dense_l1_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8((double) apply_kernel(fcinfo, type, barq_kernels->l1,
										   barq_kernels->l1_f16f16));
}

BARQ_DENSE_FUNCTION(l2_distance);
BARQ_DENSE_FUNCTION(l2_squared_distance);
BARQ_DENSE_FUNCTION(inner_product);
BARQ_DENSE_FUNCTION(negative_inner_product);
BARQ_DENSE_FUNCTION(cosine_distance);
BARQ_DENSE_FUNCTION(spherical_distance);
BARQ_DENSE_FUNCTION(l1_distance);
