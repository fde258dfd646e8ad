/*
 * postings_blocks.h
 *	  Part of distance.c: unpacking and bounding blocks of postings of ranked
 *	  text. kernels.h has the contracts. Numbers, rows and lengths are exact and
 *	  the same at every level; shares are rounded.
 */

#include "bitpack.h"

#define PART_GROUPS 64			/* groups of pairs that are taken at once */

typedef uint32_t Lanes __attribute__((vector_size(16)));

/* Load 16 bytes of any alignment. */
BARQ_INLINE Lanes
load_lanes(const void *in)
{
	Lanes		lanes;

	memcpy(&lanes, in, sizeof(lanes));
	return lanes;
}

/* Every caller passes a constant `bits`, so that the loop unrolls. */
BARQ_INLINE void
unpack_width(const uint8_t *in, const int bits, uint32_t *numbers)
{
	const uint32_t low = bits == 32 ? 0xffffffffu : (1u << bits) - 1;
	const Lanes mask = {low, low, low, low};
	Lanes		word = load_lanes(in);
	int			used = 0;

#pragma GCC unroll 32
	for (int k = 0; k < 32; k++)
	{
		Lanes		value = word >> used;

		used += bits;
		if (used >= 32)
		{
			used -= 32;
			if (k < 31)
			{
				in += 16;
				word = load_lanes(in);
				if (used > 0)
					value |= word << (bits - used);
			}
		}
		value &= mask;
		memcpy(numbers + 4 * k, &value, sizeof(value));
	}
}

#define EACH_WIDTH(X) \
	X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) \
	X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) X(31) X(32)

static void
unpack(const uint8_t *in, int bits, uint32_t *numbers)
{
	switch (bits)
	{
#define CASE(b) case b: unpack_width(in, b, numbers); break;
		EACH_WIDTH(CASE)
#undef CASE
		default:
			memset(numbers, 0, sizeof(uint32_t) * BARQ_PACK_BLOCK);
			break;
	}
}

static void
sum_gaps(uint32_t *rows, uint32_t first)
{
#if BARQ_WIDTH == 512
	const __m512i one = _mm512_set1_epi32(1);
	const __m512i last = _mm512_set1_epi32(15);
	const __m512i zero = _mm512_setzero_si512();
	__m512i		before = _mm512_set1_epi32((int) (first - 1));

	for (int i = 0; i < BARQ_PACK_BLOCK; i += 16)
	{
		__m512i		x = _mm512_add_epi32(_mm512_loadu_si512(rows + i), one);

		x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 15));
		x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 14));
		x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 12));
		x = _mm512_add_epi32(x, _mm512_alignr_epi32(x, zero, 8));
		x = _mm512_add_epi32(x, before);
		_mm512_storeu_si512(rows + i, x);
		before = _mm512_permutexvar_epi32(last, x);
	}
#else
	const simde__m128i one = simde_mm_set1_epi32(1);
	simde__m128i before = simde_mm_set1_epi32((int) (first - 1));

	for (int i = 0; i < BARQ_PACK_BLOCK; i += 4)
	{
		simde__m128i x = simde_mm_loadu_si128((const simde__m128i *) (rows + i));

		x = simde_mm_add_epi32(x, one);
		x = simde_mm_add_epi32(x, simde_mm_slli_si128(x, 4));
		x = simde_mm_add_epi32(x, simde_mm_slli_si128(x, 8));
		x = simde_mm_add_epi32(x, before);
		simde_mm_storeu_si128((simde__m128i *) (rows + i), x);
		before = simde_mm_shuffle_epi32(x, 0xff);
	}
#endif
}

