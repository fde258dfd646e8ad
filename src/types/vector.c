/*
 * vector.c
 *	  What every user of the type vector shares: making one, and the errors
 *	  of values that are no vectors.
 *
 * The checks are inline in vector.h; only what they raise lives here, so that
 * a check costs its caller a comparison. The wording is pgvector's, for
 * client libraries match on it.
 */
#include "types/vector.h"

BarqVector *
barq_vector_new(int dim)
{
	Size		size = BARQ_VECTOR_SIZE(dim);
	BarqVector *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = (int16) dim;
	return result;
}

void
barq_dims_differ(int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different vector dimensions %d and %d", a, b)));
}

void
barq_dim_unexpected(int expected, int dim)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("expected %d dimensions, not %d", expected, dim)));
}

void
barq_dim_out_of_range(int dim)
{
	if (dim < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("vector must have at least 1 dimension")));

	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("vector cannot have more than %d dimensions",
					BARQ_VECTOR_MAX_DIM)));
}

void
barq_element_not_finite(float value)
{
	if (isnan(value))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in vector")));

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("infinite value not allowed in vector")));
}
