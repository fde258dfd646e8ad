/*
 * scan.c
 *	  Index scans over vectors: ORDER BY distance.
 *
 * Rows come in rounds (scan_rounds.c), in the order of a lower bound of their
 * distance. Where upper bounds are as near, in vectors kept in full or with
 * refinements, the scan puts rows in exact order by them, and reads vectors of those
 * whose intervals overlap only (own_order.h). Else the executor computes the distance from the heap row and puts the
 * rows in exact order (xs_recheckorderby). If the executor would lose TIDs, or the
 * bound is not proven, the scan does this itself (own_order.h). For bits the bound
 * is the distance, and no re-check is needed.
 */
#include "postgres.h"

#include "vector_index/scan_rounds.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/memutils.h"

IndexScanDesc
barq_vector_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	VectorScan *vs = palloc0(sizeof(VectorScan));

	vs->report = barq_scan_report_begin();
	vs->names = barq_search_names(index->rd_indam);
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
	if (vs->order.heap_distance != NULL)
		barq_heap_distance_end(vs->order.heap_distance);
	vs->order.heap_distance = NULL;
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

	end_heap_distance(vs);
	barq_scan_forget_rounds(vs);
	MemoryContextReset(vs->context);
	barq_scan_forget_conditions(vs);
	memset(&vs->order, 0, sizeof(vs->order));
	vs->order.last_bound = vs->order.last.low = vs->order.last.high = -get_float8_infinity();
	memset(&vs->end, 0, sizeof(vs->end));
	vs->rest = NULL;
}

void
barq_vector_scan_in_order(IndexScanDesc scan, struct PlanState *node)
{
	VectorScan *vs = scan->opaque;

	vs->node = node;
	vs->in_order = true;
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
	vs->order.queue = barq_order_queue_create(vs->context);
	vs->order.late = barq_order_queue_create(vs->context);
	vs->order.last.low = vs->order.last.high = vs->order.last_bound;
	vs->order.has_last = false;
}

/* Return a row in order to the executor; exact: `bound` is its distance. */
static void
emit(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid, double bound,
	 bool exact)
{
	scan->xs_heaptid = *tid;
	scan->xs_recheck = barq_scan_needs_recheck(vs);

	/* the distance to NULL is NULL, to a zero vector under cosine it is NaN */
	scan->xs_recheckorderby = !exact && !vs->query.is_null && !vs->query.is_zero;
	scan->xs_orderbynulls[0] = vs->query.is_null;
	scan->xs_orderbyvals[0] = vs->query.is_zero ? Float8GetDatum(get_float8_nan()) :
		Float8GetDatum(bound);

	/* further ORDER BY keys on this column: the lowest bound there is */
	for (int i = 1; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbynulls[i] = false;
		scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
		scan->xs_recheckorderby = true;
	}
}

BarqHeapDistance *
barq_scan_heap(IndexScanDesc scan, VectorScan *vs)
{
	if (vs->order.heap_distance == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(vs->context);

		vs->order.heap_distance = barq_heap_distance_begin(scan);
		MemoryContextSwitchTo(old);
	}
	return vs->order.heap_distance;
}

/*
 * The row's distance, computed from the heap. False if the snapshot sees no such
 * row (barq_heap_distance).
 */
static bool
exact_distance(IndexScanDesc scan, VectorScan *vs, const ItemPointerData *tid,
			   double *distance)
{
	return barq_heap_distance(barq_scan_heap(scan, vs), tid, distance);
}

/*
 * Whether a row, found after rows with a larger bound were emitted, still comes
 * in order: if its distance is not below last_bound. The row's own bound is
 * lower than its distance, possibly by far, so the distance is computed from the
 * heap (vs->order.heap_distance is opened by the first call, in vs->context). Raises
 * the row's bound to last_bound if it is in order.
 */
static bool
still_in_order(IndexScanDesc scan, VectorScan *vs, Candidate *candidate)
{
	if (!vs->query.is_null && !vs->query.is_zero)
	{
		double		distance;

		if (barq_codec_is_exact(&vs->rounds.codec) ||
			!exact_distance(scan, vs, &candidate->tid, &distance) ||
			isnan(distance) || distance < vs->order.last_bound)
			return false;
	}
	candidate->lower_bound = vs->order.last_bound;
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
	barq_scan_keep_tid(vs, &vs->end.misplaced, tid);
	barq_count(barq_stats_of(RelationGetRelid(scan->indexRelation)),
			   BARQ_COUNT_ROWS_OUT_OF_ORDER, 1);
}

/*
 * The next row in the order of bounds, recorded as emitted; NULL at the end. The
 * candidate is valid until the next call. A row that is too late for strict order
 * is kept for the end; with a queue, add_to_queue() decides that.
 */
