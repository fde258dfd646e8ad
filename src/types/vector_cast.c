/*
 * vector_cast.c
 *	  Casts of the type vector: to itself (which applies a type modifier) and
 *	  from and to arrays of numbers.
 */
#include "types/vector.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(barq_vector_typmod_cast);
PG_FUNCTION_INFO_V1(barq_array_to_vector);
PG_FUNCTION_INFO_V1(barq_vector_to_float4);

/* vector(vector, typmod integer, explicit boolean) */
Datum
barq_vector_typmod_cast(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);

	barq_check_expected_dim(PG_GETARG_INT32(1), vec->dim);
	PG_RETURN_BARQ_VECTOR(vec);
}

/* Elements of a numeric[] without NULLs; PostgreSQL's own rounding and errors. */
static void
convert_numerics(ArrayType *array, float *x)
{
	Datum	   *elements;
	int			n;

	deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT,
					  &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
	pfree(elements);
}

/*
 * array_to_vector(array, typmod integer, explicit boolean), for arrays of
 * integer, real, double precision and numeric. A double too small for a float
 * becomes 0; one too large is refused as infinite.
 */
Datum
barq_array_to_vector(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	const void *data;
	int			dim;
	BarqVector *result;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	barq_check_dim(dim);
	barq_check_expected_dim(PG_GETARG_INT32(1), dim);

	/* without NULLs, elements of fixed length lie side by side */
	data = ARR_DATA_PTR(array);
	result = barq_vector_new(dim);
	switch (ARR_ELEMTYPE(array))
	{
		case INT4OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = (float) ((const int32 *) data)[i];
			break;
		case FLOAT4OID:
			memcpy(result->x, data, sizeof(float) * dim);
			break;
		case FLOAT8OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = (float) ((const float8 *) data)[i];
			break;
		case NUMERICOID:
			convert_numerics(array, result->x);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("unsupported array type")));
	}

	for (int i = 0; i < dim; i++)
		barq_check_element(result->x[i]);
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_to_float4(vector, typmod integer, explicit boolean) */
Datum
barq_vector_to_float4(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float4) * vec->dim;
	ArrayType  *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->ndim = 1;
	result->dataoffset = 0;
	result->elemtype = FLOAT4OID;
	*ARR_DIMS(result) = vec->dim;
	*ARR_LBOUND(result) = 1;
	memcpy(ARR_DATA_PTR(result), vec->x, sizeof(float4) * vec->dim);
	PG_RETURN_ARRAYTYPE_P(result);
}