static void
gather_lengths(const void *lengths, int width, const uint32_t *rows, int n, uint32_t *out)
{
	int			i = 0;

#if BARQ_WIDTH >= 256
	/* the index of a gather is signed; it reads 4 bytes, see kernels.h */
	if (n > 0 && rows[n - 1] < 1u << 31)
	{
#if BARQ_WIDTH == 512
#define GATHER(scale, mask) \
		for (; i + 16 <= n; i += 16) \
			_mm512_storeu_si512(out + i, _mm512_and_si512( \
				_mm512_i32gather_epi32(_mm512_loadu_si512(rows + i), lengths, scale), \
				_mm512_set1_epi32((int) (mask))))
#else
#define GATHER(scale, mask) \
		for (; i + 8 <= n; i += 8) \
			simde_mm256_storeu_si256((simde__m256i *) (out + i), simde_mm256_and_si256( \
				simde_mm256_i32gather_epi32((const int32_t *) lengths, \
					simde_mm256_loadu_si256((const simde__m256i *) (rows + i)), scale), \
				simde_mm256_set1_epi32((int) (mask))))
#endif
		if (width == 1)
			GATHER(1, 0xff);
		else if (width == 2)
			GATHER(2, 0xffff);
		else
			GATHER(4, 0xffffffffu);
#undef GATHER
	}
#endif
	for (; i < n; i++)
		out[i] = width == 1 ? ((const uint8_t *) lengths)[rows[i]] :
			width == 2 ? ((const uint16_t *) lengths)[rows[i]] :
			((const uint32_t *) lengths)[rows[i]];
}

/* The compiler vectorises the loop at every level. */
static void
bm25_shares(const uint32_t *frequencies, const uint32_t *lengths, int n,
			float base, float slope, float weight, float *out)
{
	for (int i = 0; i < n; i++)
	{
		float		tf = (float) (int32_t) frequencies[i];

		out[i] = weight * tf / (tf + (base + slope * (float) (int32_t) lengths[i]));
	}
}

static void
bm25_bounds(const void *pairs, size_t stride, int npairs, int n,
			float base, float slope, float weight, float *out)
{
	const char *at = pairs;
	int			i = 0;

#if BARQ_WIDTH == 512
	__m512i		places = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
															  10, 11, 12, 13, 14, 15),
											_mm512_set1_epi32((int) stride));

	for (; i + 16 <= n; i += 16, at += 16 * stride)
	{
		__m512		best = _mm512_setzero_ps();

		for (int k = 0; k < npairs; k++)
		{
			__m512i		pair = _mm512_i32gather_epi32(places, at + 4 * k, 1);
			__m512i		tf = _mm512_and_si512(pair, _mm512_set1_epi32(0xffff));
			__m512		f = _mm512_cvtepi32_ps(tf);
			__m512		length = _mm512_cvtepi32_ps(_mm512_srli_epi32(pair, 16));
			__m512		norm = _mm512_add_ps(_mm512_set1_ps(base),
											 _mm512_mul_ps(_mm512_set1_ps(slope), length));
			__m512		share = _mm512_div_ps(_mm512_mul_ps(_mm512_set1_ps(weight), f),
											  _mm512_add_ps(f, norm));
			__mmask16	any = _mm512_cmpeq_epi32_mask(tf, _mm512_set1_epi32(0xffff));

			/* pairs of frequency 0 do not count */
			share = _mm512_mask_mov_ps(share, any, _mm512_set1_ps(weight));
			best = _mm512_mask_max_ps(best, _mm512_test_epi32_mask(tf, tf), best, share);
		}
		_mm512_storeu_ps(out + i, best);
	}
#endif
	for (; i < n; i++, at += stride)
	{
		float		best = 0;

		for (int k = 0; k < npairs; k++)
		{
			uint16_t	pair[2];
			float		share;

			memcpy(pair, at + 4 * k, sizeof(pair));
			if (pair[0] == 0)
				continue;
			share = pair[0] == 0xffff ? weight :
				weight * (float) pair[0] /
				((float) pair[0] + (base + slope * (float) pair[1]));
			best = share > best ? share : best;
		}
		out[i] = best;
	}
}

