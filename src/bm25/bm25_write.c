/*
 * bm25_write.c
 *	  Writing a body: headers, TIDs and lengths first, then term after term, the
 *	  dictionary last. The body writer is sequential, so the dictionary and one
 *	  term's table of blocks are kept in memory until they are written.
 */
#include "postgres.h"

#include "base/array.h"
#include "bm25/bm25_write.h"

/* A growing array of bytes, of more than 1 GB if necessary. */
typedef struct Bytes
{
	uint8	   *data;
	Size		used;
	Size		space;
} Bytes;

struct Bm25Writer
{
	BarqBodyWriter *writer;
	uint32		rows;
	const uint32 *lengths;
	BarqBm25Header header;
	BarqBm25Footer footer;
	bool		positions;

	/* the current term */
	char	   *text;			/* BM25_MAX_TERM bytes */
	uint32		text_length;
	uint32		shared;			/* bytes shared with the previous term */
	uint32		df;
	uint32		last_row;		/* of the blocks written; BM25_NO_ROW: none yet */
	uint64		record;			/* offset of its record */
	uint64		blocks_off;		/* offset of its blocks */
	Bm25Maxima	maxima;
	Bm25Skip   *skips;
	uint32		nskips;
	uint32		skip_space;

	/* its current block */
	uint32		n;
	uint32		block_rows[BARQ_BM25_BLOCK];
	uint32		frequencies[BARQ_BM25_BLOCK];
	uint32		block_lengths[BARQ_BM25_BLOCK];
	Bytes		block_positions;
	uint8		packed[2 * BARQ_BM25_BLOCK * sizeof(uint32)];

	Bytes		dictionary;
	uint64	   *index;			/* start of each block of the dictionary */
	uint64		index_space;
};

/* Make room for `more` further bytes. */
static void
reserve(Bytes *bytes, Size more)
{
	BARQ_ARRAY_RESERVE(bytes->data, bytes->space, bytes->used + more, 1024);
}

static void
append(Bytes *bytes, const void *data, Size length)
{
	if (length == 0)
		return;
	reserve(bytes, length);
	memcpy(bytes->data + bytes->used, data, length);
	bytes->used += length;
}

/* Append a varint. */
static void
append_number(Bytes *bytes, uint64 value)
{
	reserve(bytes, BARQ_MAX_VARINT);
	bytes->used = barq_varint_put(bytes->data + bytes->used, value) - bytes->data;
}

/* Write zeros up to a multiple of `alignment`, which is at most 8. */
static void
pad(Bm25Writer *w, uint64 alignment)
{
	static const char zeros[8] = {0};
	uint64		over = barq_body_offset(w->writer) % alignment;

	if (over > 0)
		barq_body_write(w->writer, zeros, alignment - over);
}

/* Write the lengths of all rows, header.length_width bytes each, and align. */
static void
write_lengths(Bm25Writer *w)
{
	uint32		width = w->header.length_width;

	for (uint32 i = 0; i < w->rows;)
	{
		union
		{
			uint8		one[1024];
			uint16		two[512];
			uint32		four[256];
		}			narrow;
		uint32		n = Min(w->rows - i, sizeof(narrow) / width);

		if (width == 4)
			memcpy(narrow.four, w->lengths + i, n * sizeof(uint32));
		else
			for (uint32 j = 0; j < n; j++)
			{
				if (width == 1)
					narrow.one[j] = (uint8) w->lengths[i + j];
				else
					narrow.two[j] = (uint16) w->lengths[i + j];
			}
		barq_body_write(w->writer, &narrow, (Size) n * width);
		i += n;
	}
	barq_body_align(w->writer);
}

