/*
 * bm25_prune.c
 *	  The best rows for a few terms, without decoding most postings.
 *
 * The rows are divided into windows, in each of which every term that could
 * matter has one block of postings (block maxima: Ding & Suel 2011). A window
 * in which the sum of the bounds of all terms is below the threshold is passed
 * over without decoding its blocks. In the others the terms are divided by
 * their bounds in the window (MaxScore, Turtle & Flood 1995): *light* terms are
 * those with the lowest bounds whose sum stays below the threshold; the others
 * are *heavy*. The postings of heavy terms are bounded in single precision, a
 * vector at a time; those of several heavy terms are added up in buckets of
 * neighbouring rows. *Candidates* are the rows that could reach the threshold
 * with all that light terms can add. All candidates of a block are looked up in
 * one light term after the other, and dropped when the remaining light terms
 * cannot lift them to the threshold. The few that remain are scored in double
 * precision.
 *
 * Where rows must hold certain terms, the rarest of these leads: it alone is
 * heavy, and candidates that lack another required term are dropped.
 *
 * Exactness (README.md, invariant 3): bounds in single precision are raised by
 * more than all rounding errors, so rows with a bound below the threshold can be
 * dropped. A window whose bound is so close to the threshold that its rows may
 * only tie is bounded again in double precision, in the order of the query's
 * terms, which bounds scores to the last bit.
 */
#include "postgres.h"

#include <float.h>

#include "base/interrupts.h"
#include "bm25/bm25_search.h"
#include "kernels/kernels.h"
#include "port/pg_bitutils.h"

#define BUCKETS			2048	/* at most; a power of two */
#define BOUNDS			64		/* blocks whose bounds are computed at once */
#define SPAN			4		/* blocks after the first whose bounds give a local
	* bound; with more, the bound of all is used */

/* A sum of a few bounds in single precision may be too small by this factor. */
#define BUCKET_SLACK	(1 - 4e-6)

/* A bound of which this share does not exceed the threshold may be a tie. */
#define TIE				(1 - 1e-5)

			   typedef struct Scorer
{
	Bm25Cursor *cursor;
	uint32		number;			/* in the order of the query */
	float		weight;			/* raised */
	double		bound;			/* bound of all its postings */
	double		local;			/* bound of its postings in the window */
	uint32		first;			/* its first block in the window */
	bool		required;		/* rows must hold the term */

	/* bounds of blocks, cached: bounds[i] are those from block bounds_from[i] on */
	uint32		bounds_from[2]; /* BM25_NO_ROW: none */
	float		bounds[2][BOUNDS];

	uint32		shared;			/* block that shares are of; BM25_NO_ROW: none */
	uint32		begin;			/* its postings in the window: [begin, end) */
	uint32		end;
	uint32		lengths[BARQ_BM25_BLOCK];
	float		shares[BARQ_BM25_BLOCK];	/* bounds, raised */
	float		(*by_norm)[BARQ_BM25_BLOCK];	/* of several fields: barq_bm25_block_shares() */
} Scorer;

/* Candidates, ascending, from one block of one heavy term. */
typedef struct Candidates
{
	uint32		n;
	uint32		rows[BARQ_BM25_BLOCK];
	uint32		lengths[BARQ_BM25_BLOCK];
	float		sums[BARQ_BM25_BLOCK];	/* of the shares found so far */
	uint8		numbers[BARQ_BM25_BLOCK];	/* unchanged while others are dropped */

	/* by number */
	uint32		terms[BARQ_BM25_BLOCK]; /* a bit for each term found */
	uint32		frequencies[BM25_MANY_TERMS][BARQ_BM25_BLOCK];

	/* of several fields, in place of frequencies and lengths: a row for each term and field,
	 * and for each field */
	uint32		(*field_frequencies)[BARQ_BM25_BLOCK];
	float		(*by_norm)[BARQ_BM25_BLOCK];
} Candidates;

