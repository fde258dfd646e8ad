/*
 * sparse_math.c
 *	  Distances between two sparsevecs, and their length.
 *
 * Sums are float32 and go up the indices, so that a sum does not depend on
 * which operand comes first.
 */
#include "types/sparse.h"

#include "types/measure.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(barq_sparsevec_l2_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_l2_squared_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_inner_product);
PG_FUNCTION_INFO_V1(barq_sparsevec_negative_inner_product);
PG_FUNCTION_INFO_V1(barq_sparsevec_cosine_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_l1_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_norm);
PG_FUNCTION_INFO_V1(barq_sparsevec_l2_normalize);

/*
 * Merges the elements of a and b: STEP sees each index that either has, in
 * ascending order, as x and y, of which one may be 0.
 */
#define MERGE(a, b, STEP) \
	do { \
		int			i = 0, \
					j = 0; \
		\
		while (i < (a).nnz && j < (b).nnz) \
		{ \
			int32		at_a = (a).indices[i]; \
			int32		at_b = (b).indices[j]; \
			float		x = at_a <= at_b ? (a).values[i] : 0; \
			float		y = at_b <= at_a ? (b).values[j] : 0; \
			\
			STEP; \
			i += at_a <= at_b; \
			j += at_b <= at_a; \
		} \
		for (; i < (a).nnz; i++) \
		{ \
			float		x = (a).values[i], \
						y = 0; \
			\
			STEP; \
		} \
		for (; j < (b).nnz; j++) \
		{ \
			float		x = 0, \
						y = (b).values[j]; \
			\
			STEP; \
		} \
	} while (0)

float
barq_sparse_l2sq(BarqSparseElements a, BarqSparseElements b)
{
	float		sum = 0;

	MERGE(a, b, sum += (x - y) * (x - y));
	return sum;
}

float
barq_sparse_l1(BarqSparseElements a, BarqSparseElements b)
{
	float		sum = 0;

	MERGE(a, b, sum += fabsf(x - y));
	return sum;
}

/* Only what both have counts, so this ends where either does. */
float
barq_sparse_ip(BarqSparseElements a, BarqSparseElements b)
{
	float		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a.nnz && j < b.nnz)
	{
		int32		at_a = a.indices[i];
		int32		at_b = b.indices[j];

		if (at_a == at_b)
			sum += a.values[i] * b.values[j];
		i += at_a <= at_b;
		j += at_b <= at_a;
	}
	return sum;
}

/* The sum for the two arguments, which must agree in dimensions. */
static double
apply(FunctionCallInfo fcinfo, float (*sum) (BarqSparseElements, BarqSparseElements))
{
	BarqSparsevec *a = PG_GETARG_BARQ_SPARSEVEC(0);
	BarqSparsevec *b = PG_GETARG_BARQ_SPARSEVEC(1);
	double		result;

	barq_check_dims(&barq_sparsevec_type, a->dim, b->dim);
	result = sum(barq_sparse_elements(a), barq_sparse_elements(b));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* l2_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(apply(fcinfo, barq_sparse_l2sq)));
}

/* sparsevec_l2_squared_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_l2sq));
}

/* inner_product(sparsevec, sparsevec) */
Datum
barq_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_ip));
}

/* sparsevec_negative_inner_product(sparsevec, sparsevec) */
Datum
barq_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-apply(fcinfo, barq_sparse_ip));
}

/* l1_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_l1));
}

/* cosine_distance(sparsevec, sparsevec): NaN where either is all zeros */
Datum
barq_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	BarqSparsevec *a = PG_GETARG_BARQ_SPARSEVEC(0);
	BarqSparsevec *b = PG_GETARG_BARQ_SPARSEVEC(1);
	BarqSparseElements x = barq_sparse_elements(a);
	BarqSparseElements y = barq_sparse_elements(b);
	double		result;

	barq_check_dims(&barq_sparsevec_type, a->dim, b->dim);
	result = barq_cosine_distance(barq_sparse_ip(x, y), barq_sparse_ip(x, x),
								  barq_sparse_ip(y, y));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(result);
}

/* l2_norm(sparsevec) */
Datum
barq_sparsevec_norm(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);

	PG_RETURN_FLOAT8(barq_euclidean_norm(barq_sparsevec_values(value), value->nnz));
}

/*
 * l2_normalize(sparsevec); without elements it stays so, and elements that
 * become zero are dropped.
 */
Datum
barq_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);
	const float *x = barq_sparsevec_values(value);
	double		norm = barq_euclidean_norm(x, value->nnz);
	BarqSparsevec *result;
	float	   *r;
	int			nnz = 0;
	int			at = 0;

	for (int i = 0; i < value->nnz; i++)
		nnz += (float) (x[i] / norm) != 0;

	result = barq_sparsevec_new(value->dim, nnz);
	r = barq_sparsevec_values(result);
	for (int i = 0; i < value->nnz; i++)
	{
		float		element = (float) (x[i] / norm);

		if (isinf(element))
			float_overflow_error();
		if (element != 0)
		{
			result->indices[at] = value->indices[i];
			r[at++] = element;
		}
	}
	PG_RETURN_BARQ_SPARSEVEC(result);
}
