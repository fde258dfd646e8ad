/*
 * hnsw.h
 *	  The HNSW kind: a navigable small-world graph over codes (Malkov &
 *	  Yashunin, 2018, https://arxiv.org/abs/1603.09320).
 *
 * A graph is built in a *work area*: one block of memory without pointers, so
 * that several processes can map it at different addresses and insert into it
 * at once. Once all rows are in, it is re-numbered breadth-first from the
 * entry point and written as a body.
 */
#ifndef BARQ_HNSW_H
#define BARQ_HNSW_H

#include "flat/flat.h"

/* Number of the kind, as stored. */
#define BARQ_KIND_HNSW	2

extern const BarqSegmentKind barq_hnsw_kind;

typedef struct BarqHnswOptions
{
	int			m;				/* neighbours a row above layer 0; 2·m on it */
	int			ef_construction;
} BarqHnswOptions;

typedef struct BarqHnswWork BarqHnswWork;

/*
 * Bytes of work area for this many rows (exact; layers are drawn from row
 * numbers, not from chance). rows_bytes: barq_vector_rows_bytes() of all inputs.
 */
extern uint64 barq_hnsw_work_bytes(const BarqCodec *codec,
								   const BarqHnswOptions *options, uint32 rows,
								   uint64 rows_bytes);

/*
 * Lay out a work area in mem (64-byte aligned, work_bytes long, any content)
 * and copy in the codes and TIDs of the inputs' live rows. If the input with
 * most live rows is an HNSW body of the same m, its graph is kept: its dead
 * rows' neighbours are joined again, and only the others' rows remain to be
 * inserted. One process.
 */
extern BarqHnswWork *barq_hnsw_work_load(void *mem, const BarqCodec *codec,
										 const BarqHnswOptions *options,
										 BarqMergeInput *inputs, int ninputs);

/* The same area as another process sees it. */
extern BarqHnswWork *barq_hnsw_work_attach(void *mem);

/*
 * Insert rows until none is left unclaimed. Any number of processes may run
 * this at once on one area; the caller waits for all of them before writing.
 * progress(arg, n) is called now and then with the number of rows this
 * process has finished since the last call; it may throw (never while a lock
 * of the area is held), and must CHECK_FOR_INTERRUPTS.
 */
typedef void (*BarqBuildProgress) (void *arg, uint32 rows);

extern void barq_hnsw_work_insert(BarqHnswWork *work,
								  BarqBuildProgress progress, void *arg);

/* Re-number and write the body. One process, after all inserts. */
extern void barq_hnsw_work_write(BarqHnswWork *work, BarqBodyWriter *writer);

#endif							/* BARQ_HNSW_H */
