/*
 * codec_sparse.c
 *	  The form of sparse vectors: rows are a head and the elements as given.
 *
 * Nothing is lost or normalised, so re-scoring repeats the sums of barq's
 * operator in the same order (sparse.h). The operators of pgvector, whose
 * columns can be indexed too, sum in another order; the lower bound allows for
 * that. Keys only have to order rows, and are computed faster.
 *
 * Functions that the table at the end names have the contracts of the functions
 * of codec.h with nearly the same names.
 */
#include "codec_internal.h"
#include "measure.h"
#include "sparse.h"

#define PREFETCH_AHEAD	2		/* rows */
#define PREFETCH_MOST	2048	/* bytes of each */
#define TABLE_PAYS		4		/* rows from which on making a table pays */

/*
 * A hash table of a vector's elements by index, with open addressing: a slot
 * holds an element's number plus 1, or 0 if it is empty. It has far more slots
 * than elements, so that one look at a slot excludes most absent indices.
 */
#define TABLE_BITS		12
#define TABLE_SLOTS		(1 << TABLE_BITS)
#define TABLE_ENTRIES	(TABLE_SLOTS / 2)
#define TABLE_GROUP		128		/* elements looked up together */

typedef struct SparseTable
{
	BarqSparseElements of;
	uint16_t	slots[TABLE_SLOTS];
} SparseTable;

/* Bytes of the indices and values of nnz elements. */
static size_t
elements_bytes(int nnz)
{
	return (size_t) nnz * (sizeof(int32_t) + sizeof(float));
}

/* The nnz elements whose indices, then values, begin at `entries`. */
static BarqSparseElements
elements_at(const void *entries, int nnz)
{
	BarqSparseElements e;

	e.indices = entries;
	e.values = (const float *) (const void *) (e.indices + nnz);
	e.nnz = nnz;
	return e;
}

/* The elements of a value. */
static BarqSparseElements
value_elements(const BarqSparseValue *value)
{
	return elements_at(value->entries, value->nnz);
}

/* The elements of a row or head. */
static inline BarqSparseElements
row_elements(const void *row)
{
	const SparseHead *head = row;

	return elements_at((const char *) row + head->entries, head->nnz);
}

/* row_bytes of the form: a head. */
static size_t
head_bytes(int dims)
{
	(void) dims;
	return sizeof(SparseHead);
}

static size_t
value_bytes(const BarqCodec *codec, const void *value)
{
	const BarqSparseValue *v = value;

	(void) codec;
	return sizeof(BarqSparseValue) + (v ? elements_bytes(v->nnz) : 0);
}

static bool
value_is_zero(const BarqCodec *codec, const void *value)
{
	(void) codec;
	return ((const BarqSparseValue *) value)->nnz == 0;
}

/* Bytes of a whole row of nnz elements. */
static size_t
bytes_of(int nnz)
{
	return sizeof(SparseHead) + elements_bytes(nnz);
}

static size_t
value_row_bytes(const void *value)
{
	return bytes_of(((const BarqSparseValue *) value)->nnz);
}

static size_t
row_bytes(const void *row)
{
	return bytes_of(((const SparseHead *) row)->nnz);
}

static bool
extent(const void *head, int64_t *distance, size_t *length)
{
	SparseHead	h;

	memcpy(&h, head, sizeof(h));
	if (h.nnz < 0 || h.nnz > BARQ_SPARSE_MAX_NNZ ||
		h.entries < INT64_MIN + (int64_t) sizeof(h) || h.entries % 8 != 0)
		return false;
	*distance = h.entries - (int64_t) sizeof(h);
	*length = bytes_of(h.nnz);
	return true;
}

static const void *
whole(const void *row)
{
	return (const char *) row + ((const SparseHead *) row)->entries - sizeof(SparseHead);
}

static void
make_head(void *head, const void *row, int64_t distance)
{
	SparseHead	h;

	memcpy(&h, row, sizeof(h));
	h.entries = distance + (int64_t) sizeof(h);
	memcpy(head, &h, sizeof(h));
}

static bool
equal(const void *a, const void *b)
{
	BarqSparseElements x = row_elements(a);
	BarqSparseElements y = row_elements(b);

	return x.nnz == y.nnz && memcmp(x.indices, y.indices, elements_bytes(x.nnz)) == 0;
}

/* Whether indices ascend within the dimensions and values are finite. */
static bool
is_sound(const BarqCodec *codec, const void *row)
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

