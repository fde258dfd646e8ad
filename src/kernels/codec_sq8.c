/*
 * codec_sq8.c
 *	  The form sq8: unsigned 8 bits a dimension, with a scale and an offset of
 *	  the vector's own.
 *
 * Graphs are searched and segments are scanned by keys, so the query is
 * quantised, too: once, to signed 8 bits with its own centre and step. Every key
 * is then made of one exact integer product. Re-scoring uses the query's floats.
 * Under L1 there is no such product, and keys use the floats as well.
 *
 * Functions that the table at the end names have the contracts of the functions
 * of codec.h with nearly the same names.
 */
#include "codec_internal.h"

/*
 * Vectors with values beyond this are not centred: the differences, and their
 * products with codes, could exceed the largest float.
 */
#define CENTER_LIMIT 1e37

/* Whether a query has signed bytes, from which keys are made. */
static bool
has_codes(const BarqCodec *codec)
{
	return codec->metric != BARQ_METRIC_L1;
}

static size_t
row_bytes(int dims)
{
	return padded((size_t) dims) + sizeof(Sq8Trailer);
}

/* The code of a coordinate. */
static inline int
encode_coordinate(double v, double offset, double per_scale)
{
	double		steps = (v - offset) * per_scale + 0.5;

	return (int) (steps < 0 ? 0 : steps > 255 ? 255 : steps);
}

/* Write the code of x * factor, not its padding, and its part of the trailer. */
static void
write_code(const BarqCodec *codec, const float *x, double factor, char *code,
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
	/* the floats of the row, so that the residual is that of the row */
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

static bool
encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	char	   *trailer = (char *) row + codec->row_bytes - sizeof(Sq8Trailer);
	LossSums	sums[LANES] = {{0, 0}};
	double		factor;
	Sq8Trailer	t;

	if (!barq_dense_measure(codec, x, &factor, &t.norm))
		return false;
	memset(trailer - 8, 0, 8);	/* the padding */
	write_code(codec, x, factor, row, &t, sums);
	t.residual = barq_dense_residual(codec, sums, true);
	memcpy(trailer, &t, sizeof(t));
	return true;
}

static bool
encode(const BarqCodec *codec, const void *value, void *row)
{
	return encode_floats(codec, value, row);
}

/* The value that coordinate i of a row with this trailer stands for. */
static inline double
value_of(const Sq8Trailer *t, const void *row, int i)
{
	return t->offset + (double) t->scale * ((const unsigned char *) row)[i];
}

/* The step of an sq8 row's refinement: exact in double. */
static inline double
fine_step(const Sq8Trailer *t)
{
	return (double) t->scale / 256;
}

/* The number that both codes of a coordinate make (Sq8Refinement). */
static inline int
fine_number(int first, int second)
{
	return 256 * first + second - 128;
}

static size_t
refine_bytes(int dims)
{
	return padded((size_t) dims) + sizeof(Sq8Refinement);
}

/* A copy of the last bytes of a refinement, which may be unaligned. */
static inline Sq8Refinement
sq8_refinement(const BarqCodec *codec, const void *refinement)
{
	Sq8Refinement r;

	memcpy(&r, (const char *) refinement + codec->refine_bytes - sizeof(r), sizeof(r));
	return r;
}

static void
encode_refinement(const BarqCodec *codec, const void *value, const void *row, void *refinement)
{
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	const float *x = value;
	const unsigned char *first = row;
	unsigned char *second = refinement;
	char	   *end = (char *) refinement + codec->refine_bytes - sizeof(Sq8Refinement);
	Sq8Trailer	t = sq8_trailer(codec, row);
	double		step = fine_step(&t);
	double		per_step = step > 0 ? 1 / step : 0;
	LossSums	sums[LANES] = {{0, 0}};
	Sq8Refinement r = {0, 0, 0};
	double		factor;
	float		norm;

	/* the value has been encoded, so it is no zero vector under cosine */
	(void) barq_dense_measure(codec, x, &factor, &norm);
	memset(end - 8, 0, 8);		/* the padding */
	for (int i = 0; i < codec->dims; i++)
	{
		double		v = x[i] * factor;
		double		steps = (v - value_of(&t, row, i)) * per_step + 128.5;
		int			number;

		/* a coordinate beyond the largest code has no second code that reaches it */
		second[i] = (unsigned char) (steps < 0 ? 0 : steps > 255 ? 255 : steps);
		number = fine_number(first[i], second[i]);
		r.sum += number;
		r.sumsq += (int64_t) number * number;
		add_loss(&sums[i % LANES], l1, v, t.offset + step * number);
	}
	r.residual = barq_dense_residual(codec, sums, true);
	memcpy(end, &r, sizeof(r));
}

