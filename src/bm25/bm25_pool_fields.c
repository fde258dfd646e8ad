/*
 * bm25_pool_fields.c
 *	  Several terms as one in a body of several fields: a row's frequency in a field is
 *	  the sum of theirs.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"

/* One posting of a term: its row, and its place among all that were decoded. */
typedef struct Place
{
	uint32		row;
	Size		at;
} Place;

/* Order of qsort(): by row. */
static int
compare_places(const void *a, const void *b)
{
	uint32		x = ((const Place *) a)->row;
	uint32		y = ((const Place *) b)->row;

	return x < y ? -1 : x > y;
}

/*
 * Decode the postings of all entries: places[] and, nfields for each, frequencies[], which
 * are 0 in fields where the entry does not count. `cursor` is scratch.
 */
static void
decode_all(Bm25Cursor *cursor, const Bm25Body *body, const Bm25Entry *entries, uint32 n,
		   Place *places, uint32 *frequencies)
{
	Size		at = 0;

	for (uint32 i = 0; i < n; i++)
	{
		barq_check_interrupts();
		barq_bm25_cursor_open_entry(cursor, body, &entries[i]);
		for (; cursor->block < cursor->nblocks; cursor->block++)
		{
			barq_bm25_cursor_load(cursor);
			barq_bm25_cursor_frequencies(cursor);
			for (uint32 j = 0; j < cursor->n; j++, at++)
			{
				places[at] = (Place) {cursor->rows[j], at};
				for (uint32 f = 0; f < body->nfields; f++)
					frequencies[at * body->nfields + f] =
						barq_bm25_has_field(entries[i].fields, f) ? cursor->field_frequencies[f][j] : 0;
			}
		}
	}
}

/* Set the cursor's tables of blocks from its pooled postings. */
static void
make_skips(Bm25Cursor *cursor, const Bm25Body *body)
{
	uint32		nfields = body->nfields;
	Bm25Skip   *skips = palloc_extended(sizeof(Bm25Skip) * (Size) cursor->nblocks,
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	Bm25FieldSkip *fields = palloc_extended(sizeof(Bm25FieldSkip) * (Size) cursor->nblocks * (nfields - 1),
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	memset(cursor->field_maxima, 0, (nfields - 1) * sizeof(Bm25Maxima));
	for (uint32 block = 0; block < cursor->nblocks; block++)
	{
		Size		from = (Size) block * BARQ_BM25_BLOCK;
		uint32		count = Min(BARQ_BM25_BLOCK, cursor->df - from);

		barq_check_interrupts();
		skips[block].last_row = cursor->pool_rows[from + count - 1];
		for (uint32 f = 0; f < nfields; f++)
		{
			Bm25Maxima *maxima = f == 0 ? &skips[block].maxima :
				&fields[(Size) block * (nfields - 1) + f - 1].maxima;
			Bm25Maxima *all = f == 0 ? &cursor->maxima : &cursor->field_maxima[f - 1];

			for (Size i = from; i < from + count; i++)
			{
				uint32		frequency = cursor->pool_fields[i * nfields + f];
				uint32		stored;

				if (frequency == 0)
					continue;
				stored = barq_bm25_field_length(body, f, cursor->pool_rows[i]);
				barq_bm25_maxima_add(maxima, frequency, stored == 0 ? 0 : stored - 1);
			}
			barq_bm25_maxima_merge(all, maxima);
		}
	}
	cursor->skips = skips;
	cursor->field_skips = fields;
}

/*
 * Set the totals of n rows from their frequencies by field, and leave out the rows without
 * any. Returns how many stay.
 */
static Size
keep_counting(uint32 *rows, uint32 *totals, uint32 *fields, Size n, uint32 nfields)
{
	Size		kept = 0;

	for (Size i = 0; i < n; i++)
	{
		uint32		total = 0;

		for (uint32 f = 0; f < nfields; f++)
			total += fields[i * nfields + f];
		if (total == 0)
			continue;
		rows[kept] = rows[i];
		memmove(fields + kept * nfields, fields + i * nfields, nfields * sizeof(uint32));
		totals[kept++] = total;
	}
	return kept;
}

bool
barq_bm25_pool_fields(Bm25Cursor *cursor, const Bm25Body *body, const Bm25Entry *entries,
					  uint32 n, uint64 postings)
{
	uint32		nfields = body->nfields;
	Place	   *places = palloc_extended(sizeof(Place) * (Size) postings, MCXT_ALLOC_HUGE);
	uint32	   *decoded = palloc_extended(sizeof(uint32) * (Size) postings * nfields, MCXT_ALLOC_HUGE);
	uint32	   *rows = palloc_extended(sizeof(uint32) * (Size) postings, MCXT_ALLOC_HUGE);
	uint32	   *totals = palloc_extended(sizeof(uint32) * (Size) postings, MCXT_ALLOC_HUGE);
	uint32	   *fields = palloc_extended(sizeof(uint32) * (Size) postings * nfields, MCXT_ALLOC_HUGE);
	Size		count = 0;

	decode_all(cursor, body, entries, n, places, decoded);
	if (n > 1)
		qsort(places, postings, sizeof(Place), compare_places);
	for (Size i = 0; i < postings; i++)
	{
		if (count == 0 || rows[count - 1] != places[i].row)
		{
			rows[count] = places[i].row;
			memset(fields + count * nfields, 0, nfields * sizeof(uint32));
			count++;
		}
		for (uint32 f = 0; f < nfields; f++)
		{
			uint32	   *sum = &fields[(count - 1) * nfields + f];

			*sum = (uint32) Min((uint64) *sum + decoded[places[i].at * nfields + f],
								PG_INT32_MAX / BARQ_BM25_FIELDS);
		}
	}
	pfree(places);
	pfree(decoded);
	count = keep_counting(rows, totals, fields, count, nfields);
	if (count == 0)
		return false;

	barq_bm25_cursor_init(cursor, body);
	cursor->df = (uint32) count;
	cursor->nblocks = (cursor->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	cursor->pool_rows = rows;
	cursor->pool_frequencies = totals;
	cursor->pool_fields = fields;
	make_skips(cursor, body);
	barq_bm25_cursor_rewind(cursor);
	return true;
}
