/*
 * codec_internal.h
 *	  Shared by the files of the codec: the layout of trailers, the prepared
 *	  query, and helpers of several forms. Only these files and unit tests
 *	  include it.
 */
#ifndef BARQ_CODEC_INTERNAL_H
#define BARQ_CODEC_INTERNAL_H

#include <float.h>
#include <math.h>
#include <string.h>

#include "codec.h"
#include "kernels.h"

/* Assertions, in builds with PostgreSQL's. */
#ifdef USE_ASSERT_CHECKING
#include <assert.h>
#define CODEC_ASSERT(condition) assert(condition)
#else
#define CODEC_ASSERT(condition) ((void) 0)
#endif

/* Most dimensions. Integer sums over dense codes stay below 2^31. */
#define BARQ_CODEC_MAX_DIMS 16000
#define BARQ_CODEC_MAX_BITS 64000
#define BARQ_CODEC_MAX_SPARSE_DIMS 1000000000

/*
 * scoring_bytes of the forms whose rows are so short that scoring one costs more
 * than reading it. Measured: docs/performance.md ("Where a graph begins to pay").
 */
#define SHORT_ROW_BYTES 64

/* Metrics of vectors of numbers. */
#define VECTOR_METRICS \
	(BARQ_METRIC_BIT(BARQ_METRIC_L2) | BARQ_METRIC_BIT(BARQ_METRIC_IP) | \
	 BARQ_METRIC_BIT(BARQ_METRIC_COSINE) | BARQ_METRIC_BIT(BARQ_METRIC_L1))

/* The forms, each in a file of its own; none and f16 share codec_float.c. */
extern const BarqCodecForm barq_form_none;
extern const BarqCodecForm barq_form_f16;
extern const BarqCodecForm barq_form_sq8;
extern const BarqCodecForm barq_form_rabitq;
extern const BarqCodecForm barq_form_bits;
extern const BarqCodecForm barq_form_sparse;

/*
 * Trailers: the last bytes of a row, behind the code, which is padded with
 * zeros to 8 bytes. Stored on disk.
 *
 * residual: the norm of the difference between vector and code, rounded up: L1
 * under the L1 metric, else L2; under cosine that of the normalised vector.
 * norm: the L2 norm of the given vector, rounded up; it may be infinity.
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
	int32_t		sumsq;			/* of the squares of the codes */
	float		residual;
	float		norm;
} Sq8Trailer;

/*
 * The head of a row of a sparse vector (codec.h). The elements lie elsewhere:
 * int32 indices[nnz], then float values[nnz]. Stored on disk.
 */
typedef struct SparseHead
{
	int64_t		entries;		/* bytes from the head's start to the elements */
	int32_t		nnz;
	float		sumsq;			/* of the values, summed as the operator does */
} SparseHead;

_Static_assert(sizeof(SparseHead) == 16, "row format");
_Static_assert(offsetof(SparseHead, nnz) == 8, "row format");

/*
 * The last bytes of a refinement of an sq8 row, whose second codes, padded with zeros to
 * 8 bytes, precede it. Both codes together are the number 256 * first + second - 128,
 * and a coordinate is offset + scale / 256 * number. Stored on disk.
 */
typedef struct Sq8Refinement
{
	int64_t		sumsq;			/* of the squares of the numbers */
	int32_t		sum;			/* of the numbers */
	float		residual;		/* as in the row's trailer, of the numbers' values */
} Sq8Refinement;

_Static_assert(sizeof(Sq8Refinement) == 16, "row format");
_Static_assert((int64_t) BARQ_CODEC_MAX_DIMS * 65408 < INT32_MAX, "sums of numbers");
_Static_assert((int64_t) BARQ_CODEC_MAX_DIMS * 65408 * 65408 < (int64_t) 1 << 53,
			   "sums of squares are exact in double");

typedef struct RabitqTrailer
{
	float		norm;			/* of the rotated vector; see codec_rabitq.c */
	float		mean;			/* of the coordinates */
	float		factor;			/* 1 / <rotated and divided by norm, code> */
	float		scale;			/* 1 / |code| */
} RabitqTrailer;

/* rabitq_keys_batch reads the trailer as one vector */
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

