/*
 * sparse.h
 *	  Sums over the elements of two sparse vectors. Operators and indexes both
 *	  use them, so that they agree to the last bit.
 *
 * Sums are float32 (but for cosines of very short or long vectors) and follow ascending indices, so that a sum does not depend
 * on the order of the operands.
 */
#ifndef BARQ_KERNELS_SPARSE_H
#define BARQ_KERNELS_SPARSE_H

#include <stdint.h>

/* Elements of a sparse vector: indices ascend, values are finite. */
typedef struct BarqSparseElements
{
	const int32_t *indices;
	const float *values;
	int			nnz;
} BarqSparseElements;

/* The squared L2 distance, the inner product, the L1 distance. */
extern float barq_sparse_l2sq(BarqSparseElements a, BarqSparseElements b);
extern float barq_sparse_ip(BarqSparseElements a, BarqSparseElements b);
extern float barq_sparse_l1(BarqSparseElements a, BarqSparseElements b);

/* The cosine distance, in double where squares leave float32; NaN if a vector is zero. */
extern double barq_sparse_cosine(BarqSparseElements a, BarqSparseElements b);

/* The same, in double for any vectors. */
extern double barq_sparse_cosine_in_double(BarqSparseElements a, BarqSparseElements b);

#endif							/* BARQ_KERNELS_SPARSE_H */
