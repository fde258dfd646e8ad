/*
 * sparse_cast.c
 *	  Casts of the type sparsevec: to itself (which applies a type modifier),
 *	  from and to vector and halfvec, and from arrays of numbers.
 *
 * The arguments of a cast are: value, typmod integer, explicit boolean.
 */
#include "types/dense.h"
#include "types/sparse.h"

#include "utils/array.h"

PG_FUNCTION_INFO_V1(barq_sparsevec_typmod_cast);
PG_FUNCTION_INFO_V1(barq_sparsevec_from_array);

/* sparsevec(sparsevec, …) */
Datum
barq_sparsevec_typmod_cast(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);

	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	PG_RETURN_BARQ_SPARSEVEC(value);
}

/* vector_to_sparsevec(vector, …), halfvec_to_sparsevec(halfvec, …) */
static Datum
dense_to_sparsevec(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);

	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	PG_RETURN_BARQ_SPARSEVEC(barq_sparsevec_from_floats(barq_dense_floats(type, value),
														value->dim));
}

/* sparsevec_to_vector(sparsevec, …), sparsevec_to_halfvec(sparsevec, …) */
static Datum
dense_from_sparsevec(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);
	const float *values = barq_sparsevec_values(value);
	BarqDense  *result;
	float	   *x;

	barq_check_dim(type, value->dim);
	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	barq_check_floats(type, values, value->nnz);

	result = barq_dense_new(type, value->dim);
	x = barq_dense_scratch(type, result);
	for (int i = 0; i < value->nnz; i++)
	{
		/* a damaged value must not write elsewhere */
		if (value->indices[i] < 0 || value->indices[i] >= value->dim)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("sparsevec index out of bounds")));
		x[value->indices[i]] = values[i];
	}
	barq_dense_store(type, result, x);
	PG_RETURN_POINTER(result);
}

/* array_to_sparsevec(array, …) */
Datum
barq_sparsevec_from_array(PG_FUNCTION_ARGS)
{
	const BarqVecType *type = &barq_sparsevec_type;
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			dim = barq_array_dim(type, array, PG_GETARG_INT32(1));
	float	   *x = palloc(sizeof(float) * (Size) dim);
	BarqSparsevec *result;

	barq_array_floats(array, x);
	result = barq_sparsevec_from_floats(x, dim);
	barq_check_floats(type, barq_sparsevec_values(result), result->nnz);
	pfree(x);
	PG_RETURN_BARQ_SPARSEVEC(result);
}

BARQ_DENSE_FUNCTION(to_sparsevec);
BARQ_DENSE_FUNCTION(from_sparsevec);
