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
#include "types/distance_memo.h"

typedef float (*FloatKernel) (const float *a, const float *b, int n);
typedef float (*HalfKernel) (const uint16 *a, const uint16 *b, int n);

/* The distance of two values with the same number of dimensions. */
typedef double (*Measure) (const BarqVecType *type, const BarqDense *a, const BarqDense *b);

/*
 * The distance of the two arguments, or what an open scan remembers of it
 * (distance_memo.h). Frees copies made by detoasting. Raises ERRCODE_DATA_EXCEPTION
 * if their dimensions differ.
 */
static double
distance_of(FunctionCallInfo fcinfo, const BarqVecType *type, Measure measure)
{
	Datum		x = PG_GETARG_DATUM(0);
	Datum		y = PG_GETARG_DATUM(1);
	BarqMemoCall call;
	BarqDense  *a;
	BarqDense  *b;
	double		distance;

	if (barq_memo_find(&call, &x, &y, (BarqMemoMeasure) measure))
		return call.distance;
	a = (BarqDense *) PG_DETOAST_DATUM(x);
	b = (BarqDense *) PG_DETOAST_DATUM(y);
	barq_check_dims(type, a->dim, b->dim);
	distance = measure(type, a, b);
	barq_memo_add(&call, distance);

	if ((Pointer) a != DatumGetPointer(x))
		pfree(a);
	if ((Pointer) b != DatumGetPointer(y))
		pfree(b);
	return distance;
}

/* The result of the type's kernel for two values. */
static float
apply_kernel(const BarqVecType *type, const BarqDense *a, const BarqDense *b,
			 FloatKernel of_floats, HalfKernel of_halves)
{
	if (type == &barq_halfvec_type)
		return of_halves((const uint16 *) a->x, (const uint16 *) b->x, a->dim);
	return of_floats((const float *) a->x, (const float *) b->x, a->dim);
}

/* Squared L2 distance. */
static double
l2sq(const BarqVecType *type, const BarqDense *a, const BarqDense *b)
{
	return apply_kernel(type, a, b, barq_kernels->l2sq, barq_kernels->l2sq_f16f16);
}

/* Inner product. */
static double
ip(const BarqVecType *type, const BarqDense *a, const BarqDense *b)
{
	return apply_kernel(type, a, b, barq_kernels->ip, barq_kernels->ip_f16f16);
}

/* L1 distance. */
static double
l1(const BarqVecType *type, const BarqDense *a, const BarqDense *b)
{
	return apply_kernel(type, a, b, barq_kernels->l1, barq_kernels->l1_f16f16);
}

/* l2_distance */
static Datum
dense_l2_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(sqrt(distance_of(fcinfo, type, l2sq)));
}

/* vector_l2_squared_distance, halfvec_l2_squared_distance */
static Datum
dense_l2_squared_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(distance_of(fcinfo, type, l2sq));
}

/* inner_product */
static Datum
dense_inner_product(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(distance_of(fcinfo, type, ip));
}

/* vector_negative_inner_product, halfvec_negative_inner_product */
static Datum
dense_negative_inner_product(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(-distance_of(fcinfo, type, ip));
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

/* The cosine distance; NaN if all elements of a value are zero. */
static double
cosine(const BarqVecType *type, const BarqDense *a, const BarqDense *b)
{
	float		ab;
	float		aa;
	float		bb;

	if (type == &barq_halfvec_type)
	{
		const uint16 *x = (const uint16 *) a->x;
		const uint16 *y = (const uint16 *) b->x;

		ab = barq_kernels->ip_f16f16(x, y, a->dim);
		aa = barq_kernels->ip_f16f16(x, x, a->dim);
		bb = barq_kernels->ip_f16f16(y, y, a->dim);
	}
	else
		barq_kernels->cosine_parts((const float *) a->x, (const float *) b->x, a->dim,
								   &ab, &aa, &bb);
	/* sums of halves are in range, except those of zeros, which give NaN anyway */
	if (type == &barq_halfvec_type || (barq_sumsq_is_ordinary(aa) && barq_sumsq_is_ordinary(bb)))
		return barq_cosine_distance(ab, aa, bb);
	return cosine_distance_in_double((const float *) a->x, (const float *) b->x, a->dim);
}

/* cosine_distance */
static Datum
dense_cosine_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(distance_of(fcinfo, type, cosine));
}

/*
 * vector_spherical_distance, halfvec_spherical_distance: the angle between
 * unit vectors divided by pi, which unlike the cosine satisfies the triangle
 * inequality. Does not check that the arguments have length 1.
 */
static Datum
dense_spherical_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(acos(barq_clamp_cosine(distance_of(fcinfo, type, ip))) / M_PI);
}

/* l1_distance */
static Datum
dense_l1_distance(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	PG_RETURN_FLOAT8(distance_of(fcinfo, type, l1));
}

BARQ_DENSE_FUNCTION(l2_distance);
BARQ_DENSE_FUNCTION(l2_squared_distance);
BARQ_DENSE_FUNCTION(inner_product);
BARQ_DENSE_FUNCTION(negative_inner_product);
BARQ_DENSE_FUNCTION(cosine_distance);
BARQ_DENSE_FUNCTION(spherical_distance);
BARQ_DENSE_FUNCTION(l1_distance);
