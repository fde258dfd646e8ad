/*
 * sparse.c
 *	  Sums over the elements of two sparse vectors, by merging.
 */
#include "sparse.h"

#include <math.h>

#include "measure.h"

/*
 * Merge the elements of a and b: run STEP for each index at which a or b has an
 * element, in ascending order; x and y are the elements, one of which may be 0.
 */
#define MERGE(a, b, STEP) \
	do { \
		int			i = 0, \
					j = 0; \
		\
		while (i < (a).nnz && j < (b).nnz) \
		{ \
			int32_t		at_a = (a).indices[i]; \
			int32_t		at_b = (b).indices[j]; \
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

/* Only indices of both vectors count, so the loop ends with the shorter one. */
float
barq_sparse_ip(BarqSparseElements a, BarqSparseElements b)
{
	float		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a.nnz && j < b.nnz)
	{
		int32_t		at_a = a.indices[i];
		int32_t		at_b = b.indices[j];

		if (at_a == at_b)
			sum += a.values[i] * b.values[j];
		i += at_a <= at_b;
		j += at_b <= at_a;
	}
	return sum;
}

double
barq_sparse_cosine_in_double(BarqSparseElements a, BarqSparseElements b)
{
	double		ab = 0;
	double		aa = 0;
	double		bb = 0;

	MERGE(a, b, (ab += (double) x * y, aa += (double) x * x, bb += (double) y * y));
	/* one root of the product, as in barq_cosine_distance() */
	return 1 - barq_clamp_cosine(ab / sqrt(aa * bb));
}

double
barq_sparse_cosine(BarqSparseElements a, BarqSparseElements b)
{
	float		aa = barq_sparse_ip(a, a);
	float		bb = barq_sparse_ip(b, b);

	return barq_sumsq_is_ordinary(aa) && barq_sumsq_is_ordinary(bb) ?
		barq_cosine_distance(barq_sparse_ip(a, b), aa, bb) :
		barq_sparse_cosine_in_double(a, b);
}
