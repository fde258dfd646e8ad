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

#include "base/interrupts.h"
#include "bm25/bm25_prune.h"
#include "kernels/kernels.h"

#define SPAN			4		/* blocks after the first whose bounds give a local
	* bound; with more, the bound of all is used */

/* A bound of which this share does not exceed the threshold may be a tie. */
#define TIE				(1 - 1e-5)

			   void
			   barq_bm25_load_bounds(Pruner *p, Scorer *scorer, uint32 from)
{
	const Bm25Cursor *cursor = scorer->cursor;
	uint32		slot = from / BOUNDS % 2;
	uint32		n = Min(BOUNDS, cursor->nblocks - from);

	if (p->fields)
		barq_bm25_block_bounds(cursor, from, n, p->s->query, p->scales, scorer->weight,
							   scorer->bounds[slot]);
	else
		barq_kernels->bm25_bounds(&cursor->skips[from].maxima, sizeof(Bm25Skip), BM25_PAIRS, n,
								  p->base, p->slope, scorer->weight, scorer->bounds[slot]);
	scorer->bounds_from[slot] = from;
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
							   scorer->by_norm, scorer->lengths);

		/* a required term leads to rows also where its fields have no weight */
		for (uint32 i = 0; cursor->weight == 0 && i < cursor->n; i++)
			scorer->shares[i] = scorer->weight;
		scorer->shared = cursor->loaded;
		return;
	}
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	barq_bm25_lengths(&s->body, cursor->rows, cursor->n, scorer->lengths[0]);
	barq_kernels->bm25_shares(cursor->frequencies, scorer->lengths[0], cursor->n, p->base,
							  p->slope, scorer->weight, scorer->shares);
	scorer->shared = cursor->loaded;
}

/* Search a window with one heavy term. */
static void
search_one(Pruner *p, Scorer *scorer, uint32 light)
{
	barq_bm25_take_candidates(p, scorer,
							  barq_kernels->find_at_least(scorer->shares + scorer->begin,
														  scorer->end - scorer->begin,
														  barq_bm25_limit(p, p->below[light]), p->found));
	barq_bm25_try_candidates(p, light);
}

/*
 * Search the window [from, to] with several heavy terms. A row that several of
 * them hold becomes a candidate with the first of them only.
 */
static void
search_several(Pruner *p, Scorer **heavy, uint32 n, uint32 light, uint32 from, uint32 to)
{
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
		barq_bm25_take_candidates(p, heavy[i],
								  barq_kernels->find_buckets(heavy[i]->cursor->rows + heavy[i]->begin,
															 heavy[i]->end - heavy[i]->begin, from, shift,
															 p->buckets, barq_bm25_limit(p, p->below[light]),
															 p->found));
		for (uint32 j = 0; j < n && p->candidates.n > 0; j++)
			if (j != i)
				barq_bm25_add_heavy(p, heavy[j], j < i);
		barq_bm25_try_candidates(p, light);
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
	bound = barq_bm25_bound_of(p, scorer, block);
	for (int i = 0; cursor->skips[block].last_row < to; i++)
	{
		if (++block >= cursor->nblocks)
			break;
		if (i == SPAN)
			return scorer->bound;
		bound = Max(bound, barq_bm25_bound_of(p, scorer, block));
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

	for (uint32 i = 0; i < p->n; i++)
		p->scorers[i].heavy = &p->scorers[i] == leader;
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
	for (uint32 i = 0; i < p->n; i++)
		p->order[i]->heavy = i >= light;

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
	p->nfields = Max(s->query->nfields, 1);
	if (p->fields)
		barq_bm25_field_scales(s->query, p->scales);
	p->candidates.frequencies = palloc(sizeof(*p->candidates.frequencies) * Max(s->n, 1) * p->nfields);
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
			barq_bm25_block_bounds(scorer->cursor, BM25_NO_ROW, 1, s->query, p->scales,
								   scorer->weight, &bound);
		else
			barq_kernels->bm25_bounds(&scorer->cursor->maxima, 0, BM25_PAIRS, 1, p->base,
									  p->slope, scorer->weight, &bound);
		scorer->bound = bound;
		scorer->bounds_from[0] = scorer->bounds_from[1] = BM25_NO_ROW;
		scorer->shared = BM25_NO_ROW;
		scorer->lengths = palloc(sizeof(*scorer->lengths) * p->nfields);
		if (p->fields)
			scorer->by_norm = palloc(sizeof(*scorer->by_norm) * p->nfields);
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
