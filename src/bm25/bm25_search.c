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

static bool is_best_field(Bm25Search *s, double score, uint32 row);

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
	if (s->field != 0 && !is_best_field(s, score, row))
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

/*
 * The sums of the shares of a row by field, sums[], by cursors that have not passed the
 * row; of a query that adds all fields up, all are in sums[0]. Returns false where the row
 * holds no term.
 */
static bool
sum_row_of_fields(Bm25Search *s, Bm25Cursor **cursors, uint32 row, double *sums)
{
	double		norms[BARQ_BM25_FIELDS];
	bool		any = false;

	for (uint32 i = 0; i < s->n; i++)
	{
		bool		here = barq_bm25_cursor_seek(cursors[i], row) == row &&
			barq_bm25_cursor_counts(cursors[i]);

		any |= here;
		if (s->held != NULL)
			s->held[s->numbers[i]] = here;
	}
	if (!any)
		return false;
	barq_bm25_row_norms(s, row, norms);
	memset(sums, 0, sizeof(double) * s->query->nfields);
	for (uint32 i = 0; i < s->n; i++)
	{
		const BarqBm25Term *term = &s->query->terms[s->numbers[i]];

		if (barq_bm25_cursor_seek(cursors[i], row) == row && term->weight != 0 &&
			(s->held == NULL || (s->held[s->numbers[i]] &&
								 barq_bm25_term_counts(s->query, s->numbers[i], s->held))))
			sums[s->query->best ? barq_bm25_field_of(term) : 0] +=
				barq_bm25_posting_share(s, cursors[i], norms);
	}
	return true;
}

