/*
 * sparse.h
 *	  Sums over the elements of two sparse vectors: what the operators and the
 *	  index are both made of, so that they agree to the last bit.
 *
 * Sums are float32 and go up the indices, so that a sum does not depend on
 * which operand comes first.
 */
#ifndef BARQ_KERNELS_SPARSE_H
#define BARQ_KERNELS_SPARSE_H

#include <stdint.h>

/* Elements by themselves, wherever they lie: indices ascend, values are finite. */
typedef struct BarqSparseElements
{
	const int32_t *indices;
	const float *values;
	int			nnz;
} BarqSparseElements;

extern float barq_sparse_l2sq(BarqSparseElements a, BarqSparseElements b);
extern float barq_sparse_ip(BarqSparseElements a, BarqSparseElements b);
extern float barq_sparse_l1(BarqSparseElements a, BarqSparseElements b);

#endif							/* BARQ_KERNELS_SPARSE_H */
