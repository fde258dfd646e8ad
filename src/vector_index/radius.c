/*
 * radius.c
 *	  All rows of an index of vectors within a radius of a query.
 *
 * A walk of a graph cannot know that it has found all of them. So the codes of every
 * segment are scored one after the other (or those of lists that are near enough), and
 * the rows of the growing log; a row is left out only where a proven bound of its
 * distance is beyond the radius. If a page is re-used meanwhile, the search starts
 * again: nothing has been returned yet.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "am/scan_report.h"
#include "base/array.h"
#include "base/settings.h"
#include "base/stats.h"
#include "kernels/kernels.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "store/keyless.h"
#include "types/distance_memo.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "vector_index/growing_scan.h"
#include "vector_index/radius.h"
#include "vector_index/vector_index.h"

/* One run of a search. */
typedef struct Run
{
	BarqRadiusSearch *search;
	Relation	index;
	Datum		query;
	double		radius;
	bool		inclusive;
	MemoryContext context;		/* of the rows */
	MemoryContext work;			/* of snapshot and views, reset by a restart */
	BarqMeta	meta;
	BarqCodec	codec;
	BarqView   *view;			/* of the segment that is searched */
} Run;

BarqRadiusSearch *
barq_radius_begin(void)
{
	BarqRadiusSearch *search = palloc0(sizeof(BarqRadiusSearch));

	search->report = barq_scan_report_begin();
	return search;
}

void
barq_radius_end(BarqRadiusSearch *search, Relation index)
{
	barq_scan_report_end(search->report, index);
	pfree(search);
}

/* Add a row; run->context owns the array. */
static void
add_row(Run *run, const ItemPointerData *tid, const BarqInterval *interval)
{
	BarqRadiusSearch *search = run->search;
	BarqRadiusRow *row;
	double		high = interval->high;

	if (search->nrows == search->space)
	{
		MemoryContext old = MemoryContextSwitchTo(run->context);

		BARQ_ARRAY_RESERVE(search->rows, search->space, search->nrows + 1, 256);
		MemoryContextSwitchTo(old);
	}
	row = &search->rows[search->nrows++];
	row->tid = *tid;
	row->low = interval->low;
	row->high = high;

	/*
	 * Bounds say nothing of distances that are NaN: where a float sum overflows, whose
	 * upper bound is infinite, or under cosine 2.
	 */
	row->certain = high <= DBL_MAX &&
		(run->codec.metric != BARQ_METRIC_COSINE || high < 2) &&
		(run->inclusive ? high <= run->radius : high < run->radius);
	if (!(row->low <= row->high))
	{
		row->low = -get_float8_infinity();
		row->high = get_float8_infinity();
		row->certain = false;
	}
}

/* BarqWithin.visit */
static void
add_segment_row(void *arg, uint32 row, const BarqInterval *interval)
{
	Run		   *run = arg;
	ItemPointerData tid = barq_view_tid(run->view, row);

	add_row(run, &tid, interval);
}

/* BarqGrowingRow */
static void
add_log_row(void *arg, const ItemPointerData *tid, const BarqInterval *interval)
{
	Run		   *run = arg;

	run->search->codes++;
	if (!(interval->low > run->radius))
		add_row(run, tid, interval);
}

/*
 * Add all rows whose distance is not a number: those without a key but NULLs. Returns
 * false if the log was sealed meanwhile.
 */
static bool
add_undefined(Run *run, BarqSnapshot *snapshot)
{
	const BarqInterval unknown = {0, -INFINITY, INFINITY};
	BarqKeylessWalk *walk = barq_keyless_begin(run->index, snapshot, &run->meta,
											   barq_consistency != BARQ_CONSISTENCY_SEALED);
	ItemPointerData tids[256];
	BarqKeyless keyless;
	int			n;

	while ((n = barq_keyless_next(walk, &keyless, tids, lengthof(tids))) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n && keyless != BARQ_KEYLESS_NULL; i++)
			add_row(run, &tids[i], &unknown);
	}
	return n == 0;
}

