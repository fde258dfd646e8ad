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
	uint32		nfields;
	BarqBm25FieldHeader fields[BARQ_BM25_FIELDS];	/* of several */

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
	Bm25FieldSkip *field_skips; /* of several fields: nfields - 1 for each skip */
	Size		field_skip_space;
	Bm25Maxima	field_maxima[BARQ_BM25_FIELDS];
	uint32		field_df[BARQ_BM25_FIELDS];

	/* its current block */
	uint32		n;
	uint32		block_rows[BARQ_BM25_BLOCK];
	uint32		frequencies[BARQ_BM25_BLOCK];
	uint32		block_lengths[BARQ_BM25_BLOCK];
	uint32		field_frequencies[BARQ_BM25_FIELDS][BARQ_BM25_BLOCK];
	Bytes		block_positions;
	uint8		packed[(1 + BARQ_BM25_FIELDS) * BARQ_BM25_BLOCK * sizeof(uint32)];

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

/*
 * Write the lengths of a field in all rows, `width` bytes each, and align. lengths: nfields
 * for each row, the first of the field.
 */
static void
write_lengths(Bm25Writer *w, const uint32 *lengths, uint32 width)
{
	uint32		step = w->nfields;

	for (uint32 i = 0; i < w->rows;)
	{
		union
		{
			uint8		one[1024];
			uint16		two[512];
			uint32		four[256];
		}			narrow;
		uint32		n = Min(w->rows - i, sizeof(narrow) / width);

		for (uint32 j = 0; j < n; j++)
		{
			uint32		length = lengths[((Size) i + j) * step];

			if (width == 1)
				narrow.one[j] = (uint8) length;
			else if (width == 2)
				narrow.two[j] = (uint16) length;
			else
				narrow.four[j] = length;
		}
		barq_body_write(w->writer, &narrow, (Size) n * width);
		i += n;
	}
	barq_body_align(w->writer);
}

/* Bytes for each of numbers up to `most`. */
static uint32
width_of(uint32 most)
{
	return most <= PG_UINT8_MAX ? 1 : most <= PG_UINT16_MAX ? 2 : 4;
}

/* Set the headers of several fields, whose lengths begin at `off`, and those of all. */
static void
begin_fields(Bm25Writer *w, uint64 off)
{
	BarqBm25Header *header = &w->header;

	for (uint32 f = 0; f < w->nfields; f++)
	{
		BarqBm25FieldHeader *field = &w->fields[f];

		for (uint32 i = 0; i < w->rows; i++)
		{
			uint32		stored = w->lengths[(Size) i * w->nfields + f];

			field->nulls += stored == 0;
			field->tokens += stored == 0 ? 0 : stored - 1;
			field->max_length = Max(field->max_length, stored == 0 ? 0 : stored - 1);
		}
		field->length_width = width_of(field->max_length + 1);
		field->lengths_off = off;
		off = TYPEALIGN64(BARQ_BODY_ALIGN, off + (uint64) w->rows * field->length_width);
		header->tokens += field->tokens;
	}
	header->version = BM25_VERSION_FIELDS;
	header->fields = w->nfields;
	header->max_length = w->fields[0].max_length;
	header->length_width = w->fields[0].length_width;
	header->lengths_off = w->fields[0].lengths_off;
	header->terms_off = off;
}

Bm25Writer *
barq_bm25_write_begin(BarqBodyWriter *writer, uint32 rows, const ItemPointerData *tids,
					  const uint32 *lengths, uint32 nfields, bool positions)
{
	Bm25Writer *w = palloc0(sizeof(Bm25Writer));
	BarqBodyHeader body = {0};
	BarqBm25Header *header = &w->header;
	Size		more = 0;

	w->writer = writer;
	w->rows = rows;
	w->lengths = lengths;
	w->positions = positions;
	w->nfields = nfields;
	header->version = BM25_VERSION;
	header->flags = positions ? BM25_POSITIONS : 0;

	body.magic = BARQ_BODY_MAGIC;
	body.version = BARQ_BODY_VERSION;
	body.kind = BARQ_KIND_BM25;
	body.rows = rows;
	body.kind_off = sizeof(BarqBodyHeader);
	if (nfields > 1)
		more = TYPEALIGN(BARQ_BODY_ALIGN, nfields * sizeof(BarqBm25FieldHeader));
	body.tids_off = body.kind_off + sizeof(BarqBm25Header) + more;
	header->lengths_off = TYPEALIGN64(BARQ_BODY_ALIGN, body.tids_off +
									  (uint64) rows * sizeof(ItemPointerData));
	if (nfields > 1)
		begin_fields(w, header->lengths_off);
	else
	{
		for (uint32 i = 0; i < rows; i++)
		{
			header->tokens += lengths[i];
			header->max_length = Max(header->max_length, lengths[i]);
		}
		header->length_width = width_of(header->max_length);
		header->terms_off = TYPEALIGN64(BARQ_BODY_ALIGN, header->lengths_off +
										(uint64) rows * header->length_width);
	}

	Assert(barq_body_offset(writer) == 0);
	barq_body_write(writer, &body, sizeof(body));
	barq_body_write(writer, header, sizeof(*header));
	if (nfields > 1)
	{
		barq_body_write(writer, w->fields, nfields * sizeof(BarqBm25FieldHeader));
		barq_body_align(writer);
	}
	barq_body_write(writer, tids, (Size) rows * sizeof(ItemPointerData));
	barq_body_align(writer);
	if (nfields == 1)
		write_lengths(w, lengths, header->length_width);
	for (uint32 f = 0; f < nfields && nfields > 1; f++)
		write_lengths(w, lengths + f, w->fields[f].length_width);
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
	uint32		more = w->nfields - 1;
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
	skip->maxima = maxima[0];
	if (more == 0)
		return;
	BARQ_ARRAY_RESERVE(w->field_skips, w->field_skip_space, (Size) w->nskips * more, 256);
	for (uint32 i = 0; i < more; i++)
	{
		Bm25FieldSkip *field = &w->field_skips[(Size) (w->nskips - 1) * more + i];

		memset(field, 0, sizeof(*field));
		field->frequency_bits = bits[2 + i];
		field->maxima = maxima[1 + i];
	}
}