static void
decode(const BarqCodec *codec, const void *row, float *x)
{
	const double most = 3.4028234663852886e38;	/* the largest float */
	Sq8Trailer	t = sq8_trailer(codec, row);

	for (int i = 0; i < codec->dims; i++)
	{
		double		v = value_of(&t, row, i);

		/* the range of floats, in 255 steps, may end a little above it */
		x[i] = (float) (v > most ? most : v < -most ? -most : v);
	}
}

/*
 * Terms of a query whose coordinates are center + step * code. With m for a
 * mean, and k and c for codes about their means:
 *
 *	  |q - x|^2 = n (mx - mq)^2 + step^2 |k|^2 + scale^2 |c|^2 - 2 step scale <k,c>
 *	  <q, x>    = n mx mq + step scale <k,c>
 *
 * Nothing here suffers from cancellation: codes are integers, and <k,c> = dot -
 * (mean of k) * (sum of c) is computed in double from exact sums. No finite float
 * makes these computations in double overflow, so a key may be infinite, but
 * never NaN. code_sum and code_sumsq: sums of the codes and of their squares.
 */
static void
set_terms(BarqSq8Terms *t, BarqMetric metric, int n, double center, double step,
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

/* A key from the product of the codes; the same bits as sq8_keys_batch. */
static float
sq8_key(const BarqSq8Terms *t, const Sq8Trailer *row, int32_t dot)
{
#define AS_IT_IS(x) (x)
	double		key = BARQ_SQ8_KEY(t, double, AS_IT_IS, (double) row->scale,
								   (double) row->offset, (double) row->sum,
								   (double) row->sumsq, (double) dot);

	return (float) (key > t->least ? key : t->least);
}

static size_t
query_bytes(const BarqCodec *codec)
{
	return ALIGN64((size_t) codec->dims * sizeof(float)) + ALIGN64((size_t) codec->dims);
}

/* The query in signed bytes, for keys, and their loss. */
static void
prepare_codes(BarqQuery *query, const float *q, double factor, float lo, float hi,
			  int8_t *codes)
{
	int			n = query->codec.dims;
	double		center = ((double) lo + hi) / 2 * factor;
	double		step = ((double) hi - lo) * factor / 254;
	double		per_step = step > 0 ? 1 / step : 0;
	double		eps = 2 * double_eps(n);
	double		error = 0;
	int			sum = 0,
				sumsq = 0;

	for (int i = 0; i < n; i++)
	{
		/* 128 makes truncation the floor */
		double		steps = (q[i] * factor - center) * per_step + 128.5;
		int			code = (int) (steps < 1 ? 1 : steps > 255 ? 255 : steps) - 128;
		double		lost = q[i] * factor - (center + step * code);

		codes[i] = (int8_t) code;
		sum += code;
		sumsq += code * code;
		error += lost * lost;
	}
	/* rounded up, as in barq_dense_query_values() */
	query->code_norm = (sqrt((double) n) * fabs(center) + step * sqrt((double) sumsq)) * (1 + eps);
	query->code_error = sqrt(error) * (1 + eps) +
		eps * (query->given_norm * factor + query->code_norm);
	memset(codes + n, 0, padded((size_t) n) - (size_t) n);
	set_terms(&query->terms, query->codec.metric, n, center, step, sum, sumsq);
	query->codes = codes;
	query->code_mean = center + step * sum / n;
	query->code_step = step;
	query->code_spread = sqrt(at_least_0(sumsq - (double) sum * sum / n));
}

static void
prepare(BarqQuery *query, const void *value, void *arrays)
{
	const float *q = value;
	int			n = query->codec.dims;
	double		total;
	double		factor = barq_dense_query_measure(query, q, &total);
	float		lo,
				hi;

	barq_range(q, n, &lo, &hi);
	if (fmax(-(double) lo, hi) * factor < CENTER_LIMIT)
		query->ref = (float) (total * factor / n);
	barq_dense_query_values(query, q, factor, arrays);
	if (has_codes(&query->codec))
		prepare_codes(query, q, factor, lo, hi,
					  (int8_t *) arrays + ALIGN64((size_t) n * sizeof(float)));
}

static void
query_keys(const BarqQuery *query, const char *base, size_t stride,
		   const uint32_t *ids, int n, float *keys)
{
	int			dims = query->codec.dims;

	if (has_codes(&query->codec))
	{
		barq_kernels->sq8_keys_batch(query->codes, &query->terms, base, stride, ids, n,
									 dims, keys);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		const char *row = base + (ids ? ids[i] : (size_t) i) * stride;
		Sq8Trailer	t;

		prefetch_code(base, stride, ids, i, n);
		t = sq8_trailer(&query->codec, row);
		keys[i] = barq_kernels->l1_f32u8(query->values, (const uint8_t *) row, t.scale,
										 (float) (t.offset - query->ref), dims);
	}
	barq_finish_keys(query->codec.metric, keys, n);
}

/* Queries that are passed to the kernel at once. */
#define MANY_AT_ONCE	16

static bool
queries_keys(const BarqQuery *const *queries, int nqueries, const char *base, size_t stride,
			 int n, float *keys)
{
	const int8_t *codes[MANY_AT_ONCE];
	const BarqSq8Terms *terms[MANY_AT_ONCE];

	if (!has_codes(&queries[0]->codec) || nqueries < barq_kernels->many_queries ||
		queries[0]->codec.dims > barq_kernels->many_dims)
		return false;
	for (int first = 0, count; first < nqueries; first += count)
	{
		count = nqueries - first < MANY_AT_ONCE ? nqueries - first : MANY_AT_ONCE;
		for (int j = 0; j < count; j++)
		{
			codes[j] = queries[first + j]->codes;
			terms[j] = &queries[first + j]->terms;
		}
		barq_kernels->sq8_keys_many(codes, terms, count, base, stride, n,
									queries[0]->codec.dims, keys + (size_t) first * (size_t) n);
	}
	return true;
}

/*
 * Terms of a row used as a query: its codes less 128 are signed bytes, about a
 * centre that lies 128 steps above its offset.
 */
static void
row_terms(const BarqCodec *codec, const void *row, BarqSq8Terms *terms)
{
	Sq8Trailer	t = sq8_trailer(codec, row);
	double		n = codec->dims;
	double		sum = t.sum - 128 * n;
	double		sumsq = t.sumsq - 256.0 * t.sum + 128 * 128 * n;

	set_terms(terms, codec->metric, codec->dims,
			  t.offset + 128 * (double) t.scale, t.scale, sum, sumsq);
}

/* The L1 distance of two rows. */
static float
code_l1(const BarqCodec *codec, const void *a, const void *b)
{
	Sq8Trailer	ta = sq8_trailer(codec, a);
	Sq8Trailer	tb = sq8_trailer(codec, b);

	return barq_kernels->l1_u8u8(a, ta.scale, ta.offset, b, tb.scale, tb.offset,
								 codec->dims);
}

static float
code_key(const BarqCodec *codec, const void *a, const void *b)
{
	BarqSq8Terms terms;
	Sq8Trailer	tb;
	float		key;

	if (!has_codes(codec))
	{
		key = code_l1(codec, a, b);
		barq_finish_keys(codec->metric, &key, 1);
		return key;
	}
	tb = sq8_trailer(codec, b);
	row_terms(codec, a, &terms);
	return sq8_key(&terms, &tb,
				   (int32_t) barq_kernels->ip_u8u8(a, b, codec->dims) - 128 * tb.sum);
}

static void
code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
		  const uint32_t *ids, int n, float *keys)
{
	_Alignas(64) int8_t signed_codes[BARQ_CODEC_MAX_DIMS];
	const unsigned char *codes = a;
	BarqSq8Terms terms;

	if (!has_codes(codec))
	{
		for (int i = 0; i < n; i++)
		{
			prefetch_code(base, stride, ids, i, n);
			keys[i] = code_l1(codec, a, base + (ids ? ids[i] : (size_t) i) * stride);
		}
		barq_finish_keys(codec->metric, keys, n);
		return;
	}
	row_terms(codec, a, &terms);
	for (int i = 0; i < codec->dims; i++)
		signed_codes[i] = (int8_t) (codes[i] ^ 0x80);
	barq_kernels->sq8_keys_batch(signed_codes, &terms, base, stride, ids, n,
								 codec->dims, keys);
}

