/*
 * halfvec.h
 *	  The type halfvec: IEEE half elements, up to 16,000 of them.
 *
 * Defines the layout of values in memory and on disk. It is identical to
 * pgvector's, and, apart from the elements, to that of vector; dense.h contains
 * the declarations for both. Every value has at least one dimension and finite
 * elements.
 */
#ifndef BARQ_HALFVEC_H
#define BARQ_HALFVEC_H

#include "postgres.h"

#include "fmgr.h"
#include "types/check.h"

#define BARQ_HALFVEC_MAX_DIM 16000

typedef struct BarqHalfvec
{
	int32		vl_len_;		/* varlena header (use SET_VARSIZE) */
	int16		dim;			/* number of elements, 1 .. 16,000 */
	int16		unused;			/* always 0 */
	uint16		x[FLEXIBLE_ARRAY_MEMBER];	/* IEEE half, native byte order */
} BarqHalfvec;

StaticAssertDecl(offsetof(BarqHalfvec, dim) == 4 &&
				 offsetof(BarqHalfvec, unused) == 6 &&
				 offsetof(BarqHalfvec, x) == 8,
				 "BarqHalfvec is on disk and shared with pgvector's clients");

/* Neither NaN nor infinite. */
#define BARQ_HALF_IS_FINITE(h) (((h) & 0x7c00) != 0x7c00)

/* Returns a detoasted copy if the datum is toasted or packed. */
#define DatumGetBarqHalfvec(d)	((BarqHalfvec *) PG_DETOAST_DATUM(d))

#endif							/* BARQ_HALFVEC_H */
