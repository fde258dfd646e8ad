/*
 * text_paths.h
 *	  Index paths for conditions on a score; what ordered paths say about their rows.
 */
#ifndef BARQ_TEXT_PATHS_H
#define BARQ_TEXT_PATHS_H

#include "base/compat.h"

#include "nodes/pathnodes.h"

/* Install the hook; once, when the library is loaded. */
extern void barq_text_paths_init(void);

/* Whether an index is one of barq_bm25. No side effects. */
extern bool barq_is_text_info(const IndexOptInfo *index);

/* The members of an equivalence class, with those of the child tables `relids`. */
extern List *barq_text_class_members(EquivalenceClass *class, Relids relids);

/*
 * Whether a condition is on a row: its derived form, by which an index decides it, is an
 * operation on one field. No side effects.
 */
extern bool barq_text_is_on_row(const RestrictInfo *given);

/* ---- text_order.c ---- */

/*
 * Whether all queries of a path of an index of barq_bm25 are for this index, whatever
 * their values at run time. Otherwise an execution may return rows in no order, to be put
 * in order by PostgreSQL. Reads catalogs.
 */
extern bool barq_text_path_is_fixed(const IndexPath *path);

/*
 * The expression over the table by whose values an ordered path of an index of
 * barq_bm25 returns rows: one of the query's, or of its conditions. The index gives its
 * value with each row. NULL if it is not found. Reads catalogs.
 */
extern Expr *barq_text_path_order(PlannerInfo *root, RelOptInfo *rel, const IndexPath *path);

/*
 * The conditions on rows that the index of a path decides, though they are filters of
 * a plan of the path: clauses, in a new list. No side effects.
 */
extern List *barq_text_path_decided(const IndexPath *path);

#endif							/* BARQ_TEXT_PATHS_H */
