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
	for (uint32 i = 0; i < cursor->nmembers; i++)
		barq_bm25_cursor_rewind(cursor->members[i]);
}

void
barq_bm25_cursor_restart(Bm25Cursor *cursor)
{
	cursor->block = cursor->at = 0;
	if (cursor->nmembers > 0)
		cursor->loaded = BM25_NO_ROW;
	for (uint32 i = 0; i < cursor->nmembers; i++)
		barq_bm25_cursor_restart(cursor->members[i]);
}

void
barq_bm25_cursor_init(Bm25Cursor *cursor, const Bm25Body *body)
{
	/* not the arrays, which are large and are written before they are read */
	memset(cursor, 0, offsetof(Bm25Cursor, rows));
	cursor->body = body;
	cursor->nfields = body->nfields;
	cursor->position_copy = NULL;
	cursor->position_copy_space = 0;
	cursor->positions = NULL;
	cursor->position_space = 0;
	cursor->weight = 0;
}

Bm25Cursor *
barq_bm25_cursor_copy(const Bm25Cursor *cursor)
{
	Size		bytes = barq_bm25_cursor_bytes(cursor->nfields);
	Bm25Cursor *copy = palloc(bytes);

	memcpy(copy, cursor, bytes);
	if (cursor->skips == &cursor->single)
		copy->skips = &copy->single;
	if (cursor->nfields > 1 && cursor->field_skips == cursor->single_fields)
		copy->field_skips = copy->single_fields;
	copy->position_copy = NULL;
	copy->position_copy_space = 0;
	copy->positions = NULL;
	copy->position_space = 0;
	if (cursor->nmembers > 0)
		copy->members = palloc(sizeof(Bm25Cursor *) * cursor->nmembers);
	for (uint32 i = 0; i < cursor->nmembers; i++)
		copy->members[i] = barq_bm25_cursor_copy(cursor->members[i]);
	barq_bm25_cursor_rewind(copy);
	return copy;
}

/* Set the members of a cursor that a body of several fields has; the others are set. */
static void
open_fields(Bm25Cursor *cursor, const Bm25Entry *entry, const uint8 *bits)
{
	uint32		more = cursor->nfields - 1;

	memcpy(cursor->field_maxima, entry->field_maxima, more * sizeof(Bm25Maxima));
	if (cursor->nblocks > 1)
		return;
	memset(cursor->single_fields, 0, more * sizeof(Bm25FieldSkip));
	for (uint32 i = 0; i < more; i++)
	{
		cursor->single_fields[i].frequency_bits = bits[i + 1];
		cursor->single_fields[i].maxima = entry->field_maxima[i];
	}
	cursor->field_skips = cursor->single_fields;
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
		uint32		head = 1 + body->nfields;	/* widths of rows and frequencies */
		const uint8 *bits;

		if (entry->record_bytes < head)
			barq_bm25_corrupted("postings are too short");
		bits = barq_view_read(view, entry->record, head);
		memset(skip, 0, sizeof(*skip));
		skip->last_row = BM25_NO_ROW - 1;	/* unknown until it is decoded */
		skip->row_bits = bits[0];
		skip->frequency_bits = bits[1];
		skip->maxima = entry->maxima;
		cursor->skips = skip;
		cursor->blocks_off = entry->record + head;
		cursor->blocks_end = entry->record + entry->record_bytes;
		if (body->nfields > 1)
			open_fields(cursor, entry, bits + 1);
	}
	else
	{
		Size		skips = cursor->nblocks * sizeof(Bm25Skip);
		Size		bytes = skips + cursor->nblocks * (body->nfields - 1) * sizeof(Bm25FieldSkip);
		const char *table;

		cursor->blocks_off = TYPEALIGN64(8, entry->record);
		if (entry->record_bytes < bytes + (cursor->blocks_off - entry->record) ||
			(entry->record + entry->record_bytes) % 8 != 0)
			barq_bm25_corrupted("postings are too short for their table of blocks");
		cursor->blocks_end = entry->record + entry->record_bytes - bytes;
		table = barq_view_read(view, cursor->blocks_end, bytes);
		if (view->base == NULL)
			table = memcpy(palloc_extended(bytes, MCXT_ALLOC_HUGE), table, bytes);
		cursor->skips = (const Bm25Skip *) table;
		if (body->nfields > 1)
		{
			cursor->field_skips = (const Bm25FieldSkip *) (table + skips);
			open_fields(cursor, entry, NULL);
		}
	}
	barq_bm25_cursor_rewind(cursor);
}

