/*
 * text_row.h
 *	  Queries over a row, `items <@> 'words'`: all fields of the index that fits.
 *
 * The planner support function replaces the row by ROW(field, field, ...), the values
 * of the index's fields in their order, and behind them its language, if it has one, and binds the query to the index: every plan
 * computes scores from that. For an index scan, which PostgreSQL makes only of an
 * operator on one column, set_rel_pathlist_hook puts `first field <@> bm25_row(query)`
 * in its place while it makes paths (text_paths.c).
 */
#ifndef BARQ_TEXT_ROW_H
#define BARQ_TEXT_ROW_H

#include "nodes/pathnodes.h"

/* Whether an expression is of a row type. No side effects. */
extern bool barq_text_is_row(Node *value);

/*
 * Whether a row has the values of all fields of an open index, and its language: a table's row, over
 * range table entry 1, or a ROW() of expressions with these among them. No side effects.
 */
extern bool barq_text_row_fits(Relation index, Node *row);

/*
 * ROW() of the values of an index's fields, in their order, and of its language, palloc'd: from a table's
 * row or from a ROW() in a query; NULL if a field is not found in it. Takes and releases
 * AccessShareLock on the index.
 */
extern Node *barq_text_row_of(Node *row, Oid index);

/*
 * The index that a bound query is for: a constant, or a call whose second argument is the
 * index. InvalidOid if it is not known. No side effects.
 */
extern Oid	barq_text_index_of_query(Node *query);

/*
 * The operation on the first field of an index by which the index answers an
 * operation of a row (bound to that index or to a partitioned one above it); palloc'd.
 * NULL if the index does not answer it. Reads catalogs only.
 */
extern OpExpr *barq_text_row_operation(PlannerInfo *root, IndexOptInfo *index, Expr *operation);

/*
 * Let a condition on a field, which stands for one on a row, be true where the executor
 * computes it, whatever the field is (NULL, too): the index has decided the row's condition,
 * or that is checked beside it. `schema`: of the extension's functions.
 */
extern void barq_text_leave_to_row(OpExpr *operation, Oid schema);

#endif							/* BARQ_TEXT_ROW_H */
