/*
 * codec.c
 *	  Rows: encoding a vector, and scoring one row against others.
 *
 * Queries are codec_query.c's, error bounds codec_bound.c's.
 */
#include "codec_internal.h"

#include <math.h>

/*
 * Loops add to LANES sums in turn, for one addition takes as long as four
 * that do not wait for each other.
 */
#define LANES 4

/* A power of two up to 64, else a multiple of it. */
static uint32_t
small_stride(uint32_t bytes)
{
	uint32_t	stride = 8;

	while (stride < bytes && stride < 64)
		stride *= 2;
	return (bytes + stride - 1) & ~(stride - 1);
}

void
barq_codec_init(BarqCodec *codec, BarqMetric metric, BarqQuantization quant, int dims)
{
	codec->metric = metric;
	codec->quant = quant;
	codec->dims = dims;
	if (quant == BARQ_QUANT_BITS || quant == BARQ_QUANT_SPARSE)
	{
		codec->row_bytes = (uint32_t) (quant == BARQ_QUANT_SPARSE ? sizeof(SparseHead) :
									   code_bytes(codec));
		codec->stride = small_stride(codec->row_bytes);
		return;
	}
	codec->row_bytes = (uint32_t) (code_bytes(codec) +
								   (quant == BARQ_QUANT_SQ8 ? sizeof(Sq8Trailer) :
									quant == BARQ_QUANT_RABITQ ? sizeof(RabitqTrailer) :
									sizeof(FloatTrailer)));
	codec->stride = (codec->row_bytes + 63) & ~(uint32_t) 63;
}

/* The least float that is not below x, which is not negative. */
static float
float_up(double x)
{
	float		f = (float) x;

	return (double) f < x ? nextafterf(f, INFINITY) : f;
}

/* The least and the largest coordinate. */
void
barq_range(const float *x, int n, float *least, float *largest)
{
	float		lo[LANES] = {x[0], x[0], x[0], x[0]};
	float		hi[LANES] = {x[0], x[0], x[0], x[0]};
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
		{
			lo[k] = x[i + k] < lo[k] ? x[i + k] : lo[k];
			hi[k] = x[i + k] > hi[k] ? x[i + k] : hi[k];
		}
	for (; i < n; i++)
	{
		lo[0] = x[i] < lo[0] ? x[i] : lo[0];
		hi[0] = x[i] > hi[0] ? x[i] : hi[0];
	}
	for (int k = 1; k < LANES; k++)
	{
		lo[0] = lo[k] < lo[0] ? lo[k] : lo[0];
		hi[0] = hi[k] > hi[0] ? hi[k] : hi[0];
	}
	*least = lo[0];
	*largest = hi[0];
}

/* Sum of squares. */
static double
sum_of_squares(const float *x, int n)
{
	double		s[LANES] = {0, 0, 0, 0};
	int			i = 0;

	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			s[k] += (double) x[i + k] * x[i + k];
	for (; i < n; i++)
		s[0] += (double) x[i] * x[i];
	return (s[0] + s[1]) + (s[2] + s[3]);
}

/* Sums of what coding lost; `value` and `loss` are what L1 or L2 adds up. */
typedef struct LossSums
{
	double		value;
	double		loss;
} LossSums;

static inline void
add_loss(LossSums *sums, bool l1, double value, double coded)
{
	double		loss = value - coded;

	sums->value += l1 ? fabs(value) : value * value;
	sums->loss += l1 ? fabs(loss) : loss * loss;
}

/*
 * The residual, rounded up. Let v be the vector (under cosine the exact
 * x / |x|) and w its code's value. What add_loss was given differs from v by
 * at most double_eps * |v| (only under cosine: the norm's n additions, a root,
 * a division, a multiplication), its loss by one rounding of w = offset +
 * scale * code (only under sq8; the product of 24 and 8 bits is exact) and one
 * of the difference, both at most 2^-53 * (|v| + |loss|); the sums by n
 * roundings. double_eps * (|v| + |loss|), taken twice, covers all of them.
 */
static float
residual_of(const BarqCodec *codec, const LossSums *sums)
{
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	double		value = 0;
	double		loss = 0;
	double		eps = 2 * double_eps(codec->dims);

	for (int k = 0; k < LANES; k++)
	{
		value += sums[k].value;
		loss += sums[k].loss;
	}
	if (!l1)
	{
		value = sqrt(value);
		loss = sqrt(loss);
	}
	loss += eps * loss;
	if (codec->metric == BARQ_METRIC_COSINE || codec->quant == BARQ_QUANT_SQ8)
		loss += eps * value;
	return float_up(loss);
}

static void
encode_none(const BarqCodec *codec, const float *x, double factor, char *code, LossSums *sums)
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

static void
encode_f16(const BarqCodec *codec, const float *x, double factor, char *code, LossSums *sums)
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

/* One coordinate's code. */
static inline int
encode_coordinate(double v, double offset, double per_scale)
{
	double		steps = (v - offset) * per_scale + 0.5;

	return (int) (steps < 0 ? 0 : steps > 255 ? 255 : steps);
}

