/*
 * codec_query.c
 *	  Queries: preparing one, and its keys for rows.
 *
 * A key is what a graph is walked and a segment is scanned by, so the query
 * is quantised, too: once, to signed 8 bits with its own centre and step, and
 * every key is then made of one exact integer product. codec_bound.c scores
 * the best rows again with the query's floats.
 */
#include "codec_internal.h"

#include <math.h>

#define ALIGN64(x) (((x) + 63) & ~(size_t) 63)

/*
 * Values beyond this are not centred: the differences, and their products
 * with codes, could pass the largest float.
 */
#define CENTER_LIMIT 1e37

static bool
has_codes(const BarqCodec *codec)
{
	return codec->quant == BARQ_QUANT_SQ8 && codec->metric != BARQ_METRIC_L1;
}

size_t
barq_query_bytes(const BarqCodec *codec)
{
	size_t		n = codec->quant == BARQ_QUANT_RABITQ ?
		(size_t) rabitq_dims(codec) : (size_t) codec->dims;

	if (codec->quant == BARQ_QUANT_BITS || codec->quant == BARQ_QUANT_SPARSE)
		return 64 + ALIGN64(sizeof(BarqQuery)) +
			(codec->quant == BARQ_QUANT_SPARSE ? barq_sparse_query_bytes() :
			 ALIGN64((size_t) codec->row_bytes));
	return 64 + ALIGN64(sizeof(BarqQuery)) + ALIGN64(n * sizeof(float)) + ALIGN64(n);
}

/* The query in signed bytes: keys only, so its own loss is not tracked. */
static void
prepare_codes(BarqQuery *query, const float *q, double factor, float lo, float hi,
			  int8_t *codes)
{
	int			n = query->codec.dims;
	double		center = ((double) lo + hi) / 2 * factor;
	double		step = ((double) hi - lo) * factor / 254;
	double		per_step = step > 0 ? 1 / step : 0;
	int			sum = 0,
				sumsq = 0;

	for (int i = 0; i < n; i++)
	{
		/* 128 makes truncation the floor */
		double		steps = (q[i] * factor - center) * per_step + 128.5;
		int			code = (int) (steps < 1 ? 1 : steps > 255 ? 255 : steps) - 128;

		codes[i] = (int8_t) code;
		sum += code;
		sumsq += code * code;
	}
	barq_sq8_terms(&query->terms, query->codec.metric, n, center, step, sum, sumsq);
	query->codes = codes;
}

/* Sums over a query's coordinates, in lanes as codec.c's. */
typedef struct QuerySums
{
	double		given;			/* squares of the coordinates as given */
	double		total;			/* of the coordinates as given */
	double		sum;			/* of values */
	double		sumsq;			/* of values, squared */
	double		error;			/* what values lost, as L1 or L2 adds up */
	double		size;			/* and the coordinates themselves */
} QuerySums;

#define LANES 4

static inline void
measure(QuerySums *s, float coordinate)
{
	double		v = coordinate;

	s->given += v * v;
	s->total += v;
}

static inline float
set_value(QuerySums *s, bool l1, double v, double ref)
{
	float		value = (float) (v - ref);
	double		lost = v - (ref + value);

	s->sum += value;
	s->sumsq += (double) value * value;
	s->error += l1 ? fabs(lost) : lost * lost;
	s->size += l1 ? fabs(v) : v * v;
	return value;
}

static void
add_up(QuerySums *s)
{
	for (int k = 1; k < LANES; k++)
	{
		s[0].given += s[k].given;
		s[0].total += s[k].total;
		s[0].sum += s[k].sum;
		s[0].sumsq += s[k].sumsq;
		s[0].error += s[k].error;
		s[0].size += s[k].size;
		s[k] = (QuerySums) {0};
	}
}

