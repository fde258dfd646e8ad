/*
 * flat.h
 *	  The flat kind: rows of codes, scanned. Also the section of codes that
 *	  the other vector kinds put a graph or lists beside.
 *
 * Body: BarqBodyHeader, BarqVectorHeader, kind sections, codes (stride bytes
 * a row), TIDs; whole rows, where the codes are heads (codec.h).
 */
#ifndef BARQ_FLAT_H
#define BARQ_FLAT_H

#include "kernels/codec.h"
#include "store/segment.h"

/* At BarqBodyHeader.kind_off in every body of a vector kind. */
typedef struct BarqVectorHeader
{
	uint16		metric;			/* BarqMetric */
	uint16		quantization;	/* BarqQuantization */
	uint32		dims;
	uint32		row_bytes;
	uint32		stride;			/* bytes from one code to the next, 64-aligned */
	uint64		codes_off;		/* start of the codes */
	uint64		graph_off;		/* the kind's own sections; 0 for flat */
	uint64		reserved[2];
	uint64		rows_off;		/* whole rows, where codes are heads; else 0 */
	uint64		rows_bytes;
} BarqVectorHeader;

StaticAssertDecl(sizeof(BarqVectorHeader) == 64, "BarqVectorHeader is on disk");
StaticAssertDecl(offsetof(BarqVectorHeader, rows_off) == 48, "BarqVectorHeader is on disk");

extern const BarqSegmentKind barq_flat_kind;

/*
 * Read and validate a vector body's headers. ERRCODE_INDEX_CORRUPTED where
 * sizes or offsets do not fit the body.
 */
extern void barq_vector_open(BarqView *view, BarqBodyHeader *body,
							 BarqVectorHeader *header, BarqCodec *codec);

/*
 * Write a flat body from rows in memory: codes (or heads of rows in memory) lie
 * at rows + i * row_stride, tids[i] beside them.
 */
extern void barq_flat_write(BarqBodyWriter *writer, const BarqCodec *codec,
							const char *rows, Size row_stride,
							const ItemPointerData *tids, uint32 nrows);

/* Bytes of the whole rows of an input's live rows; 0 where codes are no heads. */
extern uint64 barq_vector_rows_bytes(BarqMergeInput *input);

/* Write a flat body from the live rows of other vector bodies of this codec. */
extern void barq_flat_merge(BarqBodyWriter *writer, const BarqCodec *codec,
							BarqMergeInput *inputs, int ninputs);

#endif							/* BARQ_FLAT_H */
