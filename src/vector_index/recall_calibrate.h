/*
 * recall_calibrate.h
 *	  Measuring an index by the queries of a user.
 */
#ifndef BARQ_RECALL_CALIBRATE_H
#define BARQ_RECALL_CALIBRATE_H

#include "utils/relcache.h"

/*
 * Measure how broad searches for these queries have to be, values of the index's type,
 * and keep that in the metapage, in place of an earlier calibration; none: forget that.
 * Also measures the curves of segments that have none. Returns the number of queries
 * used: those that have neighbours; 0: nothing was changed. Takes one scan of all codes
 * and one walk a query. The caller holds a lock on the index. Raises the type's error
 * for another number of dimensions, ERRCODE_INDEX_CORRUPTED for damaged segments.
 */
extern uint32 barq_calibrate_index(Relation index, const Datum *queries, int nqueries);

#endif							/* BARQ_RECALL_CALIBRATE_H */
