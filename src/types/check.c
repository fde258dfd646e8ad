/*
 * check.c
 *	  The limits of the vector types, and the errors of check.h.
 */
#include "types/check.h"

#include "common/shortest_dec.h"
#include "types/dense.h"
#include "types/sparse.h"
#include "utils/array.h"

const BarqVecType barq_vector_type = {
	"vector", BARQ_VECTOR_MAX_DIM, sizeof(float), INFINITY, false
};

/*
 * overflow_at: halfway between the largest half, 65504, and the next power of
 * two
 */
const BarqVecType barq_halfvec_type = {
	"halfvec", BARQ_HALFVEC_MAX_DIM, sizeof(uint16), 65520, false
};

const BarqVecType barq_sparsevec_type = {
	"sparsevec", BARQ_SPARSEVEC_MAX_DIM, sizeof(float), INFINITY, true
};

void
barq_dims_differ(const BarqVecType *type, int a, int b)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("different %s dimensions %d and %d", type->name, a, b)));
}

void
barq_dim_unexpected(int expected, int dim)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("expected %d dimensions, not %d", expected, dim)));
}

void
barq_dim_out_of_range(const BarqVecType *type, int dim)
{
	if (dim < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s must have at least 1 dimension", type->name)));

	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s cannot have more than %d dimensions",
					type->name, type->max_dim)));
}

void
barq_element_not_finite(const BarqVecType *type, float value)
{
	if (isnan(value))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("NaN not allowed in %s", type->name)));

	ereport(ERROR,
			(errcode(ERRCODE_DATA_EXCEPTION),
			 errmsg("infinite value not allowed in %s", type->name)));
}

void
barq_out_of_range(const BarqVecType *type, const char *number)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("\"%s\" is out of range for type %s", number, type->name)));
}

void
barq_check_floats(const BarqVecType *type, const float *x, int n)
{
	for (int i = 0; i < n; i++)
		if (unlikely(barq_would_overflow(type, x[i])))
		{
			char		number[FLOAT_SHORTEST_DECIMAL_LEN];

			float_to_shortest_decimal_buf(x[i], number);
			barq_out_of_range(type, number);
		}
	for (int i = 0; i < n; i++)
		barq_check_element(type, x[i]);
}

void
barq_check_unused(int unused)
{
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("expected unused to be 0, not %d", unused)));
}

int32
barq_typmod_in(const BarqVecType *type, Datum modifiers)
{
	int			n;
	int32	   *values = ArrayGetIntegerTypmods(DatumGetArrayTypeP(modifiers), &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type modifier")));
	if (values[0] < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s must be at least 1", type->name)));
	if (values[0] > type->max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type %s cannot exceed %d",
						type->name, type->max_dim)));
	return values[0];
}
