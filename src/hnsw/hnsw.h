/*
 * hnsw.h
 *	  The HNSW kind: a navigable small-world graph over codes (Malkov &
 *	  Yashunin, 2018, https://arxiv.org/abs/1603.09320).
 *
 * A graph is built in a *work area*: one block of memory without pointers, so
 * that several processes can map it at different addresses and insert into it
 * at the same time. After the last insert, one process numbers the rows
 * breadth-first from the entry point, in place: the area then holds the body.
 */
#ifndef BARQ_HNSW_H
#define BARQ_HNSW_H

#include "base/merge_points.h"
#include "flat/flat.h"

/* Number of the kind, as stored. */
#define BARQ_KIND_HNSW	2

extern const BarqSegmentKind barq_hnsw_kind;

typedef struct BarqHnswOptions
{
	int			m;				/* neighbours of a row on each upper layer; on
								 * layer 0 twice as many */
	int			ef_construction;	/* rows of the beam that finds neighbours */

	/*
	 * An area of more bytes than `memory` has its rows inserted by place (README.md,
	 * "Place"); find_places NULL: none has.
	 */
	uint64		memory;
	BarqFindPlaces find_places;
} BarqHnswOptions;

typedef struct BarqHnswWork BarqHnswWork;

/*
 * Exact bytes of a work area for so many rows. rows_bytes: the sum of
 * barq_vector_rows_bytes() over all inputs. ERRCODE_PROGRAM_LIMIT_EXCEEDED above
 * BARQ_MAX_ROWS rows.
 */
extern uint64 barq_hnsw_work_bytes(const BarqCodec *codec,
								   const BarqHnswOptions *options, uint32 rows,
								   uint64 rows_bytes);

/*
 * Lay out a work area in mem (64-byte aligned, barq_hnsw_work_bytes() long, any
 * content) and copy in the codes and TIDs of the inputs' live rows. Where an
 * input is an HNSW body of the same m with few dead rows, its graph is kept and
 * mended (README.md, "Merge"), and only the rows of the other inputs remain to
 * be inserted. Called by one process, before others attach. Checks for
 * interrupts, and reaches BARQ_POINT_MENDING of `points` (may be NULL). ERRCODE_INDEX_CORRUPTED where an input is damaged.
 */
extern BarqHnswWork *barq_hnsw_work_load(void *mem, const BarqCodec *codec,
										 const BarqHnswOptions *options,
										 BarqMergeInput *inputs, int ninputs,
										 BarqMergePoints *points);

/*
 * The same for rows of CREATE INDEX; rows->whole_bytes is the area's rows_bytes.
 * Checks for interrupts.
 */
extern BarqHnswWork *barq_hnsw_work_load_rows(void *mem, const BarqCodec *codec,
											  const BarqHnswOptions *options,
											  const BarqBuildRows *rows);

/* The work area that another process has loaded, mapped here at mem. */
extern BarqHnswWork *barq_hnsw_work_attach(void *mem);

/*
 * Note in a loaded area what barq_hnsw_work_resume() checks. Called before a second
 * process attaches. Checks for interrupts.
 */
extern void barq_hnsw_work_note_loaded(BarqHnswWork *work);

/* What is left to do in an area. */
typedef struct BarqHnswResumed
{
	uint64		body_bytes;		/* of the body, which is complete; 0: it is not */
	uint64		again;			/* rows that were inserted once more */
	uint32		left;			/* rows that are not inserted yet */
} BarqHnswResumed;

/*
 * Prepare an area, of `bytes` bytes, to be worked on after its processes have ended,
 * some of them perhaps killed in the middle of an insertion; no other process has it
 * mapped. `rows` and rows_bytes: as it was laid out for. Fills *resumed. False, if it
 * cannot be used: it is damaged, was made by another version, or its rows were being
 * ordered. Checks for interrupts; being interrupted here costs nothing.
 */
extern bool barq_hnsw_work_resume(void *mem, uint64 bytes, uint32 rows, uint64 rows_bytes,
								  BarqHnswResumed *resumed);

/*
 * Called with the number of rows that this process has inserted since the last
 * call, while it holds no lock of the area. Must check for interrupts; may
 * raise errors.
 */
typedef void (*BarqBuildProgress) (void *arg, uint32 rows);

/*
 * Insert rows until all are claimed. Any number of processes may run this on
 * one area at the same time; the caller waits for all of them before it writes.
 * progress may be NULL; then interrupts are not checked.
 */
extern void barq_hnsw_work_insert(BarqHnswWork *work,
								  BarqBuildProgress progress, void *arg);

/*
 * Make all rows reachable, number them (unless they are by place) and complete the body, which begins at
 * BARQ_AREA_BODY of the area; returns its bytes. Called by one process, after all
 * others have returned from barq_hnsw_work_insert(). The area holds nothing else
 * afterwards. Checks for interrupts; temporary memory is in the current memory
 * context.
 */
extern uint64 barq_hnsw_work_finish(BarqHnswWork *work);

/*
 * Rows to ask of a search with a filter at once, so that a walk through all rows has them
 * in its first beam: of its breadth, by the share of the rows that the filter admits.
 */
extern int	barq_hnsw_rows_wanted(int breadth, double share);

#endif							/* BARQ_HNSW_H */
