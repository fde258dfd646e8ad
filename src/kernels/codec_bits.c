/*
 * codec_bits.c
 *	  The form of bit strings: the bits as given, padded with zeros to 8 bytes.
 *
 * Counts of bits are exact, so the distances are the operators' own, and a
 * lower bound needs no slack.
 *
 * Functions that the table at the end names have the contracts of the functions
 * of codec.h with nearly the same names.
 */
#include "codec_internal.h"
#include "measure.h"

static size_t
bytes_of(int dims)
{
	return ((size_t) dims + 7) / 8;
}

static size_t
row_bytes(int dims)
{
	return padded(bytes_of(dims));
}

static size_t
value_bytes(const BarqCodec *codec, const void *value)
{
	(void) value;
	return bytes_of(codec->dims);
}

static bool
value_is_zero(const BarqCodec *codec, const void *value)
{
	const char *bits = value;

	for (size_t i = 0; i < bytes_of(codec->dims); i++)
		if (bits[i] != 0)
			return false;
	return true;
}

static bool
encode(const BarqCodec *codec, const void *value, void *row)
{
	size_t		bytes = bytes_of(codec->dims);

	memcpy(row, value, bytes);
	memset((char *) row + bytes, 0, codec->row_bytes - bytes);
	return true;
}

/* Dimension 0 is the highest bit of the first byte, as in type bit. */
static bool
encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	unsigned char *bits = row;

	memset(bits, 0, codec->row_bytes);
	for (int i = 0; i < codec->dims; i++)
		if (x[i] > 0.5f)
			bits[i / 8] |= (unsigned char) (0x80 >> i % 8);
	return true;
}

static void
decode(const BarqCodec *codec, const void *row, float *x)
{
	const unsigned char *bits = row;

	for (int i = 0; i < codec->dims; i++)
		x[i] = (bits[i / 8] >> (7 - i % 8)) & 1;
}

/* The operator's distance of two strings of n bytes. */
static inline double
distance_of(BarqMetric metric, const void *a, const void *b, int n)
{
	uint32_t	both;
	uint32_t	either;

	if (metric == BARQ_METRIC_HAMMING)
		return barq_kernels->hamming(a, b, n);
	barq_kernels->jaccard_parts(a, b, n, &both, &either);
	return barq_jaccard(both, either);
}

static void
code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
		  const uint32_t *ids, int n, float *keys)
{
	int			bytes = (int) codec->row_bytes;

	for (int i = 0; i < n; i++)
	{
		prefetch_code(base, stride, ids, i, n);
		keys[i] = (float) distance_of(codec->metric, a,
									  base + (ids ? ids[i] : (size_t) i) * stride, bytes);
	}
}

static size_t
query_bytes(const BarqCodec *codec)
{
	return ALIGN64((size_t) codec->row_bytes);
}

/* The query is a row. */
static void
prepare(BarqQuery *query, const void *value, void *arrays)
{
	encode(&query->codec, value, arrays);
	query->value = arrays;
}

static void
query_keys(const BarqQuery *query, const char *base, size_t stride,
		   const uint32_t *ids, int n, float *keys)
{
	code_keys(&query->codec, query->value, base, stride, ids, n, keys);
}

static void
rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	interval->distance = interval->low = interval->high = distance_of(query->codec.metric, query->value, row,
																	  (int) query->codec.row_bytes);
}

const BarqCodecForm barq_form_bits = {
	.name = "none",
	.metrics = BARQ_METRIC_BIT(BARQ_METRIC_HAMMING) | BARQ_METRIC_BIT(BARQ_METRIC_JACCARD),
	.max_dims = BARQ_CODEC_MAX_BITS,
	.least_stride = 8,
	.scoring_bytes = SHORT_ROW_BYTES,
	.only_form = true,
	.is_exact = true,
	.proves = true,
	.row_bytes = row_bytes,
	.value_bytes = value_bytes,
	.value_is_zero = value_is_zero,
	.encode = encode,
	.encode_floats = encode_floats,
	.decode = decode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = query_keys,
	.rescore = rescore,
	.code_keys = code_keys
};
