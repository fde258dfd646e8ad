/*
 * flat_write.c
 *	  Writing flat bodies, from rows in memory and from the live rows of other
 *	  bodies. Calls the body writer only; owns no state.
 */
#include "postgres.h"

#include "flat/hits.h"
#include "flat/vector_body.h"
#include "miscadmin.h"

/*
 * Lay out a flat body and write its two headers, which are also returned in
 * *body and *header. rows_bytes: total of whole rows, used where the codec has
 * heads. halved: with half codes. ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS rows.
 */
static void
write_headers(BarqBodyWriter *writer, const BarqCodec *codec, uint32 rows,
			  uint64 rows_bytes, bool halved, BarqBodyHeader *body, BarqVectorHeader *header)
{
	barq_vector_limit_rows(rows);
	barq_vector_headers(codec, BARQ_KIND_FLAT, rows, body, header);
	if (barq_codec_has_heads(codec))
		barq_vector_add_rows(rows_bytes, body, header);
	if (halved)
		barq_vector_add_halves(codec, body, header);
	Assert(barq_body_offset(writer) == 0);
	barq_body_write(writer, body, sizeof(*body));
	barq_body_write(writer, header, sizeof(*header));
}

/*
 * Write one row, with its padding, to the section of codes. Where codes are heads,
 * *row_at is the offset at which the caller will write the whole row; it is advanced
 * by the row's length.
 */
static void
write_code(BarqBodyWriter *writer, const BarqCodec *codec, const void *row, uint64 *row_at)
{
	static const char zeros[BARQ_BODY_ALIGN] = {0};

	if (barq_codec_has_heads(codec))
	{
		char		head[BARQ_BODY_ALIGN];

		Assert(codec->row_bytes <= sizeof(head));
		barq_row_head(codec, head, row, (int64) (*row_at - barq_body_offset(writer)));
		barq_body_write(writer, head, codec->row_bytes);
		*row_at += barq_row_bytes(codec, row);
	}
	else
		barq_body_write(writer, row, codec->row_bytes);
	if (codec->stride > codec->row_bytes)
		barq_body_write(writer, zeros, codec->stride - codec->row_bytes);
}

void
barq_flat_write(BarqBodyWriter *writer, const BarqCodec *codec,
				const char *rows, Size row_stride,
				const char *refinements, Size refine_stride,
				const ItemPointerData *tids, uint32 nrows, bool halved)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	uint64		rows_bytes = 0;
	uint64		row_at;

	halved = halved && barq_codec_has_halves(codec);
	if (barq_codec_has_heads(codec))
		for (uint32 i = 0; i < nrows; i++)
			rows_bytes += barq_row_bytes(codec, rows + (Size) i * row_stride);
	write_headers(writer, codec, nrows, rows_bytes, halved, &body, &header);

	row_at = header.rows_off;
	for (uint32 i = 0; i < nrows; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		write_code(writer, codec, rows + (Size) i * row_stride, &row_at);
	}
	barq_body_align(writer);
	Assert(barq_body_offset(writer) == body.tids_off);
	barq_body_write(writer, tids, (Size) nrows * sizeof(ItemPointerData));
	barq_body_align(writer);
	for (uint32 i = 0; i < nrows && codec->refine_bytes > 0; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		barq_body_write(writer, refinements + (Size) i * refine_stride, codec->refine_bytes);
	}
	barq_body_align(writer);
	for (uint32 i = 0; i < nrows && barq_codec_has_heads(codec); i++)
	{
		const char *row = rows + (Size) i * row_stride;

		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		barq_body_write(writer, barq_row_whole(codec, row), barq_row_bytes(codec, row));
	}
	barq_body_align(writer);
	if (halved)
		barq_vector_write_halves(writer, codec, rows, row_stride, nrows);
	Assert(barq_body_offset(writer) == body.body_bytes);
}

/* A merge passes over its inputs once per section: the writer is sequential. */
typedef enum Pass
{
	CODES,
	TIDS,
	REFINEMENTS,
	WHOLE_ROWS
} Pass;

/*
 * Write one section's part of the live rows of an input, in row order. row_at:
 * as for write_code(), used by the pass of codes.
 * ERRCODE_INDEX_CORRUPTED where the input is damaged or has another codec.
 */
static void
write_live(BarqBodyWriter *writer, BarqMergeInput *input, const BarqCodec *codec,
		   Pass pass, uint64 *row_at)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	BarqCodec	in_codec;
	const void *row;
	Size		length;

	barq_vector_open(input->view, &body, &header, &in_codec);
	barq_vector_same_codec(codec, &in_codec);
	for (uint32 i = 0; i < body.rows; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (input->dead != NULL && barq_bit_is_set(input->dead, i))
			continue;
		if (pass == TIDS)
		{
			barq_body_write(writer,
							barq_view_read(input->view,
										   body.tids_off + (uint64) i * sizeof(ItemPointerData),
										   sizeof(ItemPointerData)),
							sizeof(ItemPointerData));
			continue;
		}
		if (pass == REFINEMENTS)
		{
			barq_body_write(writer, barq_vector_read_refinement(input->view, &header, codec, i),
							codec->refine_bytes);
			continue;
		}
		row = barq_vector_read_row(input->view, &header, codec, i, &length);
		if (pass == CODES)
			write_code(writer, codec, row, row_at);
		else
			barq_body_write(writer, row, length);
	}
}

void
barq_flat_merge(BarqBodyWriter *writer, const BarqCodec *codec,
				BarqMergeInput *inputs, int ninputs)
{
	BarqBodyHeader body;
	BarqVectorHeader header;
	uint32		rows = barq_vector_count_live(inputs, ninputs);
	uint64		rows_bytes = 0;
	uint64		row_at;

	for (int i = 0; i < ninputs; i++)
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	write_headers(writer, codec, rows, rows_bytes, false, &body, &header);

	row_at = header.rows_off;
	for (Pass pass = CODES; pass <= WHOLE_ROWS; pass++)
	{
		if ((pass == REFINEMENTS && codec->refine_bytes == 0) ||
			(pass == WHOLE_ROWS && !barq_codec_has_heads(codec)))
			continue;
		for (int i = 0; i < ninputs; i++)
			write_live(writer, &inputs[i], codec, pass, &row_at);
		barq_body_align(writer);
	}
	Assert(barq_body_offset(writer) == body.body_bytes);
}
