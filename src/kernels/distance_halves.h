/*
 * distance_halves.h
 *	  Part of distance.c: rows of half codes whose keys may be within a limit.
 *
 * A block (BARQ_HALF_ROWS rows; kernels.h) has groups of eight dimensions of all its
 * rows side by side, so each 32-bit lane belongs to one row and nothing is summed
 * horizontally. Sums of integers are exact, and floats are added and multiplied in one
 * order without being contracted: all levels find the same rows.
 */

#define HALF_VECTORS	(BARQ_HALF_ROWS * 4 / I_BYTES)

#if BARQ_WIDTH == 512
#define vi_srl16_by4(a) _mm512_srli_epi16(a, 4)
#define vi_maddubs(a, b) _mm512_maddubs_epi16(a, b)
#define vf_from_i32(a) _mm512_cvtepi32_ps(a)
#define vf_not_above(a, b) ((unsigned) _mm512_cmp_ps_mask(a, b, _CMP_NGT_UQ))
#elif BARQ_WIDTH == 256
#define vi_srl16_by4(a) simde_mm256_srli_epi16(a, 4)
#define vi_maddubs(a, b) simde_mm256_maddubs_epi16(a, b)
#define vf_from_i32(a) simde_mm256_cvtepi32_ps(a)
#define vf_not_above(a, b) ((unsigned) simde_mm256_movemask_ps(simde_mm256_cmp_ps(a, b, SIMDE_CMP_NGT_UQ)))
#else
#define vi_srl16_by4(a) simde_mm_srli_epi16(a, 4)
#define vi_srl16_by12(a) simde_mm_srli_epi16(a, 12)
#define vf_from_i32(a) simde_mm_cvtepi32_ps(a)
#define vf_not_above(a, b) ((unsigned) simde_mm_movemask_ps(simde_mm_cmpngt_ps(a, b)))
#endif

#if BARQ_WIDTH > 128

/* The query's codes as the lanes of a block meet them: four a word, as they are. */
#define HALF_WORDS		2

BARQ_INLINE void
lay_out_half_query(int32_t *words, const int8_t *q, int groups)
{
	memcpy(words, q, (size_t) groups * 8);
}

/* Add the products of `groups` groups, at most four, to sums[]. */
BARQ_INLINE void
dot_half_groups(VI *sums, const char *codes, const int32_t *words, const int groups)
{
	const VI	low = vi_set1_8(0x0f);
#if defined(__AVX512VNNI__)
	for (int g = 0; g < groups; g++)
	{
		VI			x = vi_load(codes + (size_t) g * BARQ_HALF_ROWS * 4);

		sums[0] = _mm512_dpbusd_epi32(sums[0], vi_and(x, low), vi_set1_32(words[2 * g]));
		sums[0] = _mm512_dpbusd_epi32(sums[0], vi_and(vi_srl16_by4(x), low), vi_set1_32(words[2 * g + 1]));
	}
#else
	VI			part[HALF_VECTORS];

	for (int v = 0; v < HALF_VECTORS; v++)
		part[v] = vi_zero();
	/* 2 * 15 * 127 twice a group: eight of them fit 16 bits */
	for (int g = 0; g < groups; g++)
	{
		VI			q0 = vi_set1_32(words[2 * g]);
		VI			q1 = vi_set1_32(words[2 * g + 1]);

		for (int v = 0; v < HALF_VECTORS; v++)
		{
			VI			x = vi_load(codes + (size_t) g * BARQ_HALF_ROWS * 4 + v * I_BYTES);

			part[v] = vi_add16(part[v], vi_maddubs(vi_and(x, low), q0));
			part[v] = vi_add16(part[v], vi_maddubs(vi_and(vi_srl16_by4(x), low), q1));
		}
	}
	for (int v = 0; v < HALF_VECTORS; v++)
		sums[v] = vi_add(sums[v], vi_madd(part[v], vi_set1_16(1)));
#endif
}

