/*
 * scan.c
 *	  Index scans over vectors: ORDER BY distance.
 *
 * A scan works in rounds. Each round asks every segment, largest first, and the
 * growing log for their next best rows, each pruned by what the others found
 * (a graph gains little from that, what is scanned gains much); the best ef_search of them are re-scored with the exact query and
 * emitted in the order of a lower bound of their distance. The executor
 * re-computes the distance from the heap row and puts the rows in exact order
 * (xs_recheckorderby); where it cannot be trusted with that, or the bound is
 * not proven, we do (own_order.h). Of bits the bound is the distance, and there
 * is nothing to do.
 *
 * Of lists, the first round takes the best of those probed, as many as of a
 * graph; further rounds take ever more. With iterative_scan = off the lists
 * probed are all that is looked at, but the caller gets all of them.
 *
 * If a page was re-used under a round (a segment read from its pages, or the
 * log, was replaced), the scan starts again from the metapage and leaves out
 * the TIDs that it has emitted.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "am/am.h"
#include "am/best_keys.h"
#include "am/growing_scan.h"
#include "am/heap_distance.h"
#include "am/own_order.h"
#include "am/tid_set.h"
#include "catalog/pg_type.h"
#include "lifecycle/stats.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "settings.h"
#include "utils/float.h"
#include "utils/memutils.h"

/* Rows of one round, at most. */
#define ROUND_MOST	1000000

uint64		barq_vector_scans_ended = 0;
uint64		barq_scans_cut = 0;

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
	BarqView	view;
	const BarqSegmentKind *kind;
	BarqSearch *search;
} SegmentStream;

typedef struct VectorScan
{
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
	ItemPointerData *emitted;
	int64		nemitted;
	int64		emitted_space;
	struct tidset_hash *skip;	/* emitted before a restart */
} VectorScan;

IndexScanDesc
barq_vector_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VectorScan *vs = palloc0(sizeof(VectorScan));

	vs->context = AllocSetContextCreate(CurrentMemoryContext, "barq scan",
										ALLOCSET_DEFAULT_SIZES);
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
		memset(scan->xs_orderbynulls, true, sizeof(bool) * norderbys);
	}
	scan->opaque = vs;
	return scan;
}

/* Give back what the round's searches hold, and its memory. */
static void
end_rounds(VectorScan *vs)
{
	if (vs->streams != NULL)
		for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
			if (vs->streams[i].search != NULL && vs->streams[i].kind->search_end != NULL)
				vs->streams[i].kind->search_end(vs->streams[i].search);
	vs->streams = NULL;
	vs->snapshot = NULL;
	vs->query = NULL;
	vs->candidates = NULL;
	vs->ncandidates = vs->space = vs->ready = vs->next = 0;
	vs->started = vs->exhausted = false;
	vs->rounds = 0;
	vs->growing_done = vs->growing_begun = false;
	if (vs->round_context != NULL)
		MemoryContextReset(vs->round_context);
}

static void
end_heap_distance(VectorScan *vs)
{
	if (vs->heap_distance != NULL)
		barq_heap_distance_end(vs->heap_distance);
	vs->heap_distance = NULL;
}

void
barq_vector_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
				   ScanKey orderbys, int norderbys)
{
	VectorScan *vs = scan->opaque;

	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));

	end_rounds(vs);
	end_heap_distance(vs);
	vs->round_context = NULL;
	MemoryContextReset(vs->context);
	vs->query_value = NULL;
	vs->slack = 0;
	vs->last_bound = -get_float8_infinity();
	vs->looked_at = 0;
	vs->emitted = NULL;
	vs->nemitted = vs->emitted_space = 0;
	vs->skip = NULL;
	vs->queue = vs->late = NULL;
	vs->last_distance = -get_float8_infinity();
	vs->batch = vs->nasked = vs->ntaken = 0;
	vs->drained = false;
}

