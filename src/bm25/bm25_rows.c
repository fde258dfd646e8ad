/*
 * bm25_rows.c
 *	  All rows of a segment that a query finds, in TID order; and the rows that it
 *	  does not find, which have score 0 and end a ranking. Rows are marked in
 *	  bitmaps, window after window.
 */
#include "postgres.h"

#include "base/bits.h"
#include "base/interrupts.h"
#include "bm25/bm25_conditions.h"
#include "port/pg_bitutils.h"

#define WINDOW	8192			/* rows */

/* A bit for each row of a window. */
typedef uint8 WindowBits[WINDOW / 8];

/* A query over a segment; its cursors move forward from window to window. */
typedef struct Finder
{
	bool		scored;
	bool		no_rows;		/* it finds no row of the segment */
	Bm25Conditions *conditions; /* NULL: there are none */
	uint32		ncursors;
	Bm25Cursor **cursors;		/* of the terms that score */
	const BarqBm25Query *query;

	/* of a query with variants of several terms; else NULL */
	uint32	   *numbers;		/* of the cursors' terms in the query */
	WindowBits *held;			/* by the query's terms: rows that hold the term */
} Finder;

/* Open a finder; no_rows says whether it can be used. */
static void
open_finder(Finder *finder, const Bm25Body *body, const BarqBm25Query *query)
{
	memset(finder, 0, sizeof(*finder));
	finder->scored = query->scored;
	finder->no_rows = query->nothing || (!query->scored && query->nconditions == 0);
	if (!finder->no_rows && query->nconditions > 0)
		finder->conditions = barq_bm25_conditions_open(body, query, &finder->no_rows);
	if (finder->no_rows || !query->scored)
		return;
	finder->cursors = palloc_extended(sizeof(Bm25Cursor *) * (Size) Max(query->nterms, 1),
									  MCXT_ALLOC_HUGE);
	finder->query = query;
	if (query->nvariants > 0)
	{
		finder->numbers = palloc_extended(sizeof(uint32) * (Size) query->nterms,
										  MCXT_ALLOC_HUGE);
		finder->held = palloc_extended(sizeof(WindowBits) * (Size) query->nterms,
									   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	for (uint32 i = 0; i < query->nterms; i++)
	{
		const BarqBm25Term *term = &query->terms[i];
		Bm25Cursor *cursor;

		if (term->weight == 0)
			continue;
		if ((i & 63) == 0)
			barq_check_interrupts();
		cursor = barq_bm25_open_term(body, term, BM25_MEMBERS);
		if (cursor == NULL)
			continue;
		if (finder->numbers != NULL)
			finder->numbers[finder->ncursors] = i;
		finder->cursors[finder->ncursors++] = cursor;
	}
	finder->no_rows = finder->ncursors == 0;
}

/* Mark the rows [from, to] that hold a term that scores in found. */
static void
mark_scoring(Finder *finder, uint32 from, uint32 to, uint8 *found)
{
	const BarqBm25Query *query = finder->query;

	for (uint32 i = 0; i < finder->ncursors; i++)
	{
		uint8	   *bits = found;
		uint32		row = from;

		if (finder->held != NULL)
		{
			bits = finder->held[finder->numbers[i]];
			memset(bits, 0, sizeof(WindowBits));
		}
		while ((row = barq_bm25_cursor_seek(finder->cursors[i], row)) <= to)
		{
			if (barq_bm25_cursor_counts(finder->cursors[i]))
				barq_bit_set(bits, row - from);
			row++;
		}
		if (bits != found && query->terms[finder->numbers[i]].nvariants == 0)
			for (uint32 j = 0; j < sizeof(WindowBits); j++)
				found[j] |= bits[j];
	}
	for (uint32 i = 0; i < query->nvariants; i++)
	{
		const BarqBm25Variant *variant = &query->variants[i];

		for (uint32 j = 0; j < sizeof(WindowBits); j++)
		{
			uint8		all = 0xff;

			for (uint32 k = 0; k < variant->nterms; k++)
				all &= finder->held[variant->terms[k]][j];
			found[j] |= all;
		}
	}
}

/*
 * Mark the rows [from, to] that the query finds or may find in found, and those
 * of them in unsure that are undecided, as a phrase has no positions. Called for
 * one window after the other; row `from` is bit 0.
 */
static void
mark(Finder *finder, uint32 from, uint32 to, uint8 *found, uint8 *unsure)
{
	memset(found, 0, sizeof(WindowBits));
	memset(unsure, 0, sizeof(WindowBits));
	if (finder->no_rows)
		return;
	if (!finder->scored)
	{
		uint32		row = from;

		while ((row = barq_bm25_conditions_next(finder->conditions, row)) <= to)
		{
			bool		recheck = false;

			if (barq_bm25_conditions_hold(finder->conditions, row, &recheck))
			{
				barq_bit_set(found, row - from);
				if (recheck)
					barq_bit_set(unsure, row - from);
			}
			row++;
		}
		return;
	}
	mark_scoring(finder, from, to, found);
	if (finder->conditions == NULL)
		return;
	for (uint32 row = from; row <= to; row++)
	{
		bool		recheck = false;

		if (!barq_bit_is_set(found, row - from))
			continue;
		if (!barq_bm25_conditions_hold(finder->conditions, row, &recheck))
			barq_bit_clear(found, row - from);
		else if (recheck)
			barq_bit_set(unsure, row - from);
	}
}

/* Rows that are passed to a visitor together. */
typedef struct Batch
{
	BarqRowsVisitor visit;
	void	   *arg;
	BarqMatchedRows matched;
	ItemPointerData tids[512];
	uint32		rows[512];
} Batch;

/* Pass the rows of a batch to the visitor. */
static void
flush_batch(Batch *batch)
{
	if (batch->matched.n > 0)
		batch->visit(batch->arg, &batch->matched);
	batch->matched.n = 0;
}

/* Add a row to a batch, after passing on a batch that is full or of the other sort. */
static void
add_to_batch(Batch *batch, const Bm25Body *body, uint32 row, bool recheck)
{
	if (batch->matched.n == lengthof(batch->tids) || recheck != batch->matched.recheck)
		flush_batch(batch);
	batch->matched.recheck = recheck;
	batch->rows[batch->matched.n] = row;
	batch->tids[batch->matched.n++] = barq_bm25_tid(body, row);
}

/* barq_bm25_match() of a query that is scored. */
static void
match_scored(const Bm25Body *body, const BarqBm25Query *query, const uint8 *skip,
			 Batch *batch)
{
	uint32		rows = body->view->rows;
	Finder		finder;
	WindowBits	found;
	WindowBits	unsure;

	open_finder(&finder, body, query);
	if (finder.no_rows)
		return;
	for (uint32 from = 0, to; from < rows; from = to + 1)
	{
		barq_check_interrupts();
		to = from + Min(WINDOW, rows - from) - 1;
		mark(&finder, from, to, found, unsure);
		for (uint32 row = from; row <= to; row++)
		{
			if (!barq_bit_is_set(found, row - from) ||
				(skip != NULL && barq_bit_is_set(skip, row)))
				continue;
			add_to_batch(batch, body, row, barq_bit_is_set(unsure, row - from));
		}
		flush_batch(batch);
	}
}

/* barq_bm25_match() of a query that requires one word: all rows of its cursor. */
static void
match_term(const Bm25Body *body, Bm25Cursor *cursor, const uint8 *skip, Batch *batch)
{
	for (; cursor->block < cursor->nblocks; cursor->block++)
	{
		barq_check_interrupts();
		if (cursor->loaded != cursor->block)
			barq_bm25_cursor_load(cursor);
		for (uint32 i = 0; i < cursor->n; i++)
			if (!(skip != NULL && barq_bit_is_set(skip, cursor->rows[i])))
				add_to_batch(batch, body, cursor->rows[i], false);
	}
	flush_batch(batch);
}

/* barq_bm25_match() of a query that is not scored: conditions find the rows. */
static void
match_conditions(const Bm25Body *body, const BarqBm25Query *query, const uint8 *skip,
				 Batch *batch)
{
	Bm25Conditions *conditions;
	Bm25Cursor *alone;
	bool		no_rows;
	uint32		row = 0;
	uint32		seen = 0;

	if (query->nconditions == 0 || query->nothing)
		return;
	conditions = barq_bm25_conditions_open(body, query, &no_rows);
	if (no_rows)
		return;
	alone = barq_bm25_conditions_lead_alone(conditions);
	if (alone != NULL)
	{
		match_term(body, alone, skip, batch);
		return;
	}
	while ((row = barq_bm25_conditions_next(conditions, row)) != BM25_NO_ROW)
	{
		bool		recheck = false;

		if ((++seen & 1023) == 0)
			barq_check_interrupts();
		if (!(skip != NULL && barq_bit_is_set(skip, row)) &&
			barq_bm25_conditions_hold(conditions, row, &recheck))
			add_to_batch(batch, body, row, recheck);
		row++;
	}
	flush_batch(batch);
}

/* barq_bm25_match() of all rows, each undecided. */
static void
match_all(const Bm25Body *body, const uint8 *skip, Batch *batch)
{
	for (uint32 row = 0; row < body->view->rows; row++)
	{
		if ((row & 1023) == 0)
			barq_check_interrupts();
		if (!(skip != NULL && barq_bit_is_set(skip, row)))
			add_to_batch(batch, body, row, true);
	}
	flush_batch(batch);
}

void
barq_bm25_match(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
				BarqRowsVisitor visit, void *arg)
{
	Bm25Body	body;
	Batch		batch;

	barq_bm25_open(&body, view);
	if (view->rows == 0)
		return;
	batch.visit = visit;
	batch.arg = arg;
	batch.matched = (BarqMatchedRows) {.tids = batch.tids, .view = view, .rows = batch.rows};
	if (query == NULL)
		match_all(&body, skip, &batch);
	else if (query->scored)
		match_scored(&body, query, skip, &batch);
	else
		match_conditions(&body, query, skip, &batch);
}

void
barq_bm25_match_listed(BarqView *view, const BarqBm25Query *query, const uint32 *rows, uint32 n,
					   BarqRowsVisitor visit, void *arg)
{
	Bm25Body	body;
	Batch		batch = {.visit = visit, .arg = arg};
	Bm25Conditions *conditions;
	bool		no_rows;

	Assert(!query->scored);
	barq_bm25_open(&body, view);
	if (n == 0 || query->nconditions == 0 || query->nothing)
		return;
	batch.matched = (BarqMatchedRows) {.tids = batch.tids, .view = view, .rows = batch.rows};
	conditions = barq_bm25_conditions_open(&body, query, &no_rows);
	for (uint32 i = 0; i < n && !no_rows; i++)
	{
		bool		recheck = false;

		if ((i & 1023) == 0)
			barq_check_interrupts();
		if (barq_bm25_conditions_hold(conditions, rows[i], &recheck))
			add_to_batch(&batch, &body, rows[i], recheck);
	}
	flush_batch(&batch);
}

uint64
barq_bm25_match_most(BarqView *view, const BarqBm25Query *query)
{
	Bm25Body	body;
	Bm25Conditions *conditions;
	bool		no_rows;

	barq_bm25_open(&body, view);
	if (query->nconditions == 0 || query->nothing)
		return 0;
	conditions = barq_bm25_conditions_open(&body, query, &no_rows);
	return no_rows ? 0 : barq_bm25_conditions_rows(conditions);
}

/* ---- rows of score 0 ---- */

/*
 * Mark the rows [from, to] that do not belong to `rest` in drop, and those that
 * are undecided in unsure. matching: finders of rest->matching.
 */
static void
mark_rest(const Bm25Body *body, const BarqBm25Rest *rest, Finder *ranking, Finder *matching,
		  uint32 from, uint32 to, uint8 *drop, uint8 *unsure)
{
	uint32		nmatching = rest->nmatching;

	WindowBits	matched;
	WindowBits	may_match;

	mark(ranking, from, to, drop, unsure);
	for (uint32 i = 0; i < sizeof(WindowBits); i++)
		drop[i] &= ~unsure[i];
	for (uint32 i = 0; i < nmatching; i++)
	{
		mark(&matching[i], from, to, matched, may_match);
		for (uint32 j = 0; j < sizeof(WindowBits); j++)
		{
			drop[j] |= ~matched[j];
			unsure[j] |= may_match[j];
		}
	}
	if (rest->field != 0 && body->nfields > 1)
		for (uint32 row = from; row <= to; row++)
			if ((barq_bm25_field_length(body, pg_rightmost_one_pos32(rest->field), row) == 0) != rest->nulls)
				barq_bit_set(drop, row - from);
}

void
barq_bm25_rest(BarqView *view, const BarqBm25Rest *rest, const uint8 *skip, BarqBm25Top *top)
{
	Bm25Body	body;
	Finder		ranking;
	Finder	   *matching = palloc(sizeof(Finder) * Max(rest->nmatching, 1));
	WindowBits	drop;
	WindowBits	unsure;

	barq_bm25_open(&body, view);
	if (view->rows == 0)
		return;
	ranking.no_rows = true;
	if (rest->ranking != NULL)
		open_finder(&ranking, &body, rest->ranking);
	for (uint32 i = 0; i < rest->nmatching; i++)
	{
		open_finder(&matching[i], &body, rest->matching[i]);
		if (matching[i].no_rows)
			return;
	}
	for (uint32 from = barq_bm25_row_after(&body, &top->after_tid), to; from < view->rows;
		 from = to + 1)
	{
		barq_check_interrupts();
		to = from + Min(WINDOW, view->rows - from) - 1;
		mark_rest(&body, rest, &ranking, matching, from, to, drop, unsure);
		for (uint32 row = from; row <= to; row++)
		{
			ItemPointerData tid;

			if (barq_bit_is_set(drop, row - from) ||
				(skip != NULL && barq_bit_is_set(skip, row)))
				continue;
			tid = barq_bm25_tid(&body, row);
			if (top->count == top->max &&
				ItemPointerCompare(&tid, &top->hits[top->sorted ? top->count - 1 : 0].tid) > 0)
				return;
			barq_bm25_top_add_rest(top, &tid, barq_bit_is_set(unsure, row - from));
		}
	}
}
