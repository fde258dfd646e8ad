/*
 * vector_body.c
 *	  What every body of vectors has in common: the headers, their
 *	  validation, the code of a row, the check of codes and TIDs.
 *
 * Promise: after barq_vector_open() returned, every code and TID of the body
 * lies inside it. A body that a fault has changed is refused with
 * ERRCODE_INDEX_CORRUPTED, whatever its bytes are.
 */
#include "postgres.h"

#include "flat/flat.h"
#include "flat/vector_body.h"
#include "miscadmin.h"

static void
corrupted(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("segment is corrupted: %s", what)));
}

/* count * width bytes at off, aligned, after the headers and inside size */
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
	if (view->size < sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader))
		corrupted("shorter than its headers");

	memcpy(body, barq_view_read(view, 0, sizeof(*body)), sizeof(*body));
	if (body->magic != BARQ_BODY_MAGIC)
		corrupted("wrong magic number");
	if (body->version != BARQ_BODY_VERSION)
		corrupted("unknown version");
	if (body->kind != view->kind)
		corrupted("of another kind than the directory says");
	if (body->rows != view->rows || body->rows > BARQ_MAX_ROWS)
		corrupted("wrong number of rows");
	if (body->body_bytes != view->size)
		corrupted("wrong size");
	if (!barq_section_fits(view->size, body->kind_off, 1, sizeof(BarqVectorHeader)))
		corrupted("vector header outside of the body");

	memcpy(header, barq_view_read(view, body->kind_off, sizeof(*header)),
		   sizeof(*header));
	if (header->metric < BARQ_METRIC_L2 || header->metric > BARQ_METRIC_L1)
		corrupted("unknown metric");
	if (header->quantization > BARQ_QUANT_RABITQ)
		corrupted("unknown quantization");
	if (header->dims < 1 || header->dims > BARQ_MAX_DIMS)
		corrupted("wrong number of dimensions");

	barq_codec_init(codec, (BarqMetric) header->metric,
					(BarqQuantization) header->quantization, (int) header->dims);
	if (header->row_bytes != codec->row_bytes || header->stride != codec->stride)
		corrupted("wrong size of codes");
	if (!barq_section_fits(view->size, header->codes_off, body->rows, header->stride))
		corrupted("codes outside of the body");
	if (!barq_section_fits(view->size, body->tids_off, body->rows,
						   sizeof(ItemPointerData)))
		corrupted("row pointers outside of the body");
}

void
barq_vector_headers(const BarqCodec *codec, uint16 kind, uint32 rows,
					uint64 kind_bytes,
					BarqBodyHeader *body, BarqVectorHeader *header)
{
	uint64		off = sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader);

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
	header->graph_off = kind_bytes > 0 ? off : 0;
	off += barq_align64(kind_bytes);
	header->codes_off = off;
	off += (uint64) rows * codec->stride;
	body->tids_off = off;
	off += barq_align64((uint64) rows * sizeof(ItemPointerData));
	body->body_bytes = off;
}

void
barq_vector_same_codec(const BarqCodec *codec, const BarqCodec *input)
{
	if (codec->metric != input->metric || codec->quant != input->quant ||
		codec->dims != input->dims)
		corrupted("codes of another kind than the index's");
}

const void *
barq_vector_row_code(BarqView *view, uint32 row)
{
	const BarqBodyHeader *body;
	const BarqVectorHeader *header;
	uint64		off;
	uint32		bytes;

	if (row >= view->rows)
		corrupted("row number outside of the segment");
	body = barq_view_read(view, 0, sizeof(*body));
	header = barq_view_read(view, body->kind_off, sizeof(*header));
	off = header->codes_off + (uint64) row * header->stride;
	bytes = header->row_bytes;
	return barq_view_read(view, off, bytes);
}

void
barq_vector_check(BarqView *view, BarqCheckReport report, void *arg)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	BarqCodec	codec;

	barq_vector_open(view, &body, &header, &codec);
	for (uint32 row = 0; row < body.rows; row++)
	{
		const ItemPointerData *tid;

		if ((row & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		tid = barq_view_read(view,
							 body.tids_off + (uint64) row * sizeof(*tid),
							 sizeof(*tid));
		if (!ItemPointerIsValid(tid))
		{
			char		place[64];

			snprintf(place, sizeof(place), "row %u", row);
			report(arg, place, "invalid row pointer");
		}
	}
}
