/*
 * bm25_read.c
 *	  Opening a body; its dictionary, lengths of documents and TIDs.
 *
 * Promise: whatever the bytes of a body are, these functions read only bytes
 * inside of it, or raise ERRCODE_INDEX_CORRUPTED.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/interrupts.h"
#include "bm25/bm25_read.h"
#include "kernels/kernels.h"
#include "port/pg_bitutils.h"

void
barq_bm25_corrupted(const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("a segment of text is corrupted: %s", fault),
			 errhint("Please REINDEX the index.")));
}

/* Whether count elements of width bytes at off lie inside of size bytes. */
static bool
fits(uint64 size, uint64 off, uint64 count, uint64 width)
{
	return off <= size && count <= (size - off) / width;
}

/* Read the headers of the fields of a body of several, and check them. */
static void
open_fields(Bm25Body *body, uint64 fields_off)
{
	uint32		n = body->header.fields;

	if (n < 2 || n > BARQ_BM25_FIELDS)
		barq_bm25_corrupted("it has an impossible number of fields");
	memcpy(body->fields, barq_view_read(body->view, fields_off, n * sizeof(BarqBm25FieldHeader)),
		   n * sizeof(BarqBm25FieldHeader));
	for (uint32 i = 0; i < n; i++)
	{
		const BarqBm25FieldHeader *field = &body->fields[i];

		if (field->length_width != 1 && field->length_width != 2 && field->length_width != 4)
			barq_bm25_corrupted("lengths have an invalid width");
		if (field->lengths_off % BARQ_BODY_ALIGN != 0 ||
			!fits(body->view->size, field->lengths_off, body->view->rows, field->length_width))
			barq_bm25_corrupted("a section lies outside of it");
	}
	body->nfields = n;
}

void
barq_bm25_open(Bm25Body *body, BarqView *view)
{
	BarqBodyHeader header;

	body->view = view;
	memcpy(&header, barq_view_read(view, 0, sizeof(header)), sizeof(header));
	memcpy(&body->header, barq_view_read(view, header.kind_off, sizeof(BarqBm25Header)),
		   sizeof(BarqBm25Header));
	if (view->size < sizeof(BarqBm25Footer))
		barq_bm25_corrupted("it is too short");
	memcpy(&body->footer,
		   barq_view_read(view, view->size - sizeof(BarqBm25Footer), sizeof(BarqBm25Footer)),
		   sizeof(BarqBm25Footer));
	if (body->footer.magic != BM25_FOOTER_MAGIC ||
		(body->header.version != BM25_VERSION && body->header.version != BM25_VERSION_FIELDS))
		barq_bm25_corrupted("it has another magic number or version");
	if (body->header.length_width != 1 && body->header.length_width != 2 &&
		body->header.length_width != 4)
		barq_bm25_corrupted("lengths have an invalid width");
	if (header.tids_off % BARQ_BODY_ALIGN != 0 ||
		body->header.lengths_off % BARQ_BODY_ALIGN != 0 ||
		body->header.terms_off % BARQ_BODY_ALIGN != 0 ||
		body->footer.index_off % BARQ_BODY_ALIGN != 0 ||
		!fits(view->size, header.tids_off, view->rows, sizeof(ItemPointerData)) ||
		!fits(view->size, body->header.lengths_off, view->rows, body->header.length_width) ||
		!fits(view->size, body->footer.dictionary_off, body->footer.dictionary_bytes, 1) ||
		body->footer.blocks == PG_UINT64_MAX ||
		!fits(view->size, body->footer.index_off, body->footer.blocks + 1, sizeof(uint64)) ||
		body->header.terms_off > body->footer.dictionary_off)
		barq_bm25_corrupted("a section lies outside of it");
	body->tids_off = header.tids_off;
	body->positions = (body->header.flags & BM25_POSITIONS) != 0;
	body->nfields = 1;
	if (body->header.version == BM25_VERSION_FIELDS)
		open_fields(body, header.kind_off + sizeof(BarqBm25Header));
}

