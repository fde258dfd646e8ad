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

/* Number of the kind, as stored. */
#define BARQ_KIND_FLAT	1

extern const BarqSegmentKind barq_flat_kind;

/*
 * What a search returned: the kind's key (grows with the distance, comparable
 * over all segments of an index) and the row.
 */
typedef struct BarqHit
{
	float		key;
	uint32		row;
} BarqHit;

typedef struct BarqSearchParams
{
	const void *query;			/* the kind's prepared query (BarqQuery) */
	int			breadth;		/* ef_search */
	const uint8 *skip;			/* a bit a row: never return these; or NULL */
	int			probes;			/* lists looked into at first; 0: chosen */
	bool		probes_only;	/* ... and no others after them */
	bool		beside_graphs;	/* lists of a sealed log: breadth says how many */
} BarqSearchParams;

/* A search of one segment: state between batches. Lives in the memory
 * context current at search_begin and is freed with it. */
typedef struct BarqSearch BarqSearch;

/* How segments of a kind of vectors are searched (BarqSegmentKind.vectors). */
typedef struct BarqVectorSearchOps
{
	/*
	 * Begin a search. next writes up to max hits, best first, none of
	 * which it returned before, and returns how many; 0 means no more below
	 * bound. `bound`: rows with a key >= bound are of no use to the caller at
	 * this call (he may ask again with a larger one, and gets them then).
	 */
	BarqSearch *(*begin) (BarqView *view, const BarqSearchParams *params);
	int			(*next) (BarqSearch *search, float bound,
						 BarqHit *hits, int max);

	/* Release what is not memory in a context (visited marks lent). */
	void		(*end) (BarqSearch *search);

	/* bytes of one row's code, for re-scoring; valid until the view's next read */
	const void *(*row_code) (BarqView *view, uint32 row);
} BarqVectorSearchOps;

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
