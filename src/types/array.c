/*
 * array.c
 *	  PostgreSQL's arrays of numbers as floats, for casts to vector types.
 */
#include "types/check.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

int
barq_array_dim(const BarqVecType *type, ArrayType *array, int32 typmod)
{
	int			dim;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("array must be 1-D")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("array must not contain nulls")));

	dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	barq_check_dim(type, dim);
	barq_check_expected_dim(typmod, dim);
	return dim;
}

/*
 * Write the elements of a numeric[] without NULLs to x, with PostgreSQL's
 * rounding and errors.
 */
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

void
barq_array_floats(ArrayType *array, float *x)
{
	int			dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	/* elements of fixed length lie side by side, because none is NULL */
	const void *data = ARR_DATA_PTR(array);

	switch (ARR_ELEMTYPE(array))
	{
		case INT4OID:
			for (int i = 0; i < dim; i++)
				x[i] = (float) ((const int32 *) data)[i];
			break;
		case FLOAT4OID:
			memcpy(x, data, sizeof(float) * dim);
			break;
		case FLOAT8OID:
			for (int i = 0; i < dim; i++)
				x[i] = (float) ((const float8 *) data)[i];
			break;
		case NUMERICOID:
			convert_numerics(array, x);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("unsupported array type")));
	}
}
