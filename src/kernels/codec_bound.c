/*
 * codec_bound.c
 *	  Scoring a row with the query's floats, and how far that can be above
 *	  what the SQL operator says about the vector itself.
 *
 * The executor raises an ERROR where the operator's value is below the bound,
 * so the bound is proven, roundings included, for every level's kernels and
 * whatever order they sum in.
 *
 * Notation. x is the vector that was encoded and q the query, under cosine
 * both divided by their norms, exactly; w is the row's value, an exact vector
 * of reals. By its trailer |x - w| <= r. The query is held as q = p + e, p =
 * ref + values, |e| <= error (codec_query.c). u = 2^-24, and
 * g(k) = k u / (1 - k u).
 *
 * Float sums. A sum of n products (or squares, or absolute differences) in
 * which each term passes through at most k roundings is
 * sum t_i (1 + d_i) + h with |d_i| <= g(k) (Higham, Accuracy and Stability of
 * Numerical Algorithms, 2nd ed., lemma 3.1 and section 4.2) and |h| <= n 2^-149
 * where products underflow (additions never do). k <= n for products in any
 * order, fused or not; differences add one, their squares another two. Zeros
 * added by empty lanes are exact. No partial sum exceeds (1 + g) sum |t_i|,
 * so nothing overflows where that is below FLT_MAX. Hence, with G = g(n + 2),
 *
 *	  products:		|fl<a,b> - <a,b>| <= G |a| |b| + n 2^-149
 *	  squares, L1:	fl S in S (1 ± G) ± n 2^-149
 *
 * The operators, from above:
 *	  L2	sqrt((double) fl S), so its value is at least
 *			sqrt(d^2 (1 - G) - n 2^-149) for the true distance d. An overflow
 *			gives infinity.
 *	  L1	at least d (1 - G).
 *	  IP	-fl<q,x> >= -<q,x> - G |q| |x| - n 2^-149, if |q| |x| is well below
 *			FLT_MAX; else anything, and the bound is -infinity.
 *	  cosine	with A = <a,b> / (|a| |b|) of the vectors as given, s = (A + d1)
 *			/ sqrt((1 + d2)(1 + d3)) with |d| <= G + n 2^-149 / (|a| |b|), or of
 *			the respective norm's square. If the norms lie between 2^-50 and
 *			2^62 no sum overflows and the second term is below u / 1000. As
 *			|A| <= 1, s <= A + 2 G + 4 G^2 + u; outside the bound is 0.
 *
 * The true distance, from w and p:
 *	  L2, L1	d >= |p - w| - error - r
 *	  IP		<q,x> <= <p,w> + error |w| + |q| r,	|w| <= |x| + r
 *	  cosine	the same with |q| = |x| = 1
 *
 * |p - w| and <p,w>, from a kernel:
 *	  none, f16	p and w are floats, so the rules above hold.
 *	  sq8	w = offset + scale * c, with integers c whose sum C and sum of
 *			squares C2 are exact, v = values and D = offset - ref:
 *			  |p - w|^2 = |v|^2 + n D^2 + scale^2 C2 - 2 D sum v
 *						  + 2 D scale C - 2 scale <v,c>
 *			  <p,w> = n ref offset + offset sum v + ref scale C + scale <v,c>
 *			in double, with only <v,c> from a float kernel: its error is at most
 *			scale (G |v| |c| + n 2^-149). The doubles' own is at most double_eps
 *			times M = (|v| + sqrt(n) |D| + scale |c|)^2, or times
 *			(sqrt(n) |ref| + |v|) (sqrt(n) |offset| + scale |c|).
 *	  sq8, L1	the kernel sums |v_i - t_i|, t_i = fl(D' + scale c_i), D' =
 *			fl(D): |t_i - (D + scale c_i)| <= 2.1 u (|D| + scale c_i) + 2^-147,
 *			together T = 2.1 u (n |D| + scale C) + n 2^-147.
 *
 * What is computed in double at the end loses a few 2^-53 of its operands:
 * LAST, relative to them all, is taken off.
 */
#include "codec_internal.h"

#include <float.h>
#include <math.h>

/*
 * What a kernel and the row's trailer say: for L2 the squared distance, for
 * L1 the distance, else the inner product of p and w.
 */
