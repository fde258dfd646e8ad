/*
 * hnsw_copies.h
 *	  Rows with identical codes (hnsw_copies.c).
 */
#ifndef BARQ_HNSW_COPIES_H
#define BARQ_HNSW_COPIES_H

#include "hnsw/hnsw_work.h"

/* Hash table of codes, for the time in which an area is loaded. */
typedef struct HnswCopies HnswCopies;

/*
 * An empty table for the rows of an area, palloc'd in the current memory
 * context; the caller frees it with pfree().
 */
extern HnswCopies *barq_hnsw_copies_begin(BarqHnswWork *work);

/*
 * Add a row whose code is in the area; rows are added in ascending order.
 * Returns, and notes in the area, the first row with this code: the row itself
 * if there is none before it.
 */
extern uint32 barq_hnsw_copies_add(HnswCopies *copies, uint32 row);

/*
 * Link the copies to the graph. Called by one process after all inserts.
 * scratch1, scratch2: work->rows elements each, any content.
 */
extern void barq_hnsw_copies_link(BarqHnswWork *work, uint32 *scratch1, uint32 *scratch2);

#endif							/* BARQ_HNSW_COPIES_H */
