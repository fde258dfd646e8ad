/*
 * vector_body.c
 *	  The common part of all bodies of vectors: headers and their validation,
 *	  codes and keys of rows, the check of codes and TIDs.
 *
 * Promise (README.md, invariant 1): after barq_vector_open() returned, every
 * code and TID lies inside the body, whatever the bytes of the body are.
 */
#include "postgres.h"

#include "flat/hits.h"
#include "flat/vector_body.h"
#include "miscadmin.h"
#include "base/interrupts.h"

void
barq_vector_corrupted(const char *fault)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("segment is corrupted: %s", fault)));
	pg_unreachable();
}

void
barq_vector_limit_rows(uint64 rows)
{
	if (rows > BARQ_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u rows", BARQ_MAX_ROWS),
				 errhint("Partition the table, or index parts of it.")));
}

uint32
barq_vector_count_live(BarqMergeInput *inputs, int ninputs)
{
	uint64		rows = 0;

	for (int i = 0; i < ninputs; i++)
	{
		uint32		live = barq_bits_clear_count(inputs[i].dead, inputs[i].view->rows,
												 PG_UINT32_MAX);

		if (live != inputs[i].live)
			elog(ERROR, "segment has %u live rows, not %u", live, inputs[i].live);
		rows += live;
	}
	barq_vector_limit_rows(rows);
	return (uint32) rows;
}

bool
barq_section_fits(uint64 size, uint64 off, uint64 count, uint64 width)
{
	uint64		bytes;

	if (off % BARQ_BODY_ALIGN != 0 || off < sizeof(BarqBodyHeader) || off > size)
		return false;
	if (width != 0 && count > PG_UINT64_MAX / width)
		return false;
	bytes = count * width;
	return bytes <= size - off;
}

void
barq_vector_open(BarqView *view, BarqBodyHeader *body,
				 BarqVectorHeader *header, BarqCodec *codec)
{
	const BarqCodecForm *form;

	if (view->size < sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader))
		barq_vector_corrupted("shorter than its headers");

	memcpy(body, barq_view_read(view, 0, sizeof(*body)), sizeof(*body));
	if (body->magic != BARQ_BODY_MAGIC)
		barq_vector_corrupted("wrong magic number");
	if (body->version != BARQ_BODY_VERSION)
		barq_vector_corrupted("unknown version");
	if (body->kind != view->kind)
		barq_vector_corrupted("of another kind than the directory says");
	if (body->rows != view->rows || body->rows > BARQ_MAX_ROWS)
		barq_vector_corrupted("wrong number of rows");
	if (body->body_bytes != view->size)
		barq_vector_corrupted("wrong size");
	if (!barq_section_fits(view->size, body->kind_off, 1, sizeof(BarqVectorHeader)))
		barq_vector_corrupted("vector header outside of the body");

	memcpy(header, barq_view_read(view, body->kind_off, sizeof(*header)),
		   sizeof(*header));
	if (header->metric < BARQ_METRIC_L2 || header->metric > BARQ_METRIC_JACCARD)
		barq_vector_corrupted("unknown metric");
	form = barq_codec_form((int) header->quantization);
	if (form == NULL || !(form->metrics & BARQ_METRIC_BIT(header->metric)))
		barq_vector_corrupted("unknown quantization");
	if (header->dims < 1 || header->dims > (uint32) form->max_dims)
		barq_vector_corrupted("wrong number of dimensions");

	barq_codec_init(codec, (BarqMetric) header->metric,
					(BarqQuantization) header->quantization, (int) header->dims);
	if (header->row_bytes != codec->row_bytes || header->stride != codec->stride)
		barq_vector_corrupted("wrong size of codes");
	if (!barq_section_fits(view->size, header->codes_off, body->rows, header->stride))
		barq_vector_corrupted("codes outside of the body");
	if (!barq_section_fits(view->size, body->tids_off, body->rows,
						   sizeof(ItemPointerData)))
		barq_vector_corrupted("row pointers outside of the body");
	if (barq_codec_has_heads(codec) &&
		!barq_section_fits(view->size, header->rows_off, header->rows_bytes, 1))
		barq_vector_corrupted("rows outside of the body");
	if (header->refine_off != 0 &&
		(!barq_codec_refine(codec) ||
		 !barq_section_fits(view->size, header->refine_off, body->rows, codec->refine_bytes)))
		barq_vector_corrupted("refinements outside of the body");
	if (!barq_vector_halves_fit(view, header, codec))
		barq_vector_corrupted("half codes outside of the body");
}

