/*
 * bench_kernels.c
 *	  Nanoseconds a distance, by level, dimensions and kernel: the least of
 *	  many runs, for other processes share the machine.
 *
 *	  bench_kernels [level]
 *
 * "scan" scores all rows in order, "gather" rows at random ids from 256 MB of
 * them, 24 at a time, as a walk over a graph does. To build: bench/micro/build.sh
 * bench_kernels; without PostgreSQL: make -C test/unit (build/unit-alone/bench_kernels).
 */
#include "kernels/codec.h"
#include "kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

static uint64_t state = 88172645463325252u;

static uint64_t
random_bits(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 2685821657736338717u;
}

static float
random_float(void)
{
	float		sum = 0;

	for (int k = 0; k < 6; k++)
		sum += (float) (random_bits() >> 40) * 0x1p-24f;
	return sum - 3;
}

#define GATHER 24
#define GATHER_BYTES (256u << 20)

static volatile float sink;

/* Nanoseconds of the statement, divided by `per`: the least of 200 ms. */
#define TIME(result, per, ...) \
	do { \
		double		until_ = now() + 2e8; \
		double		best_ = 1e300; \
		do \
		{ \
			double		start_ = now(); \
			__VA_ARGS__; \
			double		took_ = now() - start_; \
			best_ = took_ < best_ ? took_ : best_; \
		} while (now() < until_); \
		(result) = best_ / (per); \
	} while (0)

static void
bench(BarqMetric metric, BarqQuantization quant, int dims, int scan_rows)
{
	static const char *const quants[] = {"none", "f16", "sq8", "rabitq"};
	static const char *const metrics[] = {"", "l2", "ip", "cosine", "l1"};
	BarqCodec	codec;
	int			nrows;
	char	   *rows;
	float	   *x = malloc((size_t) dims * sizeof(float));
	float	   *keys = malloc((size_t) scan_rows * sizeof(float));
	uint32_t   *ids;
	void	   *mem;
	BarqQuery  *query;
	double		scan,
				scan_codes,
				gather,
				gather_codes,
				rescore,
				encode,
				prepare;
	int			nids = GATHER * 2000;

	barq_codec_init(&codec, metric, quant, dims);
	nrows = (int) (GATHER_BYTES / codec.stride);
	rows = aligned_alloc(64, (size_t) nrows * codec.stride);
	ids = malloc((size_t) nids * sizeof(uint32_t));
	for (int r = 0; r < 200; r++)
	{
		for (int i = 0; i < dims; i++)
			x[i] = random_float();
		barq_codec_encode(&codec, x, rows + (size_t) r * codec.stride);
	}
	for (int r = 200; r < nrows; r++)
		memcpy(rows + (size_t) r * codec.stride, rows + (size_t) (r % 200) * codec.stride,
			   codec.row_bytes);
	for (int i = 0; i < nids; i++)
		ids[i] = (uint32_t) (random_bits() % (uint64_t) nrows);
	for (int i = 0; i < dims; i++)
		x[i] = random_float();
	mem = malloc(barq_query_bytes(&codec));
	query = barq_query_prepare(mem, &codec, x);

	TIME(scan, scan_rows, barq_query_keys(query, rows, codec.stride, NULL, scan_rows, keys));
	TIME(scan_codes, scan_rows,
		 barq_code_keys(&codec, rows, rows, codec.stride, NULL, scan_rows, keys));
	TIME(gather, nids, for (int i = 0; i < nids; i += GATHER)
		 barq_query_keys(query, rows, codec.stride, ids + i, GATHER, keys));
	TIME(gather_codes, nids, for (int i = 0; i < nids; i += GATHER)
		 barq_code_keys(&codec, rows, rows, codec.stride, ids + i, GATHER, keys));
	TIME(
		rescore, 200, for (int i = 0; i < 200; i++) {
			double d, b;
			barq_query_rescore(query, rows + (size_t) i * codec.stride, &d, &b);
			sink = (float) (d + b);
		});
	TIME(encode, 200, for (int i = 0; i < 200; i++)
		 barq_codec_encode(&codec, x, rows + (size_t) i * codec.stride));
	TIME(prepare, 200, for (int i = 0; i < 200; i++)
		 barq_query_prepare(mem, &codec, x));
	printf("%-8s %5d %-6s %-4s  scan %6.2f (%d rows: %6.1f us)  code scan %6.2f  gather %6.2f  "
		   "code gather %6.2f  rescore %6.1f  encode %7.1f  prepare %7.1f\n",
		   barq_kernels->name, dims, metrics[metric], quants[quant], scan, scan_rows,
		   scan * scan_rows / 1000, scan_codes, gather, gather_codes, rescore, encode, prepare);
	free(rows);
	free(x);
	free(keys);
	free(ids);
	free(mem);
}

