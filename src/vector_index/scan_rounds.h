/*
 * scan_rounds.h
 *	  What an index scan over vectors keeps, and its rounds. Private to scan.c
 *	  and scan_rounds.c.
 */
#ifndef BARQ_SCAN_ROUNDS_H
#define BARQ_SCAN_ROUNDS_H

#include "access/relscan.h"
#include "vector_index/vector_index.h"
#include "vector_index/growing_scan.h"
#include "am/heap_distance.h"
#include "vector_index/own_order.h"
#include "am/scan_report.h"
#include "vector_index/tid_set.h"
#include "base/settings.h"
#include "store/keyless.h"

/* Found, re-scored, not yet emitted. */
typedef struct Candidate
{
	double		lower_bound;
	double		distance;
	ItemPointerData tid;
	float		key;
	bool		rescored;
	uint32		segment;		/* of the snapshot */
	uint32		row;
} Candidate;

typedef struct SegmentStream
{
	BarqView   *view;
	const BarqSegmentKind *kind;	/* flat after the turn, whatever the segment is */
	BarqSearch *search;

	/* rows that the search has returned, to be left out after the turn */
	uint32	   *returned;
	uint32		nreturned;
	uint32		space;
} SegmentStream;

/* TIDs in the order in which they came; in the scan's `context`. */
typedef struct TidList
{
	ItemPointerData *tids;		/* NULL: none yet */
	int64		n;
	int64		space;
} TidList;

typedef struct VectorScan
{
	BarqScanReport *report;		/* the first member (scan_report.h) */

	/* for the whole scan descriptor */
	MemoryContext context;		/* reset by every rescan */
	bool		null_query;		/* distances are NULL */
	bool		zero_query;		/* distances are NaN (cosine) */
	void	   *query_value;	/* in `context` */

	/* from the first tuple on; in `round_context`, a child of `context` */
	MemoryContext round_context;
	bool		started;
	BarqMeta	meta;
	BarqCodec	codec;
	bool		of_lists;		/* barq_ivf */
	int			rounds;
	BarqQuery  *query;
	BarqSnapshot *snapshot;
	uint64		rows;			/* of all segments, that have a key */
	SegmentStream *streams;
	bool		growing_done;
	float		growing_key;	/* last hit taken from the log */
	ItemPointerData growing_tid;
	bool		growing_begun;

	/* candidates of this round, then what earlier rounds left over */
	Candidate  *candidates;
	int			ncandidates;
	int			space;
	int			ready;			/* candidates[next … ready-1] may be emitted */
	int			next;
	bool		exhausted;

	/* over restarts; in `context` */
	double		slack;			/* how far bounds are below what keys say */
	double		last_bound;
	BarqHeapDistance *heap_distance;	/* NULL until it is needed */
	BarqOrderQueue *queue;		/* NULL: the executor puts rows in order */
	BarqOrderQueue *late;		/* of the batch under way, for the next one */
	double		last_distance;	/* taken from the queue, in this batch */
	int64		nasked;			/* rows the heap was asked about, but copies */
	int64		ntaken;			/* rows taken from the queue, but copies */
	int64		batch;			/* rounds begun */
	bool		drained;		/* nothing more comes into the queue */
	int64		looked_at;
	bool		turned;			/* every code is scored: nothing is missed */
	bool		cut;			/* by barq.max_scan_tuples */
	bool		ended;			/* no more rows in order */
	TidList		emitted;
	struct tidset_hash *skip;	/* emitted before a restart */
	int			prefetched;		/* candidates whose heap pages were asked for */

	/* rows that strict order could not place any more: they come at the end */
	TidList		misplaced;
	int64		misplaced_at;	/* the next to be returned */

	/* then rows without a key (scan_rest.c) */
	struct ScanRest *rest;		/* NULL: not there yet */
} VectorScan;

/* Does a scan go on after its first round? */
static inline bool
barq_scan_has_rounds(const VectorScan *vs)
{
	return vs->of_lists || barq_iterative_scan != BARQ_ITERATIVE_OFF;
}

/* Does a scan that is read to its end give every row? */
static inline bool
barq_scan_is_complete(void)
{
	return barq_iterative_scan != BARQ_ITERATIVE_OFF;
}

/* Must what comes in later rounds not come before what was returned? */
static inline bool
barq_scan_is_strict(const VectorScan *vs)
{
	return barq_scan_has_rounds(vs) && barq_iterative_scan != BARQ_ITERATIVE_RELAXED;
}

/*
 * Rows of a round, and rows the heap is asked about before one may be emitted on
 * its estimate alone. A graph's walk has chosen ef_search among rows that it met
 * by chance; probed lists hold tens of thousands, and estimates alone put more
 * of these before the nearest ones (docs/performance.md, "rabitq beside sq8").
 */
static inline int
barq_scan_rows_asked(const VectorScan *vs)
{
	const int	more_of_lists = 4;

	return vs->of_lists && !barq_codec_proves(&vs->codec) ?
		more_of_lists * barq_ef_search : barq_ef_search;
}

/*
 * One round, the first of which takes the snapshot: candidates[next … ready-1]
 * are then in order and may be emitted. Starts again, without the rows emitted,
 * if pages were re-used under it.
 */
extern void barq_scan_advance(IndexScanDesc scan, VectorScan *vs);

/* From here on rows are put in order by ourselves (own_order.h). */
extern void barq_scan_own_order(VectorScan *vs);

/* Append a TID to one of the scan's lists. */
extern void barq_scan_keep_tid(VectorScan *vs, TidList *list, const ItemPointerData *tid);

/*
 * Remember that a row was emitted, for a restart; and before one, leave out what
 * was.
 */
extern void barq_scan_remember(VectorScan *vs, const ItemPointerData *tid);
extern void barq_scan_skip_emitted(VectorScan *vs);

/*
 * scan_rest.c: the next of the rows that follow all others, those without a key.
 * False at the end.
 */
extern bool barq_scan_next_keyless(IndexScanDesc scan, VectorScan *vs,
								   ItemPointerData *tid, BarqKeyless *keyless);

/* Give back what the searches of the rounds hold, and their memory. */
extern void barq_scan_end_rounds(VectorScan *vs);

#endif							/* BARQ_SCAN_ROUNDS_H */
