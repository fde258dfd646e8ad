/*
 * check.h
 *	  What a value of a vector type may be, and the checks that everything
 *	  which takes or makes one shares.
 *
 * The checks are inline; only what they raise lives in check.c, so that a
 * check costs its caller a comparison. The wording is pgvector's, for client
 * libraries match on it.
 */
#ifndef BARQ_CHECK_H
#define BARQ_CHECK_H

#include "postgres.h"

#include <math.h>

#include "base/compat.h"

/* One of the types vector, halfvec, sparsevec. */
typedef struct BarqVecType
{
	const char *name;			/* what SQL and the messages call it */
	int			max_dim;		/* most dimensions */
	int			element_size;	/* bytes of an element */
	float		beyond;			/* the least number that rounds to infinity */
	bool		sparse;			/* zeros are not stored */
} BarqVecType;

extern const BarqVecType barq_vector_type;
extern const BarqVecType barq_halfvec_type;
extern const BarqVecType barq_sparsevec_type;

/* What the checks below raise; not meant to be called by themselves. */
pg_noreturn extern void barq_dims_differ(const BarqVecType *type, int a, int b);
pg_noreturn extern void barq_dim_unexpected(int expected, int dim);
pg_noreturn extern void barq_dim_out_of_range(const BarqVecType *type, int dim);
pg_noreturn extern void barq_element_not_finite(const BarqVecType *type, float value);

/* The same of two values of PostgreSQL's type bit (bit.c). */
pg_noreturn extern void barq_bit_lengths_differ(int a, int b);

/* A number, as it was written, that no element of the type can hold. */
pg_noreturn extern void barq_out_of_range(const BarqVecType *type, const char *number);

/* Both operands of a function must have the same dimensions. */
static inline void
barq_check_dims(const BarqVecType *type, int a, int b)
{
	if (unlikely(a != b))
		barq_dims_differ(type, a, b);
}

/* A type modifier, where there is one (not -1), is the number of dimensions. */
static inline void
barq_check_expected_dim(int32 typmod, int dim)
{
	if (unlikely(typmod != -1 && typmod != dim))
		barq_dim_unexpected(typmod, dim);
}

/* 1 .. the type's most */
static inline void
barq_check_dim(const BarqVecType *type, int dim)
{
	if (unlikely(dim < 1 || dim > type->max_dim))
		barq_dim_out_of_range(type, dim);
}

/* Neither NaN nor infinite. */
static inline void
barq_check_element(const BarqVecType *type, float value)
{
	if (unlikely(!isfinite(value)))
		barq_element_not_finite(type, value);
}

/* A finite number that would be an infinite element? */
static inline bool
barq_is_beyond(const BarqVecType *type, float value)
{
	return isfinite(value) && fabsf(value) >= type->beyond;
}

/*
 * Floats that are to become elements: the first that is out of range, or else
 * the first that is not finite, is an error.
 */
extern void barq_check_floats(const BarqVecType *type, const float *x, int n);

/* The int that must be 0 in binary forms. */
extern void barq_check_unused(int unused);

/* Type modifiers as SQL has them, cstring[]: one number of dimensions. */
extern int32 barq_typmod_in(const BarqVecType *type, Datum modifiers);

/*
 * Arrays of integer, real, double precision and numeric: the number of their
 * elements, which must agree with the type and its modifier; and the elements
 * as floats. A double too small for a float becomes 0, one too large infinite.
 */
struct		ArrayType;
extern int	barq_array_dim(const BarqVecType *type, struct ArrayType *array, int32 typmod);
extern void barq_array_floats(struct ArrayType *array, float *x);

#endif							/* BARQ_CHECK_H */
