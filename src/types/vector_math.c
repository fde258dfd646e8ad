/*
 * vector_math.c
 *	  Arithmetic on vectors: functions and operators that make a vector (or a
 *	  bit string) out of vectors.
 *
 * A result that float32 cannot hold is an error, never an infinite element.
 */
#include "types/vector.h"

#include "utils/float.h"
#include "utils/varbit.h"

PG_FUNCTION_INFO_V1(barq_vector_dims);
PG_FUNCTION_INFO_V1(barq_vector_norm);
PG_FUNCTION_INFO_V1(barq_vector_l2_normalize);
PG_FUNCTION_INFO_V1(barq_vector_add);
PG_FUNCTION_INFO_V1(barq_vector_sub);
PG_FUNCTION_INFO_V1(barq_vector_mul);
PG_FUNCTION_INFO_V1(barq_vector_concat);
PG_FUNCTION_INFO_V1(barq_vector_subvector);
PG_FUNCTION_INFO_V1(barq_vector_binary_quantize);

/* Separate from the arithmetic, so that the compiler vectorises both. */
static void
check_overflow(const BarqVector *vec)
{
	bool		overflow = false;

	for (int i = 0; i < vec->dim; i++)
		overflow |= isinf(vec->x[i]) != 0;
	if (overflow)
		float_overflow_error();
}

double
barq_vector_length(const BarqVector *vec)
{
	double		sum = 0.0;

	for (int i = 0; i < vec->dim; i++)
		sum += (double) vec->x[i] * (double) vec->x[i];
	return sqrt(sum);
}

/*
 * vector_dims(vector): reads no more of a toasted value than its first chunk,
 * so that asking a whole table costs little.
 */
Datum
barq_vector_dims(PG_FUNCTION_ARGS)
{
	BarqVector *head = (BarqVector *)
		PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0,
							   offsetof(BarqVector, x) - VARHDRSZ);

	PG_RETURN_INT32(head->dim);
}

/* vector_norm(vector) */
Datum
barq_vector_norm(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);

	PG_RETURN_FLOAT8(barq_vector_length(vec));
}

/* l2_normalize(vector); zeros stay zeros */
Datum
barq_vector_l2_normalize(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *result = barq_vector_new(vec->dim);
	double		length = barq_vector_length(vec);

	if (length > 0)
	{
		for (int i = 0; i < vec->dim; i++)
			result->x[i] = (float) (vec->x[i] / length);
		check_overflow(result);
	}
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_add(vector, vector) */
Datum
barq_vector_add(PG_FUNCTION_ARGS)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	BarqVector *result;

	barq_check_dims(a, b);
	result = barq_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] + b->x[i];
	check_overflow(result);
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_sub(vector, vector) */
Datum
barq_vector_sub(PG_FUNCTION_ARGS)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	BarqVector *result;

	barq_check_dims(a, b);
	result = barq_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] - b->x[i];
	check_overflow(result);
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_mul(vector, vector), element by element */
Datum
barq_vector_mul(PG_FUNCTION_ARGS)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	BarqVector *result;

	barq_check_dims(a, b);
	result = barq_vector_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = a->x[i] * b->x[i];

	/* element by element: the first that does not fit names the error */
	for (int i = 0; i < a->dim; i++)
	{
		if (isinf(result->x[i]))
			float_overflow_error();
		if (result->x[i] == 0 && a->x[i] != 0 && b->x[i] != 0)
			float_underflow_error();
	}
	PG_RETURN_BARQ_VECTOR(result);
}

/* vector_concat(vector, vector) */
Datum
barq_vector_concat(PG_FUNCTION_ARGS)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	int			dim = a->dim + b->dim;
	BarqVector *result;

	barq_check_dim(dim);
	result = barq_vector_new(dim);
	memcpy(result->x, a->x, sizeof(float) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(float) * b->dim);
	PG_RETURN_BARQ_VECTOR(result);
}

/*
 * subvector(vector, start integer, count integer): the elements whose numbers,
 * from 1, lie in [start, start + count), as substring() does.
 */
Datum
barq_vector_subvector(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	int64		start = PG_GETARG_INT32(1);
	int64		end = start + PG_GETARG_INT32(2);
	BarqVector *result;

	start = Max(start, 1);
	end = Min(end, (int64) vec->dim + 1);
	if (end <= start)
		barq_check_dim(0);

	result = barq_vector_new((int) (end - start));
	memcpy(result->x, vec->x + (start - 1),
		   sizeof(float) * (Size) (end - start));
	PG_RETURN_BARQ_VECTOR(result);
}

/* binary_quantize(vector): a bit for each element, set where it is positive */
Datum
barq_vector_binary_quantize(PG_FUNCTION_ARGS)
{
	BarqVector *vec = PG_GETARG_BARQ_VECTOR(0);
	Size		size = VARBITTOTALLEN(vec->dim);
	VarBit	   *result = palloc0(size);
	bits8	   *bytes = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = vec->dim;
	for (int i = 0; i < vec->dim; i++)
		bytes[i / BITS_PER_BYTE] |=
			(vec->x[i] > 0) << (BITS_PER_BYTE - 1 - i % BITS_PER_BYTE);
	PG_RETURN_VARBIT_P(result);
}
