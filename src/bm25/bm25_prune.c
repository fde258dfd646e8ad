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

/* Blocks after the first whose bounds give a local bound; with more, the bound of all is used. */
#define SPAN	4

/* A bound of which this share does not exceed the threshold may be a tie. */
#define TIE		(1 - 1e-5)

/* A weighted frequency beyond any other. */
#define ANY_FREQUENCY	1e30f

/*
 * Upper bounds of the weighted frequencies of n blocks of a form of a pool, in one field,
 * from its shares with weight 1: x = s / (1 - s).
 */
static void
unsaturate(float *bounds, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
		bounds[i] = bounds[i] < 1 ? bounds[i] / (1 - bounds[i]) : ANY_FREQUENCY;
}

/* Bounds of n blocks from a block on; BM25_NO_ROW and 1: of all postings. See Form. */
static void
compute_bounds(Pruner *p, const Form *form, uint32 from, uint32 n, float *bounds)
{
	const Bm25Cursor *cursor = form->cursor;
	bool		pool = form->scorer->nforms > 1;

	if (p->fields)
		barq_bm25_block_bounds(cursor, from, n, p->s->query, p->scales,
							   pool ? 0 : form->scorer->weight, bounds);
	else
	{
		barq_kernels->bm25_bounds(from == BM25_NO_ROW ? &cursor->maxima : &cursor->skips[from].maxima,
								  sizeof(Bm25Skip), BM25_PAIRS, n, p->base, p->slope,
								  pool ? BM25_RAISE : form->scorer->weight, bounds);
		if (pool)
			unsaturate(bounds, n);
	}
}

void
barq_bm25_load_bounds(Pruner *p, Form *form, uint32 from)
{
	uint32		slot = from / BOUNDS % 2;

	compute_bounds(p, form, from, Min(BOUNDS, form->cursor->nblocks - from), form->bounds[slot]);
	form->bounds_from[slot] = from;
}

/* Set lengths and shares of the postings of a form's decoded block. */
static void
load_shares(Pruner *p, Form *form)
{
	Bm25Cursor *cursor = form->cursor;
	const Scorer *scorer = form->scorer;
	Bm25Search *s = p->s;

	if (form->shared == cursor->loaded)
		return;
	if (p->fields)
	{
		barq_bm25_block_shares(s, cursor, p->scales, scorer->weight, form->shares,
							   form->by_norm, form->lengths);

		/* a required term leads to rows also where its fields have no weight */
		for (uint32 i = 0; s->cursors[scorer->number]->weight == 0 && i < cursor->n; i++)
			form->shares[i] = scorer->weight;
		form->shared = cursor->loaded;
		return;
	}
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	barq_bm25_lengths(&s->body, cursor->rows, cursor->n, form->lengths[0]);
	barq_kernels->bm25_shares(cursor->frequencies, form->lengths[0], cursor->n, p->base,
							  p->slope, scorer->weight, form->shares);
	form->shared = cursor->loaded;
}

/* Search a window with one heavy form. */
static void
search_one(Pruner *p, Form *form, uint32 light)
{
	barq_bm25_take_candidates(p, form,
							  barq_kernels->find_at_least(form->shares + form->begin,
														  form->end - form->begin,
														  barq_bm25_limit(p, p->below[light]), p->found));
	barq_bm25_try_candidates(p, light);
}

/*
 * Search the window [from, to] with several heavy forms. A row that several of
 * them hold becomes a candidate with the first of them only.
 */
static void
search_several(Pruner *p, Form **heavy, uint32 n, uint32 light, uint32 from, uint32 to)
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
		if (p->pools)
			barq_bm25_join_forms(p);
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
		const Scorer *scorer = &p->scorers[i];
		Bm25Cursor *cursor = scorer->forms[0].cursor;
		const Bm25Maxima *maxima = &cursor->maxima;

		/* of a pool the bound is not exact: ties with it are searched */
		if (scorer->nforms > 1)
		{
			bound += scorer->local;
			continue;
		}
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

/* Bound of a form in a window up to `to`; its cursor is at its first block there. */
static inline float
form_bound(Pruner *p, Form *form, uint32 to)
{
	Bm25Cursor *cursor = form->cursor;
	uint32		block = cursor->block;
	float		bound;

	if (block >= cursor->nblocks)
		return 0;
	bound = barq_bm25_bound_of(p, form, block);
	for (int i = 0; cursor->skips[block].last_row < to; i++)
	{
		if (++block >= cursor->nblocks)
			break;
		if (i == SPAN)
			return form->all;
		bound = Max(bound, barq_bm25_bound_of(p, form, block));
	}
	return bound;
}

/* Bound of a term in a window up to `to`; its forms' cursors are at their first blocks there. */
static inline double
local_bound(Pruner *p, Scorer *scorer, uint32 to)
{
	double		bound = 0;

	if (likely(scorer->nforms == 1))
		return form_bound(p, &scorer->forms[0], to);
	for (uint32 i = 0; i < scorer->nforms; i++)
		bound += scorer->forms[i].local = form_bound(p, &scorer->forms[i], to);
	return barq_bm25_pool_share(p, scorer, bound);
}

