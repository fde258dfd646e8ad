/*
 * sparse_compare.c
 *	  The total order of sparsevecs: comparison operators and btree support.
 *
 * Sparsevecs compare like vectors of the same elements, zeros included.
 */
#include "types/compare.h"
#include "types/sparse.h"

/* -1, 0 or 1 as a is less than, equal to or greater than b. */
static int
compare(BarqSparsevec *a, BarqSparsevec *b)
{
	const float *x = barq_sparsevec_values(a);
	const float *y = barq_sparsevec_values(b);

	for (int i = 0;; i++)
	{
		/* index of the next element, or the dimensions if there is none */
		bool		a_ends = i >= a->nnz;
		bool		b_ends = i >= b->nnz;
		int			at_a = a_ends ? a->dim : a->indices[i];
		int			at_b = b_ends ? b->dim : b->indices[i];

		/* an element of one value against a zero of the other */
		if (at_a < at_b && !a_ends)
			return x[i] < 0 ? -1 : 1;
		if (at_b < at_a && !b_ends)
			return y[i] < 0 ? 1 : -1;

		/* equal, except for zeros at the end */
		if (a_ends || b_ends)
			return (a->dim > b->dim) - (a->dim < b->dim);

		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
}

/* `compare` of BARQ_COMPARISONS. */
static int
compare_sparsevecs(FunctionCallInfo fcinfo)
{
	BarqSparsevec *a = PG_GETARG_BARQ_SPARSEVEC(0);
	BarqSparsevec *b = PG_GETARG_BARQ_SPARSEVEC(1);
	int			order = compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

BARQ_COMPARISONS(sparsevec, compare_sparsevecs);
