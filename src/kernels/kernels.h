/*
 * kernels.h
 *	  Kernels: the functions in which searches and builds spend their time.
 *
 * Owns the table of kernels (BarqKernels), one instance for each level of
 * instruction sets, and the choice of a level. Includes no header of PostgreSQL,
 * so that unit tests link this folder alone. No function raises errors or
 * allocates memory.
 *
 * Unless said otherwise, vectors are dense arrays of n >= 1 elements. Pointers
 * need no alignment; 64-byte alignment is faster.
 */
#ifndef BARQ_KERNELS_H
#define BARQ_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Factors that turn the exact integer product of a query's and a row's codes
 * into a key. A row of form sq8 is n codes, padded to 8 bytes, then
 *	  float scale; float offset; int32 sum; int32 sumsq;
 * where sum and sumsq are those of its codes (below 2^31 up to 16,000
 * dimensions), then members that keys do not need. A coordinate of the row is
 * offset + scale * code, one of the query is center + step * code. All terms are
 * taken about the means, so that a common offset costs no precision.
 */
typedef struct BarqSq8Terms
{
	double		ref;			/* subtracted from the row's offset */
	double		inv_n;			/* 1 / dimensions */
	double		query_mean;		/* mean of the query's codes */
	double		base;			/* the key's constant part */
	double		by_mean;		/* times the row's mean (less ref) */
	double		by_mean_sq;		/* times the row's mean (less ref) squared */
	double		by_spread;		/* times the row's sum of squares about its mean */
	double		by_dot;			/* times scale times the centered product */
	double		least;			/* no key is less */
} BarqSq8Terms;

static inline size_t
barq_sq8_terms_at(int n)
{
	return ((size_t) n + 7) & ~(size_t) 7;
}

/*
 * A key before it is clamped to `least`. T is double or a vector of doubles, SET
 * converts a double to T; scale ... dot are of type T.
 */
#define BARQ_SQ8_KEY(t, T, SET, scale, offset, sum, sumsq, dot) \
	__extension__({ \
		T			scale_ = (scale); \
		T			sum_ = (sum); \
		T			mean_ = ((offset) - SET((t)->ref)) + scale_ * (sum_ * SET((t)->inv_n)); \
		T			dot_ = (dot) - SET((t)->query_mean) * sum_; \
		T			spread_ = (sumsq) - sum_ * sum_ * SET((t)->inv_n); \
		\
		(SET((t)->base) + mean_ * (SET((t)->by_mean) + SET((t)->by_mean_sq) * mean_)) + \
			scale_ * (SET((t)->by_spread) * (scale_ * spread_) + SET((t)->by_dot) * dot_); \
	})

/*
 * Half codes: the upper four bits of the codes of sq8 rows, from which it follows which
 * rows may have a key within a limit. They lie in blocks of BARQ_HALF_ROWS rows. A block
 * has, for each group of eight dimensions, four bytes of each row (byte k: dimension k
 * in the lower half, dimension 4 + k in the upper one; zeros behind the last dimension),
 * then four arrays of a float a row: the mean of its coordinates; what its spread adds to
 * the key (0 but for L2; -infinity: the row may have any key); 16 times its scale, times
 * a factor of the row's own (codec_halves.c); that times the sum of its half codes.
 */
#define BARQ_HALF_ROWS		16
#define BARQ_HALF_GROUPS	512		/* at most */
#define BARQ_HALF_BLOCK_BYTES(groups) ((size_t) BARQ_HALF_ROWS * (4 * (size_t) (groups) + 16))

/* What a query's keys are made of, from half codes. */
typedef struct BarqHalfTerms
{
	float		ref;			/* subtracted from the row's mean */
	float		base;			/* the key's constant part */
	float		by_mean;		/* times the row's mean (less ref) */
	float		by_mean_sq;		/* times the row's mean (less ref) squared */
	float		by_sum;			/* times the last of the row's floats */
	float		by_dot;			/* times the third and the product of half codes */
	float		slack;			/* times the third: by so much the key may be less */
} BarqHalfTerms;

