/*
 * bitmap_tids.h
 *	  The TIDs of a bitmap plan, without a bitmap.
 */
#ifndef BARQ_BITMAP_TIDS_H
#define BARQ_BITMAP_TIDS_H

#include "postgres.h"

#include "nodes/execnodes.h"
#include "utils/rel.h"

/* Bytes that a TID takes while it is sorted. */
#define BARQ_BITMAP_TID_BYTES	(2 * sizeof(uint64))

/*
 * Run a bitmap plan whose scans are all of btree indexes of `heap`, and read their TIDs one by one:
 * returns these, as block << 16 | offset, ascending, none twice, palloc'd in the current
 * memory context, and *n of them. NULL if the plan has other scans, or if the TIDs take more
 * than work_mem: the plan can then be run by MultiExecProcNode().
 */
extern uint64 *barq_bitmap_tids(PlanState *plan, Relation heap, uint64 *n);

#endif							/* BARQ_BITMAP_TIDS_H */
