/*
 * codec_enclose.c
 *	  Intervals of distances that follow from keys alone, with proof: for scans that
 *	  have to find every row within a radius. They are wider than those of re-scoring
 *	  (codec_bound.c, whose notation and rules this file uses) and cost no second pass
 *	  over a row's code.
 *
 * sq8. A key is made from the query's signed bytes: p is now the vector that these
 * stand for, and |q - p| <= code_error. The key is computed in double from exact
 * integers, hence off by at most double_eps of the largest summands, and rounded to a
 * float once.
 *
 * rabitq. Let x = m + r (m: the mean, in all coordinates), o = r / |r| rotated, y =
 * c / |c|, and likewise q = m_q + p. The row has a = <o,y>; the key gives s = <p',y>
 * for the query's bytes p', |p - p'| <= |p| code_error. The angle between p and o is
 * at least the difference of their angles to y, and at most the sum:
 *
 *		<p,o> <= a s + sqrt(1 - a^2) sqrt(|p|^2 - s^2)		(|p|, where s > a |p|)
 *		<p,o> >= a s - sqrt(1 - a^2) sqrt(|p|^2 - s^2)		(-|p|, where s < -a |p|)
 *
 * These are cos(|A - B|) and cos(A + B), so the first grows with s and falls with a
 * where it is not |p|, the second grows with both: the ends of the intervals in which
 * s and a lie bound them.
 *
 * Roundings of rabitq. A transform of the rotation multiplies once, by a rounded
 * factor, and adds log2(n) <= 14 times; an addition's error is at most u times the
 * result, so a transform's is at most 17 u in norm, join_halves' 4 u, and a rotation's
 * with its conversion to float 3 (2 * 17 + 4) + 1 = 115 u: ROTATION. r itself is
 * computed in double from coordinates of x; it loses double_eps |x|, which may be
 * large beside |r|. The mean is rounded to float, so that r is not orthogonal to m:
 * <m_q, r> and <m, p> are at most u |m| |m_q|. The norm, factor and scale of a row lose
 * u each. All products of these with norms are at most 2^-18 (|q|^2 + |x|^2): ROUNDINGS.
 * The key's double is rounded once, to u |key|, and the key is at most twice that sum.
 *
 * Under cosine no range of norms is needed here, other than in codec_bound.c: where a
 * float sum of squares is not ordinary, operators compute in double.
 */
#include "codec_internal.h"

#define ROTATION (128 * UNIT)
#define ROUNDINGS 0x1p-18

/* The interval that excludes nothing. */
static void
unknown(BarqInterval *interval, double distance)
{
	interval->distance = distance;
	interval->low = -INFINITY;
	interval->high = INFINITY;
}

/*
 * The slack of an estimate from a key, and its residual, in *e; the value and the norm
 * are set. root_n: of the dimensions.
 */
static inline void
sq8_slack(const BarqQuery *query, const Sq8Trailer *t, double root_n, double eps, Estimate *e)
{
	/* at least the norm of each summand of a coordinate */
	double		row_norm = root_n * (fabs((double) t->offset) + 255 * (double) t->scale);

	if (query->codec.metric == BARQ_METRIC_L2)
	{
		double		size = query->code_norm + row_norm;

		e->slack = eps * size * size + 2 * UNIT * e->value + TINY;
		e->residual = t->residual + query->code_error;
	}
	else
	{
		double		norm = query->codec.metric == BARQ_METRIC_COSINE ? 1 : e->norm;

		e->residual = t->residual;
		e->slack = eps * query->code_norm * row_norm + 2 * UNIT * fabs(e->value) +
			TINY + query->code_error * (norm + e->residual);
	}
}

/*
 * As barq_sq8_enclose(), without a root or a call for each row. Under L2: the lower bound
 * of codec_bound.c grows with d, and is above the limit for d > `least`.
 */
