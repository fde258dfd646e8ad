/*
 * recall_measure.h
 *	  Measuring the recall curve of a segment.
 */
#ifndef BARQ_RECALL_MEASURE_H
#define BARQ_RECALL_MEASURE_H

#include "vector_index/recall_curve.h"
#include "vector_index/vector_index.h"

/*
 * Breadth of searches of lists when a recall is asked for; probes are what the curve
 * chooses. Rows of the first round, more where a LIMIT asks for more.
 */
#define BARQ_LISTS_BREADTH	40

/* A row near a query, and the breadth at which a search of its segment meets it. */
typedef struct BarqNeighbour
{
	double		distance;		/* by the code */
	int			needed;			/* breadth, or BARQ_BREADTH_NEVER */
} BarqNeighbour;

/* A query that is measured, in a segment. */
typedef struct BarqMeasured
{
	const BarqQuery *query;
	uint32		absent;			/* a row that is as if it were not there; or BARQ_NO_ROW */
	int			asked;			/* of so many of the nearest the breadths are measured */
	int			n;				/* result: so many nearest rows, */
	BarqNeighbour *nearest;		/* nearest first, where the caller has room for `max` */
} BarqMeasured;

/* Most queries that are measured at once. */
#define BARQ_MEASURED_TOGETHER	16

/*
 * Find the `max` (at most 100) nearest rows of a segment for each of n queries. Breadths that
 * were not asked for are BARQ_BREADTH_NEVER. Scores all codes once. Reaches
 * BARQ_POINT_MEASURING of `points` (may be NULL) before each query. Allocates in the current memory
 * context; checks for interrupts.
 */
extern void barq_measure_nearest(BarqView *view, bool of_lists, BarqMeasured *queries, int n,
								 int max, BarqMergePoints *points);

/* The breadths of the first and the last point of a segment's curve. */
extern void barq_curve_range(bool of_lists, BarqView *view, int *least, int *most);

/*
 * Measure the curve of a segment on its own rows, for about budget_us microseconds but
 * on 48 to 512 rows at least (of lists on 32), by the size of the segment. Fills statistics[]
 * (BarqSegmentDesc); all zero where no curve is needed (flat segments). Reaches
 * BARQ_POINT_MEASURING of `points` (may be NULL) before each row. Checks for interrupts.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_measure_curve(const BarqFrozenOptions *frozen, BarqView *view,
							   uint64 budget_us, BarqMergePoints *points,
							   uint64 *statistics);

#endif							/* BARQ_RECALL_MEASURE_H */
