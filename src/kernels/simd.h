/*
 * simd.h
 *	  Vector types and operations of one level of instruction sets.
 *
 * Only distance.c and its parts include this file; it is compiled once per
 * level. A level is 128 bits wide (baseline and NEON, through simde), 256
 * (AVX2 with FMA and F16C) or 512 (AVX-512 with BW, DQ and VL). simde 0.7 has no
 * masked loads, so the 512-bit level uses the intrinsics directly; it runs only
 * on machines that have them.
 *
 *	  VF		a vector of V_LANES floats
 *	  VI		a vector of I_BYTES bytes, or of I_BYTES / 4 32-bit sums
 *	  vi_bits	numbers of set bits, as 32-bit sums for vi_add
 *	  vf_tail_*	load the first `rem` (1 ... V_LANES - 1) elements and set the
 *				other lanes to zero; they read nothing beyond these elements
 */
#ifndef BARQ_SIMD_H
#define BARQ_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) && defined(__AVX512BW__) && \
	defined(__AVX512VL__) && defined(__AVX512DQ__)
#define BARQ_WIDTH 512
#include <immintrin.h>
#include <simde/x86/avx2.h>
#elif defined(__AVX2__)
#define BARQ_WIDTH 256
#include <simde/x86/avx2.h>
#include <simde/x86/fma.h>
#include <simde/x86/f16c.h>
#else
#define BARQ_WIDTH 128
#include <simde/x86/sse2.h>
#if defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

#define BARQ_INLINE static inline __attribute__((always_inline))

/* Load n <= 8 bytes into the low end of a word, reading nothing else. */
BARQ_INLINE uint64_t
load_bytes(const void *src, int n)
{
	const char *p = src;

	if (n >= 4)
	{
		uint32_t	lo,
					hi;

		memcpy(&lo, p, 4);
		memcpy(&hi, p + n - 4, 4);
		return lo | (uint64_t) hi << (8 * (n - 4));
	}
	if (n >= 2)
	{
		uint16_t	lo,
					hi;

		memcpy(&lo, p, 2);
		memcpy(&hi, p + n - 2, 2);
		return lo | (uint32_t) hi << (8 * (n - 2));
	}
	return n == 1 ? (unsigned char) p[0] : 0;
}

/* A load at element (width - k) gives a mask of the first k lanes. */
static const int32_t lane_mask[16] = {
	-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0
};

#if BARQ_WIDTH == 512

#define V_LANES 16
#define I_BYTES 64
typedef __m512 VF;
typedef __m512i VI;

#define vf_zero() _mm512_setzero_ps()
#define vf_set1(x) _mm512_set1_ps(x)
#define vf_add(a, b) _mm512_add_ps(a, b)
#define vf_sub(a, b) _mm512_sub_ps(a, b)
#define vf_fmadd(a, b, c) _mm512_fmadd_ps(a, b, c)
#define vf_abs(a) _mm512_abs_ps(a)
#define vf_first(a, k) _mm512_maskz_mov_ps((__mmask16) ((1u << (k)) - 1), a)
#define vf_store(p, a) _mm512_storeu_ps(p, a)

/* The sum of all lanes. */
BARQ_INLINE float
vf_sum(VF a)
{
	__m256		h = _mm256_add_ps(_mm512_castps512_ps256(a),
								  _mm512_extractf32x8_ps(a, 1));
	__m128		q = _mm_add_ps(_mm256_castps256_ps128(h),
							   _mm256_extractf128_ps(h, 1));

	q = _mm_add_ps(q, _mm_movehl_ps(q, q));
	return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

#define vf_load_f32(p) _mm512_loadu_ps(p)
#define vf_tail_f32(p, rem) \
	_mm512_maskz_loadu_ps((__mmask16) ((1u << (rem)) - 1), p)
#define vf_load_f16(p) _mm512_cvtph_ps(_mm256_loadu_si256((const void *) (p)))
#define vf_tail_f16(p, rem) \
	_mm512_cvtph_ps(_mm256_maskz_loadu_epi16((__mmask16) ((1u << (rem)) - 1), p))
#define vf_load_u8(p) \
	_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const void *) (p))))
