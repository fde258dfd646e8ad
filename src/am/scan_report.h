/*
 * scan_report.h
 *	  What index scans have done: counters of each scan, shown by EXPLAIN ANALYZE
 *	  (PostgreSQL 18 and later) and by barq_last_scan().
 *
 * A report belongs to a scan descriptor and adds up all of its rescans. It
 * lies in the memory context in which the scan was begun and goes with the
 * scan; the last that was ended is copied.
 */
#ifndef BARQ_SCAN_REPORT_H
#define BARQ_SCAN_REPORT_H

#include "access/relscan.h"
#include "store/snapshot.h"

typedef struct BarqScanReport
{
	uint64		searches;		/* rescans that a row was asked of */
	uint64		segments;		/* sealed ones searched, each once a search */
	uint64		images;			/* ... in their images */
	uint64		pages;			/* ... page by page */
	uint64		rows_scored;	/* by their codes or postings; not exactly */
	uint64		heap_rows;		/* fetched by the access method itself */
	uint64		cut;			/* searches ended by barq.max_scan_tuples */
	uint64		scored_all;		/* searches that turned to scoring every row */

	bool		has_segments;	/* those of the search under way are counted */

	/* what this process had counted when it entered the access method */
	uint64		rows_scored_before;
	uint64		heap_rows_before;
} BarqScanReport;

/* Rows that scans of this process have fetched from the heap. Never reset. */
extern uint64 barq_heap_rows;

/*
 * A new report in the current memory context. The caller keeps it as the first
 * member of what scan->opaque points to, where EXPLAIN finds it.
 */
extern BarqScanReport *barq_scan_report_begin(void);

/* A search begins: the first row since a rescan is asked for. */
extern void barq_scan_report_search(BarqScanReport *report, IndexScanDesc scan);

/* The segments of a search: those of its first snapshot, further ones of the
 * same search do not count. */
extern void barq_scan_report_segments(BarqScanReport *report,
									  const BarqSnapshot *snapshot);

/* Around all work of a scan: what is counted in between is this scan's. */
extern void barq_scan_report_enter(BarqScanReport *report);
extern void barq_scan_report_leave(BarqScanReport *report);

/* The scan ends: remember and free its report. */
extern void barq_scan_report_end(BarqScanReport *report, Relation index);

/*
 * The last scan of this process that was ended and had been asked for a row.
 * NULL: none; else *index receives what it scanned.
 */
extern const BarqScanReport *barq_last_scan_report(Oid *index);

/* Have EXPLAIN show reports, where the server can. */
extern void barq_scan_report_init(void);

#endif							/* BARQ_SCAN_REPORT_H */
