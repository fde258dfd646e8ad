/*
 * ivf_work.h
 *	  The work area of a build or merge: its layout, and the steps that several
 *	  processes share.
 *
 * A *step* finds the nearest centroid for each row of a range. Its rows are cut
 * into chunks; the process that claims a chunk writes the lists (and keys) of
 * the chunk's rows. The leader alone writes everything else. README.md, "Work
 * area", has the invariants.
 */
#ifndef BARQ_IVF_WORK_H
#define BARQ_IVF_WORK_H

#include "ivf/ivf_layout.h"
#include "port/atomics.h"
#include "port/pg_crc32c.h"

#define IVF_WORK_MAGIC	0x57465649	/* "IVFW" */
#define IVF_CHUNK_ROWS	256			/* rows of a chunk */
#define IVF_NEAR		64			/* centroids noted as near to each centroid */

/* A step. Offsets count from the start of the area. */
typedef struct IvfStep
{
	uint64		rows_off;		/* codes, stride bytes each */
	uint64		centroids_off;
	uint64		lists_off;		/* out: uint32 a row */
	uint64		keys_off;		/* out: float a row; 0: not wanted */
	uint64		near_off;		/* 0: all centroids are candidates; else
								 * uint32[lists][IVF_NEAR]: only those near to
								 * the row's present list are */
	uint32		first;			/* rows [first, end) */
	uint32		end;
	bool		goes_on;		/* chunks whose rows all have a list are done */
} IvfStep;

/* How far an area is, for barq_ivf_work_resume(). */
typedef enum IvfPhase
{
	IVF_PHASE_LOADED,			/* centroids are trained */
	IVF_PHASE_TRAINED,			/* rows are assigned; those without a list have IVF_NO_LIST */
	IVF_PHASE_ORDERING,			/* rows are moved: it cannot go on */
	IVF_PHASE_COMPLETE			/* it has the body */
} IvfPhase;

#define IVF_NO_LIST		PG_UINT32_MAX

struct BarqIvfWork
{
	uint32		magic;			/* IVF_WORK_MAGIC */
	BarqCodec	codec;
	uint32		rows;			/* live rows of all inputs */
	uint32		wanted;			/* lists to make, if centroids are trained */
	uint32		lists;			/* centroids in the area */
	uint32		kept;			/* rows 0 .. kept-1 have a list of the kept
								 * centroids; 0: no centroids are kept */
	float		kept_cost;		/* from the kept input's IvfHeader */
	float		kept_imbalance;
	uint32		kept_wanted;
	float		cost;			/* for the IvfHeader to be written */
	float		imbalance;
	uint32		space_lists;	/* room for centroids */
	uint32		space_sample;	/* room for rows of a sample */

	uint32		phase;			/* IvfPhase */
	pg_crc32c	loaded_crc;		/* barq_ivf_work_note_loaded() */
	uint64		body_bytes;		/* of the complete body */

	/* offsets from the start of the area; first of sections of the body */
	uint64		codes_off;
	uint64		tids_off;		/* ItemPointerData[rows] */
	uint64		refine_off;		/* refinements, or 0 */
	uint64		lists_off;		/* header, first rows, centroids, written last */
	uint64		body_end;		/* the body ends there or before */

	/* only for the build */
	uint64		list_of_off;	/* uint32[rows]; IVF_NO_LIST: none yet */
	uint64		centroids_off;	/* rows of the codec */
	uint64		sample_off;		/* rows of the codec */
	uint64		sample_list_off;	/* uint32[space_sample] */
	uint64		sample_key_off; /* float[space_sample] */
	uint64		near_off;		/* uint32[space_lists][IVF_NEAR] */

	pg_atomic_uint64 claim;		/* number of the step << 32 | next chunk */
	pg_atomic_uint32 done;		/* rows of the step that are finished */
	pg_atomic_uint32 finished;	/* 1: helpers return */
	IvfStep		step;			/* the current one */
};

StaticAssertDecl(sizeof(BarqIvfWork) <= BARQ_AREA_BODY, "the body follows BarqIvfWork");

static inline char *
ivf_work_at(BarqIvfWork *work, uint64 off)
{
	return (char *) work + off;
}

/* the sections of the rows, as flat/area.c works with them */
static inline BarqAreaRows
ivf_work_rows(BarqIvfWork *work)
{
	return (BarqAreaRows) {
		&work->codec, work->rows, ivf_work_at(work, work->codes_off),
		(ItemPointerData *) ivf_work_at(work, work->tids_off), NULL, 0,
		work->refine_off != 0 ? ivf_work_at(work, work->refine_off) : NULL
	};
}

/*
 * ivf_write.c: set the offsets in *header of so many lists, whose sections begin, with
 * the header, at offset `off` of a body; returns the offset at which they end.
 */
extern uint64 barq_ivf_lay_out_lists(const BarqCodec *codec, uint32 lists, uint64 off,
									 IvfHeader *header);

/*
 * ivf_load.c: set the offsets of an area, and its room, whose codec, rows and numbers of
 * lists are set; returns its bytes.
 */
extern uint64 barq_ivf_set_offsets(BarqIvfWork *work);

/* ivf_step.c: prepare an area for steps, before helpers attach. */
extern void barq_ivf_step_init(BarqIvfWork *work);

/*
 * Leader: run a step, together with the helpers (if any), and wait until all its
 * chunks are done. The leader calls progress after each chunk that it does itself,
 * and while it waits; if progress is NULL, interrupts are not checked. progress is
 * called while this process holds no chunk, so it may raise an error; the leader
 * must then run no further step on the area.
 */
extern void barq_ivf_step_run(BarqIvfWork *work, const IvfStep *step,
							  BarqIvfProgress progress, void *arg);

/*
 * ivf_kmeans.c: leader: train work->lists centroids (fewer if the sample is
 * smaller; then lowers work->lists) from the first `sample` rows of the area's
 * sample, of which there is at least one.
 */
extern void barq_ivf_kmeans(BarqIvfWork *work, uint32 sample,
							BarqIvfProgress progress, void *arg);

/* ivf_sample.c: rows of the training sample for so many lists and rows. */
extern uint32 barq_ivf_sample_rows(uint32 lists, uint32 rows);

/*
 * ivf_sample.c: leader: find the lists of the first `sample` rows of the area's
 * sample by one step, and measure how well the centroids fit the sample. near:
 * search only the lists that are near to the present list of a row
 * (work->near_off). *cost: mean squared distance from the nearest centroid (cosine:
 * mean of 1 - cos); *imbalance: mean length of the list of a random row divided by
 * the mean list length. Works without helpers, too. progress: see
 * barq_ivf_step_run(). Temporary memory is in the current memory context, freed on
 * return.
 */
extern void barq_ivf_sample_measure(BarqIvfWork *work, uint32 sample, bool near,
									BarqIvfProgress progress, void *arg,
									float *cost, float *imbalance);

#endif							/* BARQ_IVF_WORK_H */
