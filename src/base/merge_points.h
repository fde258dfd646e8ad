/*
 * merge_points.h
 *	  The named points of a merge at which its caller may do other work.
 *
 * A merge may take long. At these points it has opened its inputs and reads them
 * through mappings and snapshots of its own, and has written no page of the index: so
 * the caller may publish there, which the caller of lifecycle (a worker) uses to seal
 * a log that has become long. Between the points only barq_check_interrupts() is
 * called, which may end the process, but does no work.
 */
#ifndef BARQ_MERGE_POINTS_H
#define BARQ_MERGE_POINTS_H

#include "base/interrupts.h"

typedef enum BarqMergePoint
{
	BARQ_POINT_MENDING,			/* the kept graph of an input is being mended */
	BARQ_POINT_BUILDING,		/* rows are inserted into a graph, or lists are made */
	BARQ_POINT_HELPED,			/* waiting for helpers */
	BARQ_POINT_WRITING,			/* the body is written to its file */
	BARQ_POINT_MEASURING		/* the body is whole, and its statistics are measured */
} BarqMergePoint;

typedef struct BarqMergePoints
{
	/* Called with no buffer lock held; may raise an error or end the process. */
	void		(*reach) (struct BarqMergePoints *points, BarqMergePoint point);

	/*
	 * The files of the new segment hold so much of it that another process can go on
	 * with them. Returns whether that was noted: then the files must outlast an error.
	 */
	bool		(*can_go_on) (struct BarqMergePoints *points);
	bool		resumed;		/* such a note exists: look for the files */
	bool		alone;			/* take no helpers: another merge of this process has them */
} BarqMergePoints;

/* Reach a point; `points` is NULL where no merge is under way. Checks for interrupts. */
static inline void
barq_merge_point(BarqMergePoints *points, BarqMergePoint point)
{
	barq_check_interrupts();
	if (points != NULL)
		points->reach(points, point);
}

#endif							/* BARQ_MERGE_POINTS_H */
