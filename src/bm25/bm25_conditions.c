/*
 * bm25_conditions.c
 *	  Conditions of a query over one segment: a tree of words (each of variants of
 *	  terms), phrases, and all or at least some of other conditions. Calls cursors only.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/interrupts.h"
#include "bm25/bm25_conditions.h"

/* One condition over a segment. */
typedef struct Condition
{
	const BarqBm25Condition *spec;
	uint64		rows;			/* an upper bound of the rows that satisfy it */
	bool		settled;		/* checked by the caller; never evaluate it */
	bool		leads;			/* of those below a SOME: rows are found by it */

	/* of terms */
	Bm25Cursor **cursors;		/* by term; NULL: the segment lacks the term */
	bool		positions;		/* whether all cursors have positions */
	uint32		nfields;		/* of the body */
	uint32	   *counts;			/* by term, of the current row; NULL: not needed */
	const uint32 **lists;		/* of a phrase: by term, positions */
	Bm25Cursor **lead;			/* copies of the cursors at the first offset, by
								 * which rows are found */
	uint32		nlead;

	/* of conditions */
	uint32		n;
	struct Condition *conditions;
	struct Condition *leader;	/* the required one that fewest rows satisfy; NULL:
								 * none is required */
} Condition;

struct Bm25Conditions
{
	const Bm25Body *body;
	const BarqBm25Query *query;
	Condition	all;			/* ALL of the query's conditions */
	BarqBm25Condition spec;		/* its specification */
	uint32		last_row;		/* of the last call of conditions_hold() */
};

typedef struct Expansions
{
	BarqBm25Text *terms;
	uint32		n;
	uint32		space;
} Expansions;

/* BarqTermVisitor: collect a copy of each term; arg: Expansions */
static void
add_expansion(void *arg, const char *text, uint32 length, uint32 df)
{
	Expansions *all = arg;

	BARQ_ARRAY_RESERVE(all->terms, all->space, all->n + 1, 64);
	all->terms[all->n++] = (BarqBm25Text) {.text = pnstrdup(text, length), .length = length};
}

Bm25Cursor *
barq_bm25_open_term(const Bm25Body *body, const BarqBm25Term *term, uint32 most)
{
	Bm25Cursor *cursor = palloc(barq_bm25_cursor_bytes(body->nfields));
	bool		found;

	if (term->prefix && term->weight == 0)
	{
		Expansions	all = {0};

		barq_bm25_expand(body->view, term->text.text, term->text.length, term->fields,
						 PG_UINT32_MAX, add_expansion, &all);
		found = barq_bm25_cursor_open_pooled(cursor, body, all.terms, all.n, most);
	}
	else if (term->prefix)
		found = barq_bm25_cursor_open_pooled(cursor, body, term->expansions,
											 term->nexpansions, most);
	else
		found = barq_bm25_cursor_open(cursor, body, &term->text);
	if (found)
	{
		if (body->nfields > 1 && term->fields != barq_bm25_every_field(body->nfields))
			barq_bm25_cursor_limit_fields(cursor, term->fields);
		return cursor;
	}
	pfree(cursor);
	return NULL;
}

/* ---- terms by offset and variant ---- */

/* The first term behind term i that has another offset; of a word: none. */
static inline uint32
next_offset(const BarqBm25Condition *spec, uint32 i)
{
	uint32		next = i + 1;

	if (!spec->phrase)
		return spec->nterms;
	while (next < spec->nterms && spec->offsets[next] == spec->offsets[i])
		next++;
	return next;
}

/* The first term behind term i, before `end`, that is of another variant. */
static inline uint32
next_variant(const BarqBm25Condition *spec, uint32 i, uint32 end)
{
	uint32		next = i + 1;

	while (spec->variants != NULL && next < end && spec->variants[next] == spec->variants[i])
		next++;
	return next;
}

bool
barq_bm25_words_held(const BarqBm25Condition *spec, const uint32 *counts)
{
	for (uint32 i = 0, end; i < spec->nterms; i = end)
	{
		bool		any = false;

		end = next_offset(spec, i);
		for (uint32 j = i, next; j < end && !any; j = next)
		{
			next = next_variant(spec, j, end);
			for (any = true; j < next && any; j++)
				any = counts[j] > 0;
		}
		if (!any)
			return false;
	}
	return spec->nterms > 0;
}

/* Whether an ascending list has a position. */
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

/* Whether all terms of one of the variants among terms [from, end) have a position. */
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

