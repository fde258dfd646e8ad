/*
 * distance_rabitq.h
 *	  Part of distance.c: integer sums over 2-bit codes, the keys made of them,
 *	  and the Walsh-Hadamard transform for rotations.
 */

#if BARQ_WIDTH == 512
#define vi_shift16(a, k) _mm512_srli_epi16(a, k)
#define vi_load_some(p, n) vi_tail(p, n)
#elif BARQ_WIDTH == 256
#define vi_shift16(a, k) simde_mm256_srli_epi16(a, k)
/* codes are multiples of 16 bytes */
#define vi_load_some(p, n) \
	simde_mm256_inserti128_si256(vi_zero(), \
								 simde_mm_loadu_si128((const simde__m128i *) (p)), 0)
#else
#define vi_shift16(a, k) simde_mm_srli_epi16(a, k)
#define vi_load_some(p, n) vi_load(p)
#endif

/*
 * Add to acc the products of one vector of codes, four dimensions a byte, and
 * the query. q[f]: the query's bytes for field f, lowest bits first.
 *
 * With VNNI as in distance_codes.h. Otherwise with pmaddubsw, which does not
 * saturate here: four fields make 4 * 2 * 3 * 127 = 3,048. Without that
 * instruction by the functions of distance_codes.h.
 */
BARQ_INLINE VI
dot_fields(VI acc, VI code, const VI *q)
{
	const VI	low = vi_set1_8(3);
	VI			f0 = vi_and(code, low);
	VI			f1 = vi_and(vi_shift16(code, 2), low);
	VI			f2 = vi_and(vi_shift16(code, 4), low);
	VI			f3 = vi_and(vi_shift16(code, 6), low);

#if defined(__AVX512VNNI__)
	acc = _mm512_dpbusd_epi32(acc, f0, q[0]);
	acc = _mm512_dpbusd_epi32(acc, f1, q[1]);
	acc = _mm512_dpbusd_epi32(acc, f2, q[2]);
	return _mm512_dpbusd_epi32(acc, f3, q[3]);
#elif BARQ_WIDTH == 512
	VI			a = vi_add16(_mm512_maddubs_epi16(f0, q[0]), _mm512_maddubs_epi16(f1, q[1]));
	VI			b = vi_add16(_mm512_maddubs_epi16(f2, q[2]), _mm512_maddubs_epi16(f3, q[3]));

	return vi_add(acc, vi_madd(vi_add16(a, b), vi_set1_16(1)));
#elif BARQ_WIDTH == 256
	VI			a = simde_mm256_add_epi16(simde_mm256_maddubs_epi16(f0, q[0]),
										  simde_mm256_maddubs_epi16(f1, q[1]));
	VI			b = simde_mm256_add_epi16(simde_mm256_maddubs_epi16(f2, q[2]),
										  simde_mm256_maddubs_epi16(f3, q[3]));

	return vi_add(acc, vi_madd(simde_mm256_add_epi16(a, b), vi_set1_16(1)));
#else
	acc = dot_bytes(acc, f0, query_bytes(q[0], true), true);
	acc = dot_bytes(acc, f1, query_bytes(q[1], true), true);
	acc = dot_bytes(acc, f2, query_bytes(q[2], true), true);
	return dot_bytes(acc, f3, query_bytes(q[3], true), true);
#endif
}

/*
 * The dot products of a query's codes with up to ROWS rows of `plane` bytes of 2-bit
 * codes; if rows is 1, in the lowest element only.
 */
BARQ_INLINE simde__m128i
field_rows(const int8_t *query, const uint8_t *const *row, const int rows, int plane)
{
	VI			acc[ROWS];
	VI			q[4];
	int			i = 0;

	for (int r = 0; r < ROWS; r++)
		acc[r] = vi_zero();
	for (; i + I_BYTES <= plane; i += I_BYTES)
	{
		for (int f = 0; f < 4; f++)
			q[f] = vi_load(query + f * plane + i);
		for (int r = 0; r < rows; r++)
			acc[r] = dot_fields(acc[r], vi_load(row[r] + i), q);
	}
	if (i < plane)
	{
		for (int f = 0; f < 4; f++)
			q[f] = vi_load_some(query + f * plane + i, plane - i);
		for (int r = 0; r < rows; r++)
			acc[r] = dot_fields(acc[r], vi_load_some(row[r] + i, plane - i), q);
	}
	if (rows == 1)
		return simde_mm_cvtsi32_si128(vi_sum(acc[0]));
	return vi_sum4(acc[0], acc[1], acc[2], acc[3]);
}

/*
 * The keys of four rows of n dimensions of form rabitq, from their dot products, by
 * BARQ_RABITQ_KEY.
 */
