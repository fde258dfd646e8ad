/*
 * scan_rounds.h
 *	  The state of an index scan over vectors, and its rounds. Private to scan.c, scan_conditions.c,
 *	  scan_rounds.c and scan_rest.c.
 */
#ifndef BARQ_SCAN_ROUNDS_H
#define BARQ_SCAN_ROUNDS_H

#include "access/relscan.h"
#include "vector_index/vector_index.h"
#include "vector_index/growing_scan.h"
#include "am/heap_distance.h"
#include "vector_index/own_order.h"
#include "vector_index/recall_target.h"
#include "am/scan_report.h"
#include "vector_index/tid_set.h"
#include "am/search_names.h"
#include "base/settings.h"
#include "am/filters.h"
#include "store/keyless.h"
#include "store/row_filter.h"

/* A row that was found and is not yet emitted. */
typedef struct Candidate
{
	double		lower_bound;	/* if rescored */
	double		code_bound;		/* if rescored: the lower bound by the code alone */
	BarqInterval interval;		/* of the distance, if refined */
	ItemPointerData tid;		/* if rescored */
	float		key;			/* as in BarqHit */
	bool		rescored;
	bool		refined;
	uint32		segment;		/* index in the snapshot; rows of segments only */
	uint32		row;			/* of the segment */
} Candidate;

