/*
 * distance.c
 *	  The kernels of one instruction-set level.
 *
 * Compiled once per level with -DBARQ_LEVEL=<level> and that level's compiler
 * flags (see the Makefile); dispatch.c chooses among the tables. simd.h defines
 * the vectors; distance_float.h, distance_codes.h, distance_halves.h, distance_rabitq.h,
 * distance_bits.h, postings_blocks.h and range_bits.h define the kernels. Kernels call only
 * functions that are inlined here: of a function shared with another level, the
 * linker could take the version of the wrong level.
 */
#include "kernels.h"

#include "simd.h"

#ifndef BARQ_LEVEL
#error "BARQ_LEVEL must name the level"
#endif

/* Zeros, then ones: a load at k clears the first I_BYTES - k bytes. */
#ifndef vi_tail
static const unsigned char byte_mask[2 * I_BYTES] = {
	[I_BYTES ... 2 * I_BYTES - 1] = 0xff
};
#endif

/*
 * Prefetching. The first PREFETCH_BYTES of a row are fetched AHEAD rows before it
 * is scored; the hardware's own prefetcher fetches the rest of a long row, and
 * rows that lie one after the other. (4 rows ahead suffice for rows of two cache
 * lines; rows of 400 to 800 bytes gain a third from 12.)
 */
#define AHEAD 12
#define PREFETCH_BYTES 1024

/* Row i of a batch (kernels.h, "Batched"). */
BARQ_INLINE const char *
row_at(const char *base, size_t stride, const uint32_t *ids, int i)
{
	return base + (ids ? (size_t) ids[i] : (size_t) i) * stride;
}

/* Prefetch the first PREFETCH_BYTES of `bytes` bytes of a row. */
BARQ_INLINE void
prefetch_row(const char *row, size_t bytes)
{
	if (bytes > PREFETCH_BYTES)
		bytes = PREFETCH_BYTES;
	for (size_t at = 0; at < bytes; at += 64)
		__builtin_prefetch(row + at);
}

/* Prefetch the first AHEAD rows of a batch; with ids only. */
BARQ_INLINE void
prefetch_first(const char *base, size_t stride, const uint32_t *ids,
			   int nrows, size_t bytes)
{
	if (ids)
		for (int i = 0; i < AHEAD && i < nrows; i++)
			prefetch_row(row_at(base, stride, ids, i), bytes);
}

/* Prefetch the row AHEAD rows after row i of a batch; with ids only. */
BARQ_INLINE void
prefetch_ahead(const char *base, size_t stride, const uint32_t *ids,
			   int i, int nrows, size_t bytes)
{
	if (ids && i + AHEAD < nrows)
		prefetch_row(row_at(base, stride, ids, i + AHEAD), bytes);
}

#include "distance_float.h"
#include "distance_codes.h"
#include "distance_many.h"
#include "distance_halves.h"
#include "distance_rabitq.h"
#include "distance_bits.h"
#include "postings_blocks.h"
#include "range_bits.h"

#define LEVEL_TABLE_(level) barq_kernels_##level
#define LEVEL_TABLE(level) LEVEL_TABLE_(level)
#define LEVEL_NAME_(level) #level
#define LEVEL_NAME(level) LEVEL_NAME_(level)

extern const BarqKernels LEVEL_TABLE(BARQ_LEVEL);

const BarqKernels LEVEL_TABLE(BARQ_LEVEL) = {
	.name = LEVEL_NAME(BARQ_LEVEL),
	.l2sq = l2sq,
	.ip = ip,
	.l1 = l1,
	.cosine_parts = cosine_parts,
	.l2sq_f16 = l2sq_f16,
	.ip_f16 = ip_f16,
	.l1_f16 = l1_f16,
	.l2sq_f16f16 = l2sq_f16f16,
	.ip_f16f16 = ip_f16f16,
	.l1_f16f16 = l1_f16f16,
	.f32_to_f16 = f32_to_f16,
	.f16_to_f32 = f16_to_f32,
	.ip_u8s8 = ip_u8s8,
	.ip_u8u8 = ip_u8u8,
	.ip_f32u8 = ip_f32u8,
	.l1_f32u8 = l1_f32u8,
	.l1_u8u8 = l1_u8u8,
	.l2sq_batch = l2sq_batch,
	.ip_batch = ip_batch,
	.l1_batch = l1_batch,
	.l2sq_f16_batch = l2sq_f16_batch,
	.ip_f16_batch = ip_f16_batch,
	.l1_f16_batch = l1_f16_batch,
	.ip_u8s8_batch = ip_u8s8_batch,
	.ip_u8u8_batch = ip_u8u8_batch,
	.sq8_keys_batch = sq8_keys_batch,
	.sq8_keys_many = sq8_keys_many,
	.half_rows_within = half_rows_within,
	.many_queries = MANY_QUERIES,
	.many_dims = MANY_PAYS_DIMS,
	.rabitq_keys_batch = rabitq_keys_batch,
	.hadamard = hadamard,
	.hamming = hamming,
	.jaccard_parts = jaccard_parts,
	.unpack = unpack,
	.sum_gaps = sum_gaps,
	.gather_lengths = gather_lengths,
	.bm25_shares = bm25_shares,
	.bm25_bounds = bm25_bounds,
	.bm25_add_parts = bm25_add_parts,
	.bm25_add_field = bm25_add_field,
	.bm25_saturate = bm25_saturate,
	.find_at_least = find_at_least,
	.find_at_most = find_at_most,
	.find_buckets = find_buckets,
	.find_rows = find_rows,
	.out_of_range = out_of_range
};
