/*
 * check.h
 *	  Limits of the vector types, and the checks that all functions of these
 *	  types share.
 *
 * The checks are inline and call check.c only to raise an error, so that a
 * check costs its caller one comparison. Messages have pgvector's wording,
 * because client libraries match on it.
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
	float		overflow_at;	/* the smallest number that rounds to infinity */
	bool		sparse;			/* zeros are not stored */
} BarqVecType;

extern const BarqVecType barq_vector_type;
extern const BarqVecType barq_halfvec_type;
extern const BarqVecType barq_sparsevec_type;

/*
 * Raise the errors of the inline checks below: ERRCODE_DATA_EXCEPTION, except as
 * noted.
 */
pg_noreturn extern void barq_dims_differ(const BarqVecType *type, int a, int b);
pg_noreturn extern void barq_dim_unexpected(int expected, int dim);
/* ERRCODE_DATA_EXCEPTION if dim is below 1, else ERRCODE_PROGRAM_LIMIT_EXCEEDED */
pg_noreturn extern void barq_dim_out_of_range(const BarqVecType *type, int dim);
pg_noreturn extern void barq_element_not_finite(const BarqVecType *type, float value);

/*
 * Raise ERRCODE_DATA_EXCEPTION for two values of PostgreSQL's type bit of
 * different lengths (bit.c).
 */
pg_noreturn extern void barq_bit_lengths_differ(int a, int b);

/*
 * Raise ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for a number, as the user wrote it,
 * that an element of the type cannot hold.
 */
pg_noreturn extern void barq_out_of_range(const BarqVecType *type, const char *number);

/*
 * Raise ERRCODE_DATA_EXCEPTION unless both operands have the same number of
 * dimensions.
 */
static inline void
barq_check_dims(const BarqVecType *type, int a, int b)
{
	if (unlikely(a != b))
		barq_dims_differ(type, a, b);
}

/*
 * Raise ERRCODE_DATA_EXCEPTION unless a value has the dimensions of its type
 * modifier (-1: none).
 */
static inline void
barq_check_expected_dim(int32 typmod, int dim)
{
	if (unlikely(typmod != -1 && typmod != dim))
		barq_dim_unexpected(typmod, dim);
}

/*
 * Raise an error unless a value of `dim` dimensions can exist:
 * ERRCODE_DATA_EXCEPTION if dim is below 1, ERRCODE_PROGRAM_LIMIT_EXCEEDED if it
 * is above the type's limit.
 */
static inline void
barq_check_dim(const BarqVecType *type, int dim)
{
	if (unlikely(dim < 1 || dim > type->max_dim))
		barq_dim_out_of_range(type, dim);
}

/* Raise ERRCODE_DATA_EXCEPTION for an element that is NaN or infinite. */
static inline void
barq_check_element(const BarqVecType *type, float value)
{
	if (unlikely(!isfinite(value)))
		barq_element_not_finite(type, value);
}

/* Whether a finite number would become an infinite element. Raises no error. */
static inline bool
barq_would_overflow(const BarqVecType *type, float value)
{
	return isfinite(value) && fabsf(value) >= type->overflow_at;
}

/*
 * Check n floats that are to become elements. Raises
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for the first number that is out of range,
 * or else ERRCODE_DATA_EXCEPTION for the first that is not finite.
 */
extern void barq_check_floats(const BarqVecType *type, const float *x, int n);

/* Raise ERRCODE_DATA_EXCEPTION unless the field "unused" of a binary form is 0. */
extern void barq_check_unused(int unused);

/*
 * The type modifier of a cstring[] of type modifiers: one number of dimensions.
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if there are several, or if the number
 * is below 1 or above the type's limit.
 */
extern int32 barq_typmod_in(const BarqVecType *type, Datum modifiers);

/*
 * Arrays of integer, real, double precision and numeric. barq_array_dim returns
 * the number of elements and checks it against the type and its modifier (-1:
 * none), with the errors of barq_check_dim() and barq_check_expected_dim().
 * Raises ERRCODE_DATA_EXCEPTION for several dimensions,
 * ERRCODE_NULL_VALUE_NOT_ALLOWED for NULLs.
 *
 * barq_array_floats writes the elements of an array so checked to x. A double
 * too small for a float becomes 0, and one too large becomes infinity. Raises
 * ERRCODE_DATA_EXCEPTION for other element types, and numeric's own errors.
 */
struct		ArrayType;
extern int	barq_array_dim(const BarqVecType *type, struct ArrayType *array, int32 typmod);
extern void barq_array_floats(struct ArrayType *array, float *x);

#endif							/* BARQ_CHECK_H */
