/*
 * vector_compare.c
 *	  The total order of vectors: comparison operators and btree support.
 *
 * Vectors compare element by element, as PostgreSQL's arrays do, and where
 * one is the other's beginning the shorter comes first. A btree calls these
 * in contexts that live long, so copies made by detoasting are freed.
 */
#include "types/vector.h"

PG_FUNCTION_INFO_V1(barq_vector_lt);
PG_FUNCTION_INFO_V1(barq_vector_le);
PG_FUNCTION_INFO_V1(barq_vector_eq);
PG_FUNCTION_INFO_V1(barq_vector_ne);
PG_FUNCTION_INFO_V1(barq_vector_ge);
PG_FUNCTION_INFO_V1(barq_vector_gt);
PG_FUNCTION_INFO_V1(barq_vector_cmp);

int
barq_vector_compare(const BarqVector *a, const BarqVector *b)
{
	int			common = Min(a->dim, b->dim);

	for (int i = 0; i < common; i++)
	{
		if (a->x[i] < b->x[i])
			return -1;
		if (a->x[i] > b->x[i])
			return 1;
	}
	return (a->dim > b->dim) - (a->dim < b->dim);
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	BarqVector *a = PG_GETARG_BARQ_VECTOR(0);
	BarqVector *b = PG_GETARG_BARQ_VECTOR(1);
	int			order = barq_vector_compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* vector_lt(vector, vector) */
Datum
barq_vector_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

/* vector_le(vector, vector) */
Datum
barq_vector_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

/* vector_eq(vector, vector) */
Datum
barq_vector_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

/* vector_ne(vector, vector) */
Datum
barq_vector_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

/* vector_ge(vector, vector) */
Datum
barq_vector_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

/* vector_gt(vector, vector) */
Datum
barq_vector_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

/* vector_cmp(vector, vector) */
Datum
barq_vector_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}
