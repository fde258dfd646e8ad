/*
 * scan_bound.h
 *	  How many rows the statement around an index scan will take of it.
 *
 * The executor tells an access method nothing of a LIMIT. But a statement that runs is
 * known to the ExecutorRun hook, and the scan's place in its plan can be found.
 */
#ifndef BARQ_SCAN_BOUND_H
#define BARQ_SCAN_BOUND_H

#include "access/genam.h"
#include "access/relscan.h"

struct		PlanState;

typedef struct BarqScanBound
{
	double		rows;			/* that pass the scan's conditions; 0: not known */
	double		passing;		/* rows that the planner thinks pass all conditions of the
								 * scan; 0: it has none */
} BarqScanBound;

/*
 * The bound of a scan that the executor runs; all 0 for other scans. `node`: the custom
 * scan that runs it, NULL for an index scan. Called after the nodes above the scan have
 * been asked for their first row. Reads the plan's state.
 */
extern BarqScanBound barq_scan_bound(IndexScanDesc scan, const struct PlanState *node);

/*
 * From now on scans of this process that no plan has are taken to be under a LIMIT of so
 * many rows; 0: no longer. For C code that scans an index itself.
 */
extern void barq_scan_bound_own(double rows);

/* Install the ExecutorRun hook; called once, while the library is loaded. */
extern void barq_scan_bound_init(void);

#endif							/* BARQ_SCAN_BOUND_H */
