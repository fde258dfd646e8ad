/*
 * distance_codes.h
 *	  Part of distance.c: integer sums over 8-bit codes, and the keys made
 *	  of them.
 *
 * The sums are exact, so they may be computed in any order: several rows are
 * scored at once and share the loads of the query and one horizontal reduction.
 */

/* Rows scored at once. */
#define ROWS 4

/*
 * A dot product of bytes. "Signed": unsigned codes times a signed query.
 * "Unsigned": both unsigned.
 *
 * With VNNI, dpbusd multiplies unsigned by signed bytes. For two unsigned codes,
 * 128 is subtracted from one of them and 128 * (sum of the other) added to the
 * result. Without VNNI, even and odd bytes are widened to 16 bits separately, and
 * pmaddwd multiplies and adds pairs into 32 bits. (pmaddubsw would be shorter,
 * but saturates: 2 * 255 * 127 does not fit 16 bits.)
 */
#if defined(__AVX512VNNI__)

#define DOT_UNROLL 2
typedef struct
{
	VI			v;
} QueryBytes;

/* Prepare a vector of query bytes for dot_bytes(). */
BARQ_INLINE QueryBytes
query_bytes(VI q, bool is_signed)
{
	(void) is_signed;
	return (QueryBytes) {q};
}

/* Add the products of code and query bytes to acc's 32-bit sums. */
BARQ_INLINE VI
dot_bytes(VI acc, VI code, QueryBytes q, bool is_signed)
{
	return is_signed ? _mm512_dpbusd_epi32(acc, code, q.v)
		: _mm512_dpbusd_epi32(acc, q.v, vi_xor(code, vi_set1_8((char) 0x80)));
}

#else

#define DOT_UNROLL 1
typedef struct
{
	VI			even;
	VI			odd;
} QueryBytes;

/* Prepare a vector of query bytes for dot_bytes(). */
BARQ_INLINE QueryBytes
query_bytes(VI q, bool is_signed)
{
	if (is_signed)
		return (QueryBytes) {vi_sra16(vi_sll16(q)), vi_sra16(q)};
	return (QueryBytes) {vi_and(q, vi_set1_16(0xff)), vi_srl16(q)};
}

/* Add the products of code and query bytes to acc's 32-bit sums. */
BARQ_INLINE VI
dot_bytes(VI acc, VI code, QueryBytes q, bool is_signed)
{
	(void) is_signed;
	return vi_add(acc, vi_add(vi_madd(vi_and(code, vi_set1_16(0xff)), q.even),
							  vi_madd(vi_srl16(code), q.odd)));
}

#endif

/*
 * The dot products of the query and `rows` rows of n bytes each, in 32-bit lanes
 * 0 ... rows - 1. `rows` is the constant 1 or ROWS.
 */
BARQ_INLINE simde__m128i
dot_rows(const void *query, const uint8_t *const *row, const int rows, int n,
		 const bool is_signed)
{
	const char *q = query;
	VI			acc[ROWS][DOT_UNROLL];
	int			i = 0;

	for (int r = 0; r < ROWS; r++)
		for (int u = 0; u < DOT_UNROLL; u++)
			acc[r][u] = vi_zero();

#if DOT_UNROLL == 2
	for (; i + 2 * I_BYTES <= n; i += 2 * I_BYTES)
	{
		QueryBytes	q0 = query_bytes(vi_load(q + i), is_signed);
		QueryBytes	q1 = query_bytes(vi_load(q + i + I_BYTES), is_signed);

		for (int r = 0; r < rows; r++)
		{
			acc[r][0] = dot_bytes(acc[r][0], vi_load(row[r] + i), q0, is_signed);
			acc[r][1] = dot_bytes(acc[r][1], vi_load(row[r] + i + I_BYTES), q1, is_signed);
		}
	}
#endif
	for (; i + I_BYTES <= n; i += I_BYTES)
	{
		QueryBytes	q0 = query_bytes(vi_load(q + i), is_signed);

		for (int r = 0; r < rows; r++)
			acc[r][0] = dot_bytes(acc[r][0], vi_load(row[r] + i), q0, is_signed);
	}
	if (i < n)
	{
		/* bytes of rows outside of the tail meet zeros of the query */
#ifdef vi_tail
		QueryBytes	qt = query_bytes(vi_tail(q + i, n - i), is_signed);

		for (int r = 0; r < rows; r++)
			acc[r][DOT_UNROLL - 1] = dot_bytes(acc[r][DOT_UNROLL - 1],
											   vi_tail(row[r] + i, n - i), qt, is_signed);
#else
		if (n >= I_BYTES)
		{
			/* the last I_BYTES bytes, without those that were summed above */
			VI			mask = vi_load(byte_mask + n - i);
			QueryBytes	qt = query_bytes(vi_and(vi_load(q + n - I_BYTES), mask), is_signed);

			for (int r = 0; r < rows; r++)
				acc[r][0] = dot_bytes(acc[r][0], vi_load(row[r] + n - I_BYTES), qt, is_signed);
		}
		else
		{
			char		buffer[I_BYTES] = {0};
			QueryBytes	qt;

			memcpy(buffer, q, (size_t) n);
			qt = query_bytes(vi_load(buffer), is_signed);
			for (int r = 0; r < rows; r++)
			{
				memcpy(buffer, row[r], (size_t) n);
				acc[r][0] = dot_bytes(acc[r][0], vi_load(buffer), qt, is_signed);
			}
		}
#endif
	}

#if DOT_UNROLL == 2
	for (int r = 0; r < rows; r++)
		acc[r][0] = vi_add(acc[r][0], acc[r][1]);
#endif
	if (rows == 1)
		return simde_mm_cvtsi32_si128(vi_sum(acc[0][0]));
	return vi_sum4(acc[0][0], acc[1][0], acc[2][0], acc[3][0]);
}

