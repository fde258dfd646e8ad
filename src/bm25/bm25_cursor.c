/*
 * bm25_cursor.c
 *	  Postings of one term in row order, block by block: rows are decoded when a
 *	  block is entered, frequencies and positions only when they are needed.
 */
#include "postgres.h"

#include "base/array.h"
#include "bm25/bm25_cursor.h"

void
barq_bm25_cursor_rewind(Bm25Cursor *cursor)
{
	cursor->block = 0;
	cursor->loaded = BM25_NO_ROW;
	cursor->position_block = BM25_NO_ROW;
	cursor->n = cursor->at = 0;
}

void
barq_bm25_cursor_init(Bm25Cursor *cursor, const Bm25Body *body)
{
	/* not the arrays, which are large and are written before they are read */
	memset(cursor, 0, offsetof(Bm25Cursor, rows));
	cursor->body = body;
	cursor->position_copy = NULL;
	cursor->position_copy_space = 0;
	cursor->positions = NULL;
	cursor->position_space = 0;
	cursor->weight = 0;
}

Bm25Cursor *
barq_bm25_cursor_copy(const Bm25Cursor *cursor)
{
	Bm25Cursor *copy = palloc(sizeof(Bm25Cursor));

	memcpy(copy, cursor, sizeof(Bm25Cursor));
	if (cursor->skips == &cursor->single)
		copy->skips = &copy->single;
	copy->position_copy = NULL;
	copy->position_copy_space = 0;
	copy->positions = NULL;
	copy->position_space = 0;
	barq_bm25_cursor_rewind(copy);
	return copy;
}

void
barq_bm25_cursor_open_entry(Bm25Cursor *cursor, const Bm25Body *body,
							const Bm25Entry *entry)
{
	BarqView   *view = body->view;

	barq_bm25_cursor_init(cursor, body);
	cursor->df = entry->df;
	cursor->maxima = entry->maxima;
	cursor->nblocks = (entry->df + BARQ_BM25_BLOCK - 1) / BARQ_BM25_BLOCK;
	if (cursor->nblocks == 1)
	{
		Bm25Skip   *skip = &cursor->single;
		const uint8 *bits;

		if (entry->record_bytes < 2)
			barq_bm25_corrupted("postings are too short");
		bits = barq_view_read(view, entry->record, 2);
		memset(skip, 0, sizeof(*skip));
		skip->last_row = BM25_NO_ROW - 1;	/* unknown until it is decoded */
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
			barq_bm25_corrupted("postings are too short for their table of blocks");
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
	uint32		first = cursor->block == 0 ? 0 : cursor->skips[cursor->block - 1].last_row + 1;

	Assert(cursor->block < cursor->nblocks);
	cursor->n = n;
	cursor->at = 0;
	cursor->loaded = cursor->block;
	memset(cursor->rows + n, 0xff, (BARQ_BM25_BLOCK + 1 - n) * sizeof(uint32));
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
		barq_bm25_corrupted("a block of postings lies outside of the record of its term");
	barq_unpack_rows(barq_view_read(cursor->body->view, cursor->blocks_off + skip->offset,
									barq_pack_bytes(n, skip->row_bits)),
					 n, skip->row_bits, first, cursor->rows);

	/*
	 * Rows of a damaged block must not lead outside of the body. Gaps of up to
	 * 24 bits cannot wrap around within a block, so its ends suffice then.
	 */
	if (skip->row_bits > 24)
	{
		for (uint32 i = 1; i < n; i++)
			if (cursor->rows[i] <= cursor->rows[i - 1])
				barq_bm25_corrupted("rows of postings do not ascend");
	}
	if (first >= rows || cursor->rows[0] < first || cursor->rows[n - 1] < first ||
		cursor->rows[n - 1] >= rows)
		barq_bm25_corrupted("postings name rows that do not exist");
	if (cursor->nblocks > 1 && cursor->rows[n - 1] != skip->last_row)
		barq_bm25_corrupted("the last row of a block of postings differs from the table of blocks");
	cursor->has_frequencies = false;
}

void
barq_bm25_cursor_frequencies(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];

	Assert(cursor->loaded < cursor->nblocks && cursor->pool_rows == NULL);
	barq_unpack(barq_view_read(cursor->body->view,
							   cursor->blocks_off + skip->offset +
							   barq_pack_bytes(cursor->n, skip->row_bits),
							   barq_pack_bytes(cursor->n, skip->frequency_bits)),
				cursor->n, skip->frequency_bits, cursor->frequencies);
	for (uint32 i = 0; i < cursor->n; i++)
		cursor->frequencies[i]++;
	if (unlikely(skip->frequency_bits > 30))
		for (uint32 i = 0; i < cursor->n; i++)
			if (cursor->frequencies[i] == 0 || cursor->frequencies[i] > PG_INT32_MAX)
				barq_bm25_corrupted("a frequency is too large");
	cursor->has_frequencies = true;
}

