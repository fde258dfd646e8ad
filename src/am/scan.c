/*
 * scan.c
 *	  Index scans over vectors: ORDER BY distance.
 *
 * Rows come in rounds (scan_rounds.c), in the order of a lower bound of their
 * distance. The executor re-computes the distance from the heap row and puts
 * the rows in exact order (xs_recheckorderby); where it cannot be trusted with
 * that, or the bound is not proven, we do (own_order.h). Of bits the bound is
 * the distance, and there is nothing to do.
 */
#include "postgres.h"

#include "am/scan_rounds.h"
#include "lifecycle/stats.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/memutils.h"

uint64		barq_vector_scans_ended = 0;
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

	barq_scan_end_rounds(vs);
	end_heap_distance(vs);
	MemoryContextDelete(vs->context);
	barq_scan_report_end(vs->report, scan->indexRelation);
	pfree(vs);
	scan->opaque = NULL;
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
			if (vs->exhausted || !barq_scan_has_rounds(vs))
				return NULL;
			barq_scan_advance(scan, vs);
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

		if (vs->queue == NULL && barq_scan_is_strict(vs) &&
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
 * dimensions, a query far from everything); so a row is also let go when
 * barq_scan_rows_asked() have been asked for, and look_ahead times as many as emitted. Copies, which
 * have the same bound, count once, or those of one vector would be all of these.
 */
static double
may_be_emitted(const VectorScan *vs)
{
	const int	look_ahead = 4;

	if (vs->drained ||
		(!barq_codec_proves(&vs->codec) &&
		 vs->nasked >= Max(barq_scan_rows_asked(vs), look_ahead * (vs->ntaken + 1))))
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

static bool
next_row(IndexScanDesc scan, VectorScan *vs)
{
	Candidate  *candidate;

	if (scan->numberOfOrderBys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without an ORDER BY of a distance",
						RelationGetRelationName(scan->indexRelation))));
	if (!vs->started)
	{
		BarqIndexStats *stats;

		barq_scan_report_search(vs->report, scan);
		memset(barq_lock_waits, 0, sizeof(barq_lock_waits));
		barq_scan_advance(scan, vs);
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
	{
		vs->report->cut++;
		barq_scans_cut++;
	}
	return false;
}

bool
barq_vector_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	VectorScan *vs = scan->opaque;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	barq_scan_report_enter(vs->report);
	found = next_row(scan, vs);
	barq_scan_report_leave(vs->report);
	return found;
}
