/*
 * condition.h
 *	  Searches within the bitmap of other indexes, and searches that leave out a sort key:
 *	  from the planner's paths to a custom scan.
 */
#ifndef BARQ_CONDITION_H
#define BARQ_CONDITION_H

#include "base/compat.h"
#include "condition/late_bitmap.h"

#include "nodes/extensible.h"
#include "nodes/pathnodes.h"

#define BARQ_CONDITION_NAME	"BarqCondition"
#define BARQ_ORDERED_NAME	"BarqSearch"

/* Install the planner's hook and register the scans; once, when the library is loaded. */
extern void barq_condition_init(void);

/* ---- condition_paths.c ---- */

/*
 * A copy of a table's RelOptInfo that create_index_paths() fills anew: without paths, with
 * these indexes only, and without conditions of joins.
 */
extern RelOptInfo *barq_rel_of_indexes(const RelOptInfo *rel, List *indexes);

/* Whether the index of a path enforces a condition of the table, as one of its keys. */
extern bool barq_path_enforces(const IndexPath *path, const RestrictInfo *condition);

/* ---- condition_plan.c: the contents of a plan node ---- */

/* Members of CustomScan.custom_exprs, each a list. */
enum
{
	BARQ_CONDITION_ORDERBYS,	/* of the ordering index, its column on the left */
	BARQ_CONDITION_KEYS,		/* conditions of the ordering index, likewise */
	BARQ_CONDITION_RECHECK,		/* the bitmap's conditions, over the table; NIL: all
								 * conditions are filters */
	BARQ_CONDITION_SHOWN,		/* the ORDER BY, over the table, for EXPLAIN */
	BARQ_CONDITION_SHOWN_KEYS,	/* the keys, likewise */
	BARQ_CONDITION_GIVEN,		/* of text: the order, whose value the index gives */
};

/* Members of CustomScan.custom_private, the first as barq_search_index() reads it. */
enum
{
	BARQ_CONDITION_INDEX,		/* list of its OID */
	BARQ_CONDITION_LATE			/* BarqLateBitmap; NIL: the bitmap is made first */
};

/* A child's plan, as PlanCustomPath gets it, without a Result that checks constants. */
extern Plan *barq_below_gate(Plan *plan);

/* Make the path's plan: CustomPathMethods. */
extern const CustomPathMethods barq_condition_path_methods;

/* Make the plan's state: CustomScanMethods (condition_scan.c). */
extern const CustomScanMethods barq_condition_scan_methods;

/* ---- condition_cost.c ---- */

/*
 * Set rows and costs of a path whose search by `ordered` is restricted by `bitmap`, a
 * bitmap path of the same table. *late: what they say of a search that makes the bitmap
 * later.
 */
extern void barq_condition_cost(PlannerInfo *root, CustomPath *path,
								const IndexPath *ordered, const BitmapHeapPath *bitmap,
								BarqLateBitmap *late);

/*
 * Whether a search by `ordered` that makes the bitmap when it needs it is worth a path: where the rows
 * that meet the conditions are far from the query, it spares more than the bitmap costs.
 */
extern bool barq_late_bitmap_pays(const IndexPath *ordered, const BarqLateBitmap *late);

/* ---- ordered_paths.c, ordered_scan.c: searches without a bitmap ---- */

/* Members of CustomScan.custom_exprs, each a list: as those above. */
enum
{
	BARQ_ORDERED_ORDERBYS,
	BARQ_ORDERED_KEYS,
	BARQ_ORDERED_SHOWN,
	BARQ_ORDERED_SHOWN_KEYS,
	BARQ_ORDERED_GIVEN,			/* of text: the key that the index gives */
	BARQ_ORDERED_RECHECK,		/* of text: all conditions, over the table */
};

/*
 * Add a path beside each index scan of the table that would detoast vectors for sort keys
 * only, or compute scores of texts that the index gives. Called by set_rel_pathlist_hook for a
 * plain table.
 */
extern void barq_add_ordered_paths(PlannerInfo *root, RelOptInfo *rel);

/*
 * What these paths cost less than an index scan of vectors; 0 where none is offered.
 */
extern Cost barq_ordered_spared(PlannerInfo *root, RelOptInfo *rel, const IndexPath *scan);

/* Make the plan's state. */
extern const CustomScanMethods barq_ordered_scan_methods;

#endif							/* BARQ_CONDITION_H */
