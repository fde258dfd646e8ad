/*
 * test_codec_rows.c
 *	  Rows of bits and of sparse vectors: at every level, keys and distances are
 *	  those of a plain loop, and lower bounds are not above the operator's value;
 *	  a head can be used like the row that it refers to.
 */
#include "kernels/codec.h"
#include "kernels/codec_internal.h"
#include "kernels/sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MAX_BYTES	8000
#define MAX_ROW		(16 + 8 * BARQ_SPARSE_MAX_NNZ)

static int
random_below(int n)
{
	return (int) (random_uniform() * n);
}

/* Random bits, zero behind the last one, as in PostgreSQL's type. */
static void
fill_bits(uint8_t *bits, int dims, double share)
{
	memset(bits, 0, MAX_BYTES);
	for (int i = 0; i < dims; i++)
		if (random_uniform() < share)
			bits[i / 8] |= 0x80 >> (i % 8);
}

static double
plain_bits(BarqMetric metric, const uint8_t *a, const uint8_t *b, int dims)
{
	int			differ = 0,
				both = 0,
				either = 0;

	for (int i = 0; i < dims; i++)
	{
		int			x = (a[i / 8] >> (7 - i % 8)) & 1;
		int			y = (b[i / 8] >> (7 - i % 8)) & 1;

		differ += x != y;
		both += x & y;
		either += x | y;
	}
	if (metric == BARQ_METRIC_HAMMING)
		return differ;
	return both == 0 ? 1 : 1 - (double) both / either;
}

static void
test_bits(BarqMetric metric)
{
	static const int sizes[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 255, 256, 257, 384, 512, 1000, 1024, 4095, 64000};
	static uint8_t values[9][MAX_BYTES];
	static char rows[9][MAX_BYTES] __attribute__((aligned(64)));
	int			wrong = 0,
				bad_stride = 0;

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
	{
		BarqCodec	codec;
		BarqQuery  *query;
		void	   *mem;
		float		keys[8];
		float		code_keys[8];

		barq_codec_init(&codec, metric, BARQ_QUANT_BITS, sizes[s]);
		bad_stride += codec.row_bytes < (sizes[s] + 7) / 8 || codec.row_bytes % 8 != 0 ||
			codec.stride < codec.row_bytes ||
			(codec.stride % 64 != 0 && 64 % codec.stride != 0);
		for (int i = 0; i < 9; i++)
		{
			fill_bits(values[i], sizes[s], i == 7 ? 0 : i == 6 ? 1 : random_uniform());
			wrong += !barq_codec_encode(&codec, values[i], rows[i]) ||
				barq_value_row_bytes(&codec, values[i]) != codec.row_bytes ||
				barq_row_bytes(&codec, rows[i]) != codec.row_bytes ||
				!barq_row_is_whole(&codec, rows[i], codec.row_bytes) ||
				barq_row_is_whole(&codec, rows[i], codec.row_bytes + 8);
		}
		mem = malloc(barq_query_bytes(&codec));
		query = barq_query_prepare(mem, &codec, values[8]);
		barq_query_keys(query, rows[0], MAX_BYTES, NULL, 8, keys);
		barq_code_keys(&codec, rows[8], rows[0], MAX_BYTES, NULL, 8, code_keys);
		for (int i = 0; i < 8; i++)
		{
			double		right = plain_bits(metric, values[8], values[i], sizes[s]);
			double		distance,
						bound;

			barq_query_rescore(query, rows[i], &distance, &bound);
			wrong += keys[i] != (float) right || code_keys[i] != (float) right ||
				barq_code_key(&codec, rows[i], rows[8]) != (float) right ||
				distance != right || bound != right ||
				barq_rows_equal(&codec, rows[i], rows[8]) != (memcmp(values[i], values[8], MAX_BYTES) == 0);
		}
		free(mem);
	}
	tap_ok(wrong == 0, "%s, %s: keys, distances and bounds are those of a plain loop (%d wrong)",
		   metric == BARQ_METRIC_HAMMING ? "hamming" : "jaccard", barq_kernels->name, wrong);
	tap_ok(bad_stride == 0, "no row of bits touches more cache lines than necessary");
}

