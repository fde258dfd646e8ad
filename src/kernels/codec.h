/*
 * codec.h
 *	  Codes: how an index stores vectors, how a query is scored against stored
 *	  vectors, and how far such a score can be off.
 *
 * Like kernels.h free of PostgreSQL: the caller provides all memory, and no
 * function raises errors.
 *
 * A *row* is a stored vector: its code, padded to 8 bytes, then a trailer with
 * the numbers that scoring and the error bound need. The code depends on the
 * codec's form (BarqQuantization): float32, IEEE half, 8 bits a dimension with
 * a scale and an offset of the vector's own (LVQ, Aguerrebere et al., VLDB
 * 2023), 2 bits a dimension after a rotation (codec_rabitq.c), or the bits of a
 * bit string. Rows contain everything needed to use them, so they move
 * unchanged from log to segment to segment. Rows in a log may be unaligned. In
 * segments a row starts every `stride` bytes, so that it touches as few cache
 * lines as possible.
 *
 * Rows of sparse vectors differ in length. Such a row begins with a *head* of
 * row_bytes bytes, which says where the elements are, relative to the head
 * itself. In a log the elements follow the head. In a segment only heads lie
 * every `stride` bytes, and they refer to whole rows elsewhere. Functions that
 * take a row accept a whole row as well as a head, 8-byte aligned; the
 * functions barq_row_* make one of the other.
 */
#ifndef BARQ_CODEC_H
#define BARQ_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct		BarqHalfTerms;		/* kernels.h */

/* Stored on disk: never renumber. */
typedef enum BarqMetric
{
	BARQ_METRIC_L2 = 1,
	BARQ_METRIC_IP = 2,
	BARQ_METRIC_COSINE = 3,
	BARQ_METRIC_L1 = 4,
	BARQ_METRIC_HAMMING = 5,	/* this and the next: of bit strings */
	BARQ_METRIC_JACCARD = 6
} BarqMetric;

/* The best estimate of the operator's distance, and between what it lies. */
typedef struct BarqInterval
{
	double		distance;
	double		low;
	double		high;
} BarqInterval;

/* Forms of rows. Stored on disk: never renumber. */
typedef enum BarqQuantization
{
	BARQ_QUANT_NONE = 0,
	BARQ_QUANT_F16 = 1,
	BARQ_QUANT_SQ8 = 2,
	BARQ_QUANT_RABITQ = 3,		/* not with L1 */
	BARQ_QUANT_BITS = 4,		/* of bit strings: the bits */
	BARQ_QUANT_SPARSE = 5		/* of sparse vectors: the elements */
} BarqQuantization;

#define BARQ_NQUANTS	6

/*
 * The index's form, metric and dimensions. It holds no pointer, because work
 * areas that contain a codec are mapped by several processes, which may have
 * loaded the library at different addresses.
 */
typedef struct BarqCodec
{
	BarqMetric	metric;
	BarqQuantization quant;
	int			dims;
	uint32_t	row_bytes;		/* exact bytes of a row or, if rows have heads, of
								 * a head; a multiple of 8 */
	uint32_t	stride;			/* row_bytes rounded up to a multiple of 64, or in
								 * forms with short rows to a power of two */
	uint32_t	refine_bytes;	/* of a row's refinement, a multiple of 8; 0: rows
								 * have none */
} BarqCodec;

/* `quant` must have a form (barq_codec_form), and the form must have the metric. */
extern void barq_codec_init(BarqCodec *codec, BarqMetric metric,
							BarqQuantization quant, int dims);

/*
 * Have rows of the codec refinements: second codes for what the first ones lose,
 * another 8 bits a dimension (two-level LVQ, Aguerrebere et al., VLDB 2023). The
 * refinement of a row follows its row_bytes in a log, and lies elsewhere in a
 * segment. Keys do not need it. False, without a change, if the form has none.
 */
extern bool barq_codec_refine(BarqCodec *codec);

/*
 * A value to encode or to search for is a `const void *`. It points to dims
 * finite floats; for bits to (dims + 7) / 8 bytes, zero behind the last bit;
 * for sparse vectors to a BarqSparseValue, the tail of a sparsevec datum.
 */
typedef struct BarqSparseValue
{
	int32_t		nnz;
	int32_t		unused;
	int32_t		entries[];		/* ascending indices[nnz], float values[nnz] */
} BarqSparseValue;

/* Most elements of a sparse value. */
#define BARQ_SPARSE_MAX_NNZ	16000

/*
 * A query prepared for one codec, private to a process. All its arrays lie
 * behind the struct in one allocation of barq_query_bytes().
 */
typedef struct BarqQuery BarqQuery;

/*
 * Functions of forms whose rows differ in length and therefore have heads. They
 * implement the functions of this header that have nearly the same names.
 */