/* Most dimensions of the kernels for several queries, which copy rows to the stack. */
#define BARQ_MANY_DIMS	384

/*
 * The numbers of a query from which keys are computed for form rabitq. A row of n
 * dimensions, n a multiple of 64, is n / 4 bytes of code. Byte b contains dimensions b,
 * n / 4 + b, n / 2 + b and 3 n / 4 + b, lowest bits first (so that no width of vectors
 * needs a reordered query), each as value + 1.5 of the values -1.5, -0.5, 0.5, 1.5; then
 *	  float norm; float mean; float factor; float scale;
 * (codec_internal.h). A coordinate of the query is step * code.
 */
typedef struct BarqRabitqTerms
{
	double		ref;			/* subtracted from the row's mean */
	double		code_sum;		/* of the query's codes, times 1.5 */
	double		base;			/* the key's constant part */
	double		by_mean;		/* times the row's mean (less ref) */
	double		by_mean_sq;		/* times the row's mean (less ref) squared */
	double		by_norm_sq;		/* times the row's norm squared */
	double		by_dot;			/* times norm, factor and product */
	double		least;			/* no key is less */
	bool		of_code;		/* multiply by scale instead of factor */
} BarqRabitqTerms;

static inline size_t
barq_rabitq_terms_at(int n)
{
	return (size_t) n / 4;
}

/*
 * The key of a row of form rabitq before it is clamped to `least`. T is double or a
 * vector of doubles, SET converts a double to T; norm ... dot are of type T.
 * `factor` is the row's factor, or its scale where of_code is set.
 */
#define BARQ_RABITQ_KEY(t, T, SET, norm, mean, factor, dot) \
	__extension__({ \
		T			norm_ = (norm); \
		T			mean_ = (mean) - SET((t)->ref); \
		T			dot_ = (factor) * ((dot) - SET((t)->code_sum)); \
		\
		(SET((t)->base) + mean_ * (SET((t)->by_mean) + SET((t)->by_mean_sq) * mean_)) + \
			norm_ * (SET((t)->by_norm_sq) * norm_ + SET((t)->by_dot) * dot_); \
	})

