/*
 * search_node.h
 *	  The search of an index of barq by a custom scan of its table: shared by the scan
 *	  within a bitmap (condition_scan.c), the one without (ordered_scan.c) and the one in the
 *	  order of a column (../count/sorted_scan.c).
 */
#ifndef BARQ_SEARCH_NODE_H
#define BARQ_SEARCH_NODE_H

#include "base/compat.h"

#include "access/genam.h"
#include "commands/explain.h"
#include "executor/nodeIndexscan.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "store/row_filter.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* How a scan comes by the sort keys in its target list. */
typedef enum BarqKeyValue
{
	BARQ_KEY_COMPUTED,
	BARQ_KEY_UNREAD,			/* left out (unread_key.h) */
	BARQ_KEY_GIVEN				/* by the index (given_key.h) */
} BarqKeyValue;

/* Part of a scan node's state; zeroed until barq_search_open(). */
typedef struct BarqSearchNode
{
	Relation	index;			/* NULL: only EXPLAIN */
	IndexScanDesc scan;			/* NULL until the first row */

	/* of the scan; values known at run time are evaluated into them */
	ScanKey		orderbys;
	int			norderbys;
	ScanKey		keys;
	int			nkeys;
	IndexRuntimeKeyInfo *runtime;
	int			nruntime;
	ExprContext *runtime_context;

	/* set by the scan */
	ExprState  *recheck;		/* conditions over the table (barq_search_passes()) */
	BarqKeyValue key;			/* whence the sort key is */

	uint64		nremoved;		/* rows that failed the recheck, of all rescans */
} BarqSearchNode;

/* A member of the expressions of the scan's plan, and the index that the plan searches. */
extern List *barq_search_expressions(CustomScanState *css, int which);
extern Oid	barq_search_index(CustomScanState *css);

/*
 * Give the scan a slot of the table's own kind, in place of the virtual one that
 * PostgreSQL 15 gives every custom scan: the index's rows are stored into it. `tlist`:
 * computed of each row that is returned.
 */
extern void barq_search_use_table_slot(CustomScanState *css, EState *estate, List *tlist);

/*
 * Open the index, and make scan keys of an index scan's clauses over the index. The index is
 * locked as the table is.
 */
extern void barq_search_open(BarqSearchNode *search, CustomScanState *css, Oid index,
							 List *orderbys, List *keys);

/*
 * Begin the search, anew after a rescan: of the rows that `source` admits, or of all if
 * it is NULL. Rows come in exact order. The index is scanned by the server's
 * index_beginscan(), which takes the predicate locks of a serializable transaction.
 */
extern void barq_search_start(BarqSearchNode *search, CustomScanState *css,
							  BarqRowSource *source);

/*
 * Go to the next row of the index: its TID, valid until the next call; NULL at the end.
 * Raises an error if the row's place in the order is not exact.
 */
extern ItemPointer barq_search_next(BarqSearchNode *search);

/* Whether a row of the table, in a slot of the scan's kind, passes search->recheck. */
extern bool barq_search_passes(BarqSearchNode *search, CustomScanState *css,
							   TupleTableSlot *slot);

/*
 * Go to the next row that the scan returns, in its own slot: visible, and passing
 * search->recheck where the index asks for it; an empty slot at the end. Sets the sort
 * key's value where the index gives it.
 */
extern TupleTableSlot *barq_search_next_row(BarqSearchNode *search, CustomScanState *css);

/* Close scan and index. */
extern void barq_search_close(BarqSearchNode *search);

/*
 * The target list that the scan has to compute in this execution, and how it comes by the
 * sort keys in it. `given`: of text, a list of the order's expression; else NIL.
 */
extern List *barq_search_tlist(CustomScanState *css, EState *estate, List *given,
							   BarqKeyValue *key);

/*
 * Show as properties of EXPLAIN: the index; rows that failed the recheck; whence the sort
 * keys are; a list of expressions over the table.
 */
extern void barq_search_show_index(Oid index, ExplainState *es);
extern void barq_search_show_removed(const BarqSearchNode *search, ExplainState *es);
extern void barq_search_show_key(BarqKeyValue value, ExplainState *es);
extern void barq_search_show(CustomScanState *css, const char *label, List *expressions,
							 List *ancestors, ExplainState *es);

#endif							/* BARQ_SEARCH_NODE_H */