void
barq_vector_end_scan(IndexScanDesc scan)
{
	VectorScan *vs = scan->opaque;

	end_rounds(vs);
	end_heap_distance(vs);
	MemoryContextDelete(vs->context);
	pfree(vs);
	scan->opaque = NULL;
}

/* The query's value, once a scan. */
static void
read_query(IndexScanDesc scan, VectorScan *vs)
{
	ScanKey		key = &scan->orderByData[0];
	const BarqVectorSpace *space;
	const void *value;
	void	   *copy;
	Size		bytes;
	int			dims;

	vs->null_query = (key->sk_flags & SK_ISNULL) != 0;
	if (vs->null_query)
	{
		vs->query_value = palloc0(barq_value_bytes(&vs->codec, NULL));
		return;
	}

	space = barq_vector_space(scan->indexRelation);
	value = space->elements(key->sk_argument, &dims, &copy);
	if (dims != vs->codec.dims)
		space->dims_differ(vs->codec.dims, dims);
	bytes = barq_value_bytes(&vs->codec, value);
	vs->query_value = palloc(bytes);
	memcpy(vs->query_value, value, bytes);
	if (copy != NULL)
		pfree(copy);
	vs->zero_query = vs->codec.metric == BARQ_METRIC_COSINE &&
		barq_value_is_zero(&vs->codec, vs->query_value);
}

static void
begin_rounds(IndexScanDesc scan, VectorScan *vs)
{
	Relation	index = scan->indexRelation;
	MemoryContext old;
	int			page_views = 0;

	if (vs->round_context == NULL)
		vs->round_context = AllocSetContextCreate(vs->context, "barq scan round",
												  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(vs->round_context);

	vs->snapshot = barq_snapshot_get(index, &vs->meta, true, vs->round_context);
	barq_vector_codec(&vs->meta.options, &vs->codec);
	vs->of_lists = vs->meta.options.index_kind == BARQ_KIND_IVF;
	if (vs->query_value == NULL)
	{
		MemoryContextSwitchTo(vs->context);
		read_query(scan, vs);
		MemoryContextSwitchTo(vs->round_context);
	}
	vs->query = barq_query_prepare(palloc(barq_query_bytes(&vs->codec)),
								   &vs->codec, vs->query_value);

	for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
		page_views += vs->snapshot->segments[i].mapping == NULL;
	vs->streams = palloc0(sizeof(SegmentStream) * Max(vs->snapshot->nsegments, 1));
	for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &vs->streams[i];
		BarqSearchParams params = {vs->query, barq_ef_search,
					vs->snapshot->segments[i].dead, vs->of_lists ? barq_probes : 0,
					barq_iterative_scan == BARQ_ITERATIVE_OFF,
								   !vs->of_lists};

		barq_snapshot_view(vs->snapshot, i, index, page_views, &stream->view);
		stream->kind = barq_segment_kind(stream->view.kind);
		stream->search = stream->kind->search_begin(&stream->view, &params);
	}
	vs->growing_done = barq_consistency == BARQ_CONSISTENCY_SEALED;
	vs->started = true;
	MemoryContextSwitchTo(old);
}

static void
add_candidate(VectorScan *vs, const Candidate *candidate)
{
	if (vs->ncandidates == vs->space)
	{
		vs->space = Max(vs->space * 2, 128);
		vs->candidates = vs->candidates == NULL ?
			MemoryContextAlloc(vs->round_context, sizeof(Candidate) * vs->space) :
			repalloc_huge(vs->candidates, sizeof(Candidate) * (Size) vs->space);
	}
	vs->candidates[vs->ncandidates++] = *candidate;
}

static int
compare_keys(const void *a, const void *b)
{
	float		x = ((const Candidate *) a)->key;
	float		y = ((const Candidate *) b)->key;

	return x < y ? -1 : x > y;
}