/*
 * Value and slack of L2 and of the inner product, from the product `dot` of the query
 * and a row's numbers and its slack. A coordinate is offset + scale * number; sum,
 * sumsq: of the numbers; norm: at least theirs.
 */
static inline void
place_estimate(const BarqQuery *query, double offset, double scale, double sum, double sumsq,
			   double norm, double dot, double dot_slack, Estimate *e)
{
	int			n = query->codec.dims;
	double		d = offset - query->ref;
	double		root_n = sqrt((double) n);

	if (query->codec.metric == BARQ_METRIC_L2)
	{
		double		size = query->norm + root_n * fabs(d) + scale * norm;

		e->value = (query->sumsq + n * d * d + scale * scale * sumsq) +
			2 * d * (scale * sum - query->sum) - 2 * scale * dot;
		e->slack = 2 * dot_slack + double_eps(n) * size * size;
	}
	else
	{
		e->value = n * query->ref * offset + offset * query->sum +
			query->ref * scale * sum + scale * dot;
		e->slack = dot_slack + double_eps(n) * (root_n * fabs(query->ref) + query->norm) *
			(root_n * fabs(offset) + scale * norm);
	}
}

/* The proof is in codec_bound.c ("sq8"). */
static Estimate
estimate(const BarqQuery *query, const void *row)
{
	const BarqKernels *k = barq_kernels;
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	double		g = sum_gamma(n);
	Sq8Trailer	t = sq8_trailer(codec, row);
	double		scale = t.scale;
	double		offset = t.offset;
	double		d = offset - query->ref;
	double		code_norm = sqrt((double) t.sumsq);
	Estimate	e = {0, INFINITY, t.residual, t.norm};
	double		dot;
	double		dot_slack;

	if (codec->metric == BARQ_METRIC_L1)
	{
		e.value = k->l1_f32u8(query->values, row, t.scale, (float) d, n);
		e.slack = g / (1 - g) * (e.value + n * 0x1p-147) + n * 0x1p-147 +
			2.1 * UNIT * (n * fabs(d) + scale * t.sum);
		return e;
	}

	dot = k->ip_f32u8(query->values, row, n);
	dot_slack = query->norm * code_norm < SAFE_PRODUCT ?
		scale * (g * query->norm * code_norm + n * TINY) : INFINITY;
	place_estimate(query, offset, scale, t.sum, t.sumsq, code_norm, dot, dot_slack, &e);
	return e;
}

