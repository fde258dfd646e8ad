/*
 * bm25_candidates.c
 *	  The rows of a block that could be among the best, tried in one light term after the
 *	  other, and scored (bm25_prune.c).
 */
#include "postgres.h"

#include "bm25/bm25_prune.h"
#include "kernels/kernels.h"
#include "port/pg_bitutils.h"

/* Drop the candidates whose sum is below a limit. */
static void
drop_below(Pruner *p, float limit)
{
	Candidates *c = &p->candidates;
	uint32		n = barq_kernels->find_at_least(c->sums, c->n, limit, p->found);

	if (n == c->n)
		return;
	for (uint32 i = 0; i < n; i++)
	{
		uint32		from = p->found[i];

		c->rows[i] = c->rows[from];
		c->sums[i] = c->sums[from];
		c->numbers[i] = c->numbers[from];
	}
	c->n = n;
}

void
barq_bm25_take_candidates(Pruner *p, const Form *form, uint32 n)
{
	Candidates *c = &p->candidates;
	const Bm25Cursor *cursor = form->cursor;
	uint8	   *places = c->places[form->number];

	Assert(form->scorer->heavy && form->shared == cursor->loaded);
	c->n = n;
	c->taker = form;
	for (uint32 i = 0; i < n; i++)
	{
		uint32		at = form->begin + p->found[i];

		c->rows[i] = cursor->rows[at];
		c->sums[i] = form->shares[at];
		c->numbers[i] = (uint8) at;
		c->forms[at] = (uint32) (form->shares[at] > 0) << form->number;
		places[at] = (uint8) at;
	}
}

/* Bits of the forms of a term. */
static inline uint32
bits_of_forms(const Scorer *scorer)
{
	return (uint32) (((UINT64CONST(1) << scorer->nforms) - 1) << scorer->forms[0].number);
}

/*
 * The weighted frequency that a form's frequencies, of which there is one for each field with
 * so many between them, give a candidate; an upper bound.
 */
static inline float
weighted_frequency(const Pruner *p, const Form *form, uint32 number, const uint32 *frequencies,
				   Size stride)
{
	float		wtf = 0;

	if (!p->fields)
		return (float) frequencies[0];
	for (uint32 f = 0; f < p->nfields; f++)
		if (barq_bm25_has_field(form->cursor->fields, f))
			wtf += (float) (int32) frequencies[f * stride] * p->candidates.taker->by_norm[f][number];
	return wtf;
}

/* Bound of a term's share with this weighted frequency in a candidate. */
static inline float
share_bound(const Pruner *p, const Scorer *scorer, uint32 number, float weighted)
{
	if (p->fields)
		return barq_bm25_share_bound(p->s->query, scorer->weight, weighted);
	return scorer->weight * weighted /
		(weighted + (p->base + p->slope * (float) p->candidates.taker->lengths[0][number]));
}

/* The frequencies of a heavy form's posting by field. */
static inline const uint32 *
heavy_frequencies(const Pruner *p, const Form *form, uint32 number)
{
	const Bm25Cursor *cursor = form->cursor;
	uint32		place = p->candidates.places[form->number][number];

	return p->fields ? &cursor->field_frequencies[0][place] : &cursor->frequencies[place];
}

/* Bound of the share of a heavy form's posting in a candidate that holds it. */
static inline float
heavy_share(Pruner *p, const Form *form, uint32 number)
{
	Bm25Cursor *cursor = form->cursor;

	if (likely(form->shared == cursor->loaded))
		return form->shares[p->candidates.places[form->number][number]];
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	return share_bound(p, form->scorer, number,
					   weighted_frequency(p, form, number, heavy_frequencies(p, form, number),
										  BARQ_BM25_BLOCK));
}

void
barq_bm25_add_heavy(Pruner *p, const Form *form, bool earlier)
{
	Candidates *c = &p->candidates;

	Assert(form->scorer->heavy && form->cursor->loaded == form->cursor->block);
	barq_kernels->find_rows(form->cursor->rows, c->rows, c->n, p->at);
	for (uint32 i = 0; i < c->n; i++)
	{
		uint32		number = c->numbers[i];
		float		share;

		if (p->at[i] == BARQ_BM25_BLOCK)
			continue;
		if (earlier)
		{
			c->sums[i] = -1;
			continue;
		}
		c->places[form->number][number] = p->at[i];
		share = heavy_share(p, form, number);
		c->sums[i] += share;
		c->forms[number] |= (uint32) (share > 0) << form->number;
	}
	if (earlier)
		drop_below(p, 0);
}

