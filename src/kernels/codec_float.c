/*
 * codec_float.c
 *	  The forms none and f16: coordinates as float32 or IEEE half, under cosine
 *	  those of the normalised vector.
 *
 * Functions that the table at the end names have the contracts of the functions
 * of codec.h with nearly the same names.
 */
#include "codec_internal.h"

/* Bytes of a row of form none, and of form f16. */
static size_t
none_row_bytes(int dims)
{
	return padded((size_t) dims * sizeof(float)) + sizeof(FloatTrailer);
}

static size_t
f16_row_bytes(int dims)
{
	return padded((size_t) dims * sizeof(uint16_t)) + sizeof(FloatTrailer);
}

/* Write the code of x * factor, not its padding, and add up the loss. */
static void
write_none(const BarqCodec *codec, const float *x, double factor, char *code, LossSums *sums)
{
	if (codec->metric != BARQ_METRIC_COSINE)
	{
		memcpy(code, x, (size_t) codec->dims * sizeof(float));
		return;
	}
	for (int i = 0; i < codec->dims; i++)
	{
		double		v = x[i] * factor;
		float		f = (float) v;

		memcpy(code + (size_t) i * sizeof(float), &f, sizeof(f));
		add_loss(&sums[i % LANES], false, v, f);
	}
}

/*
 * Write the dims coordinates, times factor, to code as halves, clamped to their range,
 * and add the losses to *sums.
 */
static void
write_f16(const BarqCodec *codec, const float *x, double factor, char *code, LossSums *sums)
{
	enum
	{
		CHUNK = 256
	};
	const double most = 65504;	/* the largest finite half */
	bool		l1 = codec->metric == BARQ_METRIC_L1;

	for (int at = 0; at < codec->dims; at += CHUNK)
	{
		int			n = codec->dims - at < CHUNK ? codec->dims - at : CHUNK;
		float		in[CHUNK];
		float		out[CHUNK];
		uint16_t	half[CHUNK];

		for (int i = 0; i < n; i++)
		{
			double		v = x[at + i] * factor;

			in[i] = (float) (v > most ? most : v < -most ? -most : v);
		}
		barq_kernels->f32_to_f16(in, half, n);
		barq_kernels->f16_to_f32(half, out, n);
		for (int i = 0; i < n; i++)
			add_loss(&sums[i % LANES], l1, x[at + i] * factor, out[i]);
		memcpy(code + (size_t) at * sizeof(uint16_t), half, (size_t) n * sizeof(uint16_t));
	}
}

typedef void (*WriteCode) (const BarqCodec *codec, const float *x, double factor,
						   char *code, LossSums *sums);

/* Encode a vector (barq_codec_encode), the code being written by `write`. */
static inline bool
encode(const BarqCodec *codec, const float *x, char *row, WriteCode write)
{
	char	   *trailer = row + codec->row_bytes - sizeof(FloatTrailer);
	LossSums	sums[LANES] = {{0, 0}};
	double		factor;
	FloatTrailer t;

	if (!barq_dense_measure(codec, x, &factor, &t.norm))
		return false;
	memset(trailer - 8, 0, 8);	/* the padding */
	write(codec, x, factor, row, sums);
	t.residual = barq_dense_residual(codec, sums, false);
	memcpy(trailer, &t, sizeof(t));
	return true;
}

static bool
none_encode(const BarqCodec *codec, const void *value, void *row)
{
	return encode(codec, value, row, write_none);
}

static bool
none_encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	return encode(codec, x, row, write_none);
}

static bool
f16_encode(const BarqCodec *codec, const void *value, void *row)
{
	return encode(codec, value, row, write_f16);
}

static bool
f16_encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	return encode(codec, x, row, write_f16);
}

static void
none_decode(const BarqCodec *codec, const void *row, float *x)
{
	memcpy(x, row, (size_t) codec->dims * sizeof(float));
}

static void
f16_decode(const BarqCodec *codec, const void *row, float *x)
{
	barq_kernels->f16_to_f32(row, x, codec->dims);
}

/* A query is its floats. */
static size_t
query_bytes(const BarqCodec *codec)
{
	return ALIGN64((size_t) codec->dims * sizeof(float));
}

/* Prepare a query of form none or f16 (BarqCodecForm). */
static void
prepare(BarqQuery *query, const void *value, void *arrays)
{
	double		total;
	double		factor = barq_dense_query_measure(query, value, &total);

	barq_dense_query_values(query, value, factor, arrays);
}

/* Keys of rows for the dims floats of a query, or of a row. */
static void
none_keys(const BarqCodec *codec, const float *values, const char *base, size_t stride,
		  const uint32_t *ids, int n, float *keys)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;

	(l2 ? k->l2sq_batch : l1 ? k->l1_batch : k->ip_batch)
		(values, base, stride, ids, n, codec->dims, keys);
	barq_finish_keys(codec->metric, keys, n);
}

/* Keys of rows of halves for the dims floats of a query, or of a row. */
static void
f16_keys(const BarqCodec *codec, const float *values, const char *base, size_t stride,
		 const uint32_t *ids, int n, float *keys)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;

	(l2 ? k->l2sq_f16_batch : l1 ? k->l1_f16_batch : k->ip_f16_batch)
		(values, base, stride, ids, n, codec->dims, keys);
	barq_finish_keys(codec->metric, keys, n);
}