/* Rows that hold a term, or more. */
static inline uint32
df_of(const Pruner *p, const Scorer *scorer)
{
	return p->s->cursors[scorer->number]->df;
}

/* Insert into order[from .. to-1], which is sorted by local bounds. */
static inline void
insert(Scorer **order, uint32 from, uint32 to, Scorer *scorer)
{
	for (; to > from && order[to - 1]->local > scorer->local; to--)
		order[to] = order[to - 1];
	order[to] = scorer;
}

/*
 * Decode the rows of a heavy term's form in the window [from, to], in which it has one block;
 * whether it has any.
 */
static bool
load_rows(Form *form, uint32 from, uint32 to)
{
	Bm25Cursor *cursor = form->cursor;

	if (cursor->block >= cursor->nblocks)
		return false;
	Assert(cursor->skips[cursor->block].last_row >= to);
	if (cursor->loaded != cursor->block)
		barq_bm25_cursor_load(cursor);
	cursor->at = 0;
	form->begin = barq_bm25_cursor_in_block(cursor, from);
	form->end = cursor->rows[cursor->n - 1] <= to ? cursor->n :
		barq_bm25_cursor_in_block(cursor, to + 1);
	return form->begin < form->end;
}

/*
 * Add the forms of a heavy term that have postings in the window [from, to] to heavy[], with
 * their shares. Returns how many heavy[] has then.
 */
static uint32
load_heavy(Pruner *p, Scorer *scorer, uint32 from, uint32 to, Form **heavy, uint32 n)
{
	for (uint32 i = 0; i < scorer->nforms; i++)
		if (load_rows(&scorer->forms[i], from, to))
		{
			load_shares(p, &scorer->forms[i]);
			heavy[n++] = &scorer->forms[i];
		}
	return n;
}

/*
 * Search the window [from, to] with one heavy term, a pool. A row must have the weighted
 * frequency of the limit, so in the first form that holds it, it must have that less what later
 * forms can add: a posting that does not count may be the first. A form without such is not
 * decoded, unless it may hold candidates of another.
 */
static void
search_pool(Pruner *p, Scorer *scorer, uint32 light, uint32 from, uint32 to)
{
	for (uint32 i = 0; i < scorer->nforms; i++)
	{
		Form	   *form = &scorer->forms[i];
		float		limit = barq_bm25_limit(p, p->below[light]);
		double		later = barq_bm25_later_forms(scorer, i);
		double		least;
		uint32		n;

		least = (limit < scorer->weight ? p->saturation * (double) limit / ((double) scorer->weight - limit) :
				 ANY_FREQUENCY) - later * (1 + 1e-12);
		if (form->local < least || !load_rows(form, from, to))
			continue;
		load_shares(p, form);
		least = least > 0 ? barq_bm25_pool_share(p, scorer, least) * (1 - 1e-5) : 0;
		n = barq_kernels->find_at_least(form->shares + form->begin, form->end - form->begin,
										(float) least, p->found);
		barq_bm25_take_candidates(p, form, n);
		for (uint32 j = 0; j < scorer->nforms && p->candidates.n > 0; j++)
			if (j != i && load_rows(&scorer->forms[j], from, to))
				barq_bm25_add_heavy(p, &scorer->forms[j], j < i);
		barq_bm25_join_forms(p);
		barq_bm25_try_candidates(p, light);
	}
}

/* Search the window [from, to] with some heavy terms; the first `light` in order[] are light. */
static void
search_heavy(Pruner *p, uint32 light, Scorer *const *terms, uint32 nterms, uint32 from,
			 uint32 to)
{
	Form	   *heavy[BM25_MANY_FORMS];
	uint32		n = 0;

	if (nterms == 1 && terms[0]->nforms > 1 && p->s->cursors[terms[0]->number]->weight > 0)
	{
		search_pool(p, terms[0], light, from, to);
		return;
	}
	for (uint32 i = 0; i < nterms; i++)
		n = load_heavy(p, terms[i], from, to, heavy, n);
	if (n == 1)
		search_one(p, heavy[0], light);
	else if (n > 1)
		search_several(p, heavy, n, light, from, to);
}

/* Search the window [from, to], in which each form of the leading term has one block. */
static void
search_led(Pruner *p, uint32 from, uint32 to)
{
	Scorer	   *leader = p->leader;
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
			 df_of(p, p->order[at - 1]) < df_of(p, scorer);
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
	search_heavy(p, n, &leader, 1, from, to);
}

/* Divide the terms into light and heavy ones in the window, and search it. */
static void
search_window(Pruner *p, uint32 from, uint32 to)
{
	double		worst = barq_bm25_threshold(p->s);
	double		rest = 0;
	uint32		light;

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

	/* a form of a heavy term has one block in the window; light ones may have more */
	search_heavy(p, light, p->order + light, p->n - light, from, to);
}

