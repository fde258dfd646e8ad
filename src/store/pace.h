/*
 * pace.h
 *	  When the launcher looks at the memory budget again: arithmetic alone, for budget.c.
 *
 * Between two passes searches read pages without asking. So the next pass comes when, at
 * the highest pace of the last seconds, they have read GROWTH_SHARE of the budget; the
 * mean pace would not do, because cold searches come in bursts. After a pause nothing
 * tells the pace: a search that reads from disk wakes the launcher, and the pass comes
 * HURRY_MS later. Passes take at most one part in PASS_SHARE of a processor's time.
 */
#ifndef BARQ_PACE_H
#define BARQ_PACE_H

#include <math.h>

#define PASS_MS			1000	/* between two passes with a budget, at most, */
#define HURRY_MS		50		/* and at least */
#define PASS_SHARE		20
#define GROWTH_SHARE	0.03
#define PACE_HALF_LIFE_MS 5000	/* of the highest pace seen */

/* The highest pace, in bytes a millisecond, after `read` bytes in `elapsed` milliseconds. */
static inline double
barq_pace_note(double pace, double read, double elapsed)
{
	elapsed = Max(elapsed, 1);
	return Max(read / elapsed, pace * exp2(-elapsed / PACE_HALF_LIFE_MS));
}

/* Milliseconds from the end of a pass, which took `spent` of a processor, to the earliest next. */
static inline long
barq_pace_least(double spent)
{
	return (long) Max(HURRY_MS, PASS_SHARE * spent);
}

/* The same until the next one at this pace. */
static inline long
barq_pace_rest(double pace, double budget, double spent)
{
	double		rest = pace > 0 ? GROWTH_SHARE * budget / pace : PASS_MS;

	return Max((long) Min(rest, PASS_MS), barq_pace_least(spent));
}

#endif							/* BARQ_PACE_H */