/* The end of `count` varints; ERRCODE_INDEX_CORRUPTED if they do not end before `end`. */
static const uint8 *
skip_varints(const uint8 *at, const uint8 *end, uint64 count)
{
	/* eight bytes at once: each byte without the top bit ends a varint */
	while (count >= 8 && end - at >= 8)
	{
		uint64		bytes;

		memcpy(&bytes, at, 8);
		count -= __builtin_popcountll(~bytes & UINT64CONST(0x8080808080808080));
		at += 8;
	}
	for (; count > 0 && at < end; at++)
		count -= *at < 0x80;
	if (count > 0)
		barq_bm25_corrupted("positions end too early");
	return at;
}

/* Get the encoded positions of the decoded block; sets all position_* fields. */
static void
load_positions(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];
	BarqView   *view = cursor->body->view;
	uint64		from = cursor->blocks_off + skip->offset +
		barq_pack_bytes(cursor->n, skip->row_bits) +
		barq_pack_bytes(cursor->n, skip->frequency_bits);
	uint64		to = cursor->loaded + 1 < cursor->nblocks ?
		cursor->blocks_off + cursor->skips[cursor->loaded + 1].offset : cursor->blocks_end;
	Size		bytes;

	Assert(cursor->pool_rows == NULL && cursor->body->positions);
	if (to < from || to > cursor->blocks_end)
		barq_bm25_corrupted("positions lie outside of the record of their term");
	bytes = to - from;
	cursor->position_bytes = barq_view_read(view, from, bytes);
	if (view->base == NULL)
	{
		BARQ_ARRAY_RESERVE(cursor->position_copy, cursor->position_copy_space, bytes, 1024);
		cursor->position_bytes = memcpy(cursor->position_copy, cursor->position_bytes, bytes);
	}
	cursor->position_end = cursor->position_bytes + bytes;
	cursor->position_next = cursor->position_bytes;
	cursor->position_at = 0;
	cursor->position_block = cursor->loaded;
}

const uint8 *
barq_bm25_cursor_position_bytes(Bm25Cursor *cursor, uint32 at, uint32 n, Size *bytes)
{
	uint64		before = 0;
	uint64		count = 0;
	const uint8 *start;

	Assert(at + n <= cursor->n);
	if (cursor->position_block != cursor->loaded)
	{
		if (!cursor->has_frequencies)
			barq_bm25_cursor_frequencies(cursor);
		load_positions(cursor);
	}
	if (cursor->position_at > at)
	{
		cursor->position_at = 0;
		cursor->position_next = cursor->position_bytes;
	}
	for (uint32 i = cursor->position_at; i < at; i++)
		before += cursor->frequencies[i];
	for (uint32 i = at; i < at + n; i++)
		count += cursor->frequencies[i];
	start = skip_varints(cursor->position_next, cursor->position_end, before);
	cursor->position_next = skip_varints(start, cursor->position_end, count);
	cursor->position_at = at + n;
	*bytes = cursor->position_next - start;
	return start;
}

const uint32 *
barq_bm25_cursor_positions(Bm25Cursor *cursor)
{
	Size		bytes;
	const uint8 *at = barq_bm25_cursor_position_bytes(cursor, cursor->at, 1, &bytes);
	const uint8 *end = at + bytes;
	uint32		frequency = cursor->frequencies[cursor->at];
	uint64		position = 0;

	BARQ_ARRAY_RESERVE(cursor->positions, cursor->position_space, frequency, 64);
	for (uint32 i = 0; i < frequency; i++)
	{
		uint64		delta;

		at = barq_varint_get(at, end, &delta);
		if (at == NULL)
			barq_bm25_corrupted("a position is too large");
		position += delta;
		cursor->positions[i] = (uint32) position;
	}
	return cursor->positions;
}

bool
barq_bm25_cursor_open(Bm25Cursor *cursor, const Bm25Body *body, const BarqBm25Text *term)
{
	Bm25Entry	entry;

	if (!barq_bm25_find(body, term->text, term->length, &entry))
		return false;
	barq_bm25_cursor_open_entry(cursor, body, &entry);
	return true;
}
