/*
 * scan_rounds.c
 *	  The rounds of an index scan over vectors.
 *
 * Each round takes the next best rows of every segment, largest first, and of the
 * growing log. The keys found so far bound the search of the next segment (a graph
 * gains little from a bound, a scan of codes gains much). The best ef_search rows
 * are re-scored with the exact query.
 *
 * In an index of lists the first round takes as many rows as in one of graphs, the
 * best of the lists probed; each further round takes more. With iterative_scan =
 * off no other lists are searched, but all rows of the lists probed are returned.
 *
 * A walk of a graph misses rows, and each further row costs more. When a walk finds
 * no more rows, or when scoring every code costs no more than the scan has cost so
 * far, the scan *turns*: from then on each segment is searched as a flat one,
 * without the rows that it has returned. So no row is missed any more, and the scan
 * ends with the last row.
 *
 * If a page is re-used during a round (a segment that is read from its pages, or
 * the log, was replaced), the scan starts again from the metapage and skips the
 * TIDs that it has emitted.
 */
#include "postgres.h"

#include <math.h>

#include "base/array.h"
#include "vector_index/best_keys.h"
#include "vector_index/scan_rounds.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/memutils.h"

/* Largest number of rows of one round. */
#define ROUND_MOST	1000000

/*
 * One more row of a walk costs about as much as scoring this many codes one after
 * the other (docs/performance.md, "Scans to the end").
 */
#define WALK_COST	128

void
barq_scan_end_rounds(VectorScan *vs)
{
	if (vs->streams != NULL)
		for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
			if (vs->streams[i].search != NULL)
				vs->streams[i].kind->vectors->end(vs->streams[i].search);
	vs->streams = NULL;
	vs->snapshot = NULL;
	vs->query = NULL;
	vs->candidates = NULL;
	vs->ncandidates = vs->space = vs->ready = vs->next = 0;
	vs->started = vs->exhausted = false;
	vs->rounds = 0;
	vs->growing_done = vs->growing_begun = false;
	vs->rows = 0;
	vs->prefetched = 0;
	if (vs->round_context != NULL)
		MemoryContextReset(vs->round_context);
}