/* The compiler vectorises the loops at every level, but for those that collect pairs. */
static void
bm25_add_parts(const void *pairs, size_t stride, int npairs, int n,
			   float base, float slope, float weight, float *out)
{
	const char *at = pairs;

	for (int from = 0; from < n; from += PART_GROUPS, at += PART_GROUPS * stride)
	{
		int			count = n - from < PART_GROUPS ? n - from : PART_GROUPS;
		float		best[PART_GROUPS] = {0};

		for (int k = 0; k < npairs; k++)
		{
			int32_t		frequencies[PART_GROUPS];
			int32_t		lengths[PART_GROUPS];

			for (int i = 0; i < count; i++)
			{
				uint16_t	pair[2];

				memcpy(pair, at + (size_t) i * stride + 4 * k, sizeof(pair));
				frequencies[i] = pair[0];
				lengths[i] = pair[1];
			}
			for (int i = 0; i < count; i++)
			{
				float		norm = base + slope * (float) lengths[i];
				float		part = weight * (float) frequencies[i] / (norm > 1e-30f ? norm : 1e-30f);

				part = frequencies[i] == UINT16_MAX ? 1e30f : part;
				best[i] = part > best[i] ? part : best[i];
			}
		}
		for (int i = 0; i < count; i++)
			out[from + i] += best[i];
	}
}

static void
bm25_add_field(const uint32_t *frequencies, const uint32_t *lengths, int n,
			   float base, float slope, float weight, float *by_norm, float *out)
{
	for (int i = 0; i < n; i++)
	{
		float		norm = base + slope * (float) ((int32_t) lengths[i] - 1);
		float		by = weight / (norm > 1e-30f ? norm : 1e-30f);

		by_norm[i] = by;
		out[i] += (float) (int32_t) frequencies[i] * by;
	}
}

static void
bm25_saturate(float *out, int n, float k, float weight)
{
	for (int i = 0; i < n; i++)
	{
		float		wtf = out[i] < 1e30f ? out[i] : 1e30f;

		out[i] = weight * (wtf / (wtf + k));
	}
}

#if BARQ_WIDTH == 512
/* Append the numbers of the lanes of `mask`, of which the first is i. */
#define APPEND_LANES(which, found, mask, i) \
	do { \
		_mm512_storeu_si512((which) + (found), _mm512_maskz_compress_epi32( \
			mask, _mm512_add_epi32(_mm512_set1_epi32(i), \
								   _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, \
													 10, 11, 12, 13, 14, 15)))); \
		(found) += __builtin_popcount(mask); \
	} while (0)
#endif

static int
find_at_least(const float *values, int n, float limit, uint32_t *which)
{
	int			found = 0;
	int			i = 0;

#if BARQ_WIDTH == 512
	for (; i < n; i += 16)
	{
		__mmask16	here = n - i >= 16 ? 0xffff : (__mmask16) ((1u << (n - i)) - 1);
		__mmask16	mask = _mm512_mask_cmp_ps_mask(here, _mm512_maskz_loadu_ps(here, values + i),
												   _mm512_set1_ps(limit), _CMP_GE_OQ);

		APPEND_LANES(which, found, mask, i);
	}
#endif
	for (; i < n; i++)
	{
		which[found] = (uint32_t) i;
		found += values[i] >= limit;
	}
	return found;
}

static int
find_buckets(const uint32_t *rows, int n, uint32_t from, int shift,
			 const float *buckets, float limit, uint32_t *which)
{
	int			found = 0;
	int			i = 0;

#if BARQ_WIDTH == 512
	for (; i < n; i += 16)
	{
		__mmask16	here = n - i >= 16 ? 0xffff : (__mmask16) ((1u << (n - i)) - 1);
		__m512i		row = _mm512_maskz_loadu_epi32(here, rows + i);
		__m512i		place = _mm512_srl_epi32(_mm512_sub_epi32(row, _mm512_set1_epi32((int) from)),
											 _mm_cvtsi32_si128(shift));
		__m512		value = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), here, place, buckets, 4);
		__mmask16	mask = _mm512_mask_cmp_ps_mask(here, value, _mm512_set1_ps(limit), _CMP_GE_OQ);

		APPEND_LANES(which, found, mask, i);
	}
