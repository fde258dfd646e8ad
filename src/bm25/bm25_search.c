/*
 * bm25_search.c
 *	  The best rows of a segment by BM25, exactly.
 *
 * Document at a time, with bounds (Turtle & Flood 1995, MaxScore; Ding & Suel
 * 2011, block maxima): the rows are gone through in windows in which every
 * term that could matter has one block of postings. A window whose bounds add
 * up to too little is left out without being read. In the others only rows
 * that a term of weight holds are looked at: terms are ordered by what they
 * can add, and those at the bottom which together cannot reach the threshold
 * are asked about a row only when it has been found by another.
 *
 * Exactness. A row's score is a float8 sum over the query's terms in their
 * order. Each share is at most its term's bound (bm25_maxima.c), rounded sums
 * in one order are monotone, so the sum of the bounds in that order bounds the
 * score to the last bit, and a row of the same score as the worst one kept is
 * left out only if its TID is later, which it is where the first row of the
 * window's is. Where bounds are added in another order they are raised by
 * SLACK first.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "store/interrupts.h"

/* More terms than this are summed up window by window, without bounds. */
#define MANY_TERMS		24
#define MANY_ROWS		8192	/* rows of such a window */
#define NORMS			4096	/* lengths whose norm is worked out beforehand */

/* Above what rounding can make of a sum of MANY_TERMS terms. */
#define SLACK			(1 + 1e-13)

typedef struct Search
{
	Bm25Body	body;
	const BarqBm25Query *query;
	const uint8 *skip;
	BarqBm25Top *top;
	Bm25Conditions *conditions; /* NULL: there are none */
	bool	   *recheck;

	uint32		n;				/* terms that the segment has */
	Bm25Cursor **cursors;		/* in the order of the query */
	double	   *shares;			/* of the row under way */
	uint32	   *matched;		/* row that shares[i] belongs to */

	const void *lengths;		/* NULL: read by the page */
	double	   *norms;
	uint32		nnorms;
} Search;

static inline uint32
length_of(const Search *s, uint32 row)
{
	if (s->lengths == NULL)
		return barq_bm25_length(&s->body, row);
	switch (s->body.header.length_width)
	{
		case 1:
			return ((const uint8 *) s->lengths)[row];
		case 2:
			return ((const uint16 *) s->lengths)[row];
		default:
			return ((const uint32 *) s->lengths)[row];
	}
}

static inline double
norm_of(const Search *s, uint32 row)
{
	uint32		length = length_of(s, row);

	if (likely(length < s->nnorms))
		return s->norms[length];
	return barq_bm25_norm(s->query->k1, s->query->b, length, s->query->avglen);
}

static inline bool
is_dead(const Search *s, uint32 row)
{
	return s->skip != NULL && (s->skip[row / 8] >> (row % 8) & 1);
}

/* What a row must reach to be kept: 0 while there is room. */
static inline double
threshold(const Search *s)
{
	return s->top->count < s->top->max ? 0 : s->top->hits[0].score;
}

/* Can no row from `row` on, of at most this score, be kept? */
static inline bool
hopeless(const Search *s, double bound, uint32 row)
{
	double		worst = threshold(s);
	ItemPointerData tid;

	if (bound != worst || worst == 0)
		return bound < worst;
	tid = barq_bm25_tid(&s->body, row);
	return ItemPointerCompare(&tid, &s->top->hits[0].tid) > 0;
}

static void
keep(Search *s, double score, uint32 row)
{
	ItemPointerData tid;

	if (hopeless(s, score, row) || is_dead(s, row))
		return;
	if (s->conditions != NULL &&
		!barq_bm25_conditions_hold(s->conditions, row, s->recheck))
		return;
	tid = barq_bm25_tid(&s->body, row);
	barq_bm25_top_add(s->top, score, &tid);
}

/* ---- one or a few terms ---- */

static double
block_bound(Search *s, Bm25Cursor *cursor)
{
	if (cursor->bound_block != cursor->block)
	{
		cursor->bound_block = cursor->block;
		cursor->block_bound = barq_bm25_maxima_bound(&cursor->skips[cursor->block].maxima,
													 cursor->weight, s->query);
	}
	return cursor->block_bound;
}

static inline double
share_of(Bm25Cursor *cursor, double norm)
{
	return barq_bm25_share(cursor->weight, barq_bm25_cursor_frequency(cursor), norm);
}

/*
 * A row that terms of weight hold, their shares noted. Ask the others, the
 * heaviest first, as long as there is hope.
 */
static void
consider(Search *s, const uint32 *by_bound, uint32 light, double rest,
		 double sum, double norm, uint32 row)
{
	double		worst = threshold(s);
	double		score = 0;

	for (uint32 i = light; i-- > 0;)
	{
		uint32		term = by_bound[i];
		Bm25Cursor *cursor = s->cursors[term];

		if ((sum + rest) * SLACK < worst)
			return;
		rest -= cursor->bound;
		barq_bm25_cursor_shallow(cursor, row);
		if (cursor->block >= cursor->nblocks)
			continue;
		if ((sum + rest + block_bound(s, cursor)) * SLACK < worst)
			return;
		if (barq_bm25_cursor_seek(cursor, row) == row)
		{
			s->shares[term] = share_of(cursor, norm);
			s->matched[term] = row;
			sum += s->shares[term];
		}
		rest = Max(rest, 0);	/* subtracting may have left less than nothing */
	}
	for (uint32 i = 0; i < s->n; i++)
		if (s->matched[i] == row)
			score += s->shares[i];
	keep(s, score, row);
}

