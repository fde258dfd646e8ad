/*
 * hnsw_sources.h
 *	  Lists that rows of a merge are loaded with (hnsw_sources.c).
 */
#ifndef BARQ_HNSW_SOURCES_H
#define BARQ_HNSW_SOURCES_H

#include "hnsw/hnsw_work.h"

/*
 * Give the rows of an input, whose graph can be used but is not kept, their lists on layer 0.
 * number[]: the row in the area of each row of the input; HNSW_NONE: dead. source: the number
 * of the input in hnsw_work_sources(). The area has the graph of another input already. Checks
 * for interrupts; ERRCODE_INDEX_CORRUPTED for a damaged input.
 */
extern void barq_hnsw_sources_load(BarqHnswWork *work, BarqMergeInput *input,
								   const uint32 *number, uint8 source);

/*
 * Copies have been found: take them from these lists, and their own lists from them. Checks
 * for interrupts.
 */
extern void barq_hnsw_sources_settle(BarqHnswWork *work);

#endif							/* BARQ_HNSW_SOURCES_H */
