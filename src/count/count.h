/*
 * count.h
 *	  Rows that match a text query, counted by the index: from the planner's paths to a
 *	  custom scan, and the visible rows for other files of this folder.
 */
#ifndef BARQ_COUNT_H
#define BARQ_COUNT_H

#include "base/compat.h"

#include "bm25/bm25.h"
#include "nodes/execnodes.h"
#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

#define BARQ_COUNT_NAME	"BarqCount"

/* Install the planner's hooks and register the scans; once, when the library is loaded. */
extern void barq_count_init(void);

/* ---- count_rows.c: the visible rows of one index ---- */

/*
 * Receives the rows of an index scan that the snapshot sees and that satisfy its
 * conditions. The memory context at a call lives no longer than the call.
 */
typedef struct BarqCountVisitor
{
	/* The search begins, or begins again: no row was passed. */
	void		(*start) (void *arg);
	void		(*rows) (void *arg, BarqMatchedRows *rows);
	void	   *arg;
} BarqCountVisitor;

/* What it took; added up over calls. */
typedef struct BarqCountReport
{
	uint64		by_map;			/* rows that the visibility map alone decided */
	uint64		fetched;		/* rows looked up in the table */
	uint64		rows;			/* passed to the visitor */
	uint64		repeats;		/* searches made again, since VACUUM removed rows meanwhile */
} BarqCountReport;

/*
 * Pass all rows of an index scan of barq_bm25 to a visitor. Starts the scan if it has not
 * been since its last rescan; its rows cannot be fetched in another way then. Returns false,
 * having passed none, if this scan's rows have to be fetched one by one: it ends at a score,
 * or its queries are for another index. Takes predicate locks as an index-only scan does.
 * Errors of barq_text_scan_start() and of the conditions.
 */
extern bool barq_count_rows(IndexScanState *scan, const BarqCountVisitor *visitor,
							BarqCountReport *report);

/* ---- count_paths.c ---- */

/*
 * A path of an index of barq_bm25 (NULL: any) that has a query among its conditions, needs no
 * parameters of other tables and, if `all`, enforces all conditions of a table by itself, so
 * that it needs no filter; NULL if there is none. Palloc'd.
 */
extern IndexPath *barq_count_index_path(PlannerInfo *root, RelOptInfo *rel,
										IndexOptInfo *wanted, bool all);

/* The cost of reading the rows of such a path in the table. */
extern Cost barq_count_table_cost(const IndexPath *path);

/*
 * While true, count(*) is planned by the index wherever that is possible, whatever it
 * costs. The caller restores it, after an error too.
 */
extern bool barq_count_always;

/* ---- sorted_paths.c, sorted_scan.c: rows in the order of a filter column ---- */

#define BARQ_SORTED_NAME	"BarqSorted"

/* Members of CustomScan.custom_exprs, each a list. */
enum
{
	BARQ_SORTED_KEYS,			/* conditions of the index, its columns on the left */
	BARQ_SORTED_SHOWN_KEYS,		/* the same over the table */
	BARQ_SORTED_COLUMN			/* the column, over the table */
};

/* Members of the list of CustomScan.custom_private, beside a list of the index's OID. */
enum
{
	BARQ_SORTED_NUMBER,			/* of the column in the index, from 0 */
	BARQ_SORTED_DESCENDING,
	BARQ_SORTED_NULLS_FIRST
};

/* Install the planner's hook and register the scan; once, when the library is loaded. */
extern void barq_sorted_init(void);

/* Make the plan's state. */
extern const CustomScanMethods barq_sorted_scan_methods;

/* ---- count_scan.c ---- */

extern const CustomScanMethods barq_count_scan_methods;

/*
 * Pass the rows of a started plan that is a BarqCount node to a visitor: all of its
 * tables, one after the other; `done` is called after each. Returns false if `plan` is
 * another node, or one whose rows have to be fetched one by one: the rows passed since the
 * last `done` do not count then.
 */
extern bool barq_count_visit(PlanState *plan, const BarqCountVisitor *visitor,
							 void (*done) (void *arg, Relation table, Relation index));

#endif							/* BARQ_COUNT_H */
