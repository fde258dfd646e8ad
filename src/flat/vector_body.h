/*
 * vector_body.h
 *	  Inside of the vector kinds: limits and helpers of their bodies. See
 *	  flat.h for what the rest of the extension may use.
 */
#ifndef BARQ_VECTOR_BODY_H
#define BARQ_VECTOR_BODY_H

#include "flat/flat.h"

/* The highest bit of a row number is a flag in the searches' beams. */
#define BARQ_MAX_ROWS	((uint32) 0x3fffffff)

static inline uint64
barq_align64(uint64 n)
{
	return (n + BARQ_BODY_ALIGN - 1) & ~(uint64) (BARQ_BODY_ALIGN - 1);
}

extern bool barq_section_fits(uint64 size, uint64 off, uint64 count, uint64 width);

/*
 * Lay out a body: kind_bytes of the kind's own sections after the headers,
 * then codes, then TIDs; body_bytes is the end.
 */
extern void barq_vector_headers(const BarqCodec *codec, uint16 kind, uint32 rows,
								uint64 kind_bytes,
								BarqBodyHeader *body, BarqVectorHeader *header);

/*
 * Add a section of whole rows to what was laid out, where codes are heads. The
 * codes then begin at header->codes_off, the rows at header->rows_off.
 */
extern void barq_vector_add_rows(uint64 bytes, BarqBodyHeader *body,
								 BarqVectorHeader *header);

/*
 * One whole row of a body, checked as far as reading it takes; valid until the
 * view's next read.
 */
extern const void *barq_vector_read_row(BarqView *view, const BarqVectorHeader *header,
										const BarqCodec *codec, uint32 row, Size *length);

/*
 * Keys of n rows: ids[i], or first + i where ids is NULL. No row that they refer
 * to lies outside of the body: ERRCODE_INDEX_CORRUPTED otherwise.
 */
extern void barq_vector_keys(BarqView *view, const BarqVectorHeader *header,
							 const BarqCodec *codec, const BarqQuery *query,
							 const uint32 *ids, uint32 first, int n, float *keys);

/*
 * Write one row to the section of codes (flat_write.c). Where codes are heads
 * it refers to *row_at, which moves on by the row's length: there the whole row
 * is to be written.
 */
extern void barq_vector_write_code(BarqBodyWriter *writer, const BarqCodec *codec,
								   const void *row, uint64 *row_at);

/* ERROR unless the input of a merge has the index's codec */
extern void barq_vector_same_codec(const BarqCodec *codec, const BarqCodec *input);

/* SegmentKind's row_code, and check's common part, of all vector kinds */
extern const void *barq_vector_row_code(BarqView *view, uint32 row);
extern void barq_vector_check(BarqView *view, BarqCheckReport report, void *arg);

#endif							/* BARQ_VECTOR_BODY_H */