static int
compare_bounds(const void *a, const void *b)
{
	const Candidate *x = a;
	const Candidate *y = b;

	if (x->lower_bound != y->lower_bound)
		return x->lower_bound < y->lower_bound ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &x->tid, (ItemPointer) &y->tid);
}

/*
 * Ask everyone for their next rows. False if pages were re-used: start again.
 */
static bool
gather_candidates(IndexScanDesc scan, VectorScan *vs, int want, int *fresh)
{
	Candidate	candidate;
	BestKeys	best = {palloc(sizeof(double) * want), 0, want};

	for (int i = 0; i < vs->ncandidates; i++)
		note_key(&best, vs->candidates[i].key);
	*fresh = 0;
	for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &vs->streams[i];
		float		bound = key_to_beat(&best);
		BarqHit    *hits = palloc(sizeof(BarqHit) * want);
		int			n = 0;
		int			got;

		/*
		 * A call may return fewer than there are. Who stopped short of `want`
		 * and of the bound would have a gap where the others' rows are
		 * emitted, and its own come too late.
		 */
		do
		{
			got = stream->kind->search_next(stream->search, bound, hits + n, want - n);
			n += got;
		} while (got > 0 && n < want);

		memset(&candidate, 0, sizeof(candidate));
		for (int j = 0; j < n; j++)
		{
			candidate.key = hits[j].key;
			candidate.segment = i;
			candidate.row = hits[j].row;
			add_candidate(vs, &candidate);
			note_key(&best, candidate.key);
		}
		*fresh += n;
		pfree(hits);
	}

	memset(&candidate, 0, sizeof(candidate));
	if (!vs->growing_done)
	{
		float		bound = key_to_beat(&best);
		BarqGrowingHit *hits = palloc(sizeof(BarqGrowingHit) * want);
		int			n = barq_growing_search(scan->indexRelation, vs->snapshot,
											&vs->meta, &vs->codec,
											vs->query, vs->growing_key,
											vs->growing_begun ? &vs->growing_tid : NULL, bound,
											hits, want);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++)
		{
			candidate.key = hits[i].key;
			candidate.tid = hits[i].tid;
			candidate.distance = hits[i].distance;
			candidate.lower_bound = hits[i].lower_bound;
			candidate.rescored = true;
			add_candidate(vs, &candidate);
		}
		if (n > 0)
		{
			vs->growing_begun = true;
			vs->growing_key = hits[n - 1].key;
			vs->growing_tid = hits[n - 1].tid;
		}
		vs->growing_done = n < want && isinf(bound);
		*fresh += n;
		pfree(hits);
	}
	pfree(best.heap);
	return true;
}

/* TIDs and exact-query scores of the first n candidates. */
static void
rescore_candidates(VectorScan *vs, int n)
{
	for (int i = 0; i < n; i++)
	{
		Candidate  *candidate = &vs->candidates[i];
		SegmentStream *stream;
		const void *code;

		if (candidate->rescored)
			continue;
		stream = &vs->streams[candidate->segment];
		code = stream->kind->row_code(&stream->view, candidate->row);
		barq_query_rescore(vs->query, code, &candidate->distance,
						   &candidate->lower_bound);
		candidate->tid = barq_view_tid(&stream->view, candidate->row);
		candidate->rescored = true;
	}
}

/* Does a scan go on after its first round? */
static inline bool
has_rounds(const VectorScan *vs)
{
	return vs->of_lists || barq_iterative_scan != BARQ_ITERATIVE_OFF;
}

/* Must what comes in later rounds not come before what was returned? */
static inline bool
is_strict(const VectorScan *vs)
{
	return has_rounds(vs) && barq_iterative_scan != BARQ_ITERATIVE_RELAXED;
}

/*
 * Rows wanted of a round. All that lists hold is scored in the first; later
 * ones only select from it, so there should be few of them.
 */
static int
rows_wanted(VectorScan *vs)
{
	int			rounds = vs->rounds++;

	if (!vs->of_lists || rounds == 0)
		return barq_ef_search;
	if (barq_iterative_scan == BARQ_ITERATIVE_OFF)
		return ROUND_MOST;
	return (int) Min((int64) barq_ef_search << Min(rounds, 20), ROUND_MOST);
}

