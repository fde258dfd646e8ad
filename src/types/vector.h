/*
 * vector.h
 *	  The type vector: float32 elements, up to 16,000 of them.
 *
 * Defines the layout of values in memory and on disk; dense.h contains the
 * declarations for vector and halfvec.
 *
 * The layout is pgvector's, byte for byte, so that C extensions that take
 * vectors and dumps in binary form work with either extension: a 4-byte varlena
 * header, two int16 (dimensions, zero), then the elements. Every value has at
 * least one dimension and finite elements.
 */
#ifndef BARQ_VECTOR_H
#define BARQ_VECTOR_H

#include "postgres.h"

#include "fmgr.h"
#include "types/check.h"

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

/* Returns a detoasted copy if the datum is toasted or packed. */
#define DatumGetBarqVector(d)	((BarqVector *) PG_DETOAST_DATUM(d))
#define PG_GETARG_BARQ_VECTOR(n) DatumGetBarqVector(PG_GETARG_DATUM(n))

#endif							/* BARQ_VECTOR_H */