static Candidate *
next_candidate(IndexScanDesc scan, VectorScan *vs)
{
	int			max_rows = barq_max_scan_tuples_for(vs->names);

	for (;;)
	{
		Candidate  *candidate;

		if (barq_scan_has_ready(vs) && barq_scan_is_complete(vs) &&
			max_rows > 0 && vs->walk.looked_at >= max_rows)
		{
			vs->end.cut = true;
			return NULL;
		}
		candidate = barq_scan_take(scan, vs);
		if (candidate == NULL)
		{
			if (!barq_scan_has_rounds(vs) ||
				(vs->rounds.exhausted && (vs->walk.turned || !barq_scan_is_complete(vs))))
				return NULL;
			barq_scan_advance(scan, vs);
			continue;
		}
		if (vs->returned.skip != NULL &&
			tidset_lookup(vs->returned.skip, candidate->tid) != NULL)
			continue;

		barq_scan_remember(vs, &candidate->tid);
		if (vs->order.queue == NULL && barq_scan_is_strict(vs) &&
			candidate->lower_bound < vs->order.last_bound &&
			!still_in_order(scan, vs, candidate))
		{
			keep_for_the_end(scan, vs, &candidate->tid);
			continue;
		}
		vs->order.last_bound = candidate->lower_bound;
		return candidate;
	}
}

/*
 * Whether a row is not nearer than the last one taken from the queue. Computes
 * distances from the heap where intervals overlap: that of the row, and that of the last
 * one. *row then has its distance. False as well, with *seen false, if the snapshot does
 * not see the row.
 */
static bool
follows_last(IndexScanDesc scan, VectorScan *vs, BarqOrderRow *row, bool *seen)
{
	ScanOrder  *order = &vs->order;
	double		distance;

	*seen = true;
	if (float8_cmp_internal(row->low, order->last.high) >= 0)
		return true;
	if (float8_cmp_internal(row->low, row->high) != 0)
	{
		*seen = exact_distance(scan, vs, &row->tid, &distance);
		if (!*seen)
			return false;
		row->low = row->high = distance;
	}
	if (float8_cmp_internal(order->last.low, order->last.high) != 0 && order->has_last)
	{
		/* if the last row is not seen, the rows before it are not beyond its low end */
		if (!exact_distance(scan, vs, &order->last.tid, &distance))
			distance = order->last.low;
		order->last.low = order->last.high = distance;
	}
	return float8_cmp_internal(row->low, order->last.high) >= 0;
}

/*
 * Add a candidate to the queue, by the interval of its distance or, if none is known, by
 * its distance from the heap. A row that is nearer than the last one taken is too late:
 * in relaxed order it waits for the next batch, otherwise for the end of the scan.
 * `copy`: the row has the bound of the row before it (may_be_emitted).
 */
static void
add_to_queue(IndexScanDesc scan, VectorScan *vs, Candidate *candidate, bool copy)
{
	BarqOrderRow row = {candidate->tid, 0, 0};
	bool		seen;

	vs->order.nasked += !copy;
	if (barq_scan_interval(vs, candidate))
	{
		/* both lower bounds hold, if that of the code is more than likely */
		row.low = candidate->interval.low;
		if (barq_codec_proves(&vs->rounds.codec))
			row.low = Max(row.low, candidate->lower_bound);
		row.high = Max(candidate->interval.high, row.low);
	}
	else
	{
		if (!exact_distance(scan, vs, &row.tid, &row.low))
			return;
		row.high = row.low;
	}
	if (follows_last(scan, vs, &row, &seen))
		barq_order_queue_add(vs->order.queue, &row);
	else if (!seen)
		return;
	else if (barq_iterative_scan_for(vs->names) == BARQ_ITERATIVE_RELAXED)
		barq_order_queue_add(vs->order.late, &row);
	else
		keep_for_the_end(scan, vs, &row.tid);
}

/*
 * Begin another batch of relaxed order, with the rows that came too late for the
 * last one.
 */
static void
begin_batch(VectorScan *vs)
{
	vs->order.last.low = vs->order.last.high = -get_float8_infinity();
	vs->order.has_last = false;
	barq_order_queue_move(vs->order.queue, vs->order.late);
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

	if (vs->order.drained ||
		(!barq_codec_proves(&vs->rounds.codec) &&
		 vs->order.nasked >= Max(barq_scan_rows_asked(vs), look_ahead * (vs->order.ntaken + 1))))
		return get_float8_nan();	/* sorts above all numbers */
	return vs->order.last_bound;
}

/*
 * Look at one more candidate of the rounds, for the queue; afterwards the queue is drained
 * if there is none.
 */
static void
look_further(IndexScanDesc scan, VectorScan *vs)
{
	int64		batch = vs->walk.batch;
	double		bound = vs->order.last_bound;
	Candidate  *candidate = next_candidate(scan, vs);

	vs->order.drained = candidate == NULL;

	/* at the end in strict order too: rows may wait from before it was set */
	if (vs->order.drained || (vs->walk.batch != batch &&
							  barq_iterative_scan_for(vs->names) == BARQ_ITERATIVE_RELAXED))
		begin_batch(vs);
	if (candidate != NULL)
		add_to_queue(scan, vs, candidate, candidate->lower_bound == bound);
}

