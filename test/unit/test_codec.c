/*
 * test_codec.c
 *	  Rows of dense vectors: a row's residual is its loss; keys order rows; the
 *	  lower bound of a re-scored row is never above the SQL operator's value, for
 *	  the kernels of any level and any kind of data.
 */
#include "kernels/codec.h"
#include "kernels/codec_internal.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "codec_pairs.h"
#include "tap.h"

/* With sanitizers, which are slow, do a tenth. */
#ifndef BARQ_TEST_SCALE
#define BARQ_TEST_SCALE 1
#endif

#define MAX_DIMS BARQ_CODEC_MAX_DIMS

static const BarqKernels *levels[8];
static int	nlevels;

static const char *const metric_names[] = {"", "l2", "ip", "cosine", "l1"};
static const char *const quant_names[] = {"none", "f16", "sq8"};

static void
decode(const BarqCodec *codec, const void *row, double *w)
{
	Sq8Trailer	t = {0};

	if (codec->quant == BARQ_QUANT_SQ8)
		t = sq8_trailer(codec, row);
	for (int i = 0; i < codec->dims; i++)
	{
		uint16_t	half;
		float		f;

		switch (codec->quant)
		{
			case BARQ_QUANT_SQ8:
				w[i] = t.offset + (double) t.scale * ((const unsigned char *) row)[i];
				break;
			case BARQ_QUANT_F16:
				memcpy(&half, (const char *) row + 2 * (size_t) i, sizeof(half));
				levels[0]->f16_to_f32(&half, &f, 1);
				w[i] = f;
				break;
			default:
				memcpy(&f, (const char *) row + 4 * (size_t) i, sizeof(f));
				w[i] = f;
		}
	}
}

/* The SQL operator's value (src/types). */
static double
operator_distance(BarqMetric metric, const BarqKernels *k,
				  const float *x, const float *q, int n)
{
	float		ab,
				aa,
				bb;
	double		sim;

	switch (metric)
	{
		case BARQ_METRIC_L2:
			return sqrt((double) k->l2sq(x, q, n));
		case BARQ_METRIC_IP:
			return -(double) k->ip(x, q, n);
		case BARQ_METRIC_L1:
			return k->l1(x, q, n);
		default:
			k->cosine_parts(x, q, n, &ab, &aa, &bb);
			sim = (double) ab / sqrt((double) aa * (double) bb);
			if (sim > 1)
				sim = 1;
			else if (sim < -1)
				sim = -1;
			return 1 - sim;
	}
}

static double
true_distance(BarqMetric metric, const float *x, const float *q, int n)
{
	long double sum = 0,
				aa = 0,
				bb = 0;

	for (int i = 0; i < n; i++)
	{
		long double a = x[i],
					b = q[i];

		sum += metric == BARQ_METRIC_L2 ? (a - b) * (a - b) :
			metric == BARQ_METRIC_L1 ? fabsl(a - b) : a * b;
		aa += a * a;
		bb += b * b;
	}
	return (double) (metric == BARQ_METRIC_L2 ? sqrtl(sum) :
					 metric == BARQ_METRIC_L1 ? sum :
					 metric == BARQ_METRIC_IP ? -sum :
					 1 - sum / (sqrtl(aa) * sqrtl(bb)));
}

static double
l2_norm(const float *x, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double) x[i] * x[i];
	return sqrt(sum);
}

/* Results of test_bounds. */
typedef struct Findings
{
	long		cases;
	long		bound_violated;
	long		not_a_number;
	long		residual_wrong;
	long		decoded_wrong;
	long		loose;
	long		keys_wrong;
	double		plain_width;	/* of intervals, added up */
	double		fine_width;
	char		first[200];
} Findings;

static void
note(Findings *f, long *counter, const char *what, const BarqCodec *codec, Kind kind,
	 double a, double b)
{
	if ((*counter)++ == 0)
		snprintf(f->first, sizeof(f->first), "%s: %s %s, %d dimensions, %s: %.17g %.17g",
				 what, metric_names[codec->metric], quant_names[codec->quant],
				 codec->dims, kind_names[kind], a, b);
}

