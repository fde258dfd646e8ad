/*
 * ivf.h
 *	  The IVF kind: rows in lists, each with a centroid near them; a search
 *	  scores the rows of the lists whose centroids are nearest to the query.
 *
 * Lists are made in a *work area*: one block of memory without pointers, so
 * that several processes can map it at different addresses and share the work.
 * One of them leads: he loads the rows, trains the centroids, has every row
 * assigned to one of them, and writes the body.
 */
#ifndef BARQ_IVF_H
#define BARQ_IVF_H

#include "flat/flat.h"

#define BARQ_IVF_MAX_LISTS	32768

/* Number of the kind, as stored. */
#define BARQ_KIND_IVF	3

extern const BarqSegmentKind barq_ivf_kind;

/* Lists for that many rows, and how many of them to probe, if nobody says. */
extern uint32 barq_ivf_choose_lists(double rows);
extern uint32 barq_ivf_choose_probes(uint32 lists);

typedef struct BarqIvfWork BarqIvfWork;

/* Bytes of work area for the live rows of these inputs. lists 0: chosen. */
extern uint64 barq_ivf_work_bytes(const BarqCodec *codec, uint32 lists,
								  BarqMergeInput *inputs, int ninputs);

/*
 * Lay out a work area in mem (64-byte aligned, work_bytes long, any content)
 * and copy in the inputs' live rows; the same arguments as work_bytes had.
 */
extern BarqIvfWork *barq_ivf_work_load(void *mem, const BarqCodec *codec, uint32 lists,
									   BarqMergeInput *inputs, int ninputs);

/* The same area as another process sees it. */
extern BarqIvfWork *barq_ivf_work_attach(void *mem);

/*
 * Called now and then with the number of rows that this process has assigned
 * since the last call; it may throw, and must CHECK_FOR_INTERRUPTS. NULL:
 * nothing is to be called.
 */
typedef void (*BarqIvfProgress) (void *arg, uint32 rows);

/*
 * The leader: decide whether the centroids of an input are still good, train
 * others if not; then find every row's list. After assign helpers return.
 */
extern void barq_ivf_work_train(BarqIvfWork *work, BarqIvfProgress progress, void *arg);
extern void barq_ivf_work_assign(BarqIvfWork *work, BarqIvfProgress progress, void *arg);

/* Whoever else wants to: take part until the leader is through. */
extern void barq_ivf_work_help(BarqIvfWork *work, BarqIvfProgress progress, void *arg);

/* Write the body. The leader, after all others have left. */
extern void barq_ivf_work_write(BarqIvfWork *work, BarqBodyWriter *writer);

#endif							/* BARQ_IVF_H */