/*
 * Move a term's cursors to the window that begins at `from`; returns the last row of the
 * block that ends first, BM25_NO_ROW if the term has no more postings.
 */
static uint32
move_to(Scorer *scorer, uint32 from)
{
	uint32		to = BM25_NO_ROW;

	for (uint32 i = 0; i < scorer->nforms; i++)
	{
		Form	   *form = &scorer->forms[i];
		Bm25Cursor *cursor = form->cursor;

		barq_bm25_cursor_shallow(cursor, from);
		form->first = cursor->block;
		if (cursor->block < cursor->nblocks)
			to = Min(to, cursor->skips[cursor->block].last_row);
	}
	return to;
}

/*
 * The last row of the window that begins at `from`, in which no form of a term has more
 * than one block, unless the term is light in any window. BM25_NO_ROW where those
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
			uint32		end = move_to(&p->scorers[i], from);

			if (p->scorers[i].required && end == BM25_NO_ROW)
				return BM25_NO_ROW;
			if (&p->scorers[i] == p->leader)
				to = end;
		}
		return to;
	}

	/* the threshold never falls, so light terms stay light */
	while (p->light < p->n && p->rest + p->by_bound[p->light]->bound < worst)
		p->rest += p->by_bound[p->light++]->bound;
	for (uint32 i = 0; i < p->n; i++)
	{
		uint32		end = move_to(p->by_bound[i], from);

		if (i >= p->light)
			to = Min(to, end);
	}
	return to;
}

/* Set a form up. */
static void
begin_form(Pruner *p, Form *form, Scorer *scorer, Bm25Cursor *cursor, uint32 number)
{
	form->scorer = scorer;
	form->cursor = cursor;
	form->number = number;
	form->bounds_from[0] = form->bounds_from[1] = BM25_NO_ROW;
	form->shared = BM25_NO_ROW;
	form->lengths = palloc(sizeof(*form->lengths) * p->nfields);
	if (p->fields)
		form->by_norm = palloc(sizeof(*form->by_norm) * p->nfields);
	compute_bounds(p, form, BM25_NO_ROW, 1, &form->all);
}

/* Set the scorers up, with n forms in all. */
static void
begin_scorers(Pruner *p, Form *forms, uint32 n)
{
	Bm25Search *s = p->s;
	uint32		number = 0;

	for (uint32 i = 0; i < s->n; i++)
	{
		Scorer	   *scorer = &p->scorers[i];
		Bm25Cursor *cursor = s->cursors[i];
		double		bound = 0;
		uint32		at;

		scorer->number = i;
		scorer->weight = (float) (Max(cursor->weight, 1e-20) * BM25_RAISE);
		scorer->nforms = Max(cursor->nmembers, 1);
		scorer->forms = forms + number;
		for (uint32 j = 0; j < scorer->nforms; j++, number++)
		{
			Assert(number < n);
			begin_form(p, &forms[number], scorer, cursor->nmembers == 0 ? cursor : cursor->members[j],
					   number);
			bound += forms[number].all;
		}
		scorer->bound = scorer->nforms == 1 ? bound : barq_bm25_pool_share(p, scorer, bound);
		p->pools |= scorer->nforms > 1;
		scorer->required = s->required != NULL && s->required[i];
		if (scorer->required && (p->leader == NULL || df_of(p, scorer) < df_of(p, p->leader)))
			p->leader = scorer;
		for (at = i; at > 0 && p->by_bound[at - 1]->bound > scorer->bound; at--)
			p->by_bound[at] = p->by_bound[at - 1];
		p->by_bound[at] = scorer;
	}
}

/* Set a pruner up for a search: scorers, their order by bounds, the leader. */
static void
begin_pruning(Pruner *p, Bm25Search *s)
{
	uint32		nforms = barq_bm25_count_forms(s);

	Assert(s->n <= BM25_MANY_TERMS && nforms <= BM25_MANY_FORMS);
	p->s = s;
	p->n = s->n;
	p->base = (float) (s->query->k1 * (1 - s->query->b) * BM25_LOWER);
	p->slope = (float) (s->query->k1 * s->query->b / s->query->avglen * BM25_LOWER);
	p->fields = barq_bm25_has_fields(s);
	p->nfields = Max(s->query->nfields, 1);
	p->saturation = p->fields ? barq_bm25_least_k1(s->query) : 1;
	p->pools = false;
	if (p->fields)
		barq_bm25_field_scales(s->query, p->scales);
	p->light = 0;
	p->rest = 0;
	p->leader = NULL;
	p->candidates.frequencies = palloc(sizeof(*p->candidates.frequencies) * nforms * p->nfields);
	p->scorers = palloc(sizeof(Scorer) * s->n);
	begin_scorers(p, palloc(sizeof(Form) * nforms), nforms);
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
				search_led(p, from, to);
			else
				search_window(p, from, to);
		}
		from = to + 1;
	}
	pfree(p->scorers);
	pfree(p);
}