static bool
encode(const BarqCodec *codec, const void *value, void *row)
{
	const BarqSparseValue *v = value;
	SparseHead *head = row;
	BarqSparseElements e = value_elements(v);

	if (codec->metric == BARQ_METRIC_COSINE && v->nnz == 0)
		return false;
	head->entries = sizeof(SparseHead);
	head->nnz = v->nnz;
	head->sumsq = barq_sparse_ip(e, e);
	memcpy(head + 1, v->entries, elements_bytes(v->nnz));
	return true;
}

/*
 * A key consists of a sum over the indices that two vectors share and of a sum
 * over each vector alone, in double, where products of floats are exact. So only
 * shared indices have to be found: by merging, or for one vector against many by
 * a table of its elements. Both sum in ascending order, so the key is the same.
 */
/* The summand of a shared index. */
static inline double
shared_term(BarqMetric metric, double x, double y)
{
	return metric == BARQ_METRIC_L1 ? fabs(x - y) - fabs(x) - fabs(y) : x * y;
}

/*
 * The part of the distance that depends on one vector alone: sum of |x| for L1, 0
 * for IP, else sum of x^2.
 */
static inline double
own_sum(BarqMetric metric, BarqSparseElements e)
{
	double		sum[4] = {0, 0, 0, 0};
	int			whole = e.nnz & ~3;

	if (metric == BARQ_METRIC_IP)
		return 0;
	for (int i = 0; i < whole; i += 4)
		for (int k = 0; k < 4; k++)
		{
			double		x = e.values[i + k];

			sum[k] += metric == BARQ_METRIC_L1 ? fabs(x) : x * x;
		}
	for (int i = whole; i < e.nnz; i++)
	{
		double		x = e.values[i];

		sum[i - whole] += metric == BARQ_METRIC_L1 ? fabs(x) : x * x;
	}
	return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* The key from the shared sum and the own sums of both vectors. */
static float
key_of(BarqMetric metric, double shared, double a, double b)
{
	double		key;

	switch (metric)
	{
		case BARQ_METRIC_L2:
			key = a + b - 2 * shared;
			break;
		case BARQ_METRIC_L1:
			key = a + b + shared;
			break;
		case BARQ_METRIC_COSINE:
			return a == 0 || b == 0 ? INFINITY : (float) (1 - barq_clamp_cosine(shared / sqrt(a * b)));
		default:
			return (float) -shared;
	}
	return key > 0 ? (float) key : 0;
}

/* The shared sum of two vectors. */
static double
shared_by_merging(BarqMetric metric, BarqSparseElements a, BarqSparseElements b)
{
	double		sum = 0;
	int			i = 0;
	int			j = 0;

	while (i < a.nnz && j < b.nnz)
	{
		int32_t		at_a = a.indices[i];
		int32_t		at_b = b.indices[j];

		if (at_a == at_b)
			sum += shared_term(metric, a.values[i], b.values[j]);
		i += at_a <= at_b;
		j += at_b <= at_a;
	}
	return sum;
}

/* The slot of an index, if no other index has it. */
static inline uint32_t
slot_of(int32_t index)
{
	return ((uint32_t) index * 2654435769u) >> (32 - TABLE_BITS);
}

/* The slot to try after slot `at`. */
static inline uint32_t
next_slot(uint32_t at)
{
	return (at + 1) & (TABLE_SLOTS - 1);
}

/* Fill a table with the elements. Returns false if there are too many. */
static bool
make_table(SparseTable *table, BarqSparseElements e)
{
	if (e.nnz > TABLE_ENTRIES)
		return false;
	table->of = e;
	memset(table->slots, 0, sizeof(table->slots));
	for (int i = 0; i < e.nnz; i++)
	{
		uint32_t	at = slot_of(e.indices[i]);

		while (table->slots[at] != 0)
			at = next_slot(at);
		table->slots[at] = (uint16_t) (i + 1);
	}
	return true;
}

/*
 * The elements of the table's vector (x) and of b (y) at shared indices, of the
 * group of b's elements that begins with number `from`, in ascending order.
 * Returns their number. No branch predictor can foresee which elements have a
 * slot that is not empty, so these are collected without a branch and then
 * looked up.
 */
static inline int
common_values(const SparseTable *table, BarqSparseElements b, int from,
			  float x[TABLE_GROUP], float y[TABLE_GROUP])
{
	BarqSparseElements a = table->of;
	int			group = b.nnz - from < TABLE_GROUP ? b.nnz - from : TABLE_GROUP;
	uint16_t	taken[TABLE_GROUP];
	int			ntaken = 0;
	int			n = 0;

	for (int j = 0; j < group; j++)
	{
		taken[ntaken] = (uint16_t) j;
		ntaken += table->slots[slot_of(b.indices[from + j])] != 0;
	}
	for (int k = 0; k < ntaken; k++)
	{
		/* cppcheck-suppress uninitvar ; taken[0 ... ntaken - 1] are set */
		int			j = from + taken[k];
		uint32_t	at = slot_of(b.indices[j]);

		for (int i; (i = table->slots[at]) != 0; at = next_slot(at))
			if (a.indices[i - 1] == b.indices[j])
			{
				x[n] = a.values[i - 1];
				y[n++] = b.values[j];
				break;
			}
	}
	return n;
}

/* The shared sum of the table's vector and b. */
static double
shared_by_table(BarqMetric metric, const SparseTable *table, BarqSparseElements b)
{
	double		sum = 0;

	for (int from = 0; from < b.nnz; from += TABLE_GROUP)
	{
		float		x[TABLE_GROUP];
		float		y[TABLE_GROUP];
		int			n = common_values(table, b, from, x, y);

		for (int k = 0; k < n; k++)
			sum += shared_term(metric, x[k], y[k]);
	}
	return sum;
}

/*
 * The inner product of the table's vector and b, bit-identical to barq_sparse_ip(): it
 * adds up the same products in the same order.
 */
static float
ip_by_table(const SparseTable *table, BarqSparseElements b)
{
	float		sum = 0;

	for (int from = 0; from < b.nnz; from += TABLE_GROUP)
	{
		float		x[TABLE_GROUP];
		float		y[TABLE_GROUP];
		int			n = common_values(table, b, from, x, y);

		for (int k = 0; k < n; k++)
			sum += x[k] * y[k];
	}
	return sum;
}

/* Keys of rows for the vector `a`; table: of `a`, or NULL. */
static void
keys_of(BarqMetric metric, BarqSparseElements a, const SparseTable *table, const char *base,
		size_t stride, const uint32_t *ids, int n, float *keys)
{
	double		a_sum = own_sum(metric, a);

	for (int i = 0; i < n; i++)
	{
		BarqSparseElements b = row_elements(base + (ids ? ids[i] : (size_t) i) * stride);

		if (i + PREFETCH_AHEAD < n)
		{
			BarqSparseElements next =
				row_elements(base + (ids ? ids[i + PREFETCH_AHEAD] : (size_t) i + PREFETCH_AHEAD) * stride);
			size_t		bytes = elements_bytes(next.nnz);

			for (size_t at = 0; at < bytes && at < PREFETCH_MOST; at += 64)
				__builtin_prefetch((const char *) next.indices + at);
		}
		keys[i] = key_of(metric, table != NULL ? shared_by_table(metric, table, b) :
						 shared_by_merging(metric, a, b), a_sum, own_sum(metric, b));
	}
}

static void
code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
		  const uint32_t *ids, int n, float *keys)
{
	BarqSparseElements e = row_elements(a);
	SparseTable table;

	keys_of(codec->metric, e, n >= TABLE_PAYS && make_table(&table, e) ? &table : NULL,
			base, stride, ids, n, keys);
}

