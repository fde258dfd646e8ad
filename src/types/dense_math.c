/*
 * dense_math.c
 *	  Arithmetic on vectors and halfvecs: functions and operators that return a
 *	  vector, a halfvec, a bit string or a number.
 *
 * If the type cannot hold a result, that is an error
 * (ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), never an infinite element.
 */
#include "types/dense.h"

#include "kernels/measure.h"
#include "utils/float.h"
#include "utils/varbit.h"

PG_FUNCTION_INFO_V1(barq_dense_dims);

/*
 * Raise ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE if an element is infinite. Separate
 * from the arithmetic, so that the compiler vectorises both loops.
 */
static void
check_overflow(const float *x, int n)
{
	bool		overflow = false;

	for (int i = 0; i < n; i++)
		overflow |= isinf(x[i]) != 0;
	if (overflow)
		float_overflow_error();
}

/*
 * vector_dims(vector), vector_dims(halfvec): reads only the first chunk of a
 * toasted value, so that a query over a whole table costs little.
 */
Datum
barq_dense_dims(PG_FUNCTION_ARGS)
{
	BarqDense  *head = (BarqDense *)
		PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0,
							   offsetof(BarqDense, x) - VARHDRSZ);

	PG_RETURN_INT32(head->dim);
}

/* vector_norm(vector), l2_norm(halfvec) */
static Datum
dense_norm(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);

	PG_RETURN_FLOAT8(barq_euclidean_norm(barq_dense_floats(type, value), value->dim));
}

/* l2_normalize; zeros stay zeros */
static Datum
dense_l2_normalize(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	const float *x = barq_dense_floats(type, value);
	double		norm = barq_euclidean_norm(x, value->dim);
	BarqDense  *result = barq_dense_new(type, value->dim);
	float	   *r = barq_dense_scratch(type, result);

	if (norm > 0)
	{
		for (int i = 0; i < value->dim; i++)
			r[i] = (float) (x[i] / norm);
		barq_dense_store(type, result, r);
		check_overflow(r, value->dim);
	}
	PG_RETURN_POINTER(result);
}

/* Two arguments of the same dimensions, and a result of as many. */
typedef struct Operation
{
	const float *a;
	const float *b;
	int			dim;
	BarqDense  *result;
	float	   *r;				/* elements of result, for barq_dense_store() */
} Operation;

/* The two arguments of a function, checked, and a new result. */
static Operation
begin_operation(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *a = PG_GETARG_BARQ_DENSE(0);
	BarqDense  *b = PG_GETARG_BARQ_DENSE(1);
	Operation	op;

	barq_check_dims(type, a->dim, b->dim);
	op.a = barq_dense_floats(type, a);
	op.b = barq_dense_floats(type, b);
	op.dim = a->dim;
	op.result = barq_dense_new(type, a->dim);
	op.r = barq_dense_scratch(type, op.result);
	return op;
}

/* vector_add, halfvec_add */
static Datum
dense_add(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	Operation	op = begin_operation(fcinfo, type);

	for (int i = 0; i < op.dim; i++)
		op.r[i] = op.a[i] + op.b[i];
	barq_dense_store(type, op.result, op.r);
	check_overflow(op.r, op.dim);
	PG_RETURN_POINTER(op.result);
}

/* vector_sub, halfvec_sub */
static Datum
dense_sub(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	Operation	op = begin_operation(fcinfo, type);

	for (int i = 0; i < op.dim; i++)
		op.r[i] = op.a[i] - op.b[i];
	barq_dense_store(type, op.result, op.r);
	check_overflow(op.r, op.dim);
	PG_RETURN_POINTER(op.result);
}

/* vector_mul, halfvec_mul, element by element */
static Datum
dense_mul(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	Operation	op = begin_operation(fcinfo, type);

	for (int i = 0; i < op.dim; i++)
		op.r[i] = op.a[i] * op.b[i];
	barq_dense_store(type, op.result, op.r);

	/* in order, because the first element out of range decides the error */
	for (int i = 0; i < op.dim; i++)
	{
		if (isinf(op.r[i]))
			float_overflow_error();
		if (op.r[i] == 0 && op.a[i] != 0 && op.b[i] != 0)
			float_underflow_error();
	}
	PG_RETURN_POINTER(op.result);
}

/* vector_concat, halfvec_concat */
static Datum
dense_concat(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *a = PG_GETARG_BARQ_DENSE(0);
	BarqDense  *b = PG_GETARG_BARQ_DENSE(1);
	int			dim = a->dim + b->dim;
	Size		bytes = (Size) type->element_size * a->dim;
	BarqDense  *result;

	barq_check_dim(type, dim);
	result = barq_dense_new(type, dim);
	memcpy(result->x, a->x, bytes);
	memcpy(result->x + bytes, b->x, (Size) type->element_size * b->dim);
	PG_RETURN_POINTER(result);
}

/*
 * subvector(…, start integer, count integer): the elements whose numbers, from
 * 1, lie in [start, start + count), as substring() does.
 */
static Datum
dense_subvector(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	int64		start = PG_GETARG_INT32(1);
	int64		end = start + PG_GETARG_INT32(2);
	Size		element_size = type->element_size;
	BarqDense  *result;

	start = Max(start, 1);
	end = Min(end, (int64) value->dim + 1);
	if (end <= start)
		barq_check_dim(type, 0);

	result = barq_dense_new(type, (int) (end - start));
	memcpy(result->x, value->x + element_size * (Size) (start - 1),
		   element_size * (Size) (end - start));
	PG_RETURN_POINTER(result);
}

/* binary_quantize: a bit for each element, set if the element is positive */
static Datum
dense_binary_quantize(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	BarqDense  *value = PG_GETARG_BARQ_DENSE(0);
	const float *x = barq_dense_floats(type, value);
	Size		size = VARBITTOTALLEN(value->dim);
	VarBit	   *result = palloc0(size);
	uint8	   *bytes = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = value->dim;
	for (int i = 0; i < value->dim; i++)
		bytes[i / BITS_PER_BYTE] |=
			(x[i] > 0) << (BITS_PER_BYTE - 1 - i % BITS_PER_BYTE);
	PG_RETURN_VARBIT_P(result);
}

BARQ_DENSE_FUNCTION(norm);
BARQ_DENSE_FUNCTION(l2_normalize);
BARQ_DENSE_FUNCTION(add);
BARQ_DENSE_FUNCTION(sub);
BARQ_DENSE_FUNCTION(mul);
BARQ_DENSE_FUNCTION(concat);
BARQ_DENSE_FUNCTION(subvector);
BARQ_DENSE_FUNCTION(binary_quantize);
