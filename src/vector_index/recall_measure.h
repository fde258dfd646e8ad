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

/*
 * Write the `max` (at most 100) nearest rows of a segment to nearest[], nearest first,
 * but for the row `absent` (BARQ_NO_ROW: none); returns their number. The breadths of the
 * first `asked` are measured, others are BARQ_BREADTH_NEVER. Scores all codes.
 * Allocates in the current memory context; checks for interrupts.
 */
extern int	barq_measure_nearest(BarqView *view, const BarqQuery *query, bool of_lists,
								 uint32 absent, BarqNeighbour *nearest, int max, int asked);

/* The breadths of the first and the last point of a segment's curve. */
extern void barq_curve_range(bool of_lists, BarqView *view, int *least, int *most);

/*
 * Measure the curve of a segment on its own rows, for about budget_us microseconds but
 * on 32 to 172 rows at least, by the size of the segment. Fills statistics[]
 * (BarqSegmentDesc); all zero where no curve is needed (flat segments). Reaches
 * BARQ_POINT_MEASURING of `points` (may be NULL) before each row. Checks for interrupts.
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_measure_curve(const BarqFrozenOptions *frozen, BarqView *view,
							   uint64 budget_us, BarqMergePoints *points,
							   uint64 *statistics);

#endif							/* BARQ_RECALL_MEASURE_H */