/*
 * One round: candidates[next … ready-1] are then in order and may be emitted.
 * False if pages were re-used.
 */
static bool
next_round(IndexScanDesc scan, VectorScan *vs)
{
	int			want = rows_wanted(vs);
	int			fresh;
	int			n;

	/* what was emitted makes room */
	memmove(vs->candidates, vs->candidates + vs->next,
			sizeof(Candidate) * (vs->ncandidates - vs->next));
	vs->ncandidates -= vs->next;
	vs->next = vs->ready = 0;

	/* held-back rows come on top of those wanted, else a round could stall */
	want = Min(want + vs->ncandidates, ROUND_MOST);
	if (!gather_candidates(scan, vs, want, &fresh))
		return false;
	if (fresh == 0)
		vs->exhausted = true;

	qsort(vs->candidates, vs->ncandidates, sizeof(Candidate), compare_keys);
	n = Min(want, vs->ncandidates);
	rescore_candidates(vs, n);
	if (n == 0)
		return true;

	if (is_strict(vs) && !vs->exhausted)
	{
		double		limit;

		/*
		 * A row of a later round has the key of this round's last or a larger
		 * one, and a lower bound below the distance that its key says by
		 * hardly more than any row had so far. What lies beyond is held back,
		 * to be merged with it.
		 */
		for (int i = 0; i < n; i++)
			vs->slack = Max(vs->slack,
							barq_key_distance(&vs->codec, vs->candidates[i].key) -
							vs->candidates[i].lower_bound);
		limit = barq_key_distance(&vs->codec, vs->candidates[n - 1].key) - vs->slack;
		qsort(vs->candidates, n, sizeof(Candidate), compare_bounds);
		while (vs->ready < n && vs->candidates[vs->ready].lower_bound <= limit)
			vs->ready++;
	}
	else
	{
		qsort(vs->candidates, n, sizeof(Candidate), compare_bounds);
		vs->ready = n;
	}
	return true;
}

/*
 * A round, with what it takes to start again.
 *
 * A page reader finds out in the depth of a search that its segment is gone,
 * and says so with an error of its own, raised with no lock or pin held:
 * catching it loses memory only, which the reset frees.
 */
static void
advance(IndexScanDesc scan, VectorScan *vs)
{
	MemoryContext old = CurrentMemoryContext;
	uint64		failed_version = 0;

	for (;;)
	{
		volatile bool ok = false;

		CHECK_FOR_INTERRUPTS();
		PG_TRY();
		{
			if (!vs->started)
				begin_rounds(scan, vs);
			MemoryContextSwitchTo(vs->round_context);
			ok = next_round(scan, vs);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(old);
			if (geterrcode() != ERRCODE_BARQ_SEGMENT_GONE)
				PG_RE_THROW();
			FlushErrorState();
		}
		PG_END_TRY();
		MemoryContextSwitchTo(old);
		if (ok)
			return;

		/* start again, leaving out what has been emitted */
		barq_meta_check_moved(scan->indexRelation, vs->meta.directory_version,
							  &failed_version);
		end_rounds(vs);
		vs->skip = tidset_create(vs->context, Max(vs->nemitted, 64), NULL);
		for (int64 i = 0; i < vs->nemitted; i++)
		{
			bool		found;

			tidset_insert(vs->skip, vs->emitted[i], &found);
		}
	}
}

static void
remember_emitted(VectorScan *vs, const ItemPointerData *tid)
{
	if (vs->nemitted == vs->emitted_space)
	{
		vs->emitted_space = Max(vs->emitted_space * 2, 64);
		vs->emitted = vs->emitted == NULL ?
			MemoryContextAlloc(vs->context, sizeof(ItemPointerData) * vs->emitted_space) :
			repalloc_huge(vs->emitted, sizeof(ItemPointerData) * vs->emitted_space);
	}
	vs->emitted[vs->nemitted++] = *tid;
}

