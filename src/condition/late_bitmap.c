/*
 * late_bitmap.c
 *	  When a search that checks conditions row by row makes the bitmap of other indexes.
 *
 * No statistics say whether the rows that meet a condition are near to a query, so the
 * planner cannot know how many rows the search will look at. The rows that it has looked
 * at tell, and the bitmap can still be made when they do.
 */
#include "postgres.h"

#include "base/settings.h"
#include "condition/late_bitmap.h"
#include "nodes/value.h"

/* The planner's share counts as much as rows among which so many were found. */
#define EXPECTED	2

/*
 * With a forecast, what is lost before it counts, as a share of the bitmap's cost: the very
 * nearest rows match less often than those a little farther away, if matches are far. And what may
 * be lost before the bitmap is made in spite of it.
 */
#define LEAST_LOST	0.15
#define MOST_LOST	2

/* Beside a bitmap that costs so many rows a first round of the search costs little. */
#define LOOK_PAYS	320

/* A number as a node. Digits alone would be read back as an Integer, in a parallel worker. */
static Float *
number(double value)
{
	return makeFloat(psprintf("%.8e", value));
}

List *
barq_late_bitmap_list(const BarqLateBitmap *late)
{
	return list_make4(number(late->cost), number(late->share), number(late->within),
					  makeInteger(late->walks));
}

BarqLateBitmap
barq_late_bitmap_of(const List *list)
{
	return (BarqLateBitmap) {
		floatVal(linitial(list)), floatVal(lsecond(list)), floatVal(lthird(list)),
		intVal(lfourth(list)) != 0
	};
}

bool
barq_late_bitmap_may_wait(const BarqSearchNames *names)
{
	return barq_iterative_scan_for(names) != BARQ_ITERATIVE_OFF &&
		barq_max_scan_tuples_for(names) == 0;
}

bool
barq_late_bitmap_may_look(const BarqLateBitmap *late)
{
	return late->walks && late->cost >= LOOK_PAYS;
}

bool
barq_late_bitmap_is_due(const BarqLateBitmap *late, double limit, double looked_at,
						double returned)
{
	double		lost = looked_at - returned * late->within;
	double		share;

	if (limit <= returned)
		return lost >= late->cost;
	share = (returned + EXPECTED) / (looked_at + EXPECTED / late->share);
	return lost >= MOST_LOST * late->cost ||
		(lost >= LEAST_LOST * late->cost &&
		 (limit - returned) * (1 / share - late->within) >= late->cost);
}
