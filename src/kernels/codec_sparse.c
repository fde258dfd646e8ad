/*
 * codec_sparse.c
 *	  Rows of sparse vectors: a head, and the elements as they were given.
 *
 * Nothing is lost and nothing normalised, so re-scoring repeats what the
 * operator computes, sum for sum (sparse.h), and a lower bound is its value.
 */
#include "codec_internal.h"
#include "measure.h"
#include "sparse.h"

#define PREFETCH_AHEAD	4		/* rows */
#define PREFETCH_MOST	2048	/* bytes of each */

static size_t
entries_bytes(int nnz)
{
	return (size_t) nnz * (sizeof(int32_t) + sizeof(float));
}

static BarqSparseElements
elements_at(const void *entries, int nnz)
{
	BarqSparseElements e;

	e.indices = entries;
	e.values = (const float *) (e.indices + nnz);
	e.nnz = nnz;
	return e;
}

static BarqSparseElements
value_elements(const BarqSparseValue *value)
{
	return elements_at(value->entries, value->nnz);
}

static inline BarqSparseElements
row_elements(const void *row)
{
	const SparseHead *head = row;

	return elements_at((const char *) row + head->entries, head->nnz);
}

size_t
barq_sparse_value_bytes(const BarqSparseValue *value)
{
	return sizeof(BarqSparseValue) + (value ? entries_bytes(value->nnz) : 0);
}

size_t
barq_sparse_row_bytes(int nnz)
{
	return sizeof(SparseHead) + entries_bytes(nnz);
}

void
barq_sparse_encode(const BarqSparseValue *value, void *row)
{
	SparseHead *head = row;
	BarqSparseElements e = value_elements(value);

	head->entries = sizeof(SparseHead);
	head->nnz = value->nnz;
	head->sumsq = barq_sparse_ip(e, e);
	memcpy(head + 1, value->entries, entries_bytes(value->nnz));
}

/*
 * What the key and the distance are made of: for L2 the squared distance, for
 * L1 the distance, for the inner product its negative, for cosine the distance.
 */
static double
measure(BarqMetric metric, BarqSparseElements a, float a_sumsq,
		BarqSparseElements b, float b_sumsq)
{
	switch (metric)
	{
		case BARQ_METRIC_L2:
			return barq_sparse_l2sq(a, b);
		case BARQ_METRIC_L1:
			return barq_sparse_l1(a, b);
		case BARQ_METRIC_COSINE:
			return barq_cosine_distance(barq_sparse_ip(a, b), a_sumsq, b_sumsq);
		default:
			return -barq_sparse_ip(a, b);
	}
}

static void
keys_of(BarqMetric metric, BarqSparseElements a, float a_sumsq, const char *base,
		size_t stride, const uint32_t *ids, int n, float *keys)
{
	for (int i = 0; i < n; i++)
	{
		const char *row = base + (ids ? ids[i] : (size_t) i) * stride;

		if (i + PREFETCH_AHEAD < n)
		{
			const SparseHead *next = (const SparseHead *)
				(base + (ids ? ids[i + PREFETCH_AHEAD] : (size_t) i + PREFETCH_AHEAD) * stride);
			size_t		bytes = entries_bytes(next->nnz);

			for (size_t at = 0; at < bytes && at < PREFETCH_MOST; at += 64)
				__builtin_prefetch((const char *) next + next->entries + at);
		}
		keys[i] = (float) measure(metric, a, a_sumsq, row_elements(row),
								  ((const SparseHead *) row)->sumsq);
		/* sums of huge values may come to infinity less infinity */
		if (keys[i] != keys[i])
			keys[i] = INFINITY;
	}
}

void
barq_sparse_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
					  const uint32_t *ids, int n, float *keys)
{
	keys_of(codec->metric, row_elements(a), ((const SparseHead *) a)->sumsq,
			base, stride, ids, n, keys);
}

void
barq_sparse_prepare(BarqQuery *query, const BarqSparseValue *value)
{
	BarqSparseElements e = value_elements(value);

	query->value = value;
	query->sumsq = barq_sparse_ip(e, e);
	query->null = query->codec.metric == BARQ_METRIC_COSINE && value->nnz == 0;
}

void
barq_sparse_query_keys(const BarqQuery *query, const char *base, size_t stride,
					   const uint32_t *ids, int n, float *keys)
{
	if (query->null)
		memset(keys, 0, (size_t) n * sizeof(float));
	else
		keys_of(query->codec.metric, value_elements(query->value), (float) query->sumsq,
				base, stride, ids, n, keys);
}

void
barq_sparse_rescore(const BarqQuery *query, const void *row, double *exact,
					double *lower_bound)
{
	BarqMetric	metric = query->codec.metric;
	double		d = measure(metric, value_elements(query->value), (float) query->sumsq,
							row_elements(row), ((const SparseHead *) row)->sumsq);

	if (metric == BARQ_METRIC_L2)
		d = sqrt(d);
	if (d == d)
		*exact = *lower_bound = d;
	else
	{
		/* the operator's NaN sorts behind everything */
		*exact = metric == BARQ_METRIC_COSINE ? 1 : 0;
		*lower_bound = metric == BARQ_METRIC_COSINE ? 0 : -INFINITY;
	}
}

bool
barq_sparse_equal(const void *a, const void *b)
{
	BarqSparseElements x = row_elements(a);
	BarqSparseElements y = row_elements(b);

	return x.nnz == y.nnz && memcmp(x.indices, y.indices, entries_bytes(x.nnz)) == 0;
}

bool
barq_sparse_is_sound(const BarqCodec *codec, const void *row)
{
	BarqSparseElements e = row_elements(row);
	int32_t		last = -1;

	for (int i = 0; i < e.nnz; i++)
	{
		if (e.indices[i] <= last || e.indices[i] >= codec->dims ||
			!(fabsf(e.values[i]) < INFINITY))
			return false;
		last = e.indices[i];
	}
	return true;
}
