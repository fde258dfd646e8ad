/*
 * dense.h
 *	  Shared by the types vector and halfvec, which differ only in how an element
 *	  is stored.
 *
 * Functions of both types are written once, in the dense_*.c files, over
 * floats: a vector's elements in place, a halfvec's converted.
 * barq_dense_store() rounds floats to the precision of the type's elements.
 * (Half precision needs no arithmetic of its own: the sum or product of two
 * halves, rounded to float and then to half, equals the one rounded to half at
 * once, because float has more than twice the digits.)
 */
#ifndef BARQ_DENSE_H
#define BARQ_DENSE_H

#include "types/halfvec.h"
#include "types/vector.h"

/* A vector or a halfvec. */
typedef struct BarqDense
{
	int32		vl_len_;
	int16		dim;
	int16		unused;
	char		x[FLEXIBLE_ARRAY_MEMBER];
} BarqDense;

StaticAssertDecl(offsetof(BarqDense, dim) == offsetof(BarqVector, dim) &&
				 offsetof(BarqDense, x) == offsetof(BarqVector, x) &&
				 offsetof(BarqDense, dim) == offsetof(BarqHalfvec, dim) &&
				 offsetof(BarqDense, x) == offsetof(BarqHalfvec, x),
				 "vector and halfvec begin alike");

/* Bytes of a value of dim elements, header included. */
#define BARQ_DENSE_SIZE(type, dim) \
	(offsetof(BarqDense, x) + (Size) (type)->element_size * (Size) (dim))

#define PG_GETARG_BARQ_DENSE(n) ((BarqDense *) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* A value of dim zeros, palloc'd in the current memory context. Does not check dim. */
extern BarqDense *barq_dense_new(const BarqVecType *type, int dim);

/*
 * The elements as floats: a vector's in place, a halfvec's palloc'd in the
 * current memory context.
 */
extern const float *barq_dense_floats(const BarqVecType *type, const BarqDense *value);

/*
 * Returns room for dim floats: the value itself for a vector, a palloc'd array for
 * a halfvec; zero if the value is new. The caller sets them, then calls
 * barq_dense_store().
 */
extern float *barq_dense_scratch(const BarqVecType *type, BarqDense *value);

/*
 * Make the floats x, as returned by barq_dense_scratch(), the elements of a value,
 * and round x itself to the elements' precision.
 */
extern void barq_dense_store(const BarqVecType *type, BarqDense *value, float *x);

/*
 * Define the SQL functions barq_vector_<name> and barq_halfvec_<name>, which call
 * dense_<name>(fcinfo, type).
 */
#define BARQ_DENSE_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(barq_vector_##name); \
	PG_FUNCTION_INFO_V1(barq_halfvec_##name); \
	Datum \
	barq_vector_##name(PG_FUNCTION_ARGS) \
	{ \
		return dense_##name(fcinfo, &barq_vector_type); \
	} \
	Datum \
	barq_halfvec_##name(PG_FUNCTION_ARGS) \
	{ \
		return dense_##name(fcinfo, &barq_halfvec_type); \
	} \
	extern int	no_such_variable

#endif							/* BARQ_DENSE_H */