/* The rows of a window whose heavy terms are by_bound[light … n-1]. */
static void
search_window(Search *s, const uint32 *by_bound, uint32 light, double rest,
			  uint32 from, uint32 to)
{
	Bm25Cursor *heavy[MANY_TERMS];
	uint32		numbers[MANY_TERMS];
	uint32		n = 0;

	for (uint32 i = light; i < s->n; i++)
	{
		Bm25Cursor *cursor = s->cursors[by_bound[i]];

		if (cursor->block < cursor->nblocks && barq_bm25_cursor_seek(cursor, from) <= to)
		{
			heavy[n] = cursor;
			numbers[n++] = by_bound[i];
		}
	}
	if (n == 1)
	{
		Bm25Cursor *cursor = heavy[0];
		uint32		row;

		if (!cursor->has_frequencies)
			barq_bm25_cursor_frequencies(cursor);
		for (; (row = cursor->rows[cursor->at]) <= to && row != BM25_NO_ROW; cursor->at++)
		{
			double		norm = norm_of(s, row);
			double		share = barq_bm25_share(cursor->weight,
												cursor->frequencies[cursor->at], norm);

			if ((share + rest) * SLACK < threshold(s))
				continue;
			s->shares[numbers[0]] = share;
			s->matched[numbers[0]] = row;
			consider(s, by_bound, light, rest, share, norm, row);
		}
		return;
	}
	for (;;)
	{
		uint32		row = BM25_NO_ROW;
		double		norm;
		double		sum = 0;

		for (uint32 i = 0; i < n; i++)
			row = Min(row, heavy[i]->rows[heavy[i]->at]);
		if (row > to || row == BM25_NO_ROW)
			return;
		norm = norm_of(s, row);
		for (uint32 i = 0; i < n; i++)
		{
			Bm25Cursor *cursor = heavy[i];

			if (cursor->rows[cursor->at] != row)
				continue;
			s->shares[numbers[i]] = share_of(cursor, norm);
			s->matched[numbers[i]] = row;
			sum += s->shares[numbers[i]];
			cursor->at++;
		}
		if ((sum + rest) * SLACK >= threshold(s))
			consider(s, by_bound, light, rest, sum, norm, row);
	}
}

static void
search_few(Search *s)
{
	uint32		by_bound[MANY_TERMS];
	uint32		rows = s->body.view->rows;
	uint32		light = 0;		/* terms that cannot matter by themselves */
	double		rest = 0;		/* what they can add together */
	uint32		from = 0;
	uint32		windows = 0;

	for (uint32 i = 0; i < s->n; i++)
	{
		uint32		at = i;

		while (at > 0 && s->cursors[by_bound[at - 1]]->bound > s->cursors[i]->bound)
		{
			by_bound[at] = by_bound[at - 1];
			at--;
		}
		by_bound[at] = i;
	}

	while (from < rows)
	{
		double		worst = threshold(s);
		double		bound = 0;
		uint32		to = rows - 1;
		bool		any = false;

		if ((++windows & 1023) == 0)
			barq_check_interrupts();
		while (light < s->n &&
			   (rest + s->cursors[by_bound[light]]->bound) * SLACK < worst)
			rest += s->cursors[by_bound[light++]]->bound;

		for (uint32 i = light; i < s->n; i++)
		{
			Bm25Cursor *cursor = s->cursors[by_bound[i]];

			barq_bm25_cursor_shallow(cursor, from);
			if (cursor->block >= cursor->nblocks)
				continue;
			any = true;
			to = Min(to, cursor->skips[cursor->block].last_row);
		}
		if (!any)
			return;

		/* in the order of the query: see above */
		for (uint32 i = 0; i < s->n; i++)
		{
			Bm25Cursor *cursor = s->cursors[i];

			if (cursor->block >= cursor->nblocks)
				continue;
			bound += cursor->skips[cursor->block].last_row >= to &&
				(cursor->block == 0 || cursor->skips[cursor->block - 1].last_row < from) ?
				block_bound(s, cursor) : cursor->bound;
		}
		if (!hopeless(s, bound, from))
			search_window(s, by_bound, light, rest, from, to);
		from = to + 1;
	}
}

/* ---- many terms ---- */

/*
 * Term after term adds its shares to the rows of a window: in the query's
 * order, so the sums are the same.
 */
