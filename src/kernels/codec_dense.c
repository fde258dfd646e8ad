/*
 * codec_dense.c
 *	  Helpers of the forms of dense vectors: norms, residuals, the floats of a
 *	  query. It knows nothing of codes.
 */
#include "codec_internal.h"

size_t
barq_dense_value_bytes(const BarqCodec *codec, const void *value)
{
	(void) value;
	return (size_t) codec->dims * sizeof(float);
}

bool
barq_dense_value_is_zero(const BarqCodec *codec, const void *value)
{
	const float *x = value;

	for (int i = 0; i < codec->dims; i++)
		if (x[i] != 0)
			return false;
	return true;
}

/* The least float that is not below x; x >= 0. */
static float
float_up(double x)
{
	float		f = (float) x;

	return (double) f < x ? nextafterf(f, INFINITY) : f;
}

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

/* The sum of the squares of n coordinates. */
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

bool
barq_dense_measure(const BarqCodec *codec, const float *x, double *factor, float *norm)
{
	double		length = sqrt(sum_of_squares(x, codec->dims));

	*factor = 1;
	*norm = float_up(length * (1 + double_eps(codec->dims)));
	if (codec->metric != BARQ_METRIC_COSINE)
		return true;
	if (length == 0)
		return false;
	*factor = 1 / length;
	return true;
}

/*
 * Let v be the vector (under cosine the exact x / |x|) and w its code's value.
 * The values that add_loss() was given differ from v by at most double_eps *
 * |v| (only under cosine: the norm's n additions, a root, a division, a
 * multiplication). Their loss is off by one rounding of w = offset + scale *
 * code (only if `computed`; the product of 24 and 8 bits is exact) and one of
 * the difference, both at most 2^-53 * (|v| + |loss|); the sums by n roundings.
 * double_eps * (|v| + |loss|), taken twice, covers all of them.
 */
float
barq_dense_residual(const BarqCodec *codec, const LossSums *sums, bool computed)
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
	if (codec->metric == BARQ_METRIC_COSINE || computed)
		loss += eps * value;
	return float_up(loss);
}

/* Sums over a query's coordinates. */
typedef struct QuerySums
{
	double		given;			/* squares of the coordinates as given */
	double		total;			/* of the coordinates as given */
	double		sum;			/* of values */
	double		sumsq;			/* of values, squared */
	double		error;			/* loss of values, as the metric's norm adds up */
	double		size;			/* the same of the coordinates themselves */
} QuerySums;

/* Add a coordinate, as given, to the sums. */
static inline void
measure(QuerySums *s, float coordinate)
{
	double		v = coordinate;

	s->given += v * v;
	s->total += v;
}

/* The float to store for coordinate v; adds to the sums. */
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

/* Add the other lanes to the first one. */
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

double
barq_dense_query_measure(BarqQuery *query, const float *q, double *total)
{
	int			n = query->codec.dims;
	QuerySums	s[LANES] = {{0}};
	int			i;

	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			measure(&s[k], q[i + k]);
	for (; i < n; i++)
		measure(&s[0], q[i]);
	add_up(s);
	*total = s[0].total;
	query->given_norm = sqrt(s[0].given) * (1 + 2 * double_eps(n));
	if (query->codec.metric != BARQ_METRIC_COSINE)
		return 1;
	query->null = s[0].given == 0;
	return query->null ? 0 : 1 / sqrt(s[0].given);
}

void
barq_dense_query_values(BarqQuery *query, const float *q, double factor, float *values)
{
	int			n = query->codec.dims;
	bool		l1 = query->codec.metric == BARQ_METRIC_L1;
	double		eps = 2 * double_eps(n);
	QuerySums	s[LANES] = {{0}};
	int			i;

	for (i = 0; i + LANES <= n; i += LANES)
		for (int k = 0; k < LANES; k++)
			values[i + k] = set_value(&s[k], l1, q[i + k] * factor, query->ref);
	for (; i < n; i++)
		values[i] = set_value(&s[0], l1, q[i] * factor, query->ref);
	add_up(s);
	query->values = values;
	query->sum = s[0].sum;
	query->sumsq = s[0].sumsq;
	query->norm = sqrt(s[0].sumsq) * (1 + eps);

	/*
	 * The error, rounded up, as in barq_dense_residual(), except that ref, which
	 * is no larger than the largest coordinate, takes part in the roundings.
	 * Without centre and normalisation nothing is lost.
	 */
	if (query->ref != 0 || factor != 1)
	{
		double		error = l1 ? s[0].error : sqrt(s[0].error);
		double		size = l1 ? s[0].size : sqrt(s[0].size);

		query->error = error * (1 + eps) +
			eps * (size + (l1 ? n : sqrt(n)) * fabs(query->ref));
	}
}

void
barq_finish_keys(BarqMetric metric, float *keys, int n)
{
	if (metric == BARQ_METRIC_IP || metric == BARQ_METRIC_COSINE)
		for (int i = 0; i < n; i++)
			keys[i] = -keys[i];
	/* the sum of huge values may be infinity less infinity */
	for (int i = 0; i < n; i++)
		keys[i] = keys[i] == keys[i] ? keys[i] : INFINITY;
}