/*
 * Bytes of the packed frequencies of n postings of the current block, which is the decoded
 * one or is about to be. ERRCODE_INDEX_CORRUPTED for impossible widths.
 */
static Size
frequency_bytes(const Bm25Cursor *cursor, uint32 n)
{
	Size		bytes = barq_pack_bytes(n, cursor->skips[cursor->loaded].frequency_bits);

	for (uint32 i = 1; i < cursor->nfields; i++)
	{
		uint8		bits = barq_bm25_field_skip(cursor, cursor->loaded, i)->frequency_bits;

		if (bits > 32)
			barq_bm25_corrupted("a width of frequencies is impossible");
		bytes += barq_pack_bytes(n, bits);
	}
	return bytes;
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
		for (uint32 i = 0; cursor->pool_fields != NULL && i < n; i++)
			for (uint32 f = 0; f < cursor->nfields; f++)
				cursor->field_frequencies[f][i] =
					cursor->pool_fields[((Size) cursor->block * BARQ_BM25_BLOCK + i) * cursor->nfields + f];
		cursor->has_frequencies = true;
		return;
	}

	if (skip->row_bits > 32 || skip->frequency_bits > 32 ||
		skip->offset + barq_pack_bytes(n, skip->row_bits) + frequency_bytes(cursor, n) >
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

/* barq_bm25_cursor_frequencies() of a body of several fields. */
static void
load_field_frequencies(Bm25Cursor *cursor)
{
	const Bm25Skip *skip = &cursor->skips[cursor->loaded];
	uint64		from = cursor->blocks_off + skip->offset + barq_pack_bytes(cursor->n, skip->row_bits);

	for (uint32 f = 0; f < cursor->nfields; f++)
	{
		uint8		bits = f == 0 ? skip->frequency_bits :
			barq_bm25_field_skip(cursor, cursor->loaded, f)->frequency_bits;
		Size		bytes = barq_pack_bytes(cursor->n, bits);
		uint32	   *frequencies = cursor->field_frequencies[f];

		barq_unpack(barq_view_read(cursor->body->view, from, bytes), cursor->n, bits, frequencies);
		from += bytes;
		if (f == 0)
			memcpy(cursor->frequencies, frequencies, cursor->n * sizeof(uint32));
		else
			for (uint32 i = 0; i < cursor->n; i++)
				cursor->frequencies[i] += frequencies[i];
		if (unlikely(bits > 28))
			for (uint32 i = 0; i < cursor->n; i++)
				if (frequencies[i] > PG_INT32_MAX / BARQ_BM25_FIELDS)
					barq_bm25_corrupted("a frequency is too large");
	}
	cursor->has_frequencies = true;
}

void
barq_bm25_cursor_frequencies(Bm25Cursor *cursor)
{
	const Bm25Skip *skip;

	if (cursor->nmembers > 0)
	{
		barq_bm25_pool_frequencies(cursor);
		return;
	}
	if (cursor->nfields > 1)
	{
		load_field_frequencies(cursor);
		return;
	}
	Assert(cursor->loaded < cursor->nblocks && cursor->pool_rows == NULL);
	skip = &cursor->skips[cursor->loaded];
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
		barq_pack_bytes(cursor->n, skip->row_bits) + frequency_bytes(cursor, cursor->n);
	uint64		to = cursor->loaded + 1 < cursor->nblocks ?
		cursor->blocks_off + cursor->skips[cursor->loaded + 1].offset : cursor->blocks_end;
	Size		bytes;

	Assert(cursor->pool_rows == NULL && cursor->nmembers == 0 && cursor->body->positions);
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
	uint32		field = 0;
	uint32		field_end = cursor->nfields == 1 ? frequency : cursor->field_frequencies[0][cursor->at];

	BARQ_ARRAY_RESERVE(cursor->positions, cursor->position_space, frequency, 64);
	for (uint32 i = 0; i < frequency; i++)
	{
		uint64		delta;

		for (; i == field_end; position = 0)
			field_end += cursor->field_frequencies[++field][cursor->at];

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
