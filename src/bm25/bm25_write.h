/*
 * bm25_write.h
 *	  Writing a body, term after term (bm25_write.c).
 */
#ifndef BARQ_BM25_WRITE_H
#define BARQ_BM25_WRITE_H

#include "bm25/bm25_layout.h"

typedef struct Bm25Writer Bm25Writer;

/*
 * Begin a body of `rows` rows in TID order, at the writer's start. lengths: of several
 * fields: nfields for each row, each plus 1, 0 where the field is NULL. tids and
 * lengths must stay valid until the end. The writer is palloc'd in the current
 * memory context; make the calls below in the same context.
 */
extern Bm25Writer *barq_bm25_write_begin(BarqBodyWriter *writer, uint32 rows,
										 const ItemPointerData *tids,
										 const uint32 *lengths, uint32 nfields,
										 bool positions);

/*
 * Begin a term, which comes after the last one in dictionary order. A term
 * without postings is left out. An internal error above BM25_MAX_TERM bytes.
 */
extern void barq_bm25_write_term(Bm25Writer *writer, const char *text, uint32 length);

/*
 * Write postings of the term, whose rows ascend, in runs. For each run: get the
 * place for rows and frequencies, and how many there is room for (at least 1);
 * fill in up to as many; write their positions, if the body has positions, as
 * varints of differences; then say how many postings there are.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above 4 GB of postings of a term.
 */
extern uint32 barq_bm25_write_room(Bm25Writer *writer, uint32 **rows, uint32 **frequencies);

/*
 * Of a body of several fields: the place for the frequencies in a field of the postings of
 * the run. The frequencies of the run itself are their sums.
 */
extern uint32 *barq_bm25_write_field(Bm25Writer *writer, uint32 field);

extern void barq_bm25_write_positions(Bm25Writer *writer, const uint8 *positions, Size bytes);
extern void barq_bm25_write_postings(Bm25Writer *writer, uint32 n);

/* Write the dictionary and the footer. */
extern void barq_bm25_write_end(Bm25Writer *writer);

#endif							/* BARQ_BM25_WRITE_H */