/* A sparse value of nnz ascending indices below dims. */
static BarqSparseValue *
random_sparse(int dims, int nnz, double size)
{
	BarqSparseValue *v = calloc(1, sizeof(BarqSparseValue) + 8 * (size_t) nnz);
	float	   *x = (float *) (v->entries + nnz);
	double		step = (double) dims / (nnz + 1);

	v->nnz = nnz;
	for (int i = 0; i < nnz; i++)
	{
		v->entries[i] = (int32_t) (i * step + random_uniform() * (step - 1));
		if (i > 0 && v->entries[i] <= v->entries[i - 1])
			v->entries[i] = v->entries[i - 1] + 1;
		x[i] = (float) ((random_uniform() - 0.5) * size);
		if (x[i] == 0)
			x[i] = 1;
	}
	return v;
}

static double
plain_sparse(BarqMetric metric, const BarqSparseValue *a, const BarqSparseValue *b, double *size)
{
	const float *x = (const float *) (a->entries + a->nnz);
	const float *y = (const float *) (b->entries + b->nnz);
	double		sum = 0,
				ab = 0,
				aa = 0,
				bb = 0;
	int			i = 0,
				j = 0;

	*size = 0;
	while (i < a->nnz || j < b->nnz)
	{
		int32_t		at_a = i < a->nnz ? a->entries[i] : INT32_MAX;
		int32_t		at_b = j < b->nnz ? b->entries[j] : INT32_MAX;
		double		p = at_a <= at_b ? x[i] : 0;
		double		q = at_b <= at_a ? y[j] : 0;

		sum += metric == BARQ_METRIC_L1 ? fabs(p - q) : (p - q) * (p - q);
		ab += p * q;
		aa += p * p;
		bb += q * q;
		i += at_a <= at_b;
		j += at_b <= at_a;
	}
	*size = metric == BARQ_METRIC_COSINE ? 1 : metric == BARQ_METRIC_IP ? sqrt(aa * bb) : sum;
	return metric == BARQ_METRIC_COSINE ? 1 - ab / sqrt(aa * bb) : metric == BARQ_METRIC_IP ? -ab : sum;
}

/* The SQL operator's value (src/types/sparse_math.c). */
static double
operator_value(BarqMetric metric, const BarqSparseValue *a, const BarqSparseValue *b)
{
	BarqSparseElements x = {a->entries, (const float *) (a->entries + a->nnz), a->nnz};
	BarqSparseElements y = {b->entries, (const float *) (b->entries + b->nnz), b->nnz};
	double		cosine;

	switch (metric)
	{
		case BARQ_METRIC_L2:
			return sqrt(barq_sparse_l2sq(x, y));
		case BARQ_METRIC_L1:
			return barq_sparse_l1(x, y);
		case BARQ_METRIC_IP:
			return -(double) barq_sparse_ip(x, y);
		default:
			cosine = barq_sparse_ip(x, y) /
				sqrt((double) barq_sparse_ip(x, x) * (double) barq_sparse_ip(y, y));
			return 1 - (cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
	}
}

/* A float sum in another order than barq's: descending, in 8 lanes, or by halves. */
static float
sum_otherwise(const float *terms, int n, int order)
{
	float		lanes[8] = {0};

	if (order == 2 && n > 1)
		return sum_otherwise(terms, n / 2, 2) + sum_otherwise(terms + n / 2, n - n / 2, 2);
	for (int i = 0; i < n; i++)
		lanes[order == 0 ? 0 : i % 8] += terms[order == 0 ? n - 1 - i : i];
	return ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) + ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
}

static const float *
values_of(const BarqSparseValue *v)
{
	return (const float *) (v->entries + v->nnz);
}

static float
product_otherwise(const BarqSparseValue *a, const BarqSparseValue *b, int order)
{
	float	   *terms = malloc(sizeof(float) * (a->nnz + 1));
	int			n = 0;
	float		sum;

	for (int i = 0, j = 0; i < a->nnz; i++)
	{
		while (j < b->nnz && b->entries[j] < a->entries[i])
			j++;
		if (j < b->nnz && b->entries[j] == a->entries[i])
			terms[n++] = values_of(a)[i] * values_of(b)[j];
	}
	sum = sum_otherwise(terms, n, order);
	free(terms);
	return sum;
}