/* Upper bound of the rows that hold, for each offset, one of its terms. */
static uint64
count_rows(const Condition *c)
{
	uint64		rows = 0;

	for (uint32 i = 0, end; i < c->spec->nterms; i = end)
	{
		uint64		here = 0;

		end = next_offset(c->spec, i);
		for (uint32 j = i; j < end; j++)
			if (c->cursors[j] != NULL)
				here += c->cursors[j]->df;
		rows = i == 0 ? here : Min(rows, here);
	}
	return rows;
}

/* Open a condition of terms: cursors and scratch arrays. */
static void
open_terms(Bm25Conditions *all, Condition *c)
{
	const BarqBm25Condition *spec = c->spec;
	uint32		n = Max(spec->nterms, 1);

	c->cursors = palloc(sizeof(Bm25Cursor *) * n);
	c->positions = all->body->positions;
	c->nfields = all->body->nfields;
	for (uint32 i = 0; i < spec->nterms; i++)
	{
		const BarqBm25Term *term = &all->query->terms[spec->terms[i]];

		c->cursors[i] = barq_bm25_open_term(all->body, term, BM25_MEMBERS);
		c->positions &= !term->prefix;
	}
	if (spec->phrase || spec->variants != NULL)
		c->counts = palloc0(sizeof(uint32) * n);
	if (spec->phrase)
		c->lists = palloc0(sizeof(uint32 *) * n);
	c->rows = count_rows(c);
}

/* Rows that a condition lets through as one of several. */
static uint64
rows_of(const Condition *c, uint64 rows)
{
	return c->spec->occur == BARQ_MUST_NOT ? rows : c->rows;
}

/* A condition and the rows that it lets through, to be sorted by them. */
typedef struct Lead
{
	uint64		rows;
	Condition  *condition;
} Lead;

/* qsort comparator of Lead: fewest rows first. */
static int
compare_leads(const void *a, const void *b)
{
	uint64		x = ((const Lead *) a)->rows;
	uint64		y = ((const Lead *) b)->rows;

	return x < y ? -1 : x > y;
}

/*
 * Choose the conditions below a SOME by which rows are found: a row for which `least` of n
 * hold is let through by any n - least + 1 of them. Those with the fewest rows; all of them
 * for one of which one suffices.
 */