BARQ_INLINE simde__m128
combine_rabitq(const BarqRabitqTerms *t, simde__m128i dot, const uint8_t *const *row, int n)
{
	size_t		at = barq_rabitq_terms_at(n);
	simde__m128 r0 = simde_mm_loadu_ps((const float *) (row[0] + at));
	simde__m128 r1 = simde_mm_loadu_ps((const float *) (row[1] + at));
	simde__m128 r2 = simde_mm_loadu_ps((const float *) (row[2] + at));
	simde__m128 r3 = simde_mm_loadu_ps((const float *) (row[3] + at));
	simde__m128 nm01 = simde_mm_unpacklo_ps(r0, r1);
	simde__m128 nm23 = simde_mm_unpacklo_ps(r2, r3);
	simde__m128 fs01 = simde_mm_unpackhi_ps(r0, r1);
	simde__m128 fs23 = simde_mm_unpackhi_ps(r2, r3);
	simde__m128 norms = simde_mm_movelh_ps(nm01, nm23);
	simde__m128 means = simde_mm_movehl_ps(nm23, nm01);
	simde__m128 factors = t->of_code ? simde_mm_movehl_ps(fs23, fs01)
		: simde_mm_movelh_ps(fs01, fs23);

#if BARQ_WIDTH >= 256
	simde__m256d key = BARQ_RABITQ_KEY(t, simde__m256d, simde_mm256_set1_pd,
									   simde_mm256_cvtps_pd(norms),
									   simde_mm256_cvtps_pd(means),
									   simde_mm256_cvtps_pd(factors),
									   simde_mm256_cvtepi32_pd(dot));

	return simde_mm256_cvtpd_ps(simde_mm256_max_pd(key, simde_mm256_set1_pd(t->least)));
#else
	simde__m128 half[2];

	for (int h = 0; h < 2; h++)
	{
		simde__m128d key = BARQ_RABITQ_KEY(t, simde__m128d, simde_mm_set1_pd,
										   simde_mm_cvtps_pd(norms),
										   simde_mm_cvtps_pd(means),
										   simde_mm_cvtps_pd(factors),
										   simde_mm_cvtepi32_pd(dot));

		half[h] = simde_mm_cvtpd_ps(simde_mm_max_pd(key, simde_mm_set1_pd(t->least)));
		norms = simde_mm_movehl_ps(norms, norms);
		means = simde_mm_movehl_ps(means, means);
		factors = simde_mm_movehl_ps(factors, factors);
		dot = simde_mm_unpackhi_epi64(dot, dot);
	}
	return simde_mm_movelh_ps(half[0], half[1]);
#endif
}

static void
rabitq_keys_batch(const int8_t *q, const BarqRabitqTerms *terms,
				  const char *base, size_t stride, const uint32_t *ids,
				  int nrows, int n, float *keys)
{
	const BarqRabitqTerms t = *terms;
	const uint8_t *row[ROWS];
	size_t		bytes = barq_rabitq_terms_at(n) + 16;

	prefetch_first(base, stride, ids, nrows, bytes);
	for (int i = 0; i < nrows; i += ROWS)
	{
		simde__m128i dot;
		float		four[ROWS];

		for (int r = 0; r < ROWS; r++)
			prefetch_ahead(base, stride, ids, i + r, nrows, bytes);
		rows_at(row, base, stride, ids, i, nrows);
		dot = i + 1 == nrows ? field_rows(q, row, 1, n / 4)
			: field_rows(q, row, ROWS, n / 4);
		simde_mm_storeu_ps(four, combine_rabitq(&t, dot, row, n));
		for (int r = 0; r < ROWS && i + r < nrows; r++)
			keys[i + r] = four[r];
	}
}

/* Replace x[i], x[i + step] by their sum and difference, LANES at a time. */
#define BUTTERFLIES(LANES, V, LOAD, STORE, ADD, SUB) \
	for (int at = 0; at < n; at += 2 * step) \
		for (int i = at; i < at + step; i += (LANES)) \
		{ \
			V			a = LOAD(x + i); \
			V			b = LOAD(x + i + step); \
			\
			STORE(x + i, ADD(a, b)); \
			STORE(x + i + step, SUB(a, b)); \
		}

/* Butterflies of step 1 and 2 within registers, then of 4, 8, ... */
static void
hadamard(float *x, int n)
{
	const simde__m128 odd = simde_mm_setr_ps(0.0f, -0.0f, 0.0f, -0.0f);
	const simde__m128 high = simde_mm_setr_ps(0.0f, 0.0f, -0.0f, -0.0f);
	int			step = 4;

	for (int i = 0; i < n; i += 4)
	{
		simde__m128 v = simde_mm_loadu_ps(x + i);

		/* a + b and a - b: the second by flipping the sign of b */
		v = simde_mm_add_ps(simde_mm_shuffle_ps(v, v, SIMDE_MM_SHUFFLE(2, 3, 0, 1)),
							simde_mm_xor_ps(v, odd));
		v = simde_mm_add_ps(simde_mm_shuffle_ps(v, v, SIMDE_MM_SHUFFLE(1, 0, 3, 2)),
							simde_mm_xor_ps(v, high));
		simde_mm_storeu_ps(x + i, v);
	}
	for (; step < V_LANES; step *= 2)
		BUTTERFLIES(4, simde__m128, simde_mm_loadu_ps, simde_mm_storeu_ps,
					simde_mm_add_ps, simde_mm_sub_ps)
	for (; step < n; step *= 2)
		BUTTERFLIES(V_LANES, VF, vf_load_f32, vf_store, vf_add, vf_sub)
}