#endif
	for (; i < n; i++)
	{
		which[found] = (uint32_t) i;
		found += buckets[(rows[i] - from) >> shift] >= limit;
	}
	return found;
}

#if BARQ_WIDTH == 256
/* The sign bit of each lane. */
#define LANE_BITS(lanes) ((uint32_t) simde_mm256_movemask_ps(simde_mm256_castsi256_ps(lanes)))
#endif

/* First the group of eight that can contain a row, then the place within it. */
static void
find_rows(const uint32_t *rows, const uint32_t *wanted, int n, uint8_t *at)
{
#if BARQ_WIDTH == 512
	__m512i		lasts = _mm512_i32gather_epi32(_mm512_setr_epi32(7, 15, 23, 31, 39, 47, 55, 63,
																 71, 79, 87, 95, 103, 111, 119, 127),
											   rows, 4);

	for (int i = 0; i < n; i++)
	{
		__mmask16	before = _mm512_cmplt_epu32_mask(lasts, _mm512_set1_epi32((int) wanted[i]));
		uint32_t	first = 8 * (uint32_t) __builtin_popcount(before);
		uint32_t	equal;

		first = first > BARQ_PACK_BLOCK - 8 ? BARQ_PACK_BLOCK - 8 : first;
		equal = _mm256_cmpeq_epu32_mask(_mm256_loadu_si256((const __m256i *) (rows + first)),
										_mm256_set1_epi32((int) wanted[i]));
		at[i] = equal != 0 ? (uint8_t) (first + (uint32_t) __builtin_ctz(equal)) : BARQ_PACK_BLOCK;
	}
#elif BARQ_WIDTH == 256
	/* comparisons are of signed numbers: both sides are moved by half of the range */
	const simde__m256i half = simde_mm256_set1_epi32(INT32_MIN);
	const simde__m256i ends = simde_mm256_setr_epi32(7, 15, 23, 31, 39, 47, 55, 63);
	simde__m256i low = simde_mm256_xor_si256(half, simde_mm256_i32gather_epi32(
													   (const int32_t *) rows, ends, 4));
	simde__m256i high = simde_mm256_xor_si256(half, simde_mm256_i32gather_epi32(
														(const int32_t *) rows + 64, ends, 4));

	for (int i = 0; i < n; i++)
	{
		simde__m256i row = simde_mm256_set1_epi32((int32_t) wanted[i]);
		simde__m256i moved = simde_mm256_xor_si256(half, row);
		uint32_t	before = LANE_BITS(simde_mm256_cmpgt_epi32(moved, low)) |
			LANE_BITS(simde_mm256_cmpgt_epi32(moved, high)) << 8;
		uint32_t	first = 8 * (uint32_t) __builtin_popcount(before);
		uint32_t	equal;

		first = first > BARQ_PACK_BLOCK - 8 ? BARQ_PACK_BLOCK - 8 : first;
		equal = LANE_BITS(simde_mm256_cmpeq_epi32(
			row, simde_mm256_loadu_si256((const simde__m256i *) (rows + first))));
		at[i] = equal != 0 ? (uint8_t) (first + (uint32_t) __builtin_ctz(equal)) : BARQ_PACK_BLOCK;
	}
#else
	for (int i = 0; i < n; i++)
	{
		uint32_t	place = 0;

#pragma GCC unroll 8
		for (uint32_t step = BARQ_PACK_BLOCK / 2; step > 0; step /= 2)
			place += rows[place + step - 1] < wanted[i] ? step : 0;
		at[i] = rows[place] == wanted[i] ? (uint8_t) place : BARQ_PACK_BLOCK;
	}
#endif
}