/* score_row() of several fields. */
static double
score_row_of_fields(Bm25Search *s, Bm25Cursor **cursors, uint32 row)
{
	double		sums[BARQ_BM25_FIELDS];

	if (!sum_row_of_fields(s, cursors, row, sums))
		return 0;
	return s->query->best ? barq_bm25_best_of(s->query, sums) : sums[0];
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

/*
 * Add up the shares of all terms of several fields in the rows [from, to]; of a query of the
 * best field, those of the best in each row. sums[] are 0, others[] scratch as large.
 */
static void
add_all_fields(Bm25Search *s, uint32 from, uint32 to, double *norms, bool *known, double *sums,
			   double *others)
{
	memset(known, 0, MANY_ROWS);
	for (uint32 f = 0; f < (s->query->best ? s->query->nfields : 1); f++)
	{
		double	   *into = f == 0 ? sums : others;

		if (f > 0)
			memset(others, 0, sizeof(double) * MANY_ROWS);
		for (uint32 i = 0; i < s->n; i++)
		{
			const BarqBm25Term *term = &s->query->terms[s->numbers[i]];

			if (term->weight == 0 || (s->query->best && barq_bm25_field_of(term) != f))
				continue;
			add_field_shares(s, s->cursors[i], from, to, norms, known, into);
		}
		for (uint32 i = 0; f > 0 && i <= to - from; i++)
			sums[i] = Max(sums[i], others[i]);
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
	double	   *others = NULL;
	bool	   *known = NULL;

	if (fields)
	{
		field_norms = palloc(sizeof(double) * BARQ_BM25_FIELDS * MANY_ROWS);
		others = palloc(sizeof(double) * MANY_ROWS);
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
			add_all_fields(s, from, to, field_norms, known, sums, others);
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

/* ---- the best field ---- */

/* Whether a row's score in the field that is searched is that of the row: no other's is better. */
static bool
is_best_field(Bm25Search *s, double score, uint32 row)
{
	Bm25Search *whole = s->whole;
	double		sums[BARQ_BM25_FIELDS];

	/* rows come in the order of no cursor */
	for (uint32 i = 0; i < whole->n; i++)
		barq_bm25_cursor_restart(whole->again[i]);
	if (!sum_row_of_fields(whole, whole->again, row, sums))
		return false;
	for (uint32 f = 0; f < s->query->nfields; f++)
		if (sums[f] > score || (sums[f] == score && (1u << f) < s->field))
			return false;
	return true;
}

/* Make copies of the cursors. */
static void
copy_cursors(Bm25Search *s)
{
	s->again = palloc_extended(sizeof(Bm25Cursor *) * (Size) s->n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < s->n; i++)
		s->again[i] = barq_bm25_cursor_copy(s->cursors[i]);
}

/*
 * The search of one field of a query of the best field: its terms, and those that are
 * required, which add nothing.
 */
static void
narrow(Bm25Search *s, uint32 field, Bm25Search *narrowed)
{
	*narrowed = *s;
	narrowed->field = 1u << field;
	narrowed->whole = s;
	narrowed->n = 0;
	narrowed->cursors = palloc(sizeof(Bm25Cursor *) * s->n);
	narrowed->numbers = palloc(sizeof(uint32) * s->n);
	narrowed->required = s->required == NULL ? NULL : palloc(sizeof(bool) * s->n);
	for (uint32 i = 0; i < s->n; i++)
	{
		const BarqBm25Term *term = &s->query->terms[s->numbers[i]];
		bool		scores = term->weight != 0 && barq_bm25_field_of(term) == field;

		if (!scores && (s->required == NULL || !s->required[i]))
			continue;
		barq_bm25_cursor_rewind(s->cursors[i]);
		s->cursors[i]->weight = scores ? term->weight : 0;
		if (s->required != NULL)
			narrowed->required[narrowed->n] = s->required[i];
		narrowed->numbers[narrowed->n] = s->numbers[i];
		narrowed->cursors[narrowed->n++] = s->cursors[i];
	}
}

/* Has no search of a field too many terms for pruning? */
static bool
fields_are_few(const Bm25Search *s)
{
	uint32		counts[BARQ_BM25_FIELDS] = {0};
	uint32		required = 0;
	uint32		most = 0;

	for (uint32 i = 0; i < s->n; i++)
	{
		const BarqBm25Term *term = &s->query->terms[s->numbers[i]];

		if (s->required != NULL && s->required[i])
			required++;
		else if (term->weight != 0)
			counts[barq_bm25_field_of(term)]++;
	}
	for (uint32 f = 0; f < s->query->nfields; f++)
		most = Max(most, counts[f]);
	return most + required <= BM25_MANY_TERMS;
}

/*
 * Search one field after the other, each with the threshold that those before have left. A
 * row is kept by the search of its best field.
 */
static void
search_fields(Bm25Search *s)
{
	copy_cursors(s);
	for (uint32 f = 0; f < s->query->nfields; f++)
	{
		Bm25Search	narrowed;
		bool		scores = false;

		narrow(s, f, &narrowed);
		for (uint32 i = 0; i < narrowed.n; i++)
			scores |= narrowed.cursors[i]->weight != 0;
		if (scores)
			barq_bm25_search_few(&narrowed);
	}
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

/* Leave the i-th term out, of which no row holds a posting that counts. */
static void
remove_cursor(Bm25Search *s, uint32 i)
{
	s->n--;
	for (; i < s->n; i++)
	{
		s->cursors[i] = s->cursors[i + 1];
		s->numbers[i] = s->numbers[i + 1];
		if (s->required != NULL)
			s->required[i] = s->required[i + 1];
	}
}

/*
 * Decode pools at once, those of the fewest postings first, until a pruned search has no
 * more forms than it can; where it is none, of many terms, all of them.
 */
static void
limit_forms(Bm25Search *s)
{
	while (barq_bm25_count_forms(s) > (s->n > BM25_MANY_TERMS ? s->n : BM25_MANY_FORMS))
	{
		Bm25Cursor *decoded;
		uint32		least = s->n;

		for (uint32 i = 0; i < s->n; i++)
			if (s->cursors[i]->nmembers > 0 &&
				(least == s->n || s->cursors[i]->df < s->cursors[least]->df))
				least = i;
		decoded = barq_bm25_open_term(&s->body, &s->query->terms[s->numbers[least]], 0);
		if (decoded == NULL)
		{
			remove_cursor(s, least);
			continue;
		}
		decoded->weight = s->cursors[least]->weight;
		s->cursors[least] = decoded;
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
		cursor = barq_bm25_open_term(&s->body, term, BM25_MEMBERS);
		if (cursor == NULL)
			continue;
		cursor->weight = term->weight;
		if (s->required != NULL)
			s->required[s->n] = s->required[i];
		s->numbers[s->n] = i;
		s->cursors[s->n++] = cursor;
	}
	limit_forms(s);
	return any_required;
}

void
barq_bm25_search(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				 const uint32 *rows, uint32 nrows, BarqBm25Top *top, bool *recheck)
{
	Bm25Search	s = {0};
	bool		any_required;
	bool		few;

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

	few = query->best ? fields_are_few(&s) : s.n <= BM25_MANY_TERMS;

	if (view->base != NULL)
		s.lengths = view->base + s.body.header.lengths_off;

	if (rows != NULL)
		search_listed(&s, rows, nrows);
	else if (any_required && few)
	{
		barq_bm25_conditions_settle(s.conditions);
		(query->best ? search_fields : barq_bm25_search_few)(&s);
	}
	else if (s.conditions != NULL && barq_bm25_conditions_lead(s.conditions))
		search_led(&s);
	else if (few)
		(query->best ? search_fields : barq_bm25_search_few)(&s);
	else
	{
		if (s.held != NULL)
			copy_cursors(&s);
		search_many(&s);
	}
}