#define vf_tail_u8(p, rem) \
	_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32( \
		_mm_maskz_loadu_epi8((__mmask16) ((1u << (rem)) - 1), p)))
#define vf_store_f16(p, a) \
	_mm256_storeu_si256((void *) (p), _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT))

#define vi_zero() _mm512_setzero_si512()
#define vi_set1_8(x) _mm512_set1_epi8(x)
#define vi_set1_32(x) _mm512_set1_epi32(x)
#define vi_store(p, a) _mm512_store_si512(p, a)
#define vi_load(p) _mm512_loadu_si512(p)
#define vi_add(a, b) _mm512_add_epi32(a, b)
#define vi_add16(a, b) _mm512_add_epi16(a, b)
#define vi_madd(a, b) _mm512_madd_epi16(a, b)
#define vi_and(a, b) _mm512_and_si512(a, b)
#define vi_or(a, b) _mm512_or_si512(a, b)
#define vi_xor(a, b) _mm512_xor_si512(a, b)
#define vi_srl16(a) _mm512_srli_epi16(a, 8)
#define vi_sra16(a) _mm512_srai_epi16(a, 8)
#define vi_sll16(a) _mm512_slli_epi16(a, 8)
#define vi_set1_16(x) _mm512_set1_epi16(x)
#define vi_tail(p, rem) \
	_mm512_maskz_loadu_epi8(((__mmask64) 1 << (rem)) - 1, p)

#if defined(__AVX512VPOPCNTDQ__)
#define vi_bits(a) _mm512_popcnt_epi64(a)
#else
/* looked up by half bytes */
BARQ_INLINE VI
vi_bits(VI a)
{
	VI			counts = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
															  1, 2, 2, 3, 2, 3, 3, 4));
	VI			low = _mm512_set1_epi8(0x0f);
	VI			lo = _mm512_shuffle_epi8(counts, vi_and(a, low));
	VI			hi = _mm512_shuffle_epi8(counts, vi_and(_mm512_srli_epi16(a, 4), low));

	return _mm512_sad_epu8(_mm512_add_epi8(lo, hi), vi_zero());
}
#endif

/* Add up each of four vectors of 32-bit sums. */
BARQ_INLINE __m128i
vi_sum4(VI a, VI b, VI c, VI d)
{
	VI			ab = vi_add(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
	VI			cd = vi_add(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
	VI			s = vi_add(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
	__m256i		h = _mm256_add_epi32(_mm512_castsi512_si256(s),
									 _mm512_extracti64x4_epi64(s, 1));

	return _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
}

BARQ_INLINE int32_t
vi_sum(VI a)
{
	__m256i		h = _mm256_add_epi32(_mm512_castsi512_si256(a),
									 _mm512_extracti64x4_epi64(a, 1));
	__m128i		q = _mm_add_epi32(_mm256_castsi256_si128(h),
								  _mm256_extracti128_si256(h, 1));

	q = _mm_add_epi32(q, _mm_unpackhi_epi64(q, q));
	return _mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 1)));
}

#elif BARQ_WIDTH == 256

#define V_LANES 8
#define I_BYTES 32
typedef simde__m256 VF;
typedef simde__m256i VI;

#define vf_zero() simde_mm256_setzero_ps()
#define vf_set1(x) simde_mm256_set1_ps(x)
#define vf_add(a, b) simde_mm256_add_ps(a, b)
#define vf_sub(a, b) simde_mm256_sub_ps(a, b)
#define vf_fmadd(a, b, c) simde_mm256_fmadd_ps(a, b, c)
#define vf_abs(a) simde_mm256_andnot_ps(simde_mm256_set1_ps(-0.0f), a)
#define vf_store(p, a) simde_mm256_storeu_ps(p, a)
#define lanes_first(k) \
	simde_mm256_loadu_si256((const simde__m256i *) (lane_mask + 8 - (k)))
