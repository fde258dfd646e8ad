/*
 * dense_agg.c
 *	  avg(vector) and avg(halfvec). (sum() only needs vector_add and
 *	  halfvec_add.)
 *
 * A state is a float8 array: the number of values, then the sum of each
 * element; {0} at the start. It is the same as pgvector's, so states that a
 * table stores keep their meaning, and plain SQL can read it. Inside an
 * aggregate nothing else refers to the state, so it is updated in place, as
 * float8_accum() does.
 */
#include "types/dense.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(barq_dense_combine);

/* The array's numbers: the number of values, then the sums. */
static inline float8 *
state_values(ArrayType *state)
{
	return (float8 *) ARR_DATA_PTR(state);
}

/* Dimensions of the values summed so far; 0 before the first one. */
static inline int
state_dim(ArrayType *state)
{
	return ARR_DIMS(state)[0] - 1;
}

/*
 * Argument argno as a state. Users may call these functions with any array:
 * error (ERRCODE_INTERNAL_ERROR) unless it is a state. `step` names the function
 * in the message.
 */
static ArrayType *
get_state(FunctionCallInfo fcinfo, int argno, const BarqVecType *type,
		  const char *step)
{
	ArrayType  *state = PG_GETARG_ARRAYTYPE_P(argno);

	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 ||
		ARR_HASNULL(state) || ARR_ELEMTYPE(state) != FLOAT8OID)
		elog(ERROR, "%s_%s: expected state array", type->name, step);
	return state;
}

/* A state of no values, palloc'd in the current memory context. */
static ArrayType *
new_state(int dim)
{
	Size		size = ARR_OVERHEAD_NONULLS(1) + sizeof(float8) * (dim + 1);
	ArrayType  *state = palloc0(size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->dataoffset = 0;
	state->elemtype = FLOAT8OID;
	*ARR_DIMS(state) = dim + 1;
	*ARR_LBOUND(state) = 1;
	return state;
}

/*
 * The array to write the next state to: inside an aggregate the old state, else
 * a copy in the current memory context, because the argument may be a constant
 * or lie in a table.
 */
static ArrayType *
writable_state(FunctionCallInfo fcinfo, ArrayType *state)
{
	ArrayType  *copy;

	if (AggCheckCallContext(fcinfo, NULL))
		return state;
	copy = palloc(VARSIZE(state));
	memcpy(copy, state, VARSIZE(state));
	*ARR_LBOUND(copy) = 1;
	return copy;
}

/*
 * Raise ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE if a sum overflowed. NaN, which only
 * a state made by hand contains, is not an error.
 */
static void
check_sums(const float8 *sums, int dim)
{
	bool		overflow = false;

	for (int i = 0; i < dim; i++)
		overflow |= isinf(sums[i]) != 0;
	if (overflow)
		float_overflow_error();
}

/* vector_accum(double precision[], vector), halfvec_accum */
static Datum
dense_accum(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	ArrayType  *state = get_state(fcinfo, 0, type, "accum");
	BarqDense  *value = PG_GETARG_BARQ_DENSE(1);
	const float *x = barq_dense_floats(type, value);
	ArrayType  *result;
	float8	   *sums;

	if (state_dim(state) == 0)
	{
		result = new_state(value->dim);
		state_values(result)[0] = state_values(state)[0];
	}
	else
	{
		barq_check_expected_dim(state_dim(state), value->dim);
		result = writable_state(fcinfo, state);
	}

	state_values(result)[0] += 1.0;
	sums = state_values(result) + 1;
	for (int i = 0; i < value->dim; i++)
		sums[i] += (double) x[i];
	check_sums(sums, value->dim);

	PG_RETURN_ARRAYTYPE_P(result);
}

/* vector_combine(double precision[], double precision[]), halfvec_combine */
Datum
barq_dense_combine(PG_FUNCTION_ARGS)
{
	const BarqVecType *type = &barq_vector_type;
	ArrayType  *a = get_state(fcinfo, 0, type, "combine");
	ArrayType  *b = get_state(fcinfo, 1, type, "combine");
	int			dim_a = state_dim(a);
	int			dim_b = state_dim(b);
	int			dim = dim_a > 0 ? dim_a : dim_b;
	ArrayType  *result;
	float8	   *sums;

	if (dim > 0)
		barq_check_dim(type, dim);
	if (dim_a > 0 && dim_b > 0)
		barq_check_expected_dim(dim_a, dim_b);

	if (dim_a > 0 || dim_b == 0)
		result = writable_state(fcinfo, a);
	else
	{
		result = new_state(dim);
		state_values(result)[0] = state_values(a)[0];
	}

	state_values(result)[0] += state_values(b)[0];
	if (dim_b > 0)
	{
		sums = state_values(result) + 1;
		for (int i = 0; i < dim; i++)
			sums[i] += state_values(b)[i + 1];
		if (dim_a > 0)
			check_sums(sums, dim);
	}

	PG_RETURN_ARRAYTYPE_P(result);
}

/* vector_avg(double precision[]), halfvec_avg: NULL for no values, as in SQL */
static Datum
dense_avg(FunctionCallInfo fcinfo, const BarqVecType *type)
{
	ArrayType  *state = get_state(fcinfo, 0, type, "avg");
	float8		count = state_values(state)[0];
	const float8 *sums = state_values(state) + 1;
	int			dim = state_dim(state);
	BarqDense  *result;
	float	   *x;

	if (count == 0.0)
		PG_RETURN_NULL();

	barq_check_dim(type, dim);
	result = barq_dense_new(type, dim);
	x = barq_dense_scratch(type, result);
	for (int i = 0; i < dim; i++)
		x[i] = (float) (sums[i] / count);
	barq_check_floats(type, x, dim);
	barq_dense_store(type, result, x);
	PG_RETURN_POINTER(result);
}

BARQ_DENSE_FUNCTION(accum);
BARQ_DENSE_FUNCTION(avg);