typedef struct BarqKernels
{
	const char *name;			/* "baseline", "avx2", "avx512", "vnni", "neon" */

	/* float32 against float32 */
	float		(*l2sq) (const float *a, const float *b, int n);
	float		(*ip) (const float *a, const float *b, int n);
	float		(*l1) (const float *a, const float *b, int n);
	/* a.b, a.a and b.b in one pass */
	void		(*cosine_parts) (const float *a, const float *b, int n,
								 float *ab, float *aa, float *bb);

	/* float32 against IEEE half (f16 codes) */
	float		(*l2sq_f16) (const float *a, const uint16_t *b, int n);
	float		(*ip_f16) (const float *a, const uint16_t *b, int n);
	float		(*l1_f16) (const float *a, const uint16_t *b, int n);
	/* half against half: graph builds on f16 codes */
	float		(*l2sq_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	float		(*ip_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	float		(*l1_f16f16) (const uint16_t *a, const uint16_t *b, int n);
	void		(*f32_to_f16) (const float *src, uint16_t *dst, int n);
	void		(*f16_to_f32) (const uint16_t *src, float *dst, int n);

	/* sq8 codes: unsigned 8 bits a dimension. Integer sums are exact. */
	int32_t		(*ip_u8s8) (const uint8_t *code, const int8_t *query, int n);
	uint32_t	(*ip_u8u8) (const uint8_t *a, const uint8_t *b, int n);
	float		(*ip_f32u8) (const float *query, const uint8_t *code, int n);
	/* sum of |query[i] - (offset + scale * code[i])| */
	float		(*l1_f32u8) (const float *query, const uint8_t *code,
							 float scale, float offset, int n);
	/* sum of |(oa + sa * a[i]) - (ob + sb * b[i])| */
	float		(*l1_u8u8) (const uint8_t *a, float sa, float oa,
							const uint8_t *b, float sb, float ob, int n);

	/*
	 * Batched: one query against nrows codes. Row i lies at
	 * base + ids[i] * stride, or at base + i * stride where ids is NULL. The
	 * following rows are prefetched. out[i] is the result of the single form,
	 * to the bit.
	 */
	void		(*l2sq_batch) (const float *q, const char *base, size_t stride,
							   const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_batch) (const float *q, const char *base, size_t stride,
							 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l1_batch) (const float *q, const char *base, size_t stride,
							 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l2sq_f16_batch) (const float *q, const char *base, size_t stride,
								   const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_f16_batch) (const float *q, const char *base, size_t stride,
								 const uint32_t *ids, int nrows, int n, float *out);
	void		(*l1_f16_batch) (const float *q, const char *base, size_t stride,
								 const uint32_t *ids, int nrows, int n, float *out);
	void		(*ip_u8s8_batch) (const int8_t *q, const char *base, size_t stride,
								  const uint32_t *ids, int nrows, int n, int32_t *out);
	void		(*ip_u8u8_batch) (const uint8_t *q, const char *base, size_t stride,
								  const uint32_t *ids, int nrows, int n, uint32_t *out);

	/* keys of sq8 rows: ip_u8s8, BARQ_SQ8_KEY and the clamp in one pass */
	void		(*sq8_keys_batch) (const int8_t *q, const BarqSq8Terms *terms,
								   const char *base, size_t stride,
								   const uint32_t *ids, int nrows, int n, float *keys);

	/*
	 * The same for several queries and the rows at base + i * stride, i < nrows, which
	 * are read once. At most BARQ_MANY_DIMS dimensions. keys[j * nrows + i]: query j,
	 * row i. Faster than sq8_keys_batch for each query, with the rows in the cache,
	 * from many_queries queries and up to many_dims dimensions.
	 */
	void		(*sq8_keys_many) (const int8_t *const *q, const BarqSq8Terms *const *terms,
								  int nqueries, const char *base, size_t stride,
								  int nrows, int n, float *keys);
	/*
	 * The rows of half codes whose key may be at most `limit`, ascending, counted from
	 * the first block; their number. which[] has room for all rows of the blocks. q: the
	 * query's codes, 8 * groups readable bytes; groups is at most BARQ_HALF_GROUPS.
	 */
	int			(*half_rows_within) (const int8_t *q, const BarqHalfTerms *t, const char *blocks,
									 int nblocks, int groups, float limit, uint32_t *which);
	int			many_queries;
	int			many_dims;

	/*
	 * keys of rabitq rows, by BARQ_RABITQ_KEY; n is a multiple of 64. hadamard:
	 * the Walsh-Hadamard transform in place, not normalised, of n floats, a
	 * power of two >= 64: the same bits at every level.
	 */
	void		(*rabitq_keys_batch) (const int8_t *q, const BarqRabitqTerms *terms,
									  const char *base, size_t stride,
									  const uint32_t *ids, int nrows, int n, float *keys);
	void		(*hadamard) (float *x, int n);

	/*
	 * Bit strings of n >= 0 bytes: the number of bits that differ; the numbers
	 * of bits set in both and in either.
	 */
	uint32_t	(*hamming) (const uint8_t *a, const uint8_t *b, int n);
	void		(*jaccard_parts) (const uint8_t *a, const uint8_t *b, int n,
								  uint32_t *both, uint32_t *either);

	/*
	 * Blocks of BARQ_PACK_BLOCK postings (bitpack.h). unpack: the numbers of a
	 * block, of `bits` (0 to 32) bits each. sum_gaps: turns gaps (row - previous
	 * - 1) into rows in place; `first` is the least possible first row.
	 */
	void		(*unpack) (const uint8_t *in, int bits, uint32_t *numbers);
	void		(*sum_gaps) (uint32_t *rows, uint32_t first);

	/*
	 * out[i] = lengths[rows[i]], where lengths are unsigned numbers of `width`
	 * 1, 2 or 4 bytes and rows ascend. Reads up to three bytes behind the last
	 * of these numbers.
	 */
	void		(*gather_lengths) (const void *lengths, int width, const uint32_t *rows,
								   int n, uint32_t *out);

	/*
	 * BM25 in single precision: weight · tf / (tf + (base + slope · length)),
	 * with each step rounded. Frequencies and lengths are below 2^31.
	 */
	void		(*bm25_shares) (const uint32_t *frequencies, const uint32_t *lengths, int n,
								float base, float slope, float weight, float *out);

	/*
	 * For each of n groups of npairs pairs (uint16 tf, uint16 length), the
	 * largest of the same shares; groups lie `stride` bytes apart. A pair with
	 * tf 0 is ignored; tf 65535 stands for any tf, and its share is `weight`.
	 */
	void		(*bm25_bounds) (const void *pairs, size_t stride, int npairs, int n,
								float base, float slope, float weight, float *out);

	/*
	 * BM25F in single precision, over one field after the other; each step is rounded.
	 * bm25_add_parts: adds to out[i] the largest weight · tf / (base + slope · length) of
	 * the pairs of the i-th of n groups, which are as above; a pair of tf 65535 adds 1e30.
	 * bm25_add_field: sets by_norm[i] to weight / (base + slope · (length - 1)), and adds
	 * to out[i] tf times that; lengths are stored plus 1. In both a divisor is 1e-30 at
	 * least. bm25_saturate: out[i] becomes weight · (out[i] / (out[i] + k)), where out[i]
	 * counts as 1e30 at most; k > 0. Frequencies and lengths are below 2^31.
	 */
	void		(*bm25_add_parts) (const void *pairs, size_t stride, int npairs, int n,
								   float base, float slope, float weight, float *out);
	void		(*bm25_add_field) (const uint32_t *frequencies, const uint32_t *lengths, int n,
								   float base, float slope, float weight, float *by_norm,
								   float *out);
	void		(*bm25_saturate) (float *out, int n, float k, float weight);

	/*
	 * find_at_least: writes to which[] the ascending indexes i with values[i] >=
	 * limit and returns their number; which has room for n + 16. find_buckets:
	 * compares buckets[(rows[i] - from) >> shift] instead of values[i]; those
	 * indexes are below 2^31.
	 */
	int			(*find_at_least) (const float *values, int n, float limit, uint32_t *which);
	int			(*find_buckets) (const uint32_t *rows, int n, uint32_t from, int shift,
								 const float *buckets, float limit, uint32_t *which);

	/* The ascending indexes i with values[i] <= limit, into which[]; their number. */
	int			(*find_at_most) (const float *values, int n, float limit, uint32_t *which);

	/*
	 * at[i]: the place of wanted[i] in a block of ascending rows, or
	 * BARQ_PACK_BLOCK if the block does not contain it.
	 */
	void		(*find_rows) (const uint32_t *rows, const uint32_t *wanted, int n, uint8_t *at);

	/* bit i of bits[], (n + 7) / 8 bytes: words[i] lies outside of [low, high] */
	void		(*out_of_range) (const uint64_t *words, size_t n, uint64_t low, uint64_t high,
								 uint8_t *bits);
} BarqKernels;

/*
 * The kernels in use; never NULL. The baseline level until barq_kernels_init()
 * has chosen the best level that this machine supports.
 */
extern const BarqKernels *barq_kernels;

/*
 * Rows that this process has scored so far, by codes or postings. For reports;
 * never reset.
 */
extern uint64_t barq_rows_scored;

extern void barq_kernels_init(void);

/*
 * All levels compiled in, best last; *n is their number. A level may be used
 * only if barq_kernels_supported() returns true.
 */
extern const BarqKernels *const *barq_kernels_all(int *n);
extern bool barq_kernels_supported(const BarqKernels *k);

/*
 * Is a level available, that is compiled in and supported by the machine? name: of
 * the level in the setting barq.simd: "auto", "baseline", "avx2", "avx512" (with VNNI
 * if the machine supports it), "neon". No side effects.
 */
extern bool barq_kernels_available(const char *name);

/*
 * Make the level of a name (barq_kernels_available) the one in use: sets barq_kernels.
 * Returns false and changes nothing if it is not available.
 */
extern bool barq_kernels_select(const char *name);

#endif							/* BARQ_KERNELS_H */
