/*
 * bm25_pool_fields.c
 *	  Several terms as one in a body of several fields: a row's frequency in a field is
 *	  the sum of theirs.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "bm25/bm25_cursor.h"

/*
 * One posting of a term: its row in the upper half, and in the lower its number among all
 * that were decoded. So places in order are rows in order.
 */
typedef uint64 Place;

#define PLACE_ROW(place)	((uint32) ((place) >> 32))
#define PLACE_NUMBER(place)	((uint32) (place))

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
				places[at] = (uint64) cursor->rows[j] << 32 | at;
				for (uint32 f = 0; f < body->nfields; f++)
					frequencies[at * body->nfields + f] =
						barq_bm25_has_field(entries[i].fields, f) ? cursor->field_frequencies[f][j] : 0;
			}
		}
	}
}

/* Merge two runs of places, each in the order of rows, into out[]. */
static void
merge_places(const Place *a, Size na, const Place *b, Size nb, Place *out)
{
	const Place *a_end = a + na;
	const Place *b_end = b + nb;

	while (a < a_end && b < b_end)
	{
		bool		first = *a < *b;

		*out++ = first ? *a : *b;
		a += first;
		b += !first;
	}
	memcpy(out, a, (a_end - a) * sizeof(Place));
	memcpy(out + (a_end - a), b, (b_end - b) * sizeof(Place));
}

/*
 * Put the places of n entries, each of which is in the order of rows, in that order by
 * merging them pairwise. Returns places or a palloc'd array in its stead.
 */
static Place *
sort_places(Place *places, const Bm25Entry *entries, uint32 n, uint64 postings)
{
	Size	   *ends = palloc(sizeof(Size) * n);
	Place	   *other = palloc_extended(sizeof(Place) * (Size) postings, MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < n; i++)
		ends[i] = (i > 0 ? ends[i - 1] : 0) + entries[i].df;
	while (n > 1)
	{
		Place	   *merged = other;
		uint32		left = 0;
		Size		from = 0;

		for (uint32 i = 0; i < n; i += 2)
		{
			Size		middle = ends[i];
			Size		end = i + 1 < n ? ends[i + 1] : middle;

			barq_check_interrupts();
			merge_places(places + from, middle - from, places + middle, end - middle, merged + from);
			ends[left++] = from = end;
		}
		n = left;
		other = places;
		places = merged;
	}
	pfree(other);
	pfree(ends);
	return places;
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
	Place	   *places;
	uint32	   *decoded;
	uint32	   *rows;
	uint32	   *totals;
	uint32	   *fields;
	Size		count = 0;

	if (postings > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the forms of a word of a query occur more than %u times in a segment", PG_UINT32_MAX),
				 errhint("Search for a longer prefix.")));
	places = palloc_extended(sizeof(Place) * (Size) postings, MCXT_ALLOC_HUGE);
	decoded = palloc_extended(sizeof(uint32) * (Size) postings * nfields, MCXT_ALLOC_HUGE);
	rows = palloc_extended(sizeof(uint32) * (Size) postings, MCXT_ALLOC_HUGE);
	totals = palloc_extended(sizeof(uint32) * (Size) postings, MCXT_ALLOC_HUGE);
	fields = palloc_extended(sizeof(uint32) * (Size) postings * nfields, MCXT_ALLOC_HUGE);
	decode_all(cursor, body, entries, n, places, decoded);
	places = sort_places(places, entries, n, postings);
	for (Size i = 0; i < postings; i++)
	{
		const uint32 *added;

		if (count == 0 || rows[count - 1] != PLACE_ROW(places[i]))
		{
			rows[count] = PLACE_ROW(places[i]);
			memset(fields + count * nfields, 0, nfields * sizeof(uint32));
			count++;
		}
		added = decoded + (Size) PLACE_NUMBER(places[i]) * nfields;
		for (uint32 f = 0; f < nfields; f++)
		{
			uint32	   *sum = &fields[(count - 1) * nfields + f];

			*sum = (uint32) Min((uint64) *sum + added[f], PG_INT32_MAX / BARQ_BM25_FIELDS);
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
