/*
 * codec.c
 *	  The table of forms, and the functions of codec.h, which call those of the
 *	  codec's form.
 *
 * A call is one more jump than a call of the form's own function. Functions of
 * many rows (barq_query_keys, barq_code_keys) jump once for all of them.
 */
#include "codec_internal.h"

/* By BarqQuantization. */
const BarqCodecForm *const barq_codec_forms[BARQ_NQUANTS] = {
	[BARQ_QUANT_NONE] = &barq_form_none,
	[BARQ_QUANT_F16] = &barq_form_f16,
	[BARQ_QUANT_SQ8] = &barq_form_sq8,
	[BARQ_QUANT_RABITQ] = &barq_form_rabitq,
	[BARQ_QUANT_BITS] = &barq_form_bits,
	[BARQ_QUANT_SPARSE] = &barq_form_sparse
};

static inline const BarqCodecForm *
form_of(const BarqCodec *codec)
{
	return barq_codec_forms[codec->quant];
}

void
barq_codec_init(BarqCodec *codec, BarqMetric metric, BarqQuantization quant, int dims)
{
	const BarqCodecForm *form = barq_codec_forms[quant];
	uint32_t	stride = form->least_stride;

	CODEC_ASSERT(form->metrics & BARQ_METRIC_BIT(metric));
	CODEC_ASSERT(dims >= 1 && dims <= form->max_dims);
	/* forms have heads or stand for floats, not both */
	CODEC_ASSERT((form->heads == NULL) == (form->decode != NULL));
	codec->metric = metric;
	codec->quant = quant;
	codec->dims = dims;
	codec->row_bytes = (uint32_t) form->row_bytes(dims);
	codec->refine_bytes = 0;
	CODEC_ASSERT(codec->row_bytes % 8 == 0);

	/* a power of two up to 64, else a multiple of 64 */
	while (stride < codec->row_bytes && stride < 64)
		stride *= 2;
	codec->stride = (codec->row_bytes + stride - 1) & ~(stride - 1);
}

size_t
barq_value_bytes(const BarqCodec *codec, const void *value)
{
	return form_of(codec)->value_bytes(codec, value);
}

bool
barq_value_is_zero(const BarqCodec *codec, const void *value)
{
	return form_of(codec)->value_is_zero(codec, value);
}

bool
barq_codec_refine(BarqCodec *codec)
{
	const BarqCodecForm *form = form_of(codec);

	if (form->refine_bytes == NULL)
		return false;
	codec->refine_bytes = (uint32_t) form->refine_bytes(codec->dims);
	return true;
}

size_t
barq_value_row_bytes(const BarqCodec *codec, const void *value)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	return heads != NULL ? heads->value_row_bytes(value) : barq_codec_whole_bytes(codec);
}

size_t
barq_row_bytes(const BarqCodec *codec, const void *row)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	return heads != NULL ? heads->row_bytes(row) : barq_codec_whole_bytes(codec);
}

bool
barq_row_is_whole(const BarqCodec *codec, const void *row, size_t length)
{
	int64_t		distance;
	size_t		bytes;

	return length >= codec->row_bytes &&
		barq_row_extent(codec, row, &distance, &bytes) && distance == 0 && bytes == length;
}

bool
barq_row_is_sound(const BarqCodec *codec, const void *row)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	return heads == NULL || heads->is_sound(codec, row);
}

bool
barq_refinement_is_sound(const BarqCodec *codec, const void *row, const void *refinement)
{
	CODEC_ASSERT(codec->refine_bytes > 0);
	return form_of(codec)->refinement_is_sound(codec, row, refinement);
}

bool
barq_row_extent(const BarqCodec *codec, const void *head, int64_t *distance, size_t *length)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	if (heads != NULL)
		return heads->extent(head, distance, length);
	*distance = 0;
	*length = barq_codec_whole_bytes(codec);
	return true;
}

const void *
barq_row_whole(const BarqCodec *codec, const void *row)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	return heads != NULL ? heads->whole(row) : row;
}

void
barq_row_head(const BarqCodec *codec, void *head, const void *row, int64_t distance)
{
	CODEC_ASSERT(barq_codec_has_heads(codec));
	form_of(codec)->heads->make(head, row, distance);
}

bool
barq_rows_equal(const BarqCodec *codec, const void *a, const void *b)
{
	const BarqHeadForm *heads = form_of(codec)->heads;

	return heads != NULL ? heads->equal(a, b) : memcmp(a, b, codec->row_bytes) == 0;
}

bool
barq_codec_encode(const BarqCodec *codec, const void *value, void *row)
{
	return barq_codec_encode_parts(codec, value, row, (char *) row + codec->row_bytes);
}

bool
barq_codec_encode_parts(const BarqCodec *codec, const void *value, void *row, void *refinement)
{
	const BarqCodecForm *form = form_of(codec);

	if (!form->encode(codec, value, row))
		return false;
	if (codec->refine_bytes > 0)
		form->encode_refinement(codec, value, row, refinement);
	return true;
}