/* Hand a row to the executor; exact: bound is its distance. */
static void
emit(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid, double bound,
	 bool exact)
{
	scan->xs_heaptid = *tid;
	scan->xs_recheck = false;

	/* the distance to NULL is NULL, to a zero vector under cosine it is NaN */
	scan->xs_recheckorderby = !exact && !vs->null_query && !vs->zero_query;
	scan->xs_orderbynulls[0] = vs->null_query;
	scan->xs_orderbyvals[0] = vs->zero_query ? Float8GetDatum(get_float8_nan()) :
		Float8GetDatum(bound);

	/* further ORDER BY keys on this column: nothing can come before them */
	for (int i = 1; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbynulls[i] = false;
		scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
		scan->xs_recheckorderby = true;
	}
}

/* The row's distance from the heap, as the executor would compute it. */
static bool
exact_distance(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid,
			   double *distance)
{
	if (vs->heap_distance == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(vs->context);

		vs->heap_distance = barq_heap_distance_begin(scan);
		MemoryContextSwitchTo(old);
	}
	return barq_heap_distance(vs->heap_distance, tid, distance);
}

/*
 * A row that was found after rows of a larger bound were emitted: it comes
 * out of order only if its distance, too, is below that bound. The bound is
 * too modest to tell (a row whose code lies far from it has a low one), so the
 * heap is asked. The row is then good for the last bound.
 */
static bool
still_in_order(IndexScanDesc scan, VectorScan *vs, Candidate *candidate)
{
	if (!vs->null_query && !vs->zero_query)
	{
		double		distance;

		if (barq_codec_is_exact(&vs->codec) ||
			!exact_distance(scan, vs, &candidate->tid, &distance) ||
			isnan(distance) || distance < vs->last_bound)
			return false;
	}
	candidate->lower_bound = vs->last_bound;
	return true;
}

static void
count_too_late(IndexScanDesc scan)
{
	barq_count(barq_stats_of(RelationGetRelid(scan->indexRelation)),
			   BARQ_COUNT_ROWS_TOO_LATE, 1);
}

/*
 * The next row in the order of bounds, marked as emitted; NULL at the end. In
 * strict order what comes too late is left out; where rows wait in a queue,
 * whoever puts them there asks for their distance anyway and sees to it.
 */
static Candidate *
next_candidate(IndexScanDesc scan, VectorScan *vs)
{
	for (;;)
	{
		Candidate  *candidate;

		if (vs->next >= vs->ready)
		{
			if (vs->exhausted || !has_rounds(vs))
				return NULL;
			advance(scan, vs);
			vs->batch++;
			continue;
		}
		if (barq_iterative_scan != BARQ_ITERATIVE_OFF &&
			vs->looked_at >= barq_max_scan_tuples)
			return NULL;
		candidate = &vs->candidates[vs->next++];
		vs->looked_at++;
		if (vs->skip != NULL && tidset_lookup(vs->skip, candidate->tid) != NULL)
			continue;

		if (vs->queue == NULL && is_strict(vs) &&
			candidate->lower_bound < vs->last_bound &&
			!still_in_order(scan, vs, candidate))
		{
			count_too_late(scan);
			continue;
		}
		vs->last_bound = candidate->lower_bound;
		remember_emitted(vs, &candidate->tid);
		return candidate;
	}
}

/*
 * A row for the queue. One nearer than what was emitted (by an earlier round, or
 * for its bound) is too late: in relaxed order for this batch, else for the scan.
 */
static void
add_to_queue(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid, bool copy)
{
	double		distance;

	vs->nasked += !copy;
	if (!exact_distance(scan, vs, tid, &distance))
		return;
	if (float8_cmp_internal(distance, vs->last_distance) >= 0)
		barq_order_queue_add(vs->queue, tid, distance);
	else if (barq_iterative_scan == BARQ_ITERATIVE_RELAXED)
		barq_order_queue_add(vs->late, tid, distance);
	else
		count_too_late(scan);
}

