/*
 * bm25_search.c
 *	  The best rows of a segment by BM25, exactly.
 *
 * Few terms: bm25_prune.c. Many terms are added up; where a row must hold
 * something, what it must hold is gone through.
 */
#include "postgres.h"

#include "bm25/bm25_search.h"
#include "kernels/kernels.h"
#include "base/interrupts.h"

#define MANY_ROWS		8192	/* rows of a window of many terms */
#define NORMS			4096	/* lengths whose norm is worked out beforehand */

static inline bool
is_dead(const Bm25Search *s, uint32 row)
{
	return s->skip != NULL && (s->skip[row / 8] >> (row % 8) & 1);
}

uint32
barq_bm25_tie_row(Bm25Search *s)
{
	ItemPointer worst = &s->top->hits[0].tid;
	uint32		low = 0;
	uint32		high = s->body.view->rows;

	if (ItemPointerIsValid(&s->tie_tid) && ItemPointerEquals(&s->tie_tid, worst))
		return s->tie_row;
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		ItemPointerData tid = barq_bm25_tid(&s->body, middle);

		if (ItemPointerCompare(&tid, worst) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	s->tie_tid = *worst;
	s->tie_row = low;
	return low;
}

void
barq_bm25_keep(Bm25Search *s, double score, uint32 row)
{
	ItemPointerData tid;

	barq_rows_scored++;
	if (barq_bm25_hopeless(s, score, row) || is_dead(s, row) ||
		(s->top->resumed && score > s->top->after_score))
		return;
	if (s->conditions != NULL &&
		!barq_bm25_conditions_hold(s->conditions, row, s->recheck))
		return;
	tid = barq_bm25_tid(&s->body, row);
	barq_bm25_top_add(s->top, score, &tid);
}

static inline double
share_of(Bm25Cursor *cursor, double norm)
{
	return barq_bm25_share(cursor->weight, barq_bm25_cursor_frequency(cursor), norm);
}

/*
 * A row's score, by cursors that have not passed it, where each variant of
 * several terms counts as a whole.
 */
static double
score_row(Bm25Search *s, Bm25Cursor **cursors, uint32 row)
{
	double		norm = barq_bm25_norm_of(s, barq_bm25_length_of(s, row));
	double		score = 0;

	if (s->held == NULL)
	{
		for (uint32 i = 0; i < s->n; i++)
			if (barq_bm25_cursor_seek(cursors[i], row) == row)
				score += share_of(cursors[i], norm);
		return score;
	}
	for (uint32 i = 0; i < s->n; i++)
		s->held[s->numbers[i]] = barq_bm25_cursor_seek(cursors[i], row) == row;
	for (uint32 i = 0; i < s->n; i++)
		if (s->held[s->numbers[i]] && barq_bm25_term_counts(s->query, s->numbers[i], s->held))
			score += share_of(cursors[i], norm);
	return score;
}

/* ---- many terms ---- */

/*
 * Term after term adds its shares to the rows of a window: in the query's
 * order, so the sums are the same.
 */
static void
search_many(Bm25Search *s)
{
	double	   *sums = palloc(sizeof(double) * MANY_ROWS);
	uint32		nnorms = Min(s->body.header.max_length, NORMS - 1) + 1;
	double	   *norms = palloc(sizeof(double) * nnorms);
	uint32		rows = s->body.view->rows;

	for (uint32 i = 0; i < nnorms; i++)
		norms[i] = barq_bm25_norm_of(s, i);
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
				{
					uint32		length = barq_bm25_length_of(s, row);

					sums[row - from] += barq_bm25_share(cursor->weight,
														cursor->frequencies[cursor->at],
														length < nnorms ? norms[length] :
														barq_bm25_norm_of(s, length));
				}
				if (row != BM25_NO_ROW)
					break;
				cursor->block++;
			}
		}
		for (uint32 row = from; row <= to; row++)
		{
			double		score = sums[row - from];

			/* of variants the sum is only a bound */
			if (score > 0 && s->held != NULL)
				score = barq_bm25_hopeless(s, score, row) ? 0 : score_row(s, s->again, row);
			if (score > 0)
				barq_bm25_keep(s, score, row);
		}
		from = to + 1;
	}
	pfree(sums);
	pfree(norms);
}

/* ---- rows that must hold something ---- */

static void
search_led(Bm25Search *s)
{
	uint32		row = 0;
	uint32		seen = 0;

	while ((row = barq_bm25_conditions_next(s->conditions, row)) != BM25_NO_ROW)
	{
		double		score;

		if ((++seen & 1023) == 0)
			barq_check_interrupts();
		score = score_row(s, s->cursors, row);
		if (score > 0)
			barq_bm25_keep(s, score, row);
		row++;
	}
}

void
barq_bm25_search(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				 BarqBm25Top *top, bool *recheck)
{
	Bm25Search	s = {0};
	bool		required = false;

	*recheck = false;
	barq_bm25_open(&s.body, view);
	if (view->rows == 0 || top->max == 0 || query->nothing)
		return;
	s.query = query;
	s.skip = skip;
	s.top = top;
	s.recheck = recheck;
	ItemPointerSetInvalid(&s.tie_tid);
	if (query->nconditions > 0)
	{
		bool		never;

		s.conditions = barq_bm25_conditions_open(&s.body, query, &never);
		if (never)
			return;
	}

	s.cursors = palloc_extended(sizeof(Bm25Cursor *) * (Size) Max(query->nterms, 1),
								MCXT_ALLOC_HUGE);
	s.numbers = palloc_extended(sizeof(uint32) * (Size) Max(query->nterms, 1), MCXT_ALLOC_HUGE);
	if (query->nvariants > 0)
		s.held = palloc_extended(sizeof(bool) * (Size) query->nterms,
								 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s.required = NULL;
	if (s.conditions != NULL && barq_bm25_conditions_lead(s.conditions))
	{
		s.required = palloc0(query->nterms);
		required = barq_bm25_conditions_required(s.conditions, s.required);
	}
	for (uint32 i = 0; i < query->nterms; i++)
	{
		const BarqBm25Term *term = &query->terms[i];
		Bm25Cursor *cursor;

		if (term->weight == 0 && (s.required == NULL || !s.required[i]))
			continue;
		if ((i & 63) == 0)
			barq_check_interrupts();
		cursor = barq_bm25_open_term(&s.body, term);
		if (cursor == NULL)
			continue;
		cursor->weight = term->weight;
		if (s.required != NULL)
			s.required[s.n] = s.required[i];
		s.numbers[s.n] = i;
		s.cursors[s.n++] = cursor;
	}
	if (s.n == 0)
		return;

	if (view->base != NULL)
		s.lengths = view->base + s.body.header.lengths_off;

	if (required && s.n <= BM25_MANY_TERMS)
	{
		barq_bm25_conditions_settle(s.conditions);
		barq_bm25_search_few(&s);
	}
	else if (s.conditions != NULL && barq_bm25_conditions_lead(s.conditions))
		search_led(&s);
	else if (s.n > BM25_MANY_TERMS)
	{
		if (s.held != NULL)
		{
			s.again = palloc_extended(sizeof(Bm25Cursor *) * (Size) s.n, MCXT_ALLOC_HUGE);
			for (uint32 i = 0; i < s.n; i++)
				s.again[i] = barq_bm25_cursor_copy(s.cursors[i]);
		}
		search_many(&s);
	}
	else
		barq_bm25_search_few(&s);
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

	if (query->scored)
	{
		barq_bm25_match_scored(view, query, skip, visit, arg);
		return;
	}
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
