/*
 * range_bits.h
 *	  Part of distance.c: which words lie outside of a range, as bits.
 */

/* A bit for each of 8 words, set: the word less `low` is above `span`. */
BARQ_INLINE uint8_t
eight_out_of_range(const uint64_t *words, uint64_t low, uint64_t span)
{
#if BARQ_WIDTH == 512
	return _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(_mm512_loadu_si512(words),
													_mm512_set1_epi64((long long) low)),
								   _mm512_set1_epi64((long long) span));
#elif BARQ_WIDTH == 256
	/* AVX2 compares signed numbers: the sign bits are turned */
	const simde__m256i sign = simde_mm256_set1_epi64x((long long) UINT64_C(0x8000000000000000));
	const simde__m256i lows = simde_mm256_set1_epi64x((long long) low);
	const simde__m256i spans = simde_mm256_xor_si256(simde_mm256_set1_epi64x((long long) span), sign);
	unsigned	mask = 0;

	for (int i = 0; i < 8; i += 4)
	{
		simde__m256i four = simde_mm256_loadu_si256((const simde__m256i *) (words + i));
		simde__m256i above = simde_mm256_cmpgt_epi64(simde_mm256_xor_si256(simde_mm256_sub_epi64(four, lows), sign), spans);

		mask |= (unsigned) simde_mm256_movemask_pd(simde_mm256_castsi256_pd(above)) << i;
	}
	return (uint8_t) mask;
#else
	unsigned	mask = 0;

	for (int i = 0; i < 8; i++)
		mask |= (unsigned) (words[i] - low > span) << i;
	return (uint8_t) mask;
#endif
}

static void
out_of_range(const uint64_t *words, size_t n, uint64_t low, uint64_t high, uint8_t *bits)
{
	size_t		i = 0;

	for (; i + 8 <= n; i += 8)
		bits[i / 8] = eight_out_of_range(words + i, low, high - low);
	if (i < n)
	{
		uint64_t	last[8] = {0};

		memcpy(last, words + i, (n - i) * sizeof(uint64_t));
		bits[i / 8] = eight_out_of_range(last, low, high - low);
	}
}
