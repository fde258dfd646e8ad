/*
 * scan.c
 *	  Index scans over vectors: ORDER BY distance.
 *
 * Rows come in rounds (scan_rounds.c), in the order of a lower bound of their
 * distance. The executor computes the distance from the heap row and puts the
 * rows in exact order (xs_recheckorderby). If the executor would lose TIDs, or the
 * bound is not proven, the scan does this itself (own_order.h). For bits the bound
 * is the distance, and no re-check is needed.
 */
#include "postgres.h"

#include "vector_index/scan_rounds.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/spccache.h"

uint64		barq_vector_scans_short = 0;
uint64		barq_scans_cut = 0;

IndexScanDesc
barq_vector_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VectorScan *vs = palloc0(sizeof(VectorScan));

	vs->report = barq_scan_report_begin();
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

/* Release heap_distance, if there is one. */
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

	barq_scan_end_rounds(vs);
	end_heap_distance(vs);
	vs->round_context = NULL;
	MemoryContextReset(vs->context);
	vs->query_value = NULL;
	vs->slack = 0;
	vs->last_bound = -get_float8_infinity();
	vs->looked_at = 0;
	memset(&vs->emitted, 0, sizeof(vs->emitted));
	vs->skip = NULL;
	vs->queue = vs->late = NULL;
	vs->last_distance = -get_float8_infinity();
	vs->batch = vs->nasked = vs->ntaken = 0;
	vs->drained = false;
	vs->turned = vs->cut = vs->ended = false;
	memset(&vs->misplaced, 0, sizeof(vs->misplaced));
	vs->misplaced_at = 0;
	vs->rest = NULL;
}

void
barq_vector_end_scan(IndexScanDesc scan)
{
	VectorScan *vs = scan->opaque;

	barq_scan_end_rounds(vs);
	end_heap_distance(vs);
	MemoryContextDelete(vs->context);
	barq_scan_report_end(vs->report, scan->indexRelation);
	pfree(vs);
	scan->opaque = NULL;
}

void
barq_scan_own_order(VectorScan *vs)
{
	vs->queue = barq_order_queue_create(vs->context);
	vs->late = barq_order_queue_create(vs->context);
}

/* Return a row in order to the executor; exact: `bound` is its distance. */
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

	/* further ORDER BY keys on this column: the lowest bound there is */
	for (int i = 1; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbynulls[i] = false;
		scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
		scan->xs_recheckorderby = true;
	}
}

/*
 * The row's distance, computed from the heap. False if the snapshot sees no such
 * row (barq_heap_distance).
 */
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
 * Whether a row, found after rows with a larger bound were emitted, still comes
 * in order: if its distance is not below last_bound. The row's own bound is
 * lower than its distance, possibly by far, so the distance is computed from the
 * heap (vs->heap_distance is opened by the first call, in vs->context). Raises
 * the row's bound to last_bound if it is in order.
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

/*
 * Keep a row for the end of the scan, because it was found too late for strict
 * order: the walk missed it, or its estimate was wrong. Counts it in the index's
 * statistics.
 */
static void
keep_for_the_end(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid)
{
	barq_scan_keep_tid(vs, &vs->misplaced, tid);
	barq_count(barq_stats_of(RelationGetRelid(scan->indexRelation)),
			   BARQ_COUNT_ROWS_OUT_OF_ORDER, 1);
}

/*
 * Prefetch the heap pages of the next candidates. After the turn all rows are read
 * in the order of their codes, from pages all over the heap.
 */
static void
prefetch(IndexScanDesc scan, VectorScan *vs)
{
	int			ahead = get_tablespace_io_concurrency(scan->heapRelation->rd_rel->reltablespace);

	vs->prefetched = Max(vs->prefetched, vs->next);
	for (; vs->prefetched < vs->ready && vs->prefetched < vs->next + ahead; vs->prefetched++)
		PrefetchBuffer(scan->heapRelation, MAIN_FORKNUM,
					   ItemPointerGetBlockNumber(&vs->candidates[vs->prefetched].tid));
}

/*
 * The next row in the order of bounds, recorded as emitted; NULL at the end. The
 * candidate is valid until the next call. A row that is too late for strict order
 * is kept for the end; with a queue, add_to_queue() decides that.
 */
static Candidate *
next_candidate(IndexScanDesc scan, VectorScan *vs)
{
	for (;;)
	{
		Candidate  *candidate;

		if (vs->next >= vs->ready)
		{
			if (!barq_scan_has_rounds(vs) ||
				(vs->exhausted && (vs->turned || !barq_scan_is_complete())))
				return NULL;
			barq_scan_advance(scan, vs);
			vs->batch++;
			continue;
		}
		if (barq_scan_is_complete() && barq_max_scan_tuples > 0 &&
			vs->looked_at >= barq_max_scan_tuples)
		{
			vs->cut = true;
			return NULL;
		}
		if (vs->turned)
			prefetch(scan, vs);
		candidate = &vs->candidates[vs->next++];
		Assert(candidate->rescored);
		vs->looked_at++;
		if (vs->skip != NULL && tidset_lookup(vs->skip, candidate->tid) != NULL)
			continue;

		barq_scan_remember(vs, &candidate->tid);
		if (vs->queue == NULL && barq_scan_is_strict(vs) &&
			candidate->lower_bound < vs->last_bound &&
			!still_in_order(scan, vs, candidate))
		{
			keep_for_the_end(scan, vs, &candidate->tid);
			continue;
		}
		vs->last_bound = candidate->lower_bound;
		return candidate;
	}
}