#define vf_first(a, k) \
	simde_mm256_and_ps(a, simde_mm256_castsi256_ps(lanes_first(k)))

BARQ_INLINE float
vf_sum(VF a)
{
	simde__m128 q = simde_mm_add_ps(simde_mm256_castps256_ps128(a),
									simde_mm256_extractf128_ps(a, 1));

	q = simde_mm_add_ps(q, simde_mm_movehl_ps(q, q));
	return simde_mm_cvtss_f32(simde_mm_add_ss(q, simde_mm_shuffle_ps(q, q, 1)));
}

#define vf_load_f32(p) simde_mm256_loadu_ps(p)
#define vf_tail_f32(p, rem) simde_mm256_maskload_ps(p, lanes_first(rem))
#define vf_load_f16(p) \
	simde_mm256_cvtph_ps(simde_mm_loadu_si128((const simde__m128i *) (p)))
#define vf_load_u8(p) \
	simde_mm256_cvtepi32_ps(simde_mm256_cvtepu8_epi32( \
		simde_mm_loadl_epi64((const simde__m128i *) (p))))
#define vf_tail_u8(p, rem) \
	simde_mm256_cvtepi32_ps(simde_mm256_cvtepu8_epi32( \
		simde_mm_set_epi64x(0, (int64_t) load_bytes(p, rem))))
#define vf_store_f16(p, a) \
	simde_mm_storeu_si128((simde__m128i *) (p), \
						  simde_mm256_cvtps_ph(a, SIMDE_MM_FROUND_TO_NEAREST_INT))

BARQ_INLINE VF
vf_tail_f16(const uint16_t *p, int rem)
{
	uint64_t	lo,
				hi = 0;

	if (rem >= 4)
	{
		memcpy(&lo, p, 8);
		hi = load_bytes(p + 4, 2 * (rem - 4));
	}
	else
		lo = load_bytes(p, 2 * rem);
	return simde_mm256_cvtph_ps(simde_mm_set_epi64x((int64_t) hi, (int64_t) lo));
}

#define vi_zero() simde_mm256_setzero_si256()
#define vi_set1_8(x) simde_mm256_set1_epi8(x)
#define vi_set1_16(x) simde_mm256_set1_epi16(x)
#define vi_set1_32(x) simde_mm256_set1_epi32(x)
#define vi_store(p, a) simde_mm256_store_si256((simde__m256i *) (p), a)
#define vi_load(p) simde_mm256_loadu_si256((const simde__m256i *) (p))
#define vi_add(a, b) simde_mm256_add_epi32(a, b)
#define vi_add16(a, b) simde_mm256_add_epi16(a, b)
#define vi_madd(a, b) simde_mm256_madd_epi16(a, b)
#define vi_and(a, b) simde_mm256_and_si256(a, b)
#define vi_or(a, b) simde_mm256_or_si256(a, b)
#define vi_xor(a, b) simde_mm256_xor_si256(a, b)
#define vi_srl16(a) simde_mm256_srli_epi16(a, 8)
#define vi_sra16(a) simde_mm256_srai_epi16(a, 8)
#define vi_sll16(a) simde_mm256_slli_epi16(a, 8)

/* looked up by half bytes */
BARQ_INLINE VI
vi_bits(VI a)
{
	VI			counts = simde_mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3,
											   1, 2, 2, 3, 2, 3, 3, 4,
											   0, 1, 1, 2, 1, 2, 2, 3,
											   1, 2, 2, 3, 2, 3, 3, 4);
	VI			low = vi_set1_8(0x0f);
	VI			lo = simde_mm256_shuffle_epi8(counts, vi_and(a, low));
	VI			hi = simde_mm256_shuffle_epi8(counts, vi_and(simde_mm256_srli_epi16(a, 4), low));

	return simde_mm256_sad_epu8(simde_mm256_add_epi8(lo, hi), vi_zero());
}