typedef struct Estimate
{
	double		value;
	double		slack;			/* the most it is off; infinity: no idea */
	double		residual;
	double		norm;			/* |x| as given */
} Estimate;

static Estimate
estimate_float(const BarqQuery *query, const void *row)
{
	const BarqKernels *k = barq_kernels;
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	double		g = higham_gamma(n + 2);
	bool		f16 = codec->quant == BARQ_QUANT_F16;
	FloatTrailer t = float_trailer(codec, row);
	Estimate	e = {0, 0, t.residual, t.norm};

	switch (codec->metric)
	{
		case BARQ_METRIC_L2:
			e.value = f16 ? k->l2sq_f16(query->values, row, n)
				: k->l2sq(query->values, row, n);
			e.slack = g * e.value + n * TINY;
			break;
		case BARQ_METRIC_L1:
			e.value = f16 ? k->l1_f16(query->values, row, n)
				: k->l1(query->values, row, n);
			e.slack = g * e.value + n * TINY;
			break;
		default:
			{
				double		w = (codec->metric == BARQ_METRIC_COSINE ? 1.0 : e.norm) +
					e.residual;

				e.value = f16 ? k->ip_f16(query->values, row, n)
					: k->ip(query->values, row, n);
				e.slack = query->norm * w < SAFE_PRODUCT ?
					g * query->norm * w + n * TINY : INFINITY;
			}
	}
	return e;
}

static Estimate
estimate_sq8(const BarqQuery *query, const void *row)
{
	const BarqKernels *k = barq_kernels;
	const BarqCodec *codec = &query->codec;
	int			n = codec->dims;
	double		g = higham_gamma(n + 2);
	Sq8Trailer	t = sq8_trailer(codec, row);
	double		scale = t.scale;
	double		offset = t.offset;
	double		d = offset - query->ref;
	double		code_norm = sqrt((double) t.sumsq);
	double		root_n = sqrt((double) n);
	Estimate	e = {0, INFINITY, t.residual, t.norm};
	double		dot;
	double		dot_slack;

	if (codec->metric == BARQ_METRIC_L1)
	{
		e.value = k->l1_f32u8(query->values, row, t.scale, (float) d, n);
		e.slack = g * e.value + n * 0x1p-147 +
			2.1 * UNIT * (n * fabs(d) + scale * t.sum);
		return e;
	}

	dot = k->ip_f32u8(query->values, row, n);
	dot_slack = query->norm * code_norm < SAFE_PRODUCT ?
		scale * (g * query->norm * code_norm + n * TINY) : INFINITY;
	if (codec->metric == BARQ_METRIC_L2)
	{
		double		size = query->norm + root_n * fabs(d) + scale * code_norm;

		e.value = (query->sumsq + n * d * d + scale * scale * t.sumsq) +
			2 * d * (scale * t.sum - query->sum) - 2 * scale * dot;
		e.slack = 2 * dot_slack + double_eps(n) * size * size;
	}
	else
	{
		e.value = n * query->ref * offset + offset * query->sum +
			query->ref * scale * t.sum + scale * dot;
		e.slack = dot_slack + double_eps(n) * (root_n * fabs(query->ref) + query->norm) *
			(root_n * fabs(offset) + scale * code_norm);
	}
	return e;
}

/*
 * The estimate's value by plain double loops: where a float sum has
 * overflowed.
 */
static double
exact_value(const BarqQuery *query, const void *row)
{
	const BarqCodec *codec = &query->codec;
	const unsigned char *code = row;
	double		sum = 0;
	Sq8Trailer	t = {0};

	if (codec->quant == BARQ_QUANT_SQ8)
		t = sq8_trailer(codec, row);
	for (int i = 0; i < codec->dims; i++)
	{
		double		p = query->ref + query->values[i];
		double		w;
		float		f;

		if (codec->quant == BARQ_QUANT_SQ8)
			w = t.offset + (double) t.scale * code[i];
		else
		{
			if (codec->quant == BARQ_QUANT_F16)
			{
				uint16_t	half;

				memcpy(&half, code + (size_t) i * sizeof(half), sizeof(half));
				barq_kernels->f16_to_f32(&half, &f, 1);
			}
			else
				memcpy(&f, code + (size_t) i * sizeof(f), sizeof(f));
			w = f;
		}
		sum += codec->metric == BARQ_METRIC_L2 ? (p - w) * (p - w) :
			codec->metric == BARQ_METRIC_L1 ? fabs(p - w) : p * w;
	}
	return sum;
}