static void
search_many(Search *s)
{
	double	   *sums = palloc(sizeof(double) * MANY_ROWS);
	uint32		rows = s->body.view->rows;

	for (uint32 from = 0; from < rows;)
	{
		uint32		to = from + Min(MANY_ROWS, rows - from) - 1;

		barq_check_interrupts();
		memset(sums, 0, sizeof(double) * MANY_ROWS);
		for (uint32 i = 0; i < s->n; i++)
		{
			Bm25Cursor *cursor = s->cursors[i];
			uint32		row;

			while ((row = barq_bm25_cursor_seek(cursor, from)) <= to)
			{
				if (!cursor->has_frequencies)
					barq_bm25_cursor_frequencies(cursor);
				for (; (row = cursor->rows[cursor->at]) <= to && row != BM25_NO_ROW; cursor->at++)
					sums[row - from] += barq_bm25_share(cursor->weight,
														cursor->frequencies[cursor->at],
														norm_of(s, row));
				if (row != BM25_NO_ROW)
					break;
				cursor->block++;
			}
		}
		for (uint32 row = from; row <= to; row++)
			if (sums[row - from] > 0)
				keep(s, sums[row - from], row);
		from = to + 1;
	}
	pfree(sums);
}

/* ---- rows that must hold something ---- */

static void
search_led(Search *s)
{
	uint32		row = 0;
	uint32		seen = 0;

	while ((row = barq_bm25_conditions_next(s->conditions, row)) != BM25_NO_ROW)
	{
		double		score = 0;
		double		norm;

		if ((++seen & 1023) == 0)
			barq_check_interrupts();
		norm = norm_of(s, row);
		for (uint32 i = 0; i < s->n; i++)
			if (barq_bm25_cursor_seek(s->cursors[i], row) == row)
				score += share_of(s->cursors[i], norm);
		if (score > 0)
			keep(s, score, row);
		row++;
	}
}

void
barq_bm25_search(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				 BarqBm25Top *top, bool *recheck)
{
	Search		s = {0};

	*recheck = false;
	barq_bm25_open(&s.body, view);
	if (view->rows == 0 || top->max == 0 || query->nothing)
		return;
	s.query = query;
	s.skip = skip;
	s.top = top;
	s.recheck = recheck;
	if (query->nconditions > 0)
	{
		bool		never;

		s.conditions = barq_bm25_conditions_open(&s.body, query, &never);
		if (never)
			return;
	}

	s.cursors = palloc_extended(sizeof(Bm25Cursor *) * (Size) Max(query->nterms, 1),
								MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < query->nterms; i++)
	{
		const BarqBm25Term *term = &query->terms[i];
		Bm25Cursor *cursor;
		bool		found;

		if (term->weight == 0)
			continue;
		if ((i & 63) == 0)
			barq_check_interrupts();
		cursor = palloc(sizeof(Bm25Cursor));
		if (term->prefix)
			found = barq_bm25_cursor_open(cursor, &s.body, term->expansions,
										  term->nexpansions, true);
		else
			found = barq_bm25_cursor_open(cursor, &s.body, &term->text, 1, false);
		if (!found)
		{
			pfree(cursor);
			continue;
		}
		cursor->weight = term->weight;
		cursor->bound = barq_bm25_maxima_bound(&cursor->maxima, term->weight, query);
		s.cursors[s.n++] = cursor;
	}
	if (s.n == 0)
		return;

	if (view->base != NULL)
		s.lengths = view->base + s.body.header.lengths_off;
	s.nnorms = Min(s.body.header.max_length, NORMS - 1) + 1;
	s.norms = palloc(sizeof(double) * s.nnorms);
	for (uint32 i = 0; i < s.nnorms; i++)
		s.norms[i] = barq_bm25_norm(query->k1, query->b, i, query->avglen);

	if (s.conditions != NULL && barq_bm25_conditions_lead(s.conditions))
		search_led(&s);
	else if (s.n > MANY_TERMS)
		search_many(&s);
	else
	{
		s.shares = palloc(sizeof(double) * s.n);
		s.matched = palloc(sizeof(uint32) * s.n);
		memset(s.matched, 0xff, sizeof(uint32) * s.n);
		search_few(&s);
	}
}

void
barq_bm25_match(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				BarqRowsVisitor visit, void *arg)
{
	Bm25Body	body;
	Bm25Conditions *conditions;
	ItemPointerData tids[512];
	bool		unsure = false;
	bool		never;
	uint32		n = 0;
	uint32		row = 0;
	uint32		seen = 0;

	barq_bm25_open(&body, view);
	if (view->rows == 0 || query->nconditions == 0 || query->nothing)
		return;
	conditions = barq_bm25_conditions_open(&body, query, &never);
	if (never)
		return;
	while ((row = barq_bm25_conditions_next(conditions, row)) != BM25_NO_ROW)
	{
		bool		recheck = false;

		if ((++seen & 1023) == 0)
			barq_check_interrupts();
		if (!(skip != NULL && (skip[row / 8] >> (row % 8) & 1)) &&
			barq_bm25_conditions_hold(conditions, row, &recheck))
		{
			if (n == lengthof(tids) || (n > 0 && recheck != unsure))
			{
				visit(arg, tids, n, unsure);
				n = 0;
			}
			unsure = recheck;
			tids[n++] = barq_bm25_tid(&body, row);
		}
		row++;
	}
	if (n > 0)
		visit(arg, tids, n, unsure);
}