BARQ_INLINE simde__m128i
vi_sum4(VI a, VI b, VI c, VI d)
{
	VI			ab = vi_add(simde_mm256_unpacklo_epi32(a, b),
							simde_mm256_unpackhi_epi32(a, b));
	VI			cd = vi_add(simde_mm256_unpacklo_epi32(c, d),
							simde_mm256_unpackhi_epi32(c, d));
	VI			s = vi_add(simde_mm256_unpacklo_epi64(ab, cd),
						   simde_mm256_unpackhi_epi64(ab, cd));

	return simde_mm_add_epi32(simde_mm256_castsi256_si128(s),
							  simde_mm256_extracti128_si256(s, 1));
}

BARQ_INLINE int32_t
vi_sum(VI a)
{
	simde__m128i q = simde_mm_add_epi32(simde_mm256_castsi256_si128(a),
										simde_mm256_extracti128_si256(a, 1));

	q = simde_mm_add_epi32(q, simde_mm_unpackhi_epi64(q, q));
	return simde_mm_cvtsi128_si32(simde_mm_add_epi32(q, simde_mm_shuffle_epi32(q, 1)));
}

#else							/* 128 bits */

#define V_LANES 4
#define I_BYTES 16
typedef simde__m128 VF;
typedef simde__m128i VI;

#define vf_zero() simde_mm_setzero_ps()
#define vf_set1(x) simde_mm_set1_ps(x)
#define vf_add(a, b) simde_mm_add_ps(a, b)
#define vf_sub(a, b) simde_mm_sub_ps(a, b)
#define vf_abs(a) simde_mm_andnot_ps(simde_mm_set1_ps(-0.0f), a)
#define vf_store(p, a) simde_mm_storeu_ps(p, a)
#define lanes_first(k) \
	simde_mm_loadu_si128((const simde__m128i *) (lane_mask + 8 - (k)))
#define vf_first(a, k) simde_mm_and_ps(a, simde_mm_castsi128_ps(lanes_first(k)))

#if defined(__aarch64__)
#define vf_fmadd(a, b, c) \
	simde__m128_from_neon_f32(vfmaq_f32(simde__m128_to_neon_f32(c), \
										simde__m128_to_neon_f32(a), \
										simde__m128_to_neon_f32(b)))
#else
#define vf_fmadd(a, b, c) simde_mm_add_ps(simde_mm_mul_ps(a, b), c)
#endif

BARQ_INLINE float
vf_sum(VF q)
{
	q = simde_mm_add_ps(q, simde_mm_movehl_ps(q, q));
	return simde_mm_cvtss_f32(simde_mm_add_ss(q, simde_mm_shuffle_ps(q, q, 1)));
}

#define vf_load_f32(p) simde_mm_loadu_ps(p)

BARQ_INLINE VF
vf_tail_f32(const float *p, int rem)
{
	uint64_t	hi = rem == 3 ? load_bytes(p + 2, 4) : 0;

	return simde_mm_castsi128_ps(
		simde_mm_set_epi64x((int64_t) hi, (int64_t) load_bytes(p, rem >= 2 ? 8 : 4)));
}

/* Four IEEE halves in the low 64 bits. */
BARQ_INLINE VF
vf_from_half(simde__m128i h)
{
#if defined(__aarch64__)
	return simde__m128_from_neon_f32(
		vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(
			simde__m128i_to_neon_u16(h)))));
#else
	/*
	 * The half's exponent and mantissa, moved to a float's place, are the
	 * value times 2^-112: one exact multiplication repairs normal and
	 * denormal halves alike. Infinities and NaNs get all exponent bits.
	 */
	simde__m128i w = simde_mm_unpacklo_epi16(h, simde_mm_setzero_si128());
	simde__m128i mag = simde_mm_and_si128(w, simde_mm_set1_epi32(0x7fff));
	simde__m128i sign = simde_mm_slli_epi32(simde_mm_xor_si128(w, mag), 16);
	simde__m128i special = simde_mm_cmpgt_epi32(mag, simde_mm_set1_epi32(0x7bff));
	simde__m128 value = simde_mm_mul_ps(
		simde_mm_castsi128_ps(simde_mm_slli_epi32(mag, 13)),
		simde_mm_castsi128_ps(simde_mm_set1_epi32((127 + 112) << 23)));

	special = simde_mm_and_si128(special, simde_mm_set1_epi32(0x7f800000));
	return simde_mm_castsi128_ps(
		simde_mm_or_si128(simde_mm_or_si128(simde_mm_castps_si128(value), special), sign));