/* The search of one segment of the snapshot. */
typedef struct SegmentStream
{
	BarqView   *view;
	const BarqSegmentKind *kind;	/* the segment's; barq_flat_kind after the turn */
	BarqSearch *search;
	BarqRowFilter filter;		/* if the scan has a source */

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

/* What is searched for. Read by scan_rounds.c once a scan; in the scan's `context`. */
typedef struct ScanQuery
{
	void	   *value;			/* NULL: not read yet */
	bool		is_null;		/* distances are NULL */
	bool		is_zero;		/* distances are NaN (cosine) */
} ScanQuery;

/*
 * What rows have to satisfy: the scan keys, and a source from outside of the scan (the
 * bitmap of other indexes), which is set before a rescan and stays. Owner:
 * scan_conditions.c, which reads the keys once a scan.
 */
typedef struct ScanConditions
{
	BarqFilterSource both;		/* asks outer and filters */
	BarqRowSource *outer;		/* or NULL */
	BarqFilterCondition *filters;	/* on filter columns, in the scan's context; or NULL */
	BarqRowSource *source;		/* of `both`; NULL: no row is left out */
	bool		read;			/* the keys are read */
	bool		no_nulls;		/* the first column IS NOT NULL */
	bool		only_nulls;		/* it IS NULL */
} ScanConditions;

/*
 * The search of one snapshot of the index. Owner: scan_rounds.c, which clears it when
 * pages were re-used and the scan starts again; allocated in `context`, a child of the
 * scan's.
 */
typedef struct ScanRounds
{
	MemoryContext context;		/* NULL until the first row is fetched */
	bool		started;
	BarqMeta	meta;
	BarqCodec	codec;
	bool		of_lists;		/* barq_ivf */
	BarqBreadth breadth;
	int			count;			/* rounds begun */
	int			broadened;		/* times that the first was */
	bool		is_far;			/* because it was far, not because it was crowded */
	double		crowded;		/* how crowded it is: barq_crowded_ratio() */
	float		nearest[10];	/* the keys of the nearest rows before that */
	BarqQuery  *query;
	BarqSnapshot *snapshot;
	uint64		rows;			/* of all segments: with a key, and admitted */
	BarqView   *views;			/* of its segments */
	SegmentStream *streams;
	bool		log_done;		/* no row of the log is left */
	bool		log_begun;		/* the next two are set */
	float		log_key;		/* of the last hit taken from the log */
	ItemPointerData log_tid;
	double		log_known;		/* all rows of the log below this key are candidates, or
								 * were */
	bool		exhausted;		/* the last round found no row */

	/* candidates of this round, then those that earlier rounds held back */
	Candidate  *candidates;
	int			ncandidates;
	int			space;
	int			ready;			/* candidates[next ... ready-1] may be taken */
	int			next;
	int			prefetched;		/* candidates whose heap pages were prefetched */
} ScanRounds;

/* How far all rounds have come, those before a restart included. Owner: scan_rounds.c. */
typedef struct ScanWalk
{
	double		slack;			/* largest seen: a key's distance minus its bound by the code */
	int64		looked_at;		/* candidates taken */
	int64		batch;			/* rounds run */
	bool		turned;			/* every code is scored: no row is missed */
} ScanWalk;

/* The rows that the scan has taken, to be skipped after a restart. Owner: scan_rounds.c. */
typedef struct ScanReturned
{
	TidList		tids;
	struct tidset_hash *skip;	/* rows taken before the last restart; or NULL */
} ScanReturned;

/* How rows come into order. Owner: scan.c; in the scan's `context`. */
typedef struct ScanOrder
{
	double		last_bound;		/* of the last candidate in order */
	BarqHeapDistance *heap_distance;	/* NULL until it is needed */
	BarqOrderQueue *queue;		/* NULL: the executor puts rows in order */
	BarqOrderQueue *late;		/* relaxed order: rows for the next batch */
	BarqOrderRow last;			/* taken from the queue, in this batch */
	bool		has_last;		/* last.tid is set */
	int64		nasked;			/* rows whose distance was computed, without copies */
	int64		ntaken;			/* rows taken from the queue, without copies */
	bool		drained;		/* no further row is added to the queue */
} ScanOrder;

/* How the scan ends. Owner: scan.c. */
typedef struct ScanEnd
{
	bool		cut;			/* by barq.max_scan_tuples */
	bool		reached;		/* no more rows in order */

	/* rows found too late for strict order: returned at the end */
	TidList		misplaced;
	int64		misplaced_at;	/* the next to be returned */
} ScanEnd;

/*
 * scan->opaque of an index scan over vectors. Each part has one owner, which alone
 * changes it; the others read it.
 */
typedef struct VectorScan
{
	BarqScanReport *report;		/* the first member (scan_report.h) */
	bool		in_order;		/* the caller wants rows in exact order */
	const BarqSearchNames *names;	/* settings of the access method, or NULL */
	struct PlanState *node;		/* a custom scan that runs this one, or NULL */
	MemoryContext context;		/* reset by every rescan */
	ScanQuery	query;
	ScanConditions conditions;
	ScanRounds	rounds;
	ScanWalk	walk;
	ScanReturned returned;
	ScanOrder	order;
	ScanEnd		end;
	struct ScanRest *rest;		/* rows without a key (scan_rest.c); NULL until read */
} VectorScan;

/*
 * Whether a scan continues after its first round (vs->rounds.of_lists, or the setting
 * barq.iterative_scan). No side effects.
 */
static inline bool
barq_scan_has_rounds(const VectorScan *vs)
{
	return vs->rounds.of_lists || barq_iterative_scan_for(vs->names) != BARQ_ITERATIVE_OFF;
}

/*
 * Whether a scan that is read to its end returns every row, by the
 * setting barq.iterative_scan. No side effects.
 */
static inline bool
barq_scan_is_complete(const VectorScan *vs)
{
	return barq_iterative_scan_for(vs->names) != BARQ_ITERATIVE_OFF;
}

/*
 * Whether rows of later rounds must not be nearer than rows already returned. No
 * side effects.
 */
static inline bool
barq_scan_is_strict(const VectorScan *vs)
{
	return barq_scan_has_rounds(vs) &&
		barq_iterative_scan_for(vs->names) != BARQ_ITERATIVE_RELAXED;
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

	return vs->rounds.of_lists && !barq_codec_proves(&vs->rounds.codec) ?
		more_of_lists * vs->rounds.breadth.rows : vs->rounds.breadth.rows;
}

/*
 * Run one round; the first takes the snapshot. Afterwards barq_scan_take() gives its
 * rows. If pages were re-used meanwhile, the scan starts again without the rows
 * already taken.
 */
extern void barq_scan_advance(IndexScanDesc scan, VectorScan *vs);

/* Whether rows of the rounds run so far are left. No side effects. */
static inline bool
barq_scan_has_ready(const VectorScan *vs)
{
	return vs->rounds.next < vs->rounds.ready;
}

/*
 * Take the next row of the rounds run so far, in the order of bounds, and count it;
 * NULL where another round is needed. Valid until the next round. The row may have been
 * taken before a restart (vs->returned.skip). May prefetch heap pages.
 */
extern Candidate *barq_scan_take(IndexScanDesc scan, VectorScan *vs);

/*
 * The interval in which the distance of a row just taken lies. False if none is known
 * that is proven and narrow.
 */
extern bool barq_scan_interval(VectorScan *vs, Candidate *candidate);

/*
 * Whether the executor has to recheck the index conditions of rows: what is kept of
 * values says too little.
 */
static inline bool
barq_scan_needs_recheck(const VectorScan *vs)
{
	return vs->conditions.filters != NULL && vs->conditions.filters->recheck;
}

/*
 * scan_conditions.c: read the scan keys, unless that was done. Allocates in the scan's
 * memory context. Raises the errors of types of filter columns.
 */
extern void barq_scan_read_conditions(IndexScanDesc scan, VectorScan *vs);

/* scan_conditions.c: set the outer source during a scan whose keys are read. */
extern void barq_scan_admit_only(VectorScan *vs, BarqRowSource *source);

/* scan_conditions.c: forget the scan keys (amrescan); the outer source stays. */
extern void barq_scan_forget_conditions(VectorScan *vs);

/*
 * scan_conditions.c: ask the scan's source which rows of a segment it admits, into
 * stream->filter. They are listed if they are so few that each of them is to be scored, or
 * if `all`.
 */
extern void barq_scan_filter_segment(IndexScanDesc scan, VectorScan *vs, uint32 segment,
									 bool all);

/*
 * scan_segments.c: begin the search of a segment, whose filter is known if the scan has a source, in the
 * current memory context. scan: the first step may have been made together with those
 * of other queries; NULL: it was not, because the breadth is this query's own. afar: as in
 * BarqSearchParams.
 */
extern void barq_scan_begin_search(IndexScanDesc scan, VectorScan *vs, uint32 segment,
								   bool afar);

/*
 * From now on search a segment as a flat one, for the rows that it has not returned; in the
 * current memory context.
 */
extern void barq_scan_search_flat(IndexScanDesc scan, VectorScan *vs, uint32 segment);

/*
 * Whether scoring all rows of a graph, or all that the conditions admit, costs less than a walk as
 * broad as a scan with a target of recall wants it; then it is the better way, for it misses none.
 */
extern bool barq_scan_all_pays(const VectorScan *vs, uint32 segment);

/* Turn to scoring every row, if that costs no more than the walks that are left. */
extern void barq_scan_turn_if_due(IndexScanDesc scan, VectorScan *vs);

/* scan.c: the scan's table, to read single rows of it; opened by the first call, in vs->context. */
extern BarqHeapDistance *barq_scan_heap(IndexScanDesc scan, VectorScan *vs);

/* Sort all candidates of the rounds, smallest key first. */
extern void barq_scan_sort_candidates(ScanRounds *rounds);

/*
 * scan_breadth.c. Adjust the breadth that was chosen for a target, now that the filters of
 * all segments are known: no more than the rows asked for where all are scored by codes
 * with proven bounds; more lists where filters leave out some of their rows.
 */
extern void barq_scan_adjust(IndexScanDesc scan, VectorScan *vs);

/*
 * scan_breadth.c. After the first candidates were found for a target of recall: if the
 * query is hard (BarqHardness), have the searches begin again or go on, so much broader,
 * and return true; again while that finds nearer rows, but of a crowded query twice at
 * most. Not where all rows were scored, nor in an index that was calibrated. Segments in which
 * scoring all rows costs less than so broad a search are searched so from then on.
 */
extern bool barq_scan_broaden(IndexScanDesc scan, VectorScan *vs);

/*
 * End the rounds; the next one begins with a new snapshot and the scan's conditions as they
 * are then, without the rows already taken.
 */
extern void barq_scan_begin_again(VectorScan *vs);

/* Forget rounds, rows and query: the scan begins anew (amrescan). */
extern void barq_scan_forget_rounds(VectorScan *vs);

/*
 * scan.c: from now on the scan itself puts rows in order (own_order.h), from the last
 * row in order on.
 */
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

/*
 * together.c: where the search of a segment of the snapshot begins, if its first step is
 * made together with those of other announced queries; NULL: it is not. Only for scans
 * without a condition. The slice of queries that it belongs to owns it. Checks for
 * interrupts. ERRCODE_INDEX_CORRUPTED, ERRCODE_BARQ_SEGMENT_GONE as for any search.
 */
extern const BarqSearchStart *barq_together_start(IndexScanDesc scan, VectorScan *vs,
												  uint32 segment,
												  const BarqSearchParams *params);

/* End the searches of the rounds and free their memory. */
extern void barq_scan_end_rounds(VectorScan *vs);

#endif							/* BARQ_SCAN_ROUNDS_H */
