/*
 * scan_rounds.h
 *	  The state of an index scan over vectors, and its rounds. Private to scan.c,
 *	  scan_rounds.c and scan_rest.c.
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

/* A row that was found and is not yet emitted. */
typedef struct Candidate
{
	double		lower_bound;	/* if rescored */
	double		distance;		/* estimate, if rescored */
	ItemPointerData tid;		/* if rescored */
	float		key;			/* as in BarqHit */
	bool		rescored;
	uint32		segment;		/* index in the snapshot; rows of segments only */
	uint32		row;			/* of the segment */
} Candidate;

/* The search of one segment of the snapshot. */
typedef struct SegmentStream
{
	BarqView   *view;
	const BarqSegmentKind *kind;	/* the segment's; barq_flat_kind after the turn */
	BarqSearch *search;

	/* rows that the search has returned, to be skipped after the turn */
	uint32	   *returned;
	uint32		nreturned;
	uint32		space;
} SegmentStream;

/* TIDs in the order in which they were added; in the scan's `context`. */
typedef struct TidList
{
	ItemPointerData *tids;		/* NULL: none yet */
	int64		n;
	int64		space;
} TidList;

/* scan->opaque of an index scan over vectors. */
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
	uint64		rows;			/* with a key, of all segments */
	SegmentStream *streams;
	bool		growing_done;
	float		growing_key;	/* of the last hit taken from the log */
	ItemPointerData growing_tid;
	bool		growing_begun;	/* growing_key and growing_tid are set */

	/* candidates of this round, then those that earlier rounds held back */
	Candidate  *candidates;
	int			ncandidates;
	int			space;
	int			ready;			/* candidates[next … ready-1] may be emitted */
	int			next;
	bool		exhausted;

	/* over restarts; in `context` */
	double		slack;			/* largest seen: a key's distance minus the bound */
	double		last_bound;
	BarqHeapDistance *heap_distance;	/* NULL until it is needed */
	BarqOrderQueue *queue;		/* NULL: the executor puts rows in order */
	BarqOrderQueue *late;		/* relaxed order: rows for the next batch */
	double		last_distance;	/* taken from the queue, in this batch */
	int64		nasked;			/* rows whose distance was computed, without copies */
	int64		ntaken;			/* rows taken from the queue, without copies */
	int64		batch;			/* rounds begun */
	bool		drained;		/* no further row is added to the queue */
	int64		looked_at;		/* candidates taken, for barq.max_scan_tuples */
	bool		turned;			/* every code is scored: no row is missed */
	bool		cut;			/* by barq.max_scan_tuples */
	bool		ended;			/* no more rows in order */
	TidList		emitted;
	struct tidset_hash *skip;	/* rows emitted before a restart; or NULL */
	int			prefetched;		/* candidates whose heap pages were prefetched */

	/* rows found too late for strict order: returned at the end */
	TidList		misplaced;
	int64		misplaced_at;	/* the next to be returned */

	/* after them rows without a key (scan_rest.c) */
	struct ScanRest *rest;		/* NULL until they are read */
} VectorScan;

/*
 * Whether a scan continues after its first round (vs->of_lists, or the setting
 * barq.iterative_scan). No side effects.
 */
static inline bool
barq_scan_has_rounds(const VectorScan *vs)
{
	return vs->of_lists || barq_iterative_scan != BARQ_ITERATIVE_OFF;
}

/*
 * Whether a scan that is read to its end returns every row, by the
 * setting barq.iterative_scan. No side effects.
 */
static inline bool
barq_scan_is_complete(void)
{
	return barq_iterative_scan != BARQ_ITERATIVE_OFF;
}

/*
 * Whether rows of later rounds must not be nearer than rows already returned. No
 * side effects.
 */
static inline bool
barq_scan_is_strict(const VectorScan *vs)
{
	return barq_scan_has_rounds(vs) && barq_iterative_scan != BARQ_ITERATIVE_RELAXED;
}

/*
 * Rows of a round; also the number of rows whose distance is computed from the
 * heap before a row may be emitted by its estimate alone. It is larger for lists:
 * probed lists hold tens of thousands of rows, and by estimates alone more of them
 * come before the nearest ones than of the rows that the walk of a graph meets
 * (docs/performance.md, "rabitq beside sq8").
 */
static inline int
barq_scan_rows_asked(const VectorScan *vs)
{
	const int	more_of_lists = 4;

	return vs->of_lists && !barq_codec_proves(&vs->codec) ?
		more_of_lists * barq_ef_search : barq_ef_search;
}

/*
 * Run one round; the first takes the snapshot. Afterwards candidates[next …
 * ready-1] are in order and may be emitted. If pages were re-used meanwhile, the
 * scan starts again without the rows already emitted.
 */
extern void barq_scan_advance(IndexScanDesc scan, VectorScan *vs);

/* From now on the scan itself puts rows in order (own_order.h). */
extern void barq_scan_own_order(VectorScan *vs);

/* Append a TID to a list of the scan, in the scan's memory context. */
extern void barq_scan_keep_tid(VectorScan *vs, TidList *list, const ItemPointerData *tid);

/* Record that a row was emitted, in case of a restart. */
extern void barq_scan_remember(VectorScan *vs, const ItemPointerData *tid);

/* Before a restart: make `skip` the set of all rows emitted. */
extern void barq_scan_skip_emitted(VectorScan *vs);

/*
 * scan_rest.c: the next row without a key, and why it has none. Called after all
 * rows with a key are returned. False at the end. The walk lives in a child of
 * the scan's memory context; it begins again by itself if pages were re-used.
 */
extern bool barq_scan_next_keyless(IndexScanDesc scan, VectorScan *vs,
								   ItemPointerData *tid, BarqKeyless *keyless);

/* End the searches of the rounds and free their memory. */
extern void barq_scan_end_rounds(VectorScan *vs);

#endif							/* BARQ_SCAN_ROUNDS_H */
