/*
 * bm25_search.c
 *	  The best rows of a segment by BM25, exactly.
 *
 * Three ways: pruning, for few terms (bm25_prune.c); adding up the shares of all
 * rows, for many terms; and where a condition is required, without a term that
 * is required by itself, scoring the rows that may satisfy the condition.
 */
#include "postgres.h"

#include "base/bits.h"
#include "base/interrupts.h"
#include "bm25/bm25_search.h"
#include "kernels/kernels.h"

#define MANY_ROWS		8192	/* rows of a window of many terms */
#define NORMS			4096	/* lengths whose norm is computed beforehand */

uint32
barq_bm25_tie_row(Bm25Search *s)
{
	ItemPointer worst = &s->top->hits[0].tid;

	Assert(s->top->count == s->top->max);
	if (!ItemPointerIsValid(&s->tie_tid) || !ItemPointerEquals(&s->tie_tid, worst))
	{
		s->tie_tid = *worst;
		s->tie_row = barq_bm25_row_after(&s->body, worst);
	}
	return s->tie_row;
}

void
barq_bm25_keep(Bm25Search *s, double score, uint32 row)
{
	ItemPointerData tid;

	barq_rows_scored++;
	if (barq_bm25_hopeless(s, score, row) ||
		(s->skip != NULL && barq_bit_is_set(s->skip, row)) ||
		(s->top->resumed && score > s->top->after_score))
		return;
	if (s->conditions != NULL &&
		!barq_bm25_conditions_hold(s->conditions, row, s->recheck))
		return;
	tid = barq_bm25_tid(&s->body, row);
	barq_bm25_top_add(s->top, score, &tid);
}

/* The share of a cursor's term in its current row. */
static inline double
share_of(Bm25Cursor *cursor, double norm)
{
	return barq_bm25_share(cursor->weight, barq_bm25_cursor_frequency(cursor), norm);
}

/* score_row() of several fields. */
static double
score_row_of_fields(Bm25Search *s, Bm25Cursor **cursors, uint32 row)
{
	double		norms[BARQ_BM25_FIELDS];
	bool		any = false;
	double		score = 0;

	for (uint32 i = 0; i < s->n; i++)
	{
		bool		here = barq_bm25_cursor_seek(cursors[i], row) == row &&
			barq_bm25_cursor_counts(cursors[i]);

		any |= here;
		if (s->held != NULL)
			s->held[s->numbers[i]] = here;
	}
	if (!any)
		return 0;
	barq_bm25_row_norms(s, row, norms);
	for (uint32 i = 0; i < s->n; i++)
		if (barq_bm25_cursor_seek(cursors[i], row) == row &&
			(s->held == NULL || (s->held[s->numbers[i]] &&
								 barq_bm25_term_counts(s->query, s->numbers[i], s->held))))
			score += barq_bm25_posting_share(s, cursors[i], norms);
	return score;
}

/*
 * A row's exact score, by cursors that have not passed the row. A term with
 * variants counts only where one of them is complete.
 */
