/*
 * bm25_merge.c
 *	  Merging bodies into one: rows in TID order over all inputs, terms in
 *	  dictionary order, dead rows left out.
 *
 * Each input is in TID order, so the new numbers of its rows ascend like the old
 * ones, and the postings of a term are merged as sorted lists.
 */
#include "postgres.h"

#include "base/bits.h"
#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"
#include "bm25/bm25_write.h"
#include "utils/memutils.h"

typedef struct Input
{
	Bm25Body	body;
	const uint8 *dead;
	uint32	   *numbers;		/* new number of each row; BM25_NO_ROW: dead */
	Bm25DictWalk walk;
	bool		at_end;			/* of the dictionary */

	/* of the term that is being merged, if the input has it */
	Bm25Cursor	cursor;
	MemoryContext context;		/* of the cursor's parts */
	uint32		row;			/* new row of the current posting; BM25_NO_ROW: end */
} Input;

/*
 * Move the cursor to the first posting of a live row, from the current one on;
 * sets input->row.
 */
static void
skip_dead(Input *input)
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

/*
 * Copy postings from the current one on whose new rows are below `limit`, to the
 * end of the input's block or of the writer's at most.
 */
static void
copy_run(Bm25Writer *writer, Input *input, uint32 limit, bool positions)
{
	Bm25Cursor *c = &input->cursor;
	uint32	   *rows;
	uint32	   *frequencies;
	uint32		room = barq_bm25_write_room(writer, &rows, &frequencies);
	uint32		max = Min(room, c->n - c->at);
	uint32		n = 0;

	/* a dead row, whose number is BM25_NO_ROW, ends the run */
	for (; n < max; n++)
	{
		uint32		row = input->numbers[c->rows[c->at + n]];

		if (row >= limit)
			break;
		rows[n] = row;
		frequencies[n] = c->frequencies[c->at + n];
		if (unlikely(frequencies[n] == 0))
			barq_bm25_corrupted("a posting has no occurrence in any field");
	}
	for (uint32 f = 0; f < c->nfields && c->nfields > 1; f++)
		memcpy(barq_bm25_write_field(writer, f), c->field_frequencies[f] + c->at, n * sizeof(uint32));
	if (positions)
	{
		MemoryContext old = MemoryContextSwitchTo(input->context);
		Size		bytes;
		const uint8 *start = barq_bm25_cursor_position_bytes(c, c->at, n, &bytes);

		MemoryContextSwitchTo(old);
		barq_bm25_write_positions(writer, start, bytes);
	}
	barq_bm25_write_postings(writer, n);
	Assert(n > 0);
	c->at += n;
	skip_dead(input);
}

/* Move *at to the next live row, from *at on, and get its TID. */
static void
next_live(Input *input, uint32 *at, ItemPointerData *tid)
{
	uint32		rows = input->body.view->rows;

	for (; *at < rows && input->dead != NULL && barq_bit_is_set(input->dead, *at); ++*at)
		input->numbers[*at] = BM25_NO_ROW;
	if (*at < rows)
		*tid = barq_bm25_tid(&input->body, *at);
}

/*
 * Number the live rows of all inputs in TID order: sets numbers[] of each input, and
 * tids[] and lengths[] (nfields a row) of the new rows, which have room for `space` rows, those of all
 * inputs. Returns the number of new rows.
 */
static uint32
number_rows(Input *inputs, int n, uint32 nfields, ItemPointerData *tids, uint32 *lengths,
			uint64 space)
{
	uint32	   *at = palloc0(sizeof(uint32) * n);
	ItemPointerData *next = palloc(sizeof(ItemPointerData) * n);
	uint32		rows = 0;

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
		if (rows >= space)
			barq_bm25_corrupted("it has more rows than the directory says");
		tids[rows] = next[from];
		for (uint32 f = 0; f < nfields; f++)
			lengths[(Size) rows * nfields + f] =
				nfields == 1 ? barq_bm25_length(&inputs[from].body, at[from]) :
				barq_bm25_field_length(&inputs[from].body, f, at[from]);
		inputs[from].numbers[at[from]++] = rows++;
		next_live(&inputs[from], &at[from], &next[from]);
	}
	pfree(next);
	pfree(at);
	return rows;
}