static size_t
query_bytes(const BarqCodec *codec)
{
	(void) codec;
	return sizeof(SparseTable);
}

static void
prepare(BarqQuery *query, const void *value, void *arrays)
{
	BarqSparseElements e = value_elements(value);

	query->value = value;
	query->sumsq = barq_sparse_ip(e, e);
	query->null = query->codec.metric == BARQ_METRIC_COSINE && e.nnz == 0;
	query->table = make_table(arrays, e) ? arrays : NULL;
}

static void
query_keys(const BarqQuery *query, const char *base, size_t stride,
		   const uint32_t *ids, int n, float *keys)
{
	if (query->null)
		memset(keys, 0, (size_t) n * sizeof(float));
	else
		keys_of(query->codec.metric, value_elements(query->value), query->table,
				base, stride, ids, n, keys);
}

/* The operator's distance of query and row; for L2 its square. */
static double
measure(const BarqQuery *query, BarqSparseElements row, float sumsq)
{
	BarqSparseElements q = value_elements(query->value);
	float		ip;

	switch (query->codec.metric)
	{
		case BARQ_METRIC_L2:
			return barq_sparse_l2sq(q, row);
		case BARQ_METRIC_L1:
			return barq_sparse_l1(q, row);
		case BARQ_METRIC_COSINE:
			if (!barq_sumsq_is_ordinary((float) query->sumsq) || !barq_sumsq_is_ordinary(sumsq))
				return barq_sparse_cosine_in_double(q, row);
			break;
		default:
			break;
	}
	ip = query->table != NULL ? ip_by_table(query->table, row) : barq_sparse_ip(q, row);
	return query->codec.metric == BARQ_METRIC_IP ? -ip :
		barq_cosine_distance(ip, (float) query->sumsq, sumsq);
}