void
barq_bm25_join_forms(Pruner *p)
{
	Candidates *c = &p->candidates;

	for (uint32 i = 0; i < p->n; i++)
	{
		const Scorer *scorer = &p->scorers[i];
		uint32		all = bits_of_forms(scorer);

		if (!scorer->heavy || scorer->nforms == 1)
			continue;
		for (uint32 j = 0; j < c->n; j++)
		{
			uint32		number = c->numbers[j];
			uint32		bits = c->forms[number] & all;
			float		weighted = 0;
			float		shares = 0;

			if ((bits & (bits - 1)) == 0)
				continue;
			for (; bits != 0; bits &= bits - 1)
			{
				const Form *form = &scorer->forms[pg_rightmost_one_pos32(bits) - scorer->forms[0].number];

				weighted += weighted_frequency(p, form, number, heavy_frequencies(p, form, number),
											   BARQ_BM25_BLOCK);
				shares += heavy_share(p, form, number);
			}

			/* a difference that is smaller than its rounding lowers nothing */
			c->sums[j] -= Max(shares * BUCKET_SLACK - share_bound(p, scorer, number, weighted), 0);
		}
	}
}

/*
 * Add a light form, whose posting is the at-th of its decoded block, to the i-th candidate:
 * the bound of its share, or of a pool its weighted frequency. A posting without a frequency
 * in the form's fields is none.
 */
static inline void
add_light(Pruner *p, Form *form, uint32 i, uint32 at)
{
	Candidates *c = &p->candidates;
	Bm25Cursor *cursor = form->cursor;
	uint32		number = c->numbers[i];
	uint32(*frequencies)[BARQ_BM25_BLOCK] = &c->frequencies[form->number * p->nfields];
	bool		pool = form->scorer->nforms > 1;
	float		weighted;

	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	if (p->fields)
		for (uint32 f = 0; f < p->nfields; f++)
			frequencies[f][number] = cursor->field_frequencies[f][at];
	else
		frequencies[0][number] = cursor->frequencies[at];
	weighted = weighted_frequency(p, form, number, &frequencies[0][number], BARQ_BM25_BLOCK);
	if (pool)
		c->pooled[number] = Max(c->pooled[number], 0) + weighted;
	if (weighted <= 0)
		return;
	if (!pool)
		c->sums[i] += share_bound(p, form->scorer, number, weighted);
	c->forms[number] |= 1u << form->number;
}

/*
 * Bound of a light term's share in the block at which the cursor of its form is; of a pool
 * with what other forms can add.
 */
static inline float
bound_here(Pruner *p, Form *form)
{
	const Scorer *scorer = form->scorer;
	float		here = barq_bm25_bound_of(p, form, form->cursor->block);
	double		bound = here;

	if (scorer->nforms == 1)
		return here;
	for (uint32 i = 0; i < scorer->nforms; i++)
		if (&scorer->forms[i] != form)
			bound += scorer->forms[i].local;
	return (float) barq_bm25_pool_share(p, scorer, bound) * (float) BM25_RAISE;
}

/*
 * Look the candidates up in a light form; terms looked up later can add `rest`.
 * Drops candidates that cannot reach the threshold even with the bound of the
 * form's block, which is then not decoded, and those that lack a required term of one form.
 */
static void
look_up_form(Pruner *p, Form *form, double rest)
{
	Candidates *c = &p->candidates;
	Bm25Cursor *cursor = form->cursor;
	bool		required = form->scorer->required && form->scorer->nforms == 1;
	uint32		kept = 0;
	uint32		from = 0;
	uint32		to;

	cursor->block = form->first;
	for (; from < c->n; from = to)
	{
		bool		worth = true;

		barq_bm25_cursor_shallow(cursor, c->rows[from]);
		to = c->n;
		if (cursor->block < cursor->nblocks)
		{
			uint32		last = cursor->skips[cursor->block].last_row;

			if (c->rows[to - 1] > last)
				for (to = from + 1; c->rows[to] <= last;)
					to++;
			if (cursor->loaded != cursor->block)
			{
				float		limit = barq_bm25_limit(p, rest + bound_here(p, form));

				worth = false;
				for (uint32 i = from; i < to && !worth; i++)
					worth = c->sums[i] >= limit;
				if (!worth)
					continue;
				barq_bm25_cursor_load(cursor);
			}
			barq_kernels->find_rows(cursor->rows, c->rows + from, to - from, p->at);
			for (uint32 i = from; i < to; i++)
			{
				if (p->at[i - from] < BARQ_BM25_BLOCK)
					add_light(p, form, i, p->at[i - from]);
				else if (required)
					c->sums[i] = -1;
			}
		}
		else if (required)
			break;
		if (kept < from)
		{
			memmove(c->rows + kept, c->rows + from, (to - from) * sizeof(c->rows[0]));
			memmove(c->sums + kept, c->sums + from, (to - from) * sizeof(c->sums[0]));
			memmove(c->numbers + kept, c->numbers + from, (to - from) * sizeof(c->numbers[0]));
		}
		kept += to - from;
	}
	c->n = kept;
	if (required)
		drop_below(p, 0);
}

/* Drop the candidates that no form of a light pool was found in and whose sum is below a limit. */
static void
drop_unfound(Pruner *p, float limit)
{
	Candidates *c = &p->candidates;
	uint32		kept = 0;

	for (uint32 i = 0; i < c->n; i++)
	{
		c->rows[kept] = c->rows[i];
		c->sums[kept] = c->sums[i];
		c->numbers[kept] = c->numbers[i];
		kept += c->sums[i] >= limit || c->pooled[c->numbers[i]] > 0;
	}
	c->n = kept;
}

