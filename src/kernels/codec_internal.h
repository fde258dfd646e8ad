/*
 * codec_internal.h
 *	  What the files of the codec share: the layout of a row's trailer and of
 *	  a prepared query. Nobody else includes this.
 */
#ifndef BARQ_CODEC_INTERNAL_H
#define BARQ_CODEC_INTERNAL_H

#include <string.h>

#include "codec.h"
#include "kernels.h"

/* No vector is longer; integer sums over codes stay below 2^31. */
#define BARQ_CODEC_MAX_DIMS 16000
#define BARQ_CODEC_MAX_BITS 64000
#define BARQ_CODEC_MAX_SPARSE_DIMS 1000000000

/*
 * Trailers. They lie behind the code, which is padded with zeros to 8 bytes.
 * Stored on disk.
 *
 * residual: the norm of what the code lost, rounded up: L1 under the L1
 * metric, else L2; under cosine that of the normalised vector.
 * norm: the L2 norm of the vector as it was given, rounded up; it may be
 * infinity.
 */
typedef struct FloatTrailer
{
	float		residual;
	float		norm;
} FloatTrailer;

typedef struct Sq8Trailer
{
	float		scale;			/* a coordinate is offset + scale * code */
	float		offset;
	int32_t		sum;			/* of the codes */
	int32_t		sumsq;			/* of the codes' squares */
	float		residual;
	float		norm;
} Sq8Trailer;

/*
 * The head of a row of a sparse vector (codec.h). Elsewhere: int32 indices[nnz],
 * float values[nnz]. Stored on disk.
 */
typedef struct SparseHead
{
	int64_t		entries;		/* bytes from here to them */
	int32_t		nnz;
	float		sumsq;			/* of the values, as the operator sums it up */
} SparseHead;

_Static_assert(sizeof(SparseHead) == 16, "row format");
_Static_assert(offsetof(SparseHead, nnz) == 8, "row format");

typedef struct RabitqTrailer
{
	float		norm;			/* of what was rotated; see codec_rabitq.c */
	float		mean;			/* of the coordinates */
	float		factor;			/* 1 / <rotated and divided by norm, code> */
	float		scale;			/* 1 / |code| */
} RabitqTrailer;

/* rabitq_keys_batch reads it as one vector */
_Static_assert(sizeof(RabitqTrailer) == 16, "row format");
_Static_assert(offsetof(RabitqTrailer, norm) == 0, "row format");
_Static_assert(offsetof(RabitqTrailer, mean) == 4, "row format");
_Static_assert(offsetof(RabitqTrailer, factor) == 8, "row format");
_Static_assert(offsetof(RabitqTrailer, scale) == 12, "row format");

/* sq8_keys_batch reads the first four members as one vector */
_Static_assert(sizeof(FloatTrailer) == 8, "row format");
_Static_assert(sizeof(Sq8Trailer) == 24, "row format");
_Static_assert(offsetof(Sq8Trailer, scale) == 0, "row format");
_Static_assert(offsetof(Sq8Trailer, offset) == 4, "row format");
_Static_assert(offsetof(Sq8Trailer, sum) == 8, "row format");
_Static_assert(offsetof(Sq8Trailer, sumsq) == 12, "row format");
_Static_assert(offsetof(Sq8Trailer, residual) == 16, "row format");
_Static_assert(offsetof(Sq8Trailer, norm) == 20, "row format");
_Static_assert((int64_t) BARQ_CODEC_MAX_DIMS * 255 * 255 < INT32_MAX, "code sums");

/* Dimensions that are rotated and coded under rabitq: zeros are added. */
static inline int
rabitq_dims(const BarqCodec *codec)
{
	return (codec->dims + 63) & ~63;
}

/* Bytes of the code with its padding: where a dense row's trailer begins. */
static inline size_t
code_bytes(const BarqCodec *codec)
{
	size_t		element = codec->quant == BARQ_QUANT_NONE ? sizeof(float) :
		codec->quant == BARQ_QUANT_F16 ? sizeof(uint16_t) : 1;

	if (codec->quant == BARQ_QUANT_BITS)
		return (((size_t) codec->dims + 7) / 8 + 7) & ~(size_t) 7;
	if (codec->quant == BARQ_QUANT_RABITQ)
		return barq_rabitq_terms_at(rabitq_dims(codec));
	return ((size_t) codec->dims * element + 7) & ~(size_t) 7;
}

static inline Sq8Trailer
sq8_trailer(const BarqCodec *codec, const void *row)
{
	Sq8Trailer	t;

	memcpy(&t, (const char *) row + code_bytes(codec), sizeof(t));
	return t;
}

static inline FloatTrailer
float_trailer(const BarqCodec *codec, const void *row)
{
	FloatTrailer t;

	memcpy(&t, (const char *) row + code_bytes(codec), sizeof(t));
	return t;
}

