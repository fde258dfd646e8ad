/*
 * bm25_conditions.c
 *	  What rows must and must not hold: terms, any of some terms, phrases.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "store/interrupts.h"
#include "utils/memutils.h"

/* One condition over a segment. */
typedef struct Condition
{
	const BarqBm25Condition *what;
	Bm25Cursor **cursors;		/* of its terms; NULL: the segment lacks it */
	uint64		rows;			/* an upper bound of how many satisfy it */
	bool		settled;		/* it has been seen to */
	const uint32 **lists;		/* of a phrase */
	uint32	   *counts;
	uint32	  **copies;			/* where lists are copied to */
	uint32	   *copy_space;
} Condition;

struct Bm25Conditions
{
	const Bm25Body *body;
	uint32		n;
	Condition  *conditions;
	Condition  *leader;			/* the must that fewest rows satisfy; or NULL */
	Bm25Cursor **lead;			/* cursors of its terms, apart */
	uint32		nlead;
	uint32		last_row;		/* that was asked about */
};

typedef struct Expansions
{
	BarqBm25Text *terms;
	uint32		n;
	uint32		space;
} Expansions;

static void
add_expansion(void *arg, const char *text, uint32 length, uint32 df)
{
	Expansions *all = arg;

	if (all->n == all->space)
	{
		all->space = Max(all->space * 2, 64);
		all->terms = all->terms == NULL ? palloc(sizeof(BarqBm25Text) * all->space) :
			repalloc_huge(all->terms, sizeof(BarqBm25Text) * (Size) all->space);
	}
	all->terms[all->n].text = pnstrdup(text, length);
	all->terms[all->n++].length = length;
}

Bm25Cursor *
barq_bm25_open_term(const Bm25Body *body, const BarqBm25Term *term)
{
	Bm25Cursor *cursor = palloc(sizeof(Bm25Cursor));
	bool		found;

	if (term->prefix && term->weight == 0)
	{
		Expansions	all = {0};

		barq_bm25_expand(body->view, term->text.text, term->text.length, PG_UINT32_MAX,
						 add_expansion, &all);
		found = barq_bm25_cursor_open(cursor, body, all.terms, all.n, true);
	}
	else if (term->prefix)
		found = barq_bm25_cursor_open(cursor, body, term->expansions, term->nexpansions, true);
	else
		found = barq_bm25_cursor_open(cursor, body, &term->text, 1, false);
	if (found)
		return cursor;
	pfree(cursor);
	return NULL;
}

/* How many rows a condition can be satisfied by, at most. */
static uint64
count_rows(const Condition *c)
{
	uint64		rows = 0;

	for (uint32 i = 0; i < c->what->nterms;)
	{
		uint64		group = 0;
		uint32		offset = c->what->phrase ? c->what->offsets[i] : 0;

		do
		{
			if (c->cursors[i] != NULL)
				group += c->cursors[i]->df;
			i++;
		} while (i < c->what->nterms && (!c->what->phrase || c->what->offsets[i] == offset));
		if (!c->what->phrase)
			return group;
		rows = i > 0 && offset == c->what->offsets[0] ? group : Min(rows, group);
	}
	return rows;
}

Bm25Conditions *
barq_bm25_conditions_open(const Bm25Body *body, const BarqBm25Query *query, bool *never)
{
	Bm25Conditions *all = palloc0(sizeof(Bm25Conditions));

	*never = false;
	all->body = body;
	all->n = query->nconditions;
	all->conditions = palloc0(sizeof(Condition) * Max(all->n, 1));
	for (uint32 i = 0; i < all->n; i++)
	{
		Condition  *c = &all->conditions[i];
		uint32		nterms = query->conditions[i].nterms;

		barq_check_interrupts();
		c->what = &query->conditions[i];
		c->cursors = palloc(sizeof(Bm25Cursor *) * Max(nterms, 1));
		for (uint32 j = 0; j < nterms; j++)
			c->cursors[j] = barq_bm25_open_term(body, &query->terms[c->what->terms[j]]);
		if (c->what->phrase)
		{
			c->lists = palloc0(sizeof(uint32 *) * Max(nterms, 1));
			c->counts = palloc0(sizeof(uint32) * Max(nterms, 1));
			c->copies = palloc0(sizeof(uint32 *) * Max(nterms, 1));
			c->copy_space = palloc0(sizeof(uint32) * Max(nterms, 1));
		}
		c->rows = count_rows(c);
		if (c->what->occur != BARQ_MUST)
			continue;
		if (c->rows == 0)
			*never = true;
		if (all->leader == NULL || c->rows < all->leader->rows)
			all->leader = c;
	}
	if (all->leader != NULL && !*never)
	{
		Condition  *c = all->leader;

		/* of a phrase the terms at its first offset will do */
		all->lead = palloc(sizeof(Bm25Cursor *) * Max(c->what->nterms, 1));
		for (uint32 j = 0; j < c->what->nterms; j++)
			if (c->cursors[j] != NULL &&
				(!c->what->phrase || c->what->offsets[j] == c->what->offsets[0]))
				all->lead[all->nlead++] = barq_bm25_cursor_copy(c->cursors[j]);
	}
	return all;
}

