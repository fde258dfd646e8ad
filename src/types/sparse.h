/*
 * sparse.h
 *	  The type sparsevec: up to 1,000,000,000 dimensions, of which up to 16,000
 *	  hold a float32 element that is not zero.
 *
 * Defines the layout of values in memory and on disk. It is pgvector's, byte for
 * byte: a 4-byte varlena header, three int32 (dimensions, elements, zero), the
 * indices of the elements, then the elements. Indices count from 0 (from 1 in
 * text) and ascend without duplicates; elements are finite and not zero.
 */
#ifndef BARQ_SPARSE_H
#define BARQ_SPARSE_H

#include "postgres.h"

#include "fmgr.h"
#include "kernels/sparse.h"
#include "types/check.h"

#define BARQ_SPARSEVEC_MAX_DIM 1000000000
#define BARQ_SPARSEVEC_MAX_NNZ 16000

typedef struct BarqSparsevec
{
	int32		vl_len_;		/* varlena header (use SET_VARSIZE) */
	int32		dim;			/* dimensions, 1 .. 1,000,000,000 */
	int32		nnz;			/* elements, 0 .. 16,000 */
	int32		unused;			/* always 0 */
	int32		indices[FLEXIBLE_ARRAY_MEMBER];
	/* float values[nnz] follow the indices */
} BarqSparsevec;

StaticAssertDecl(offsetof(BarqSparsevec, dim) == 4 &&
				 offsetof(BarqSparsevec, nnz) == 8 &&
				 offsetof(BarqSparsevec, unused) == 12 &&
				 offsetof(BarqSparsevec, indices) == 16 &&
				 sizeof(float) == sizeof(int32),
				 "BarqSparsevec is on disk and shared with pgvector's clients");

/* Bytes of a value of nnz elements, header included. */
#define BARQ_SPARSEVEC_SIZE(nnz) \
	(offsetof(BarqSparsevec, indices) + (sizeof(int32) + sizeof(float)) * (Size) (nnz))

/* Returns a detoasted copy if the datum is toasted or packed. */
#define DatumGetBarqSparsevec(d) ((BarqSparsevec *) PG_DETOAST_DATUM(d))
#define PG_GETARG_BARQ_SPARSEVEC(n) DatumGetBarqSparsevec(PG_GETARG_DATUM(n))
#define PG_RETURN_BARQ_SPARSEVEC(v) PG_RETURN_POINTER(v)

/* The elements of a value, which follow its nnz indices. */
static inline float *
barq_sparsevec_values(BarqSparsevec *value)
{
	return (float *) (value->indices + value->nnz);
}

/* The arguments of the sums in kernels/sparse.h. */
static inline BarqSparseElements
barq_sparse_elements(BarqSparsevec *value)
{
	BarqSparseElements elements = {
		value->indices, barq_sparsevec_values(value), value->nnz
	};

	return elements;
}

/*
 * A new value palloc'd in the current memory context, whose nnz indices and
 * elements (zero so far) the caller sets. Checks neither number.
 */
extern BarqSparsevec *barq_sparsevec_new(int dim, int nnz);

/*
 * The value of dim floats without their zeros, palloc'd in the current memory
 * context. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED for too many elements; does not
 * check whether they are finite.
 */
extern BarqSparsevec *barq_sparsevec_from_floats(const float *x, int dim);

/*
 * Raise an error unless nnz is 0 .. 16,000 and at most dim:
 * ERRCODE_DATA_EXCEPTION for negative numbers, else
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
extern void barq_check_nnz(int nnz, int dim);

/*
 * Raise ERRCODE_DATA_EXCEPTION unless indices[i] lies in 0 .. dim - 1 and above
 * indices[i - 1].
 */
extern void barq_check_index(const int32 *indices, int i, int dim);

#endif							/* BARQ_SPARSE_H */