static double
score_row(Bm25Search *s, Bm25Cursor **cursors, uint32 row)
{
	double		norm;
	double		score = 0;

	if (barq_bm25_has_fields(s))
		return score_row_of_fields(s, cursors, row);
	norm = barq_bm25_norm_of(s, barq_bm25_length_of(s, row));
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
 * Add a term's shares to the sums of the rows [from, to]. Terms are added in the
 * query's order, so that sums equal scores to the last bit. norms[]: by length,
 * for lengths below nnorms.
 */
static void
add_shares(Bm25Search *s, Bm25Cursor *cursor, uint32 from, uint32 to,
		   const double *norms, uint32 nnorms, double *sums)
{
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

/* add_shares() of several fields; norms[]: BARQ_BM25_FIELDS for each row of the window. */
static void
add_field_shares(Bm25Search *s, Bm25Cursor *cursor, uint32 from, uint32 to, double *norms,
				 bool *known, double *sums)
{
	uint32		row = from;

	while ((row = barq_bm25_cursor_seek(cursor, row)) <= to)
	{
		double	   *here = norms + (Size) (row - from) * BARQ_BM25_FIELDS;

		if (!known[row - from])
		{
			barq_bm25_row_norms(s, row, here);
			known[row - from] = true;
		}
		sums[row - from] += barq_bm25_posting_share(s, cursor, here);
		row++;
	}
}

/* Search many terms: compute the scores of all rows, window after window. */
static void
search_many(Bm25Search *s)
{
	double	   *sums = palloc(sizeof(double) * MANY_ROWS);
	uint32		nnorms = Min(s->body.header.max_length, NORMS - 1) + 1;
	double	   *norms = palloc(sizeof(double) * nnorms);
	uint32		rows = s->body.view->rows;
	bool		fields = barq_bm25_has_fields(s);
	double	   *field_norms = NULL;
	bool	   *known = NULL;

	if (fields)
	{
		field_norms = palloc(sizeof(double) * BARQ_BM25_FIELDS * MANY_ROWS);
		known = palloc(MANY_ROWS);
	}
	for (uint32 i = 0; i < nnorms && !fields; i++)
		norms[i] = barq_bm25_norm_of(s, i);
	for (uint32 from = 0; from < rows;)
	{
		uint32		to = from + Min(MANY_ROWS, rows - from) - 1;

		barq_check_interrupts();
		memset(sums, 0, sizeof(double) * MANY_ROWS);
		if (fields)
			memset(known, 0, MANY_ROWS);
		for (uint32 i = 0; i < s->n && fields; i++)
			add_field_shares(s, s->cursors[i], from, to, field_norms, known, sums);
		for (uint32 i = 0; i < s->n && !fields; i++)
			add_shares(s, s->cursors[i], from, to, norms, nnorms, sums);
		for (uint32 row = from; row <= to; row++)
		{
			double		score = sums[row - from];

			/* with variants the sum is only an upper bound */
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

/* ---- required conditions ---- */

/* Score all rows that may satisfy the required conditions. */
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

/* Score the listed rows, ascending, which are few. */
static void
search_listed(Bm25Search *s, const uint32 *rows, uint32 nrows)
{
	for (uint32 i = 0; i < nrows; i++)
	{
		double		score;

		if ((i & 1023) == 0)
			barq_check_interrupts();
		score = score_row(s, s->cursors, rows[i]);
		if (score > 0)
			barq_bm25_keep(s, score, rows[i]);
	}
}

/*
 * Open cursors for the terms that score or are required: sets n, cursors,
 * numbers, held and required. Returns whether any term is required.
 */
static bool
open_cursors(Bm25Search *s)
{
	const BarqBm25Query *query = s->query;
	bool		any_required = false;

	s->cursors = palloc_extended(sizeof(Bm25Cursor *) * (Size) Max(query->nterms, 1),
								 MCXT_ALLOC_HUGE);
	s->numbers = palloc_extended(sizeof(uint32) * (Size) Max(query->nterms, 1), MCXT_ALLOC_HUGE);
	if (query->nvariants > 0)
		s->held = palloc_extended(sizeof(bool) * (Size) query->nterms,
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (s->conditions != NULL && barq_bm25_conditions_lead(s->conditions))
	{
		s->required = palloc0(query->nterms);
		any_required = barq_bm25_conditions_required(s->conditions, s->required);
	}
	for (uint32 i = 0; i < query->nterms; i++)
	{
		const BarqBm25Term *term = &query->terms[i];
		Bm25Cursor *cursor;

		if (term->weight == 0 && (s->required == NULL || !s->required[i]))
			continue;
		if ((i & 63) == 0)
			barq_check_interrupts();
		cursor = barq_bm25_open_term(&s->body, term);
		if (cursor == NULL)
			continue;
		cursor->weight = term->weight;
		if (s->required != NULL)
			s->required[s->n] = s->required[i];
		s->numbers[s->n] = i;
		s->cursors[s->n++] = cursor;
	}
	return any_required;
}

void
barq_bm25_search(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				 const uint32 *rows, uint32 nrows, BarqBm25Top *top, bool *recheck)
{
	Bm25Search	s = {0};
	bool		any_required;

	*recheck = false;
	barq_bm25_open(&s.body, view);
	if (view->rows == 0 || top->max == 0 || query->nothing)
		return;
	if (Max(query->nfields, 1) != s.body.nfields)
		barq_bm25_corrupted("it has another number of fields than the index");
	s.query = query;
	s.skip = skip;
	s.top = top;
	s.recheck = recheck;
	ItemPointerSetInvalid(&s.tie_tid);
	if (query->nconditions > 0)
	{
		bool		no_rows;

		s.conditions = barq_bm25_conditions_open(&s.body, query, &no_rows);
		if (no_rows)
			return;
	}
	any_required = open_cursors(&s);
	if (s.n == 0)
		return;

	if (view->base != NULL)
		s.lengths = view->base + s.body.header.lengths_off;

	if (rows != NULL)
		search_listed(&s, rows, nrows);
	else if (any_required && s.n <= BM25_MANY_TERMS)
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