/* Dimensions that rabitq rotates and encodes: zeros are added. */
static inline int
rabitq_dims(int dims)
{
	return (dims + 63) & ~63;
}

/* A copy of a row's trailer; rows may be unaligned. */
static inline Sq8Trailer
sq8_trailer(const BarqCodec *codec, const void *row)
{
	Sq8Trailer	t;

	memcpy(&t, (const char *) row + codec->row_bytes - sizeof(t), sizeof(t));
	return t;
}

/* A copy of the trailer of a row of form none or f16. */
static inline FloatTrailer
float_trailer(const BarqCodec *codec, const void *row)
{
	FloatTrailer t;

	memcpy(&t, (const char *) row + codec->row_bytes - sizeof(t), sizeof(t));
	return t;
}

/*
 * The query as scoring uses it. For dense vectors let q be the query's vector,
 * under cosine divided by its norm: q = ref + values + error.
 */
struct BarqQuery
{
	BarqCodec	codec;
	const BarqCodecForm *form;

	/* the query in signed bytes: sq8 except under L1, and rabitq (rotated) */
	const int8_t *codes;
	BarqSq8Terms terms;
	BarqRabitqTerms rabitq;
	double		code_error;		/* loss of `codes`: rabitq: relative to norm; sq8:
								 * at least its norm */
	double		code_norm;		/* sq8: norm of what they stand for, rounded up */
	double		code_mean;		/* sq8: mean of the coordinates that they give, */
	double		code_step;		/* difference of coordinates for a step of a code, */
	double		code_spread;	/* and the norm of the codes about their mean */
	const BarqQuery *fine;		/* rabitq: of the refinements, which are sq8 rows; NULL
								 * without them */

	const float *values;		/* dims floats, under sq8 about their mean */
	double		ref;			/* has the value of a float */
	double		error;			/* at least the norm of the error above, L1
								 * under the L1 metric, else L2 */
	double		sum;			/* of values */
	double		sumsq;			/* of values, squared */
	double		norm;			/* L2 norm of values, rounded up */
	double		given_norm;		/* L2 norm of the given vector, rounded up */
	bool		null;			/* a zero vector under cosine */

	/* bits (as a row) and sparse vectors use only these, null and sumsq */
	const void *value;
	const struct SparseTable *table;	/* of a sparse vector, unless too long */
};

#define ALIGN64(x) (((x) + 63) & ~(size_t) 63)

/*
 * A generous bound of the relative error of a double computation over n
 * elements: n additions and some twenty operations around them.
 */
static inline double
double_eps(int n)
{
	return (n + 32) * 0x1p-52;
}

/* Constants of the proofs in codec_bound.c, in their notation. */
#define UNIT 0x1p-24
#define TINY 0x1p-149
#define LAST 0x1p-46
/* products of norms below this cannot overflow a float sum: g < 0.001 */
#define SAFE_PRODUCT (FLT_MAX * 0.99)

/* g(k) of the proofs: bound of the relative error of k roundings to float. */
static inline double
higham_gamma(int k)
{
	return k * UNIT / (1 - k * UNIT);
}

/*
 * Bound of the relative error of a float sum over n elements of dense vectors
 * (codec_bound.c, "Float sums"): its terms pass through at most n additions, and as
 * kernels add to eight sums or more, through at most n / 8 + 8.
 */
static inline double
sum_gamma(int n)
{
	int			additions = n / 8 + 8 < n ? n / 8 + 8 : n;

	return higham_gamma(additions + 3);
}

/* x, or 0 if x is negative or NaN. */
static inline double
at_least_0(double x)
{
	return x > 0 ? x : 0;		/* 0 for NaN, too */
}

/* Prefetch the row that a loop over rows reaches four steps after step i. */
static inline void
prefetch_code(const char *base, size_t stride, const uint32_t *ids, int i, int n)
{
	if (ids && i + 4 < n)
		for (size_t at = 0; at < stride && at < 1024; at += 64)
			__builtin_prefetch(base + ids[i + 4] * stride + at);
}

/* Bytes of a dense code of n bytes with its padding. */
static inline size_t
padded(size_t bytes)
{
	return (bytes + 7) & ~(size_t) 7;
}