/*
 * Return the next row in exact order: the nearest of the queue, when no row to come
 * can be nearer. False at the end. Its ORDER BY value, which the executor does not
 * check, is its distance or the low end of its interval, at which all rows before it
 * end.
 */
static bool
next_in_own_order(IndexScanDesc scan, VectorScan *vs)
{
	BarqOrderRow row;
	BarqOrderAnswer answer;

	while ((answer = barq_order_queue_take(vs->order.queue, may_be_emitted(vs), &row)) !=
		   BARQ_ORDER_NEXT)
	{
		if (answer == BARQ_ORDER_OVERLAPS)
		{
			double		distance;

			if (!exact_distance(scan, vs, &row.tid, &distance))
				continue;
			/* the interval is proven (kernels/codec_bound.c) */
			Assert(isnan(distance) || (distance >= row.low && distance <= row.high));
			row.low = row.high = distance;
			barq_order_queue_add(vs->order.queue, &row);
			continue;
		}
		if (vs->order.drained)
			return false;
		look_further(scan, vs);
	}
	/* rows of a batch never come out of order */
	Assert(float8_cmp_internal(row.low, vs->order.last.low) >= 0);
	vs->order.ntaken += row.low != vs->order.last.low;
	vs->order.last = row;
	vs->order.has_last = true;
	emit(scan, vs, &row.tid, row.low, true);
	return true;
}

/* Return the next row in order to the executor; false at the end of these. */
static bool
next_row(IndexScanDesc scan, VectorScan *vs)
{
	while (vs->order.queue == NULL)
	{
		Candidate  *candidate = next_candidate(scan, vs);

		if (candidate == NULL)
			return false;
		if (vs->order.queue == NULL)
		{
			emit(scan, vs, &candidate->tid, candidate->lower_bound,
				 barq_codec_is_exact(&vs->rounds.codec));
			return true;
		}
		/* the scan turned while it looked for this candidate */
		add_to_queue(scan, vs, candidate, false);
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
	scan->xs_recheck = barq_scan_needs_recheck(vs);
	scan->xs_recheckorderby = false;
	for (int i = 0; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbynulls[i] = isnull || vs->query.is_null;
		scan->xs_orderbyvals[i] = Float8GetDatum(value);
	}
}

/*
 * Called once when there are no more rows in order: count scans that did not
 * return all rows and scans that were cut (BarqScanEnds). Rows that
 * barq.consistency = sealed leaves out are not missed.
 */
static void
end_of_order(IndexScanDesc scan, VectorScan *vs)
{
	vs->end.reached = true;
	if (vs->end.misplaced.n > 0 || vs->end.cut || !barq_scan_is_complete(vs))
		barq_scan_report_short();
	if (!vs->end.cut)
		return;
	barq_scan_report_cut(vs->report);
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

	if (vs->end.misplaced_at < vs->end.misplaced.n)
	{
		emit_at_end(scan, vs, &vs->end.misplaced.tids[vs->end.misplaced_at++], get_float8_infinity(), false);
		return true;
	}
	if (vs->end.cut || !barq_scan_is_complete(vs) ||
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
	if (!vs->rounds.started)
	{
		BarqIndexStats *stats;

		barq_scan_report_search(vs->report, scan);
		barq_forget_lock_waits();
		barq_scan_advance(scan, vs);
		stats = barq_stats_of(RelationGetRelid(scan->indexRelation));
		barq_count(stats, BARQ_COUNT_SEARCHES, 1);
		barq_count_lock_waits(stats);
		if (((barq_executor_loses_tids() && !barq_codec_is_exact(&vs->rounds.codec)) ||
			 !barq_codec_proves(&vs->rounds.codec) ||
			 barq_codec_is_narrow(&vs->rounds.codec) ||
			 ((vs->in_order || vs->conditions.outer != NULL) && !barq_codec_is_exact(&vs->rounds.codec))) &&
			!vs->query.is_null && !vs->query.is_zero)
			barq_scan_own_order(vs);
	}

	if (!vs->end.reached)
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

bool
barq_vector_scan_can_narrow(IndexScanDesc scan)
{
	const VectorScan *vs = scan->opaque;

	return vs->rounds.started && !vs->order.drained && !vs->end.reached;
}

void
barq_vector_scan_narrow(IndexScanDesc scan, BarqRowSource *source)
{
	VectorScan *vs = scan->opaque;

	Assert(barq_vector_scan_can_narrow(scan));
	Assert(vs->in_order && vs->conditions.outer == NULL);
	barq_scan_report_enter(vs->report);
	barq_scan_admit_only(vs, source);
	barq_scan_begin_again(vs);

	/* rows of the queue wait for the first ones that the new search finds */
	if (vs->order.queue != NULL)
	{
		vs->order.last_bound = -get_float8_infinity();
		vs->order.nasked = vs->order.ntaken = 0;
		vs->order.drained = false;
		if (barq_iterative_scan_for(vs->names) == BARQ_ITERATIVE_RELAXED)
			begin_batch(vs);
	}
	barq_scan_advance(scan, vs);
	barq_scan_report_leave(vs->report);
}
