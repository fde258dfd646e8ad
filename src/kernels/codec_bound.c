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
 * so nothing overflows where that is below FLT_MAX. A kernel's loop adds to eight
 * floats or more in turn (two sums of four lanes at least), a term then passes at most
 * six more additions, of tail, sums and lanes: so k <= n / 8 + 8, too. Hence, with
 * G = sum_gamma(n) = g(min(n, n / 8 + 8) + 3),
 *
 *	  products:		|fl<a,b> - <a,b>| <= G |a| |b| + n 2^-149
 *	  squares, L1:	fl S in S (1 ± G) ± n 2^-149, so S is off from fl S by at most
 *					G / (1 - G) (fl S + n 2^-149) + n 2^-149
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
 * From below, with an overflow giving infinity:
 *	  L2	at most sqrt(d^2 (1 + G) + n 2^-149)
 *	  L1	at most d (1 + G)
 *	  IP	at most -<q,x> + G |q| |x| + n 2^-149
 *	  cosine	s >= A - 2 G - 4 G^2 - u, the value being at most 2
 *
 * The true distance, from w and p (and d <= |p - w| + error + r, <q,x> >= ... likewise):
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
 *	  sq8, refined	the same with s = scale / 256 for scale and the numbers c' = 256 c +
 *			c2 - 128 for c; <v,c'> = 256 <v,c> + <v,c2> - 128 sum v, whose floats are
 *			off by at most 256 (G |v| |c| + n 2^-149) + G |v| |c2| + n 2^-149, and
 *			|c2| <= 255 sqrt(n). In M, |c'| is replaced by the sum of its parts.
 *			Under L1 everything is computed in double.
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
exact_value(const BarqQuery *query, const void *row, const void *refinement,
			RowCoordinate coordinate)
{
	const BarqCodec *codec = &query->codec;
	double		sum = 0;

	for (int i = 0; i < codec->dims; i++)
	{
		double		p = query->ref + query->values[i];
		double		w = coordinate(codec, row, refinement, i);

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
	return sqrt(at_least_0(d * d * (1 - sum_gamma(n)) - n * TINY)) * (1 - LAST);
}

/* Lower bound of the operator's value for L1, from an estimate with a slack. */
static double
l1_bound(const BarqQuery *query, const Estimate *e)
{
	double		d = e->value - e->slack;

	d = at_least_0((d - query->error - e->residual) - LAST * e->value);
	return d * (1 - sum_gamma(query->codec.dims)) * (1 - LAST);
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
	most += sum_gamma(n) * norms + n * TINY;
	/* no summand is larger than these two, up to a small factor */
	most += LAST * (fabs(e->value) + norms + query->given_norm * e->residual);
	return -most;
}

/* Whether the norms are in the range of the proof for cosine. */
static bool
cosine_is_proven(const BarqQuery *query, const Estimate *e)
{
	return query->given_norm > 0x1.01p-50 && query->given_norm < 0x1p62 &&
		e->norm > 0x1.01p-50 && e->norm < 0x1p62;
}

/* For cosine; 0 if norms are outside of the range of the proof. */
static double
cosine_bound(const BarqQuery *query, const Estimate *e)
{
	double		g = sum_gamma(query->codec.dims);
	double		most;

	if (!cosine_is_proven(query, e))
		return 0;
	most = e->value + e->slack + query->error * (1 + e->residual) + e->residual;
	most += 2 * g + 4 * g * g + UNIT + LAST;
	return at_least_0(1 - most);
}

/*
 * Upper bounds of the operators' values, from an estimate with a slack (see the top of
 * this file); infinity if a float sum of the operator may overflow.
 */
static double
l2_upper(const BarqQuery *query, const Estimate *e)
{
	int			n = query->codec.dims;
	double		d = sqrt(at_least_0((e->value + e->slack) * (1 + LAST))) * (1 + LAST);
	double		square;

	d = (d + query->error + e->residual) * (1 + LAST);
	square = d * d * (1 + sum_gamma(n)) + n * TINY;
	return square < SAFE_PRODUCT ? sqrt(square) * (1 + LAST) : INFINITY;
}

static double
l1_upper(const BarqQuery *query, const Estimate *e)
{
	double		d = (e->value + e->slack + query->error + e->residual) * (1 + LAST);

	d *= (1 + sum_gamma(query->codec.dims)) * (1 + LAST);
	return d < SAFE_PRODUCT ? d : INFINITY;
}

static double
ip_upper(const BarqQuery *query, const Estimate *e)
{
	int			n = query->codec.dims;
	double		norms = query->given_norm * e->norm;
	double		least;

	if (!(norms < SAFE_PRODUCT))
		return INFINITY;
	least = e->value - e->slack - query->error * (e->norm + e->residual) -
		query->given_norm * e->residual;
	least -= sum_gamma(n) * norms + n * TINY;
	least -= LAST * (fabs(e->value) + norms + query->given_norm * e->residual);
	return -least;
}

static double
cosine_upper(const BarqQuery *query, const Estimate *e)
{
	double		g = sum_gamma(query->codec.dims);
	double		least;

	if (!cosine_is_proven(query, e))
		return 2;
	least = e->value - e->slack - query->error * (1 + e->residual) - e->residual;
	least -= 2 * g + 4 * g * g + UNIT + LAST;
	return 1 - least < 2 ? 1 - least : 2;
}

void
barq_bound_rescore(const BarqQuery *query, const void *row, const void *refinement,
				   Estimate *e, RowCoordinate coordinate, BarqInterval *interval)
{
	double		value = e->value;
	bool		bounded;

	if (query->null)
	{
		barq_null_rescore(interval);
		return;
	}
	if (!(fabs(value) <= DBL_MAX) || !(fabs(e->slack) <= DBL_MAX))
	{
		value = exact_value(query, row, refinement, coordinate);
		e->slack = INFINITY;
	}
	bounded = e->slack <= DBL_MAX;

	switch (query->codec.metric)
	{
		case BARQ_METRIC_L2:
			interval->distance = sqrt(at_least_0(value));
			interval->low = bounded ? l2_bound(query, e) : 0;
			interval->high = bounded ? l2_upper(query, e) : INFINITY;
			break;
		case BARQ_METRIC_L1:
			interval->distance = value;
			interval->low = bounded ? l1_bound(query, e) : 0;
			interval->high = bounded ? l1_upper(query, e) : INFINITY;
			break;
		case BARQ_METRIC_IP:
			interval->distance = -value;
			interval->low = bounded ? ip_bound(query, e) : -INFINITY;
			interval->high = bounded ? ip_upper(query, e) : INFINITY;
			break;
		default:
			interval->distance = value < -1 ? 2 : value > 1 ? 0 : 1 - value;
			interval->low = bounded ? cosine_bound(query, e) : 0;
			interval->high = bounded ? cosine_upper(query, e) : 2;
			break;
	}
}