BarqQuery *
barq_query_prepare(void *mem, const BarqCodec *codec, const void *value)
{
	const float *q = value;
	char	   *at = (char *) (((uintptr_t) mem + 63) & ~(uintptr_t) 63);
	BarqQuery  *query = (BarqQuery *) at;
	int			n = codec->dims;
	bool		l1 = codec->metric == BARQ_METRIC_L1;
	double		eps = 2 * double_eps(n);
	double		factor = 1;
	QuerySums	s[LANES] = {{0}};
	float	   *values;
	float		lo,
				hi;
	int			i;

	memset(query, 0, sizeof(*query));
	query->codec = *codec;
	at += ALIGN64(sizeof(BarqQuery));
	if (codec->quant == BARQ_QUANT_BITS)
	{
		barq_bits_encode(codec, value, at);
		query->value = at;
		return query;
	}
	if (codec->quant == BARQ_QUANT_SPARSE)
	{
		barq_sparse_prepare(query, value, at);
		return query;
	}
	values = (float *) (void *) at;
	query->values = values;
	at += ALIGN64((size_t) n * sizeof(float));

	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			measure(&s[k], q[i + k]);
	for (; i < n; i++)
		measure(&s[0], q[i]);
	add_up(s);
	query->given_norm = sqrt(s[0].given) * (1 + eps);
	if (codec->metric == BARQ_METRIC_COSINE)
	{
		query->null = s[0].given == 0;
		factor = query->null ? 0 : 1 / sqrt(s[0].given);
	}
	if (codec->quant == BARQ_QUANT_RABITQ)
	{
		barq_rabitq_prepare(query, q, factor, values,
							(int8_t *) (values + rabitq_dims(codec)));
		return query;
	}

	barq_range(q, n, &lo, &hi);
	if (codec->quant == BARQ_QUANT_SQ8 &&
		fmax(-(double) lo, hi) * factor < CENTER_LIMIT)
		query->ref = (float) (s[0].total * factor / n);
	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			values[i + k] = set_value(&s[k], l1, q[i + k] * factor, query->ref);
	for (; i < n; i++)
		values[i] = set_value(&s[0], l1, q[i] * factor, query->ref);
	add_up(s);
	query->sum = s[0].sum;
	query->sumsq = s[0].sumsq;
	query->norm = sqrt(s[0].sumsq) * (1 + eps);

	/*
	 * The error, rounded up: as at residual_of() in codec.c, but that ref,
	 * which is no larger than the largest coordinate, takes part in the
	 * roundings. Without centre and normalisation nothing is lost.
	 */
	if (query->ref != 0 || factor != 1)
	{
		double		error = l1 ? s[0].error : sqrt(s[0].error);
		double		size = l1 ? s[0].size : sqrt(s[0].size);

		query->error = error * (1 + eps) +
			eps * (size + (l1 ? n : sqrt(n)) * fabs(query->ref));
	}
	if (has_codes(codec))
		prepare_codes(query, q, factor, lo, hi, (int8_t *) at);
	return query;
}

static float
sq8_l1_key(const BarqQuery *query, const void *row)
{
	Sq8Trailer	t = sq8_trailer(&query->codec, row);

	return barq_kernels->l1_f32u8(query->values, row, t.scale,
								  (float) (t.offset - query->ref), query->codec.dims);
}

float
barq_query_key(const BarqQuery *query, const void *row)
{
	float		key;

	barq_query_keys(query, row, 0, NULL, 1, &key);
	return key;
}

double
barq_query_norm(const BarqQuery *query)
{
	return query->given_norm;
}

void
barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
				const uint32_t *ids, int n, float *keys)
{
	const BarqKernels *k = barq_kernels;
	int			dims = query->codec.dims;
	bool		l2 = query->codec.metric == BARQ_METRIC_L2;
	bool		l1 = query->codec.metric == BARQ_METRIC_L1;

	barq_rows_scored += n;
	if (query->codec.quant == BARQ_QUANT_BITS)
	{
		barq_bits_keys(&query->codec, query->value, base, stride, ids, n, keys);
		return;
	}
	if (query->codec.quant == BARQ_QUANT_SPARSE)
	{
		barq_sparse_query_keys(query, base, stride, ids, n, keys);
		return;
	}
	if (has_codes(&query->codec))
	{
		k->sq8_keys_batch(query->codes, &query->terms, base, stride, ids, n, dims, keys);
		return;
	}
	if (query->codec.quant == BARQ_QUANT_RABITQ)
	{
		k->rabitq_keys_batch(query->codes, &query->rabitq, base, stride, ids, n,
							 rabitq_dims(&query->codec), keys);
		return;
	}
	if (query->codec.quant == BARQ_QUANT_SQ8)
		for (int i = 0; i < n; i++)
		{
			prefetch_code(base, stride, ids, i, n);
			keys[i] = sq8_l1_key(query, base + (ids ? ids[i] : (size_t) i) * stride);
		}
	else if (query->codec.quant == BARQ_QUANT_F16)
		(l2 ? k->l2sq_f16_batch : l1 ? k->l1_f16_batch : k->ip_f16_batch)
			(query->values, base, stride, ids, n, dims, keys);
	else
		(l2 ? k->l2sq_batch : l1 ? k->l1_batch : k->ip_batch)
			(query->values, base, stride, ids, n, dims, keys);
	barq_finish_keys(query->codec.metric, keys, n);
}

double
barq_key_distance(const BarqCodec *codec, float key)
{
	switch (codec->metric)
	{
		case BARQ_METRIC_L2:
			return key > 0 ? sqrt((double) key) : 0;
		case BARQ_METRIC_COSINE:
			return codec->quant == BARQ_QUANT_SPARSE ? key : 1 + (double) key;
		default:
			return key;
	}
}
