/*
 * codec.h
 *	  Codes: how a vector is kept in a growing log and in a segment, how a
 *	  query is scored against codes, and how far the score can be off.
 *
 * Like kernels.h free of PostgreSQL: the caller provides all memory.
 *
 * A *row* is what one vector becomes: its code (float32, IEEE half, or 8 bits
 * a dimension with the vector's own scale and offset: LVQ, Aguerrebere et
 * al., VLDB 2023), padded to 8 bytes, then a trailer with what scoring and the
 * error bound need. Rows carry everything needed to use them, so they move
 * from log to segment to segment unchanged. Rows in a log may be unaligned;
 * in segments they start every `stride` bytes, 64-byte aligned.
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
	BARQ_METRIC_L1 = 4
} BarqMetric;

/* Stored on disk: never renumber. */
typedef enum BarqQuantization
{
	BARQ_QUANT_NONE = 0,
	BARQ_QUANT_F16 = 1,
	BARQ_QUANT_SQ8 = 2,
	BARQ_QUANT_RABITQ = 3		/* later issue */
} BarqQuantization;

typedef struct BarqCodec
{
	BarqMetric	metric;
	BarqQuantization quant;
	int			dims;
	uint32_t	row_bytes;		/* exact bytes of a row, a multiple of 8 */
	uint32_t	stride;			/* row_bytes rounded up to 64 */
} BarqCodec;

extern void barq_codec_init(BarqCodec *codec, BarqMetric metric,
							BarqQuantization quant, int dims);

/*
 * Encode x (dims finite floats) into row (row_bytes). Under cosine the vector
 * is normalised first. Returns false, leaving row undefined, where the vector
 * cannot be indexed: a zero vector under cosine; a coordinate out of half's
 * range under f16 is clamped and the residual says so.
 */
extern bool barq_codec_encode(const BarqCodec *codec, const float *x, void *row);

/*
 * The dims floats that a row's code stands for; under cosine those of the
 * normalised vector.
 */
extern void barq_codec_decode(const BarqCodec *codec, const void *row, float *x);

/*
 * A query prepared for one codec. All arrays lie behind the struct in one
 * allocation of barq_query_bytes().
 *
 * Scores ("keys") are floats that grow with the distance and are comparable
 * between all rows and segments of one index: the squared distance for L2,
 * the negative inner product for IP and cosine (of normalised vectors), the
 * distance for L1. They are estimates, for ordering.
 */
typedef struct BarqQuery BarqQuery;

extern size_t barq_query_bytes(const BarqCodec *codec);
/* A zero query under cosine is used as it is (every key 0). */
extern BarqQuery *barq_query_prepare(void *mem, const BarqCodec *codec, const float *q);

extern float barq_query_key(const BarqQuery *query, const void *row);

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
 */
extern void barq_query_rescore(const BarqQuery *query, const void *row,
							   double *distance, double *lower_bound);

#endif							/* BARQ_CODEC_H */
