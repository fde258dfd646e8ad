/*
 * codec_halves.c
 *	  Half codes of sq8 rows: which rows may have a key within a limit, from half of the
 *	  bytes and less than half of the work.
 *
 * Let c be a row's codes, h their upper four bits times 16, k the codes of a query, all
 * about their means. A key has the term by_dot * scale * <k, c> (codec_sq8.c,
 * set_terms()). Half codes know <k, h>. With f = <c, c> / <c, h> the rest c - f h is
 * orthogonal to c, so a query that resembles the row has no more in common with it than
 * any other has: <k, c> is estimated by f <k, h>, and the error <k, c - f h> has the mean
 * 0 and the deviation |k| |c - f h| / sqrt(n), if the lower bits of codes do not depend on
 * the query. Its largest value, NOISE * |k|, is that of bits which are evenly distributed;
 * rows whose bits are farther off may have any key. A key may be less than its estimate
 * by DEVIATIONS of the error, so a row that is just within the limit is missed with a
 * probability of 1e-4 at most, and others with much less: nothing beside what lists miss.
 * Lower bits do depend on the query where a few coordinates of a row are far larger than the
 * others: what near queries have in common with these is in the lower bits alone. So f must
 * also be right for queries that resemble the row but for its largest coordinates, else the
 * row may have any key.
 * All else in a key is known as exactly as floats say it; rows and queries where that
 * may not suffice are never left out.
 */
#include "codec_internal.h"

#define NOISE		4.61		/* of 0 ... 15, evenly distributed: sqrt(255 / 12) */
#define NOISE_MOST	(1.3 * NOISE)	/* of a row that is compared */
#define DEVIATIONS	4.5
#define DEVIATIONS_CUT	2.5		/* of a row that is compared, its largest coordinates cut */

/* Where numbers are this large or small, floats may overflow or lose all. */
#define LARGE		1e15
#define SMALL		1e-15

/* The mean of a vector, in steps of its codes, beyond which floats know too little of it. */
#define FAR_STEPS	(1 << 20)

static int
groups_of(const BarqCodec *codec)
{
	return (codec->dims + 7) / 8;
}

bool
barq_codec_has_halves(const BarqCodec *codec)
{
	return codec->quant == BARQ_QUANT_SQ8 && codec->metric != BARQ_METRIC_L1 &&
		groups_of(codec) <= BARQ_HALF_GROUPS;
}

size_t
barq_half_block_bytes(const BarqCodec *codec)
{
	return BARQ_HALF_BLOCK_BYTES(groups_of(codec));
}

/* Whether floats say enough of a vector with this mean, whose codes have this step. */
static bool
floats_suffice(double mean, double step)
{
	return step == 0 ? fabs(mean) < LARGE :
		step > SMALL && step < LARGE && fabs(mean) < step * FAR_STEPS;
}

/* Sums over codes of a row and the numbers h that their upper bits make. */
typedef struct HalfSums
{
	double		n;
	double		code;
	double		code_sq;
	double		half;
	double		half_sq;
	double		product;
} HalfSums;

/* The product of two vectors about their means. */
static double
about_means(double product, double a, double b, double n)
{
	return product - a * b / n;
}

/* The sums of those of the codes [from, to) whose half, in sums[], is in that range. */
static HalfSums
add_sums(const HalfSums *sums, int from, int to)
{
	HalfSums	all = {0};

	for (int half = from; half < to; half++)
	{
		all.n += sums[half].n;
		all.code += sums[half].code;
		all.code_sq += sums[half].code_sq;
		all.half += sums[half].half;
		all.half_sq += sums[half].half_sq;
		all.product += sums[half].product;
	}
	return all;
}

/*
 * By how much f <k, h> is short of <k, c>, in deviations of the error, for a query that is
 * the row with its codes cut to those whose half is in [from, to).
 */
static double
shortage(const HalfSums *sums, int from, int to, double factor)
{
	HalfSums	below = add_sums(sums, 0, from);
	HalfSums	within = add_sums(sums, from, to);
	HalfSums	above = add_sums(sums, to, 16);
	double		lo = 16 * from;
	double		hi = 16 * to - 1;
	double		n = below.n + within.n + above.n;
	double		k = lo * below.n + within.code + hi * above.n;
	double		kk = lo * lo * below.n + within.code_sq + hi * hi * above.n;
	double		kc = lo * below.code + within.code_sq + hi * above.code;
	double		kh = lo * below.half + within.product + hi * above.half;

	kk = about_means(kk, k, k, n);
	kc = about_means(kc, k, below.code + within.code + above.code, n);
	kh = about_means(kh, k, below.half + within.half + above.half, n);
	return kk > 0 ? (kc - factor * kh) / (NOISE * sqrt(kk)) : 0;
}