/*
 * Pack the frequencies of the current block of several fields to `at`; returns their
 * bytes. bits, maxima: by field. Counts the postings of each field.
 */
static Size
pack_fields(Bm25Writer *w, uint8 *at, uint8 *bits, Bm25Maxima *maxima)
{
	uint32		n = w->n;
	uint8	   *start = at;

	for (uint32 f = 0; f < w->nfields; f++)
	{
		uint32	   *frequencies = w->field_frequencies[f];

		for (uint32 i = 0; i < n; i++)
		{
			if (frequencies[i] == 0)
				continue;
			barq_bm25_maxima_add(&maxima[f], frequencies[i],
								 w->lengths[(Size) w->block_rows[i] * w->nfields + f] - 1);
			w->field_df[f]++;
		}
		bits[f] = barq_pack_width(frequencies, n);
		barq_pack(frequencies, n, bits[f], at);
		at += barq_pack_bytes(n, bits[f]);
	}
	return at - start;
}

/* Write the current block. `many`: the term has several blocks. */
static void
write_block(Bm25Writer *w, bool many)
{
	int			n = w->n;
	uint8		bits[1 + BARQ_BM25_FIELDS];
	uint8		fields[BARQ_BM25_FIELDS * BARQ_BM25_BLOCK * sizeof(uint32)];
	Size		row_bytes;
	Size		frequency_bytes = 0;
	Bm25Maxima	maxima[BARQ_BM25_FIELDS] = {0};

	if (w->nfields > 1)
		frequency_bytes = pack_fields(w, fields, bits + 1, maxima);
	else
	{
		for (int i = 0; i < n; i++)
			w->block_lengths[i] = w->lengths[w->block_rows[i]];
		barq_bm25_maxima_add_block(maxima, w->frequencies, w->block_lengths, n);
	}

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
	row_bytes = barq_pack_bytes(n, bits[0]);
	barq_pack(w->block_rows, n, bits[0], w->packed);
	if (w->nfields > 1)
		memcpy(w->packed + row_bytes, fields, frequency_bytes);
	else
	{
		bits[1] = barq_pack_width(w->frequencies, n);
		frequency_bytes = barq_pack_bytes(n, bits[1]);
		barq_pack(w->frequencies, n, bits[1], w->packed + row_bytes);
	}

	if (many)
		add_skip(w, bits, maxima);
	else
		barq_body_write(w->writer, bits, 1 + w->nfields);
	barq_body_write(w->writer, w->packed, row_bytes + frequency_bytes);
	if (w->block_positions.used > 0)
		barq_body_write(w->writer, w->block_positions.data, w->block_positions.used);

	barq_bm25_maxima_merge(&w->maxima, &maxima[0]);
	for (uint32 f = 1; f < w->nfields; f++)
		barq_bm25_maxima_merge(&w->field_maxima[f], &maxima[f]);
	w->block_positions.used = 0;
	w->n = 0;
}

/* Append the number of pairs of maxima, and the pairs. */
static void
append_maxima(Bytes *dictionary, const Bm25Maxima *maxima)
{
	int			npairs = 0;

	while (npairs < BM25_PAIRS && maxima->pairs[npairs].frequency > 0)
		npairs++;
	append_number(dictionary, npairs);
	for (int i = 0; i < npairs; i++)
	{
		append_number(dictionary, maxima->pairs[i].frequency);
		append_number(dictionary, maxima->pairs[i].length);
	}
}

/* Write the rest of the current term's record and add it to the dictionary. */
static void
end_term(Bm25Writer *w)
{
	Bytes	   *dictionary = &w->dictionary;
	uint64		first = w->footer.terms % BM25_DICT_BLOCK;

	if (w->df == 0)
		return;
	if (w->n > 0)
		write_block(w, w->df > BARQ_BM25_BLOCK);
	if (w->nskips > 0)
	{
		pad(w, 8);
		barq_body_write(w->writer, w->skips, w->nskips * sizeof(Bm25Skip));
		if (w->nfields > 1)
			barq_body_write(w->writer, w->field_skips,
							(Size) w->nskips * (w->nfields - 1) * sizeof(Bm25FieldSkip));
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
	append_maxima(dictionary, &w->maxima);
	for (uint32 f = 1; f < w->nfields; f++)
		append_maxima(dictionary, &w->field_maxima[f]);
	for (uint32 f = 0; f < w->nfields && w->nfields > 1; f++)
		append_number(dictionary, w->field_df[f]);
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
	if (w->nfields > 1)
	{
		memset(w->field_maxima, 0, sizeof(w->field_maxima));
		memset(w->field_df, 0, sizeof(w->field_df));
	}
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

uint32 *
barq_bm25_write_field(Bm25Writer *w, uint32 field)
{
	return w->field_frequencies[field] + w->n;
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