bool
barq_bm25_conditions_lead(const Bm25Conditions *all)
{
	return all->leader != NULL;
}

bool
barq_bm25_conditions_required(const Bm25Conditions *all, bool *required)
{
	bool		any = false;

	for (uint32 i = 0; i < all->n; i++)
	{
		const BarqBm25Condition *what = all->conditions[i].what;

		if (what->occur != BARQ_MUST || (!what->phrase && what->nterms != 1))
			continue;

		/* of a phrase those without alternatives */
		for (uint32 j = 0; j < what->nterms; j++)
		{
			if (what->phrase &&
				((j > 0 && what->offsets[j - 1] == what->offsets[j]) ||
				 (j + 1 < what->nterms && what->offsets[j + 1] == what->offsets[j])))
				continue;
			required[what->terms[j]] = true;
			any = true;
		}
	}
	return any;
}

void
barq_bm25_conditions_settle(Bm25Conditions *all)
{
	for (uint32 i = 0; i < all->n; i++)
	{
		Condition  *c = &all->conditions[i];

		c->settled = c->what->occur == BARQ_MUST && !c->what->phrase && c->what->nterms == 1;
	}
}

uint32
barq_bm25_conditions_next(Bm25Conditions *all, uint32 row)
{
	uint32		next = BM25_NO_ROW;

	if (all->leader == NULL)
		return row < all->body->view->rows ? row : BM25_NO_ROW;
	for (uint32 i = 0; i < all->nlead; i++)
		next = Min(next, barq_bm25_cursor_seek(all->lead[i], row));
	return next;
}

/* Is there a start p such that each offset has a position p + offset? */
bool
barq_bm25_phrase_fits(const BarqBm25Condition *phrase, const uint32 *const *lists,
					  const uint32 *counts)
{
	uint32		first = 0;

	if (phrase->nterms == 0)
		return false;
	while (first < phrase->nterms && phrase->offsets[first] == phrase->offsets[0])
		first++;
	for (uint32 i = 0; i < first; i++)
		for (uint32 j = 0; j < counts[i]; j++)
		{
			uint64		start = lists[i][j];
			bool		fits = true;

			for (uint32 k = first; k < phrase->nterms && fits;)
			{
				uint32		offset = phrase->offsets[k];
				uint64		wanted = start + (offset - phrase->offsets[0]);

				for (fits = false; k < phrase->nterms && phrase->offsets[k] == offset; k++)
				{
					uint32		low = 0;
					uint32		high = counts[k];

					while (!fits && low < high)
					{
						uint32		middle = low + (high - low) / 2;

						if (lists[k][middle] == wanted)
							fits = true;
						else if (lists[k][middle] < wanted)
							low = middle + 1;
						else
							high = middle;
					}
				}
			}
			if (fits)
				return true;
		}
	return false;
}

/* Is the term there, in each group of one offset at least one? */
static bool
phrase_holds(Bm25Conditions *all, Condition *c, uint32 row, bool *recheck)
{
	const BarqBm25Condition *what = c->what;

	for (uint32 i = 0; i < what->nterms;)
	{
		uint32		offset = what->offsets[i];
		bool		any = false;

		for (; i < what->nterms && what->offsets[i] == offset; i++)
		{
			c->counts[i] = 0;
			if (c->cursors[i] != NULL && barq_bm25_cursor_seek(c->cursors[i], row) == row)
			{
				c->counts[i] = 1;
				any = true;
			}
		}
		if (!any)
			return false;
	}
	if (what->nterms == 0 || what->offsets[what->nterms - 1] == what->offsets[0])
		return what->nterms > 0;
	if (!all->body->positions)
	{
		*recheck = true;
		return true;
	}
	for (uint32 i = 0; i < what->nterms; i++)
	{
		if (c->counts[i] == 0)
			continue;
		c->counts[i] = barq_bm25_cursor_frequency(c->cursors[i]);
		c->lists[i] = barq_bm25_cursor_positions(c->cursors[i]);
	}
	return barq_bm25_phrase_fits(what, c->lists, c->counts);
}

/* Cursors go forward only: back to the start for a row before the last one. */
static void
go_back(Bm25Conditions *all)
{
	for (uint32 i = 0; i < all->n; i++)
		for (uint32 j = 0; j < all->conditions[i].what->nterms; j++)
		{
			Bm25Cursor *cursor = all->conditions[i].cursors[j];

			if (cursor != NULL)
				cursor->block = cursor->at = 0;
		}
}

bool
barq_bm25_conditions_hold(Bm25Conditions *all, uint32 row, bool *recheck)
{
	if (row < all->last_row)
		go_back(all);
	all->last_row = row;
	for (uint32 i = 0; i < all->n; i++)
	{
		Condition  *c = &all->conditions[i];
		bool		holds = false;
		bool		unsure = false;

		if (c->settled)
			continue;
		if (c->what->phrase)
			holds = phrase_holds(all, c, row, &unsure);
		else
			for (uint32 j = 0; j < c->what->nterms && !holds; j++)
				holds = c->cursors[j] != NULL &&
					barq_bm25_cursor_seek(c->cursors[j], row) == row;
		if (unsure)
			*recheck = true;
		else if (holds == (c->what->occur == BARQ_MUST_NOT))
			return false;
	}
	return true;
}
