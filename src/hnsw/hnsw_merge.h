/*
 * hnsw_merge.h
 *	  Keeping the graph of one input of a merge (hnsw_merge.c), and what that
 *	  needs of the loading of a work area (hnsw_load.c).
 */
#ifndef BARQ_HNSW_MERGE_H
#define BARQ_HNSW_MERGE_H

#include "hnsw/hnsw_copies.h"

/* The input whose graph is worth keeping; -1 if none is. */
extern int	barq_hnsw_merge_choose(BarqHnswWork *work, BarqMergeInput *inputs,
								   int ninputs);

/*
 * Copy the input's live rows and their graph as rows 0 .. live - 1; sets
 * work->kept and the entry point.
 */
extern void barq_hnsw_merge_keep(BarqHnswWork *work, BarqMergeInput *input,
								 HnswCopies *copies);

/* hnsw_load.c; levels are set in the order of rows */
extern void barq_hnsw_work_set_level(BarqHnswWork *work, uint32 row, int level);
extern void barq_hnsw_work_copy_row(BarqHnswWork *work, uint32 to, BarqView *view,
									const BarqBodyHeader *body,
									const BarqVectorHeader *vector, uint32 from);

#endif							/* BARQ_HNSW_MERGE_H */