/* A number of `width` bytes in an array of these at an offset of the body. */
static inline uint32
number_at(const Bm25Body *body, uint64 off, uint32 width, uint32 row)
{
	const void *at = barq_view_read(body->view, off + (uint64) row * width, width);

	switch (width)
	{
		case 1:
			return *(const uint8 *) at;
		case 2:
			return *(const uint16 *) at;
		default:
			return *(const uint32 *) at;
	}
}

uint32
barq_bm25_length(const Bm25Body *body, uint32 row)
{
	return number_at(body, body->header.lengths_off, body->header.length_width, row);
}

uint32
barq_bm25_field_length(const Bm25Body *body, uint32 field, uint32 row)
{
	const BarqBm25FieldHeader *header = &body->fields[field];

	Assert(field < body->nfields && body->nfields > 1);
	return number_at(body, header->lengths_off, header->length_width, row);
}

void
barq_bm25_field_lengths(const Bm25Body *body, uint32 field, const uint32 *rows, uint32 n,
						uint32 *lengths)
{
	const BarqBm25FieldHeader *header = &body->fields[field];

	if (body->view->base != NULL)
		barq_kernels->gather_lengths(body->view->base + header->lengths_off,
									 header->length_width, rows, n, lengths);
	else
		for (uint32 i = 0; i < n; i++)
			lengths[i] = barq_bm25_field_length(body, field, rows[i]);
}

void
barq_bm25_lengths(const Bm25Body *body, const uint32 *rows, uint32 n, uint32 *lengths)
{
	if (body->view->base != NULL)
		barq_kernels->gather_lengths(body->view->base + body->header.lengths_off,
									 body->header.length_width, rows, n, lengths);
	else
		for (uint32 i = 0; i < n; i++)
			lengths[i] = barq_bm25_length(body, rows[i]);
}

ItemPointerData
barq_bm25_tid(const Bm25Body *body, uint32 row)
{
	ItemPointerData tid;

	memcpy(&tid, barq_view_read(body->view,
								body->tids_off + (uint64) row * sizeof(ItemPointerData),
								sizeof(ItemPointerData)),
		   sizeof(tid));
	return tid;
}