/*
 * codec_dense.c: helpers of the forms of dense vectors.
 *
 * Loops add to LANES sums in turn, because one addition takes as long as four
 * that do not wait for each other.
 */
#define LANES 4

/* Sums over a vector's coordinates: the loss of encoding, and the size. */
typedef struct LossSums
{
	double		value;			/* |v| or v^2, as the metric's norm adds up */
	double		loss;			/* the same of v less its code's value */
} LossSums;

/* Add a coordinate's value, and its loss if the code stands for `coded`. */
static inline void
add_loss(LossSums *sums, bool l1, double value, double coded)
{
	double		loss = value - coded;

	sums->value += l1 ? fabs(value) : value * value;
	sums->loss += l1 ? fabs(loss) : loss * loss;
}

extern size_t barq_dense_value_bytes(const BarqCodec *codec, const void *value);
extern bool barq_dense_value_is_zero(const BarqCodec *codec, const void *value);

/* The least and the largest of n >= 1 coordinates. */
extern void barq_range(const float *x, int n, float *least, float *largest);

/*
 * Before a vector is encoded: *factor, by which its coordinates have to be
 * multiplied (under cosine 1 / |x|, else 1), and its L2 norm, rounded up.
 * False: a zero vector under cosine.
 */
extern bool barq_dense_measure(const BarqCodec *codec, const float *x, double *factor,
							   float *norm);

/*
 * A row's residual, rounded up, from LANES sums. `computed`: the value that a
 * code stands for is computed, with rounding.
 */
extern float barq_dense_residual(const BarqCodec *codec, const LossSums *sums,
								 bool computed);

/*
 * The first step of preparing a dense query: sets given_norm and null. Returns
 * the factor of its coordinates (0 if null); *total: their sum, as given.
 */
extern double barq_dense_query_measure(BarqQuery *query, const float *q, double *total);

/*
 * The second, unless the form has no use for floats: writes dims floats to
 * `values` and sets all members of the query that describe them; query->ref is
 * set already.
 */
extern void barq_dense_query_values(BarqQuery *query, const float *q, double factor,
									float *values);

/* Turn results of the float kernels into keys, in place. */
extern void barq_finish_keys(BarqMetric metric, float *keys, int n);

/*
 * codec_bound.c: rescoring of forms whose bound is proven there.
 *
 * value: for L2 the squared distance, for L1 the distance, else the inner
 * product of query and row, from a kernel.
 */
typedef struct Estimate
{
	double		value;
	double		slack;			/* the most that value is off; or infinity */
	double		residual;		/* of the row */
	double		norm;			/* |x| of the given vector */
} Estimate;

/*
 * The value that coordinate i of a row's code stands for, with its refinement unless
 * that is NULL.
 */
typedef double (*RowCoordinate) (const BarqCodec *codec, const void *row,
								 const void *refinement, int i);

/* The interval of a null query: the operator's NaN sorts last. */
static inline void
barq_null_rescore(BarqInterval *interval)
{
	interval->distance = 1;
	interval->low = 0;
	interval->high = INFINITY;
}

/*
 * The interval (barq_query_interval) from an estimate. `coordinate` is used if a float
 * sum overflowed.
 */
extern void barq_bound_rescore(const BarqQuery *query, const void *row,
							   const void *refinement, Estimate *e,
							   RowCoordinate coordinate, BarqInterval *interval);

/* codec_enclose.c: BarqCodecForm.enclose of both forms; sq8's not under L1. */
extern void barq_sq8_enclose(const BarqQuery *query, const void *row, float key,
							 BarqInterval *interval);
extern void barq_sq8_beyond(const BarqQuery *query, const char *base, size_t stride, int n,
							const float *keys, double limit, bool *beyond);
extern void barq_rabitq_enclose(const BarqQuery *query, const void *row, float key,
								BarqInterval *interval);

/*
 * rotation.c: rotate n floats in place, n a multiple of 64, and undo that. The
 * rotation depends on n alone, and its result is the same on every machine.
 */
extern void barq_rotate(float *x, int n);
extern void barq_rotate_back(float *x, int n);

#endif							/* BARQ_CODEC_INTERNAL_H */