/* Look the candidates up in a light term; terms looked up later can add `rest`. */
static void
look_up_light(Pruner *p, Scorer *scorer, double rest)
{
	Candidates *c = &p->candidates;

	if (likely(scorer->nforms == 1))
	{
		look_up_form(p, &scorer->forms[0], rest);
		return;
	}
	for (uint32 i = 0; i < c->n; i++)
		c->pooled[c->numbers[i]] = -1;
	for (uint32 i = 0; i < scorer->nforms && c->n > 0; i++)
	{
		double		left = barq_bm25_later_forms(scorer, i);

		look_up_form(p, &scorer->forms[i], rest);
		drop_unfound(p, barq_bm25_limit(p, rest + barq_bm25_pool_share(p, scorer, left * (1 + 1e-9))));
	}
	for (uint32 i = 0; i < c->n; i++)
	{
		float		weighted = c->pooled[c->numbers[i]];

		if (weighted > 0)
			c->sums[i] += share_bound(p, scorer, c->numbers[i], weighted);
		else if (weighted < 0 && scorer->required)
			c->sums[i] = -1;
	}
	if (scorer->required)
		drop_below(p, 0);
}

/* Of the terms of whose forms a row holds these, a bit each, those that score. */
static uint32
counting_terms(Pruner *p, uint32 forms)
{
	Bm25Search *s = p->s;
	uint32		held = forms;
	uint32		counting = 0;

	if (p->pools)
	{
		held = 0;
		for (uint32 i = 0; i < p->n; i++)
			held |= (uint32) ((forms & bits_of_forms(&p->scorers[i])) != 0) << i;
	}
	if (s->held == NULL)
		return held;
	for (uint32 i = 0; i < p->n; i++)
		s->held[s->numbers[i]] = held >> i & 1;
	for (uint32 i = 0; i < p->n; i++)
		if ((held >> i & 1) && barq_bm25_term_counts(s->query, s->numbers[i], s->held))
			counting |= 1u << i;
	return counting;
}

/* The frequencies by field of a form that a candidate holds. */
static inline const uint32 *
frequencies_in(const Pruner *p, const Form *form, uint32 number)
{
	return form->scorer->heavy ? heavy_frequencies(p, form, number) :
		&p->candidates.frequencies[form->number * p->nfields][number];
}

/* The share of a term, by its number, in a candidate, by its number and its row's norms. */
static inline double
share_in(Pruner *p, uint32 term, uint32 number, const double *norms)
{
	const Scorer *scorer = &p->scorers[term];
	const Bm25Cursor *cursor = p->s->cursors[term];
	const uint32 *frequencies = frequencies_in(p, &scorer->forms[0], number);
	Size		stride = BARQ_BM25_BLOCK;
	uint32		sums[BARQ_BM25_FIELDS];

	if (unlikely(scorer->nforms > 1))
	{
		memset(sums, 0, sizeof(sums));
		for (uint32 bits = p->candidates.forms[number] & bits_of_forms(scorer); bits != 0; bits &= bits - 1)
		{
			const Form *form = &scorer->forms[pg_rightmost_one_pos32(bits) - scorer->forms[0].number];

			barq_bm25_pool_add(form->cursor, frequencies_in(p, form, number), BARQ_BM25_BLOCK, sums);
		}
		frequencies = sums;
		stride = 1;
	}
	if (p->fields)
		return barq_bm25_fields_share(p->s->query, cursor->weight,
									  barq_bm25_wtf(p->s->query, cursor->fields, frequencies, stride,
													norms));
	return barq_bm25_share(cursor->weight, frequencies[0], norms[0]);
}

void
barq_bm25_try_candidates(Pruner *p, uint32 light)
{
	Candidates *c = &p->candidates;

	for (uint32 i = light; i-- > 0 && c->n > 0;)
	{
		drop_below(p, barq_bm25_limit(p, p->below[i + 1]));
		look_up_light(p, p->order[i], p->below[i]);
	}
	drop_below(p, barq_bm25_limit(p, 0));
	for (uint32 i = 0; i < c->n; i++)
	{
		uint32		number = c->numbers[i];
		double		norms[BARQ_BM25_FIELDS];	/* of one field: norms[0] */
		double		score = 0;

		if (c->sums[i] < barq_bm25_limit(p, 0))
			continue;			/* the threshold has risen since */
		for (uint32 f = 0; f < p->nfields && p->fields; f++)
			norms[f] = barq_bm25_stored_norm(&p->s->query->fields[f], c->taker->lengths[f][number]);
		if (!p->fields)
			norms[0] = barq_bm25_norm_of(p->s, c->taker->lengths[0][number]);
		for (uint32 terms = counting_terms(p, c->forms[number]); terms != 0; terms &= terms - 1)
			score += share_in(p, pg_rightmost_one_pos32(terms), number, norms);

		/* required terms may have weight 0 */
		if (score > 0)
			barq_bm25_keep(p->s, score, c->rows[i]);
	}
}