typedef struct BarqHeadForm
{
	size_t		(*value_row_bytes) (const void *value);
	size_t		(*row_bytes) (const void *row);
	bool		(*extent) (const void *head, int64_t *distance, size_t *length);
	const void *(*whole) (const void *row);
	void		(*make) (void *head, const void *row, int64_t distance);
	bool		(*equal) (const void *a, const void *b);
	bool		(*is_sound) (const BarqCodec *codec, const void *row);
	void		(*value) (const void *row, void *value);
} BarqHeadForm;

/*
 * A form: its properties and functions. Each form has one constant table, in
 * the file that implements it. To add a form: a number in BarqQuantization, a
 * file with the table, a line in barq_codec_forms (codec.c).
 *
 * The functions implement the barq_* functions of nearly the same names below;
 * call those.
 */
typedef struct BarqCodecForm
{
	const char *name;			/* as the option "quantization" calls it */
	unsigned	metrics;		/* BARQ_METRIC_BIT() of each that it serves */
	int			max_dims;
	uint32_t	least_stride;	/* 8 or 64 */
	uint32_t	scoring_bytes;	/* a scan takes as long as if each row had this
								 * many bytes more */
	bool		only_form;		/* of the rows of its type */
	bool		is_exact;		/* re-scoring gives the operator's value */
	bool		proves;			/* bounds of re-scoring are proven */
	bool		is_narrow;		/* and so near the distance that most rows can be
								 * put in order by them alone */
	bool		cosine_is_distance; /* a cosine key is the distance, not the
									 * distance less 1 */

	/* bytes of a row, or of a head; a multiple of 8 */
	size_t		(*row_bytes) (int dims);
	size_t		(*value_bytes) (const BarqCodec *codec, const void *value);
	bool		(*value_is_zero) (const BarqCodec *codec, const void *value);
	bool		(*encode) (const BarqCodec *codec, const void *value, void *row);

	/*
	 * NULL if rows cannot be refined. encode_refinement: of a value that was encoded
	 * as `row`. refined: barq_query_interval() with a refinement.
	 */
	size_t		(*refine_bytes) (int dims);
	void		(*encode_refinement) (const BarqCodec *codec, const void *value,
									  const void *row, void *refinement);
	void		(*refined) (const BarqQuery *query, const void *row,
							const void *refinement, BarqInterval *interval);
	bool		(*refinement_is_sound) (const BarqCodec *codec, const void *row,
										const void *refinement);

	/* NULL if rows have heads: they stand for no array of floats */
	bool		(*encode_floats) (const BarqCodec *codec, const float *x, void *row);
	void		(*decode) (const BarqCodec *codec, const void *row, float *x);

	/*
	 * prepare: of a zeroed query whose codec and form are set. arrays: 64-byte
	 * aligned, query_bytes() long.
	 */
	size_t		(*query_bytes) (const BarqCodec *codec);
	void		(*prepare) (BarqQuery *query, const void *value, void *arrays);
	void		(*query_keys) (const BarqQuery *query, const char *base, size_t stride,
							   const uint32_t *ids, int n, float *keys);
	void		(*rescore) (const BarqQuery *query, const void *row,
							BarqInterval *interval);
	void		(*enclose) (const BarqQuery *query, const void *row, float key,
							BarqInterval *interval);	/* or NULL */
	void		(*beyond) (const BarqQuery *query, const char *base, size_t stride,
						   int n, const float *keys, double limit,
						   bool *beyond);	/* or NULL: by enclose */

	/* NULL, or false for a codec without such kernels: query_keys for each query */
	bool		(*queries_keys) (const BarqQuery *const *queries, int nqueries,
								 const char *base, size_t stride, int n, float *keys);

	/* code_key may be NULL: then code_keys makes single keys */
	float		(*code_key) (const BarqCodec *codec, const void *a, const void *b);
	void		(*code_keys) (const BarqCodec *codec, const void *a,
							  const char *base, size_t stride,
							  const uint32_t *ids, int n, float *keys);

	const BarqHeadForm *heads;	/* NULL: all rows have row_bytes */
} BarqCodecForm;

#define BARQ_METRIC_BIT(metric)	(1u << (metric))

/* All forms, by BarqQuantization. */
extern const BarqCodecForm *const barq_codec_forms[BARQ_NQUANTS];

/* The form of a BarqQuantization read from anywhere; NULL if it is unknown. */
static inline const BarqCodecForm *
barq_codec_form(int quant)
{
	return quant >= 0 && quant < BARQ_NQUANTS ? barq_codec_forms[quant] : NULL;
}

/* Whether barq_query_rescore() always returns exactly the operator's value. */
static inline bool
barq_codec_is_exact(const BarqCodec *codec)
{
	return barq_codec_forms[codec->quant]->is_exact;
}

