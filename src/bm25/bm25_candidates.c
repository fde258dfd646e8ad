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
barq_bm25_take_candidates(Pruner *p, const Scorer *scorer, uint32 n)
{
	Candidates *c = &p->candidates;
	const Bm25Cursor *cursor = scorer->cursor;
	uint8	   *places = c->places[scorer->number];

	Assert(scorer->heavy && scorer->shared == cursor->loaded);
	c->n = n;
	c->taker = scorer;
	for (uint32 i = 0; i < n; i++)
	{
		uint32		at = scorer->begin + p->found[i];

		c->rows[i] = cursor->rows[at];
		c->sums[i] = scorer->shares[at];
		c->numbers[i] = (uint8) at;
		c->terms[at] = (uint32) (scorer->shares[at] > 0) << scorer->number;
		places[at] = (uint8) at;
	}
}

void
barq_bm25_add_heavy(Pruner *p, const Scorer *scorer, bool earlier)
{
	Candidates *c = &p->candidates;

	Assert(scorer->heavy && scorer->shared == scorer->cursor->loaded);
	barq_kernels->find_rows(scorer->cursor->rows, c->rows, c->n, p->at);
	for (uint32 i = 0; i < c->n; i++)
	{
		uint32		at = p->at[i];

		if (at == BARQ_BM25_BLOCK)
			continue;
		if (earlier)
		{
			c->sums[i] = -1;
			continue;
		}
		c->sums[i] += scorer->shares[at];
		c->terms[c->numbers[i]] |= (uint32) (scorer->shares[at] > 0) << scorer->number;
		c->places[scorer->number][c->numbers[i]] = (uint8) at;
	}
	if (earlier)
		drop_below(p, 0);
}

/*
 * Add a light term, whose posting is the at-th of its decoded block, to the i-th
 * candidate, with the bound of its share. A posting without a frequency in the term's
 * fields is none.
 */
static inline void
add_light(Pruner *p, Scorer *scorer, uint32 i, uint32 at)
{
	Candidates *c = &p->candidates;
	Bm25Cursor *cursor = scorer->cursor;
	uint32		number = c->numbers[i];
	uint32(*frequencies)[BARQ_BM25_BLOCK] = &c->frequencies[scorer->number * p->nfields];
	float		share;

	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	if (p->fields)
	{
		float		wtf = 0;

		for (uint32 f = 0; f < p->nfields; f++)
		{
			frequencies[f][number] = cursor->field_frequencies[f][at];
			if (barq_bm25_has_field(cursor->fields, f))
				wtf += (float) (int32) frequencies[f][number] * c->taker->by_norm[f][number];
		}
		if (wtf <= 0)
			return;
		share = barq_bm25_share_bound(p->s->query, scorer->weight, wtf);
	}
	else
	{
		float		tf = (float) cursor->frequencies[at];

		frequencies[0][number] = cursor->frequencies[at];
		share = scorer->weight * tf / (tf + (p->base + p->slope * (float) c->taker->lengths[0][number]));
	}
	c->sums[i] += share;
	c->terms[number] |= 1u << scorer->number;
}

/*
 * Look the candidates up in a light term; terms looked up later can add `rest`.
 * Drops candidates that cannot reach the threshold even with the bound of the
 * term's block, which is then not decoded, and those that lack a required term.
 */
static void
look_up_light(Pruner *p, Scorer *scorer, double rest)
{
	Candidates *c = &p->candidates;
	Bm25Cursor *cursor = scorer->cursor;
	uint32		kept = 0;
	uint32		from = 0;
	uint32		to;

	cursor->block = scorer->first;
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
				float		limit = barq_bm25_limit(p, rest + barq_bm25_bound_of(p, scorer, cursor->block));

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
					add_light(p, scorer, i, p->at[i - from]);
				else if (scorer->required)
					c->sums[i] = -1;
			}
		}
		else if (scorer->required)
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
	if (scorer->required)
		drop_below(p, 0);
}

/* Of the terms that a row holds, a bit each, those that score. */
static uint32
counting_terms(Pruner *p, uint32 terms)
{
	Bm25Search *s = p->s;
	uint32		counting = 0;

	if (s->held == NULL)
		return terms;
	for (uint32 i = 0; i < p->n; i++)
		s->held[s->numbers[i]] = terms >> i & 1;
	for (uint32 i = 0; i < p->n; i++)
		if ((terms >> i & 1) && barq_bm25_term_counts(s->query, s->numbers[i], s->held))
			counting |= 1u << i;
	return counting;
}

/* The share of a term, by its number, in a candidate, by its number and its row's norms. */
static inline double
share_in(Pruner *p, uint32 term, uint32 number, const double *norms)
{
	const Candidates *c = &p->candidates;
	const Bm25Cursor *cursor = p->s->cursors[term];
	uint32		place = c->places[term][number];
	bool		heavy = p->scorers[term].heavy;

	if (p->fields)
		return barq_bm25_fields_share(p->s->query, cursor->weight,
									  barq_bm25_wtf(p->s->query, cursor->fields,
													heavy ? &cursor->field_frequencies[0][place] :
													&c->frequencies[term * p->nfields][number],
													BARQ_BM25_BLOCK, norms));
	return barq_bm25_share(cursor->weight, heavy ? cursor->frequencies[place] : c->frequencies[term][number],
						   norms[0]);
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
		for (uint32 terms = counting_terms(p, c->terms[number]); terms != 0; terms &= terms - 1)
			score += share_in(p, pg_rightmost_one_pos32(terms), number, norms);

		/* required terms may have weight 0 */
		if (score > 0)
			barq_bm25_keep(p->s, score, c->rows[i]);
	}
}