uint32
barq_bm25_row_after(const Bm25Body *body, const ItemPointerData *tid)
{
	uint32		low = 0;
	uint32		high = body->view->rows;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		ItemPointerData here = barq_bm25_tid(body, middle);

		if (ItemPointerCompare(&here, (ItemPointer) tid) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- dictionary ---- */

/* Offset of a block from the dictionary's start; of block `blocks`: its end. */
static uint64
block_start(const Bm25Body *body, uint64 block)
{
	uint64		start;

	memcpy(&start, barq_view_read(body->view, body->footer.index_off + block * sizeof(uint64),
								  sizeof(uint64)), sizeof(uint64));
	if (start > body->footer.dictionary_bytes)
		barq_bm25_corrupted("the dictionary's index points outside of it");
	return start;
}

/* Read a varint of the current block. */
static uint64
walk_number(Bm25DictWalk *walk)
{
	uint64		value;
	const uint8 *next = barq_varint_get((const uint8 *) walk->at,
										(const uint8 *) walk->end, &value);

	if (next == NULL)
		barq_bm25_corrupted("a block of the dictionary ends within a term");
	walk->at = (const char *) next;
	return value;
}

/* Go to the start of the next block; false if there is none. */
static bool
walk_block(Bm25DictWalk *walk)
{
	const Bm25Body *body = walk->body;
	uint64		start;
	uint64		end;

	if (walk->block >= body->footer.blocks)
		return false;
	start = block_start(body, walk->block);
	end = block_start(body, walk->block + 1);
	if (end < start)
		barq_bm25_corrupted("the dictionary's index is not in order");
	if (body->view->base != NULL)
		walk->at = body->view->base + body->footer.dictionary_off + start;
	else
	{
		BARQ_ARRAY_RESERVE(walk->bytes, walk->space, end - start, 1024);
		memcpy(walk->bytes,
			   barq_view_read(body->view, body->footer.dictionary_off + start, end - start),
			   end - start);
		walk->at = walk->bytes;
	}
	walk->end = walk->at + (end - start);
	walk->left = (uint32) Min(body->footer.terms - walk->block * BM25_DICT_BLOCK,
							  BM25_DICT_BLOCK);
	walk->entry.length = 0;
	walk->block++;
	walk->record = body->header.terms_off + walk_number(walk);
	return true;
}

/* Read maxima; returns the number of their pairs. */
static uint64
walk_maxima(Bm25DictWalk *walk, Bm25Maxima *maxima)
{
	uint64		n = walk_number(walk);

	memset(maxima, 0, sizeof(*maxima));
	if (n > BM25_PAIRS)
		barq_bm25_corrupted("a term of the dictionary has no maxima");
	for (uint64 i = 0; i < n; i++)
	{
		maxima->pairs[i].frequency = (uint16) walk_number(walk);
		maxima->pairs[i].length = (uint16) walk_number(walk);
	}
	return n;
}

/* Read what an entry has beyond the maxima of the first field. */
static void
walk_fields(Bm25DictWalk *walk)
{
	Bm25Entry  *entry = &walk->entry;

	for (uint32 i = 1; i < walk->body->nfields; i++)
		walk_maxima(walk, &entry->field_maxima[i - 1]);
	for (uint32 i = 0; i < walk->body->nfields; i++)
	{
		uint64		df = walk_number(walk);

		if (df > entry->df)
			barq_bm25_corrupted("a term of the dictionary has impossible postings");
		entry->field_df[i] = (uint32) df;
	}
}

bool
barq_bm25_walk_next(Bm25DictWalk *walk)
{
	Bm25Entry  *entry = &walk->entry;
	uint64		shared;
	uint64		rest;
	uint64		df;

	if (walk->pending)
	{
		walk->pending = false;
		return true;
	}
	if (walk->left == 0 && !walk_block(walk))
		return false;
	walk->left--;
	shared = walk_number(walk);
	rest = walk_number(walk);
	if (shared > entry->length || rest > BM25_MAX_TERM - shared ||
		rest > (uint64) (walk->end - walk->at))
		barq_bm25_corrupted("a term of the dictionary is too long");
	memcpy(walk->text + shared, walk->at, rest);
	walk->at += rest;
	entry->length = (uint32) (shared + rest);
	df = walk_number(walk);
	entry->record = walk->record;
	entry->record_bytes = walk_number(walk);
	if (df == 0 || df > walk->body->view->rows ||
		entry->record > walk->body->footer.dictionary_off ||
		entry->record_bytes > walk->body->footer.dictionary_off - entry->record)
		barq_bm25_corrupted("a term of the dictionary has impossible postings");
	entry->df = (uint32) df;
	walk->record += entry->record_bytes;

	if (walk_maxima(walk, &entry->maxima) == 0 && walk->body->nfields == 1)
		barq_bm25_corrupted("a term of the dictionary has no maxima");
	if (walk->body->nfields > 1)
		walk_fields(walk);
	return true;
}

/*
 * Compare the first term of a block, which shares nothing with a term before it, with a
 * text; reads nothing else of the block. The walk has to be set to a block afterwards.
 */
static int
compare_first(Bm25DictWalk *walk, uint64 block, const char *text, uint32 length)
{
	uint64		shared;
	uint64		rest;

	walk->block = block;
	if (!walk_block(walk) || walk->left == 0)
		barq_bm25_corrupted("the dictionary has a block without terms");
	shared = walk_number(walk);
	rest = walk_number(walk);
	if (shared != 0 || rest > BM25_MAX_TERM || rest > (uint64) (walk->end - walk->at))
		barq_bm25_corrupted("a term of the dictionary is too long");
	return barq_compare_terms(walk->at, (uint32) rest, text, length);
}

void
barq_bm25_walk_begin(Bm25DictWalk *walk, const Bm25Body *body,
					 const char *from, uint32 length)
{
	uint64		low = 0;
	uint64		high = body->footer.blocks;

	memset(walk, 0, sizeof(*walk));
	walk->body = body;
	walk->text = palloc(BM25_MAX_TERM);
	walk->entry.text = walk->text;

	/* the last block whose first term is not after `from` */
	while (length > 0 && high - low > 1)
	{
		uint64		middle = low + (high - low) / 2;

		if (compare_first(walk, middle, from, length) <= 0)
			low = middle;
		else
			high = middle;
	}
	walk->block = low;
	walk->left = 0;
	if (length == 0)
		return;

	/* pass over the terms before `from`; the first other one is kept for next */
	while (barq_bm25_walk_next(walk))
		if (barq_compare_terms(walk->text, walk->entry.length, from, length) >= 0)
		{
			walk->pending = true;
			return;
		}
}

/* Free the parts of a walk. */
static void
walk_end(Bm25DictWalk *walk)
{
	pfree(walk->text);
	if (walk->bytes != NULL)
		pfree(walk->bytes);
}

bool
barq_bm25_find(const Bm25Body *body, const char *text, uint32 length, Bm25Entry *entry)
{
	Bm25DictWalk walk;
	bool		found = false;

	if (length == 0 || body->footer.terms == 0)
		return false;
	barq_bm25_walk_begin(&walk, body, text, length);
	if (barq_bm25_walk_next(&walk) &&
		barq_compare_terms(walk.text, walk.entry.length, text, length) == 0)
	{
		*entry = walk.entry;
		entry->text = text;
		found = true;
	}
	walk_end(&walk);
	return found;
}

/* ---- statistics ---- */

void
barq_bm25_totals(BarqView *view, BarqBm25Totals *totals)
{
	Bm25Body	body;

	barq_bm25_open(&body, view);
	totals->documents = view->rows;
	totals->tokens = body.header.tokens;
	memset(totals->field_tokens, 0, sizeof(totals->field_tokens));
	for (uint32 i = 0; i < body.nfields; i++)
		totals->field_tokens[i] = body.nfields == 1 ? body.header.tokens : body.fields[i].tokens;
}

uint32
barq_bm25_df(BarqView *view, const char *text, uint32 length, uint32 fields)
{
	Bm25Body	body;
	Bm25Entry	entry;
	BarqBm25Text term = {.text = text, .length = length};

	barq_bm25_open(&body, view);
	if (!barq_bm25_find(&body, text, length, &entry))
		return 0;
	fields &= barq_bm25_every_field(body.nfields);
	if (fields == 0 || body.nfields == 1 || fields == barq_bm25_every_field(body.nfields))
		return entry.df;
	if ((fields & (fields - 1)) == 0)
		return entry.field_df[pg_rightmost_one_pos32(fields)];
	return barq_bm25_df_any(view, &term, 1, fields);
}

/* Does a term of the dictionary occur in any of some fields (a bit each; 0: any)? */
static bool
occurs_in(const Bm25Body *body, const Bm25Entry *entry, uint32 fields)
{
	if (fields == 0 || body->nfields == 1)
		return true;
	for (uint32 f = 0; f < body->nfields; f++)
		if ((fields >> f & 1) != 0 && entry->field_df[f] > 0)
			return true;
	return false;
}

void
barq_bm25_expand(BarqView *view, const char *prefix, uint32 length, uint32 fields, uint32 max,
				 BarqTermVisitor visit, void *arg)
{
	Bm25Body	body;
	Bm25DictWalk walk;
	uint32		n = 0;

	barq_bm25_open(&body, view);
	barq_bm25_walk_begin(&walk, &body, prefix, length);
	while (n < max && barq_bm25_walk_next(&walk))
	{
		barq_check_interrupts();
		if (walk.entry.length < length || memcmp(walk.text, prefix, length) != 0)
			break;
		if (!occurs_in(&body, &walk.entry, fields))
			continue;
		visit(arg, walk.text, walk.entry.length, walk.entry.df);
		n++;
	}
	walk_end(&walk);
}
