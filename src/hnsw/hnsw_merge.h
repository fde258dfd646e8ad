/*
 * hnsw_merge.h
 *	  Keeping the graph of one input of a merge (hnsw_merge.c), and the parts of
 *	  loading a work area that it shares (hnsw_load.c).
 */
#ifndef BARQ_HNSW_MERGE_H
#define BARQ_HNSW_MERGE_H

#include "hnsw/hnsw_copies.h"

/*
 * Can the graph of an input be used: is it an HNSW body of the area's m of which at most
 * half are dead? ERRCODE_INDEX_CORRUPTED for a damaged input.
 */
extern bool barq_hnsw_merge_can_keep(BarqHnswWork *work, BarqMergeInput *input);

/*
 * Number of the input whose graph is kept: the one with most live rows of those whose
 * graph can be used; -1 if there is none.
 */
extern int	barq_hnsw_merge_choose(BarqHnswWork *work, BarqMergeInput *inputs,
								   int ninputs);

/*
 * Copy an input's live rows and their graph into the area as rows 0 .. live - 1
 * and mend the graph; sets work->kept and the entry point. Called while one
 * process has the area. Temporary memory is in the current memory context, freed on
 * return. Checks for interrupts, and reaches BARQ_POINT_MENDING of `points` (may be
 * NULL); ERRCODE_INDEX_CORRUPTED for a damaged input.
 */
extern void barq_hnsw_merge_keep(BarqHnswWork *work, BarqMergeInput *input,
								 HnswCopies *copies, BarqMergePoints *points);

/*
 * Set a row's level and hand out its upper lists. Called once for each row, in
 * ascending order. A row whose lists do not fit in the area stays on layer 0.
 */
extern void barq_hnsw_work_set_level(BarqHnswWork *work, uint32 row, int level);

/* Copy code (or head and whole row) and TID of row `from` of an input to row `to`. */
extern void barq_hnsw_work_copy_row(BarqHnswWork *work, uint32 to, BarqView *view,
									const BarqBodyHeader *body,
									const BarqVectorHeader *vector, uint32 from);

#endif							/* BARQ_HNSW_MERGE_H */
