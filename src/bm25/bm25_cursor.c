/*
 * bm25_cursor.c
 *	  Postings of a term in row order, block by block: rows are unpacked when a
 *	  block is entered, frequencies and positions when they are asked for.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"
#include "store/interrupts.h"
#include "utils/memutils.h"

void
barq_bm25_cursor_rewind(Bm25Cursor *cursor)
{
	cursor->block = 0;
	cursor->loaded = BM25_NO_ROW;
	cursor->bound_block = BM25_NO_ROW;
	cursor->n = cursor->at = 0;
}

void
barq_bm25_cursor_open_entry(Bm25Cursor *cursor, const Bm25Body *body,
							const Bm25Entry *entry)
{
	BarqView   *view = body->view;

	memset(cursor, 0, offsetof(Bm25Cursor, rows));
	cursor->positions = NULL;
	cursor->position_space = 0;
	cursor->weight = cursor->bound = 0;
	cursor->body = body;
	cursor->df = entry->df;
	cursor->maxima = entry->maxima;
	cursor->nblocks = (entry->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	if (cursor->nblocks == 1)
	{
		Bm25Skip   *skip = palloc0(sizeof(Bm25Skip));
		const uint8 *bits;

		if (entry->record_bytes < 2)
			barq_bm25_corrupt("postings are too short");
		bits = barq_view_read(view, entry->record, 2);
		skip->last_row = BM25_NO_ROW - 1;	/* not known, and not needed */
		skip->row_bits = bits[0];
		skip->frequency_bits = bits[1];
		skip->maxima = entry->maxima;
		cursor->skips = skip;
		cursor->blocks_off = entry->record + 2;
		cursor->blocks_end = entry->record + entry->record_bytes;
	}
	else
	{
		Size		bytes = cursor->nblocks * sizeof(Bm25Skip);
		const void *table;

		cursor->blocks_off = TYPEALIGN64(8, entry->record);
		if (entry->record_bytes < bytes + (cursor->blocks_off - entry->record) ||
			(entry->record + entry->record_bytes) % 8 != 0)
			barq_bm25_corrupt("postings are too short for their table of blocks");
		cursor->blocks_end = entry->record + entry->record_bytes - bytes;
		table = barq_view_read(view, cursor->blocks_end, bytes);
		if (view->base == NULL)
			table = memcpy(palloc_extended(bytes, MCXT_ALLOC_HUGE), table, bytes);
		cursor->skips = table;
	}
	barq_bm25_cursor_rewind(cursor);
}

void
barq_bm25_cursor_load(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->block];
	uint32		rows = cursor->body->view->rows;
	uint32		n = cursor->block + 1 < cursor->nblocks ? BARQ_BM25_BLOCK :
		cursor->df - cursor->block * BARQ_BM25_BLOCK;
	uint64		row = cursor->block == 0 ? 0 :
		(uint64) cursor->skips[cursor->block - 1].last_row + 1;

	cursor->n = n;
	cursor->at = 0;
	cursor->loaded = cursor->block;
	cursor->rows[n] = BM25_NO_ROW;
	if (cursor->pool_rows != NULL)
	{
		memcpy(cursor->rows, cursor->pool_rows + (Size) cursor->block * BARQ_BM25_BLOCK,
			   n * sizeof(uint32));
		memcpy(cursor->frequencies,
			   cursor->pool_frequencies + (Size) cursor->block * BARQ_BM25_BLOCK,
			   n * sizeof(uint32));
		cursor->has_frequencies = true;
		return;
	}

	if (skip->row_bits > 32 || skip->frequency_bits > 32 ||
		skip->offset + barq_pack_bytes(n, skip->row_bits) +
		barq_pack_bytes(n, skip->frequency_bits) >
		cursor->blocks_end - cursor->blocks_off)
		barq_bm25_corrupt("a block of postings lies outside of them");
	barq_unpack(barq_view_read(cursor->body->view, cursor->blocks_off + skip->offset,
							   barq_pack_bytes(n, skip->row_bits)),
				n, skip->row_bits, cursor->rows);
	for (uint32 i = 0; i < n; i++)
	{
		row += cursor->rows[i];
		cursor->rows[i] = (uint32) row;
		row++;
	}
	if (row > rows)
		barq_bm25_corrupt("postings name rows that do not exist");
	cursor->has_frequencies = false;
}

void
barq_bm25_cursor_frequencies(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];

	barq_unpack(barq_view_read(cursor->body->view,
							   cursor->blocks_off + skip->offset +
							   barq_pack_bytes(cursor->n, skip->row_bits),
							   barq_pack_bytes(cursor->n, skip->frequency_bits)),
				cursor->n, skip->frequency_bits, cursor->frequencies);
	for (uint32 i = 0; i < cursor->n; i++)
		cursor->frequencies[i]++;
	cursor->has_frequencies = true;
}

const uint32 *
barq_bm25_cursor_positions(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];
	uint32		frequency = barq_bm25_cursor_frequency(cursor);
	uint64		from = cursor->blocks_off + skip->offset +
		barq_pack_bytes(cursor->n, skip->row_bits) +
		barq_pack_bytes(cursor->n, skip->frequency_bits);
	uint64		to = cursor->loaded + 1 < cursor->nblocks ?
		cursor->blocks_off + cursor->skips[cursor->loaded + 1].offset : cursor->blocks_end;
	const uint8 *at;
	const uint8 *end;
	uint64		skipped = 0;
	uint64		position = 0;

	Assert(cursor->pool_rows == NULL && cursor->body->positions);
	if (to < from || to > cursor->blocks_end)
		barq_bm25_corrupt("positions lie outside of the postings");
	at = barq_view_read(cursor->body->view, from, to - from);
	end = at + (to - from);
	if (cursor->position_space < frequency)
	{
		cursor->position_space = Max(frequency, 64);
		cursor->positions = palloc_extended(sizeof(uint32) * (Size) cursor->position_space,
											MCXT_ALLOC_HUGE);
	}
	for (uint32 i = 0; i < cursor->at; i++)
		skipped += cursor->frequencies[i];
	for (; skipped > 0 && at < end; at++)
		skipped -= *at < 0x80;
	for (uint32 i = 0; i < frequency; i++)
	{
		uint64		delta;

		at = barq_varint_get(at, end, &delta);
		if (at == NULL)
			barq_bm25_corrupt("positions end too early");
		position += delta;
		cursor->positions[i] = (uint32) position;
	}
	return cursor->positions;
}