static bool
refinement_is_sound(const BarqCodec *codec, const void *row, const void *refinement)
{
	const unsigned char *first = row;
	const unsigned char *second = refinement;
	Sq8Refinement r = sq8_refinement(codec, refinement);
	int64_t		sumsq = 0;
	int32_t		sum = 0;

	for (int i = 0; i < codec->dims; i++)
	{
		int			number = fine_number(first[i], second[i]);

		sum += number;
		sumsq += (int64_t) number * number;
	}
	/* a residual may be infinite, where values are huge */
	return sum == r.sum && sumsq == r.sumsq && r.residual >= 0;
}

static double
coordinate(const BarqCodec *codec, const void *row, const void *refinement, int i)
{
	Sq8Trailer	t = sq8_trailer(codec, row);

	if (refinement != NULL)
		return t.offset + fine_step(&t) *
			fine_number(((const unsigned char *) row)[i], ((const unsigned char *) refinement)[i]);
	return value_of(&t, row, i);
}

static void
rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	Estimate	e = estimate(query, row);

	barq_bound_rescore(query, row, NULL, &e, coordinate, interval);
}

/*
 * The L1 distance of the query and a row with its refinement, in double: no kernel has
 * sums of two codes under this metric.
 */
static void
estimate_fine_l1(const BarqQuery *query, const void *row, const void *refinement, Estimate *e)
{
	const BarqCodec *codec = &query->codec;
	double		value = 0;
	double		size = 0;

	for (int i = 0; i < codec->dims; i++)
	{
		double		p = query->ref + query->values[i];
		double		w = coordinate(codec, row, refinement, i);

		value += fabs(p - w);
		size += fabs(p) + fabs(w);
	}
	e->value = value;
	e->slack = double_eps(codec->dims) * size;
}

