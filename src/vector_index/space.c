/*
 * space.c
 *	  The spaces of vector operator classes: distance, values of the type as the
 *	  codec takes them, limits and errors of the type (BarqVectorSpace).
 */
#include "postgres.h"

#include "vector_index/vector_index.h"
#include "fmgr.h"
#include "kernels/kernels.h"
#include "types/halfvec.h"
#include "types/sparse.h"
#include "types/vector.h"
#include "utils/varbit.h"

#define BARQ_BIT_MAX_DIM 64000

/* the codec reads a BarqSparseValue, which is the end of a sparsevec */
StaticAssertDecl(offsetof(BarqSparsevec, indices) - offsetof(BarqSparsevec, nnz) ==
				 offsetof(BarqSparseValue, entries) &&
				 sizeof(((BarqSparseValue *) 0)->nnz) == sizeof(((BarqSparsevec *) 0)->nnz),
				 "a sparsevec ends with a BarqSparseValue");

/* BarqVectorSpace.elements of vector: the floats of the datum. */
static const void *
vector_elements(Datum value, int *dims, void **to_free)
{
	BarqVector *vector = DatumGetBarqVector(value);

	*to_free = (Pointer) vector != DatumGetPointer(value) ? vector : NULL;
	*dims = vector->dim;
	return vector->x;
}

static void
vector_dims_differ(int a, int b)
{
	barq_dims_differ(&barq_vector_type, a, b);
}

/* BarqVectorSpace.elements of halfvec: a copy as floats, which hold every half. */
static const void *
halfvec_elements(Datum value, int *dims, void **to_free)
{
	BarqHalfvec *halfvec = DatumGetBarqHalfvec(value);
	float	   *x = palloc(sizeof(float) * halfvec->dim);

	barq_kernels->f16_to_f32(halfvec->x, x, halfvec->dim);
	*dims = halfvec->dim;
	if ((Pointer) halfvec != DatumGetPointer(value))
		pfree(halfvec);
	*to_free = x;
	return x;
}

static void
halfvec_dims_differ(int a, int b)
{
	barq_dims_differ(&barq_halfvec_type, a, b);
}

/* BarqVectorSpace.elements of sparsevec: the BarqSparseValue of the datum. */
static const void *
sparsevec_elements(Datum value, int *dims, void **to_free)
{
	BarqSparsevec *sparsevec = DatumGetBarqSparsevec(value);

	/* the type's own limit; an adopted type of pgvector may allow more one day */
	if (sparsevec->nnz > BARQ_SPARSE_MAX_NNZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("sparsevec cannot have more than %d non-zero elements for %s index",
						BARQ_SPARSE_MAX_NNZ, "barq_hnsw")));
	*to_free = (Pointer) sparsevec != DatumGetPointer(value) ? sparsevec : NULL;
	*dims = sparsevec->dim;
	return &sparsevec->nnz;
}

static void
sparsevec_dims_differ(int a, int b)
{
	barq_dims_differ(&barq_sparsevec_type, a, b);
}

static void
bit_dims_differ(int a, int b)
{
	barq_bit_lengths_differ(a, b);
}

/* BarqVectorSpace.elements of bit: the bytes of the datum. */
static const void *
bit_elements(Datum value, int *dims, void **to_free)
{
	VarBit	   *bits = DatumGetVarBitP(value);

	*to_free = (Pointer) bits != DatumGetPointer(value) ? bits : NULL;
	*dims = VARBITLEN(bits);
	return VARBITS(bits);
}

/*
 * Support functions 1 of the operator classes: each returns a pointer to its
 * space, in static storage.
 */
#define DEFINE_SPACE(type, suffix, space_metric, most_dims, plain) \
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_##type##_##suffix##_space); \
Datum \
barq_##type##_##suffix##_space(PG_FUNCTION_ARGS) \
{ \
	static const BarqVectorSpace space = { \
		.metric = (space_metric), \
		.max_dims = (most_dims), \
		.type_name = #type, \
		.unquantized = (plain), \
		.elements = type##_elements, \
		.dims_differ = type##_dims_differ \
	}; \
	PG_RETURN_POINTER(&space); \
} \
extern int	no_such_variable

#define DEFINE_SPACES(type, most_dims, plain) \
	DEFINE_SPACE(type, l2, BARQ_METRIC_L2, most_dims, plain); \
	DEFINE_SPACE(type, ip, BARQ_METRIC_IP, most_dims, plain); \
	DEFINE_SPACE(type, cosine, BARQ_METRIC_COSINE, most_dims, plain); \
	DEFINE_SPACE(type, l1, BARQ_METRIC_L1, most_dims, plain)

DEFINE_SPACES(vector, BARQ_VECTOR_MAX_DIM, BARQ_QUANT_NONE);
DEFINE_SPACES(halfvec, BARQ_HALFVEC_MAX_DIM, BARQ_QUANT_F16);
DEFINE_SPACES(sparsevec, BARQ_SPARSEVEC_MAX_DIM, BARQ_QUANT_SPARSE);
DEFINE_SPACE(bit, hamming, BARQ_METRIC_HAMMING, BARQ_BIT_MAX_DIM, BARQ_QUANT_BITS);
DEFINE_SPACE(bit, jaccard, BARQ_METRIC_JACCARD, BARQ_BIT_MAX_DIM, BARQ_QUANT_BITS);