static double
l2_bound(const BarqQuery *query, const Estimate *e)
{
	int			n = query->codec.dims;
	double		d = sqrt(at_least_0((e->value - e->slack) * (1 - LAST))) * (1 - LAST);

	d = at_least_0((d - query->error - e->residual) - LAST * d);
	return sqrt(at_least_0(d * d * (1 - higham_gamma(n + 2)) - n * TINY)) * (1 - LAST);
}

static double
l1_bound(const BarqQuery *query, const Estimate *e)
{
	double		d = e->value - e->slack;

	d = at_least_0((d - query->error - e->residual) - LAST * e->value);
	return d * (1 - higham_gamma(query->codec.dims + 2)) * (1 - LAST);
}

static double
ip_bound(const BarqQuery *query, const Estimate *e)
{
	int			n = query->codec.dims;
	double		norms = query->given_norm * e->norm;
	double		most;

	if (!(norms < SAFE_PRODUCT))
		return -INFINITY;
	most = e->value + e->slack + query->error * (e->norm + e->residual) +
		query->given_norm * e->residual;
	most += higham_gamma(n + 2) * norms + n * TINY;
	/* no summand is larger than these two, up to a small factor */
	most += LAST * (fabs(e->value) + norms + query->given_norm * e->residual);
	return -most;
}

static double
cosine_bound(const BarqQuery *query, const Estimate *e)
{
	double		g = higham_gamma(query->codec.dims + 2);
	double		most;

	if (!(query->given_norm > 0x1.01p-50 && query->given_norm < 0x1p62 &&
		  e->norm > 0x1.01p-50 && e->norm < 0x1p62))
		return 0;
	most = e->value + e->slack + query->error * (1 + e->residual) + e->residual;
	most += 2 * g + 4 * g * g + UNIT + LAST;
	return at_least_0(1 - most);
}

void
barq_query_rescore(const BarqQuery *query, const void *row,
				   double *distance, double *lower_bound)
{
	Estimate	e;
	double		value;

	if (query->codec.quant == BARQ_QUANT_BITS)
	{
		barq_bits_rescore(query, row, distance, lower_bound);
		return;
	}
	if (query->null)
	{
		/* the operator's answer is NaN, which sorts behind everything */
		*distance = 1;
		*lower_bound = 0;
		return;
	}
	if (query->codec.quant == BARQ_QUANT_RABITQ)
	{
		barq_rabitq_rescore(query, row, distance, lower_bound);
		return;
	}
	if (query->codec.quant == BARQ_QUANT_SPARSE)
	{
		barq_sparse_rescore(query, row, distance, lower_bound);
		return;
	}
	e = query->codec.quant == BARQ_QUANT_SQ8 ? estimate_sq8(query, row)
		: estimate_float(query, row);
	value = e.value;
	if (!(fabs(value) <= DBL_MAX) || !(fabs(e.slack) <= DBL_MAX))
	{
		value = exact_value(query, row);
		e.slack = INFINITY;
	}

	switch (query->codec.metric)
	{
		case BARQ_METRIC_L2:
			*distance = sqrt(at_least_0(value));
			*lower_bound = e.slack <= DBL_MAX ? l2_bound(query, &e) : 0;
			break;
		case BARQ_METRIC_L1:
			*distance = value;
			*lower_bound = e.slack <= DBL_MAX ? l1_bound(query, &e) : 0;
			break;
		case BARQ_METRIC_IP:
			*distance = -value;
			*lower_bound = e.slack <= DBL_MAX ? ip_bound(query, &e) : -INFINITY;
			break;
		default:
			*distance = value < -1 ? 2 : value > 1 ? 0 : 1 - value;
			*lower_bound = e.slack <= DBL_MAX ? cosine_bound(query, &e) : 0;
			break;
	}
}
