/*
 * bm25_merge.c
 *	  Several bodies into one: rows in TID order over all of them, terms in
 *	  dictionary order, dead rows left out.
 *
 * Each input is in TID order, so the new numbers of its rows ascend as the old
 * ones do, and the postings of a term are merged as sorted lists.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "base/interrupts.h"
#include "utils/memutils.h"

typedef struct Input
{
	Bm25Body	body;
	const uint8 *dead;
	uint32	   *numbers;		/* new number of each row; BM25_NO_ROW: dead */
	Bm25DictWalk walk;
	bool		at_end;			/* of the dictionary */

	/* while it has the term being merged */
	Bm25Cursor	cursor;
	MemoryContext context;		/* of the cursor's parts */
	uint32		row;			/* new number of its next posting */
} Input;

/* Go on to the next posting of a live row; the one under way may be it. */
static void
settle(Input *input)
{
	Bm25Cursor *c = &input->cursor;

	for (;;)
	{
		if (c->loaded == c->block)
		{
			for (; c->at < c->n; c->at++)
			{
				input->row = input->numbers[c->rows[c->at]];
				if (input->row != BM25_NO_ROW)
					return;
			}
			c->block++;
		}
		if (c->block >= c->nblocks)
		{
			input->row = BM25_NO_ROW;
			return;
		}
		barq_bm25_cursor_load(c);
		barq_bm25_cursor_frequencies(c);
	}
}

/* Copy postings, the one under way first, as long as rows come before `limit`. */
static void
copy_run(Bm25Writer *writer, Input *input, uint32 limit, bool positions)
{
	Bm25Cursor *c = &input->cursor;
	uint32	   *rows;
	uint32	   *frequencies;
	uint32		room = barq_bm25_write_room(writer, &rows, &frequencies);
	uint32		max = Min(room, c->n - c->at);
	uint32		n = 0;

	/* a dead row's number, NO_ROW, ends a run as well */
	for (; n < max; n++)
	{
		uint32		row = input->numbers[c->rows[c->at + n]];

		if (row >= limit)
			break;
		rows[n] = row;
		frequencies[n] = c->frequencies[c->at + n];
	}
	if (positions)
	{
		MemoryContext old = MemoryContextSwitchTo(input->context);
		Size		bytes;
		const uint8 *start = barq_bm25_cursor_position_bytes(c, c->at, n, &bytes);

		MemoryContextSwitchTo(old);
		barq_bm25_write_positions(writer, start, bytes);
	}
	barq_bm25_write_postings(writer, n);
	c->at += n;
	settle(input);
}

/* Go on to the next live row, from *at on, and get its TID. */
static void
next_live(Input *input, uint32 *at, ItemPointerData *tid)
{
	uint32		rows = input->body.view->rows;

	for (; *at < rows && input->dead != NULL && (input->dead[*at / 8] >> (*at % 8) & 1); ++*at)
		input->numbers[*at] = BM25_NO_ROW;
	if (*at < rows)
		*tid = barq_bm25_tid(&input->body, *at);
}