typedef struct Pruner
{
	Bm25Search *s;
	uint32		n;				/* scorers */
	float		base;			/* norms are at least base + slope · length */
	float		slope;
	bool		fields;			/* the query is over several: scales in place of these */
	Bm25FieldScale scales[BARQ_BM25_FIELDS];
	Scorer	   *scorers;		/* in the order of the query */
	Scorer	   *by_bound[BM25_MANY_TERMS];	/* by their bound of all postings */
	uint32		light;			/* by_bound[0 .. light-1] are light in any window */
	double		rest;			/* sum of their bounds */
	Scorer	   *leader;			/* the rarest required term, or NULL */

	/* in the window: light terms first, by their local bounds */
	Scorer	   *order[BM25_MANY_TERMS];
	double		below[BM25_MANY_TERMS + 1]; /* below[i]: sum of the local bounds of
											 * order[0 .. i-1] */

	Candidates	candidates;
	float		buckets[BUCKETS];
	uint32		found[BARQ_BM25_BLOCK + 16];	/* as find_at_least() needs */
	uint8		at[BARQ_BM25_BLOCK];
} Pruner;

/* Bound of a block's shares. */
static inline float
block_bound(Pruner *p, Scorer *scorer, uint32 block)
{
	uint32		from = block - block % BOUNDS;
	uint32		slot = block / BOUNDS % 2;

	if (unlikely(scorer->bounds_from[slot] != from))
	{
		uint32		n = Min(BOUNDS, scorer->cursor->nblocks - from);

		if (p->fields)
			for (uint32 i = 0; i < n; i++)
				scorer->bounds[slot][i] = barq_bm25_block_bound(scorer->cursor, from + i, p->s->query,
																p->scales, scorer->weight);
		else
			barq_kernels->bm25_bounds(&scorer->cursor->skips[from].maxima, sizeof(Bm25Skip),
									  BM25_PAIRS, n, p->base, p->slope, scorer->weight,
									  scorer->bounds[slot]);
		scorer->bounds_from[slot] = from;
	}
	return scorer->bounds[slot][block - from];
}

/* Set lengths and shares of the postings of a term's decoded block. */
static void
load_shares(Pruner *p, Scorer *scorer)
{
	Bm25Cursor *cursor = scorer->cursor;
	Bm25Search *s = p->s;

	if (scorer->shared == cursor->loaded)
		return;
	if (p->fields)
	{
		barq_bm25_block_shares(s, cursor, p->scales, scorer->weight, scorer->shares,
							   scorer->by_norm);
		scorer->shared = cursor->loaded;
		return;
	}
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	barq_bm25_lengths(&s->body, cursor->rows, cursor->n, scorer->lengths);
	barq_kernels->bm25_shares(cursor->frequencies, scorer->lengths, cursor->n, p->base,
							  p->slope, scorer->weight, scorer->shares);
	scorer->shared = cursor->loaded;
}

/*
 * The least sum of shares, in single precision, with which a row can reach the
 * threshold if terms not yet looked up add `rest` at most. Above 0.
 */
static inline float
limit_of(const Pruner *p, double rest)
{
	return Max((float) ((barq_bm25_threshold(p->s) - rest) * BUCKET_SLACK), FLT_MIN);
}

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
		c->lengths[i] = c->lengths[from];
		c->sums[i] = c->sums[from];
		c->numbers[i] = c->numbers[from];
	}
	c->n = n;
}

/*
 * Note the frequencies of a term of several fields in the candidate of a number, from the
 * at-th posting of its decoded block; returns the bound of its share. A posting without a
 * frequency in the term's fields is none.
 */
static float
add_frequencies(Pruner *p, Scorer *scorer, uint32 number, uint32 at)
{
	Candidates *c = &p->candidates;
	Bm25Cursor *cursor = scorer->cursor;
	uint32(*frequencies)[BARQ_BM25_BLOCK] = &c->field_frequencies[scorer->number * cursor->nfields];
	float		wtf = 0;

	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		frequencies[f][number] = cursor->field_frequencies[f][at];
		if (barq_bm25_has_field(cursor->fields, f))
			wtf += (float) (int32) frequencies[f][number] * c->by_norm[f][number];
	}
	if (wtf > 0)
		c->terms[number] |= 1u << scorer->number;
	return barq_bm25_share_bound(p->s->query, scorer->weight, wtf);
}

