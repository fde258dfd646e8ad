/*
 * bm25_rows.c
 *	  Which rows of a segment a query finds, window by window in TID order; and
 *	  the rows that it does not find, which a ranking ends with.
 */
#include "postgres.h"

#include "base/bits.h"
#include "bm25/bm25_search.h"
#include "base/interrupts.h"

#define WINDOW	8192			/* rows looked at together */

/* One bit a row of a window. */
typedef uint8 WindowBits[WINDOW / 8];

/* A query over a segment, that goes forward in it. */
typedef struct Finder
{
	bool		scored;
	bool		never;			/* it finds nothing here */
	Bm25Conditions *conditions; /* NULL: there are none */
	uint32		ncursors;
	Bm25Cursor **cursors;		/* of the terms that score */

	/* of a query with variants of several terms */
	const BarqBm25Query *query;
	uint32	   *numbers;		/* of the cursors' terms in the query */
	WindowBits *held;			/* by the query's terms */
} Finder;

static inline void
set_bit(uint8 *bits, uint32 i)
{
	barq_bit_set(bits, i);
}

static inline bool
has_bit(const uint8 *bits, uint32 i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static void
open_finder(Finder *finder, const Bm25Body *body, const BarqBm25Query *query)
{
	memset(finder, 0, sizeof(*finder));
	finder->scored = query->scored;
	finder->never = query->nothing || (!query->scored && query->nconditions == 0);
	if (!finder->never && query->nconditions > 0)
		finder->conditions = barq_bm25_conditions_open(body, query, &finder->never);
	if (finder->never || !query->scored)
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
		cursor = barq_bm25_open_term(body, term);
		if (cursor == NULL)
			continue;
		if (finder->numbers != NULL)
			finder->numbers[finder->ncursors] = i;
		finder->cursors[finder->ncursors++] = cursor;
	}
	finder->never = finder->ncursors == 0;
}

/* Mark the rows from..to that hold a term which scores. */
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
			set_bit(bits, row++ - from);
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
 * Mark the rows from..to (of one window, ascending from call to call) that the
 * query finds: in `found` those that it may find, in `unsure` those of them
 * that a phrase without positions leaves open.
 */
static void
mark(Finder *finder, uint32 from, uint32 to, uint8 *found, uint8 *unsure)
{
	memset(found, 0, sizeof(WindowBits));
	memset(unsure, 0, sizeof(WindowBits));
	if (finder->never)
		return;
	if (!finder->scored)
	{
		uint32		row = from;

		while ((row = barq_bm25_conditions_next(finder->conditions, row)) <= to)
		{
			bool		recheck = false;

			if (barq_bm25_conditions_hold(finder->conditions, row, &recheck))
			{
				set_bit(found, row - from);
				if (recheck)
					set_bit(unsure, row - from);
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

		if (!has_bit(found, row - from))
			continue;
		if (!barq_bm25_conditions_hold(finder->conditions, row, &recheck))
			barq_bit_clear(found, row - from);
		else if (recheck)
			set_bit(unsure, row - from);
	}
}

void
barq_bm25_match_scored(BarqView *view, const BarqBm25Query *query, const uint8 *skip,
					   BarqRowsVisitor visit, void *arg)
{
	Bm25Body	body;
	Finder		finder;
	WindowBits	found;
	WindowBits	unsure;
	ItemPointerData tids[512];

	barq_bm25_open(&body, view);
	if (view->rows == 0)
		return;
	open_finder(&finder, &body, query);
	if (finder.never)
		return;
	for (uint32 from = 0, to; from < view->rows; from = to + 1)
	{
		uint32		n = 0;
		bool		last = false;	/* are the rows gathered unsure? */

		barq_check_interrupts();
		to = from + Min(WINDOW, view->rows - from) - 1;
		mark(&finder, from, to, found, unsure);
		for (uint32 row = from; row <= to; row++)
		{
			bool		recheck;

			if (!has_bit(found, row - from) || (skip != NULL && has_bit(skip, row)))
				continue;
			recheck = has_bit(unsure, row - from);
			if (n == lengthof(tids) || (n > 0 && recheck != last))
			{
				visit(arg, tids, n, last);
				n = 0;
			}
			last = recheck;
			tids[n++] = barq_bm25_tid(&body, row);
		}
		if (n > 0)
			visit(arg, tids, n, last);
	}
}

/* The first row whose TID is after one. */
static uint32
row_after(const Bm25Body *body, const ItemPointerData *after)
{
	uint32		low = 0;
	uint32		high = body->view->rows;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		ItemPointerData tid = barq_bm25_tid(body, middle);

		if (ItemPointerCompare(&tid, (ItemPointer) after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void
barq_bm25_rest(BarqView *view, const BarqBm25Rest *rest, const uint8 *skip, BarqBm25Top *top)
{
	Bm25Body	body;
	Finder		ranking;
	Finder	   *matching = palloc(sizeof(Finder) * Max(rest->nmatching, 1));
	WindowBits	drop;
	WindowBits	unsure;
	WindowBits	matched;
	WindowBits	may_match;

	barq_bm25_open(&body, view);
	if (view->rows == 0)
		return;
	ranking.never = true;
	if (rest->ranking != NULL)
		open_finder(&ranking, &body, rest->ranking);
	for (uint32 i = 0; i < rest->nmatching; i++)
	{
		open_finder(&matching[i], &body, rest->matching[i]);
		if (matching[i].never)
			return;
	}
	for (uint32 from = row_after(&body, &top->after_tid), to; from < view->rows; from = to + 1)
	{
		barq_check_interrupts();
		to = from + Min(WINDOW, view->rows - from) - 1;
		mark(&ranking, from, to, drop, unsure);
		for (uint32 i = 0; i < sizeof(WindowBits); i++)
			drop[i] &= ~unsure[i];
		for (uint32 i = 0; i < rest->nmatching; i++)
		{
			mark(&matching[i], from, to, matched, may_match);
			for (uint32 j = 0; j < sizeof(WindowBits); j++)
			{
				drop[j] |= ~matched[j];
				unsure[j] |= may_match[j];
			}
		}
		for (uint32 row = from; row <= to; row++)
		{
			ItemPointerData tid;

			if (has_bit(drop, row - from) || (skip != NULL && has_bit(skip, row)))
				continue;
			tid = barq_bm25_tid(&body, row);
			if (top->count == top->max &&
				ItemPointerCompare(&tid, &top->hits[top->sorted ? top->count - 1 : 0].tid) > 0)
				return;
			barq_bm25_top_add_rest(top, &tid, has_bit(unsure, row - from));
		}
	}
}