/* The norm of the difference between vector and code. */
static long double
exact_loss(BarqMetric metric, const float *xs, const double *ws, int n)
{
	long double norm = 0,
				sum = 0;

	for (int i = 0; i < n; i++)
		norm += (long double) xs[i] * xs[i];
	norm = metric == BARQ_METRIC_COSINE ? sqrtl(norm) : 1;
	if (metric == BARQ_METRIC_L1)
	{
		for (int i = 0; i < n; i++)
			sum += fabsl(xs[i] - (long double) ws[i]);
		return sum;
	}
	for (int i = 0; i < n; i++)
		sum += (xs[i] / norm - ws[i]) * (xs[i] / norm - ws[i]);
	return sqrtl(sum);
}

static float x[MAX_DIMS],
			q[MAX_DIMS];
static double w[MAX_DIMS],
			fine[MAX_DIMS];
static float decoded[MAX_DIMS];
static char row_buffer[MAX_DIMS * 4 + 256],
			mem[MAX_DIMS * 10 + 8192];

/* The query for which the row's distance differs most from the vector's. */
static void
worst_query(const BarqCodec *codec, const float *xs, const double *ws, float *qs)
{
	double		t = exp(4 * random_normal());
	double		norm = codec->metric == BARQ_METRIC_COSINE ? l2_norm(xs, codec->dims) : 1;

	for (int i = 0; i < codec->dims; i++)
	{
		double		v = xs[i] / norm;
		bool		distance = codec->metric == BARQ_METRIC_L2 ||
			codec->metric == BARQ_METRIC_L1;

		qs[i] = (float) (distance ? v + t * (v - ws[i]) : t * (v - ws[i]));
	}
}

/* The largest value in the computation of decoding; rounding is relative to it. */
static double
code_span(const BarqCodec *codec, const void *row)
{
	Sq8Trailer	t;

	if (codec->quant != BARQ_QUANT_SQ8)
		return 0;
	t = sq8_trailer(codec, row);
	return fabs(t.offset) + 255 * (double) t.scale;
}

/* The values of a row with its refinement. */
static void
decode_fine(const BarqCodec *codec, const char *row, double *values)
{
	const unsigned char *first = (const unsigned char *) row;
	const unsigned char *second = first + codec->row_bytes;
	Sq8Trailer	t = sq8_trailer(codec, row);

	for (int i = 0; i < codec->dims; i++)
		values[i] = t.offset + (double) t.scale / 256 * (256 * first[i] + second[i] - 128);
}

/*
 * Every level's operator value of x and a query lies in the row's interval, with its
 * refinement and without.
 */
static void
check_intervals(Findings *f, const BarqCodec *codec, Kind kind, const char *row, const float *against)
{
	BarqQuery  *query = barq_query_prepare(mem, codec, against);
	const void *refinement = codec->refine_bytes > 0 ? row + codec->row_bytes : NULL;
	BarqInterval plain,
				refined;
	double		distance,
				bound;

	barq_query_rescore(query, row, &distance, &bound);
	barq_query_interval(query, row, NULL, &plain);
	if (plain.distance != distance || plain.low != bound)
		note(f, &f->bound_violated, "interval and bound", codec, kind, plain.low, bound);
	refined = plain;
	if (refinement != NULL)
		barq_query_interval(query, row, refinement, &refined);
	if (isnan(plain.high) || isnan(refined.high) || isnan(refined.low) || isnan(refined.distance))
		note(f, &f->not_a_number, "interval", codec, kind, refined.low, refined.high);
	for (int l = 0; l < nlevels; l++)
	{
		double		value = operator_distance(codec->metric, levels[l], x, against, codec->dims);

		if (value > plain.high)
			note(f, &f->bound_violated, "above", codec, kind, value, plain.high);
		if (value < refined.low)
			note(f, &f->bound_violated, "refined, below", codec, kind, value, refined.low);
		if (value > refined.high)
			note(f, &f->bound_violated, "refined, above", codec, kind, value, refined.high);
	}
	f->plain_width += kind == GAUSSIAN && refinement != NULL ? plain.high - plain.low : 0;
	f->fine_width += kind == GAUSSIAN && refinement != NULL ? refined.high - refined.low : 0;
}