/* Keys of several queries at once, 256 rows in the cache: a key, by the number of queries. */
static void
bench_many(BarqMetric metric, BarqQuantization quant, int dims)
{
	static const int numbers[] = {1, 2, 4, 8, 16, 64};
	enum
	{
		ROWS = 256,
		QUERIES = 64
	};
	BarqCodec	codec;
	char	   *rows;
	float	   *x = malloc((size_t) dims * sizeof(float));
	static float keys[ROWS * QUERIES];
	const BarqQuery *queries[QUERIES];

	barq_codec_init(&codec, metric, quant, dims);
	rows = aligned_alloc(64, (size_t) ROWS * codec.stride);
	for (int r = 0; r < ROWS; r++)
	{
		for (int i = 0; i < dims; i++)
			x[i] = random_float();
		barq_codec_encode(&codec, x, rows + (size_t) r * codec.stride);
		if (r < QUERIES)
			queries[r] = barq_query_prepare(malloc(barq_query_bytes(&codec)), &codec, x);
	}
	printf("%-8s %5d many quant %d ", barq_kernels->name, dims, quant);
	for (int i = 0; i < (int) (sizeof(numbers) / sizeof(numbers[0])); i++)
	{
		double		t;

		TIME(t, ROWS * numbers[i],
			 barq_queries_keys(queries, numbers[i], rows, codec.stride, ROWS, keys));
		printf(" %d: %.2f", numbers[i], t);
	}
	printf("\n");
	free(rows);
	free(x);
}

static void
bench_single(int dims)
{
	const BarqKernels *k = barq_kernels;
	float	   *a = aligned_alloc(64, (size_t) (dims + 16) * 4 / 64 * 64 + 64);
	float	   *b = aligned_alloc(64, (size_t) (dims + 16) * 4 / 64 * 64 + 64);
	float		ab,
				aa,
				bb;
	double		t[6];

	for (int i = 0; i < dims; i++)
	{
		a[i] = random_float();
		b[i] = random_float();
	}
	TIME(t[0], 1000, for (int i = 0; i < 1000; i++) sink = k->l2sq(a, b, dims));
	TIME(t[1], 1000, for (int i = 0; i < 1000; i++) sink = k->ip(a, b, dims));
	TIME(t[2], 1000, for (int i = 0; i < 1000; i++) sink = k->l1(a, b, dims));
	TIME(
		t[3], 1000, for (int i = 0; i < 1000; i++) {
			k->cosine_parts(a, b, dims, &ab, &aa, &bb);
			sink = ab;
		});
	TIME(t[4], 1000, for (int i = 0; i < 1000; i++)
		 sink = (float) k->ip_u8s8((uint8_t *) a, (int8_t *) b, dims));
	TIME(t[5], 1000, for (int i = 0; i < 1000; i++)
		 sink = (float) k->ip_u8u8((uint8_t *) a, (uint8_t *) b, dims));
	printf("%-8s %5d single        l2sq %6.2f  ip %6.2f  l1 %6.2f  cosine_parts %6.2f  "
		   "ip_u8s8 %6.2f  ip_u8u8 %6.2f\n",
		   k->name, dims, t[0], t[1], t[2], t[3], t[4], t[5]);
	free(a);
	free(b);
}

int
main(int argc, char **argv)
{
	int			n;
	const BarqKernels *const *levels = barq_kernels_all(&n);

	for (int l = n - 1; l >= 0; l--)
	{
		if (!barq_kernels_supported(levels[l]) ||
			(argc > 1 && strcmp(argv[1], levels[l]->name) != 0))
			continue;
		barq_kernels = levels[l];
		bench(BARQ_METRIC_COSINE, BARQ_QUANT_SQ8, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_SQ8, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_SQ8, 768, 2600);
		bench(BARQ_METRIC_COSINE, BARQ_QUANT_RABITQ, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_RABITQ, 768, 2600);
		bench(BARQ_METRIC_L2, BARQ_QUANT_SQ8, 1536, 1300);
		bench(BARQ_METRIC_L1, BARQ_QUANT_SQ8, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_F16, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_NONE, 100, 4000);
		bench(BARQ_METRIC_L2, BARQ_QUANT_NONE, 768, 2600);
		bench_many(BARQ_METRIC_COSINE, BARQ_QUANT_SQ8, 100);
		bench_many(BARQ_METRIC_L2, BARQ_QUANT_SQ8, 768);
		bench_single(100);
		bench_single(768);
	}
	return 0;
}