/* Another batch may begin anywhere, with what came too late for the last one. */
static void
begin_batch(VectorScan *vs)
{
	ItemPointerData tid;
	double		distance;

	vs->last_distance = -get_float8_infinity();
	while (barq_order_queue_take(vs->late, get_float8_nan(), &tid, &distance))
		barq_order_queue_add(vs->queue, &tid, distance);
}

/*
 * How far away a waiting row may be to be emitted: as far as those to come are by
 * their bounds. Where these are only likely, thousands can be possible (few
 * dimensions, a query far from everything); so a row is also let go when ef_search
 * rows have been asked for, and look_ahead times as many as emitted. Copies, which
 * have the same bound, count once, or those of one vector would be all of these.
 */
static double
may_be_emitted(const VectorScan *vs)
{
	const int	look_ahead = 4;

	if (vs->drained ||
		(!barq_codec_proves(&vs->codec) &&
		 vs->nasked >= Max(barq_ef_search, look_ahead * (vs->ntaken + 1))))
		return get_float8_nan();	/* the largest of all */
	return vs->last_bound;
}

/*
 * The next row in exact order: one that waits and that nothing can come before
 * any more.
 */
static bool
next_in_own_order(IndexScanDesc scan, VectorScan *vs)
{
	ItemPointerData tid;
	double		distance;

	while (!barq_order_queue_take(vs->queue, may_be_emitted(vs), &tid, &distance))
	{
		int64		batch = vs->batch;
		double		bound = vs->last_bound;
		Candidate  *candidate;

		if (vs->drained)
			return false;
		candidate = next_candidate(scan, vs);
		vs->drained = candidate == NULL;
		if (barq_iterative_scan == BARQ_ITERATIVE_RELAXED &&
			(vs->drained || vs->batch != batch))
			begin_batch(vs);
		if (candidate != NULL)
			add_to_queue(scan, vs, &candidate->tid, candidate->lower_bound == bound);
	}
	vs->ntaken += distance != vs->last_distance;
	vs->last_distance = distance;
	emit(scan, vs, &tid, distance, true);
	return true;
}

bool
barq_vector_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VectorScan *vs = scan->opaque;
	Candidate  *candidate;

	Assert(ScanDirectionIsForward(direction));
	if (scan->numberOfOrderBys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without an ORDER BY of a distance",
						RelationGetRelationName(scan->indexRelation))));
	if (!vs->started)
	{
		BarqIndexStats *stats;

		pgstat_count_index_scan(scan->indexRelation);
		memset(barq_lock_waits, 0, sizeof(barq_lock_waits));
		advance(scan, vs);
		stats = barq_stats_of(RelationGetRelid(scan->indexRelation));
		barq_count(stats, BARQ_COUNT_SEARCHES, 1);
		barq_count_lock_waits(stats);
		if (((barq_executor_loses_tids() && !barq_codec_is_exact(&vs->codec)) ||
			 !barq_codec_proves(&vs->codec)) &&
			!vs->null_query && !vs->zero_query)
		{
			vs->queue = barq_order_queue_create(vs->context);
			vs->late = barq_order_queue_create(vs->context);
		}
	}

	if (vs->queue != NULL)
	{
		if (next_in_own_order(scan, vs))
			return true;
	}
	else if ((candidate = next_candidate(scan, vs)) != NULL)
	{
		emit(scan, vs, &candidate->tid, candidate->lower_bound,
			 barq_codec_is_exact(&vs->codec));
		return true;
	}

	barq_vector_scans_ended++;
	if (barq_iterative_scan != BARQ_ITERATIVE_OFF && vs->looked_at >= barq_max_scan_tuples)
		barq_scans_cut++;
	return false;
}
