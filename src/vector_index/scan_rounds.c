/*
 * scan_rounds.c
 *	  The rounds of an index scan over vectors.
 *
 * Each round takes the next best rows of every segment, largest first, and of the
 * growing log. The keys found so far bound the search of the next segment: a scan of
 * codes gains much from that, a graph some, and most where it is walked with a narrow
 * beam at first (scan_segments.c). The best ef_search rows are re-scored with the exact query.
 *
 * In an index of lists the first round takes as many rows as in one of graphs, the
 * best of the lists probed; each further round takes more. With iterative_scan =
 * off no other lists are searched, but all rows of the lists probed are returned.
 *
 * If a page is re-used during a round (a segment that is read from its pages, or
 * the log, was replaced), the scan starts again from the metapage and skips the
 * TIDs that it has emitted.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/array.h"
#include "base/settings.h"
#include "flat/hits.h"
#include "flat/vector_body.h"
#include "hnsw/hnsw.h"
#include "vector_index/best_keys.h"
#include "vector_index/scan_rounds.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "types/distance_memo.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/spccache.h"

/* Rows of the first round where a condition's rows are all scored: each is re-scored. */
#define FIRST_OF_ALL	40

/* Largest number of rows of one round. */
#define ROUND_MOST	1000000

void
barq_scan_end_rounds(VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	MemoryContext context = rounds->context;

	if (rounds->streams != NULL)
		for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
			if (rounds->streams[i].search != NULL)
				rounds->streams[i].kind->vectors->end(rounds->streams[i].search);
	if (context != NULL)
		MemoryContextReset(context);
	memset(rounds, 0, sizeof(*rounds));
	rounds->context = context;
}

void
barq_scan_forget_rounds(VectorScan *vs)
{
	barq_scan_end_rounds(vs);
	memset(&vs->rounds, 0, sizeof(vs->rounds));
	memset(&vs->query, 0, sizeof(vs->query));
	memset(&vs->walk, 0, sizeof(vs->walk));
	memset(&vs->returned, 0, sizeof(vs->returned));
}

/*
 * Read the query's value from the first ORDER BY key: sets vs->query, once a
 * scan, and announces the query to the distance functions, in the scan's memory
 * context, which is the current one. Raises the type's error if the query has another
 * number of dimensions than the index.
 */
static void
read_query(IndexScanDesc scan, VectorScan *vs)
{
	ScanKey		key = &scan->orderByData[0];
	const BarqVectorSpace *space;
	const void *value;
	void	   *copy;
	Size		bytes;
	int			dims;

	vs->query.is_null = (key->sk_flags & SK_ISNULL) != 0;
	if (vs->query.is_null)
	{
		vs->query.value = palloc0(barq_value_bytes(&vs->rounds.codec, NULL));
		return;
	}

	space = barq_vector_space(scan->indexRelation);
	value = space->elements(barq_memo_begin(key->sk_argument), &dims, &copy);
	if (dims != vs->rounds.codec.dims)
		space->dims_differ(vs->rounds.codec.dims, dims);
	bytes = barq_value_bytes(&vs->rounds.codec, value);
	vs->query.value = palloc(bytes);
	memcpy(vs->query.value, value, bytes);
	if (copy != NULL)
		pfree(copy);
	vs->query.is_zero = vs->rounds.codec.metric == BARQ_METRIC_COSINE &&
		barq_value_is_zero(&vs->rounds.codec, vs->query.value);
}

/*
 * Take a snapshot of the index and begin a search of each of its segments, in
 * rounds.context. Raises ERRCODE_INDEX_CORRUPTED for a segment without vectors.
 */
