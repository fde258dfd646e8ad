/*
 * vector_body.h
 *	  Inside of the vector kinds: limits and helpers of their bodies. See
 *	  flat.h for what the rest of the extension may use.
 */
#ifndef BARQ_VECTOR_BODY_H
#define BARQ_VECTOR_BODY_H

#include "flat/flat.h"

#define BARQ_MAX_DIMS	16000

/* The highest bit of a row number is a flag in the searches' beams. */
#define BARQ_MAX_ROWS	((uint32) 0x7fffffff)

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

/* ERROR unless the input of a merge has the index's codec */
extern void barq_vector_same_codec(const BarqCodec *codec, const BarqCodec *input);

/* SegmentKind's row_code, and check's common part, of all vector kinds */
extern const void *barq_vector_row_code(BarqView *view, uint32 row);
extern void barq_vector_check(BarqView *view, BarqCheckReport report, void *arg);

#endif							/* BARQ_VECTOR_BODY_H */
