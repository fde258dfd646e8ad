/*
 * check.h
 *	  Limits of the vector types, and the checks that all functions of these
 *	  types share.
 *
 * The checks are inline and call check.c only to raise an error, so that a
 * check costs its caller one comparison. Messages have pgvector's wording,
 * because client libraries match on it. Unless a comment says otherwise, errors
 * are ERRCODE_DATA_EXCEPTION.
 */
#ifndef BARQ_CHECK_H
#define BARQ_CHECK_H

#include "postgres.h"

#include <math.h>

#include "base/compat.h"

/* One of the types vector, halfvec, sparsevec. */
typedef struct BarqVecType
{
	const char *name;			/* in SQL and in messages */
	int			max_dim;		/* most dimensions */
	int			element_size;	/* bytes of an element */
	float		beyond;			/* least number that would round to infinity */
	bool		sparse;			/* zeros are not stored */
} BarqVecType;

extern const BarqVecType barq_vector_type;
extern const BarqVecType barq_halfvec_type;
extern const BarqVecType barq_sparsevec_type;

/* Errors of the checks below, which call them. */
pg_noreturn extern void barq_dims_differ(const BarqVecType *type, int a, int b);
pg_noreturn extern void barq_dim_unexpected(int expected, int dim);
/* ERRCODE_DATA_EXCEPTION below 1, else ERRCODE_PROGRAM_LIMIT_EXCEEDED */
pg_noreturn extern void barq_dim_out_of_range(const BarqVecType *type, int dim);
pg_noreturn extern void barq_element_not_finite(const BarqVecType *type, float value);

/* Error for two values of PostgreSQL's type bit of different lengths (bit.c). */
pg_noreturn extern void barq_bit_lengths_differ(int a, int b);

/*
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for a number, as the user wrote it, that
 * an element of the type cannot hold.
 */
pg_noreturn extern void barq_out_of_range(const BarqVecType *type, const char *number);

/* Error unless both operands have the same number of dimensions. */
static inline void
barq_check_dims(const BarqVecType *type, int a, int b)
{
	if (unlikely(a != b))
		barq_dims_differ(type, a, b);
}

/* Error unless a value has the dimensions of its type modifier (-1: none). */
static inline void
barq_check_expected_dim(int32 typmod, int dim)
{
	if (unlikely(typmod != -1 && typmod != dim))
		barq_dim_unexpected(typmod, dim);
}

/* Error unless a value of `dim` dimensions can exist. */
static inline void
barq_check_dim(const BarqVecType *type, int dim)
{
	if (unlikely(dim < 1 || dim > type->max_dim))
		barq_dim_out_of_range(type, dim);
}

/* Error for an element that is NaN or infinite. */
static inline void
barq_check_element(const BarqVecType *type, float value)
{
	if (unlikely(!isfinite(value)))
		barq_element_not_finite(type, value);
}

/* Whether a finite number would become an infinite element. */
static inline bool
barq_is_beyond(const BarqVecType *type, float value)
{
	return isfinite(value) && fabsf(value) >= type->beyond;
}

/*
 * Check n floats that are to become elements. The error names the first number
 * that is out of range, or else the first that is not finite.
 */
extern void barq_check_floats(const BarqVecType *type, const float *x, int n);

/* Error unless the field "unused" of a binary form is 0. */
extern void barq_check_unused(int unused);

/*
 * The type modifier of a cstring[] of type modifiers: one number of dimensions.
 * ERRCODE_INVALID_PARAMETER_VALUE.
 */
extern int32 barq_typmod_in(const BarqVecType *type, Datum modifiers);

/*
 * Arrays of integer, real, double precision and numeric. barq_array_dim returns
 * the number of elements and checks it against the type and its modifier (-1:
 * none); arrays with NULLs or of several dimensions are errors.
 * barq_array_floats writes the elements of an array so checked to x. A double
 * too small for a float becomes 0, one too large infinite.
 */
struct		ArrayType;
extern int	barq_array_dim(const BarqVecType *type, struct ArrayType *array, int32 typmod);
extern void barq_array_floats(struct ArrayType *array, float *x);

#endif							/* BARQ_CHECK_H */