/* The refinement of a rabitq row: every level's operator value lies in its interval. */
static void
check_rabitq(Findings *f, BarqMetric metric, Kind kind, int n)
{
	char	   *row = row_buffer + random_bits() % 9;
	const char *refinement;
	BarqInterval interval;
	BarqQuery  *query;
	BarqCodec	codec;

	barq_codec_init(&codec, metric, BARQ_QUANT_RABITQ, n);
	if (!barq_codec_refine(&codec))
		note(f, &f->residual_wrong, "refinable", &codec, kind, 0, 0);
	if (!barq_codec_encode(&codec, x, row))
		return;
	refinement = row + codec.row_bytes;
	if (!barq_refinement_is_sound(&codec, row, refinement))
		note(f, &f->residual_wrong, "unsound refinement", &codec, kind, 0, 0);
	query = barq_query_prepare(mem, &codec, q);
	barq_query_interval(query, row, refinement, &interval);
	if (isnan(interval.low) || isnan(interval.high))
		note(f, &f->not_a_number, "interval", &codec, kind, interval.low, interval.high);
	for (int l = 0; l < nlevels; l++)
	{
		double		value = operator_distance(metric, levels[l], x, q, n);

		if (value < interval.low || value > interval.high)
			note(f, &f->bound_violated, "rabitq, refined", &codec, kind, value, interval.low);
	}
}