static float
difference_otherwise(BarqMetric metric, const BarqSparseValue *a, const BarqSparseValue *b, int order)
{
	float	   *terms = malloc(sizeof(float) * (a->nnz + b->nnz + 1));
	int			n = 0;
	float		sum;

	for (int i = 0, j = 0; i < a->nnz || j < b->nnz;)
	{
		float		difference = 0;
		int			at = i < a->nnz && (j == b->nnz || a->entries[i] <= b->entries[j]) ? a->entries[i] : b->entries[j];

		if (i < a->nnz && a->entries[i] == at)
			difference += values_of(a)[i++];
		if (j < b->nnz && b->entries[j] == at)
			difference -= values_of(b)[j++];
		terms[n++] = metric == BARQ_METRIC_L1 ? fabsf(difference) : difference * difference;
	}
	sum = sum_otherwise(terms, n, order);
	free(terms);
	return sum;
}

/* The value of an operator, like pgvector's, that sums in another order. */
static double
value_otherwise(BarqMetric metric, const BarqSparseValue *a, const BarqSparseValue *b, int order)
{
	double		cosine;

	switch (metric)
	{
		case BARQ_METRIC_L2:
			return sqrt((double) difference_otherwise(metric, a, b, order));
		case BARQ_METRIC_L1:
			return difference_otherwise(metric, a, b, order);
		case BARQ_METRIC_IP:
			return -product_otherwise(a, b, order);
		default:
			cosine = product_otherwise(a, b, order) /
				sqrt((double) product_otherwise(a, a, order) * (double) product_otherwise(b, b, order));
			return 1 - (cosine > 1 ? 1 : cosine < -1 ? -1 : cosine);
	}
}

static void
test_sparse(BarqMetric metric)
{
	static const char *const names[] = {"", "l2", "ip", "cosine", "l1"};
	static const struct
	{
		int			dims;
		int			most;
		double		size;
	} cases[] = {
		{1, 1, 2}, {5, 5, 2}, {100, 30, 2}, {100, 100, 1e-3}, {30000, 300, 10}, {3000, 2500, 2}, {1000000000, 16000, 1}, {1000000000, 5, 1e18}, {50, 20, 1e30}, {50, 20, 1e-25}
	};
	int			wrong = 0,
				off = 0,
				above = 0;

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (int round = 0; round < 40; round++)
		{
			int			least = metric == BARQ_METRIC_COSINE ? 1 : 0;
			BarqSparseValue *q = random_sparse(cases[c].dims, least + random_below(cases[c].most + 1 - least), cases[c].size);
			BarqSparseValue *v = random_sparse(cases[c].dims, round == 0 ? cases[c].most : least + random_below(cases[c].most + 1 - least), cases[c].size);
			char	   *row = malloc(MAX_ROW);
			char	   *area = calloc(1, 64 + MAX_ROW + 64);
			BarqCodec	codec;
			BarqQuery  *query;
			void	   *mem;
			double		size;
			double		right = plain_sparse(metric, q, v, &size);
			double		exact = operator_value(metric, q, v);
			double		distance,
						bound;
			float		key,
						code_key;
			size_t		length;
			int64_t		at;

			barq_codec_init(&codec, metric, BARQ_QUANT_SPARSE, cases[c].dims);
			mem = malloc(barq_query_bytes(&codec));
			wrong += !barq_codec_encode(&codec, v, row);
			length = barq_value_row_bytes(&codec, v);
			wrong += length != barq_row_bytes(&codec, row) || !barq_row_is_whole(&codec, row, length) ||
				barq_row_is_whole(&codec, row, length - 8) || barq_row_is_whole(&codec, row, 8) ||
				!barq_row_is_sound(&codec, row);

			/* a head before the row and a head behind it */
			memcpy(area + 64, row, length);
			barq_row_head(&codec, area, area + 64, 64);
			barq_row_head(&codec, area + 64 + MAX_ROW, area + 64, -MAX_ROW);
			wrong += !barq_row_extent(&codec, area, &at, &length) || at != 64 ||
				barq_row_whole(&codec, area + 64 + MAX_ROW) != area + 64 ||
				!barq_rows_equal(&codec, area, row) || !barq_rows_equal(&codec, area, area + 64 + MAX_ROW);

			query = barq_query_prepare(mem, &codec, q);
			barq_query_rescore(query, area, &distance, &bound);
			key = barq_query_key(query, area + 64 + MAX_ROW);
			barq_codec_encode(&codec, q, row);
			code_key = barq_code_key(&codec, row, area);
			wrong += key != code_key || key != key;
			if (exact != exact)
				wrong += bound > 0 || distance != distance;
			else
				wrong += distance != exact;
			above += bound > exact;
			for (int order = 0; order < 3; order++)
				above += bound > value_otherwise(metric, q, v, order);

			/* a float sum that overflowed cannot be compared with a double's */
			if (cases[c].size <= 1e3 && cases[c].size >= 1e-3)
				off += fabs(key - right) > 1e-7 * (cases[c].most + 10) * size ||
					exact - bound > 0x1p-21 * (q->nnz + v->nnz + 3) *
					(metric == BARQ_METRIC_COSINE ? 1 : metric == BARQ_METRIC_L2 ? exact : size) + 1e-20;
			free(q);
			free(v);
			free(row);
			free(area);
			free(mem);
		}
	tap_ok(wrong == 0, "sparse %s: rows, heads and distances are right (%d wrong)", names[metric], wrong);
	tap_ok(off == 0, "sparse %s: keys are those of a plain loop, and bounds close to the operator's value (%d are not)", names[metric], off);
	tap_ok(above == 0, "sparse %s: no bound is above the value of an operator that sums in any order (%d are)", names[metric], above);
}

