/*
 * late_bitmap.h
 *	  When a search that checks conditions row by row makes the bitmap of other indexes.
 */
#ifndef BARQ_LATE_BITMAP_H
#define BARQ_LATE_BITMAP_H

#include "postgres.h"

#include "am/search_names.h"
#include "nodes/pg_list.h"

/* The planner's expectation of both ways. */
typedef struct BarqLateBitmap
{
	double		cost;			/* of the bitmap and a search within it, in rows that a
								 * search without it looks at; above 0 */
	double		share;			/* of the rows looked at, those that meet all conditions */
	double		within;			/* rows looked at within the bitmap for one that meets
								 * all conditions; 1 or more */
	bool		walks;			/* the search within the bitmap does not score all of its
								 * rows, so it finds no more than one without it */
} BarqLateBitmap;

/* As a list of nodes, for a plan, and back. */
extern List *barq_late_bitmap_list(const BarqLateBitmap *late);
extern BarqLateBitmap barq_late_bitmap_of(const List *list);

/*
 * Whether a search by these settings goes on until it has returned all rows. One that does
 * not finds more rows within a bitmap, so the bitmap must not wait.
 */
extern bool barq_late_bitmap_may_wait(const BarqSearchNames *names);

/*
 * Whether a search that had better begin within the bitmap, by the planner's costs, should
 * look at some rows first: that costs little beside the bitmap.
 */
extern bool barq_late_bitmap_may_look(const BarqLateBitmap *late);

/*
 * Whether the bitmap should be made, after `looked_at` rows of which `returned` met all
 * conditions. limit: rows that the scan is asked for; 0: not known. No side effects.
 */
extern bool barq_late_bitmap_is_due(const BarqLateBitmap *late, double limit,
									double looked_at, double returned);

#endif							/* BARQ_LATE_BITMAP_H */
