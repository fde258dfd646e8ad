/*
 * sparse.c
 *	  Making and checking values of the type sparsevec. See sparse.h.
 */
#include "types/sparse.h"

BarqSparsevec *
barq_sparsevec_new(int dim, int nnz)
{
	Size		size = BARQ_SPARSEVEC_SIZE(nnz);
	BarqSparsevec *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = dim;
	result->nnz = nnz;
	return result;
}

BarqSparsevec *
barq_sparsevec_from_floats(const float *x, int dim)
{
	BarqSparsevec *result;
	float	   *values;
	int			nnz = 0;

	for (int i = 0; i < dim; i++)
		nnz += x[i] != 0;
	barq_check_nnz(nnz, dim);

	result = barq_sparsevec_new(dim, nnz);
	values = barq_sparsevec_values(result);
	for (int i = 0, at = 0; at < nnz; i++)
		if (x[i] != 0)
		{
			result->indices[at] = i;
			values[at++] = x[i];
		}
	return result;
}

void
barq_check_nnz(int nnz, int dim)
{
	if (nnz < 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec cannot have negative number of elements")));
	if (nnz > BARQ_SPARSEVEC_MAX_NNZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d non-zero elements",
						BARQ_SPARSEVEC_MAX_NNZ)));
	if (nnz > dim)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more elements than dimensions")));
}

void
barq_check_index(const int32 *indices, int i, int dim)
{
	if (indices[i] < 0 || indices[i] >= dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec index out of bounds")));
	if (i > 0 && indices[i] < indices[i - 1])
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec indices must be in ascending order")));
	if (i > 0 && indices[i] == indices[i - 1])
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("sparsevec indices must not contain duplicates")));
}
