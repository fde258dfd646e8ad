/*
 * hnsw_copies.h
 *	  Rows of the very same code (hnsw_copies.c).
 */
#ifndef BARQ_HNSW_COPIES_H
#define BARQ_HNSW_COPIES_H

#include "hnsw/hnsw_work.h"
#include "base/interrupts.h"

typedef struct HnswCopies HnswCopies;

/* While an area is loaded, in the order of rows. Palloc'd; pfree ends it. */
extern HnswCopies *barq_hnsw_copies_begin(BarqHnswWork *work);

/* Note a row whose code was copied in; the first row of this code. */
extern uint32 barq_hnsw_copies_add(HnswCopies *copies, uint32 row);

/* Link every copy, after all inserts. The arrays, a word a row, are scratch. */
extern void barq_hnsw_copies_link(BarqHnswWork *work, uint32 *full, uint32 *next);

#endif							/* BARQ_HNSW_COPIES_H */
