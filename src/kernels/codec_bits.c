/*
 * codec_bits.c
 *	  Rows of bits: the bits as they were given, padded to 8 bytes.
 *
 * Counts are exact, so the distances are the operators' own, and a lower
 * bound needs no slack.
 */
#include "codec_internal.h"
#include "measure.h"

void
barq_bits_encode(const BarqCodec *codec, const void *value, void *row)
{
	size_t		bytes = barq_value_bytes(codec, value);

	memcpy(row, value, bytes);
	memset((char *) row + bytes, 0, codec->row_bytes - bytes);
}

/* Of two strings of n bytes, in the operator's own words. */
static inline double
distance(BarqMetric metric, const void *a, const void *b, int n)
{
	uint32_t	both;
	uint32_t	either;

	if (metric == BARQ_METRIC_HAMMING)
		return barq_kernels->hamming(a, b, n);
	barq_kernels->jaccard_parts(a, b, n, &both, &either);
	return barq_jaccard(both, either);
}

void
barq_bits_keys(const BarqCodec *codec, const void *bits, const char *base, size_t stride,
			   const uint32_t *ids, int n, float *keys)
{
	int			bytes = (int) codec->row_bytes;

	for (int i = 0; i < n; i++)
	{
		prefetch_code(base, stride, ids, i, n);
		keys[i] = (float) distance(codec->metric, bits,
								   base + (ids ? ids[i] : (size_t) i) * stride, bytes);
	}
}

void
barq_bits_rescore(const BarqQuery *query, const void *row, double *exact,
				  double *lower_bound)
{
	*exact = *lower_bound = distance(query->codec.metric, query->value, row,
									 (int) query->codec.row_bytes);
}