/*
 * Add a row to the queue by its distance from the heap. A row that is nearer than
 * the last one taken is too late: in relaxed order it waits for the next batch,
 * otherwise for the end of the scan. `copy`: the row has the bound of the row
 * before it (may_be_emitted).
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
		keep_for_the_end(scan, vs, tid);
}

/*
 * Begin another batch of relaxed order, with the rows that came too late for the
 * last one.
 */
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
 * The largest distance at which a row of the queue may be emitted: the bound of the
 * rows to come. If bounds are only likely, thousands of rows can lie below it (few
 * dimensions, a query far from all rows); so the limit is lifted when the distances
 * of enough rows are computed: barq_scan_rows_asked(), and look_ahead times as many
 * as were emitted. Copies of a vector, which have the same bound, count once, for
 * otherwise they alone could make up this number.
 */
static double
may_be_emitted(const VectorScan *vs)
{
	const int	look_ahead = 4;

	if (vs->drained ||
		(!barq_codec_proves(&vs->codec) &&
		 vs->nasked >= Max(barq_scan_rows_asked(vs), look_ahead * (vs->ntaken + 1))))
		return get_float8_nan();	/* sorts above all numbers */
	return vs->last_bound;
}

/*
 * Return the next row in exact order: the nearest of the queue, when no row to come
 * can be nearer. False at the end.
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
	/* rows of a batch never come out of order */
	Assert(float8_cmp_internal(distance, vs->last_distance) >= 0);
	vs->ntaken += distance != vs->last_distance;
	vs->last_distance = distance;
	emit(scan, vs, &tid, distance, true);
	return true;
}

/* Return the next row in order to the executor; false at the end of these. */
static bool
next_row(IndexScanDesc scan, VectorScan *vs)
{
	while (vs->queue == NULL)
	{
		Candidate  *candidate = next_candidate(scan, vs);

		if (candidate == NULL)
			return false;
		if (vs->queue == NULL)
		{
			emit(scan, vs, &candidate->tid, candidate->lower_bound,
				 barq_codec_is_exact(&vs->codec));
			return true;
		}
		/* the scan turned while it looked for this candidate */
		add_to_queue(scan, vs, &candidate->tid, false);
	}
	return next_in_own_order(scan, vs);
}

/*
 * Return a row that follows all rows in order. `value` is its ORDER BY value for
 * the executor, which must not re-check it: it is not the row's distance.
 */
static void
emit_at_end(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid, double value,
			bool isnull)
{
	scan->xs_heaptid = *tid;
	scan->xs_recheck = false;
	scan->xs_recheckorderby = false;
	for (int i = 0; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbynulls[i] = isnull || vs->null_query;
		scan->xs_orderbyvals[i] = Float8GetDatum(value);
	}
}

/*
 * Called once when there are no more rows in order: count scans that did not
 * return all rows (barq_vector_scans_short) and scans that were cut.
 */
static void
end_of_order(IndexScanDesc scan, VectorScan *vs)
{
	vs->ended = true;
	if (vs->misplaced.n > 0 || vs->cut || !barq_scan_is_complete() ||
		barq_consistency == BARQ_CONSISTENCY_SEALED)
		barq_vector_scans_short++;
	if (!vs->cut)
		return;
	barq_scans_cut++;
	vs->report->cut++;
	barq_count(barq_stats_of(RelationGetRelid(scan->indexRelation)),
			   BARQ_COUNT_SCANS_CUT, 1);
}

/*
 * Return the next row that follows the rows in order: misplaced rows, then rows
 * without a key (zero vectors, then NULLs). False at the end of the scan.
 */
static bool
next_at_end(IndexScanDesc scan, VectorScan *vs)
{
	ItemPointerData tid;
	BarqKeyless keyless;

	if (vs->misplaced_at < vs->misplaced.n)
	{
		emit_at_end(scan, vs, &vs->misplaced.tids[vs->misplaced_at++], get_float8_infinity(), false);
		return true;
	}
	if (vs->cut || !barq_scan_is_complete() ||
		!barq_scan_next_keyless(scan, vs, &tid, &keyless))
		return false;
	emit_at_end(scan, vs, &tid, get_float8_nan(), keyless == BARQ_KEYLESS_NULL);
	return true;
}

/*
 * amgettuple: return the next row to the executor; false at the end. The first
 * call since a rescan begins the search. Raises ERRCODE_FEATURE_NOT_SUPPORTED
 * for a scan without ORDER BY.
 */
static bool
next_tuple(IndexScanDesc scan, VectorScan *vs)
{
	if (scan->numberOfOrderBys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without an ORDER BY of a distance",
						RelationGetRelationName(scan->indexRelation))));
	if (!vs->started)
	{
		BarqIndexStats *stats;

		barq_scan_report_search(vs->report, scan);
		barq_forget_lock_waits();
		barq_scan_advance(scan, vs);
		stats = barq_stats_of(RelationGetRelid(scan->indexRelation));
		barq_count(stats, BARQ_COUNT_SEARCHES, 1);
		barq_count_lock_waits(stats);
		if (((barq_executor_loses_tids() && !barq_codec_is_exact(&vs->codec)) ||
			 !barq_codec_proves(&vs->codec)) &&
			!vs->null_query && !vs->zero_query)
			barq_scan_own_order(vs);
	}

	if (!vs->ended)
	{
		if (next_row(scan, vs))
			return true;
		end_of_order(scan, vs);
	}
	return next_at_end(scan, vs);
}

bool
barq_vector_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VectorScan *vs = scan->opaque;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	barq_scan_report_enter(vs->report);
	found = next_tuple(scan, vs);
	barq_scan_report_leave(vs->report);
	return found;
}
