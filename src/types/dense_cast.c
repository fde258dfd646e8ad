/*
 * dense_cast.c
 *	  Casts of the types vector and halfvec: to themselves (which applies a
 *	  type modifier), to each other, and from and to arrays of numbers.
 *
 * The arguments of a cast are: value, typmod integer, explicit boolean.
 */
#include "types/dense.h"

#include "catalog/pg_type.h"
#include "kernels/kernels.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(barq_dense_typmod_cast);
PG_FUNCTION_INFO_V1(barq_halfvec_to_vector);
PG_FUNCTION_INFO_V1(barq_vector_to_halfvec);

/* vector(vector, …), halfvec(halfvec, …) */
Datum
barq_dense_typmod_cast(PG_FUNCTION_ARGS)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);

	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	PG_RETURN_POINTER(value);
}

/* halfvec_to_vector(halfvec, …) */
Datum
barq_halfvec_to_vector(PG_FUNCTION_ARGS)
{
	BarqHalfvec *value = DatumGetBarqHalfvec(PG_GETARG_DATUM(0));
	BarqDense  *result;

	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	result = barq_dense_new(&barq_vector_type, value->dim);
	barq_kernels->f16_to_f32(value->x, (float *) result->x, value->dim);
	PG_RETURN_POINTER(result);
}

/* vector_to_halfvec(vector, …) */
Datum
barq_vector_to_halfvec(PG_FUNCTION_ARGS)
{
	BarqVector *value = PG_GETARG_BARQ_VECTOR(0);
	BarqDense  *result;

	barq_check_expected_dim(PG_GETARG_INT32(1), value->dim);
	barq_check_floats(&barq_halfvec_type, value->x, value->dim);
	result = barq_dense_new(&barq_halfvec_type, value->dim);
	barq_kernels->f32_to_f16(value->x, (uint16 *) result->x, value->dim);
	PG_RETURN_POINTER(result);
}

/* array_to_vector(array, …), array_to_halfvec(array, …) */
static Datum
dense_from_array(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int			dim = barq_array_dim(type, array, PG_GETARG_INT32(1));
	BarqDense  *result = barq_dense_new(type, dim);
	float	   *x = barq_dense_scratch(type, result);

	barq_array_floats(array, x);
	barq_check_floats(type, x, dim);
	barq_dense_store(type, result, x);
	PG_RETURN_POINTER(result);
}

/* vector_to_float4(vector, …), halfvec_to_float4(halfvec, …) */
static Datum
dense_to_float4(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * value->dim;
	ArrayType  *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->ndim = 1;
	result->dataoffset = 0;
	result->elemtype = FLOAT4OID;
	*ARR_DIMS(result) = value->dim;
	*ARR_LBOUND(result) = 1;
	memcpy(ARR_DATA_PTR(result), barq_dense_floats(type, value),
		   sizeof(float4) * value->dim);
	PG_RETURN_ARRAYTYPE_P(result);
}

BARQ_DENSE_FUNCTION(from_array);
BARQ_DENSE_FUNCTION(to_float4);