void
barq_sq8_beyond(const BarqQuery *query, const char *base, size_t stride, int n,
				const float *keys, double limit, bool *beyond)
{
	const BarqCodec *codec = &query->codec;
	int			dims = codec->dims;
	double		g = sum_gamma(dims);
	double		eps = double_eps(dims);
	double		root_n = sqrt((double) dims);
	double		least = sqrt((limit * limit * (1 + 8 * LAST) + dims * TINY) / (1 - g)) *
		(1 + 8 * LAST);
	bool		known = !query->null && (codec->metric != BARQ_METRIC_L2 || limit >= 0);

	if (codec->metric == BARQ_METRIC_COSINE)
		known = known && query->given_norm > 0x1.01p-50 && query->given_norm < 0x1p62;
	for (int i = 0; i < n; i++)
	{
		Sq8Trailer	t = sq8_trailer(codec, base + (size_t) i * stride);
		Estimate	e = {codec->metric == BARQ_METRIC_L2 ? keys[i] : -(double) keys[i], 0, 0, t.norm};
		double		most;

		sq8_slack(query, &t, root_n, eps, &e);
		switch (codec->metric)
		{
			case BARQ_METRIC_L2:
				most = (least + query->error + e.residual) * (1 + 8 * LAST);
				beyond[i] = known && e.value - e.slack > most * most * (1 + 8 * LAST);
				break;
			case BARQ_METRIC_COSINE:
				most = e.value + e.slack + query->error * (1 + e.residual) + e.residual +
					2 * g + 4 * g * g + UNIT + 4 * LAST;
				beyond[i] = known && e.norm > 0x1.01p-50 && e.norm < 0x1p62 && 1 - most > limit;
				break;
			default:
				most = e.value + e.slack + query->error * (e.norm + e.residual) +
					query->given_norm * e.residual + g * query->given_norm * e.norm + dims * TINY;
				most += 4 * LAST * (fabs(e.value) + query->given_norm * (e.norm + e.residual));
				beyond[i] = known && query->given_norm * e.norm < SAFE_PRODUCT && -most > limit;
				break;
		}
	}
}

void
barq_sq8_enclose(const BarqQuery *query, const void *row, float key, BarqInterval *interval)
{
	const BarqCodec *codec = &query->codec;
	Sq8Trailer	t = sq8_trailer(codec, row);
	Estimate	e = {codec->metric == BARQ_METRIC_L2 ? key : -(double) key, 0, 0, t.norm};

	sq8_slack(query, &t, sqrt((double) codec->dims), double_eps(codec->dims), &e);
	if (!(fabs(e.value) <= DBL_MAX) || !(e.slack <= DBL_MAX))
		unknown(interval, barq_key_distance(codec, key));
	else
		barq_bound_rescore(query, row, NULL, &e, NULL, interval);
}

/* The interval of <p,o> (above), from s and a and what they may be off by. */
static void
enclose_product(double p, double s, double s_off, double a, double a_off,
				double *least, double *most)
{
	double		low_s = fmax(s - s_off, -p);
	double		high_s = fmin(s + s_off, p);
	double		low_a = fmin(fmax(a - a_off, 0), 1);
	double		other = sqrt(at_least_0(1 - low_a * low_a));

	*most = high_s >= low_a * p ? p :
		low_a * high_s + other * sqrt(at_least_0(p * p - high_s * high_s));
	*least = low_s <= -low_a * p ? -p :
		low_a * low_s - other * sqrt(at_least_0(p * p - low_s * low_s));
}