/*
 * The number to add to an unsigned dot product of `a`: with VNNI 128 * (sum of a),
 * because 128 was subtracted from the other codes; else 0.
 */
static uint32_t
unsigned_correction(const uint8_t *a, int n)
{
#if defined(__AVX512VNNI__)
	VI			acc = vi_zero();
	int			i = 0;

	for (; i + I_BYTES <= n; i += I_BYTES)
		acc = _mm512_dpbusd_epi32(acc, vi_load(a + i), vi_set1_8(1));
	if (i < n)
		acc = _mm512_dpbusd_epi32(acc, vi_tail(a + i, n - i), vi_set1_8(1));
	return 128u * (uint32_t) vi_sum(acc);
#else
	(void) a;
	(void) n;
	return 0;
#endif
}

static int32_t
ip_u8s8(const uint8_t *code, const int8_t *query, int n)
{
	return simde_mm_cvtsi128_si32(dot_rows(query, &code, 1, n, true));
}

static uint32_t
ip_u8u8(const uint8_t *a, const uint8_t *b, int n)
{
	return (uint32_t) simde_mm_cvtsi128_si32(dot_rows(a, &b, 1, n, false)) +
		unsigned_correction(a, n);
}

/*
 * Set row[] to rows i ... i + ROWS - 1 of a batch. If there are fewer, the last
 * one is repeated: scoring it again costs less than a branch.
 */
BARQ_INLINE void
rows_at(const uint8_t **row, const char *base, size_t stride,
		const uint32_t *ids, int i, int nrows)
{
	for (int r = 0; r < ROWS; r++)
		row[r] = (const uint8_t *) row_at(base, stride, ids,
										  i + r < nrows ? i + r : nrows - 1);
}

/* Dot products of the query and all rows, plus `correction`. */
BARQ_INLINE void
dot_batch(const void *q, const char *base, size_t stride, const uint32_t *ids,
		  int nrows, int n, uint32_t *out, uint32_t correction, const bool is_signed)
{
	const uint8_t *row[ROWS];

	prefetch_first(base, stride, ids, nrows, (size_t) n);
	for (int i = 0; i < nrows; i += ROWS)
	{
		simde__m128i sums;
		uint32_t	four[ROWS];

		for (int r = 0; r < ROWS; r++)
			prefetch_ahead(base, stride, ids, i + r, nrows, (size_t) n);
		rows_at(row, base, stride, ids, i, nrows);
		sums = i + 1 == nrows ? dot_rows(q, row, 1, n, is_signed)
			: dot_rows(q, row, ROWS, n, is_signed);
		simde_mm_storeu_si128((simde__m128i *) four, sums);
		for (int r = 0; r < ROWS && i + r < nrows; r++)
			out[i + r] = four[r] + correction;
	}
}

static void
ip_u8s8_batch(const int8_t *q, const char *base, size_t stride,
			  const uint32_t *ids, int nrows, int n, int32_t *out)
{
	dot_batch(q, base, stride, ids, nrows, n, (uint32_t *) out, 0, true);
}

static void
ip_u8u8_batch(const uint8_t *q, const char *base, size_t stride,
			  const uint32_t *ids, int nrows, int n, uint32_t *out)
{
	dot_batch(q, base, stride, ids, nrows, n, out, unsigned_correction(q, n), false);
}

