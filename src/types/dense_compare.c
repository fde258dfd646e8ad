/*
 * dense_compare.c
 *	  The total order of vectors and halfvecs: comparison operators and btree
 *	  support.
 *
 * Values compare element by element, like PostgreSQL's arrays; a value that is
 * a prefix of another one is the smaller one.
 */
#include "types/compare.h"
#include "types/dense.h"

/* -1, 0 or 1 for n elements of each. */
static int
compare_floats(const float *a, const float *b, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (a[i] < b[i])
			return -1;
		if (a[i] > b[i])
			return 1;
	}
	return 0;
}

/* An integer that orders like the half; zeros of either sign are equal. */
static inline int
half_order(uint16 half)
{
	int			magnitude = half & 0x7fff;

	return (half & 0x8000) ? -magnitude : magnitude;
}

/* -1, 0 or 1 as the first n halves of a order before, like or after those of b. */
static int
compare_halves(const uint16 *a, const uint16 *b, int n)
{
	for (int i = 0; i < n; i++)
	{
		int			difference = half_order(a[i]) - half_order(b[i]);

		if (difference != 0)
			return difference < 0 ? -1 : 1;
	}
	return 0;
}

/*
 * -1, 0 or 1 for the two arguments; a value that begins with all elements of a
 * shorter one is greater. Frees copies made by detoasting.
 */
static int
dense_compare(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *a = PG_GETARG_BARQ_DENSE(0);
	BarqDense  *b = PG_GETARG_BARQ_DENSE(1);
	int			common = Min(a->dim, b->dim);
	int			order;

	if (type == &barq_halfvec_type)
		order = compare_halves((uint16 *) a->x, (uint16 *) b->x, common);
	else
		order = compare_floats((float *) a->x, (float *) b->x, common);
	if (order == 0)
		order = (a->dim > b->dim) - (a->dim < b->dim);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* `compare` of BARQ_COMPARISONS, for vectors and for halfvecs. */
static int
compare_vectors(FunctionCallInfo fcinfo)
{
	return dense_compare(fcinfo, &barq_vector_type);
}

static int
compare_halfvecs(FunctionCallInfo fcinfo)
{
	return dense_compare(fcinfo, &barq_halfvec_type);
}

BARQ_COMPARISONS(vector, compare_vectors);
BARQ_COMPARISONS(halfvec, compare_halfvecs);