/* As estimate(), with both codes. The proof is in codec_bound.c ("sq8, refined"). */
static Estimate
estimate_fine(const BarqQuery *query, const void *row, const void *refinement)
{
	const BarqKernels *k = barq_kernels;
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	double		g = sum_gamma(n);
	Sq8Trailer	t = sq8_trailer(codec, row);
	Sq8Refinement r = sq8_refinement(codec, refinement);
	double		step = fine_step(&t);
	double		offset = t.offset;
	double		root_n = sqrt((double) n);
	double		first_norm = sqrt((double) t.sumsq);
	double		second_norm = 255 * root_n;
	double		norm = 256 * first_norm + second_norm + 128 * root_n;
	Estimate	e = {0, INFINITY, r.residual, t.norm};
	double		dot;
	double		dot_slack;

	if (codec->metric == BARQ_METRIC_L1)
	{
		estimate_fine_l1(query, row, refinement, &e);
		return e;
	}

	dot = 256 * (double) k->ip_f32u8(query->values, row, n) +
		(double) k->ip_f32u8(query->values, refinement, n) - 128 * query->sum;
	dot_slack = query->norm * fmax(first_norm, second_norm) < SAFE_PRODUCT ?
		step * (g * query->norm * (256 * first_norm + second_norm) + 257 * n * TINY) : INFINITY;
	place_estimate(query, offset, step, r.sum, (double) r.sumsq, norm, dot, dot_slack, &e);
	return e;
}

static void
refined(const BarqQuery *query, const void *row, const void *refinement, BarqInterval *interval)
{
	Estimate	e = estimate_fine(query, row, refinement);

	barq_bound_rescore(query, row, refinement, &e, coordinate, interval);
}

const BarqCodecForm barq_form_sq8 = {
	.name = "sq8",
	.metrics = VECTOR_METRICS,
	.max_dims = BARQ_CODEC_MAX_DIMS,
	.least_stride = 64,
	.proves = true,
	.row_bytes = row_bytes,
	.value_bytes = barq_dense_value_bytes,
	.value_is_zero = barq_dense_value_is_zero,
	.encode = encode,
	.refine_bytes = refine_bytes,
	.encode_refinement = encode_refinement,
	.refined = refined,
	.refinement_is_sound = refinement_is_sound,
	.encode_floats = encode_floats,
	.decode = decode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = query_keys,
	.queries_keys = queries_keys,
	.rescore = rescore,
	.enclose = barq_sq8_enclose,
	.beyond = barq_sq8_beyond,
	.code_key = code_key,
	.code_keys = code_keys
};