/* Whether the rows that lie every `stride` bytes are heads. */
static inline bool
barq_codec_has_heads(const BarqCodec *codec)
{
	return barq_codec_forms[codec->quant]->heads != NULL;
}

/* Bytes of a value; of NULL, those of the value whose elements are all zero. */
extern size_t barq_value_bytes(const BarqCodec *codec, const void *value);
extern bool barq_value_is_zero(const BarqCodec *codec, const void *value);

/* Bytes of the whole row that a value becomes, and of an existing row. */
extern size_t barq_value_row_bytes(const BarqCodec *codec, const void *value);
extern size_t barq_row_bytes(const BarqCodec *codec, const void *row);

/* Whether `length` bytes at `row` are one whole row. Reads no more than these. */
extern bool barq_row_is_whole(const BarqCodec *codec, const void *row, size_t length);

/*
 * Whether the contents of a whole row could be the result of encoding. Always
 * true for forms without heads.
 */
extern bool barq_row_is_sound(const BarqCodec *codec, const void *row);

/*
 * Read a head: *distance is that from the head to its whole row, in bytes (0:
 * the row begins with this head), *length that of the whole row. Returns false
 * if these bytes are no head.
 */
extern bool barq_row_extent(const BarqCodec *codec, const void *head,
							int64_t *distance, size_t *length);

/* The whole row of a head or row. */
extern const void *barq_row_whole(const BarqCodec *codec, const void *row);

/*
 * Make a head for a whole row that lies `distance` bytes from the head. Only
 * for codecs with heads.
 */
extern void barq_row_head(const BarqCodec *codec, void *head, const void *row,
						  int64_t distance);

/* Whether two rows have the same bytes, or the same elements. */
extern bool barq_rows_equal(const BarqCodec *codec, const void *a, const void *b);

/*
 * Encode a value into row (barq_value_row_bytes). Under cosine the vector is
 * normalised first. Under f16 a coordinate beyond half's range is clamped, and
 * the residual counts the loss. Returns false, with `row` undefined, for a zero
 * vector under cosine, which cannot be indexed.
 */
extern bool barq_codec_encode(const BarqCodec *codec, const void *value, void *row);

/*
 * The same with the refinement apart from the row: refine_bytes at `refinement`, which
 * is not used if the codec has none. Not for forms with heads.
 */
extern bool barq_codec_encode_parts(const BarqCodec *codec, const void *value, void *row,
									void *refinement);

/*
 * Decode: the dims floats that a row's code stands for; under cosine those of
 * the normalised vector, of bits ones and zeros. Encode such floats, or a mean
 * of them; of bits, floats above 0.5 become ones. Encoding returns false as
 * barq_codec_encode() does. Not for forms with heads.
 */
extern void barq_codec_decode(const BarqCodec *codec, const void *row, float *x);
/*
 * Write the value that a whole row stands for, as a query has it: at most
 * barq_row_value_bytes().
 */
extern size_t barq_row_value_bytes(const BarqCodec *codec, const void *row);
extern void barq_row_value(const BarqCodec *codec, const void *row, void *value);
extern bool barq_codec_encode_floats(const BarqCodec *codec, const float *x, void *row);

/*
 * Keys: floats that grow with the distance and are comparable between all rows
 * and segments of one index. They are estimates, for ordering. A key is the
 * squared distance for L2; the negative inner product for IP and for cosine (of
 * normalised vectors); the distance for L1, for bits and for the cosine of
 * sparse vectors.
 */

/* Bytes of memory that barq_query_prepare() needs, whatever their alignment. */
extern size_t barq_query_bytes(const BarqCodec *codec);

/*
 * Prepare a query in `mem`. Dense values and bits are copied; a sparse value
 * must live as long as the query. For a zero vector under cosine every key
 * is 0.
 */
extern BarqQuery *barq_query_prepare(void *mem, const BarqCodec *codec, const void *value);

extern float barq_query_key(const BarqQuery *query, const void *row);

/* The distance, as the operator defines it, that a key stands for. */
extern double barq_key_distance(const BarqCodec *codec, float key);

/* The L2 norm of the query's vector; not for bits and sparse vectors. */
extern double barq_query_norm(const BarqQuery *query);

/*
 * keys[i]: the key of the row at base + ids[i] * stride, or at base + i * stride
 * if ids is NULL; i < n. Prefetches rows ahead. Adds n to barq_rows_scored.
 */
extern void barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
							const uint32_t *ids, int n, float *keys);

/*
 * keys[j * n + i]: the key of queries[j] and the row at base + i * stride; j < nqueries,
 * i < n. The same bits as those of barq_query_keys(), for queries of one codec. Reads
 * the rows once where the form has kernels for that. Adds n to barq_rows_scored: a
 * row counts once.
 */