static void
check_case(Findings *f, BarqMetric metric, BarqQuantization quant, Kind kind, int n)
{
	BarqCodec	codec;
	BarqQuery  *query;
	char	   *row = row_buffer + random_bits() % 9;	/* logs do not align rows */
	long double loss;
	double		residual;
	double		norm = metric == BARQ_METRIC_COSINE ? l2_norm(x, n) : 1;
	double		distance,
				bound,
				truth;
	float		keys[8];
	bool		normal = kind < MAGNITUDES;

	f->cases++;
	barq_kernels = levels[random_bits() % (uint64_t) nlevels];
	barq_codec_init(&codec, metric, quant, n);
	if (barq_codec_refine(&codec) != (quant == BARQ_QUANT_SQ8))
		note(f, &f->residual_wrong, "refinable", &codec, kind, 0, 0);
	if (!barq_codec_encode(&codec, x, row))
	{
		if (norm != 0)
			note(f, &f->residual_wrong, "refused", &codec, kind, norm, 0);
		return;
	}
	decode(&codec, row, w);
	barq_codec_decode(&codec, row, decoded);
	for (int i = 0; i < n; i++)
		if (!(fabs(decoded[i] - w[i]) <= 1e-6 * code_span(&codec, row)))
			note(f, &f->decoded_wrong, "decoded", &codec, kind, decoded[i], w[i]);
	residual = quant == BARQ_QUANT_SQ8 ? sq8_trailer(&codec, row).residual :
		float_trailer(&codec, row).residual;
	loss = exact_loss(metric, x, w, n);
	/* except for the roundings of this program's own sums */
	if (!(residual >= loss * (1 - 1e-15)) ||
		(normal && residual > loss * (1 + 1e-6) + 1e-9 * (1 + l2_norm(x, n) / norm)))
		note(f, &f->residual_wrong, "residual", &codec, kind, residual, (double) loss);

	if (quant == BARQ_QUANT_SQ8)
	{
		Sq8Refinement r;

		memcpy(&r, row + barq_codec_whole_bytes(&codec) - sizeof(r), sizeof(r));
		decode_fine(&codec, row, fine);
		if (!barq_refinement_is_sound(&codec, row, row + codec.row_bytes))
			note(f, &f->residual_wrong, "unsound refinement", &codec, kind, r.residual, 0);
		row[codec.row_bytes] ^= 1;
		if (barq_refinement_is_sound(&codec, row, row + codec.row_bytes))
			note(f, &f->residual_wrong, "sound refinement", &codec, kind, r.residual, 0);
		row[codec.row_bytes] ^= 1;
		loss = exact_loss(metric, x, fine, n);
		if (!(r.residual >= loss * (1 - 1e-15)) ||
			(normal && r.residual > loss * (1 + 1e-6) + 1e-9 * (1 + l2_norm(x, n) / norm)))
			note(f, &f->residual_wrong, "refined residual", &codec, kind, r.residual, (double) loss);
		if (kind == WORST)
		{
			worst_query(&codec, x, fine, q);
			check_intervals(f, &codec, kind, row, q);
		}
	}
	if (kind == WORST)
		worst_query(&codec, x, w, q);
	check_intervals(f, &codec, kind, row, q);
	query = barq_query_prepare(mem, &codec, q);
	barq_query_rescore(query, row, &distance, &bound);
	if (isnan(distance) || isnan(bound) || (metric != BARQ_METRIC_IP && bound < 0))
		note(f, &f->not_a_number, "not a number", &codec, kind, distance, bound);
	for (int l = 0; l < nlevels; l++)
	{
		double		value = operator_distance(metric, levels[l], x, q, n);

		if (value < bound)
			note(f, &f->bound_violated, levels[l]->name, &codec, kind, value, bound);
	}

	truth = true_distance(metric, x, q, n);
	if (normal && l2_norm(q, n) > 0)
	{
		double		q_norm = l2_norm(q, n);
		double		x_norm = l2_norm(x, n);
		double		slack = (n + 4) * 4 * 0x1p-24;
		double		most;

		/* the residual twice, on both sides of the estimate, and n eps norms */
		switch (metric)
		{
			case BARQ_METRIC_L2:
				{
					/* squared sums lose slack * norms^2; codes count from the least */
					double		s = slack * 4 * (q_norm + x_norm) * (q_norm + x_norm);

					most = 2 * residual + (truth > 0 ? fmin(s / truth, sqrt(s)) : sqrt(s)) +
						slack * truth;
					break;
				}
			case BARQ_METRIC_L1:
				most = 2 * residual + slack * (truth + n * 4e-3 + (q_norm + x_norm) * sqrt(n));
				break;
			case BARQ_METRIC_IP:
				most = 2 * residual * q_norm + slack * q_norm * (x_norm + residual) * 4;
				break;
			default:
				most = 2 * residual + slack * 4;
		}
		if (truth - bound > most + 1e-30 || fabs(truth - distance) > most + 1e-30)
			note(f, &f->loose, "loose", &codec, kind, truth - bound, most);
	}

	barq_query_keys(query, row, 0, NULL, 1, keys);
	keys[1] = barq_query_key(query, row);
	keys[2] = barq_code_key(&codec, row, row);
	barq_code_keys(&codec, row, row, 0, NULL, 1, keys + 3);
	if (memcmp(&keys[0], &keys[1], sizeof(float)) != 0 ||
		memcmp(&keys[2], &keys[3], sizeof(float)) != 0)
		note(f, &f->keys_wrong, "single and batched keys", &codec, kind, keys[2], keys[3]);
	for (int i = 0; i < 4; i++)
		if (isnan(keys[i]))
			note(f, &f->not_a_number, "key", &codec, kind, keys[i], i);
	if (metric == BARQ_METRIC_L2 && normal)
	{
		double		lo = q[0],
					hi = q[0];
		double		most;

		for (int i = 1; i < n; i++)
		{
			lo = q[i] < lo ? q[i] : lo;
			hi = q[i] > hi ? q[i] : hi;
		}
		most = residual + 1e-3 * truth +
			(quant == BARQ_QUANT_SQ8 ? sqrt(n) * (hi - lo) / 254 * 0.51 : 0);
		if (!(fabs(sqrt(keys[0]) - truth) <= most + 1e-6 * l2_norm(x, n)) ||
			keys[2] > 1e-9 * l2_norm(x, n) * l2_norm(x, n))
			note(f, &f->keys_wrong, "key", &codec, kind, sqrt(keys[0]), truth);
	}
}