#else							/* 128 bits: no products of bytes */

/* Pairs of 16-bit codes: of dimensions 0, 2; 1, 3; 4, 6; 5, 7 of a group. */
#define HALF_WORDS		4

BARQ_INLINE void
lay_out_half_query(int32_t *words, const int8_t *q, int groups)
{
	static const int first[HALF_WORDS] = {0, 1, 4, 5};

	for (int g = 0; g < groups; g++)
		for (int k = 0; k < HALF_WORDS; k++)
		{
			int16_t		pair[2] = {q[g * 8 + first[k]], q[g * 8 + first[k] + 2]};

			memcpy(&words[g * HALF_WORDS + k], pair, sizeof(pair));
		}
}

BARQ_INLINE void
dot_half_groups(VI *sums, const char *codes, const int32_t *words, const int groups)
{
	const VI	low = vi_set1_16(0x0f);

	for (int g = 0; g < groups; g++)
		for (int v = 0; v < HALF_VECTORS; v++)
		{
			const int32_t *w = words + g * HALF_WORDS;
			VI			x = vi_load(codes + (size_t) g * BARQ_HALF_ROWS * 4 + v * I_BYTES);

			sums[v] = vi_add(sums[v], vi_madd(vi_and(x, low), vi_set1_32(w[0])));
			sums[v] = vi_add(sums[v], vi_madd(vi_and(vi_srl16(x), low), vi_set1_32(w[1])));
			sums[v] = vi_add(sums[v], vi_madd(vi_and(vi_srl16_by4(x), low), vi_set1_32(w[2])));
			sums[v] = vi_add(sums[v], vi_madd(vi_srl16_by12(x), vi_set1_32(w[3])));
		}
}

#endif

static int
half_rows_within(const int8_t *q, const BarqHalfTerms *t, const char *blocks, int nblocks,
				 int groups, float limit, uint32_t *which)
{
	int32_t		words[HALF_WORDS * BARQ_HALF_GROUPS];
	size_t		bytes = BARQ_HALF_BLOCK_BYTES(groups);
	int			found = 0;

	lay_out_half_query(words, q, groups);
	for (int b = 0; b < nblocks; b++)
	{
		const char *block = blocks + (size_t) b * bytes;
		const float *rows = (const float *) (block + (size_t) groups * BARQ_HALF_ROWS * 4);
		VI			sums[HALF_VECTORS];
		unsigned	mask = 0;
		int			g = 0;

		for (int v = 0; v < HALF_VECTORS; v++)
			sums[v] = vi_zero();
		for (; g + 4 <= groups; g += 4)
			dot_half_groups(sums, block + (size_t) g * BARQ_HALF_ROWS * 4, words + g * HALF_WORDS, 4);
		if (g < groups)
			dot_half_groups(sums, block + (size_t) g * BARQ_HALF_ROWS * 4, words + g * HALF_WORDS,
							groups - g);
		for (int v = 0; v < HALF_VECTORS; v++)
		{
			const float *row = rows + v * V_LANES;
			VF			mean = vf_load_f32(row) - vf_set1(t->ref);
			VF			step = vf_load_f32(row + 2 * BARQ_HALF_ROWS);
			VF			least = vf_set1(t->base) + mean * (vf_set1(t->by_mean) + vf_set1(t->by_mean_sq) * mean);

			least = least + vf_load_f32(row + BARQ_HALF_ROWS);
			least = least + vf_set1(t->by_sum) * vf_load_f32(row + 3 * BARQ_HALF_ROWS);
			least = least + step * (vf_set1(t->by_dot) * vf_from_i32(sums[v]) - vf_set1(t->slack));
			mask |= vf_not_above(least, vf_set1(limit)) << (v * V_LANES);
		}
		for (; mask != 0; mask &= mask - 1)
			which[found++] = (uint32_t) (b * BARQ_HALF_ROWS + __builtin_ctz(mask));
	}
	return found;
}
