/*
 * test_rabitq.c
 *	  Codes of 2 bits a dimension: the rotation keeps lengths and angles; rows,
 *	  keys and bounds are the same at every level; estimates have no bias and the
 *	  expected deviation; keys between rows order rows like their vectors.
 */
#include "kernels/codec_internal.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define MAX_DIMS BARQ_CODEC_MAX_DIMS

/* deviations from an estimate to its bound (codec_rabitq.c) */
#define CONFIDENCE 2.5

static const BarqKernels *levels[8];
static int	nlevels;

static float x[MAX_DIMS + 64],
			y[MAX_DIMS + 64],
			q[MAX_DIMS + 64];
static char row_buffer[MAX_DIMS],
			again_buffer[MAX_DIMS],
			mem[MAX_DIMS * 6 + 4096];

static double
dot_of(const float *a, const float *b, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += (double) a[i] * b[i];
	return sum;
}

static double
distance_of(BarqMetric metric, const float *a, const float *b, int n)
{
	double		ab = dot_of(a, b, n);

	switch (metric)
	{
		case BARQ_METRIC_L2:
			{
				double		sum = 0;

				for (int i = 0; i < n; i++)
					sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
				return sqrt(sum);
			}
		case BARQ_METRIC_IP:
			return -ab;
		default:
			return 1 - ab / sqrt(dot_of(a, a, n) * dot_of(b, b, n));
	}
}

/*
 * Rotations keep lengths and angles and give the same bits at every level; a
 * vector of one coordinate, or of equal ones, is spread over all coordinates.
 */
static void
test_rotation(void)
{
	static const int sizes[] = {64, 128, 192, 320, 512, 768, 1024, 1536, 2048 - 64, 16000};
	static float first[MAX_DIMS + 64];
	bool		orthonormal = true;
	bool		same = true;
	double		peak = 0;
	int			peak_size = 0;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		int			n = sizes[s];
		double		xx,
					xy;

		for (int i = 0; i < n; i++)
		{
			x[i] = (float) random_normal();
			y[i] = (float) (0.5 * x[i] + random_normal());
		}
		xx = dot_of(x, x, n);
		xy = dot_of(x, y, n);
		memcpy(first, x, (size_t) n * sizeof(float));
		for (int l = 0; l < nlevels; l++)
		{
			memcpy(q, first, (size_t) n * sizeof(float));
			barq_kernels = levels[l];
			barq_rotate(q, n);
			if (l > 0)
				same &= memcmp(q, x, (size_t) n * sizeof(float)) == 0;
			memcpy(x, q, (size_t) n * sizeof(float));
		}
		barq_rotate(y, n);
		memcpy(q, x, (size_t) n * sizeof(float));
		barq_rotate_back(q, n);
		for (int i = 0; i < n; i++)
			orthonormal &= fabs(q[i] - first[i]) < 1e-4;
		orthonormal &= fabs(dot_of(x, x, n) / xx - 1) < 1e-5 && fabs(dot_of(x, y, n) - xy) < 1e-5 * xx;

		for (int k = 0; k < 20; k++)
		{
			for (int i = 0; i < n; i++)
				x[i] = k > 0 ? 0 : (float) (1 / sqrt(n));
			if (k > 0)
				x[k < 10 ? k - 1 : n - 20 + k] = 1;
			barq_rotate(x, n);
			for (int i = 0; i < n; i++)
				if (fabs(x[i]) * sqrt(n) > peak)
				{
					peak = fabs(x[i]) * sqrt(n);
					peak_size = n;
				}
		}
	}
	barq_kernels_select("auto");
	tap_ok(orthonormal, "rotations keep lengths and angles, and can be undone");
	tap_ok(same, "all levels rotate to the same bits");
	tap_ok(peak < 7, "a rotated unit vector has no large coordinate (%.1f deviations, of %d)",
		   peak, peak_size);
}