/* The share of a term, by its number, in the candidate of a number, by its row's norms. */
static double
share_of_fields(Pruner *p, uint32 term, uint32 number, const double *norms)
{
	const Bm25Cursor *cursor = p->s->cursors[term];
	double		wtf = barq_bm25_wtf(p->s->query, cursor->fields,
									&p->candidates.field_frequencies[term * cursor->nfields][number],
									BARQ_BM25_BLOCK, norms);

	return barq_bm25_fields_share(p->s->query, cursor->weight, wtf);
}

/* Add a term, whose posting is the at-th of its decoded block, to a candidate. */
static inline void
add_posting(Pruner *p, Scorer *scorer, uint32 i, uint32 at)
{
	Candidates *c = &p->candidates;
	uint32		number = c->numbers[i];
	uint32		frequency;
	float		tf;

	if (p->fields)
	{
		c->sums[i] += add_frequencies(p, scorer, number, at);
		return;
	}
	frequency = barq_bm25_cursor_frequency_at(scorer->cursor, at);
	tf = (float) frequency;
	c->sums[i] += scorer->weight * tf / (tf + (p->base + p->slope * (float) c->lengths[i]));
	c->terms[number] |= 1u << scorer->number;
	c->frequencies[scorer->number][number] = frequency;
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
				float		limit = limit_of(p, rest + block_bound(p, scorer, cursor->block));

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
					add_posting(p, scorer, i, p->at[i - from]);
				else if (scorer->required)
					c->sums[i] = -1;
			}
		}
		else if (scorer->required)
			break;
		if (kept < from)
		{
			memmove(c->rows + kept, c->rows + from, (to - from) * sizeof(c->rows[0]));
			memmove(c->lengths + kept, c->lengths + from, (to - from) * sizeof(c->lengths[0]));
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

/*
 * Look the candidates up in the light terms, order[0 .. light-1], the heaviest
 * first; score those that remain and add them to the best rows.
 */
static void
try_candidates(Pruner *p, uint32 light)
{
	Candidates *c = &p->candidates;

	for (uint32 i = light; i-- > 0 && c->n > 0;)
	{
		drop_below(p, limit_of(p, p->below[i + 1]));
		look_up_light(p, p->order[i], p->below[i]);
	}
	drop_below(p, limit_of(p, 0));
	for (uint32 i = 0; i < c->n; i++)
	{
		uint32		number = c->numbers[i];
		double		norms[BARQ_BM25_FIELDS];	/* of one field: norms[0] */
		double		score = 0;

		if (c->sums[i] < limit_of(p, 0))
			continue;			/* the threshold has risen since */
		if (p->fields)
			barq_bm25_row_norms(p->s, c->rows[i], norms);
		else
			norms[0] = barq_bm25_norm_of(p->s, c->lengths[i]);
		for (uint32 terms = counting_terms(p, c->terms[number]); terms != 0; terms &= terms - 1)
		{
			uint32		term = pg_rightmost_one_pos32(terms);

			score += p->fields ? share_of_fields(p, term, number, norms) :
				barq_bm25_share(p->s->cursors[term]->weight, c->frequencies[term][number], norms[0]);
		}

		/* required terms may have weight 0 */
		if (score > 0)
			barq_bm25_keep(p->s, score, c->rows[i]);
	}
}

/*
 * Make candidates of the postings p->found[0 .. n-1], counted from
 * scorer->begin, of a heavy term.
 */
static void
take_candidates(Pruner *p, Scorer *scorer, uint32 n)
{
	Candidates *c = &p->candidates;

	c->n = n;
	for (uint32 i = 0; i < n; i++)
	{
		uint32		at = scorer->begin + p->found[i];

		c->rows[i] = scorer->cursor->rows[at];
		c->sums[i] = scorer->shares[at];
		c->numbers[i] = i;
		if (p->fields)
		{
			for (uint32 f = 0; f < scorer->cursor->nfields; f++)
				c->by_norm[f][i] = scorer->by_norm[f][at];
			c->terms[i] = 0;
			(void) add_frequencies(p, scorer, i, at);
			continue;
		}
		c->lengths[i] = scorer->lengths[at];
		c->terms[i] = 1u << scorer->number;
		c->frequencies[scorer->number][i] = scorer->cursor->frequencies[at];
	}
}

/* Search a window with one heavy term. */
static void
search_one(Pruner *p, Scorer *scorer, uint32 light)
{
	take_candidates(p, scorer,
					barq_kernels->find_at_least(scorer->shares + scorer->begin,
												scorer->end - scorer->begin,
												limit_of(p, p->below[light]), p->found));
	try_candidates(p, light);
}

/*
 * Search the window [from, to] with several heavy terms. A row that several of
 * them hold becomes a candidate with the first of them only.
 */
static void
search_several(Pruner *p, Scorer **heavy, uint32 n, uint32 light, uint32 from, uint32 to)
{
	Candidates *c = &p->candidates;
	uint32		postings = 0;
	uint32		wanted = 64;
	uint32		shift = 0;

	for (uint32 i = 0; i < n; i++)
		postings += heavy[i]->end - heavy[i]->begin;
	while (wanted < BUCKETS && wanted < 8 * postings)
		wanted *= 2;
	while ((to - from) >> shift >= wanted)
		shift++;
	memset(p->buckets, 0, (((to - from) >> shift) + 1) * sizeof(float));
	for (uint32 i = 0; i < n; i++)
	{
		const uint32 *rows = heavy[i]->cursor->rows;

		for (uint32 at = heavy[i]->begin; at < heavy[i]->end; at++)
			p->buckets[(rows[at] - from) >> shift] += heavy[i]->shares[at];
	}
	for (uint32 i = 0; i < n; i++)
	{
		take_candidates(p, heavy[i],
						barq_kernels->find_buckets(heavy[i]->cursor->rows + heavy[i]->begin,
												   heavy[i]->end - heavy[i]->begin, from, shift,
												   p->buckets, limit_of(p, p->below[light]),
												   p->found));
		for (uint32 j = 0; j < n && c->n > 0; j++)
		{
			if (j == i)
				continue;
			barq_kernels->find_rows(heavy[j]->cursor->rows, c->rows, c->n, p->at);
			for (uint32 k = 0; k < c->n; k++)
			{
				if (p->at[k] == BARQ_BM25_BLOCK)
					continue;
				if (j < i)
					c->sums[k] = -1;
				else
					add_posting(p, heavy[j], k, p->at[k]);
			}
			if (j < i)
				drop_below(p, 0);
		}
		try_candidates(p, light);
	}
}

/* Bound of the window [from, to], in double precision and the query's order. */
static double
exact_bound(Pruner *p, uint32 from, uint32 to)
{
	double		bound = 0;

	for (uint32 i = 0; i < p->n; i++)
	{
		Bm25Cursor *cursor = p->scorers[i].cursor;
		const Bm25Maxima *maxima = &cursor->maxima;

		if (cursor->block >= cursor->nblocks)
			continue;
		Assert(cursor->skips[cursor->block].last_row >= from);
		if (cursor->skips[cursor->block].last_row >= to)
			maxima = &cursor->skips[cursor->block].maxima;
		if (p->fields)
			bound += barq_bm25_exact_block_bound(cursor,
												 maxima == &cursor->maxima ? BM25_NO_ROW : cursor->block,
												 p->s->query);
		else
			bound += barq_bm25_maxima_bound(maxima, cursor->weight, p->s->query);
	}
	return bound;
}

/* Bound of a term in a window up to `to`; its cursor is at its first block there. */
static inline double
local_bound(Pruner *p, Scorer *scorer, uint32 to)
{
	Bm25Cursor *cursor = scorer->cursor;
	uint32		block = cursor->block;
	double		bound;

	if (block >= cursor->nblocks)
		return 0;
	bound = block_bound(p, scorer, block);
	for (int i = 0; cursor->skips[block].last_row < to; i++)
	{
		if (++block >= cursor->nblocks)
			break;
		if (i == SPAN)
			return scorer->bound;
		bound = Max(bound, block_bound(p, scorer, block));
	}
	return bound;
}

/* Insert into order[from .. to-1], which is sorted by local bounds. */
static inline void
insert(Scorer **order, uint32 from, uint32 to, Scorer *scorer)
{
	for (; to > from && order[to - 1]->local > scorer->local; to--)
		order[to] = order[to - 1];
	order[to] = scorer;
}

/* Search a window that is one block of the leading term. */
static void
search_led(Pruner *p)
{
	Scorer	   *leader = p->leader;
	Bm25Cursor *cursor = leader->cursor;
	uint32		n = 0;

	/*
	 * Terms are looked up from the last to the first: put the required ones
	 * last, the rarest at the very end, and the others by their local bounds.
	 */
	for (uint32 i = 0; i < p->n; i++)
		if (!p->scorers[i].required)
			insert(p->order, 0, n++, &p->scorers[i]);
	for (uint32 i = 0; i < p->n; i++)
	{
		Scorer	   *scorer = &p->scorers[i];
		uint32		at = n;

		if (!scorer->required || scorer == leader)
			continue;
		for (; at > 0 && p->order[at - 1]->required &&
			 p->order[at - 1]->cursor->df < scorer->cursor->df;
			 at--)
			p->order[at] = p->order[at - 1];
		p->order[at] = scorer;
		n++;
	}
	p->below[0] = 0;
	for (uint32 i = 0; i < n; i++)
		p->below[i + 1] = p->below[i] + p->order[i]->local;

	if (cursor->loaded != cursor->block)
		barq_bm25_cursor_load(cursor);
	leader->begin = 0;
	leader->end = cursor->n;
	load_shares(p, leader);
	search_one(p, leader, n);
}

/* Divide the terms into light and heavy ones in the window, and search it. */
static void
search_window(Pruner *p, uint32 from, uint32 to)
{
	double		worst = barq_bm25_threshold(p->s);
	Scorer	   *heavy[BM25_MANY_TERMS];
	double		rest = 0;
	uint32		light;
	uint32		n = 0;

	/* terms that are light anywhere, then others that are light here */
	for (uint32 i = 0; i < p->n; i++)
		insert(p->order, i < p->light ? 0 : p->light, i, p->by_bound[i]);
	for (uint32 i = 0; i < p->light; i++)
		rest += p->order[i]->local;
	for (light = p->light; light < p->n && rest + p->order[light]->local < worst; light++)
		rest += p->order[light]->local;
	for (uint32 i = p->light; i < light; i++)
		insert(p->order, 0, i, p->order[i]);
	p->below[0] = 0;
	for (uint32 i = 0; i < light; i++)
		p->below[i + 1] = p->below[i] + p->order[i]->local;

	/* a heavy term has one block in the window; light ones may have more */
	for (uint32 i = light; i < p->n; i++)
	{
		Scorer	   *scorer = p->order[i];
		Bm25Cursor *cursor = scorer->cursor;

		if (cursor->block >= cursor->nblocks)
			continue;
		Assert(cursor->skips[cursor->block].last_row >= to);
		if (cursor->loaded != cursor->block)
			barq_bm25_cursor_load(cursor);
		cursor->at = 0;
		scorer->begin = barq_bm25_cursor_in_block(cursor, from);
		scorer->end = cursor->rows[cursor->n - 1] <= to ? cursor->n :
			barq_bm25_cursor_in_block(cursor, to + 1);
		if (scorer->begin < scorer->end)
		{
			load_shares(p, scorer);
			heavy[n++] = scorer;
		}
	}
	if (n == 1)
		search_one(p, heavy[0], light);
	else if (n > 1)
		search_several(p, heavy, n, light, from, to);
}

/*
 * The last row of the window that begins at `from`, in which no term has more
 * than one block, unless it is light in any window. BM25_NO_ROW where those
 * terms have no more postings. Moves all cursors to the window.
 */
static uint32
window_end(Pruner *p, uint32 from)
{
	double		worst = barq_bm25_threshold(p->s);
	uint32		to = BM25_NO_ROW;

	if (p->leader != NULL)
	{
		for (uint32 i = 0; i < p->n; i++)
		{
			barq_bm25_cursor_shallow(p->scorers[i].cursor, from);
			p->scorers[i].first = p->scorers[i].cursor->block;
			if (p->scorers[i].required &&
				p->scorers[i].first >= p->scorers[i].cursor->nblocks)
				return BM25_NO_ROW;
		}
		return p->leader->cursor->skips[p->leader->first].last_row;
	}

	/* the threshold never falls, so light terms stay light */
	while (p->light < p->n && p->rest + p->by_bound[p->light]->bound < worst)
		p->rest += p->by_bound[p->light++]->bound;
	for (uint32 i = 0; i < p->n; i++)
	{
		Bm25Cursor *cursor = p->by_bound[i]->cursor;

		barq_bm25_cursor_shallow(cursor, from);
		p->by_bound[i]->first = cursor->block;
		if (i >= p->light && cursor->block < cursor->nblocks)
			to = Min(to, cursor->skips[cursor->block].last_row);
	}
	return to;
}

/* Set a pruner up for a search: scorers, their order by bounds, the leader. */
static void
begin_pruning(Pruner *p, Bm25Search *s)
{
	Assert(s->n <= BM25_MANY_TERMS);
	p->s = s;
	p->n = s->n;
	p->base = (float) (s->query->k1 * (1 - s->query->b) * BM25_LOWER);
	p->slope = (float) (s->query->k1 * s->query->b / s->query->avglen * BM25_LOWER);
	p->fields = barq_bm25_has_fields(s);
	if (p->fields)
	{
		barq_bm25_field_scales(s->query, p->scales);
		p->candidates.field_frequencies = palloc(sizeof(*p->candidates.field_frequencies) *
												 Max(s->n, 1) * s->query->nfields);
		p->candidates.by_norm = palloc(sizeof(*p->candidates.by_norm) * s->query->nfields);
	}
	p->scorers = palloc(sizeof(Scorer) * s->n);
	for (uint32 i = 0; i < s->n; i++)
	{
		Scorer	   *scorer = &p->scorers[i];
		float		bound;
		uint32		at;

		scorer->cursor = s->cursors[i];
		scorer->number = i;
		scorer->weight = (float) (Max(scorer->cursor->weight, 1e-20) * BM25_RAISE);
		if (p->fields)
			bound = barq_bm25_block_bound(scorer->cursor, BM25_NO_ROW, s->query, p->scales,
										  scorer->weight);
		else
			barq_kernels->bm25_bounds(&scorer->cursor->maxima, 0, BM25_PAIRS, 1, p->base,
									  p->slope, scorer->weight, &bound);
		scorer->bound = bound;
		scorer->bounds_from[0] = scorer->bounds_from[1] = BM25_NO_ROW;
		scorer->shared = BM25_NO_ROW;
		if (p->fields)
			scorer->by_norm = palloc(sizeof(*scorer->by_norm) * s->query->nfields);
		for (at = i; at > 0 && p->by_bound[at - 1]->bound > scorer->bound; at--)
			p->by_bound[at] = p->by_bound[at - 1];
		p->by_bound[at] = scorer;
	}
	p->light = 0;
	p->rest = 0;
	p->leader = NULL;
	for (uint32 i = 0; i < s->n; i++)
	{
		Scorer	   *scorer = &p->scorers[i];

		scorer->required = s->required != NULL && s->required[i];
		if (scorer->required &&
			(p->leader == NULL || scorer->cursor->df < p->leader->cursor->df))
			p->leader = scorer;
	}
}

void
barq_bm25_search_few(Bm25Search *s)
{
	Pruner	   *p = palloc(sizeof(Pruner));
	uint32		rows = s->body.view->rows;
	uint32		windows = 0;

	begin_pruning(p, s);
	for (uint32 from = 0; from < rows;)
	{
		double		worst = barq_bm25_threshold(s);
		double		bound = 0;
		uint32		to = window_end(p, from);

		if ((++windows & 1023) == 0)
			barq_check_interrupts();
		if (to == BM25_NO_ROW)
			break;
		to = Min(to, rows - 1);
		for (uint32 i = 0; i < p->n; i++)
			bound += p->scorers[i].local = local_bound(p, &p->scorers[i], to);
		if (bound >= worst &&
			(bound * TIE > worst || !barq_bm25_hopeless(s, exact_bound(p, from, to), from)))
		{
			if (p->leader != NULL)
				search_led(p);
			else
				search_window(p, from, to);
		}
		from = to + 1;
	}
	pfree(p->scorers);
	pfree(p);
}