Bm25Writer *
barq_bm25_write_begin(BarqBodyWriter *writer, uint32 rows, const ItemPointerData *tids,
					  const uint32 *lengths, bool positions)
{
	Bm25Writer *w = palloc0(sizeof(Bm25Writer));
	BarqBodyHeader body = {0};
	BarqBm25Header *header = &w->header;

	w->writer = writer;
	w->rows = rows;
	w->lengths = lengths;
	w->positions = positions;
	header->version = BM25_VERSION;
	header->flags = positions ? BM25_POSITIONS : 0;
	for (uint32 i = 0; i < rows; i++)
	{
		header->tokens += lengths[i];
		header->max_length = Max(header->max_length, lengths[i]);
	}
	header->length_width = header->max_length <= PG_UINT8_MAX ? 1 :
		header->max_length <= PG_UINT16_MAX ? 2 : 4;

	body.magic = BARQ_BODY_MAGIC;
	body.version = BARQ_BODY_VERSION;
	body.kind = BARQ_KIND_BM25;
	body.rows = rows;
	body.kind_off = sizeof(BarqBodyHeader);
	body.tids_off = body.kind_off + sizeof(BarqBm25Header);
	header->lengths_off = TYPEALIGN64(BARQ_BODY_ALIGN, body.tids_off +
									  (uint64) rows * sizeof(ItemPointerData));
	header->terms_off = TYPEALIGN64(BARQ_BODY_ALIGN, header->lengths_off +
									(uint64) rows * header->length_width);

	Assert(barq_body_offset(writer) == 0);
	barq_body_write(writer, &body, sizeof(body));
	barq_body_write(writer, header, sizeof(*header));
	barq_body_write(writer, tids, (Size) rows * sizeof(ItemPointerData));
	barq_body_align(writer);
	write_lengths(w);
	Assert(barq_body_offset(writer) == header->terms_off);
	w->text = palloc(BM25_MAX_TERM);
	return w;
}

/*
 * Note the current block, which is written next, in the term's table of blocks.
 * bits: widths of rows and frequencies.
 */
static void
add_skip(Bm25Writer *w, const uint8 *bits, const Bm25Maxima *maxima)
{
	Bm25Skip   *skip;
	uint64		offset;

	if (w->nskips == 0)
	{
		pad(w, 8);
		w->blocks_off = barq_body_offset(w->writer);
	}
	offset = barq_body_offset(w->writer) - w->blocks_off;
	if (offset > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("postings of one term take more than 4 GB in one segment"),
				 errhint("Partition the table, or use WITH (positions = off).")));
	BARQ_ARRAY_RESERVE(w->skips, w->skip_space, w->nskips + 1, 256);
	skip = &w->skips[w->nskips++];
	memset(skip, 0, sizeof(*skip));
	skip->last_row = w->last_row;
	skip->offset = (uint32) offset;
	skip->row_bits = bits[0];
	skip->frequency_bits = bits[1];
	skip->maxima = *maxima;
}

/* Write the current block. `many`: the term has several blocks. */
static void
write_block(Bm25Writer *w, bool many)
{
	int			n = w->n;
	uint8		bits[2];
	Size		row_bytes;
	Size		frequency_bytes;
	Bm25Maxima	maxima = {0};

	for (int i = 0; i < n; i++)
		w->block_lengths[i] = w->lengths[w->block_rows[i]];
	barq_bm25_maxima_add_block(&maxima, w->frequencies, w->block_lengths, n);

	/* for the first row of all, last_row + 1 wraps around to 0 */
	for (int i = 0; i < n; i++)
	{
		uint32		row = w->block_rows[i];

		Assert(row < w->rows && w->frequencies[i] > 0);
		Assert(w->last_row == BM25_NO_ROW || row > w->last_row);
		w->block_rows[i] = row - w->last_row - 1;
		w->last_row = row;
		w->frequencies[i]--;
	}
	bits[0] = barq_pack_width(w->block_rows, n);
	bits[1] = barq_pack_width(w->frequencies, n);
	row_bytes = barq_pack_bytes(n, bits[0]);
	frequency_bytes = barq_pack_bytes(n, bits[1]);
	barq_pack(w->block_rows, n, bits[0], w->packed);
	barq_pack(w->frequencies, n, bits[1], w->packed + row_bytes);

	if (many)
		add_skip(w, bits, &maxima);
	else
		barq_body_write(w->writer, bits, sizeof(bits));
	barq_body_write(w->writer, w->packed, row_bytes + frequency_bytes);
	if (w->block_positions.used > 0)
		barq_body_write(w->writer, w->block_positions.data, w->block_positions.used);

	barq_bm25_maxima_merge(&w->maxima, &maxima);
	w->block_positions.used = 0;
	w->n = 0;
}

