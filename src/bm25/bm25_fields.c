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
#include "kernels/kernels.h"

void
barq_bm25_row_norms(const Bm25Search *s, uint32 row, double *norms)
{
	for (uint32 f = 0; f < s->query->nfields; f++)
		norms[f] = barq_bm25_stored_norm(&s->query->fields[f],
										 barq_bm25_field_length(&s->body, f, row));
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

void
barq_bm25_block_bounds(const Bm25Cursor *cursor, uint32 from, uint32 n, const BarqBm25Query *query,
					   const Bm25FieldScale *scales, float weight, float *bounds)
{
	memset(bounds, 0, n * sizeof(float));
	for (uint32 f = 0; f < cursor->nfields; f++)
		if (barq_bm25_has_field(cursor->fields, f) && scales[f].weight > 0)
			barq_kernels->bm25_add_parts(barq_bm25_field_maxima(cursor, from, f),
										 f == 0 ? sizeof(Bm25Skip) :
										 sizeof(Bm25FieldSkip) * (cursor->nfields - 1),
										 BM25_PAIRS, (int) n, scales[f].base, scales[f].slope,
										 scales[f].weight, bounds);
	if (weight > 0)
		barq_kernels->bm25_saturate(bounds, (int) n, barq_bm25_least_k1(query), weight);
}

void
barq_bm25_block_shares(const Bm25Search *s, Bm25Cursor *cursor, const Bm25FieldScale *scales,
					   float weight, float *shares, float (*by_norm)[BARQ_BM25_BLOCK],
					   uint32 (*lengths)[BARQ_BM25_BLOCK])
{
	float		unasked[BARQ_BM25_BLOCK];	/* what a field adds that does not count */
	uint32		n = cursor->n;

	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	memset(shares, 0, n * sizeof(float));
	memset(unasked, 0, n * sizeof(float));
	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		barq_bm25_field_lengths(&s->body, f, cursor->rows, n, lengths[f]);
		if (scales[f].weight == 0)
		{
			memset(by_norm[f], 0, n * sizeof(float));
			continue;
		}
		barq_kernels->bm25_add_field(cursor->field_frequencies[f], lengths[f], (int) n, scales[f].base,
									 scales[f].slope, scales[f].weight, by_norm[f],
									 barq_bm25_has_field(cursor->fields, f) ? shares : unasked);
	}
	barq_kernels->bm25_saturate(shares, (int) n, barq_bm25_least_k1(s->query), weight);
}

double
barq_bm25_exact_block_bound(const Bm25Cursor *cursor, uint32 block, const BarqBm25Query *query)
{
	const Bm25Maxima *maxima[BARQ_BM25_FIELDS];

	for (uint32 f = 0; f < cursor->nfields; f++)
		maxima[f] = barq_bm25_field_maxima(cursor, block, f);
	return barq_bm25_fields_bound(maxima, cursor->weight, cursor->fields, query);
}