size_t
barq_row_value_bytes(const BarqCodec *codec, const void *row)
{
	size_t		floats = sizeof(float) * (size_t) codec->dims;

	/* a sparse value is shorter than its row; dimensions say nothing of either */
	return barq_codec_has_heads(codec) ? barq_row_bytes(codec, row) : floats;
}

void
barq_row_value(const BarqCodec *codec, const void *row, void *value)
{
	const BarqCodecForm *form = barq_codec_forms[codec->quant];

	if (form->heads != NULL)
		form->heads->value(row, value);
	else if (codec->quant == BARQ_QUANT_BITS)
		memcpy(value, row, form->value_bytes(codec, NULL));
	else
		form->decode(codec, row, value);
}

bool
barq_codec_encode_floats(const BarqCodec *codec, const float *x, void *row)
{
	return form_of(codec)->encode_floats(codec, x, row);
}

void
barq_codec_decode(const BarqCodec *codec, const void *row, float *x)
{
	form_of(codec)->decode(codec, row, x);
}

float
barq_code_key(const BarqCodec *codec, const void *a, const void *b)
{
	const BarqCodecForm *form = form_of(codec);
	float		key;

	if (form->code_key != NULL)
		return form->code_key(codec, a, b);
	form->code_keys(codec, a, b, 0, NULL, 1, &key);
	return key;
}

void
barq_code_keys(const BarqCodec *codec, const void *a, const char *base, size_t stride,
			   const uint32_t *ids, int n, float *keys)
{
	form_of(codec)->code_keys(codec, a, base, stride, ids, n, keys);
}

size_t
barq_query_bytes(const BarqCodec *codec)
{
	/* 63 bytes at most to align the struct */
	return 64 + ALIGN64(sizeof(BarqQuery)) + form_of(codec)->query_bytes(codec);
}

BarqQuery *
barq_query_prepare(void *mem, const BarqCodec *codec, const void *value)
{
	char	   *at = (char *) ALIGN64((uintptr_t) mem);
	BarqQuery  *query = (BarqQuery *) at;

	memset(query, 0, sizeof(*query));
	query->codec = *codec;
	query->form = form_of(codec);
	query->form->prepare(query, value, at + ALIGN64(sizeof(BarqQuery)));
	return query;
}

float
barq_query_key(const BarqQuery *query, const void *row)
{
	float		key;

	barq_query_keys(query, row, 0, NULL, 1, &key);
	return key;
}

void
barq_query_keys(const BarqQuery *query, const char *base, size_t stride,
				const uint32_t *ids, int n, float *keys)
{
	barq_rows_scored += n;
	query->form->query_keys(query, base, stride, ids, n, keys);
}

void
barq_queries_keys(const BarqQuery *const *queries, int nqueries, const char *base,
				  size_t stride, int n, float *keys)
{
	barq_rows_scored += n;
	if (nqueries > 0 && queries[0]->form->queries_keys != NULL &&
		queries[0]->form->queries_keys(queries, nqueries, base, stride, n, keys))
		return;
	for (int j = 0; j < nqueries; j++)
		queries[j]->form->query_keys(queries[j], base, stride, NULL, n, keys + (size_t) j * (size_t) n);
}

double
barq_query_norm(const BarqQuery *query)
{
	return query->given_norm;
}

void
barq_query_rescore(const BarqQuery *query, const void *row,
				   double *distance, double *lower_bound)
{
	BarqInterval interval;

	query->form->rescore(query, row, &interval);
	*distance = interval.distance;
	*lower_bound = interval.low;
}

void
barq_query_interval(const BarqQuery *query, const void *row, const void *refinement,
					BarqInterval *interval)
{
	if (refinement != NULL)
		query->form->refined(query, row, refinement, interval);
	else
		query->form->rescore(query, row, interval);
}

bool
barq_query_encloses(const BarqQuery *query)
{
	/* under L1 keys of sq8 are what re-scoring computes */
	return query->form->enclose != NULL && query->codec.metric != BARQ_METRIC_L1;
}

void
barq_query_enclose(const BarqQuery *query, const void *row, float key, BarqInterval *interval)
{
	query->form->enclose(query, row, key, interval);
}

void
barq_query_beyond(const BarqQuery *query, const char *base, size_t stride, int n,
				  const float *keys, double limit, bool *beyond)
{
	if (query->form->beyond != NULL)
	{
		query->form->beyond(query, base, stride, n, keys, limit, beyond);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		BarqInterval interval;

		query->form->enclose(query, base + (size_t) i * stride, keys[i], &interval);
		beyond[i] = interval.low > limit;
	}
}

double
barq_key_distance(const BarqCodec *codec, float key)
{
	switch (codec->metric)
	{
		case BARQ_METRIC_L2:
			return key > 0 ? sqrt((double) key) : 0;
		case BARQ_METRIC_COSINE:
			return form_of(codec)->cosine_is_distance ? key : 1 + (double) key;
		default:
			return key;
	}
}
