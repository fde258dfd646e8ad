/*
 * flat_write.c
 *	  Flat bodies, from rows in memory and from the live rows of other bodies.
 */
#include "postgres.h"

#include "flat/hits.h"
#include "flat/vector_body.h"
#include "miscadmin.h"

static void
write_headers(BarqBodyWriter *writer, const BarqCodec *codec, uint32 rows,
			  BarqBodyHeader *body)
{
	BarqVectorHeader header;

	if (rows > BARQ_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u rows", BARQ_MAX_ROWS)));
	barq_vector_headers(codec, BARQ_KIND_FLAT, rows, 0, body, &header);
	Assert(barq_body_offset(writer) == 0);
	barq_body_write(writer, body, sizeof(*body));
	barq_body_write(writer, &header, sizeof(header));
}

void
barq_flat_write(BarqBodyWriter *writer, const BarqCodec *codec,
				const char *rows, Size row_stride,
				const ItemPointerData *tids, uint32 nrows)
{
	BarqBodyHeader body;

	write_headers(writer, codec, nrows, &body);
	for (uint32 i = 0; i < nrows; i++)
	{
		if ((i & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		barq_body_write(writer, rows + (Size) i * row_stride, codec->row_bytes);
		barq_body_align(writer);
	}
	Assert(barq_body_offset(writer) == body.tids_off);
	barq_body_write(writer, tids, (Size) nrows * sizeof(ItemPointerData));
	barq_body_align(writer);
	Assert(barq_body_offset(writer) == body.body_bytes);
}

/* Write `width` bytes of every live row of the section at off. */
static void
write_live(BarqBodyWriter *writer, BarqMergeInput *input,
		   uint64 off, Size width, Size stride, bool align)
{
	for (uint32 row = 0; row < input->view->rows; row++)
	{
		if ((row & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (input->dead != NULL && barq_bit_is_set(input->dead, row))
			continue;
		barq_body_write(writer,
						barq_view_read(input->view,
									   off + (uint64) row * stride, width),
						width);
		if (align)
			barq_body_align(writer);
	}
}

void
barq_flat_merge(BarqBodyWriter *writer, const BarqCodec *codec,
				BarqMergeInput *inputs, int ninputs)
{
	BarqBodyHeader body;
	uint64		rows = 0;

	for (int i = 0; i < ninputs; i++)
		rows += barq_bits_clear_count(inputs[i].dead, inputs[i].view->rows,
									  PG_UINT32_MAX);
	if (rows > BARQ_MAX_ROWS)
		rows = (uint64) BARQ_MAX_ROWS + 1;	/* refused below */
	write_headers(writer, codec, (uint32) rows, &body);

	/* all codes, then all TIDs: the writer is sequential */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < ninputs; i++)
		{
			BarqBodyHeader in_body;
			BarqVectorHeader in_header;
			BarqCodec	in_codec;

			barq_vector_open(inputs[i].view, &in_body, &in_header, &in_codec);
			barq_vector_same_codec(codec, &in_codec);
			if (pass == 0)
				write_live(writer, &inputs[i], in_header.codes_off,
						   in_codec.row_bytes, in_codec.stride, true);
			else
				write_live(writer, &inputs[i], in_body.tids_off,
						   sizeof(ItemPointerData), sizeof(ItemPointerData), false);
		}
		barq_body_align(writer);
	}
	Assert(barq_body_offset(writer) == body.body_bytes);
}
