/*
 * codec.h
 *	  Codes: how a vector is kept in a growing log and in a segment, how a
 *	  query is scored against codes, and how far the score can be off.
 *
 * Like kernels.h free of PostgreSQL: the caller provides all memory.
 *
 * A *row* is what one vector becomes: its code (float32, IEEE half, 8 bits a
 * dimension with the vector's own scale and offset: LVQ, Aguerrebere et al.,
 * VLDB 2023, or 2 bits after a rotation: codec_rabitq.c), padded to 8 bytes,
 * then a trailer with what scoring and the error bound need. Rows of bits are
 * the bits. Rows carry everything needed to use them, so they move from log to
 * segment to segment unchanged. Rows in a log may be unaligned; in segments
 * they start every `stride` bytes, so that none lies on more cache lines than
 * it must.
 *
 * Rows of sparse vectors differ in length. Such a row begins with a *head* of
 * row_bytes that says where its entries are, relative to itself; in a log they
 * follow it. Where rows lie every `stride` bytes there are only heads, which
 * refer to whole rows elsewhere. Whoever takes a row takes either form, 8-byte
 * aligned; the functions barq_row_… make one of the other.
 */
#ifndef BARQ_CODEC_H
#define BARQ_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored on disk: never renumber. */
typedef enum BarqMetric
{
	BARQ_METRIC_L2 = 1,
	BARQ_METRIC_IP = 2,
	BARQ_METRIC_COSINE = 3,
	BARQ_METRIC_L1 = 4,
	BARQ_METRIC_HAMMING = 5,	/* of bits, as the next */
	BARQ_METRIC_JACCARD = 6
} BarqMetric;

/* How rows are kept. Stored on disk: never renumber. */
typedef enum BarqQuantization
{
	BARQ_QUANT_NONE = 0,
	BARQ_QUANT_F16 = 1,
	BARQ_QUANT_SQ8 = 2,
	BARQ_QUANT_RABITQ = 3,		/* not with L1 */
	BARQ_QUANT_BITS = 4,		/* what rows of bits are: the bits */
	BARQ_QUANT_SPARSE = 5		/* of sparse vectors: their elements */
} BarqQuantization;

typedef struct BarqCodec
{
	BarqMetric	metric;
	BarqQuantization quant;
	int			dims;
	uint32_t	row_bytes;		/* exact bytes of a row (sparse: of its head), a
								 * multiple of 8 */
	uint32_t	stride;			/* row_bytes rounded up to 64, or for bits and
								 * heads to a power of two */
} BarqCodec;

extern void barq_codec_init(BarqCodec *codec, BarqMetric metric,
							BarqQuantization quant, int dims);

/*
 * A value, as it is encoded and asked for, is a `const void *`: to dims finite
 * floats; of bits to (dims + 7) / 8 bytes, zero behind the last bit; or to a
 * BarqSparseValue, which is how a datum of type sparsevec ends.
 */
typedef struct BarqSparseValue
{
	int32_t		nnz;
	int32_t		unused;
	int32_t		entries[];		/* ascending indices[nnz], float values[nnz] */
} BarqSparseValue;

/* Most entries of one. */
#define BARQ_SPARSE_MAX_NNZ	16000

/* Its bytes; of NULL, those of the value that is all zeros. */
extern size_t barq_value_bytes(const BarqCodec *codec, const void *value);
extern bool barq_value_is_zero(const BarqCodec *codec, const void *value);

/* Most dimensions that rows of this form can have. */
extern int	barq_codec_max_dims(BarqQuantization quant);

/* Whether re-scoring gives the operator's own value, to the bit and always. */
extern bool barq_codec_is_exact(const BarqCodec *codec);

/* Whether rows that lie every `stride` bytes are heads. */
static inline bool
barq_codec_has_heads(const BarqCodec *codec)
{
	return codec->quant == BARQ_QUANT_SPARSE;
}

/* Bytes of the whole row that a value becomes, and of one there is. */
extern size_t barq_value_row_bytes(const BarqCodec *codec, const void *value);
extern size_t barq_row_bytes(const BarqCodec *codec, const void *row);