static void
test_bounds(void)
{
	static const int small[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 50, 64, 100};
	static const int large[] = {127, 128, 200, 300, 384, 768, 1000};
	Findings	f = {0};

	for (int i = 0; i < 90000 / BARQ_TEST_SCALE; i++)
	{
		Kind		kind = (Kind) (i % NKINDS);
		int			n;

		if (i / NKINDS % 600 == 599)
			n = i / NKINDS % 1200 == 599 ? MAX_DIMS : 4097;
		else if (random_bits() % 20 == 0)
			n = large[random_bits() % (sizeof(large) / sizeof(large[0]))];
		else
			n = small[random_bits() % (sizeof(small) / sizeof(small[0]))];
		draw_pair(kind, x, q, n);
		for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
			for (BarqQuantization quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
				check_case(&f, metric, quant, kind, n);
		for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
			check_rabitq(&f, metric, kind, n);
	}
	barq_kernels_select("auto");
	tap_ok(f.bound_violated == 0, "operator values lie between their bounds (%ld cases, %d levels; %ld do not)",
		   f.cases, nlevels, f.bound_violated);
	tap_ok(f.fine_width < f.plain_width / 20, "refinements make intervals narrow (%g, %g without)",
		   f.fine_width, f.plain_width);
	tap_ok(f.not_a_number == 0, "no key, distance or bound is NaN");
	tap_ok(f.residual_wrong == 0, "residuals are the loss, rounded up (%ld wrong)",
		   f.residual_wrong);
	tap_ok(f.decoded_wrong == 0, "decoding gives the values of codes (%ld wrong)",
		   f.decoded_wrong);
	tap_ok(f.loose == 0, "bounds are as tight as residual and rounding allow (%ld loose)", f.loose);
	tap_ok(f.keys_wrong == 0, "keys are near the distance, and single ones equal batched ones (%ld wrong)",
		   f.keys_wrong);
	if (f.first[0])
		printf("# %s\n", f.first);
}

static void
test_sizes(void)
{
	bool		ok = true;
	BarqCodec	codec;

	for (int n = 1; n <= MAX_DIMS; n++)
		for (BarqQuantization quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
		{
			barq_codec_init(&codec, BARQ_METRIC_L2, quant, n);
			ok &= codec.row_bytes % 8 == 0 && codec.stride % 64 == 0 &&
				codec.stride >= codec.row_bytes && codec.stride < codec.row_bytes + 64;
		}
	tap_ok(ok, "rows are multiples of 8 bytes, strides the next multiple of 64");
	barq_codec_init(&codec, BARQ_METRIC_COSINE, BARQ_QUANT_SQ8, 100);
	tap_ok(codec.row_bytes == 128, "100 dimensions take two cache lines");
}

static void
test_zero_vectors(void)
{
	BarqCodec	codec;
	double		distance,
				bound;
	BarqQuery  *query;
	bool		ok = true;

	memset(x, 0, sizeof(x));
	for (BarqQuantization quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
	{
		barq_codec_init(&codec, BARQ_METRIC_COSINE, quant, 100);
		for (int i = 0; i < 100; i++)
			q[i] = (float) random_normal();
		ok &= !barq_codec_encode(&codec, x, row_buffer) &&
			barq_codec_encode(&codec, q, row_buffer);
		query = barq_query_prepare(mem, &codec, x);
		barq_query_rescore(query, row_buffer, &distance, &bound);
		ok &= barq_query_key(query, row_buffer) == 0 && distance == 1 && bound == 0;

		barq_codec_init(&codec, BARQ_METRIC_L2, quant, 100);
		ok &= barq_codec_encode(&codec, x, row_buffer);
		query = barq_query_prepare(mem, &codec, x);
		barq_query_rescore(query, row_buffer, &distance, &bound);
		ok &= barq_query_key(query, row_buffer) == 0 && distance == 0 && bound == 0;
	}
	tap_ok(ok, "a zero vector is refused under cosine and encoded under other metrics");
}

/*
 * Batches of many sizes, with ids and without, at each level; and the recall of
 * the ten rows with the least keys.
 */
static void
test_scans(BarqMetric metric, BarqQuantization quant, double least_recall)
{
	enum
	{
		N = 100,
		ROWS = 3000,
		QUERIES = 20,
		K = 10
	};
	static float data[ROWS][N],
				keys[ROWS],
				again[ROWS];
	static double truth[ROWS];
	static uint32_t ids[ROWS];
	BarqCodec	codec;
	char	   *rows;
	int			hits = 0;
	bool		same = true,
				levels_agree = true;
	bool		exact_keys = quant == BARQ_QUANT_SQ8 && metric != BARQ_METRIC_L1;

	barq_codec_init(&codec, metric, quant, N);
	rows = aligned_alloc(64, (size_t) codec.stride * ROWS);
	for (int r = 0; r < ROWS; r++)
	{
		for (int i = 0; i < N; i++)
			data[r][i] = (float) (random_normal() + 0.3);
		barq_codec_encode(&codec, data[r], rows + (size_t) r * codec.stride);
		ids[r] = (uint32_t) (random_bits() % ROWS);
	}
	for (int t = 0; t < QUERIES; t++)
	{
		BarqQuery  *query;
		int			n = 1 + (int) (random_bits() % 40);

		for (int i = 0; i < N; i++)
			q[i] = (float) (random_normal() + 0.3);
		query = barq_query_prepare(mem, &codec, q);
		barq_query_keys(query, rows, codec.stride, NULL, ROWS, keys);
		barq_query_keys(query, rows, codec.stride, ids, n, again);
		for (int i = 0; i < n; i++)
			same &= again[i] == keys[ids[i]] &&
				again[i] == barq_query_key(query, rows + (size_t) ids[i] * codec.stride);
		for (int l = 0; exact_keys && l < nlevels; l++)
		{
			barq_kernels = levels[l];
			barq_query_keys(query, rows, codec.stride, NULL, ROWS, again);
			levels_agree &= memcmp(keys, again, sizeof(keys)) == 0;
		}
		barq_kernels_select("auto");

		for (int r = 0; r < ROWS; r++)
			truth[r] = true_distance(metric, data[r], q, N);
		for (int k = 0; k < K; k++)
		{
			int			best = 0,
						closer = 0;

			for (int r = 1; r < ROWS; r++)
				if (keys[r] < keys[best])
					best = r;
			keys[best] = INFINITY;
			for (int r = 0; r < ROWS; r++)
				closer += truth[r] < truth[best];
			hits += closer < K;
		}

		/* keys between rows */
		barq_code_keys(&codec, rows, rows, codec.stride, ids, n, keys);
		for (int i = 0; i < n; i++)
			same &= keys[i] == barq_code_key(&codec, rows, rows + (size_t) ids[i] * codec.stride);
	}
	free(rows);
	tap_ok(same, "%s %s: batched keys equal single ones",
		   metric_names[metric], quant_names[quant]);
	if (exact_keys)
		tap_ok(levels_agree, "%s sq8: all levels give the same keys", metric_names[metric]);
	tap_ok(hits >= least_recall * K * QUERIES, "%s %s: keys alone reach the recall (%.3f)",
		   metric_names[metric], quant_names[quant], (double) hits / (K * QUERIES));
}

/* A key between two rows is that of the values of their codes. */
static void
test_code_keys(void)
{
	static double v[MAX_DIMS];
	static char other[MAX_DIMS * 4 + 64];
	double		worst = 0;

	for (int t = 0; t < 4000 / BARQ_TEST_SCALE; t++)
		for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
			for (BarqQuantization quant = BARQ_QUANT_NONE; quant <= BARQ_QUANT_SQ8; quant++)
			{
				int			n = t % 1000 == 999 ? MAX_DIMS : 1 + (int) (random_bits() % 200);
				BarqCodec	codec;
				double		sum = 0,
							size = 0,
							key;

				barq_kernels = levels[t % nlevels];
				draw_pair((Kind) (t % CONSTANT), x, q, n);
				barq_codec_init(&codec, metric, quant, n);
				if (!barq_codec_encode(&codec, x, row_buffer) ||
					!barq_codec_encode(&codec, q, other))
					continue;
				decode(&codec, row_buffer, w);
				decode(&codec, other, v);
				for (int i = 0; i < n; i++)
				{
					sum += metric == BARQ_METRIC_L2 ? (w[i] - v[i]) * (w[i] - v[i]) :
						metric == BARQ_METRIC_L1 ? fabs(w[i] - v[i]) : -w[i] * v[i];
					size += metric == BARQ_METRIC_L1 ? fabs(w[i]) + fabs(v[i])
						: w[i] * w[i] + v[i] * v[i];
				}
				key = barq_code_key(&codec, row_buffer, other);
				if (quant == BARQ_QUANT_SQ8 && metric != BARQ_METRIC_L1)
					size = fabs(sum) + size * 1e-6; /* rounded once */
				if (size > 0)
					worst = fmax(worst, fabs(key - sum) / size / (n + 4));
			}
	barq_kernels_select("auto");
	tap_ok(worst < 0x1p-24, "keys between rows are right (worst error %.2g eps n)", worst * 0x1p24);
}

/* Keys of several queries at once are those of each query, by the kernels of any level. */
static void
test_many_queries(void)
{
	enum
	{
		ROWS = 70,
		QUERIES = 37
	};
	static float keys[QUERIES * ROWS],
				single[ROWS];
	static const int sizes[] = {1, 3, 4, 8, 15, 16, 17, 63, 64, 65, 100, 768, BARQ_MANY_DIMS, BARQ_MANY_DIMS + 1, MAX_DIMS};
	int			differ = 0,
				cases = 0;

	for (int t = 0; t < 400 / BARQ_TEST_SCALE; t++)
	{
		BarqMetric	metric = BARQ_METRIC_L2 + (int) (random_bits() % 4);
		BarqQuantization quant = (int) (random_bits() % 3);
		int			dims = t % 3 == 0 ? sizes[t / 3 % (int) (sizeof(sizes) / sizeof(sizes[0]))] : 1 + (int) (random_bits() % 200);
		int			nqueries = (int) (random_bits() % (QUERIES + 1));
		int			nrows = (int) (random_bits() % (ROWS + 1));
		Kind		kind = t % CONSTANT;
		BarqCodec	codec;
		const BarqQuery *queries[QUERIES];
		void	   *memory[QUERIES];
		char	   *rows;

		barq_codec_init(&codec, metric, quant, dims);
		rows = calloc(ROWS, codec.stride);
		for (int r = 0; r < nrows; r++)
		{
			draw_pair(kind, x, q, dims);
			(void) barq_codec_encode(&codec, x, rows + (size_t) r * codec.stride);
		}
		for (int j = 0; j < nqueries; j++)
		{
			draw_pair(kind, x, q, dims);
			if (j == 2)
				memset(q, 0, sizeof(float) * (size_t) dims);
			memory[j] = malloc(barq_query_bytes(&codec));
			queries[j] = barq_query_prepare(memory[j], &codec, q);
		}
		for (int l = 0; l < nlevels; l++)
		{
			barq_kernels = levels[l];
			memset(keys, 0xff, sizeof(keys));
			barq_queries_keys(queries, nqueries, rows, codec.stride, nrows, keys);
			for (int j = 0; j < nqueries; j++)
			{
				barq_query_keys(queries[j], rows, codec.stride, NULL, nrows, single);
				differ += memcmp(single, keys + j * nrows, sizeof(float) * (size_t) nrows) != 0;
				cases++;
			}
		}
		barq_kernels_select("auto");
		for (int j = 0; j < nqueries; j++)
			free(memory[j]);
		free(rows);
	}
	tap_ok(differ == 0, "keys of several queries at once are those of each (%d of %d differ)", differ, cases);
}

int
main(void)
{
	int			n;
	const BarqKernels *const *all = barq_kernels_all(&n);

	for (int i = 0; i < n; i++)
		if (barq_kernels_supported(all[i]))
			levels[nlevels++] = all[i];
	barq_kernels_init();

	test_sizes();
	test_zero_vectors();
	test_code_keys();
	test_many_queries();
	for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
	{
		test_scans(metric, BARQ_QUANT_NONE, 0.995);
		test_scans(metric, BARQ_QUANT_F16, 0.98);
		test_scans(metric, BARQ_QUANT_SQ8, 0.9);
	}
	test_bounds();
	return tap_done();
}