static void
test_unsound(void)
{
	BarqSparseValue *v = random_sparse(100, 5, 1);
	char		row[16 + 8 * 5] __attribute__((aligned(8)));
	int32_t    *indices = (int32_t *) (row + 16);
	SparseHead *head = (SparseHead *) row;
	BarqCodec	codec;
	int64_t		at;
	size_t		length;

	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SPARSE, 100);
	barq_codec_encode(&codec, v, row);
	indices[3] = 100;
	tap_ok(!barq_row_is_sound(&codec, row), "a row with an index beyond the dimensions is not sound");
	indices[3] = indices[2];
	tap_ok(!barq_row_is_sound(&codec, row), "a row with a duplicate index is not sound");
	head->nnz = -1;
	tap_ok(!barq_row_extent(&codec, row, &at, &length), "a head with a negative number of elements is refused");
	head->nnz = BARQ_SPARSE_MAX_NNZ + 1;
	tap_ok(!barq_row_extent(&codec, row, &at, &length), "a head with too many elements is refused");
	head->nnz = 5;
	head->entries = 17;
	tap_ok(!barq_row_extent(&codec, row, &at, &length), "a head with unaligned elements is refused");
	free(v);
}

static void
test_zeros(void)
{
	BarqSparseValue none = {0};
	uint8_t		bits[8] = {0};
	char		row[64] __attribute__((aligned(8)));
	static char mem[65536];
	BarqSparseValue *v = random_sparse(100, 3, 1);
	BarqCodec	codec;
	BarqQuery  *query;

	barq_codec_init(&codec, BARQ_METRIC_COSINE, BARQ_QUANT_SPARSE, 100);
	tap_ok(!barq_codec_encode(&codec, &none, row) && barq_value_is_zero(&codec, &none) &&
		   !barq_value_is_zero(&codec, v), "a sparse vector without elements cannot be encoded under cosine");
	barq_codec_encode(&codec, v, row);
	query = barq_query_prepare(mem, &codec, &none);
	tap_ok(barq_query_key(query, row) == 0, "all rows have the same key for a zero query under cosine");
	barq_codec_init(&codec, BARQ_METRIC_L2, BARQ_QUANT_SPARSE, 100);
	tap_ok(barq_codec_encode(&codec, &none, row) && barq_row_bytes(&codec, row) == 16, "a sparse vector without elements can be encoded under L2");
	barq_codec_init(&codec, BARQ_METRIC_JACCARD, BARQ_QUANT_BITS, 61);
	tap_ok(barq_codec_encode(&codec, bits, row) && barq_value_is_zero(&codec, bits), "bits that are all zero can be encoded");
	query = barq_query_prepare(mem, &codec, bits);
	tap_ok(barq_query_key(query, row) == 1, "the Jaccard distance of bits that are all zero is 1");
	free(v);
}

int
main(void)
{
	int			n;
	const BarqKernels *const *all = barq_kernels_all(&n);


	for (int i = 0; i < n; i++)
	{
		if (!barq_kernels_supported(all[i]))
			continue;
		barq_kernels_select(all[i]->name);
		test_bits(BARQ_METRIC_HAMMING);
		test_bits(BARQ_METRIC_JACCARD);
	}
	barq_kernels_init();
	for (BarqMetric metric = BARQ_METRIC_L2; metric <= BARQ_METRIC_L1; metric++)
		test_sparse(metric);
	test_unsound();
	test_zeros();
	return tap_done();
}