#endif
}

#define vf_load_f16(p) vf_from_half(simde_mm_loadl_epi64((const simde__m128i *) (p)))
#define vf_tail_f16(p, rem) \
	vf_from_half(simde_mm_set_epi64x(0, (int64_t) load_bytes(p, 2 * (rem))))

BARQ_INLINE VF
vf_from_bytes(int32_t four)
{
	simde__m128i z = simde_mm_setzero_si128();
	simde__m128i v = simde_mm_unpacklo_epi8(simde_mm_cvtsi32_si128(four), z);

	return simde_mm_cvtepi32_ps(simde_mm_unpacklo_epi16(v, z));
}

#define vf_load_u8(p) vf_from_bytes((int32_t) load_bytes(p, 4))
#define vf_tail_u8(p, rem) vf_from_bytes((int32_t) load_bytes(p, rem))

#define vi_zero() simde_mm_setzero_si128()
#define vi_set1_8(x) simde_mm_set1_epi8(x)
#define vi_set1_32(x) simde_mm_set1_epi32(x)
#define vi_store(p, a) simde_mm_store_si128((simde__m128i *) (p), a)
#define vi_set1_16(x) simde_mm_set1_epi16(x)
#define vi_load(p) simde_mm_loadu_si128((const simde__m128i *) (p))
#define vi_add(a, b) simde_mm_add_epi32(a, b)
#define vi_madd(a, b) simde_mm_madd_epi16(a, b)
#define vi_and(a, b) simde_mm_and_si128(a, b)
#define vi_or(a, b) simde_mm_or_si128(a, b)
#define vi_xor(a, b) simde_mm_xor_si128(a, b)
#define vi_srl16(a) simde_mm_srli_epi16(a, 8)
#define vi_sra16(a) simde_mm_srai_epi16(a, 8)
#define vi_sll16(a) simde_mm_slli_epi16(a, 8)

/* within ever wider parts of a byte */
BARQ_INLINE VI
vi_bits(VI a)
{
#if defined(__aarch64__)
	a = simde__m128i_from_neon_u8(vcntq_u8(simde__m128i_to_neon_u8(a)));
#else
	VI			pairs = vi_set1_8(0x33);

	a = simde_mm_sub_epi8(a, vi_and(simde_mm_srli_epi16(a, 1), vi_set1_8(0x55)));
	a = simde_mm_add_epi8(vi_and(a, pairs), vi_and(simde_mm_srli_epi16(a, 2), pairs));
	a = vi_and(simde_mm_add_epi8(a, simde_mm_srli_epi16(a, 4)), vi_set1_8(0x0f));
#endif
	return simde_mm_sad_epu8(a, vi_zero());
}

BARQ_INLINE simde__m128i
vi_sum4(VI a, VI b, VI c, VI d)
{
	VI			ab = vi_add(simde_mm_unpacklo_epi32(a, b), simde_mm_unpackhi_epi32(a, b));
	VI			cd = vi_add(simde_mm_unpacklo_epi32(c, d), simde_mm_unpackhi_epi32(c, d));

	return vi_add(simde_mm_unpacklo_epi64(ab, cd), simde_mm_unpackhi_epi64(ab, cd));
}

BARQ_INLINE int32_t
vi_sum(VI q)
{
	q = simde_mm_add_epi32(q, simde_mm_unpackhi_epi64(q, q));
	return simde_mm_cvtsi128_si32(simde_mm_add_epi32(q, simde_mm_shuffle_epi32(q, 1)));
}

#endif

#endif							/* BARQ_SIMD_H */
