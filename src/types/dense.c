/*
 * dense.c
 *	  Making values of the types vector and halfvec, and converting their
 *	  elements from and to floats. See dense.h.
 */
#include "types/dense.h"

#include "kernels/kernels.h"

/* Whether the elements of a type are IEEE halves, not floats. No side effects. */
static inline bool
is_half(const BarqVecType *type)
{
	return type->element_size == sizeof(uint16);
}

BarqDense *
barq_dense_new(const BarqVecType *type, int dim)
{
	Size		size = BARQ_DENSE_SIZE(type, dim);
	BarqDense  *result = palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = (int16) dim;
	return result;
}

const float *
barq_dense_floats(const BarqVecType *type, const BarqDense *value)
{
	float	   *x;

	if (!is_half(type))
		return (const float *) value->x;
	x = palloc(sizeof(float) * value->dim);
	barq_kernels->f16_to_f32((const uint16 *) value->x, x, value->dim);
	return x;
}

float *
barq_dense_scratch(const BarqVecType *type, BarqDense *value)
{
	if (!is_half(type))
		return (float *) value->x;
	return palloc0(sizeof(float) * value->dim);
}

void
barq_dense_store(const BarqVecType *type, BarqDense *value, float *x)
{
	if (is_half(type))
	{
		uint16	   *halves = (uint16 *) value->x;

		barq_kernels->f32_to_f16(x, halves, value->dim);
		barq_kernels->f16_to_f32(halves, x, value->dim);
	}
	else
		Assert(x == (float *) value->x);
}