void
barq_vector_headers(const BarqCodec *codec, uint16 kind, uint32 rows,
					BarqBodyHeader *body, BarqVectorHeader *header)
{
	uint64		off = sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader);

	Assert(rows <= BARQ_MAX_ROWS);
	memset(body, 0, sizeof(*body));
	memset(header, 0, sizeof(*header));

	body->magic = BARQ_BODY_MAGIC;
	body->version = BARQ_BODY_VERSION;
	body->kind = kind;
	body->rows = rows;
	body->kind_off = sizeof(BarqBodyHeader);

	header->metric = codec->metric;
	header->quantization = codec->quant;
	header->dims = codec->dims;
	header->row_bytes = codec->row_bytes;
	header->stride = codec->stride;
	header->codes_off = off;
	off += barq_align64((uint64) rows * codec->stride);
	body->tids_off = off;
	off += barq_align64((uint64) rows * sizeof(ItemPointerData));
	if (codec->refine_bytes > 0)
	{
		header->refine_off = off;
		off += barq_align64((uint64) rows * codec->refine_bytes);
	}
	body->body_bytes = off;
}

void
barq_vector_same_codec(const BarqCodec *codec, const BarqCodec *input)
{
	if (codec->metric != input->metric || codec->quant != input->quant ||
		codec->dims != input->dims || codec->refine_bytes != input->refine_bytes)
		barq_vector_corrupted("codes of another kind than the index's");
}

void
barq_vector_add_rows(uint64 bytes, BarqBodyHeader *body, BarqVectorHeader *header)
{
	Assert(header->rows_off == 0 && body->body_bytes % BARQ_BODY_ALIGN == 0);
	header->rows_off = body->body_bytes;
	header->rows_bytes = bytes;
	body->body_bytes += barq_align64(bytes);
}

/*
 * Offset in the body of the whole row that belongs to the head at head_off;
 * *length: bytes of the whole row. ERRCODE_INDEX_CORRUPTED where the row is not
 * inside the section of whole rows.
 */
static uint64
whole_row_off(const BarqVectorHeader *header, const BarqCodec *codec, uint64 head_off,
			  const void *head, Size *length)
{
	int64		distance;
	uint64		at;

	if (!barq_row_extent(codec, head, &distance, length))
		barq_vector_corrupted("head of a row is invalid");
	/* unsigned: an offset that wraps around is too large and refused as well */
	at = head_off + (uint64) distance - header->rows_off;
	if (at > header->rows_bytes || *length > header->rows_bytes - at)
		barq_vector_corrupted("row outside of the body");
	return header->rows_off + at;
}

const void *
barq_vector_read_row(BarqView *view, const BarqVectorHeader *header,
					 const BarqCodec *codec, uint32 row, Size *length)
{
	uint64		off = header->codes_off + (uint64) row * header->stride;
	const void *code;

	if (row >= view->rows)
		barq_vector_corrupted("row number outside of the segment");
	*length = header->row_bytes;
	code = barq_view_read(view, off, *length);
	if (!barq_codec_has_heads(codec))
		return code;

	off = whole_row_off(header, codec, off, code, length);
	code = barq_view_read(view, off, *length);
	if (!barq_row_is_whole(codec, code, *length))
		barq_vector_corrupted("row and head disagree");
	return code;
}

void
barq_vector_keys(BarqView *view, const BarqVectorHeader *header, const BarqCodec *codec,
				 const BarqQuery *query, const uint32 *ids, uint32 first, int n,
				 float *keys)
{
	Size		length;

	if (view->base != NULL)
	{
		uint64		off = header->codes_off + (uint64) first * header->stride;

		if (barq_codec_has_heads(codec))
			for (int i = 0; i < n; i++)
			{
				uint64		at = off + (uint64) (ids ? ids[i] : (uint32) i) * header->stride;

				(void) whole_row_off(header, codec, at, view->base + at, &length);
			}
		barq_query_keys(query, view->base + off, header->stride, ids, n, keys);
	}
	else
	{
		for (int i = 0; i < n; i++)
			keys[i] = barq_query_key(query,
									 barq_vector_read_row(view, header, codec,
														  ids ? ids[i] : first + i,
														  &length));
	}
	barq_keys_clean(keys, n);
}

void
barq_vector_keys_many(BarqView *view, const BarqVectorHeader *header, const BarqCodec *codec,
					  const BarqQuery *const *queries, int nqueries, uint32 first, int n,
					  float *keys)
{
	if (view->base != NULL && !barq_codec_has_heads(codec))
		barq_queries_keys(queries, nqueries,
						  view->base + header->codes_off + (uint64) first * header->stride,
						  header->stride, n, keys);
	else
		for (int i = 0; i < n; i++)
		{
			Size		length;
			const void *row = barq_vector_read_row(view, header, codec, first + i, &length);

			for (int j = 0; j < nqueries; j++)
				keys[(Size) j * n + i] = barq_query_key(queries[j], row);
		}
	barq_keys_clean(keys, nqueries * n);
}

