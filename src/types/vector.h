/*
 * vector.h
 *	  The type vector: float32 elements, up to 16,000 of them.
 *
 * Owns: the value's layout in memory and on disk, its limits, and the checks
 * that everything which takes or makes a vector shares.
 *
 * The layout is pgvector's, byte for byte, so that C extensions that take
 * vectors and dumps in binary form work with either: a 4-byte varlena header,
 * two int16 (dimensions, and one that is always zero), then the elements. A
 * value that reached a function holds at least one dimension, and every
 * element is finite.
 */
#ifndef BARQ_VECTOR_H
#define BARQ_VECTOR_H

#include "postgres.h"

#include <math.h>

#include "compat.h"
#include "fmgr.h"

#define BARQ_VECTOR_MAX_DIM 16000

typedef struct BarqVector
{
	int32		vl_len_;		/* varlena header (use SET_VARSIZE) */
	int16		dim;			/* number of elements, 1 .. 16,000 */
	int16		unused;			/* always 0 */
	float		x[FLEXIBLE_ARRAY_MEMBER];
} BarqVector;

StaticAssertDecl(offsetof(BarqVector, dim) == 4 &&
				 offsetof(BarqVector, unused) == 6 &&
				 offsetof(BarqVector, x) == 8 &&
				 sizeof(float) == 4,
				 "BarqVector is on disk and shared with pgvector's clients");

/* Bytes of a vector of dim elements, header included. */
#define BARQ_VECTOR_SIZE(dim) \
	(offsetof(BarqVector, x) + sizeof(float) * (Size) (dim))

/* The result is a detoasted copy where the datum was toasted or packed. */
#define DatumGetBarqVector(d)	((BarqVector *) PG_DETOAST_DATUM(d))
#define PG_GETARG_BARQ_VECTOR(n) DatumGetBarqVector(PG_GETARG_DATUM(n))
#define PG_RETURN_BARQ_VECTOR(v) PG_RETURN_POINTER(v)

/* A vector of dim zeros, in the current memory context; dim is not checked. */
extern BarqVector *barq_vector_new(int dim);

/* -1, 0 or 1: element by element, then the shorter one first. */
extern int	barq_vector_compare(const BarqVector *a, const BarqVector *b);

/* Euclidean norm, summed in double. */
extern double barq_vector_length(const BarqVector *vec);

/* What the checks below raise; not meant to be called by themselves. */
pg_noreturn extern void barq_dims_differ(int a, int b);
pg_noreturn extern void barq_dim_unexpected(int expected, int dim);
pg_noreturn extern void barq_dim_out_of_range(int dim);
pg_noreturn extern void barq_element_not_finite(float value);

/* Both operands of a function must have the same dimensions. */
static inline void
barq_check_dims(const BarqVector *a, const BarqVector *b)
{
	if (unlikely(a->dim != b->dim))
		barq_dims_differ(a->dim, b->dim);
}

/* A type modifier, where there is one (not -1), is the number of dimensions. */
static inline void
barq_check_expected_dim(int32 typmod, int dim)
{
	if (unlikely(typmod != -1 && typmod != dim))
		barq_dim_unexpected(typmod, dim);
}

/* 1 .. BARQ_VECTOR_MAX_DIM */
static inline void
barq_check_dim(int dim)
{
	if (unlikely(dim < 1 || dim > BARQ_VECTOR_MAX_DIM))
		barq_dim_out_of_range(dim);
}

/* Neither NaN nor infinite. */
static inline void
barq_check_element(float value)
{
	if (unlikely(!isfinite(value)))
		barq_element_not_finite(value);
}

#endif							/* BARQ_VECTOR_H */