static void
encode_sq8(const BarqCodec *codec, const float *x, double factor, char *code,
		   Sq8Trailer *t, LossSums *sums)
{
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	int			n = codec->dims;
	float		lo,
				hi;
	double		scale,
				offset,
				per_scale;
	int			sum = 0,
				sumsq = 0;
	int			i = 0;

	barq_range(x, n, &lo, &hi);
	t->offset = (float) (lo * factor);
	t->scale = (float) ((hi * factor - lo * factor) / 255);
	/* exactly what the row will say, so that the residual is its own */
	offset = t->offset;
	scale = t->scale;
	/* zero for a constant vector, or one whose range is below all floats */
	per_scale = scale > 0 ? 1 / scale : 0;

	for (; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
		{
			double		v = x[i + k] * factor;
			int			c = encode_coordinate(v, offset, per_scale);

			code[i + k] = (char) (unsigned char) c;
			sum += c;
			sumsq += c * c;
			add_loss(&sums[k], l1, v, offset + scale * c);
		}
	for (; i < n; i++)
	{
		double		v = x[i] * factor;
		int			c = encode_coordinate(v, offset, per_scale);

		code[i] = (char) (unsigned char) c;
		sum += c;
		sumsq += c * c;
		add_loss(&sums[0], l1, v, offset + scale * c);
	}
	t->sum = sum;
	t->sumsq = sumsq;
}

bool
barq_codec_encode(const BarqCodec *codec, const void *value, void *row)
{
	const float *x = value;
	char	   *code = row;
	size_t		trailer_at = code_bytes(codec);
	double		norm;
	double		factor = 1;
	float		norm_up;
	LossSums	sums[LANES] = {{0, 0}};

	if (codec->quant == BARQ_QUANT_BITS)
	{
		barq_bits_encode(codec, value, row);
		return true;
	}
	if (codec->quant == BARQ_QUANT_SPARSE)
	{
		if (codec->metric == BARQ_METRIC_COSINE && barq_value_is_zero(codec, value))
			return false;
		barq_sparse_encode(value, row);
		return true;
	}
	norm = sqrt(sum_of_squares(x, codec->dims));
	norm_up = float_up(norm * (1 + double_eps(codec->dims)));
	if (codec->metric == BARQ_METRIC_COSINE)
	{
		if (norm == 0)
			return false;
		factor = 1 / norm;
	}
	if (codec->quant == BARQ_QUANT_RABITQ)
	{
		barq_rabitq_encode(codec, x, factor, row);
		return true;
	}
	memset(code + trailer_at - 8, 0, 8);	/* the padding */

	if (codec->quant == BARQ_QUANT_SQ8)
	{
		Sq8Trailer	t;

		encode_sq8(codec, x, factor, code, &t, sums);
		t.residual = residual_of(codec, sums);
		t.norm = norm_up;
		memcpy(code + trailer_at, &t, sizeof(t));
	}
	else
	{
		FloatTrailer t;

		if (codec->quant == BARQ_QUANT_F16)
			encode_f16(codec, x, factor, code, sums);
		else
			encode_none(codec, x, factor, code, sums);
		t.residual = residual_of(codec, sums);
		t.norm = norm_up;
		memcpy(code + trailer_at, &t, sizeof(t));
	}
	return true;
}

/*
 * Terms of a query whose coordinates are center + step * code. With m for a
 * mean, and k and c for codes about their means:
 *
 *	  |q - x|^2 = n (mx - mq)^2 + step^2 |k|^2 + scale^2 |c|^2 - 2 step scale <k,c>
 *	  <q, x>    = n mx mq + step scale <k,c>
 *
 * All that cancels has been taken out: codes are integers and <k,c> = dot -
 * (mean of k) * (sum of c) is formed in double from exact sums. No float value
 * makes a double computation overflow here, so a key may be infinite, but
 * never NaN.
 */
void
barq_sq8_terms(BarqSq8Terms *t, BarqMetric metric, int n, double center, double step,
			   double code_sum, double code_sumsq)
{
	double		mean = center + step * (code_sum / n);

	t->inv_n = 1.0 / n;
	t->query_mean = code_sum / n;
	if (metric == BARQ_METRIC_L2)
	{
		t->ref = mean;
		t->base = step * step * (code_sumsq - code_sum * code_sum / n);
		t->by_mean = 0;
		t->by_mean_sq = n;
		t->by_spread = 1;
		t->by_dot = -2 * step;
		t->least = 0;
	}
	else
	{
		t->ref = 0;
		t->base = 0;
		t->by_mean = -n * mean;
		t->by_mean_sq = 0;
		t->by_spread = 0;
		t->by_dot = -step;
		t->least = -INFINITY;
	}
}

/* One key: the bits that sq8_keys_batch gives. */
static float
sq8_key(const BarqSq8Terms *t, const Sq8Trailer *row, int32_t dot)
{
#define AS_IT_IS(x) (x)
	double		key = BARQ_SQ8_KEY(t, double, AS_IT_IS, (double) row->scale,
								   (double) row->offset, (double) row->sum,
								   (double) row->sumsq, (double) dot);

	return (float) (key > t->least ? key : t->least);
}

/* From what the float kernels return to keys. */
void
barq_finish_keys(BarqMetric metric, float *keys, int n)
{
	if (metric == BARQ_METRIC_IP || metric == BARQ_METRIC_COSINE)
		for (int i = 0; i < n; i++)
			keys[i] = -keys[i];
	/* sums of huge values may come to infinity less infinity */
	for (int i = 0; i < n; i++)
		keys[i] = keys[i] == keys[i] ? keys[i] : INFINITY;
}

/*
 * A row as a query: its codes less 128 are signed bytes, about a centre that
 * lies 128 steps above its offset.
 */
static void
row_terms(const BarqCodec *codec, const void *row, BarqSq8Terms *terms)
{
	Sq8Trailer	t = sq8_trailer(codec, row);
	double		n = codec->dims;
	double		sum = t.sum - 128 * n;
	double		sumsq = t.sumsq - 256.0 * t.sum + 128 * 128 * n;

	barq_sq8_terms(terms, codec->metric, codec->dims,
				   t.offset + 128 * (double) t.scale, t.scale, sum, sumsq);
}

static float
code_l1(const BarqCodec *codec, const void *a, const void *b)
{
	Sq8Trailer	ta = sq8_trailer(codec, a);
	Sq8Trailer	tb = sq8_trailer(codec, b);

	return barq_kernels->l1_u8u8(a, ta.scale, ta.offset, b, tb.scale, tb.offset,
								 codec->dims);
}

float
barq_code_key(const BarqCodec *codec, const void *a, const void *b)
{
	const BarqKernels *k = barq_kernels;
	int			n = codec->dims;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	float		key;

	if (codec->quant >= BARQ_QUANT_RABITQ)
	{
		barq_code_keys(codec, a, b, 0, NULL, 1, &key);
		return key;
	}
	if (codec->quant == BARQ_QUANT_SQ8 && !l1)
	{
		BarqSq8Terms terms;
		Sq8Trailer	tb = sq8_trailer(codec, b);

		row_terms(codec, a, &terms);
		return sq8_key(&terms, &tb,
					   (int32_t) k->ip_u8u8(a, b, n) - 128 * tb.sum);
	}
	if (codec->quant == BARQ_QUANT_SQ8)
		key = code_l1(codec, a, b);
	else if (codec->quant == BARQ_QUANT_F16)
		key = (l2 ? k->l2sq_f16f16 : l1 ? k->l1_f16f16 : k->ip_f16f16)(a, b, n);
	else
		key = (l2 ? k->l2sq : l1 ? k->l1 : k->ip)(a, b, n);
	barq_finish_keys(codec->metric, &key, 1);
	return key;
}

void
barq_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
			   const uint32_t *ids, int n, float *keys)
{
	const BarqKernels *k = barq_kernels;
	int			dims = codec->dims;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	bool		l1 = codec->metric == BARQ_METRIC_L1;

	if (codec->quant == BARQ_QUANT_RABITQ)
	{
		barq_rabitq_code_keys(codec, a, base, stride, ids, n, keys);
		return;
	}
	if (codec->quant == BARQ_QUANT_BITS)
	{
		barq_bits_keys(codec, a, base, stride, ids, n, keys);
		return;
	}
	if (codec->quant == BARQ_QUANT_SPARSE)
	{
		barq_sparse_code_keys(codec, a, base, stride, ids, n, keys);
		return;
	}
	if (codec->quant == BARQ_QUANT_SQ8 && !l1)
	{
		_Alignas(64) int8_t signed_codes[BARQ_CODEC_MAX_DIMS];
		const unsigned char *codes = a;
		BarqSq8Terms terms;

		row_terms(codec, a, &terms);
		for (int i = 0; i < dims; i++)
			signed_codes[i] = (int8_t) (codes[i] ^ 0x80);
		k->sq8_keys_batch(signed_codes, &terms, base, stride, ids, n, dims, keys);
		return;
	}
	if (codec->quant == BARQ_QUANT_SQ8)
	{
		for (int i = 0; i < n; i++)
		{
			prefetch_code(base, stride, ids, i, n);
			keys[i] = code_l1(codec, a, base + (ids ? ids[i] : (size_t) i) * stride);
		}
	}
	else if (codec->quant == BARQ_QUANT_F16)
	{
		/* exact, so the keys are those of the kernels for two halves */
		_Alignas(64) float values[BARQ_CODEC_MAX_DIMS];

		k->f16_to_f32(a, values, dims);
		(l2 ? k->l2sq_f16_batch : l1 ? k->l1_f16_batch : k->ip_f16_batch)
			(values, base, stride, ids, n, dims, keys);
	}
	else
		(l2 ? k->l2sq_batch : l1 ? k->l1_batch : k->ip_batch)
			(a, base, stride, ids, n, dims, keys);
	barq_finish_keys(codec->metric, keys, n);
}