extern void barq_queries_keys(const BarqQuery *const *queries, int nqueries,
							  const char *base, size_t stride, int n, float *keys);

/*
 * Half codes (codec_halves.c): blocks of BARQ_HALF_ROWS rows, from which follows which
 * rows may have a key within a limit. barq_halves_write() makes the block, zeros
 * behind it included, of the n rows (1 ... BARQ_HALF_ROWS) at rows + i * stride;
 * 4-byte aligned.
 */
extern bool barq_codec_has_halves(const BarqCodec *codec);
extern size_t barq_half_block_bytes(const BarqCodec *codec);
extern void barq_halves_write(const BarqCodec *codec, const char *rows, size_t stride, int n,
							  char *block);

/*
 * Prepare a query for half codes of rows of its codec. False: it can't be compared with
 * them. barq_query_half_rows: writes to which[], which has room for all rows of the
 * blocks, the numbers of the rows whose key may be at most `limit`, ascending, counted
 * from the first block, and returns how many. A row with such a key is missed with a
 * probability of 1e-4 at most. Rows behind the last one may be among them.
 */
extern bool barq_query_halve(const BarqQuery *query, struct BarqHalfTerms *terms);
extern int	barq_query_half_rows(const BarqQuery *query, const struct BarqHalfTerms *terms,
								 const char *blocks, int nblocks, float limit,
								 uint32_t *which);

/* Keys between rows, for building graphs on codes: of row a and other rows. */
extern float barq_code_key(const BarqCodec *codec, const void *a, const void *b);
extern void barq_code_keys(const BarqCodec *codec, const void *a,
						   const char *base, size_t stride,
						   const uint32_t *ids, int n, float *keys);

/*
 * Whether lower bounds of barq_query_rescore() are proven. If not, they only
 * hold with high probability, and a scan that returns rows in their order has
 * to compute the operator's distance itself.
 */
static inline bool
barq_codec_proves(const BarqCodec *codec)
{
	return barq_codec_forms[codec->quant]->proves;
}

/*
 * Score a row with the unquantised query.
 *
 * *distance: the best estimate of the operator's own distance (L2: the root;
 * cosine: 1 - cos; IP: negative inner product).
 * *lower_bound: a value that the SQL operator's distance, computed in float32
 * by any kernel level from the encoded vector and the query, is never below.
 * codec_bound.c contains the proof.
 */
extern void barq_query_rescore(const BarqQuery *query, const void *row,
							   double *distance, double *lower_bound);

/*
 * As barq_query_rescore(), with an upper bound as well: the operator's distance, unless
 * it is NaN, is neither below interval->low nor above interval->high. `refinement`: the
 * row's, or NULL. The bounds are proven if barq_codec_proves(), or with a refinement;
 * else the upper one is infinite.
 */
extern void barq_query_interval(const BarqQuery *query, const void *row,
								const void *refinement, BarqInterval *interval);

/*
 * Whether rows have intervals that follow from their keys: barq_query_enclose(), from
 * key = barq_query_key(). Proven for every form, also if barq_codec_proves() is false,
 * wider than those of barq_query_interval(), and many times cheaper.
 */
extern bool barq_query_encloses(const BarqQuery *query);
extern void barq_query_enclose(const BarqQuery *query, const void *row, float key,
							   BarqInterval *interval);

/*
 * beyond[i]: whether the key of the row at base + i * stride proves that its distance is
 * larger than `limit`, a number; i < n. True implies that of barq_query_enclose(), too.
 * Only if barq_query_encloses().
 */
extern void barq_query_beyond(const BarqQuery *query, const char *base, size_t stride,
							  int n, const float *keys, double limit, bool *beyond);

/*
 * A value below which no distance from `query` lies, computed by the SQL operator, of
 * any vector no farther than `radius` from `center` (L2; under cosine of the normalised
 * vector): both are dims floats. -infinity if nothing is proven. Not for bits and
 * sparse vectors. codec_enclose.c has the proof.
 */
extern double barq_ball_least(const BarqCodec *codec, const float *query,
							  const float *center, double radius);

/* Whether the contents of a refinement could be the result of encoding, with its row. */
extern bool barq_refinement_is_sound(const BarqCodec *codec, const void *row,
									 const void *refinement);

/*
 * Whether intervals of rows, with their refinements if they have any, are proven and
 * narrow enough for a scan to put rows in order by them.
 */
static inline bool
barq_codec_is_narrow(const BarqCodec *codec)
{
	return codec->refine_bytes > 0 || barq_codec_forms[codec->quant]->is_narrow;
}

/* Bytes of a whole row of a form without heads: with its refinement, if any. */
static inline size_t
barq_codec_whole_bytes(const BarqCodec *codec)
{
	return (size_t) codec->row_bytes + codec->refine_bytes;
}

#endif							/* BARQ_CODEC_H */
