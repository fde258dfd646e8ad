/*
 * text_scan.h
 *	  The state of an index scan over text, as the files of a scan share it:
 *	  text_scan_query.c (from scan keys to queries), text_scan_ranked.c (rows in
 *	  the order of scores), text_scan_sorted.c (in that of a filter column), text_scan.c (the callbacks, rows in any order).
 */
#ifndef BARQ_TEXT_SCAN_H
#define BARQ_TEXT_SCAN_H

#include "access/relscan.h"
#include "am/filters.h"
#include "am/heap_distance.h"
#include "am/scan_report.h"
#include "text_index/text_index.h"

/* The phases of a ranked scan, in their order. */
typedef enum BarqTextPhase
{
	BARQ_TEXT_SCORED,			/* rows of a positive score, the best first */
	BARQ_TEXT_REST,				/* rows of score 0, in TID order */
	BARQ_TEXT_NULLS				/* rows without a text, in TID order */
} BarqTextPhase;

/* Rows of the first batch of a ranked scan. */
#define BARQ_TEXT_FIRST_BATCH	16

/* IndexScanDesc.opaque. All but the first four members are reset by a rescan. */
typedef struct BarqTextScan
{
	BarqScanReport *report;		/* the first member (scan_report.h) */
	MemoryContext owner;		/* of the executor's state: owns the statistics */
	MemoryContext context;		/* of all that follows; reset by a rescan */
	BarqRowSource *outer;		/* what rows have to satisfy beside the keys, or NULL */
	struct BarqTextSort *sort;	/* rows come in the order of a filter column; or NULL.
								 * Reset by a rescan */

	/* from the scan keys; set by barq_text_scan_start() */
	bool		started;
	bool		nothing;		/* a condition is NULL: no rows */
	BarqTextColumns columns;	/* of the index */
	BarqFilterCondition *condition; /* on filter columns, or NULL */
	BarqFilterSource both;		/* asks outer and condition */
	BarqRowSource *source;		/* of `both`; NULL: no row is left out */
	bool		own_keys;		/* a condition on the text is to be true */
	bool		only_nulls;		/* the text IS NULL */
	bool		no_nulls;		/* it IS NOT NULL */
	bool		recheck;		/* conditions are to be rechecked */
	bool		foreign;		/* a query is for another index: return all rows, to
								 * be rechecked */
	bool		ranked;			/* rows come in the order of scores */
	Oid			index;			/* its statistics are used; InvalidOid: no query, or
								 * only `given` ones */
	const BarqQueryValue *score;	/* the ranking query, or NULL */
	BarqTextStatistics *given;	/* those that a ranking bm25global carries; or NULL */
	int			nmatches;
	const BarqQueryValue **matches; /* the queries of @@@ */
	List	   *thresholds;		/* queries of <@@ other than the ranking one */
	bool		bounded;		/* only scores (as <@> gives them) below `bound` */
	bool		inclusive;		/* or equal to it */
	double		bound;
	BarqBm25Query *query;		/* `score` and `matches`, bound; NULL: neither */

	/* ranked: the phase under way and its last batch */
	BarqTextPhase phase;
	BarqBm25Rest rest;			/* which rows have score 0; set for that phase */
	MemoryContext batch_context;	/* reset for each batch */
	BarqBm25Top top;			/* the batch; hits == NULL: none yet */
	bool		unsure;			/* its rows are to be checked against the table */
	uint32		next;			/* the hit to return next */
	uint32		batch;			/* most rows of the next batch */
	bool		last_batch;		/* the phase has no rows after this batch */
	bool		resumed;		/* rows begin after the one below */
	double		after_score;	/* of the row returned last */
	ItemPointerData after_tid;
	BarqHeapDistance *heap;		/* to check rows against the table; or NULL */

	/* not ranked: all matching rows */
	ItemPointerData *tids;
	bool	   *rechecks;
	uint64		ntids;
	uint64		tids_space;
	uint64		rechecks_space;
	uint64		at;				/* the row to return next */
} BarqTextScan;

/*
 * Is a scan key a query for a field? Others are on filter columns, IS [NOT]
 * NULL, or comparisons of the text itself, which the executor checks.
 */
static inline bool
barq_text_key_is_query(const ScanKeyData *key)
{
	return (key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL | SK_SEARCHARRAY)) == 0 &&
		key->sk_strategy < BARQ_FILTER_LESS;
}

/* Has a scan such a key? */
static inline bool
barq_text_has_query(IndexScanDesc scan)
{
	for (int i = 0; i < scan->numberOfKeys; i++)
		if (barq_text_key_is_query(&scan->keyData[i]))
			return true;
	return false;
}

/* ---- text_scan_query.c ---- */

/*
 * Whether this index can answer all queries of a scan. It cannot if one of them
 * is for an index that is neither this one nor a partitioned index above it.
 * Such a query may be known at run time only. And from version 18 on the planner
 * takes a bitmap scan, whatever it costs, where that alone is not disabled
 * (enable_seqscan = off).
 */
extern bool barq_text_scan_answers(IndexScanDesc scan);

/*
 * Read the scan keys: set the members of `ts` that say so. Gathers the
 * statement's statistics and binds the queries to them. Raises errors of the
 * queries (barq_query_value_find_index) and of the statistics.
 */
extern void barq_text_scan_start(IndexScanDesc scan, BarqTextScan *ts);

/*
 * The statistics by which the queries of a scan that has one are bound. Raises the
 * errors of barq_text_statistics().
 */
extern BarqTextStatistics *barq_text_scan_statistics(BarqTextScan *ts);

/* ---- text_scan.c ---- */

/*
 * The rows of a segment of the state that a scan may return, as bits or, if no more than
 * `list_below`, listed. False if there are none. Memory is in the current context. Errors
 * of barq_filter_rows().
 */
extern bool barq_text_scan_rows(BarqTextState *state, BarqTextScan *ts, uint32 segment,
								uint32 list_below, BarqRowFilter *filter);

/* ---- text_scan_sorted.c ---- */

/* amgettuple of a scan in the order of a filter column that has started. */
extern bool barq_text_scan_next_sorted(IndexScanDesc scan, BarqTextScan *ts);

/* ---- text_scan_ranked.c ---- */

/* The most rows of a batch that fit into work_mem. */
extern uint32 barq_text_largest_batch(void);

/*
 * amgettuple of a ranked scan that has started: set the scan's TID and values of
 * ORDER BY, or return false after the last row.
 */
extern bool barq_text_scan_next_ranked(IndexScanDesc scan, BarqTextScan *ts);

#endif							/* BARQ_TEXT_SCAN_H */