/*
 * The query as scoring uses it. q is the vector that was asked for, under
 * cosine divided by its norm; q = ref + values + error.
 */
struct BarqQuery
{
	BarqCodec	codec;

	/* sq8 but L1: the query in signed bytes, for keys */
	BarqSq8Terms terms;
	const int8_t *codes;		/* rabitq: of the rotated query */
	BarqRabitqTerms rabitq;
	double		code_error;		/* rabitq: what codes lost, relative to norm */

	const float *values;		/* dims floats, about their mean under sq8 */
	double		ref;			/* a float's value */
	double		error;			/* at least the norm of the error above, L1
								 * under the L1 metric, else L2 */
	double		sum;			/* of values */
	double		sumsq;			/* of values, squared */
	double		norm;			/* L2 norm of values, rounded up */
	double		given_norm;		/* L2 norm of the vector as given, rounded up */
	bool		null;			/* a zero vector under cosine */

	/* of bits (as a row), or the sparse vector; there is no more to these */
	const void *value;
	const struct SparseTable *table;	/* of a sparse vector, unless too long */
};

/*
 * Relative error of a double computation over n elements, with much room:
 * n additions and a score of operations around them.
 */
static inline double
double_eps(int n)
{
	return (n + 32) * 0x1p-52;
}

/* The constants of codec_bound.c's proofs, whose notation this is. */
#define UNIT 0x1p-24
#define TINY 0x1p-149
#define LAST 0x1p-46
/* products of norms below this cannot overflow a float sum: g < 0.001 */
#define SAFE_PRODUCT (FLT_MAX * 0.99)

static inline double
higham_gamma(int k)
{
	return k * UNIT / (1 - k * UNIT);
}

static inline double
at_least_0(double x)
{
	return x > 0 ? x : 0;		/* not for a NaN either */
}

/* Brings a row into the cache that a loop over rows will come to. */
static inline void
prefetch_code(const char *base, size_t stride, const uint32_t *ids, int i, int n)
{
	if (ids && i + 4 < n)
		for (size_t at = 0; at < stride && at < 1024; at += 64)
			__builtin_prefetch(base + ids[i + 4] * stride + at);
}

extern void barq_range(const float *x, int n, float *least, float *largest);
extern void barq_sq8_terms(BarqSq8Terms *t, BarqMetric metric, int n,
						   double center, double step,
						   double code_sum, double code_sumsq);
extern void barq_finish_keys(BarqMetric metric, float *keys, int n);

/* codec_bits.c; `bits` are a row's, or a query's value */
extern void barq_bits_encode(const BarqCodec *codec, const void *value, void *row);
extern void barq_bits_keys(const BarqCodec *codec, const void *bits,
						   const char *base, size_t stride,
						   const uint32_t *ids, int n, float *keys);
extern void barq_bits_rescore(const BarqQuery *query, const void *row,
							  double *exact, double *lower_bound);

/* codec_sparse.c */
extern size_t barq_sparse_value_bytes(const BarqSparseValue *value);
extern size_t barq_sparse_row_bytes(int nnz);
extern void barq_sparse_encode(const BarqSparseValue *value, void *row);
extern void barq_sparse_code_keys(const BarqCodec *codec, const void *a,
								  const char *base, size_t stride,
								  const uint32_t *ids, int n, float *keys);
extern size_t barq_sparse_query_bytes(void);
extern void barq_sparse_prepare(BarqQuery *query, const BarqSparseValue *value, void *mem);
extern void barq_sparse_query_keys(const BarqQuery *query, const char *base, size_t stride,
								   const uint32_t *ids, int n, float *keys);
extern void barq_sparse_rescore(const BarqQuery *query, const void *row,
								double *exact, double *lower_bound);
extern bool barq_sparse_is_sound(const BarqCodec *codec, const void *row);
extern bool barq_sparse_equal(const void *a, const void *b);

extern void barq_rotate(float *x, int n);
extern void barq_rotate_back(float *x, int n);

/* rabitq's parts of what codec.h declares; factor: 1, or 1 / |x| under cosine */
extern void barq_rabitq_encode(const BarqCodec *codec, const float *x, double factor,
							   void *row);
extern void barq_rabitq_prepare(BarqQuery *query, const float *q, double factor,
								float *rotated, int8_t *codes);
extern void barq_rabitq_code_keys(const BarqCodec *codec, const void *a,
								  const char *base, size_t stride,
								  const uint32_t *ids, int n, float *keys);
extern void barq_rabitq_decode(const BarqCodec *codec, const void *row, float *x);
extern void barq_rabitq_rescore(const BarqQuery *query, const void *row,
								double *distance, double *lower_bound);

#endif							/* BARQ_CODEC_INTERNAL_H */