/* Rows and keys are those of plain integers; no byte behind a row is read. */
static void
test_levels(void)
{
	size_t		page = (size_t) sysconf(_SC_PAGESIZE);
	size_t		size = 16 * page;
	char	   *fence = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool		rows_agree = true,
				keys_agree = true,
				right = true;

	if (fence == MAP_FAILED || mprotect(fence + size, page, PROT_NONE) != 0)
		exit(2);
	for (int t = 0; t < 600; t++)
	{
		int			n = 1 + (int) (random_bits() % (t % 10 == 0 ? 3000 : 400));
		BarqMetric	metric = (BarqMetric) (BARQ_METRIC_L2 + t % 3);
		BarqCodec	codec;
		uint32_t	ids[9];
		float		keys[9],
					other[9],
					code_keys[9];
		char	   *rows;
		int			nrows = 1 + (int) (random_bits() % 9);

		barq_codec_init(&codec, metric, BARQ_QUANT_RABITQ, n);
		nrows = (int) fmin(nrows, (double) size / codec.row_bytes);
		rows = fence + size - (size_t) nrows * codec.row_bytes;
		for (int r = 0; r < nrows; r++)
		{
			ids[r] = (uint32_t) (random_bits() % (uint64_t) nrows);
			for (int i = 0; i < n; i++)
				x[i] = (float) random_normal();
			for (int l = 0; l < nlevels; l++)
			{
				barq_kernels = levels[l];
				barq_codec_encode(&codec, x, l == 0 ? rows + (size_t) r * codec.row_bytes : again_buffer);
				if (l > 0)
					rows_agree &= memcmp(rows + (size_t) r * codec.row_bytes, again_buffer, codec.row_bytes) == 0;
			}
		}
		for (int i = 0; i < n; i++)
			q[i] = (float) random_normal();
		for (int l = 0; l < nlevels; l++)
		{
			BarqQuery  *query;

			barq_kernels = levels[l];
			query = barq_query_prepare(mem, &codec, q);
			barq_query_keys(query, rows, codec.row_bytes, ids, nrows, l == 0 ? keys : other);
			if (l > 0)
				keys_agree &= memcmp(keys, other, (size_t) nrows * sizeof(float)) == 0;
			for (int r = 0; r < nrows; r++)
				keys_agree &= barq_query_key(query, rows + (size_t) ids[r] * codec.row_bytes) == keys[r];
			barq_code_keys(&codec, rows, rows, codec.row_bytes, ids, nrows, l == 0 ? code_keys : other);
			if (l > 0)
				keys_agree &= memcmp(code_keys, other, (size_t) nrows * sizeof(float)) == 0;
			for (int r = 0; r < nrows; r++)
				keys_agree &= barq_code_key(&codec, rows, rows + (size_t) ids[r] * codec.row_bytes) == code_keys[r] &&
					barq_code_key(&codec, rows + (size_t) ids[r] * codec.row_bytes, rows) == code_keys[r];

			for (int r = 0; r < nrows; r++)
			{
				const unsigned char *code = (const unsigned char *) rows + (size_t) ids[r] * codec.row_bytes;
				const BarqRabitqTerms *terms = &query->rabitq;
				int			d = rabitq_dims(codec.dims);
				RabitqTrailer trailer;
				double		sum = 0;
				double		key;

				memcpy(&trailer, code + d / 4, sizeof(trailer));
				for (int i = 0; i < d; i++)
					sum += query->codes[i] * ((code[i % (d / 4)] >> (2 * (i / (d / 4))) & 3) - 1.5);
				key = BARQ_RABITQ_KEY(terms, double, (double), trailer.norm, trailer.mean,
									  trailer.factor, sum + terms->code_sum);
				right &= (float) fmax(key, terms->least) == keys[r];
			}
		}
	}
	barq_kernels_select("auto");
	munmap(fence, size + page);
	tap_ok(rows_agree, "all levels give the same rows");
	tap_ok(keys_agree, "all levels give the same keys, single and batched, and in both directions between rows");
	tap_ok(right, "keys are those of a plain loop");
}

/*
 * The errors of estimates, in the deviations from which bounds are computed, for
 * vectors at all angles to the query, with and without a common offset.
 */
