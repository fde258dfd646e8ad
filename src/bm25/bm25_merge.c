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
#include "store/interrupts.h"
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

/* The next posting of a live row. */
static void
next_posting(Input *input)
{
	Bm25Cursor *c = &input->cursor;

	for (;;)
	{
		if (c->loaded != BM25_NO_ROW && c->loaded == c->block)
			c->at++;
		while (c->block < c->nblocks && (c->loaded != c->block || c->at >= c->n))
		{
			if (c->loaded == c->block)
			{
				c->block++;
				continue;
			}
			barq_bm25_cursor_load(c);
			barq_bm25_cursor_frequencies(c);
		}
		if (c->block >= c->nblocks)
		{
			input->row = BM25_NO_ROW;
			return;
		}
		input->row = input->numbers[c->rows[c->at]];
		if (input->row != BM25_NO_ROW)
			return;
	}
}

/* Positions of the posting under way as the varints they are. */
static Size
position_bytes(Input *input, uint8 **space, Size *have)
{
	const uint32 *positions = barq_bm25_cursor_positions(&input->cursor);
	uint32		n = barq_bm25_cursor_frequency(&input->cursor);
	uint32		last = 0;
	uint8	   *out;

	if (*have < (Size) n * BM25_MAX_VARINT)
	{
		if (*space != NULL)
			pfree(*space);
		*have = (Size) n * BM25_MAX_VARINT + 1024;
		*space = palloc_extended(*have, MCXT_ALLOC_HUGE);
	}
	out = *space;
	for (uint32 i = 0; i < n; i++)
	{
		out = barq_varint_put(out, positions[i] - last);
		last = positions[i];
	}
	return out - *space;
}

/* Number the live rows of all inputs in TID order. */
static uint32
number_rows(Input *inputs, int n, ItemPointerData **tids, uint32 **lengths, uint64 live)
{
	uint32	   *at = palloc0(sizeof(uint32) * n);
	uint32		rows = 0;

	*tids = palloc_extended(sizeof(ItemPointerData) * (Size) Max(live, 1), MCXT_ALLOC_HUGE);
	*lengths = palloc_extended(sizeof(uint32) * (Size) Max(live, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < n; i++)
	{
		uint32		nrows = inputs[i].body.view->rows;

		inputs[i].numbers = palloc_extended(sizeof(uint32) * (Size) Max(nrows, 1),
											MCXT_ALLOC_HUGE);
	}
	for (;;)
	{
		ItemPointerData best;
		int			from = -1;

		if ((rows & 0xffff) == 0)
			barq_check_interrupts();
		for (int i = 0; i < n; i++)
		{
			Input	   *input = &inputs[i];
			uint32		nrows = input->body.view->rows;
			ItemPointerData tid;

			while (at[i] < nrows && input->dead != NULL &&
				   (input->dead[at[i] / 8] >> (at[i] % 8) & 1))
				input->numbers[at[i]++] = BM25_NO_ROW;
			if (at[i] >= nrows)
				continue;
			tid = barq_bm25_tid(&input->body, at[i]);
			if (from < 0 || ItemPointerCompare(&tid, &best) < 0)
			{
				best = tid;
				from = i;
			}
		}
		if (from < 0)
			break;
		if (rows >= live)
			barq_bm25_corrupt("it has more rows than its directory says");
		(*tids)[rows] = best;
		(*lengths)[rows] = barq_bm25_length(&inputs[from].body, at[from]);
		inputs[from].numbers[at[from]++] = rows++;
	}
	pfree(at);
	return rows;
}

/* Merge the postings of a term that `have` of the inputs hold. */
static void
merge_term(Bm25Writer *writer, Input **holders, int have, bool positions,
		   uint8 **space, Size *space_bytes)
{
	bool		begun = false;

	for (int i = 0; i < have; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(holders[i]->context);

		barq_bm25_cursor_open_entry(&holders[i]->cursor, &holders[i]->body,
									&holders[i]->walk.entry);
		MemoryContextSwitchTo(old);
		next_posting(holders[i]);
	}
	for (;;)
	{
		Input	   *next = holders[0];
		MemoryContext old;
		Size		bytes = 0;

		for (int i = 1; i < have; i++)
			if (holders[i]->row < next->row)
				next = holders[i];
		if (next->row == BM25_NO_ROW)
			break;
		if (!begun)
			barq_bm25_write_term(writer, holders[0]->walk.text, holders[0]->walk.entry.length);
		begun = true;
		if (positions)
		{
			old = MemoryContextSwitchTo(next->context);
			(void) barq_bm25_cursor_positions(&next->cursor);
			MemoryContextSwitchTo(old);
			bytes = position_bytes(next, space, space_bytes);
		}
		barq_bm25_write_posting(writer, next->row, barq_bm25_cursor_frequency(&next->cursor),
								*space, bytes);
		next_posting(next);
	}
	for (int i = 0; i < have; i++)
	{
		holders[i]->cursor.positions = NULL;
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
	uint8	   *space = NULL;
	Size		space_bytes = 0;

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
		merge_term(writer, holders, have, positions, &space, &space_bytes);
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