/* Write the rest of the current term's record and add it to the dictionary. */
static void
end_term(Bm25Writer *w)
{
	Bytes	   *dictionary = &w->dictionary;
	uint64		first = w->footer.terms % BM25_DICT_BLOCK;
	int			npairs = 0;

	if (w->df == 0)
		return;
	if (w->n > 0)
		write_block(w, w->df > BARQ_BM25_BLOCK);
	if (w->nskips > 0)
	{
		pad(w, 8);
		barq_body_write(w->writer, w->skips, w->nskips * sizeof(Bm25Skip));
	}

	if (first == 0)
	{
		uint64		block = w->footer.blocks++;

		BARQ_ARRAY_RESERVE(w->index, w->index_space, block + 1, 1024);
		w->index[block] = dictionary->used;
		append_number(dictionary, w->record - w->header.terms_off);
		w->shared = 0;
	}
	append_number(dictionary, w->shared);
	append_number(dictionary, w->text_length - w->shared);
	append(dictionary, w->text + w->shared, w->text_length - w->shared);
	append_number(dictionary, w->df);
	append_number(dictionary, barq_body_offset(w->writer) - w->record);
	while (npairs < BM25_PAIRS && w->maxima.pairs[npairs].frequency > 0)
		npairs++;
	append_number(dictionary, npairs);
	for (int i = 0; i < npairs; i++)
	{
		append_number(dictionary, w->maxima.pairs[i].frequency);
		append_number(dictionary, w->maxima.pairs[i].length);
	}
	w->footer.terms++;
	w->footer.postings += w->df;
	w->df = 0;
}

void
barq_bm25_write_term(Bm25Writer *w, const char *text, uint32 length)
{
	uint32		limit;

	end_term(w);
	if (length == 0 || length > BM25_MAX_TERM)
		elog(ERROR, "a term of %u bytes cannot be kept", length);
	limit = Min(length, w->text_length);
	for (w->shared = 0; w->shared < limit && w->text[w->shared] == text[w->shared];)
		w->shared++;
	Assert(w->footer.terms == 0 || barq_compare_terms(w->text, w->text_length, text, length) < 0);
	memcpy(w->text + w->shared, text + w->shared, length - w->shared);
	w->text_length = length;
	w->last_row = BM25_NO_ROW;
	w->nskips = 0;
	w->record = barq_body_offset(w->writer);
	memset(&w->maxima, 0, sizeof(w->maxima));
}

uint32
barq_bm25_write_room(Bm25Writer *w, uint32 **rows, uint32 **frequencies)
{
	/* a full block is written when it is known not to be the term's only one */
	if (w->n == BARQ_BM25_BLOCK)
		write_block(w, true);
	*rows = w->block_rows + w->n;
	*frequencies = w->frequencies + w->n;
	return BARQ_BM25_BLOCK - w->n;
}

void
barq_bm25_write_positions(Bm25Writer *w, const uint8 *positions, Size bytes)
{
	append(&w->block_positions, positions, bytes);
}

void
barq_bm25_write_postings(Bm25Writer *w, uint32 n)
{
	Assert(w->n + n <= BARQ_BM25_BLOCK);
	w->n += n;
	w->df += n;
}

void
barq_bm25_write_end(Bm25Writer *w)
{
	BarqBm25Footer *footer = &w->footer;
	uint64		end;

	end_term(w);
	footer->magic = BM25_FOOTER_MAGIC;
	footer->dictionary_off = barq_body_offset(w->writer);
	footer->dictionary_bytes = w->dictionary.used;
	if (w->dictionary.used > 0)
		barq_body_write(w->writer, w->dictionary.data, w->dictionary.used);
	barq_body_align(w->writer);
	footer->index_off = barq_body_offset(w->writer);
	if (footer->blocks > 0)
		barq_body_write(w->writer, w->index, footer->blocks * sizeof(uint64));
	end = w->dictionary.used;
	barq_body_write(w->writer, &end, sizeof(end));
	barq_body_align(w->writer);
	barq_body_write(w->writer, footer, sizeof(*footer));
}