static void
test_estimates(void)
{
	static const int sizes[] = {20, 64, 100, 300, 768, 1536};

	for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
		{
			int			n = sizes[s];
			int			total = n > 500 ? 3000 : 8000;
			double		sum = 0,
						sumsq = 0;
			int			below = 0;
			BarqCodec	codec;

			barq_codec_init(&codec, metric, BARQ_QUANT_RABITQ, n);
			for (int t = 0; t < total; t++)
			{
				double		near = random_uniform();
				double		offset = t % 2 ? 3 * random_uniform() : 0;
				double		truth,
							distance,
							bound,
							off,
							deviation;
				BarqQuery  *query;

				barq_kernels = levels[t % nlevels];
				for (int i = 0; i < n; i++)
				{
					double		common = random_normal();

					x[i] = (float) (offset + near * common + (1 - near) * random_normal());
					q[i] = (float) (offset + near * common + (1 - near) * random_normal());
				}
				barq_codec_encode(&codec, x, row_buffer);
				query = barq_query_prepare(mem, &codec, q);
				barq_query_rescore(query, row_buffer, &distance, &bound);
				truth = distance_of(metric, x, q, n);
				below += truth < bound;
				if (metric == BARQ_METRIC_L2)
				{
					distance = distance * distance;
					truth = truth * truth;
					bound = bound * bound;
				}
				deviation = (distance - bound) / CONFIDENCE;
				off = bound > 0 || metric == BARQ_METRIC_IP ? (distance - truth) / deviation : 0;
				sum += off;
				sumsq += off * off;
			}
			sum /= total;
			sumsq = sqrt(sumsq / total);
			tap_ok(fabs(sum) < 0.06 && sumsq > 0.8 && sumsq < 1.15 && below < 0.015 * total,
				   "%d dimensions, metric %d: estimates off by %.3f ± %.3f deviations, %.2f %% below the bound",
				   n, metric, sum, sumsq, 100.0 * below / total);
		}
	barq_kernels_select("auto");
}

/* Values at the limits of float, and vectors of equal coordinates. */
static void
test_extremes(void)
{
	static const double scales[] = {0, 1e-45, 1e-38, 1e-20, 1, 1e18, 3e38};
	bool		numbers = true;
	bool		refused = true;
	bool		exact = true;

	for (int t = 0; t < 6000; t++)
	{
		int			n = 1 + (int) (random_bits() % 130);
		BarqMetric	metric = (BarqMetric) (BARQ_METRIC_L2 + t % 3);
		double		sx = scales[random_bits() % 7];
		double		sq = scales[random_bits() % 7];
		bool		constant = t % 5 == 0;
		BarqCodec	codec;
		BarqQuery  *query;
		double		distance,
					bound;
		float		key;

		barq_kernels = levels[t % nlevels];
		barq_codec_init(&codec, metric, BARQ_QUANT_RABITQ, n);
		for (int i = 0; i < n; i++)
		{
			x[i] = constant && i > 0 ? x[0] : (float) (sx * (2 * random_uniform() - 1));
			q[i] = constant && i > 0 ? q[0] : (float) (sq * (2 * random_uniform() - 1));
		}
		if (!barq_codec_encode(&codec, x, row_buffer))
		{
			refused &= metric == BARQ_METRIC_COSINE && dot_of(x, x, n) == 0;
			continue;
		}
		query = barq_query_prepare(mem, &codec, q);
		key = barq_query_key(query, row_buffer);
		barq_query_rescore(query, row_buffer, &distance, &bound);
		numbers &= !isnan(key) && !isnan(distance) && !isnan(bound) && bound <= distance;
		key = barq_code_key(&codec, row_buffer, row_buffer);
		numbers &= !isnan(key);
		if ((constant || n == 1) && sx == 1 && sq == 1)
			exact &= fabs(distance - distance_of(metric, x, q, n)) < 1e-5;
		if (metric == BARQ_METRIC_L2 && sx == 1)
			exact &= key < 1e-5 * dot_of(x, x, n);
	}
	barq_kernels_select("auto");
	tap_ok(numbers, "no key, distance or bound is NaN, and no bound is above its distance");
	tap_ok(refused, "only zero vectors under cosine are refused");
	tap_ok(exact, "constant vectors lose nothing, and a row has distance 0 to itself");
}