static void
begin_rounds(IndexScanDesc scan, VectorScan *vs)
{
	static const uint32 no_rows = 0;
	ScanRounds *rounds = &vs->rounds;
	Relation	index = scan->indexRelation;
	MemoryContext old;

	if (rounds->context == NULL)
		rounds->context = AllocSetContextCreate(vs->context, "barq scan round",
												ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(rounds->context);

	rounds->snapshot = barq_snapshot_get(index, &rounds->meta, true, rounds->context);
	barq_scan_report_segments(vs->report, index, rounds->snapshot);
	barq_vector_codec(&rounds->meta.options, &rounds->codec);
	rounds->of_lists = rounds->meta.options.index_kind == BARQ_KIND_IVF;
	if (vs->query.value == NULL)
	{
		MemoryContextSwitchTo(vs->context);
		read_query(scan, vs);
		MemoryContextSwitchTo(rounds->context);
	}
	rounds->query = barq_query_prepare(palloc(barq_query_bytes(&rounds->codec)),
									   &rounds->codec, vs->query.value);

	barq_scan_read_conditions(scan, vs);
	rounds->breadth = barq_scan_breadth(scan, vs->node,
										vs->conditions.source != NULL ? vs->conditions.source->admitted : 0,
										1, rounds->snapshot, &rounds->meta);
	rounds->views = barq_snapshot_views(rounds->snapshot, index, false);
	rounds->streams = palloc0(sizeof(SegmentStream) * Max(rounds->snapshot->nsegments, 1));
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &rounds->streams[i];

		stream->view = &rounds->views[i];
		stream->kind = barq_segment_kind(stream->view->kind);
		if (stream->kind->vectors == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a segment of kind \"%s\", which holds no vectors",
							RelationGetRelationName(index), stream->kind->name)));
		if (vs->conditions.only_nulls)
			stream->filter.rows = &no_rows;
		else if (vs->conditions.source == NULL)
		{
			rounds->rows += stream->view->rows;
			if (barq_scan_all_pays(vs, i))
				stream->kind = &barq_flat_kind;
		}
		else
		{
			barq_scan_filter_segment(scan, vs, i, false);
			rounds->rows += stream->filter.count;
		}
	}
	barq_scan_adjust(scan, vs);
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &rounds->streams[i];

		if (vs->walk.turned && stream->filter.rows == NULL)
			barq_scan_search_flat(scan, vs, i);
		else
			barq_scan_begin_search(scan, vs, i, false);
	}
	rounds->log_done = barq_consistency == BARQ_CONSISTENCY_SEALED || vs->conditions.only_nulls;
	rounds->log_known = -get_float8_infinity();
	rounds->started = true;
	MemoryContextSwitchTo(old);
}

/* Append a candidate; rounds.context is the current memory context. */
static void
add_candidate(VectorScan *vs, const Candidate *candidate)
{
	ScanRounds *rounds = &vs->rounds;
	Assert(CurrentMemoryContext == rounds->context);
	BARQ_ARRAY_RESERVE(rounds->candidates, rounds->space, rounds->ncandidates + 1, 128);
	rounds->candidates[rounds->ncandidates++] = *candidate;
}

/* qsort comparator of candidates: smallest key first. */
static int
compare_keys(const void *a, const void *b)
{
	float		x = ((const Candidate *) a)->key;
	float		y = ((const Candidate *) b)->key;

	return x < y ? -1 : x > y;
}

void
barq_scan_sort_candidates(ScanRounds *rounds)
{
	qsort(rounds->candidates, rounds->ncandidates, sizeof(Candidate), compare_keys);
}

/* qsort comparator of re-scored candidates: lowest bound first, then by TID. */
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
 * Record the rows that a search has returned; rounds.context is the current memory
 * context.
 */
static void
note_returned(VectorScan *vs, SegmentStream *stream, const BarqHit *hits, int n)
{
	Assert(CurrentMemoryContext == vs->rounds.context);
	BARQ_ARRAY_RESERVE(stream->returned, stream->space, stream->nreturned + n, 64);
	for (int i = 0; i < n; i++)
		stream->returned[stream->nreturned++] = hits[i].row;
}

/* Whether the log may have rows below this key that are no candidates yet. */
static bool
log_may_add(const ScanRounds *rounds, double bound)
{
	return !rounds->log_done && (bound > rounds->log_known || isinf(bound));
}

/*
 * Add the next `want` best rows of each segment and of the log to the
 * candidates; *fresh receives their number. Returns false if pages of the log
 * were re-used: start again. Raises ERRCODE_BARQ_SEGMENT_GONE if those of a
 * segment were.
 */
