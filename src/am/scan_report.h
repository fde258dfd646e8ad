/*
 * scan_report.h
 *	  Counters of each index scan, shown by EXPLAIN ANALYZE (PostgreSQL 18 and
 *	  later) and by barq_last_scan().
 *
 * A report belongs to a scan descriptor and counts all of its rescans together.
 * It is freed when the scan ends; the report of the last scan is copied.
 */
#ifndef BARQ_SCAN_REPORT_H
#define BARQ_SCAN_REPORT_H

#include "access/genam.h"
#include "access/relscan.h"
#include "store/snapshot.h"

struct		ExplainState;

typedef struct BarqScanReport
{
	uint64		searches;		/* rescans from which a row was fetched */
	uint64		segments;		/* sealed segments searched, once a search */
	uint64		images;			/* those of them that were read in their images */
	uint64		pages;			/* those of them that were read page by page */
	uint64		rows_scored;	/* by their codes or postings; approximate */
	uint64		heap_rows;		/* fetched by the access method itself */
	uint64		cut;			/* searches ended by barq.max_scan_tuples */
	uint64		scored_all;		/* searches that changed to scoring every row */

	bool		has_segments;	/* the current search's segments are counted */

	/* the process's counters when the scan last entered the access method */
	uint64		rows_scored_before;
	uint64		heap_rows_before;
} BarqScanReport;

/*
 * How scans of this process have ended so far. A caller that runs a statement compares
 * the counts before and after it, and so learns whether its rows may not be all.
 */
typedef struct BarqScanEnds
{
	uint64		cut;			/* of all kinds, by barq.max_scan_tuples */
	uint64		short_of_rows;	/* of vectors: no rows in order were left before all
								 * rows that the scan is to find were returned */
} BarqScanEnds;

extern BarqScanEnds barq_scan_ends(void);

/* Rows that the access methods of this process fetched from the heap; never reset. */
extern uint64 barq_heap_rows;

/*
 * A new report, palloc'd in the current memory context. The struct that
 * scan->opaque points to must have this pointer as its first member: EXPLAIN
 * reads it there. Freed by barq_scan_report_end().
 */
extern BarqScanReport *barq_scan_report_begin(void);

/* Count a search: the scan's first row since its last rescan is fetched. */
extern void barq_scan_report_search(BarqScanReport *report, IndexScanDesc scan);

/*
 * Count the segments of a search of `index`, here and for the memory budget. Only the
 * first call of each search counts: a search that starts again has a further snapshot.
 */
extern void barq_scan_report_segments(BarqScanReport *report, Relation index,
									  const BarqSnapshot *snapshot);

/*
 * Called before and after all code of a scan: rows that the process counts in
 * between are added to this scan's report.
 */
extern void barq_scan_report_enter(BarqScanReport *report);
extern void barq_scan_report_leave(BarqScanReport *report);

/* Called once a search that ends so: see BarqScanEnds. */
extern void barq_scan_report_cut(BarqScanReport *report);
extern void barq_scan_report_short(void);

/* Called when the scan ends: copy the report for barq_last_scan_report(), free it. */
extern void barq_scan_report_end(BarqScanReport *report, Relation index);

/*
 * Report of the last scan of this process that has ended and from which a row was
 * fetched; valid until the next scan ends. *index receives its index. NULL if
 * there was none.
 */
extern const BarqScanReport *barq_last_scan_report(Oid *index);

/*
 * Show the report of a scan of an index of barq in EXPLAIN ANALYZE, for a custom scan that
 * runs it: from PostgreSQL 18 on, as for index scans.
 */
extern void barq_scan_report_show(IndexScanDesc scan, struct ExplainState *es);

/* Install the hook by which EXPLAIN shows reports, from PostgreSQL 18 on. */
extern void barq_scan_report_init(void);

#endif							/* BARQ_SCAN_REPORT_H */