static void
choose_leads(Condition *c, uint64 rows)
{
	uint32		leads = c->spec->least > 1 && c->spec->least <= c->n ?
		c->n - c->spec->least + 1 : c->n;
	Lead	   *order = palloc_extended(sizeof(Lead) * (Size) Max(c->n, 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < c->n; i++)
		order[i] = (Lead) {rows_of(&c->conditions[i], rows), &c->conditions[i]};
	if (leads < c->n)
		qsort(order, c->n, sizeof(Lead), compare_leads);
	for (uint32 i = 0; i < leads; i++)
		order[i].condition->leads = true;
	pfree(order);
}

/* Open a condition and those below it. */
static void
open_condition(Bm25Conditions *all, Condition *c, const BarqBm25Condition *spec)
{
	uint64		rows = all->body->view->rows;
	uint64		sum = 0;

	barq_check_interrupts();
	c->spec = spec;
	if (spec->kind == BARQ_BM25_TERMS)
	{
		open_terms(all, c);
		return;
	}
	c->n = spec->nconditions;
	c->conditions = palloc0(sizeof(Condition) * Max(c->n, 1));
	for (uint32 i = 0; i < c->n; i++)
	{
		Condition  *child = &c->conditions[i];

		open_condition(all, child, &spec->conditions[i]);
		sum += rows_of(child, rows);
		if (child->spec->occur == BARQ_MUST &&
			(c->leader == NULL || child->rows < c->leader->rows))
			c->leader = child;
	}
	if (spec->kind == BARQ_BM25_SOME)
	{
		/* each row is counted by as many as have to hold */
		c->rows = Min(sum / Max(spec->least, 1), rows);
		choose_leads(c, rows);
	}
	else
		c->rows = c->leader != NULL ? c->leader->rows : rows;
}

/* Open the cursors that next_row() uses for a required condition. */
static void
open_lead(Condition *c)
{
	const BarqBm25Condition *spec = c->spec;

	if (spec->kind == BARQ_BM25_TERMS)
	{
		/* rows of a phrase are found by the terms at its first offset */
		uint32		end = spec->nterms > 0 ? next_offset(spec, 0) : 0;
		uint32		nlead = 0;

		for (uint32 i = 0; i < end; i++)
			if (c->cursors[i] != NULL)
				nlead += Max(c->cursors[i]->nmembers, 1);
		c->lead = palloc(sizeof(Bm25Cursor *) * Max(nlead, 1));
		for (uint32 i = 0; i < end; i++)
		{
			Bm25Cursor *cursor = c->cursors[i];

			for (uint32 j = 0; cursor != NULL && j < Max(cursor->nmembers, 1); j++)
				c->lead[c->nlead++] = barq_bm25_cursor_copy(cursor->nmembers == 0 ? cursor :
															cursor->members[j]);
		}
	}
	else if (spec->kind == BARQ_BM25_SOME)
	{
		for (uint32 i = 0; i < c->n; i++)
			if (c->conditions[i].leads && c->conditions[i].spec->occur == BARQ_MUST)
				open_lead(&c->conditions[i]);
	}
	else if (c->leader != NULL)
		open_lead(c->leader);
}

Bm25Conditions *
barq_bm25_conditions_open(const Bm25Body *body, const BarqBm25Query *query, bool *no_rows)
{
	Bm25Conditions *all = palloc0(sizeof(Bm25Conditions));

	all->body = body;
	all->query = query;
	all->spec = (BarqBm25Condition) {
		.occur = BARQ_MUST,
		.kind = BARQ_BM25_ALL,
		.nconditions = query->nconditions,
		.conditions = query->conditions
	};
	open_condition(all, &all->all, &all->spec);
	*no_rows = all->all.leader != NULL && all->all.leader->rows == 0;
	if (!*no_rows)
		open_lead(&all->all);
	return all;
}

uint64
barq_bm25_conditions_rows(const Bm25Conditions *all)
{
	return all->all.rows;
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
		const BarqBm25Condition *spec = all->all.conditions[i].spec;

		if (spec->occur != BARQ_MUST || spec->kind != BARQ_BM25_TERMS)
			continue;

		/* required are the terms that are alone at their offset */
		for (uint32 j = 0, end; j < spec->nterms; j = end)
		{
			end = next_offset(spec, j);
			if (end > j + 1)
				continue;
			required[spec->terms[j]] = true;
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

		c->settled = c->spec->occur == BARQ_MUST && c->spec->kind == BARQ_BM25_TERMS &&
			!c->spec->phrase && c->spec->nterms == 1 &&
			(c->cursors[0] == NULL || c->cursors[0]->fields == 0);
	}
}

Bm25Cursor *
barq_bm25_conditions_lead_alone(Bm25Conditions *all)
{
	Condition  *leader = all->all.leader;

	if (leader == NULL || leader->spec->kind != BARQ_BM25_TERMS || leader->counts != NULL)
		return NULL;

	/* a row that holds a term may hold it in other fields only */
	for (uint32 i = 0; i < leader->spec->nterms; i++)
		if (leader->cursors[i] != NULL && leader->cursors[i]->fields != 0)
			return NULL;
	if (all->all.n == 1 && leader->nlead == 1 && all->query->not_null == 0)
		return leader->lead[0];
	leader->settled = true;
	return NULL;
}

/* ---- rows ---- */

/*
 * The first row from `row` on that may satisfy a required condition; rows behind
 * the last one count as well. BM25_NO_ROW: none.
 */
static uint32
next_row(Condition *c, uint32 row)
{
	uint32		next = BM25_NO_ROW;

	switch (c->spec->kind)
	{
		case BARQ_BM25_TERMS:
			for (uint32 i = 0; i < c->nlead; i++)
				next = Min(next, barq_bm25_cursor_seek(c->lead[i], row));
			return next;
		case BARQ_BM25_SOME:
			for (uint32 i = 0; i < c->n && next > row; i++)
				if (c->conditions[i].leads)
					next = Min(next, c->conditions[i].spec->occur == BARQ_MUST_NOT ? row :
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

/* Does a row hold a cursor's term (NULL: no row does) in one of its fields? */
static inline bool
holds_row(Bm25Cursor *cursor, uint32 row)
{
	return cursor != NULL && barq_bm25_cursor_seek(cursor, row) == row &&
		barq_bm25_cursor_counts(cursor);
}

/*
 * Does a phrase occur in one of the fields of a row? The terms with a count hold it.
 * Overwrites c->counts and c->lists.
 */
static bool
phrase_in_fields(Condition *c)
{
	const BarqBm25Condition *spec = c->spec;
	uint32		nfields = 0;
	bool	   *held = palloc(sizeof(bool) * Max(spec->nterms, 1));
	const uint32 **starts = palloc(sizeof(uint32 *) * Max(spec->nterms, 1));
	bool		fits = false;

	for (uint32 i = 0; i < spec->nterms; i++)
	{
		held[i] = c->counts[i] > 0;
		if (!held[i])
			continue;
		nfields = c->cursors[i]->nfields;
		starts[i] = barq_bm25_cursor_positions(c->cursors[i]);
	}
	for (uint32 f = 0; f < nfields && !fits; f++)
	{
		for (uint32 i = 0; i < spec->nterms; i++)
		{
			const Bm25Cursor *cursor = c->cursors[i];
			uint32		here = !held[i] ? 0 : cursor->field_frequencies[f][cursor->at];

			c->lists[i] = held[i] ? starts[i] : NULL;
			if (held[i])
				starts[i] += here;
			c->counts[i] = held[i] && barq_bm25_has_field(cursor->fields, f) ? here : 0;
		}
		fits = barq_bm25_words_held(spec, c->counts) &&
			barq_bm25_phrase_fits(spec, c->lists, c->counts);
	}
	pfree(held);
	pfree(starts);
	return fits;
}

/*
 * Does a row satisfy a word or phrase? Moves its cursors, overwrites c->counts and
 * c->lists. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
static Bm25Truth
terms_hold(Condition *c, uint32 row)
{
	const BarqBm25Condition *spec = c->spec;
	bool		any = false;

	if (c->counts == NULL)
	{
		for (uint32 i = 0; i < spec->nterms && !any; i++)
			any = holds_row(c->cursors[i], row);
		return any ? BM25_YES : BM25_NO;
	}
	for (uint32 i = 0, end; i < spec->nterms; i = end)
	{
		any = false;
		end = next_offset(spec, i);
		for (uint32 j = i; j < end; j++)
		{
			c->counts[j] = holds_row(c->cursors[j], row);
			any |= c->counts[j] > 0;
		}
		if (!any)
			return BM25_NO;
	}
	if (spec->variants != NULL && !barq_bm25_words_held(spec, c->counts))
		return BM25_NO;
	if (!spec->phrase || spec->nterms == 0 ||
		spec->offsets[spec->nterms - 1] == spec->offsets[0])
		return spec->nterms > 0 ? BM25_YES : BM25_NO;
	if (!c->positions)
		return BM25_UNSURE;
	if (c->nfields > 1)
		return phrase_in_fields(c) ? BM25_YES : BM25_NO;
	for (uint32 i = 0; i < spec->nterms; i++)
	{
		if (c->counts[i] == 0)
			continue;
		c->counts[i] = barq_bm25_cursor_frequency(c->cursors[i]);
		c->lists[i] = barq_bm25_cursor_positions(c->cursors[i]);
	}
	return barq_bm25_phrase_fits(spec, c->lists, c->counts) ? BM25_YES : BM25_NO;
}

/*
 * Does a row satisfy a condition, its occur aside? Moves the cursors of its terms.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
static Bm25Truth
condition_holds(Condition *c, uint32 row)
{
	bool		all = c->spec->kind == BARQ_BM25_ALL;
	Bm25Some	some = barq_bm25_some(c->spec);
	Bm25Truth	holds = BM25_YES;
	bool		decided = false;

	if (c->spec->kind == BARQ_BM25_TERMS)
		return terms_hold(c, row);
	for (uint32 i = 0; i < c->n && !decided; i++)
	{
		Condition  *child = &c->conditions[i];
		Bm25Truth	here;

		/* only conditions that all have to hold are settled */
		if (child->settled)
			continue;
		here = barq_bm25_apply_occur(child->spec->occur, condition_holds(child, row));
		holds = Min(holds, here);
		decided = all ? holds == BM25_NO : barq_bm25_some_count(&some, here);
	}
	return all ? holds : barq_bm25_some_holds(&some);
}

/* Set all cursors back to the start: they only move forward by themselves. */
static void
rewind_cursors(Condition *c)
{
	for (uint32 i = 0; i < c->n; i++)
		rewind_cursors(&c->conditions[i]);
	for (uint32 i = 0; c->cursors != NULL && i < c->spec->nterms; i++)
		if (c->cursors[i] != NULL)
			barq_bm25_cursor_restart(c->cursors[i]);
}

bool
barq_bm25_conditions_hold(Bm25Conditions *all, uint32 row, bool *recheck)
{
	Bm25Truth	holds;

	Assert(row < all->body->view->rows);
	if (row < all->last_row)
		rewind_cursors(&all->all);
	all->last_row = row;
	for (uint32 f = 0; all->query->not_null >> f != 0; f++)
		if ((all->query->not_null >> f & 1) != 0 &&
			barq_bm25_field_length(all->body, f, row) == 0)
			return false;
	holds = condition_holds(&all->all, row);
	if (holds == BM25_UNSURE)
		*recheck = true;
	return holds != BM25_NO;
}
