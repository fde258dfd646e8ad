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
 * All else in a key is known as exactly as floats say it; rows and queries where that
 * may not suffice are never left out.
 */
#include "codec_internal.h"

#define NOISE		4.61		/* of 0 ... 15, evenly distributed: sqrt(255 / 12) */
#define NOISE_MOST	(1.3 * NOISE)	/* of a row that is compared */
#define DEVIATIONS	4.5

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

/* Sums over the codes of a row and the numbers that their upper bits make. */
typedef struct HalfSums
{
	int64_t		half;
	int64_t		half_sq;
	int64_t		product;
} HalfSums;

/*
 * By what half codes of n codes have to be multiplied (f above). False: the row may have
 * any key.
 */
static bool
find_factor(const Sq8Trailer *t, const HalfSums *sums, int n, double *factor)
{
	double		cc = t->sumsq - (double) t->sum * t->sum / n;
	double		ch = 16 * ((double) sums->product - (double) t->sum * (double) sums->half / n);
	double		hh = 256 * ((double) sums->half_sq - (double) sums->half * (double) sums->half / n);

	*factor = cc > 0 ? cc / ch : 0;
	return cc <= 0 || (ch > 0 && *factor * *factor * hh - cc <= NOISE_MOST * NOISE_MOST * n);
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
		HalfSums	sums = {0, 0, 0};
		double		factor;

		for (int i = 0; i < codec->dims; i++)
		{
			int			half = row[i] >> 4;

			sums.half += half;
			sums.half_sq += half * half;
			sums.product += half * row[i];
			block[((size_t) (i / 8) * BARQ_HALF_ROWS + (size_t) r) * 4 + (size_t) (i % 4)] |=
				(char) (i % 8 < 4 ? half : half << 4);
		}
		if (!floats_suffice(row_mean, t.scale) || !find_factor(&t, &sums, codec->dims, &factor))
		{
			spread[r] = -INFINITY;
			continue;
		}
		mean[r] = (float) row_mean;
		if (codec->metric == BARQ_METRIC_L2)
			spread[r] = (float) ((double) t.scale * t.scale *
								 (t.sumsq - (double) t.sum * t.sum / codec->dims));
		step[r] = (float) (16 * factor * t.scale);
		sum[r] = (float) (16 * factor * t.scale * (double) sums.half);
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