/*
 * Read the query's value from the first ORDER BY key: sets query_value, null_query
 * and zero_query, once a scan, in the current memory context. Raises the type's
 * error if the query has another number of dimensions than the index.
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

/* From now on search a segment as a flat one, for the rows it has not returned. */
static void
search_flat(VectorScan *vs, uint32 segment)
{
	SegmentStream *stream = &vs->streams[segment];
	const uint8 *dead = vs->snapshot->segments[segment].dead;
	Size		bytes = barq_bits_bytes(stream->view->rows);
	uint8	   *skip = palloc_extended(Max(bytes, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	BarqSearchParams params = {.query = vs->query, .breadth = barq_ef_search, .skip = skip};

	if (dead != NULL)
		memcpy(skip, dead, bytes);
	for (uint32 i = 0; i < stream->nreturned; i++)
		barq_bit_set(skip, stream->returned[i]);
	if (stream->search != NULL)
		stream->kind->vectors->end(stream->search);
	stream->search = NULL;
	stream->kind = &barq_flat_kind;
	stream->search = stream->kind->vectors->begin(stream->view, &params);
}

/*
 * Whether the scan should turn, that is, score every row from now on; changes
 * nothing. A precise forecast of the costs is not needed: a scan that turns when
 * it has spent as much as scoring everything costs pays at most twice the cost
 * of the better choice.
 */
static bool
should_turn(const VectorScan *vs)
{
	return !vs->turned && barq_scan_is_complete() &&
		(vs->exhausted || (vs->looked_at > 0 && (uint64) vs->looked_at * WALK_COST >= vs->rows));
}

/*
 * Turn: score everything from now on. The scan then puts rows in order itself,
 * because the executor's queue would keep copies of possibly many tuples.
 */
static void
turn(VectorScan *vs)
{
	Assert(!vs->turned);
	for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
		if (vs->streams[i].kind != &barq_flat_kind)
		{
			search_flat(vs, i);
			vs->exhausted = false;
		}
	vs->turned = true;
	vs->report->scored_all++;
	if (vs->queue == NULL && !barq_codec_is_exact(&vs->codec) &&
		!vs->null_query && !vs->zero_query)
	{
		barq_scan_own_order(vs);
		vs->last_distance = vs->last_bound;
	}
}

/*
 * Take a snapshot of the index and begin a search of each of its segments, in
 * round_context. Raises ERRCODE_INDEX_CORRUPTED for a segment without vectors.
 */
static void
begin_rounds(IndexScanDesc scan, VectorScan *vs)
{
	Relation	index = scan->indexRelation;
	MemoryContext old;
	BarqView   *views;

	if (vs->round_context == NULL)
		vs->round_context = AllocSetContextCreate(vs->context, "barq scan round",
												  ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(vs->round_context);

	vs->snapshot = barq_snapshot_get(index, &vs->meta, true, vs->round_context);
	barq_scan_report_segments(vs->report, index, vs->snapshot);
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

	views = barq_snapshot_views(vs->snapshot, index, false);
	vs->streams = palloc0(sizeof(SegmentStream) * Max(vs->snapshot->nsegments, 1));
	for (uint32 i = 0; i < vs->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &vs->streams[i];
		BarqSearchParams params = {vs->query, barq_ef_search,
					vs->snapshot->segments[i].dead, vs->of_lists ? barq_probes : 0,
					barq_iterative_scan == BARQ_ITERATIVE_OFF,
								   !vs->of_lists};

		stream->view = &views[i];
		vs->rows += stream->view->rows;
		stream->kind = barq_segment_kind(stream->view->kind);
		if (stream->kind->vectors == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a segment of kind \"%s\", which holds no vectors",
							RelationGetRelationName(index), stream->kind->name)));
		if (vs->turned)
			search_flat(vs, i);
		else
			stream->search = stream->kind->vectors->begin(stream->view, &params);
	}
	vs->growing_done = barq_consistency == BARQ_CONSISTENCY_SEALED;
	vs->started = true;
	MemoryContextSwitchTo(old);
}

/* Append a candidate; round_context is the current memory context. */
static void
add_candidate(VectorScan *vs, const Candidate *candidate)
{
	Assert(CurrentMemoryContext == vs->round_context);
	BARQ_ARRAY_RESERVE(vs->candidates, vs->space, vs->ncandidates + 1, 128);
	vs->candidates[vs->ncandidates++] = *candidate;
}

/* qsort comparator of candidates: smallest key first. */
static int
compare_keys(const void *a, const void *b)
{
	float		x = ((const Candidate *) a)->key;
	float		y = ((const Candidate *) b)->key;

	return x < y ? -1 : x > y;
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
 * Record the rows that a search has returned; round_context is the current memory
 * context.
 */
static void
note_returned(VectorScan *vs, SegmentStream *stream, const BarqHit *hits, int n)
{
	Assert(CurrentMemoryContext == vs->round_context);
	BARQ_ARRAY_RESERVE(stream->returned, stream->space, stream->nreturned + n, 64);
	for (int i = 0; i < n; i++)
		stream->returned[stream->nreturned++] = hits[i].row;
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
		 * A call may return fewer rows than there are. If this search stopped
		 * before `want` rows and before the bound, rows of other segments
		 * would be emitted before nearer rows of this one.
		 */
		do
		{
			got = stream->kind->vectors->next(stream->search, bound, hits + n, want - n);
			n += got;
		} while (got > 0 && n < want);

		if (!vs->turned && stream->kind != &barq_flat_kind && barq_scan_is_complete())
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
		vs->growing_done = n < want && bound > 0 && isinf(bound);
		*fresh += n;
		pfree(hits);
	}
	pfree(best.heap);
	return true;
}

/* Set TID, distance and bound of the first n candidates, by the exact query. */
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
		code = stream->kind->vectors->row_code(stream->view, candidate->row);
		barq_query_rescore(vs->query, code, &candidate->distance,
						   &candidate->lower_bound);
		candidate->tid = barq_view_tid(stream->view, candidate->row);
		candidate->rescored = true;
	}
}

