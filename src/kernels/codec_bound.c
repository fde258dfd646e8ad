/*
 * codec_bound.c
 *	  Lower bounds of the distance that the SQL operator computes from the
 *	  encoded vector, given an estimate from its row.
 *
 * The executor raises an error if the operator's value is below the bound. So
 * the bound is proven, roundings included, for the kernels of every level and
 * any order of summation.
 *
 * Notation. x is the vector that was encoded and q the query, under cosine
 * both divided by their norms, exactly; w is the row's value, an exact vector
 * of reals. By its trailer |x - w| <= r. The query is stored as q = p + e, p =
 * ref + values, |e| <= error (codec_dense.c). u = 2^-24, and
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
 * The last computations in double lose a few 2^-53 of their operands: LAST,
 * relative to all of them, is subtracted.
 */
#include "codec_internal.h"

/*
 * The value of an estimate, computed in double: for use where a float sum has
 * overflowed.
 */
static double
exact_value(const BarqQuery *query, const void *row, RowCoordinate coordinate)
{
	const BarqCodec *codec = &query->codec;
	double		sum = 0;

	for (int i = 0; i < codec->dims; i++)
	{
		double		p = query->ref + query->values[i];
		double		w = coordinate(codec, row, i);

		sum += codec->metric == BARQ_METRIC_L2 ? (p - w) * (p - w) :
			codec->metric == BARQ_METRIC_L1 ? fabs(p - w) : p * w;
	}
	return sum;
}

/*
 * Lower bound of the operator's value for L2, from an estimate with a slack (see the
 * top of this file).
 */
static double
l2_bound(const BarqQuery *query, const Estimate *e)
{
	int			n = query->codec.dims;
	double		d = sqrt(at_least_0((e->value - e->slack) * (1 - LAST))) * (1 - LAST);

	d = at_least_0((d - query->error - e->residual) - LAST * d);
	return sqrt(at_least_0(d * d * (1 - higham_gamma(n + 2)) - n * TINY)) * (1 - LAST);
}

/* Lower bound of the operator's value for L1, from an estimate with a slack. */
static double
l1_bound(const BarqQuery *query, const Estimate *e)
{
	double		d = e->value - e->slack;

	d = at_least_0((d - query->error - e->residual) - LAST * e->value);
	return d * (1 - higham_gamma(query->codec.dims + 2)) * (1 - LAST);
}

/*
 * Lower bound of the operator's value for the inner product, from an estimate with a
 * slack; -infinity if norms may overflow a float sum.
 */
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

/* For cosine; 0 if norms are outside of the range of the proof. */
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
barq_bound_rescore(const BarqQuery *query, const void *row, Estimate *e,
				   RowCoordinate coordinate, double *distance, double *lower_bound)
{
	double		value = e->value;

	if (query->null)
	{
		barq_null_rescore(distance, lower_bound);
		return;
	}
	if (!(fabs(value) <= DBL_MAX) || !(fabs(e->slack) <= DBL_MAX))
	{
		value = exact_value(query, row, coordinate);
		e->slack = INFINITY;
	}

	switch (query->codec.metric)
	{
		case BARQ_METRIC_L2:
			*distance = sqrt(at_least_0(value));
			*lower_bound = e->slack <= DBL_MAX ? l2_bound(query, e) : 0;
			break;
		case BARQ_METRIC_L1:
			*distance = value;
			*lower_bound = e->slack <= DBL_MAX ? l1_bound(query, e) : 0;
			break;
		case BARQ_METRIC_IP:
			*distance = -value;
			*lower_bound = e->slack <= DBL_MAX ? ip_bound(query, e) : -INFINITY;
			break;
		default:
			*distance = value < -1 ? 2 : value > 1 ? 0 : 1 - value;
			*lower_bound = e->slack <= DBL_MAX ? cosine_bound(query, e) : 0;
			break;
	}
}
