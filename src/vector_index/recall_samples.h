/*
 * recall_samples.h
 *	  Which rows of a segment its recall curve is measured by, and what each counts.
 */
#ifndef BARQ_RECALL_SAMPLES_H
#define BARQ_RECALL_SAMPLES_H

#include "flat/flat.h"

/* Where samples are drawn from. */
typedef struct BarqSamples
{
	uint32		n;				/* rows of the segment or, if `rows` is set, of those */
	uint32	   *rows;			/* spread over the segment, those that lie farthest from others first */
} BarqSamples;

/*
 * Prepare for about `enough` samples of a segment, which has rows. Palloc'd; checks for
 * interrupts. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern BarqSamples barq_samples_begin(const BarqCodec *codec, BarqView *view, int enough);

/*
 * The i-th sample, and its weight: what it counts in a mean over all rows, 1 in the mean over
 * all samples. As many as there are of the first samples stand for all rows.
 */
extern uint32 barq_sample(const BarqSamples *samples, int i, double *weight);

/* The query that a row of a segment is, palloc'd. */
extern const BarqQuery *barq_row_query(const BarqCodec *codec, BarqView *view, uint32 row);

#endif							/* BARQ_RECALL_SAMPLES_H */