/* ---- several terms as one ---- */

typedef struct PooledPosting
{
	uint32		row;
	uint32		frequency;
} PooledPosting;

static void
merge_postings(const PooledPosting *a, Size na, const PooledPosting *b, Size nb,
			   PooledPosting *out, Size *nout)
{
	Size		n = 0;

	while (na > 0 || nb > 0)
	{
		if (nb == 0 || (na > 0 && a->row < b->row))
		{
			out[n++] = *a++;
			na--;
		}
		else if (na == 0 || b->row < a->row)
		{
			out[n++] = *b++;
			nb--;
		}
		else
		{
			out[n] = *a++;
			out[n].frequency = (uint32) Min((uint64) out[n].frequency + b->frequency,
											PG_UINT32_MAX);
			n++;
			b++;
			na--;
			nb--;
		}
	}
	*nout = n;
}

/*
 * Decode the postings of all terms and merge them pairwise, so that each is
 * looked at log(terms) times; then cut them into blocks as if they were one
 * term's.
 */
static bool
open_pooled(Bm25Cursor *cursor, const Bm25Body *body, const BarqBm25Text *terms,
			uint32 nterms)
{
	PooledPosting **lists = palloc(sizeof(PooledPosting *) * Max(nterms, 1));
	Size	   *counts = palloc(sizeof(Size) * Max(nterms, 1));
	uint32		n = 0;
	uint32	   *rows;
	uint32	   *frequencies;
	Bm25Skip   *skips;
	Size		df;

	for (uint32 i = 0; i < nterms; i++)
	{
		Bm25Entry	entry;
		Bm25Cursor	one;
		Size		m = 0;

		barq_check_interrupts();
		if (!barq_bm25_find(body, terms[i].text, terms[i].length, &entry))
			continue;
		barq_bm25_cursor_open_entry(&one, body, &entry);
		lists[n] = palloc_extended(sizeof(PooledPosting) * (Size) entry.df, MCXT_ALLOC_HUGE);
		for (one.block = 0; one.block < one.nblocks; one.block++)
		{
			barq_bm25_cursor_load(&one);
			barq_bm25_cursor_frequencies(&one);
			for (uint32 j = 0; j < one.n; j++)
			{
				lists[n][m].row = one.rows[j];
				lists[n][m++].frequency = one.frequencies[j];
			}
		}
		counts[n++] = m;
	}
	if (n == 0)
		return false;
	while (n > 1)
	{
		uint32		left = 0;

		for (uint32 i = 0; i < n; i += 2)
		{
			barq_check_interrupts();
			if (i + 1 == n)
			{
				lists[left] = lists[i];
				counts[left++] = counts[i];
			}
			else
			{
				PooledPosting *both = palloc_extended(sizeof(PooledPosting) *
													  (counts[i] + counts[i + 1]),
													  MCXT_ALLOC_HUGE);

				merge_postings(lists[i], counts[i], lists[i + 1], counts[i + 1],
							   both, &df);
				pfree(lists[i]);
				pfree(lists[i + 1]);
				lists[left] = both;
				counts[left++] = df;
			}
		}
		n = left;
	}

	df = counts[0];
	memset(cursor, 0, offsetof(Bm25Cursor, rows));
	cursor->positions = NULL;
	cursor->weight = cursor->bound = 0;
	cursor->body = body;
	cursor->df = (uint32) df;
	cursor->nblocks = (cursor->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	rows = palloc_extended(sizeof(uint32) * df, MCXT_ALLOC_HUGE);
	frequencies = palloc_extended(sizeof(uint32) * df, MCXT_ALLOC_HUGE);
	skips = palloc_extended(sizeof(Bm25Skip) * (Size) cursor->nblocks,
							MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (Size i = 0; i < df; i++)
	{
		Bm25Skip   *skip = &skips[i / BARQ_BM25_BLOCK];

		rows[i] = lists[0][i].row;
		frequencies[i] = lists[0][i].frequency;
		skip->last_row = rows[i];
		barq_bm25_maxima_add(&skip->maxima, frequencies[i], barq_bm25_length(body, rows[i]));
	}
	pfree(lists[0]);
	for (uint32 i = 0; i < cursor->nblocks; i++)
		barq_bm25_maxima_merge(&cursor->maxima, &skips[i].maxima);
	cursor->pool_rows = rows;
	cursor->pool_frequencies = frequencies;
	cursor->skips = skips;
	barq_bm25_cursor_rewind(cursor);
	return true;
}

bool
barq_bm25_cursor_open(Bm25Cursor *cursor, const Bm25Body *body,
					  const BarqBm25Text *terms, uint32 nterms, bool pooled)
{
	Bm25Entry	entry;

	if (pooled)
		return open_pooled(cursor, body, terms, nterms);
	if (!barq_bm25_find(body, terms[0].text, terms[0].length, &entry))
		return false;
	barq_bm25_cursor_open_entry(cursor, body, &entry);
	return true;
}
