/*
 * sparse_math.c
 *	  Distances between two sparsevecs, and their length.
 */
#include "types/sparse.h"

#include "kernels/measure.h"

PG_FUNCTION_INFO_V1(barq_sparsevec_l2_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_l2_squared_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_inner_product);
PG_FUNCTION_INFO_V1(barq_sparsevec_negative_inner_product);
PG_FUNCTION_INFO_V1(barq_sparsevec_cosine_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_l1_distance);
PG_FUNCTION_INFO_V1(barq_sparsevec_norm);
PG_FUNCTION_INFO_V1(barq_sparsevec_l2_normalize);

/*
 * The sum of the two arguments. Frees copies made by detoasting. Raises
 * ERRCODE_DATA_EXCEPTION if their dimensions differ.
 */
static double
apply(FunctionCallInfo fcinfo, float (*sum) (BarqSparseElements, BarqSparseElements))
{
	BarqSparsevec *a = PG_GETARG_BARQ_SPARSEVEC(0);
	BarqSparsevec *b = PG_GETARG_BARQ_SPARSEVEC(1);
	double		result;

	barq_check_dims(&barq_sparsevec_type, a->dim, b->dim);
	result = sum(barq_sparse_elements(a), barq_sparse_elements(b));

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return result;
}

/* l2_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(apply(fcinfo, barq_sparse_l2sq)));
}

/* sparsevec_l2_squared_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_l2sq));
}

/* inner_product(sparsevec, sparsevec) */
Datum
barq_sparsevec_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_ip));
}

/* sparsevec_negative_inner_product(sparsevec, sparsevec) */
Datum
barq_sparsevec_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-apply(fcinfo, barq_sparse_ip));
}

/* l1_distance(sparsevec, sparsevec) */
Datum
barq_sparsevec_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(apply(fcinfo, barq_sparse_l1));
}

/* cosine_distance(sparsevec, sparsevec): NaN if an argument has no elements */
Datum
barq_sparsevec_cosine_distance(PG_FUNCTION_ARGS)
{
	BarqSparsevec *a = PG_GETARG_BARQ_SPARSEVEC(0);
	BarqSparsevec *b = PG_GETARG_BARQ_SPARSEVEC(1);
	BarqSparseElements x = barq_sparse_elements(a);
	BarqSparseElements y = barq_sparse_elements(b);
	double		result;

	barq_check_dims(&barq_sparsevec_type, a->dim, b->dim);
	result = barq_sparse_cosine(x, y);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	PG_RETURN_FLOAT8(result);
}

/* l2_norm(sparsevec) */
Datum
barq_sparsevec_norm(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);

	PG_RETURN_FLOAT8(barq_euclidean_norm(barq_sparsevec_values(value), value->nnz));
}

/*
 * l2_normalize(sparsevec): elements that become zero are left out; a value
 * without elements stays the same. No element overflows: none is above 1.
 */
Datum
barq_sparsevec_l2_normalize(PG_FUNCTION_ARGS)
{
	BarqSparsevec *value = PG_GETARG_BARQ_SPARSEVEC(0);
	const float *x = barq_sparsevec_values(value);
	double		norm = barq_euclidean_norm(x, value->nnz);
	BarqSparsevec *result;
	float	   *r;
	int			nnz = 0;
	int			at = 0;

	for (int i = 0; i < value->nnz; i++)
		nnz += (float) (x[i] / norm) != 0;

	result = barq_sparsevec_new(value->dim, nnz);
	r = barq_sparsevec_values(result);
	for (int i = 0; i < value->nnz; i++)
	{
		float		element = (float) (x[i] / norm);

		if (element != 0)
		{
			result->indices[at] = value->indices[i];
			r[at++] = element;
		}
	}
	PG_RETURN_BARQ_SPARSEVEC(result);
}