uint64
barq_vector_rows_bytes(BarqMergeInput *input)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	BarqCodec	codec;
	uint64		bytes = 0;

	barq_vector_open(input->view, &body, &header, &codec);
	if (!barq_codec_has_heads(&codec))
		return 0;
	for (uint32 row = 0; row < body.rows; row++)
	{
		uint64		off = header.codes_off + (uint64) row * header.stride;
		Size		length;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (input->dead != NULL && barq_bit_is_set(input->dead, row))
			continue;
		(void) whole_row_off(&header, &codec, off,
							 barq_view_read(input->view, off, header.row_bytes), &length);
		bytes += length;
	}
	return bytes;
}

const void *
barq_vector_read_refinement(BarqView *view, const BarqVectorHeader *header,
							const BarqCodec *codec, uint32 row)
{
	if (row >= view->rows)
		barq_vector_corrupted("row number outside of the segment");
	return barq_view_read(view, header->refine_off + (uint64) row * codec->refine_bytes,
						  codec->refine_bytes);
}

/* The header and the codec of a body that was opened before. */
static void
read_header(BarqView *view, BarqVectorHeader *header, BarqCodec *codec)
{
	BarqBodyHeader body;

	memcpy(&body, barq_view_read(view, 0, sizeof(body)), sizeof(body));
	memcpy(header, barq_view_read(view, body.kind_off, sizeof(*header)), sizeof(*header));
	barq_codec_init(codec, (BarqMetric) header->metric,
					(BarqQuantization) header->quantization, (int) header->dims);
	if (header->refine_off != 0)
		(void) barq_codec_refine(codec);
}

void
barq_vector_prefetch(BarqView *view, uint32 row)
{
	BarqVectorHeader header;
	BarqBodyHeader body;

	if (view->base == NULL || row >= view->rows)
		return;
	memcpy(&body, view->base, sizeof(body));
	memcpy(&header, view->base + body.kind_off, sizeof(header));
	__builtin_prefetch(view->base + body.tids_off + (uint64) row * sizeof(ItemPointerData));
	for (uint32 at = 0; at < Min(header.stride, BARQ_AHEAD_BYTES); at += 64)
		__builtin_prefetch(view->base + header.codes_off + (uint64) row * header.stride + at);
}

const void *
barq_vector_row_code(BarqView *view, uint32 row)
{
	BarqVectorHeader header;
	BarqCodec	codec;
	Size		length;

	read_header(view, &header, &codec);
	return barq_vector_read_row(view, &header, &codec, row, &length);
}

void
barq_vector_interval(BarqView *view, uint32 row, const BarqQuery *query,
					 BarqInterval *interval)
{
	BarqVectorHeader header;
	BarqCodec	codec;
	Size		length;
	const void *code;
	void	   *copy = NULL;

	read_header(view, &header, &codec);
	code = barq_vector_read_row(view, &header, &codec, row, &length);
	if (header.refine_off == 0)
	{
		barq_query_interval(query, code, NULL, interval);
		return;
	}
	if (view->base == NULL)		/* the next read overwrites the row */
	{
		copy = palloc(length);
		code = memcpy(copy, code, length);
	}
	barq_query_interval(query, code,
						barq_vector_read_refinement(view, &header, &codec, row), interval);
	if (copy != NULL)
		pfree(copy);
}

void
barq_vector_check(BarqView *view, BarqCheckReport report, void *arg)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	BarqCodec	codec;
	char	   *copy;

	barq_vector_open(view, &body, &header, &codec);
	copy = palloc(codec.row_bytes);
	for (uint32 row = 0; row < body.rows; row++)
	{
		const ItemPointerData *tid;
		const void *code;
		char		place[64];
		Size		length;

		if ((row & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		tid = barq_view_read(view,
							 body.tids_off + (uint64) row * sizeof(*tid),
							 sizeof(*tid));
		snprintf(place, sizeof(place), "row %u", row);
		if (!ItemPointerIsValid(tid))
			report(arg, place, "invalid row pointer");
		code = barq_vector_read_row(view, &header, &codec, row, &length);
		if (!barq_row_is_sound(&codec, code))
			report(arg, place, "invalid elements");
		if (codec.refine_bytes == 0)
			continue;
		memcpy(copy, code, length); /* the next read may overwrite it */
		if (!barq_refinement_is_sound(&codec, copy,
									  barq_vector_read_refinement(view, &header, &codec, row)))
			report(arg, place, "invalid refinement");
	}
	pfree(copy);
	barq_vector_check_halves(view, &header, &codec, report, arg);
}
