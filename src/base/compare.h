/*
 * compare.h
 *	  Comparators for qsort().
 */
#ifndef BARQ_COMPARE_H
#define BARQ_COMPARE_H

/* Of doubles, of which none is NaN; ascending. */
static inline int
barq_compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

#endif							/* BARQ_COMPARE_H */