static void
none_query_keys(const BarqQuery *query, const char *base, size_t stride,
				const uint32_t *ids, int n, float *keys)
{
	none_keys(&query->codec, query->values, base, stride, ids, n, keys);
}

static void
f16_query_keys(const BarqQuery *query, const char *base, size_t stride,
			   const uint32_t *ids, int n, float *keys)
{
	f16_keys(&query->codec, query->values, base, stride, ids, n, keys);
}

static void
none_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
			   const uint32_t *ids, int n, float *keys)
{
	none_keys(codec, a, base, stride, ids, n, keys);
}

static void
f16_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
			  const uint32_t *ids, int n, float *keys)
{
	/* exact, so the keys are those of the kernels for two halves */
	_Alignas(64) float values[BARQ_CODEC_MAX_DIMS];

	barq_kernels->f16_to_f32(a, values, codec->dims);
	f16_keys(codec, values, base, stride, ids, n, keys);
}

static float
none_code_key(const BarqCodec *codec, const void *a, const void *b)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	float		key = (l2 ? k->l2sq : l1 ? k->l1 : k->ip)(a, b, codec->dims);

	barq_finish_keys(codec->metric, &key, 1);
	return key;
}

static float
f16_code_key(const BarqCodec *codec, const void *a, const void *b)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	float		key = (l2 ? k->l2sq_f16f16 : l1 ? k->l1_f16f16 : k->ip_f16f16)
		(a, b, codec->dims);

	barq_finish_keys(codec->metric, &key, 1);
	return key;
}

/*
 * Bound the error of a kernel's value (codec_bound.c, "Float sums"): the value
 * of query and row is given.
 */
static Estimate
estimate(const BarqQuery *query, const void *row, float value)
{
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	double		g = sum_gamma(n);
	FloatTrailer t = float_trailer(codec, row);
	Estimate	e = {value, 0, t.residual, t.norm};

	if (codec->metric == BARQ_METRIC_L2 || codec->metric == BARQ_METRIC_L1)
		e.slack = g / (1 - g) * (e.value + n * TINY) + n * TINY;
	else
	{
		double		w = (codec->metric == BARQ_METRIC_COSINE ? 1.0 : e.norm) + e.residual;

		e.slack = query->norm * w < SAFE_PRODUCT ?
			g * query->norm * w + n * TINY : INFINITY;
	}
	return e;
}

static double
none_coordinate(const BarqCodec *codec, const void *row, const void *refinement, int i)
{
	float		f;

	(void) codec;
	(void) refinement;
	memcpy(&f, (const char *) row + (size_t) i * sizeof(f), sizeof(f));
	return f;
}

static double
f16_coordinate(const BarqCodec *codec, const void *row, const void *refinement, int i)
{
	uint16_t	half;
	float		f;

	(void) codec;
	(void) refinement;
	memcpy(&half, (const char *) row + (size_t) i * sizeof(half), sizeof(half));
	barq_kernels->f16_to_f32(&half, &f, 1);
	return f;
}

static void
none_rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = query->codec.metric == BARQ_METRIC_L2;
	bool		l1 = query->codec.metric == BARQ_METRIC_L1;
	Estimate	e = estimate(query, row, (l2 ? k->l2sq : l1 ? k->l1 : k->ip)
							 (query->values, row, query->codec.dims));

	barq_bound_rescore(query, row, NULL, &e, none_coordinate, interval);
}

static void
f16_rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	const BarqKernels *k = barq_kernels;
	bool		l2 = query->codec.metric == BARQ_METRIC_L2;
	bool		l1 = query->codec.metric == BARQ_METRIC_L1;
	Estimate	e = estimate(query, row, (l2 ? k->l2sq_f16 : l1 ? k->l1_f16 : k->ip_f16)
							 (query->values, row, query->codec.dims));

	barq_bound_rescore(query, row, NULL, &e, f16_coordinate, interval);
}

const BarqCodecForm barq_form_none = {
	.name = "none",
	.metrics = VECTOR_METRICS,
	.max_dims = BARQ_CODEC_MAX_DIMS,
	.least_stride = 64,
	.proves = true,
	.is_narrow = true,
	.row_bytes = none_row_bytes,
	.value_bytes = barq_dense_value_bytes,
	.value_is_zero = barq_dense_value_is_zero,
	.encode = none_encode,
	.encode_floats = none_encode_floats,
	.decode = none_decode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = none_query_keys,
	.rescore = none_rescore,
	.code_key = none_code_key,
	.code_keys = none_code_keys
};

const BarqCodecForm barq_form_f16 = {
	.name = "f16",
	.metrics = VECTOR_METRICS,
	.max_dims = BARQ_CODEC_MAX_DIMS,
	.least_stride = 64,
	.proves = true,
	.is_narrow = true,
	.row_bytes = f16_row_bytes,
	.value_bytes = barq_dense_value_bytes,
	.value_is_zero = barq_dense_value_is_zero,
	.encode = f16_encode,
	.encode_floats = f16_encode_floats,
	.decode = f16_decode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = f16_query_keys,
	.rescore = f16_rescore,
	.code_key = f16_code_key,
	.code_keys = f16_code_keys
};
