/*
 * ivf.h
 *	  The IVF kind: rows are kept in lists, each near one centroid; a search
 *	  scores the rows of the lists whose centroids are nearest to the query.
 *
 * Lists are made in a *work area*: one block of memory without pointers, so
 * that several processes can map it at different addresses and share the work.
 * One process, the leader, loads the rows, trains the centroids, assigns each
 * row to a list and writes the body. The others, the helpers, take part in
 * training and assignment.
 */
#ifndef BARQ_IVF_H
#define BARQ_IVF_H

#include "flat/flat.h"

#define BARQ_IVF_MAX_LISTS	32768

/* Number of the kind, as stored. */
#define BARQ_KIND_IVF	3

/* Rows that a search beside graphs scores for each row of its breadth, at least. */
#define BARQ_IVF_AHEAD_BESIDE	12

extern const BarqSegmentKind barq_ivf_kind;

/* Number of lists for so many rows where the user gave none. */
extern uint32 barq_ivf_choose_lists(double rows);

/* Number of lists that a search scores first where the user gave none. */
extern uint32 barq_ivf_choose_probes(uint32 lists);

typedef struct BarqIvfWork BarqIvfWork;

/*
 * Bytes of a work area for the live rows of these inputs. lists: number of
 * lists to make, 0: chosen from the number of rows. The codec has no heads.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS rows,
 * ERRCODE_INDEX_CORRUPTED where an input is damaged.
 */
extern uint64 barq_ivf_work_bytes(const BarqCodec *codec, uint32 lists,
								  BarqMergeInput *inputs, int ninputs);

/*
 * Lay out a work area in mem (64-byte aligned, barq_ivf_work_bytes() of the same
 * arguments long, any content) and copy in the inputs' live rows. Called by the
 * leader before helpers attach. Checks for interrupts.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS rows, ERRCODE_INDEX_CORRUPTED
 * where an input is damaged.
 */
extern BarqIvfWork *barq_ivf_work_load(void *mem, const BarqCodec *codec, uint32 lists,
									   BarqMergeInput *inputs, int ninputs);

/* The same two for rows of CREATE INDEX. */
extern uint64 barq_ivf_rows_bytes(const BarqCodec *codec, uint32 lists, uint64 rows);
extern BarqIvfWork *barq_ivf_work_load_rows(void *mem, const BarqCodec *codec,
											uint32 lists, const BarqBuildRows *rows);

/* The work area that the leader has loaded, mapped here at mem. */
extern BarqIvfWork *barq_ivf_work_attach(void *mem);

/*
 * Note in a loaded area what barq_ivf_work_resume() checks. Called before helpers attach.
 * Checks for interrupts.
 */
extern void barq_ivf_work_note_loaded(BarqIvfWork *work);

/*
 * Go on with an area of so many bytes for so many rows, of which no process is left; no
 * other process has it mapped. *body_bytes: of the body, if it is complete, else 0, and
 * the caller trains and assigns as after loading; *left: rows without a list. False if it
 * cannot be used. Checks for interrupts.
 */
extern bool barq_ivf_work_resume(void *mem, uint64 bytes, uint64 rows, uint64 *body_bytes,
								 uint64 *left);

/*
 * Called with the number of rows that this process has assigned since the last
 * call, while it holds no chunk of a step; also with 0 while it waits. Must
 * check for interrupts; may raise errors. The functions below take NULL for no
 * callback; then they do not check for interrupts while they wait.
 */
typedef void (*BarqIvfProgress) (void *arg, uint32 rows);

/*
 * Leader: keep the centroids of an input if they still fit the rows, else
 * train new ones. Temporary memory is in the current memory context.
 */
extern void barq_ivf_work_train(BarqIvfWork *work, BarqIvfProgress progress, void *arg);

/* Leader, after training: find the list of each row; then release the helpers. */
extern void barq_ivf_work_assign(BarqIvfWork *work, BarqIvfProgress progress, void *arg);

/* Helper: take part in the leader's steps until all rows are assigned. */
extern void barq_ivf_work_help(BarqIvfWork *work, BarqIvfProgress progress, void *arg);

/*
 * Leader, after assigning: the centroids, *lists of them, stride bytes each, and the
 * list of each row. They lie in the area.
 */
extern const char *barq_ivf_work_centroids(BarqIvfWork *work, uint32 *lists,
										   const uint32 **list_of);

/*
 * Leader, after the helpers have returned: complete the body, which begins at
 * BARQ_AREA_BODY of the area; returns its bytes. The area holds nothing else
 * afterwards. Checks for interrupts; temporary memory is in the current memory
 * context.
 */
extern uint64 barq_ivf_work_finish(BarqIvfWork *work);

/*
 * Write a body that barq_ivf_work_finish() has completed, and half codes of its rows, by
 * which searches with a bound take less time; changes its headers. Only the body where
 * rows of the codec have none. Errors of barq_body_write(); checks for interrupts.
 */
extern void barq_ivf_write_halved(BarqBodyWriter *writer, const BarqCodec *codec, char *body,
								  uint64 bytes);

/* Lists of a segment of this kind. ERRCODE_INDEX_CORRUPTED for a damaged body. */
extern uint32 barq_ivf_lists_of(BarqView *view);

#endif							/* BARQ_IVF_H */
