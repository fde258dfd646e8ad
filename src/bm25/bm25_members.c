/*
 * bm25_members.c
 *	  Several terms as one, by a cursor for each: the members of a pool. Nothing is decoded
 *	  but what is read: bm25_prune.c reads the members by themselves, others the pool, row
 *	  after row. And the number of rows that hold any of several terms.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"

#define WINDOW	16384			/* rows in which rows are counted together */

void
barq_bm25_cursor_limit_fields(Bm25Cursor *cursor, uint32 fields)
{
	cursor->fields = barq_bm25_both_fields(cursor->fields, fields);
	for (uint32 i = 0; i < cursor->nmembers; i++)
		barq_bm25_cursor_limit_fields(cursor->members[i], fields);
}

void
barq_bm25_cursor_open_counting(Bm25Cursor *cursor, const Bm25Body *body, const Bm25Entry *entry)
{
	barq_bm25_cursor_open_entry(cursor, body, entry);
	barq_bm25_cursor_limit_fields(cursor, barq_bm25_entry_fields(body, entry));
}

/* qsort comparator of entries: fewest postings first. */
static int
compare_df(const void *a, const void *b)
{
	uint32		x = ((const Bm25Entry *) a)->df;
	uint32		y = ((const Bm25Entry *) b)->df;

	return x < y ? -1 : x > y;
}

void
barq_bm25_pool_open_members(Bm25Cursor *pool, const Bm25Body *body, Bm25Entry *entries,
							uint32 n, uint64 postings)
{
	qsort(entries, n, sizeof(Bm25Entry), compare_df);
	barq_bm25_cursor_init(pool, body);
	pool->df = (uint32) Min(postings, body->view->rows);
	pool->nmembers = n;
	pool->members = palloc(sizeof(Bm25Cursor *) * n);
	for (uint32 i = 0; i < n; i++)
	{
		pool->members[i] = palloc(barq_bm25_cursor_bytes(body->nfields));
		barq_bm25_cursor_open_counting(pool->members[i], body, &entries[i]);

		/* all fields by name: a row of the pool may be one that does not count */
		if (pool->members[i]->fields != 0)
			pool->fields = barq_bm25_every_field(body->nfields);
	}
	barq_bm25_cursor_rewind(pool);
}

uint32
barq_bm25_pool_seek(Bm25Cursor *pool, uint32 row)
{
	uint32		next = BM25_NO_ROW;

	if (pool->loaded == 0 && pool->rows[0] >= row)
		return pool->rows[0];
	for (uint32 i = 0; i < pool->nmembers; i++)
		next = Min(next, barq_bm25_cursor_seek(pool->members[i], row));
	pool->rows[0] = next;
	pool->loaded = 0;
	pool->has_frequencies = false;
	return next;
}

void
barq_bm25_pool_frequencies(Bm25Cursor *pool)
{
	uint32		sums[BARQ_BM25_FIELDS] = {0};
	uint32		total = 0;

	for (uint32 i = 0; i < pool->nmembers; i++)
	{
		Bm25Cursor *member = pool->members[i];

		if (member->block >= member->nblocks || member->rows[member->at] != pool->rows[0])
			continue;
		if (!member->has_frequencies)
			barq_bm25_cursor_frequencies(member);
		barq_bm25_pool_add(member, pool->nfields > 1 ? &member->field_frequencies[0][member->at] :
						   &member->frequencies[member->at],
						   BARQ_BM25_BLOCK, sums);
	}
	for (uint32 f = 0; f < pool->nfields; f++)
	{
		if (pool->nfields > 1)
			pool->field_frequencies[f][0] = sums[f];
		total += sums[f];
	}
	pool->frequencies[0] = total;
	pool->has_frequencies = true;
}

/* ---- counting rows ---- */

/* Whether all postings of a term count in these fields (0: all). */
static bool
all_count(const Bm25Entry *entry, uint32 fields, uint32 nfields)
{
	for (uint32 f = 0; f < nfields && fields != 0; f++)
		if ((fields >> f & 1) != 0 && entry->field_df[f] == entry->df)
			return true;
	return fields == 0;
}

/* Set counts[i] to 1 or 0: whether the i-th posting of the decoded block counts. */
static void
find_counting(Bm25Cursor *cursor, uint8 *counts)
{
	if (!cursor->has_frequencies)
		barq_bm25_cursor_frequencies(cursor);
	memset(counts, 0, BARQ_BM25_BLOCK);
	for (uint32 f = 0; f < cursor->nfields; f++)
		for (uint32 i = 0; i < cursor->n && barq_bm25_has_field(cursor->fields, f); i++)
			counts[i] |= cursor->field_frequencies[f][i] != 0;
}

/*
 * Mark the rows of a cursor's postings before `end` that count in seen[], by row - from;
 * returns how many of them were not. Moves the cursor to its first posting behind them.
 */
static uint32
mark_rows(Bm25Cursor *cursor, uint32 from, uint32 end, uint8 *seen)
{
	uint8		counts[BARQ_BM25_BLOCK];
	uint32		added = 0;

	while (barq_bm25_cursor_seek(cursor, from) < end)
	{
		uint32		at = cursor->at;

		if (cursor->fields != 0)
			find_counting(cursor, counts);
		else
			memset(counts, 1, sizeof(counts));
		for (; at < cursor->n && cursor->rows[at] < end; at++)
		{
			uint8	   *row = &seen[cursor->rows[at] - from];

			added += counts[at] & (*row ^ 1);
			*row |= counts[at];
		}
		cursor->at = at;
		if (at < cursor->n)
			break;
		cursor->block++;
	}
	return added;
}

uint32
barq_bm25_df_any(BarqView *view, const BarqBm25Text *terms, uint32 nterms, uint32 fields)
{
	Bm25Body	body;
	Bm25Cursor **cursors;
	Bm25Entry  *entries;
	uint64		postings;
	uint8	   *seen;
	uint32		n;
	uint32		df = 0;
	uint32		from = 0;

	barq_bm25_open(&body, view);
	if (body.nfields == 1 || fields == barq_bm25_every_field(body.nfields))
		fields = 0;
	n = barq_bm25_find_all(&body, terms, nterms, &entries, &postings);
	cursors = palloc(sizeof(Bm25Cursor *) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		uint32		asked = barq_bm25_both_fields(fields, barq_bm25_entry_fields(&body, &entries[i]));
		bool		all = all_count(&entries[i], asked, body.nfields);

		if (n == 1 && all)
			return entries[i].df;
		cursors[i] = palloc(barq_bm25_cursor_bytes(body.nfields));
		barq_bm25_cursor_open_entry(cursors[i], &body, &entries[i]);
		cursors[i]->fields = all ? 0 : asked;
	}
	seen = palloc(WINDOW);
	while (n > 0)
	{
		uint32		next = BM25_NO_ROW;

		barq_check_interrupts();
		for (uint32 i = 0; i < n; i++)
			next = Min(next, barq_bm25_cursor_seek(cursors[i], from));
		if (next == BM25_NO_ROW)
			break;
		from = next;
		memset(seen, 0, WINDOW);
		for (uint32 i = 0; i < n; i++)
			df += mark_rows(cursors[i], from, from + Min(WINDOW, view->rows - from), seen);
		from += Min(WINDOW, view->rows - from);
	}
	for (uint32 i = 0; i < n; i++)
		pfree(cursors[i]);
	pfree(cursors);
	pfree(seen);
	pfree(entries);
	return df;
}