static bool
gather_candidates(IndexScanDesc scan, VectorScan *vs, int want, int *fresh)
{
	ScanRounds *rounds = &vs->rounds;
	Candidate	candidate;
	BestKeys	best = {palloc(sizeof(double) * want), 0, want};

	for (int i = 0; i < rounds->ncandidates; i++)
		note_key(&best, rounds->candidates[i].key);
	*fresh = 0;
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &rounds->streams[i];
		float		bound = key_to_beat(&best);
		BarqHit    *hits = palloc(sizeof(BarqHit) * want);
		int			n = 0;
		int			got;

		/*
		 * A call may return fewer rows than there are. If this search stopped
		 * before `want` rows and before the bound, rows of other segments
		 * would be emitted before nearer rows of this one.
		 */
		do
		{
			got = stream->kind->vectors->next(stream->search, bound, hits + n, want - n);
			n += got;
		} while (got > 0 && n < want);

		if (!vs->walk.turned && stream->kind != &barq_flat_kind && barq_scan_is_complete(vs))
			note_returned(vs, stream, hits, n);
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
	if (log_may_add(rounds, key_to_beat(&best)))
	{
		float		bound = key_to_beat(&best);
		BarqGrowingHit *hits = palloc(sizeof(BarqGrowingHit) * want);
		int			n = barq_growing_search(scan->indexRelation, rounds->snapshot,
											&rounds->meta, &rounds->codec,
											rounds->query, rounds->log_key,
											rounds->log_begun ? &rounds->log_tid : NULL, bound,
											vs->conditions.source, hits, want);

		if (n < 0)
			return false;
		for (int i = 0; i < n; i++)
		{
			candidate.key = hits[i].key;
			candidate.tid = hits[i].tid;
			candidate.interval = hits[i].interval;
			candidate.lower_bound = hits[i].interval.low;
			candidate.code_bound = hits[i].code_bound;
			candidate.rescored = candidate.refined = true;
			add_candidate(vs, &candidate);
		}
		if (n > 0)
		{
			rounds->log_begun = true;
			rounds->log_key = hits[n - 1].key;
			rounds->log_tid = hits[n - 1].tid;
		}
		rounds->log_known = n < want ? bound : rounds->log_key;
		rounds->log_done = n < want && bound > 0 && isinf(bound);
		*fresh += n;
		pfree(hits);
	}
	pfree(best.heap);
	return true;
}

/* Set the interval of a candidate of a segment. */
static void
refine_candidate(VectorScan *vs, Candidate *candidate)
{
	barq_vector_interval(vs->rounds.streams[candidate->segment].view, candidate->row,
						 vs->rounds.query, &candidate->interval);
	candidate->refined = true;
}

bool
barq_scan_interval(VectorScan *vs, Candidate *candidate)
{
	if (!barq_codec_is_narrow(&vs->rounds.codec))
		return false;
	if (!candidate->refined)
		refine_candidate(vs, candidate);
	/* a sum that overflowed bounds nothing */
	return candidate->interval.high <= DBL_MAX && candidate->interval.low >= -DBL_MAX;
}

/*
 * Set TID and bound of the first n candidates, by the exact query. Their refinements are
 * read when a row is needed (barq_scan_interval), but now if that may find pages
 * re-used.
 */
static void
rescore_candidates(VectorScan *vs, int n)
{
	ScanRounds *rounds = &vs->rounds;

	/* codes and TIDs lie anywhere, so they are loaded for all rows before the first is read */
	for (int i = 0; i < n; i++)
	{
		const Candidate *candidate = &rounds->candidates[i];

		if (!candidate->rescored)
			barq_vector_prefetch(rounds->streams[candidate->segment].view, candidate->row);
	}
	for (int i = 0; i < n; i++)
	{
		Candidate  *candidate = &rounds->candidates[i];
		SegmentStream *stream;
		const void *code;
		double		distance;

		if (candidate->rescored)
			continue;
		stream = &rounds->streams[candidate->segment];
		code = stream->kind->vectors->row_code(stream->view, candidate->row);
		barq_query_rescore(rounds->query, code, &distance, &candidate->lower_bound);
		candidate->code_bound = candidate->lower_bound;
		candidate->tid = barq_view_tid(stream->view, candidate->row);
		candidate->rescored = true;
		if (stream->view->base == NULL && barq_codec_is_narrow(&rounds->codec))
			refine_candidate(vs, candidate);
	}
}

/* Number of rows of a round that fit into work_mem. */
static int64
rows_in_memory(void)
{
	return work_mem * INT64CONST(1024) / (sizeof(Candidate) + sizeof(BarqHit) + sizeof(double));
}

/*
 * Whether all rows that a condition admits are scored one by one: then a round's rows are
 * the best of all, however few they are, and later rounds select from the same scores.
 */