/* Number the live rows of all inputs in TID order. */
static uint32
number_rows(Input *inputs, int n, ItemPointerData **tids, uint32 **lengths, uint64 live)
{
	uint32	   *at = palloc0(sizeof(uint32) * n);
	ItemPointerData *next = palloc(sizeof(ItemPointerData) * n);
	uint32		rows = 0;

	*tids = palloc_extended(sizeof(ItemPointerData) * (Size) Max(live, 1), MCXT_ALLOC_HUGE);
	*lengths = palloc_extended(sizeof(uint32) * (Size) Max(live, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		uint32		nrows = inputs[i].body.view->rows;

		inputs[i].numbers = palloc_extended(sizeof(uint32) * (Size) Max(nrows, 1),
											MCXT_ALLOC_HUGE);
	}
	for (int i = 0; i < n; i++)
		next_live(&inputs[i], &at[i], &next[i]);
	for (;;)
	{
		int			from = -1;

		if ((rows & 0xffff) == 0)
			barq_check_interrupts();
		for (int i = 0; i < n; i++)
			if (at[i] < inputs[i].body.view->rows &&
				(from < 0 || ItemPointerCompare(&next[i], &next[from]) < 0))
				from = i;
		if (from < 0)
			break;
		if (rows >= live)
			barq_bm25_corrupt("it has more rows than its directory says");
		(*tids)[rows] = next[from];
		(*lengths)[rows] = barq_bm25_length(&inputs[from].body, at[from]);
		inputs[from].numbers[at[from]++] = rows++;
		next_live(&inputs[from], &at[from], &next[from]);
	}
	pfree(next);
	pfree(at);
	return rows;
}

/* Merge the postings of a term that `have` of the inputs hold. */
static void
merge_term(Bm25Writer *writer, Input **holders, int have, bool positions)
{
	uint64		runs = 0;

	for (int i = 0; i < have; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(holders[i]->context);

		barq_bm25_cursor_open_entry(&holders[i]->cursor, &holders[i]->body,
									&holders[i]->walk.entry);
		MemoryContextSwitchTo(old);
		settle(holders[i]);
	}
	for (;; runs++)
	{
		Input	   *next = holders[0];
		uint32		limit = BM25_NO_ROW;

		/* the first row of all, and the first of another input */
		for (int i = 1; i < have; i++)
		{
			if (holders[i]->row < next->row)
			{
				limit = next->row;
				next = holders[i];
			}
			else
				limit = Min(limit, holders[i]->row);
		}
		if (next->row == BM25_NO_ROW)
			break;
		if (runs == 0)
			barq_bm25_write_term(writer, holders[0]->walk.text, holders[0]->walk.entry.length);
		if ((runs & 1023) == 1023)
			barq_check_interrupts();
		copy_run(writer, next, limit, positions);
	}
	for (int i = 0; i < have; i++)
	{
		if (holders[i]->body.view->base == NULL)
			MemoryContextReset(holders[i]->context);
	}
}

void
barq_bm25_merge(BarqBodyWriter *body, BarqMergeInput *merge, int ninputs)
{
	Input	   *inputs = palloc0(sizeof(Input) * ninputs);
	Input	  **holders = palloc(sizeof(Input *) * ninputs);
	ItemPointerData *tids;
	uint32	   *lengths;
	Bm25Writer *writer;
	uint64		live = 0;
	uint64		terms = 0;
	uint32		rows;
	bool		positions = true;

	for (int i = 0; i < ninputs; i++)
	{
		Input	   *input = &inputs[i];

		barq_bm25_open(&input->body, merge[i].view);
		input->dead = merge[i].dead;
		live += merge[i].view->rows;
		positions &= input->body.positions;
		input->context = AllocSetContextCreate(CurrentMemoryContext, "barq merge input",
											   ALLOCSET_DEFAULT_SIZES);
		barq_bm25_walk_begin(&input->walk, &input->body, NULL, 0);
		input->at_end = !barq_bm25_walk_next(&input->walk);
	}
	if (live >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u rows", PG_UINT32_MAX - 1)));
	rows = number_rows(inputs, ninputs, &tids, &lengths, live);

	writer = barq_bm25_write_begin(body, rows, tids, lengths, positions);
	for (;;)
	{
		int			have = 0;

		if ((terms++ & 255) == 0)
			barq_check_interrupts();
		for (int i = 0; i < ninputs; i++)
		{
			Input	   *input = &inputs[i];
			int			order;

			if (input->at_end)
				continue;
			order = have == 0 ? -1 :
				barq_compare_terms(input->walk.text, input->walk.entry.length,
								   holders[0]->walk.text, holders[0]->walk.entry.length);
			if (order < 0)
				have = 0;
			if (order <= 0)
				holders[have++] = input;
		}
		if (have == 0)
			break;
		merge_term(writer, holders, have, positions);
		for (int i = 0; i < have; i++)
			holders[i]->at_end = !barq_bm25_walk_next(&holders[i]->walk);
	}
	barq_bm25_write_end(writer);

	for (int i = 0; i < ninputs; i++)
	{
		MemoryContextDelete(inputs[i].context);
		pfree(inputs[i].numbers);
	}
	pfree(inputs);
	pfree(holders);
	pfree(tids);
	pfree(lengths);
}
