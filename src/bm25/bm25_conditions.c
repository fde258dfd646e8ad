/*
 * bm25_conditions.c
 *	  What rows must and must not hold: words (by variants of terms), phrases,
 *	  all or some of other conditions.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "base/interrupts.h"
#include "utils/memutils.h"

/* One condition over a segment. */
typedef struct Condition
{
	const BarqBm25Condition *what;
	uint64		rows;			/* an upper bound of how many satisfy it */
	bool		settled;		/* it has been seen to */

	/* of terms */
	Bm25Cursor **cursors;		/* NULL: the segment lacks the term */
	bool		positions;		/* a phrase whose terms' positions are known */
	uint32	   *counts;
	const uint32 **lists;		/* of a phrase */
	Bm25Cursor **lead;			/* to find rows by: those of its first offset, apart */
	uint32		nlead;

	/* of conditions */
	uint32		n;
	struct Condition *conditions;
	struct Condition *leader;	/* of ALL: the must that fewest rows satisfy, or NULL */
} Condition;

struct Bm25Conditions
{
	const Bm25Body *body;
	const BarqBm25Query *query;
	Condition	all;			/* ALL of the query's */
	BarqBm25Condition what;		/* as such */
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

/* ---- terms by offset and variant ---- */

/* The first term from i on that has another offset, or also another variant. */
static inline uint32
next_offset(const BarqBm25Condition *what, uint32 i)
{
	uint32		next = i + 1;

	if (!what->phrase)
		return what->nterms;
	while (next < what->nterms && what->offsets[next] == what->offsets[i])
		next++;
	return next;
}

static inline uint32
next_variant(const BarqBm25Condition *what, uint32 i, uint32 end)
{
	uint32		next = i + 1;

	while (what->variants != NULL && next < end && what->variants[next] == what->variants[i])
		next++;
	return next;
}

bool
barq_bm25_words_there(const BarqBm25Condition *what, const uint32 *counts)
{
	for (uint32 i = 0, end; i < what->nterms; i = end)
	{
		bool		any = false;

		end = next_offset(what, i);
		for (uint32 j = i, next; j < end && !any; j = next)
		{
			next = next_variant(what, j, end);
			for (any = true; j < next && any; j++)
				any = counts[j] > 0;
		}
		if (!any)
			return false;
	}
	return what->nterms > 0;
}

static inline bool
has_position(const uint32 *list, uint32 count, uint64 wanted)
{
	uint32		low = 0;
	uint32		high = count;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (list[middle] == wanted)
			return true;
		if (list[middle] < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Have all terms of one variant among [from, end) the position? */
static bool
variant_at(const BarqBm25Condition *phrase, uint32 from, uint32 end,
		   const uint32 *const *lists, const uint32 *counts, uint64 wanted)
{
	for (uint32 i = from, next; i < end; i = next)
	{
		bool		all = true;

		next = next_variant(phrase, i, end);
		for (; i < next && all; i++)
			all = has_position(lists[i], counts[i], wanted);
		if (all)
			return true;
	}
	return false;
}

bool
barq_bm25_phrase_fits(const BarqBm25Condition *phrase, const uint32 *const *lists,
					  const uint32 *counts)
{
	uint32		first = phrase->nterms > 0 ? next_offset(phrase, 0) : 0;

	for (uint32 i = 0; i < first; i++)
		for (uint32 j = 0; j < counts[i]; j++)
		{
			uint64		start = lists[i][j];
			bool		fits = phrase->variants == NULL ||
				variant_at(phrase, 0, first, lists, counts, start);

			for (uint32 k = first, end; k < phrase->nterms && fits; k = end)
			{
				end = next_offset(phrase, k);
				fits = variant_at(phrase, k, end, lists, counts,
								  start + (phrase->offsets[k] - phrase->offsets[0]));
			}
			if (fits)
				return true;
		}
	return false;
}

/* ---- opening ---- */

/* How many rows have a variant's term at each offset, at most. */
static uint64
count_rows(const Condition *c)
{
	uint64		rows = 0;

	for (uint32 i = 0, end; i < c->what->nterms; i = end)
	{
		uint64		here = 0;

		end = next_offset(c->what, i);
		for (uint32 j = i; j < end; j++)
			if (c->cursors[j] != NULL)
				here += c->cursors[j]->df;
		rows = i == 0 ? here : Min(rows, here);
	}
	return rows;
}

static void
open_terms(Bm25Conditions *all, Condition *c)
{
	const BarqBm25Condition *what = c->what;
	uint32		n = Max(what->nterms, 1);

	c->cursors = palloc(sizeof(Bm25Cursor *) * n);
	c->positions = all->body->positions;
	for (uint32 i = 0; i < what->nterms; i++)
	{
		const BarqBm25Term *term = &all->query->terms[what->terms[i]];

		c->cursors[i] = barq_bm25_open_term(all->body, term);
		c->positions &= !term->prefix;
	}
	if (what->phrase || what->variants != NULL)
		c->counts = palloc0(sizeof(uint32) * n);
	if (what->phrase)
		c->lists = palloc0(sizeof(uint32 *) * n);
	c->rows = count_rows(c);
}

static void
open_condition(Bm25Conditions *all, Condition *c, const BarqBm25Condition *what)
{
	uint64		rows = all->body->view->rows;
	uint64		sum = 0;

	barq_check_interrupts();
	c->what = what;
	if (what->kind == BARQ_BM25_TERMS)
	{
		open_terms(all, c);
		return;
	}
	c->n = what->nconditions;
	c->conditions = palloc0(sizeof(Condition) * Max(c->n, 1));
	for (uint32 i = 0; i < c->n; i++)
	{
		Condition  *child = &c->conditions[i];

		open_condition(all, child, &what->conditions[i]);
		sum += child->what->occur == BARQ_MUST_NOT ? rows : child->rows;
		if (child->what->occur == BARQ_MUST &&
			(c->leader == NULL || child->rows < c->leader->rows))
			c->leader = child;
	}
	if (what->kind == BARQ_BM25_SOME)
		c->rows = Min(sum, rows);
	else
		c->rows = c->leader != NULL ? c->leader->rows : rows;
}

/* Cursors by which the rows that may satisfy a condition are found. */
static void
open_lead(Condition *c)
{
	const BarqBm25Condition *what = c->what;

	if (what->kind == BARQ_BM25_TERMS)
	{
		/* of a phrase the terms at its first offset will do */
		uint32		end = what->nterms > 0 ? next_offset(what, 0) : 0;

		c->lead = palloc(sizeof(Bm25Cursor *) * Max(end, 1));
		for (uint32 i = 0; i < end; i++)
			if (c->cursors[i] != NULL)
				c->lead[c->nlead++] = barq_bm25_cursor_copy(c->cursors[i]);
	}
	else if (what->kind == BARQ_BM25_SOME)
	{
		for (uint32 i = 0; i < c->n; i++)
			if (c->conditions[i].what->occur == BARQ_MUST)
				open_lead(&c->conditions[i]);
	}
	else if (c->leader != NULL)
		open_lead(c->leader);
}

Bm25Conditions *
barq_bm25_conditions_open(const Bm25Body *body, const BarqBm25Query *query, bool *never)
{
	Bm25Conditions *all = palloc0(sizeof(Bm25Conditions));

	all->body = body;
	all->query = query;
	all->what = (BarqBm25Condition) {
		.occur = BARQ_MUST,
		.kind = BARQ_BM25_ALL,
		.nconditions = query->nconditions,
		.conditions = query->conditions
	};
	open_condition(all, &all->all, &all->what);
	*never = all->all.leader != NULL && all->all.leader->rows == 0;
	if (!*never)
		open_lead(&all->all);
	return all;
}

bool
barq_bm25_conditions_lead(const Bm25Conditions *all)
{
	return all->all.leader != NULL;
}

bool
barq_bm25_conditions_required(const Bm25Conditions *all, bool *required)
{
	bool		any = false;

	for (uint32 i = 0; i < all->all.n; i++)
	{
		const BarqBm25Condition *what = all->all.conditions[i].what;

		if (what->occur != BARQ_MUST || what->kind != BARQ_BM25_TERMS)
			continue;

		/* those without alternatives */
		for (uint32 j = 0, end; j < what->nterms; j = end)
		{
			end = next_offset(what, j);
			if (end > j + 1)
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
	for (uint32 i = 0; i < all->all.n; i++)
	{
		Condition  *c = &all->all.conditions[i];

		c->settled = c->what->occur == BARQ_MUST && c->what->kind == BARQ_BM25_TERMS &&
			!c->what->phrase && c->what->nterms == 1;
	}
}

/* ---- rows ---- */

/* The first row from `row` on that may satisfy a must. */
static uint32
next_row(Condition *c, uint32 row)
{
	uint32		next = BM25_NO_ROW;

	switch (c->what->kind)
	{
		case BARQ_BM25_TERMS:
			for (uint32 i = 0; i < c->nlead; i++)
				next = Min(next, barq_bm25_cursor_seek(c->lead[i], row));
			return next;
		case BARQ_BM25_SOME:
			for (uint32 i = 0; i < c->n && next > row; i++)
				next = Min(next, c->conditions[i].what->occur == BARQ_MUST_NOT ? row :
						   next_row(&c->conditions[i], row));
			return next;
		default:
			return c->leader != NULL ? next_row(c->leader, row) : row;
	}
}

uint32
barq_bm25_conditions_next(Bm25Conditions *all, uint32 row)
{
	uint32		next = row < all->body->view->rows ? next_row(&all->all, row) : BM25_NO_ROW;

	return next < all->body->view->rows ? next : BM25_NO_ROW;
}

static Bm25Truth
terms_hold(Condition *c, uint32 row)
{
	const BarqBm25Condition *what = c->what;
	bool		any = false;

	if (c->counts == NULL)
	{
		for (uint32 i = 0; i < what->nterms && !any; i++)
			any = c->cursors[i] != NULL && barq_bm25_cursor_seek(c->cursors[i], row) == row;
		return any ? BM25_YES : BM25_NO;
	}
	for (uint32 i = 0, end; i < what->nterms; i = end)
	{
		any = false;
		end = next_offset(what, i);
		for (uint32 j = i; j < end; j++)
		{
			c->counts[j] = c->cursors[j] != NULL &&
				barq_bm25_cursor_seek(c->cursors[j], row) == row;
			any |= c->counts[j] > 0;
		}
		if (!any)
			return BM25_NO;
	}
	if (what->variants != NULL && !barq_bm25_words_there(what, c->counts))
		return BM25_NO;
	if (!what->phrase || what->nterms == 0 ||
		what->offsets[what->nterms - 1] == what->offsets[0])
		return what->nterms > 0 ? BM25_YES : BM25_NO;
	if (!c->positions)
		return BM25_UNSURE;
	for (uint32 i = 0; i < what->nterms; i++)
	{
		if (c->counts[i] == 0)
			continue;
		c->counts[i] = barq_bm25_cursor_frequency(c->cursors[i]);
		c->lists[i] = barq_bm25_cursor_positions(c->cursors[i]);
	}
	return barq_bm25_phrase_fits(what, c->lists, c->counts) ? BM25_YES : BM25_NO;
}

static Bm25Truth
condition_holds(Condition *c, uint32 row)
{
	bool		some = c->what->kind == BARQ_BM25_SOME;
	Bm25Truth	holds = some ? BM25_NO : BM25_YES;

	if (c->what->kind == BARQ_BM25_TERMS)
		return terms_hold(c, row);
	for (uint32 i = 0; i < c->n && holds != (some ? BM25_YES : BM25_NO); i++)
	{
		Condition  *child = &c->conditions[i];
		Bm25Truth	here;

		if (child->settled)
			continue;
		here = barq_bm25_marked(child->what->occur, condition_holds(child, row));
		holds = some ? Max(holds, here) : Min(holds, here);
	}
	return holds;
}

/* Cursors go forward only: back to the start for a row before the last one. */
static void
go_back(Condition *c)
{
	for (uint32 i = 0; i < c->n; i++)
		go_back(&c->conditions[i]);
	for (uint32 i = 0; c->cursors != NULL && i < c->what->nterms; i++)
		if (c->cursors[i] != NULL)
			c->cursors[i]->block = c->cursors[i]->at = 0;
}

bool
barq_bm25_conditions_hold(Bm25Conditions *all, uint32 row, bool *recheck)
{
	Bm25Truth	holds;

	if (row < all->last_row)
		go_back(&all->all);
	all->last_row = row;
	holds = condition_holds(&all->all, row);
	if (holds == BM25_UNSURE)
		*recheck = true;
	return holds != BM25_NO;
}