/*
 * Four keys from four sums and the terms of four rows, by BARQ_SQ8_KEY. In
 * double, neither contracted nor reassociated (the build uses
 * -ffp-contract=off), so that all levels and sq8_key() of codec_sq8.c give the
 * same bits.
 */
BARQ_INLINE simde__m128
combine_keys(const BarqSq8Terms *t, simde__m128i dot, const uint8_t *const *row, int n)
{
	size_t		at = barq_sq8_terms_at(n);
	simde__m128i r0 = simde_mm_loadu_si128((const simde__m128i *) (row[0] + at));
	simde__m128i r1 = simde_mm_loadu_si128((const simde__m128i *) (row[1] + at));
	simde__m128i r2 = simde_mm_loadu_si128((const simde__m128i *) (row[2] + at));
	simde__m128i r3 = simde_mm_loadu_si128((const simde__m128i *) (row[3] + at));
	simde__m128i so01 = simde_mm_unpacklo_epi32(r0, r1);
	simde__m128i so23 = simde_mm_unpacklo_epi32(r2, r3);
	simde__m128i cc01 = simde_mm_unpackhi_epi32(r0, r1);
	simde__m128i cc23 = simde_mm_unpackhi_epi32(r2, r3);
	simde__m128 scales = simde_mm_castsi128_ps(simde_mm_unpacklo_epi64(so01, so23));
	simde__m128 offsets = simde_mm_castsi128_ps(simde_mm_unpackhi_epi64(so01, so23));
	simde__m128i sums = simde_mm_unpacklo_epi64(cc01, cc23);
	simde__m128i squares = simde_mm_unpackhi_epi64(cc01, cc23);

#if BARQ_WIDTH >= 256
	simde__m256d key = BARQ_SQ8_KEY(t, simde__m256d, simde_mm256_set1_pd,
									simde_mm256_cvtps_pd(scales),
									simde_mm256_cvtps_pd(offsets),
									simde_mm256_cvtepi32_pd(sums),
									simde_mm256_cvtepi32_pd(squares),
									simde_mm256_cvtepi32_pd(dot));

	return simde_mm256_cvtpd_ps(simde_mm256_max_pd(key, simde_mm256_set1_pd(t->least)));
#else
	simde__m128 half[2];

	for (int h = 0; h < 2; h++)
	{
		simde__m128d key = BARQ_SQ8_KEY(t, simde__m128d, simde_mm_set1_pd,
										simde_mm_cvtps_pd(scales),
										simde_mm_cvtps_pd(offsets),
										simde_mm_cvtepi32_pd(sums),
										simde_mm_cvtepi32_pd(squares),
										simde_mm_cvtepi32_pd(dot));

		half[h] = simde_mm_cvtpd_ps(simde_mm_max_pd(key, simde_mm_set1_pd(t->least)));
		scales = simde_mm_movehl_ps(scales, scales);
		offsets = simde_mm_movehl_ps(offsets, offsets);
		sums = simde_mm_unpackhi_epi64(sums, sums);
		squares = simde_mm_unpackhi_epi64(squares, squares);
		dot = simde_mm_unpackhi_epi64(dot, dot);
	}
	return simde_mm_movelh_ps(half[0], half[1]);
#endif
}

static void
sq8_keys_batch(const int8_t *q, const BarqSq8Terms *terms,
			   const char *base, size_t stride, const uint32_t *ids,
			   int nrows, int n, float *keys)
{
	const BarqSq8Terms t = *terms;
	const uint8_t *row[ROWS];
	size_t		bytes = barq_sq8_terms_at(n) + 16;

	prefetch_first(base, stride, ids, nrows, bytes);
	for (int i = 0; i < nrows; i += ROWS)
	{
		simde__m128i dot;
		simde__m128 key;

		for (int r = 0; r < ROWS; r++)
			prefetch_ahead(base, stride, ids, i + r, nrows, bytes);
		rows_at(row, base, stride, ids, i, nrows);
		dot = i + 1 == nrows ? dot_rows(q, row, 1, n, true)
			: dot_rows(q, row, ROWS, n, true);
		key = combine_keys(&t, dot, row, n);
		if (i + ROWS <= nrows)
			simde_mm_storeu_ps(keys + i, key);
		else
		{
			float		four[ROWS];

			simde_mm_storeu_ps(four, key);
			for (int r = 0; i + r < nrows; r++)
				keys[i + r] = four[r];
		}
	}
}