static bool
scores_all(const VectorScan *vs)
{
	if (vs->conditions.source == NULL || barq_target_recall > 0 || !barq_codec_proves(&vs->rounds.codec))
		return false;
	for (uint32 i = 0; i < vs->rounds.snapshot->nsegments; i++)
		if (vs->rounds.streams[i].kind != &barq_flat_kind)
			return false;
	return true;
}

/*
 * Of so many rows asked for, those to ask for within a condition: as many as the first
 * beam of the largest segment has, if it is a graph, whose walk may go through rows that
 * the condition leaves out. With a target, enough to tell a hard query.
 */
static int
rows_of_condition(const VectorScan *vs, int asked, bool first)
{
	const SegmentStream *largest = vs->rounds.streams;
	int			wanted;

	if (first && scores_all(vs))
		return Min(asked, FIRST_OF_ALL);
	if (vs->conditions.source == NULL || vs->rounds.snapshot->nsegments == 0 ||
		!barq_scan_has_rounds(vs) || largest->kind != &barq_hnsw_kind)
		return asked;
	wanted = barq_hnsw_rows_wanted(asked, (double) largest->filter.count / largest->view->rows);
	if (barq_target_recall > 0)
		wanted = Max(wanted, Min(asked, BARQ_HARDNESS_ROWS));
	return wanted;
}

/*
 * Rows wanted of the next round, which is counted. The first round of lists scores
 * all rows of the lists probed and later rounds only select from them, so rounds
 * should be few: each takes twice as many rows as the last. The same holds after
 * the turn.
 */
static int
rows_wanted(VectorScan *vs)
{
	int			rounds = vs->rounds.count++;

	if (vs->walk.turned)
		return (int) Max(barq_scan_rows_asked(vs), Min(vs->walk.looked_at, rows_in_memory()));
	if (!vs->rounds.of_lists || rounds == 0)
		return rows_of_condition(vs, barq_scan_rows_asked(vs), rounds == 0);
	if (!barq_scan_is_complete(vs))
		return ROUND_MOST;
	return (int) Min((int64) barq_scan_rows_asked(vs) << Min(rounds, 20), ROUND_MOST);
}

/*
 * The largest bound with which the best n candidates of a round, sorted by key, may be
 * emitted in strict order. A row of a later round has at least the key of the last of them,
 * and a distance that is below that of its key by hardly more than `slack`, the largest
 * difference so far of a key's distance and its bound by the code alone, for keys know no
 * refinement. Rows with a larger bound than that are held back, to be merged with the next
 * round's.
 */
static double
order_limit(VectorScan *vs, int n)
{
	ScanRounds *rounds = &vs->rounds;
	double		limit;

	for (int i = 0; i < n; i++)
		vs->walk.slack = Max(vs->walk.slack,
							 barq_key_distance(&rounds->codec, rounds->candidates[i].key) -
							 rounds->candidates[i].code_bound);
	limit = barq_key_distance(&rounds->codec, rounds->candidates[n - 1].key) - vs->walk.slack;

	/* other distances are never below 0, though keys may be */
	return rounds->codec.metric == BARQ_METRIC_IP ? limit : Max(limit, 0);
}

/*
 * Run one round in rounds.context: afterwards candidates[next … ready-1] are in
 * order and may be emitted. False if pages were re-used.
 */
static bool
next_round(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	int			want;
	bool		is_first;
	int			fresh;
	int			n;

	Assert(rounds->next <= rounds->ready && rounds->ready <= rounds->ncandidates);
	barq_scan_turn_if_due(scan, vs);
	want = rows_wanted(vs);
	is_first = rounds->count == 1;

	/* remove the candidates that were emitted */
	memmove(rounds->candidates, rounds->candidates + rounds->next,
			sizeof(Candidate) * (rounds->ncandidates - rounds->next));
	rounds->ncandidates -= rounds->next;
	rounds->next = rounds->ready = rounds->prefetched = 0;

	/* rows held back are not counted as wanted, else a round could find none */
	want = Min(want + rounds->ncandidates, ROUND_MOST);
	if (!gather_candidates(scan, vs, want, &fresh))
		return false;
	while (is_first && barq_scan_broaden(scan, vs))
	{
		int			kept = rounds->ncandidates;

		/* without a condition the best of as many rows, from a broader search */
		if (vs->conditions.source != NULL || !barq_codec_proves(&rounds->codec))
			want = rows_of_condition(vs, barq_scan_rows_asked(vs), false);
		if (!gather_candidates(scan, vs, want, &fresh))
			return false;
		fresh += kept;
	}
	if (fresh == 0)
		rounds->exhausted = true;

	barq_scan_sort_candidates(rounds);
	n = Min(want, rounds->ncandidates);
	rescore_candidates(vs, n);
	if (n == 0)
		return true;

	if (barq_scan_is_strict(vs) && !rounds->exhausted)
	{
		double		limit = order_limit(vs, n);

		qsort(rounds->candidates, n, sizeof(Candidate), compare_bounds);

		/* very loose bounds would hold back most rows: limit their memory */
		while (rounds->ready < n &&
			   (rounds->candidates[rounds->ready].lower_bound <= limit ||
				n - rounds->ready > Max(rows_in_memory(), want)))
			rounds->ready++;
	}
	else
	{
		qsort(rounds->candidates, n, sizeof(Candidate), compare_bounds);
		rounds->ready = n;
	}
	return true;
}

