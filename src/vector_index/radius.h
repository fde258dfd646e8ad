/*
 * radius.h
 *	  All rows of an index of vectors within a radius of a query, and an estimate of
 *	  their number.
 */
#ifndef BARQ_RADIUS_H
#define BARQ_RADIUS_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"

/* A row that may be within the radius. */
typedef struct BarqRadiusRow
{
	ItemPointerData tid;
	bool		certain;		/* it is, without a look at its vector */
	double		low;			/* between these lies its distance, unless it is NaN */
	double		high;
} BarqRadiusRow;

/* A search, and what it has counted in all its runs. */
typedef struct BarqRadiusSearch
{
	BarqRadiusRow *rows;		/* of the last run; in the memory context of that */
	int64		nrows;
	int64		space;

	uint64		codes;			/* codes scored */
	uint64		lists;			/* lists seen */
	uint64		lists_skipped;	/* those of them too far away */
	struct BarqScanReport *report;
} BarqRadiusSearch;

/* A search, palloc'd in the current memory context; free it by barq_radius_end(). */
extern BarqRadiusSearch *barq_radius_begin(void);

/*
 * Find every row of an index whose distance from `query`, a value of the column's type,
 * is below the radius, or equal to it if `inclusive`; as float8 compares, so a NaN
 * radius is above every number. search->rows receives them, and others, whose distance
 * has to be looked at, in the order of TIDs; allocated in the current memory context.
 * No row that an MVCC snapshot sees, taken before, is missed: the rows are those of all
 * segments and, unless barq.consistency is sealed, of the growing log. Checks for
 * interrupts. Raises the type's error if the query has other dimensions than the index,
 * ERRCODE_INDEX_CORRUPTED for damage.
 */
extern void barq_radius_run(BarqRadiusSearch *search, Relation index, Datum query,
							double radius, bool inclusive);

extern void barq_radius_end(BarqRadiusSearch *search, Relation index);

/*
 * radius_share.c: the share of an index's rows within a radius of a query, estimated
 * from a sample of its codes. `query` NULL: of rows of the index. Negative if the index
 * tells nothing. Raises as barq_radius_run().
 */
extern double barq_radius_share(Relation index, const Datum *query, double radius);

#endif							/* BARQ_RADIUS_H */