/*
 * A lower bound of the operator's value (for L2 its square) if float sums are
 * computed in any order and `value` is the result of one order. Both lie within
 * g(n + 2) of the true value, where n is an upper bound of the number of summands
 * (codec_bound.c, "Float sums"); so do the sums from which norms are computed.
 */
static double
any_order_bound(BarqMetric metric, double value, int n, double a_sumsq, double b_sumsq)
{
	double		g = higham_gamma(n + 2);
	double		tiny = n * TINY;
	double		norms = sqrt((a_sumsq + tiny) * (b_sumsq + tiny)) * (1 + 2 * g);

	switch (metric)
	{
		case BARQ_METRIC_L2:
		case BARQ_METRIC_L1:
			/* if `value` overflowed, another order may not have */
			return at_least_0(fmin(value, FLT_MAX) * (1 - 2.5 * g) - 3 * tiny);
		case BARQ_METRIC_COSINE:
			if (!(a_sumsq > 0x1.1p-100 && a_sumsq < 0x1p123 &&
				  b_sumsq > 0x1.1p-100 && b_sumsq < 0x1p123))
				return 0;
			return at_least_0(value - 2 * (2 * g + 4 * g * g + UNIT) - LAST);
		default:
			return norms < SAFE_PRODUCT ? value - 2.5 * (g * norms + tiny) : -INFINITY;
	}
}

static void
rescore(const BarqQuery *query, const void *row, BarqInterval *interval)
{
	BarqMetric	metric = query->codec.metric;
	BarqSparseElements q = value_elements(query->value);
	BarqSparseElements x = row_elements(row);
	double		sumsq = ((const SparseHead *) row)->sumsq;
	double		d;

	interval->high = INFINITY;
	if (query->null)
	{
		barq_null_rescore(interval);
		return;
	}
	d = measure(query, x, (float) sumsq);
	if (d == d)
	{
		interval->distance = d;
		interval->low = any_order_bound(metric, d, q.nnz + x.nnz, query->sumsq, sumsq);
		if (metric == BARQ_METRIC_L2)
		{
			interval->distance = sqrt(d);
			interval->low = sqrt(interval->low) * (1 - LAST);
		}
	}
	else
	{
		/* the operator's NaN sorts last */
		interval->distance = metric == BARQ_METRIC_COSINE ? 1 : 0;
		interval->low = metric == BARQ_METRIC_COSINE ? 0 : -INFINITY;
	}
}

/* The row's elements as a value. */
static void
value_of(const void *row, void *value)
{
	BarqSparseElements e = row_elements(row);
	BarqSparseValue *v = value;

	v->nnz = e.nnz;
	v->unused = 0;
	memcpy(v->entries, e.indices, elements_bytes(e.nnz));
}

static const BarqHeadForm heads = {
	.value_row_bytes = value_row_bytes,
	.row_bytes = row_bytes,
	.extent = extent,
	.whole = whole,
	.make = make_head,
	.equal = equal,
	.is_sound = is_sound,
	.value = value_of
};

const BarqCodecForm barq_form_sparse = {
	.name = "none",
	.metrics = VECTOR_METRICS,
	.max_dims = BARQ_CODEC_MAX_SPARSE_DIMS,
	.least_stride = 8,
	.only_form = true,
	.proves = true,
	.cosine_is_distance = true,
	.row_bytes = head_bytes,
	.value_bytes = value_bytes,
	.value_is_zero = value_is_zero,
	.encode = encode,
	.query_bytes = query_bytes,
	.prepare = prepare,
	.query_keys = query_keys,
	.rescore = rescore,
	.code_keys = code_keys,
	.heads = &heads
};