/* A scan's next round, for barq_try_reading. */
typedef struct RoundAttempt
{
	IndexScanDesc scan;
	VectorScan *vs;
} RoundAttempt;

/*
 * Run a round. Returns false, or raises ERRCODE_BARQ_SEGMENT_GONE, if pages were
 * re-used. The reset of rounds.context frees the memory of a failed round.
 */
static bool
attempt_round(void *arg)
{
	RoundAttempt *attempt = arg;
	VectorScan *vs = attempt->vs;

	if (!vs->rounds.started)
		begin_rounds(attempt->scan, vs);
	MemoryContextSwitchTo(vs->rounds.context);
	return next_round(attempt->scan, vs);
}

void
barq_scan_begin_again(VectorScan *vs)
{
	barq_scan_end_rounds(vs);
	barq_scan_skip_emitted(vs);
	vs->walk.turned = false;
	vs->walk.looked_at = 0;
}

void
barq_scan_advance(IndexScanDesc scan, VectorScan *vs)
{
	RoundAttempt attempt = {scan, vs};
	uint64		failed_version = 0;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (barq_try_reading(attempt_round, &attempt))
		{
			vs->walk.batch++;
			return;
		}

		/* start again without the rows already emitted */
		barq_meta_check_moved(scan->indexRelation, vs->rounds.meta.directory_version,
							  &failed_version);
		barq_scan_end_rounds(vs);
		barq_scan_skip_emitted(vs);
	}
}

/*
 * Prefetch the heap pages of the next candidates. After the turn all rows are read
 * in the order of their codes, from pages all over the heap.
 */
static void
prefetch(IndexScanDesc scan, ScanRounds *rounds)
{
	int			ahead = get_tablespace_io_concurrency(scan->heapRelation->rd_rel->reltablespace);

	rounds->prefetched = Max(rounds->prefetched, rounds->next);
	for (; rounds->prefetched < rounds->ready && rounds->prefetched < rounds->next + ahead;
		 rounds->prefetched++)
		PrefetchBuffer(scan->heapRelation, MAIN_FORKNUM,
					   ItemPointerGetBlockNumber(&rounds->candidates[rounds->prefetched].tid));
}

Candidate *
barq_scan_take(IndexScanDesc scan, VectorScan *vs)
{
	Candidate  *candidate;

	if (!barq_scan_has_ready(vs))
		return NULL;
	if (vs->walk.turned)
		prefetch(scan, &vs->rounds);
	candidate = &vs->rounds.candidates[vs->rounds.next++];
	Assert(candidate->rescored);
	vs->walk.looked_at++;
	return candidate;
}

void
barq_scan_keep_tid(VectorScan *vs, TidList *list, const ItemPointerData *tid)
{
	if (unlikely(list->n == list->space))
	{
		MemoryContext old = MemoryContextSwitchTo(vs->context);

		BARQ_ARRAY_RESERVE(list->tids, list->space, list->n + 1, 64);
		MemoryContextSwitchTo(old);
	}
	list->tids[list->n++] = *tid;
}

void
barq_scan_remember(VectorScan *vs, const ItemPointerData *tid)
{
	barq_scan_keep_tid(vs, &vs->returned.tids, tid);
}

void
barq_scan_skip_emitted(VectorScan *vs)
{
	vs->returned.skip = tidset_create(vs->context, Max(vs->returned.tids.n, 64), NULL);
	for (int64 i = 0; i < vs->returned.tids.n; i++)
	{
		bool		found;

		tidset_insert(vs->returned.skip, vs->returned.tids.tids[i], &found);
	}
}