/* A decoded row is close to the vector and encodes to mostly the same code. */
static void
test_decode(void)
{
	int			same = 0,
				all = 0;
	double		worst = 0;

	for (int t = 0; t < 200; t++)
	{
		int			n = 65 + (int) (random_bits() % 800);
		BarqCodec	codec;

		barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_RABITQ, n);
		for (int i = 0; i < n; i++)
			x[i] = (float) (2 + random_normal());
		barq_codec_encode(&codec, x, row_buffer);
		barq_codec_decode(&codec, row_buffer, y);
		worst = fmax(worst, distance_of(BARQ_METRIC_L2, x, y, n) / sqrt(n));
		barq_codec_encode(&codec, y, again_buffer);
		for (int i = 0; i < rabitq_dims(codec.dims) / 4; i++, all++)
			same += row_buffer[i] == again_buffer[i];
	}
	tap_ok(worst < 0.45, "decoded rows differ by at most %.2f of their spread", worst);
	tap_ok(same > 0.9 * all, "decoded rows encode to mostly the same code (%d of %d bytes)", same, all);
}

/* Whether the codes of three vectors tell which of two is nearer to the third. */
static void
test_code_keys(void)
{
	static char a[MAX_DIMS],
				b[MAX_DIMS],
				c[MAX_DIMS];

	for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_COSINE; metric++)
	{
		int			n = 768;
		int			good = 0,
					asked = 0;
		BarqCodec	codec;

		barq_codec_init(&codec, metric, BARQ_QUANT_RABITQ, n);
		for (int t = 0; t < 2000; t++)
		{
			double		near = random_uniform();

			for (int i = 0; i < n; i++)
			{
				x[i] = (float) random_normal();
				y[i] = (float) (near * x[i] + (1 - near) * random_normal());
				q[i] = (float) ((near * 0.9) * x[i] + (1 - near * 0.9) * random_normal());
			}
			/* with less difference between the two, either is right */
			if (distance_of(BARQ_METRIC_COSINE, x, q, n) - distance_of(BARQ_METRIC_COSINE, x, y, n) < 0.03)
				continue;
			if ((distance_of(metric, x, y, n) < distance_of(metric, x, q, n)) !=
				(distance_of(BARQ_METRIC_COSINE, x, y, n) < distance_of(BARQ_METRIC_COSINE, x, q, n)))
				continue;
			barq_codec_encode(&codec, x, a);
			barq_codec_encode(&codec, y, b);
			barq_codec_encode(&codec, q, c);
			good += barq_code_key(&codec, a, b) < barq_code_key(&codec, a, c);
			asked++;
		}
		tap_ok(asked > 300 && good > 0.95 * asked, "metric %d: codes alone tell which of two vectors is nearer (%d of %d)",
			   metric, good, asked);
	}
}

static void
test_sizes(void)
{
	bool		ok = true;
	BarqCodec	codec;

	for (int n = 1; n <= MAX_DIMS; n++)
	{
		barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_RABITQ, n);
		ok &= codec.row_bytes == (uint32_t) (n + 63) / 64 * 16 + 16 && codec.stride % 64 == 0 &&
			codec.stride >= codec.row_bytes && codec.stride < codec.row_bytes + 64 &&
			barq_query_bytes(&codec) < sizeof(mem);
	}
	tap_ok(ok, "a row takes 16 bytes for 64 dimensions, and a trailer of 16");
}

int
main(void)
{
	int			n;
	const BarqKernels *const *all = barq_kernels_all(&n);

	for (int i = 0; i < n; i++)
		if (barq_kernels_supported(all[i]))
			levels[nlevels++] = all[i];
	barq_kernels_select("auto");
	test_sizes();
	test_rotation();
	test_levels();
	test_estimates();
	test_extremes();
	test_decode();
	test_code_keys();
	return tap_done();
}
