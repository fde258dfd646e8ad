/*
 * halves.c
 *	  Half codes of the rows of a body (README.md, "Half codes"): the section, and how a
 *	  search with a bound reads it in place of the codes.
 *
 * Block b has the half codes of rows [b * BARQ_HALF_ROWS, (b + 1) * BARQ_HALF_ROWS).
 */
#include "postgres.h"

#include <math.h>

#include "flat/vector_body.h"
#include "kernels/kernels.h"
#include "miscadmin.h"

/* Blocks that BARQ_HALVES_AT_ONCE rows are in, at most. */
#define MOST_BLOCKS		(BARQ_HALVES_AT_ONCE / BARQ_HALF_ROWS + 1)

/* Bytes of the section of so many rows. */
static uint64
section_bytes(const BarqCodec *codec, uint32 rows)
{
	return ((uint64) rows + BARQ_HALF_ROWS - 1) / BARQ_HALF_ROWS * barq_half_block_bytes(codec);
}

/* Offset in the body of the block of a row. */
static uint64
block_off(const BarqVectorHeader *header, const BarqCodec *codec, uint32 row)
{
	return header->halves_off + row / BARQ_HALF_ROWS * (uint64) barq_half_block_bytes(codec);
}

void
barq_vector_add_halves(const BarqCodec *codec, BarqBodyHeader *body, BarqVectorHeader *header)
{
	Assert(barq_codec_has_halves(codec));
	header->halves_off = barq_align64(body->body_bytes);
	body->passing_bytes = section_bytes(codec, body->rows);
	body->body_bytes = header->halves_off + body->passing_bytes;
}

bool
barq_vector_halves_fit(const BarqView *view, const BarqVectorHeader *header,
					   const BarqCodec *codec)
{
	return header->halves_off == 0 ||
		(barq_codec_has_halves(codec) && header->halves_off % 64 == 0 &&
		 barq_section_fits(view->size, header->halves_off, 1, section_bytes(codec, view->rows)));
}

void
barq_vector_write_halves(BarqBodyWriter *writer, const BarqCodec *codec, const char *rows,
						 Size stride, uint32 n)
{
	Size		bytes = barq_half_block_bytes(codec);
	char	   *block = palloc(bytes);

	for (uint32 row = 0; row < n; row += BARQ_HALF_ROWS)
	{
		CHECK_FOR_INTERRUPTS();
		barq_halves_write(codec, rows + (Size) row * stride, stride,
						  (int) Min(BARQ_HALF_ROWS, n - row), block);
		barq_body_write(writer, block, bytes);
	}
	pfree(block);
}

void
barq_vector_check_halves(BarqView *view, const BarqVectorHeader *header, const BarqCodec *codec,
						 BarqCheckReport report, void *arg)
{
	Size		stride = codec->stride;
	Size		bytes;
	char	   *codes;
	char	   *block;

	if (header->halves_off == 0)
		return;
	bytes = barq_half_block_bytes(codec);
	codes = palloc(stride * BARQ_HALF_ROWS);
	block = palloc(bytes);
	for (uint32 row = 0; row < view->rows; row += BARQ_HALF_ROWS)
	{
		uint32		n = Min(BARQ_HALF_ROWS, view->rows - row);

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < n; i++)
			memcpy(codes + i * stride,
				   barq_view_read(view, header->codes_off + (row + i) * (uint64) stride, codec->row_bytes),
				   codec->row_bytes);
		barq_halves_write(codec, codes, stride, (int) n, block);
		if (memcmp(block, barq_view_read(view, block_off(header, codec, row), bytes), bytes) != 0)
		{
			char		place[64];

			snprintf(place, sizeof(place), "row %u", row);
			report(arg, place, "half codes are not those of the codes");
		}
	}
	pfree(block);
	pfree(codes);
}

bool
barq_halves_begin(const BarqView *view, const BarqVectorHeader *header, const BarqQuery *query,
				  float bound, BarqHalfTerms *terms)
{
	return header->halves_off != 0 && view->base != NULL && bound < INFINITY &&
		barq_query_halve(query, terms);
}

int
barq_halves_find(const BarqView *view, const BarqVectorHeader *header, const BarqCodec *codec,
				 const BarqQuery *query, const BarqHalfTerms *terms, uint32 first, uint32 n,
				 float limit, uint32 *rows)
{
	uint32		from = first / BARQ_HALF_ROWS * BARQ_HALF_ROWS;
	uint32		which[MOST_BLOCKS * BARQ_HALF_ROWS];
	int			nwhich;
	int			found = 0;

	Assert(n > 0 && n <= BARQ_HALVES_AT_ONCE);
	barq_rows_scored += n;
	nwhich = barq_query_half_rows(query, terms, view->base + block_off(header, codec, first),
								  (int) ((first + n - 1) / BARQ_HALF_ROWS - first / BARQ_HALF_ROWS + 1),
								  limit, which);
	for (int i = 0; i < nwhich; i++)
		/* wraps around for rows before the first */
		if (from + which[i] - first < n)
			rows[found++] = from + which[i];
	return found;
}

bool
barq_halves_are_cold(const BarqView *view, const BarqVectorHeader *header, const BarqCodec *codec,
					 uint32 row)
{
	return barq_view_is_cold(view, block_off(header, codec, row));
}

void
barq_halves_read_ahead(const BarqView *view, const BarqVectorHeader *header,
					   const BarqCodec *codec, uint32 first, uint32 n)
{
	uint64		from = block_off(header, codec, first);

	barq_view_read_ahead(view, from, block_off(header, codec, first + n - 1) +
						 barq_half_block_bytes(codec) - from);
}
