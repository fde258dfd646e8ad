/*
 * hnsw_place.h
 *	  Rows of a work area in order of place (hnsw_place.c).
 */
#ifndef BARQ_HNSW_PLACE_H
#define BARQ_HNSW_PLACE_H

#include "hnsw/hnsw_work.h"

/*
 * If the area is larger than options->memory, order the rows from work->kept on by
 * place: codes and TIDs are in the area, levels are not. Sets work->by_place and the
 * windows. counts[HNSW_MAX_LAYERS + 1]: receives the number of these rows of each level;
 * the highest come first. *numbers: receives an array, for the caller to free, of the number
 * that each of them has now, in the order that they had, or NULL if that is the same (numbers
 * NULL: not wanted). Returns work->by_place. Other temporary memory is in the current memory
 * context, freed on return. Checks for interrupts.
 */
extern bool barq_hnsw_order_by_place(BarqHnswWork *work, const BarqHnswOptions *options,
									 uint32 *counts, uint32 **numbers);

#endif							/* BARQ_HNSW_PLACE_H */