/* Number of rows of a round that fit into work_mem. */
static int64
rows_in_memory(void)
{
	return work_mem * INT64CONST(1024) / (sizeof(Candidate) + sizeof(BarqHit) + sizeof(double));
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
	int			rounds = vs->rounds++;

	if (vs->turned)
		return (int) Max(barq_scan_rows_asked(vs), Min(vs->looked_at, rows_in_memory()));
	if (!vs->of_lists || rounds == 0)
		return barq_scan_rows_asked(vs);
	if (barq_iterative_scan == BARQ_ITERATIVE_OFF)
		return ROUND_MOST;
	return (int) Min((int64) barq_scan_rows_asked(vs) << Min(rounds, 20), ROUND_MOST);
}

/*
 * Run one round in round_context: afterwards candidates[next … ready-1] are in
 * order and may be emitted. False if pages were re-used.
 */
static bool
next_round(IndexScanDesc scan, VectorScan *vs)
{
	int			want;
	int			fresh;
	int			n;

	Assert(vs->next <= vs->ready && vs->ready <= vs->ncandidates);
	if (should_turn(vs))
		turn(vs);
	want = rows_wanted(vs);

	/* remove the candidates that were emitted */
	memmove(vs->candidates, vs->candidates + vs->next,
			sizeof(Candidate) * (vs->ncandidates - vs->next));
	vs->ncandidates -= vs->next;
	vs->next = vs->ready = vs->prefetched = 0;

	/* rows held back are not counted as wanted, else a round could find none */
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

	if (barq_scan_is_strict(vs) && !vs->exhausted)
	{
		double		limit;

		/*
		 * A row of a later round has at least the key of this round's last row,
		 * and a lower bound that is below the distance of its key by hardly
		 * more than `slack`, the largest difference so far. Rows with a larger
		 * bound than that are held back, to be merged with the next round's.
		 */
		for (int i = 0; i < n; i++)
			vs->slack = Max(vs->slack,
							barq_key_distance(&vs->codec, vs->candidates[i].key) -
							vs->candidates[i].lower_bound);
		limit = barq_key_distance(&vs->codec, vs->candidates[n - 1].key) - vs->slack;
		qsort(vs->candidates, n, sizeof(Candidate), compare_bounds);

		/* very loose bounds would hold back most rows: limit their memory */
		while (vs->ready < n &&
			   (vs->candidates[vs->ready].lower_bound <= limit ||
				n - vs->ready > Max(rows_in_memory(), want)))
			vs->ready++;
	}
	else
	{
		qsort(vs->candidates, n, sizeof(Candidate), compare_bounds);
		vs->ready = n;
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
 * re-used. The reset of round_context frees the memory of a failed round.
 */
static bool
attempt_round(void *arg)
{
	RoundAttempt *attempt = arg;
	VectorScan *vs = attempt->vs;

	if (!vs->started)
		begin_rounds(attempt->scan, vs);
	MemoryContextSwitchTo(vs->round_context);
	return next_round(attempt->scan, vs);
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
			return;

		/* start again without the rows already emitted */
		barq_meta_check_moved(scan->indexRelation, vs->meta.directory_version,
							  &failed_version);
		barq_scan_end_rounds(vs);
		barq_scan_skip_emitted(vs);
	}
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
	barq_scan_keep_tid(vs, &vs->emitted, tid);
}

void
barq_scan_skip_emitted(VectorScan *vs)
{
	vs->skip = tidset_create(vs->context, Max(vs->emitted.n, 64), NULL);
	for (int64 i = 0; i < vs->emitted.n; i++)
	{
		bool		found;

		tidset_insert(vs->skip, vs->emitted.tids[i], &found);
	}
}