/* Whether the factor is right for a row whose largest coordinates, a tenth, are cut. */
static bool
suits_cut_rows(const HalfSums *sums, double n, double factor)
{
	int			from = 0;
	int			to;

	for (int half = 1; half < 16; half++)
		if (sums[half].n > sums[from].n)
			from = half;
	to = from + 1;
	for (double within = sums[from].n; within < n;)
	{
		if (within >= 0.9 * n && shortage(sums, from, to, factor) > DEVIATIONS_CUT)
			return false;
		if (to == 16 || (from > 0 && sums[from - 1].n > sums[to].n))
			within += sums[--from].n;
		else
			within += sums[to++].n;
	}
	return true;
}

/*
 * By what half codes of codes with these sums have to be multiplied (f above). False: the
 * row may have any key.
 */
static bool
find_factor(const HalfSums *sums, double *factor)
{
	HalfSums	all = add_sums(sums, 0, 16);
	double		cc = about_means(all.code_sq, all.code, all.code, all.n);
	double		ch = about_means(all.product, all.code, all.half, all.n);
	double		hh = about_means(all.half_sq, all.half, all.half, all.n);

	*factor = cc > 0 ? cc / ch : 0;
	return cc <= 0 || (ch > 0 && *factor * *factor * hh - cc <= NOISE_MOST * NOISE_MOST * all.n &&
					   suits_cut_rows(sums, all.n, *factor));
}

void
barq_halves_write(const BarqCodec *codec, const char *rows, size_t stride, int n, char *block)
{
	int			groups = groups_of(codec);
	float	   *mean = (void *) (block + (size_t) groups * 4 * BARQ_HALF_ROWS);
	float	   *spread = mean + BARQ_HALF_ROWS;
	float	   *step = spread + BARQ_HALF_ROWS;
	float	   *sum = step + BARQ_HALF_ROWS;

	memset(block, 0, barq_half_block_bytes(codec));
	for (int r = 0; r < n; r++)
	{
		const unsigned char *row = (const unsigned char *) rows + (size_t) r * stride;
		Sq8Trailer	t = sq8_trailer(codec, row);
		double		row_mean = t.offset + (double) t.scale * t.sum / codec->dims;
		HalfSums	sums[16] = {0};
		double		half_sum = 0;
		double		factor;

		for (int i = 0; i < codec->dims; i++)
		{
			int			half = row[i] >> 4;

			sums[half].n++;
			sums[half].code += row[i];
			sums[half].code_sq += row[i] * row[i];
			block[((size_t) (i / 8) * BARQ_HALF_ROWS + (size_t) r) * 4 + (size_t) (i % 4)] |=
				(char) (i % 8 < 4 ? half : half << 4);
		}
		for (int half = 0; half < 16; half++)
		{
			sums[half].half = 16 * half * sums[half].n;
			sums[half].half_sq = 16 * half * sums[half].half;
			sums[half].product = 16 * half * sums[half].code;
			half_sum += half * sums[half].n;
		}
		if (!floats_suffice(row_mean, t.scale) || !find_factor(sums, &factor))
		{
			spread[r] = -INFINITY;
			continue;
		}
		mean[r] = (float) row_mean;
		if (codec->metric == BARQ_METRIC_L2)
			spread[r] = (float) ((double) t.scale * t.scale *
								 (t.sumsq - (double) t.sum * t.sum / codec->dims));
		step[r] = (float) (16 * factor * t.scale);
		sum[r] = (float) (16 * factor * t.scale * half_sum);
	}
}

bool
barq_query_halve(const BarqQuery *query, BarqHalfTerms *terms)
{
	const BarqSq8Terms *t = &query->terms;
	double		step = query->code_step;

	if (query->null || !barq_codec_has_halves(&query->codec) ||
		!floats_suffice(query->code_mean, step))
		return false;
	terms->ref = (float) t->ref;
	terms->base = (float) t->base;
	terms->by_mean = (float) t->by_mean;
	terms->by_mean_sq = (float) t->by_mean_sq;
	terms->by_sum = (float) (-t->by_dot * t->query_mean);
	terms->by_dot = (float) t->by_dot;
	terms->slack = (float) (DEVIATIONS * NOISE / 16 * fabs(t->by_dot) * query->code_spread);
	return true;
}

int
barq_query_half_rows(const BarqQuery *query, const BarqHalfTerms *terms, const char *blocks,
					 int nblocks, float limit, uint32_t *which)
{
	return barq_kernels->half_rows_within(query->codes, terms, blocks, nblocks,
										  groups_of(&query->codec), limit, which);
}
