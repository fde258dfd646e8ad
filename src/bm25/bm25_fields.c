/*
 * bm25_fields.c
 *	  Scores and bounds of a search over several fields (BM25F).
 *
 * Exactness is that of bm25_prune.c: bounds in single precision are raised by more than
 * their rounding errors. The weights of fields are raised and their norms lowered as
 * weights and norms there are; a sum of at most BARQ_BM25_FIELDS parts adds as many
 * roundings, less than the raise.
 */
#include "postgres.h"

#include "bm25/bm25_search.h"

void
barq_bm25_row_norms(const Bm25Search *s, uint32 row, double *norms)
{
	for (uint32 f = 0; f < s->query->nfields; f++)
	{
		uint32		stored = barq_bm25_field_length(&s->body, f, row);

		norms[f] = barq_bm25_field_norm(&s->query->fields[f], stored == 0 ? 0 : stored - 1);
	}
}

double
barq_bm25_posting_share(const Bm25Search *s, Bm25Cursor *cursor, const double *norms)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return barq_bm25_fields_share(s->query, cursor->weight,
								  barq_bm25_wtf(s->query, cursor->fields,
												&cursor->field_frequencies[0][cursor->at],
												BARQ_BM25_BLOCK, norms));
}

void
barq_bm25_field_scales(const BarqBm25Query *query, Bm25FieldScale *scales)
{
	for (uint32 f = 0; f < query->nfields; f++)
	{
		const BarqBm25Field *field = &query->fields[f];

		scales[f] = (Bm25FieldScale) {0};
		if (field->avglen <= 0)
			continue;
		scales[f].weight = (float) (field->weight * BM25_RAISE);
		scales[f].base = (float) ((1 - field->b) * BM25_LOWER);
		scales[f].slope = (float) (field->b / field->avglen * BM25_LOWER);
	}
}

/* Upper bound of a field's part of the weighted frequency of postings with these maxima. */
static inline float
field_bound(const Bm25Maxima *maxima, const Bm25FieldScale *scale)
{
	float		most = 0;

	for (int i = 0; i < BM25_PAIRS && maxima->pairs[i].frequency > 0; i++)
	{
		float		norm = scale->base + scale->slope * (float) maxima->pairs[i].length;
		float		part;

		if (maxima->pairs[i].frequency == BM25_FREQUENCY_ANY)
			return 1e30f;
		part = scale->weight * (float) maxima->pairs[i].frequency / Max(norm, 1e-30f);
		most = Max(most, part);
	}
	return most;
}

float
barq_bm25_block_bound(const Bm25Cursor *cursor, uint32 block, const BarqBm25Query *query,
					  const Bm25FieldScale *scales, float weight)
{
	float		wtf = 0;

	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		if (!barq_bm25_has_field(cursor->fields, f) || scales[f].weight == 0)
			continue;
		wtf += field_bound(barq_bm25_field_maxima(cursor, block, f), &scales[f]);
	}
	return barq_bm25_share_bound(query, weight, Min(wtf, 1e30f));
}

/*
 * A field's weight by its norm in n rows, whose lengths are stored plus 1 (of any value in a
 * row without the field). The compiler vectorises the loop.
 */
static void
divide_by_norms(const uint32 *lengths, uint32 n, const Bm25FieldScale *scale, float *by_norm)
{
	float		weight = scale->weight;
	float		base = scale->base;
	float		slope = scale->slope;

	for (uint32 i = 0; i < n; i++)
	{
		float		norm = base + slope * (float) ((int32) lengths[i] - 1);

		by_norm[i] = weight / (norm > 1e-30f ? norm : 1e-30f);
	}
}

void
barq_bm25_block_shares(const Bm25Search *s, Bm25Cursor *cursor, const Bm25FieldScale *scales,
					   float weight, float *shares, float (*by_norm)[BARQ_BM25_BLOCK])
{
	uint32		lengths[BARQ_BM25_BLOCK];
	uint32		n = cursor->n;

	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	memset(shares, 0, n * sizeof(float));
	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		const uint32 *frequencies = cursor->field_frequencies[f];

		if (scales[f].weight == 0)
		{
			memset(by_norm[f], 0, n * sizeof(float));
			continue;
		}
		barq_bm25_field_lengths(&s->body, f, cursor->rows, n, lengths);
		divide_by_norms(lengths, n, &scales[f], by_norm[f]);
		if (barq_bm25_has_field(cursor->fields, f))
			for (uint32 i = 0; i < n; i++)
				shares[i] += (float) (int32) frequencies[i] * by_norm[f][i];
	}
	for (uint32 i = 0; i < n; i++)
		shares[i] = barq_bm25_share_bound(s->query, weight, shares[i]);
}

double
barq_bm25_exact_block_bound(const Bm25Cursor *cursor, uint32 block, const BarqBm25Query *query)
{
	const Bm25Maxima *maxima[BARQ_BM25_FIELDS];

	for (uint32 f = 0; f < cursor->nfields; f++)
		maxima[f] = barq_bm25_field_maxima(cursor, block, f);
	return barq_bm25_fields_bound(maxima, cursor->weight, cursor->fields, query);
}