/* Merge the postings of the current term of `have` inputs. */
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
		skip_dead(holders[i]);
	}
	for (;; runs++)
	{
		Input	   *next = holders[0];
		uint32		limit = BM25_NO_ROW;

		/* the least row, and the least row of the other inputs */
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

/*
 * Open all inputs at the start of their dictionaries. Returns the number of
 * their rows, dead ones included; *positions: whether all have positions.
 */
static uint64
open_inputs(Input *inputs, BarqMergeInput *merge, int ninputs, bool *positions)
{
	uint64		rows = 0;

	*positions = true;
	for (int i = 0; i < ninputs; i++)
	{
		Input	   *input = &inputs[i];

		barq_bm25_open(&input->body, merge[i].view);
		input->dead = merge[i].dead;
		rows += merge[i].view->rows;
		*positions &= input->body.positions;
		if (input->body.nfields != inputs[0].body.nfields)
			barq_bm25_corrupted("it has another number of fields than others");
		input->context = AllocSetContextCreate(CurrentMemoryContext, "barq merge input",
											   ALLOCSET_DEFAULT_SIZES);
		barq_bm25_walk_begin(&input->walk, &input->body, NULL, 0);
		input->at_end = !barq_bm25_walk_next(&input->walk);
	}
	if (rows >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u rows", PG_UINT32_MAX - 1)));
	return rows;
}

/* Find the inputs whose current term is the least of all; returns their number. */
static int
find_holders(Input *inputs, int ninputs, Input **holders)
{
	int			have = 0;

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
	return have;
}

uint64
barq_bm25_merge_bytes(const BarqMergeInput *inputs, int ninputs)
{
	Bm25Body	body;
	uint64		rows = 0;

	for (int i = 0; i < ninputs; i++)
		rows += inputs[i].view->rows;
	if (ninputs > 0)
		barq_bm25_open(&body, inputs[0].view);
	return rows * ((1 + (ninputs > 0 ? body.nfields : 1)) * sizeof(uint32) + sizeof(ItemPointerData));
}

void
barq_bm25_merge(BarqBodyWriter *body, BarqMergeInput *merge, int ninputs, void *memory)
{
	void	   *own = NULL;
	Input	   *inputs = palloc0(sizeof(Input) * ninputs);
	Input	  **holders = palloc(sizeof(Input *) * ninputs);
	ItemPointerData *tids;
	uint32	   *lengths;
	Bm25Writer *writer;
	bool		positions;
	uint64		space = open_inputs(inputs, merge, ninputs, &positions);
	uint32		nfields = ninputs > 0 ? inputs[0].body.nfields : 1;
	uint32	   *numbers;
	uint32		rows;
	uint64		terms = 0;
	int			have;

	if (memory == NULL)
		memory = own = palloc_extended(Max(barq_bm25_merge_bytes(merge, ninputs), 1),
									   MCXT_ALLOC_HUGE);
	numbers = memory;
	for (int i = 0; i < ninputs; i++)
	{
		inputs[i].numbers = numbers;
		numbers += merge[i].view->rows;
	}
	lengths = numbers;
	tids = (ItemPointerData *) (lengths + space * nfields);
	rows = number_rows(inputs, ninputs, nfields, tids, lengths, space);
	writer = barq_bm25_write_begin(body, rows, tids, lengths, nfields, positions);
	while ((have = find_holders(inputs, ninputs, holders)) > 0)
	{
		if ((terms++ & 255) == 0)
			barq_check_interrupts();
		merge_term(writer, holders, have, positions);
		for (int i = 0; i < have; i++)
			holders[i]->at_end = !barq_bm25_walk_next(&holders[i]->walk);
	}
	barq_bm25_write_end(writer);

	for (int i = 0; i < ninputs; i++)
		MemoryContextDelete(inputs[i].context);
	pfree(inputs);
	pfree(holders);
	if (own != NULL)
		pfree(own);
}