/* Whether these bytes are a whole row of just this length. */
extern bool barq_row_is_whole(const BarqCodec *codec, const void *row, size_t length);

/* Whether a whole row holds what encoding makes, as far as it can be told. */
extern bool barq_row_is_sound(const BarqCodec *codec, const void *row);

/*
 * Where a head says the whole row is, in bytes from the head on (0: it is no
 * more than a head), and its length. False: no head says this.
 */
extern bool barq_row_extent(const BarqCodec *codec, const void *head,
							int64_t *distance, size_t *length);

/* The whole row that a head or row belongs to. */
extern const void *barq_row_whole(const BarqCodec *codec, const void *row);

/*
 * Make a head of a row of this codec, which has heads, for a whole row
 * `distance` bytes from the head.
 */
extern void barq_row_head(void *head, const void *row, int64_t distance);

/* Whether two rows are of the very same vector as far as they tell. */
extern bool barq_rows_equal(const BarqCodec *codec, const void *a, const void *b);

/*
 * Encode a value into row (barq_value_row_bytes). Under cosine the vector
 * is normalised first. Returns false, leaving row undefined, where the vector
 * cannot be indexed: a zero vector under cosine; a coordinate out of half's
 * range under f16 is clamped and the residual says so.
 */
extern bool barq_codec_encode(const BarqCodec *codec, const void *value, void *row);

/*
 * The dims floats that a row's code stands for; under cosine those of the
 * normalised vector, of bits ones and zeros. And a row of such floats, or of a
 * mean of them, whatever values are encoded from (bits: ones above a half);
 * false as barq_codec_encode. Not of rabitq and sparse rows.
 */
extern void barq_codec_decode(const BarqCodec *codec, const void *row, float *x);
extern bool barq_codec_encode_floats(const BarqCodec *codec, const float *x, void *row);

/*
 * A query prepared for one codec. All arrays lie behind the struct in one
 * allocation of barq_query_bytes().
 *
 * Scores ("keys") are floats that grow with the distance and are comparable
 * between all rows and segments of one index: the squared distance for L2,
 * the negative inner product for IP and cosine (of normalised vectors), the
 * distance for L1, for bits and for the cosine of sparse vectors. They are
 * estimates, for ordering.
 */
typedef struct BarqQuery BarqQuery;

extern size_t barq_query_bytes(const BarqCodec *codec);
/*
 * A zero query under cosine is used as it is (every key 0). A sparse value must
 * be there as long as the query.
 */
extern BarqQuery *barq_query_prepare(void *mem, const BarqCodec *codec, const void *value);

extern float barq_query_key(const BarqQuery *query, const void *row);

/* The distance, as the operator gives it, that a key stands for. */
extern double barq_key_distance(const BarqCodec *codec, float key);

/* The L2 norm of the vector that was asked for; not of bits and sparse vectors. */
extern double barq_query_norm(const BarqQuery *query);

/* rows at base + ids[i] * stride (ids NULL: 0 … n-1); prefetches ahead */
extern void barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
							const uint32_t *ids, int n, float *keys);

/*
 * The same keys between two rows, for building graphs on codes: a is a row.
 */
extern float barq_code_key(const BarqCodec *codec, const void *a, const void *b);
extern void barq_code_keys(const BarqCodec *codec, const void *a,
						   const char *base, size_t stride,
						   const uint32_t *ids, int n, float *keys);

/*
 * Re-score a row with the unquantised query.
 *
 * *distance: the best estimate, in the operator's own distance (L2: the root;
 * cosine: 1 - cos; IP: negative inner product).
 * *lower_bound: a value that the distance function of the SQL operator, as
 * computed in float32 by any kernel level on the vector that was encoded and
 * on q, is proven never to undercut. The proof is written at the function.
 * Where barq_codec_proves() says no it is only likely that it does not, and
 * who returns rows in its order must ask for the distance himself.
 */
static inline bool
barq_codec_proves(const BarqCodec *codec)
{
	return codec->quant != BARQ_QUANT_RABITQ;
}

extern void barq_query_rescore(const BarqQuery *query, const void *row,
							   double *distance, double *lower_bound);

#endif							/* BARQ_CODEC_H */
