/*
 * ivf_work.h
 *	  The work area of a build or merge: layout, and the steps that several
 *	  processes share.
 *
 * The leader alone changes anything but the outputs of a *step*: a range of
 * rows for each of which the nearest centroid is sought. A step is cut into
 * chunks; who claims one writes the lists (and keys) of its rows. README.md
 * says why a claim can never belong to another step than its claimer thinks.
 */
#ifndef BARQ_IVF_WORK_H
#define BARQ_IVF_WORK_H

#include "ivf/ivf_layout.h"
#include "port/atomics.h"

#define IVF_WORK_MAGIC	0x57465649	/* "IVFW" */
#define IVF_CHUNK_ROWS	256			/* of a step, claimed at once */
#define IVF_NEAR		64

/* Rows for each of which the nearest centroid is sought. Offsets in the area. */
typedef struct IvfStep
{
	uint64		rows_off;		/* codes, stride bytes each */
	uint64		centroids_off;
	uint64		lists_off;		/* out: uint32 a row */
	uint64		keys_off;		/* out: float a row; 0: not wanted */
	uint64		near_off;		/* 0: all centroids are candidates; else only
								 * the IVF_NEAR that stand here, uint32 each,
								 * for the list that a row is in so far */
	uint32		first;			/* rows [first, end) */
	uint32		end;
} IvfStep;

struct BarqIvfWork
{
	uint32		magic;			/* IVF_WORK_MAGIC */
	BarqCodec	codec;
	uint32		rows;			/* all of them alive */
	uint32		wanted;			/* lists to make, if any are made */
	uint32		lists;			/* centroids there are */
	uint32		kept;			/* rows 0 … kept-1 are in a list of the kept
								 * centroids; 0: there are none to keep */
	float		kept_cost;		/* see IvfHeader */
	float		kept_imbalance;
	uint32		kept_wanted;
	float		cost;			/* what the body's header is to say */
	float		imbalance;
	uint32		space_lists;	/* centroids that there is room for */
	uint32		space_sample;

	/* sections, from the area's start */
	uint64		codes_off;
	uint64		tids_off;		/* ItemPointerData[rows] */
	uint64		list_of_off;	/* uint32[rows] */
	uint64		centroids_off;	/* rows of the codec */
	uint64		sample_off;		/* rows of the codec */
	uint64		sample_list_off;	/* uint32[space_sample] */
	uint64		sample_key_off; /* float[space_sample] */
	uint64		near_off;		/* uint32[space_lists][IVF_NEAR] */

	/* the step under way: number << 32 | next chunk to claim */
	pg_atomic_uint64 claim;
	pg_atomic_uint32 done;		/* rows finished */
	pg_atomic_uint32 finished;	/* helpers may go */
	IvfStep		step;
};

static inline char *
ivf_work_at(BarqIvfWork *work, uint64 off)
{
	return (char *) work + off;
}

/* ivf_step.c: do a step with whoever helps; progress is told of every row */
extern void barq_ivf_step_init(BarqIvfWork *work);
extern void barq_ivf_step_run(BarqIvfWork *work, const IvfStep *step,
							  BarqIvfProgress progress, void *arg);

/* ivf_kmeans.c: centroids from the sample that lies in the area */
extern void barq_ivf_kmeans(BarqIvfWork *work, uint32 sample,
							BarqIvfProgress progress, void *arg);

/* ivf_sample.c: rows drawn at random into the area; returns how many */
extern uint32 barq_ivf_sample_rows(uint32 lists, uint32 rows);

/*
 * Find the lists of the sample, and how well they suit it. near: a row's list
 * is one of those near to its list so far (near_off).
 */
extern void barq_ivf_sample_measure(BarqIvfWork *work, uint32 sample, bool near,
									BarqIvfProgress progress, void *arg,
									float *cost, float *imbalance);

#endif							/* BARQ_IVF_WORK_H */