void
barq_rabitq_enclose(const BarqQuery *query, const void *row, float key, BarqInterval *interval)
{
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	bool		l2 = codec->metric == BARQ_METRIC_L2;
	double		g = sum_gamma(n);
	double		p = query->norm;
	double		ref = query->ref;
	double		q_size = p * p + n * ref * ref;
	double		d;
	double		x_size;
	double		product;
	double		off;
	double		least = 0;
	double		most = 0;
	RabitqTrailer t;

	memcpy(&t, (const char *) row + codec->row_bytes - sizeof(t), sizeof(t));
	d = (double) t.mean - ref;
	x_size = (double) t.norm * t.norm + n * (double) t.mean * t.mean;
	if (query->null || !(fabsf(key) <= FLT_MAX) || !(q_size + x_size < SAFE_PRODUCT))
	{
		unknown(interval, barq_key_distance(codec, key));
		return;
	}
	off = ROUNDINGS * (q_size + x_size) + n * TINY;
	product = l2 ? (p * p + (double) t.norm * t.norm + n * d * d - key) / 2 :
		-(double) key - n * ref * t.mean;
	if (t.norm > 0 && p > 0)
	{
		double		a = (double) t.scale / t.factor;
		double		a_off = ROTATION + 4 * UNIT + 2 * double_eps(n) * sqrt(x_size) / t.norm;
		double		s = product * a / t.norm;
		double		s_off = 4 * UNIT * (q_size + x_size) / t.norm +
			p * (query->code_error + ROTATION + 8 * UNIT) + 2 * double_eps(n) * sqrt(q_size);

		/* a key that was raised to 0 says nothing of how near the row is */
		if (l2 && key <= 0)
			s_off = fmax(s_off, p - s);
		enclose_product(p, s, s_off, a, a_off, &least, &most);
		least *= t.norm;
		most *= t.norm;
	}

	if (l2)
	{
		double		square = n * d * d + p * p + (double) t.norm * t.norm;
		double		low = at_least_0(square - 2 * most - off);
		double		high = at_least_0(square - 2 * least) + off;

		interval->distance = barq_key_distance(codec, key);
		interval->low = sqrt(at_least_0(low * (1 - g) - n * TINY)) * (1 - LAST);
		interval->high = sqrt(high * (1 + g) + n * TINY) * (1 + LAST);
		return;
	}
	least += n * ref * t.mean;
	most += n * ref * t.mean;
	if (codec->metric == BARQ_METRIC_COSINE)
	{
		off += 2 * g + 4 * g * g + UNIT + LAST;
		interval->low = at_least_0(1 - most - off);
		interval->high = fmin(1 - least + off, 2);
		interval->distance = barq_key_distance(codec, key);
		return;
	}
	off += g * query->given_norm * sqrt(x_size) * (1 + ROTATION) + n * TINY;
	interval->low = -most - off;
	interval->high = -least + off;
	interval->distance = key;
}

double
barq_ball_least(const BarqCodec *codec, const float *query, const float *center,
				double radius)
{
	int			n = codec->dims;
	double		g = sum_gamma(n);
	double		eps = 4 * double_eps(n);
	double		q_norm = 0;
	double		c_norm = 0;
	double		sum = 0;
	double		factor = 1;
	double		size;
	double		d;

	for (int i = 0; i < n; i++)
	{
		q_norm += (double) query[i] * query[i];
		c_norm += (double) center[i] * center[i];
	}
	q_norm = sqrt(q_norm);
	c_norm = sqrt(c_norm);
	if (codec->metric == BARQ_METRIC_COSINE)
	{
		if (!(q_norm > 0x1.01p-50 && q_norm < 0x1p62))
			return -INFINITY;
		factor = 1 / q_norm;
		q_norm = 1;
	}
	size = q_norm + c_norm + radius;
	if (!(size * size < SAFE_PRODUCT))
		return -INFINITY;

	if (codec->metric == BARQ_METRIC_IP)
	{
		for (int i = 0; i < n; i++)
			sum += (double) query[i] * center[i];
		return -(sum + q_norm * radius + g * q_norm * (c_norm + radius) + n * TINY +
				 eps * size * size);
	}
	for (int i = 0; i < n; i++)
	{
		double		lost = query[i] * factor - center[i];

		sum += lost * lost;
	}
	d = at_least_0(sqrt(sum) - radius - eps * size);
	switch (codec->metric)
	{
		case BARQ_METRIC_L2:
			return sqrt(at_least_0(d * d * (1 - g) - n * TINY)) * (1 - LAST);
		case BARQ_METRIC_COSINE:
			/* of unit vectors, up to the roundings of x / |x| in double */
			return at_least_0(d * d / 2 - 2 * g - 4 * g * g - UNIT - LAST - eps);
		default:
			return -INFINITY;
	}
}