/* The query's value as the codec takes it; raises the error of other dimensions. */
static const void *
read_query(Run *run)
{
	const BarqVectorSpace *space = barq_vector_space(run->index);
	void	   *copy;
	int			dims;
	const void *value = space->elements(run->query, &dims, &copy);

	if (dims != run->codec.dims)
		space->dims_differ(run->codec.dims, dims);
	return value;
}

/* Search a snapshot, in run->work; for barq_try_reading. */
static bool
attempt(void *arg)
{
	Run		   *run = arg;
	BarqRadiusSearch *search = run->search;
	BarqSnapshot *snapshot;
	BarqWithin	within = {.visit = add_segment_row, .arg = run};
	BarqQuery  *query;
	BarqView   *views;

	MemoryContextSwitchTo(run->work);
	search->nrows = 0;
	snapshot = barq_snapshot_get(run->index, &run->meta, true, run->work);
	barq_scan_report_segments(search->report, run->index, snapshot);
	barq_vector_codec(&run->meta.options, &run->codec);
	within.value = read_query(run);
	query = barq_query_prepare(palloc(barq_query_bytes(&run->codec)), &run->codec, within.value);
	within.query = query;

	/* NaN is above every number, so any distance but NaN is within it */
	within.limit = isnan(run->radius) ? get_float8_infinity() : run->radius;
	if (run->codec.metric == BARQ_METRIC_COSINE &&
		barq_value_is_zero(&run->codec, within.value) && !isnan(run->radius))
		return true;			/* all distances are NaN */

	views = barq_snapshot_views(snapshot, run->index, false);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentKind *kind;

		run->view = &views[i];
		kind = barq_segment_kind(run->view->kind);
		if (kind->vectors == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a segment of kind \"%s\", which holds no vectors",
							RelationGetRelationName(run->index), kind->name)));
		within.skip = snapshot->segments[i].dead;
		kind->vectors->within(run->view, snapshot->segments[i].desc.id, &within);
	}
	search->codes += within.rows_scored;
	search->lists += within.lists;
	search->lists_skipped += within.lists_skipped;

	if (barq_consistency != BARQ_CONSISTENCY_SEALED &&
		!barq_growing_rows(run->index, snapshot, &run->meta, &run->codec, query, add_log_row, run))
		return false;
	return !isnan(run->radius) || !run->inclusive || add_undefined(run, snapshot);
}

/* qsort comparator of rows: by TID. */
static int
compare_tids(const void *a, const void *b)
{
	return ItemPointerCompare(unconstify(ItemPointerData *, &((const BarqRadiusRow *) a)->tid),
							  unconstify(ItemPointerData *, &((const BarqRadiusRow *) b)->tid));
}

void
barq_radius_run(BarqRadiusSearch *search, Relation index, Datum query, double radius,
				bool inclusive)
{
	Run			run = {.search = search, .index = index, .radius = radius,
			   .inclusive = inclusive,
			   .context = CurrentMemoryContext};
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));
	uint64		failed_version = 0;

	search->rows = NULL;
	search->nrows = search->space = 0;
	search->report->searches++;
	search->report->has_segments = false;
	pgstat_count_index_scan(index);
	barq_forget_lock_waits();
	barq_scan_report_enter(search->report);

	/* distances of rows that are looked at may be asked for again */
	run.query = barq_memo_begin(query);
	run.work = AllocSetContextCreate(CurrentMemoryContext, "barq radius", ALLOCSET_DEFAULT_SIZES);
	while (!barq_try_reading(attempt, &run))
	{
		CHECK_FOR_INTERRUPTS();
		barq_meta_check_moved(index, run.meta.directory_version, &failed_version);
		MemoryContextReset(run.work);
	}
	MemoryContextSwitchTo(run.context);
	MemoryContextDelete(run.work);
	qsort(search->rows, search->nrows, sizeof(BarqRadiusRow), compare_tids);

	barq_scan_report_leave(search->report);
	barq_count(stats, BARQ_COUNT_SEARCHES, 1);
	barq_count_lock_waits(stats);
}
