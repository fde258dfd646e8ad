/*
 * text_scan_ranked.c
 *	  Index scans over text that return rows in the order of scores.
 *
 * Rows are found in batches, each larger than the one before. A batch is one
 * search of all segments and of the log for the best rows after the last row of
 * the batch before, in the order of (score, TID). So nothing is kept between
 * batches, no row is returned twice, and segments may be replaced meanwhile.
 * Scores come from the statement's statistics, hence they are exact and nothing
 * is rechecked.
 *
 * After the rows of a positive score the rows of score 0 are found in the same
 * way: they are worked out from the postings again, window by window, so these
 * batches need no memory of the rows returned either. Last come the rows without
 * a text, whose TIDs the store keeps (store/keyless.h).
 */
#include "postgres.h"

#include "base/settings.h"
#include "miscadmin.h"
#include "store/keyless.h"
#include "text_index/text_scan.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define BATCH_GROWTH	4

/* ---- rows that have to be checked against the table ---- */

/* Arguments of row_belongs(). */
typedef struct Look
{
	BarqTextScan *scan;
	Relation	index;
	BarqTextAnalysis analysis;
} Look;

/*
 * BarqValueVisitor: whether a row with this text belongs to the scan's phase.
 * For phrases and an index without positions: these are taken from the text.
 * Allocates in the current memory context; raises the errors of
 * barq_text_document().
 */
static bool
row_belongs(void *arg, const Datum *values, const bool *isnull)
{
	Look	   *look = arg;
	BarqTextScan *ts = look->scan;
	BarqTextRow row;
	uint32		bytes;
	char	   *document;
	double		score;
	bool		unsure;

	barq_text_row_from_index(look->index, &ts->columns, values, isnull, &row);
	if (barq_text_row_is_null(&row))
		return false;
	document = barq_text_document(&look->analysis, &row, true, &bytes);

	if (ts->phase == BARQ_TEXT_SCORED)
		return barq_bm25_score_document(ts->query, document, bytes, &score, &unsure);
	if (ts->rest.ranking != NULL &&
		barq_bm25_score_document(ts->rest.ranking, document, bytes, &score, &unsure))
		return false;
	for (uint32 i = 0; i < ts->rest.nmatching; i++)
		if (!barq_bm25_score_document(ts->rest.matching[i], document, bytes, &score, &unsure))
			return false;
	return true;
}

/*
 * Fetch the row `tid` of the table and apply row_belongs() to its text. False if
 * the snapshot sees no version, or its texts are NULL. Opens ts->heap at the first
 * call, in ts->context; it stays open until the scan ends or is rescanned.
 * Raises the errors of row_belongs(), and ERRCODE_UNDEFINED_OBJECT if the
 * index's configuration was dropped.
 */
static bool
heap_row_belongs(IndexScanDesc scan, BarqTextScan *ts, const ItemPointerData *tid)
{
	Look		look;

	if (ts->heap == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ts->context);

		ts->heap = barq_heap_distance_begin(scan);
		MemoryContextSwitchTo(old);
	}
	look.scan = ts;
	look.analysis = barq_text_analysis_of(scan->indexRelation);
	look.index = scan->indexRelation;
	return barq_heap_value(ts->heap, tid, row_belongs, &look);
}

/*
 * ---- batches ----
 *
 * BarqTextWork functions: the rows of one phase that come after the row returned
 * last, into ts->top.
 */

static void
search_scored(BarqTextState *state, void *arg)
{
	const uint32 listed_share = 32; /* a listed row costs a block of each posting list */
	BarqTextScan *ts = arg;

	barq_scan_report_segments(ts->report, state->index, state->snapshot);
	ts->unsure = false;
	ts->top.count = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqRowFilter filter;
		bool		unsure;

		if (!barq_text_scan_rows(state, ts, i, state->views[i].rows / listed_share, &filter))
			continue;
		barq_bm25_search(&state->views[i], ts->query, filter.skip, filter.rows, filter.count,
						 &ts->top, &unsure);
		ts->unsure |= unsure;
	}
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_search(state->log, ts->query, ts->condition, &ts->top, &ts->unsure);
}

static void
search_rest(BarqTextState *state, void *arg)
{
	BarqTextScan *ts = arg;

	barq_scan_report_segments(ts->report, state->index, state->snapshot);
	ts->top.count = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqRowFilter filter;

		if (barq_text_scan_rows(state, ts, i, 0, &filter))
			barq_bm25_rest(&state->views[i], &ts->rest, filter.skip, &ts->top);
	}
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_rest(state->log, &ts->rest, ts->condition, &ts->top);
}

static void
search_nulls(BarqTextState *state, void *arg)
{
	BarqTextScan *ts = arg;
	BarqKeylessWalk *walk = barq_keyless_begin(state->index, state->snapshot, &state->meta,
											   barq_consistency != BARQ_CONSISTENCY_SEALED);
	BarqKeyless keyless;
	ItemPointerData tids[256];
	int			n;

	ts->top.count = 0;
	if (ts->rest.field != 0)
		search_rest(state, arg);
	if (ts->own_keys)
		return;					/* a row without any text satisfies no condition on one */
	if (ts->condition != NULL)
		barq_keyless_filter(walk, ts->condition);
	while ((n = barq_keyless_next(walk, &keyless, tids, lengthof(tids))) > 0)
		for (int i = 0; i < n; i++)
			barq_bm25_top_add_rest(&ts->top, &tids[i], false);
	if (n < 0)
		barq_segment_gone(state->index);	/* the log was sealed meanwhile */
}

uint32
barq_text_largest_batch(void)
{
	return Max(work_mem * (Size) 1024 / sizeof(BarqBm25Hit), BARQ_TEXT_FIRST_BATCH);
}

/* Search for the next batch of the phase, into ts->top; the batch after it is larger. */
static void
next_batch(IndexScanDesc scan, BarqTextScan *ts)
{
	static const BarqTextWork works[] = {
		[BARQ_TEXT_SCORED] = search_scored,
		[BARQ_TEXT_REST] = search_rest,
		[BARQ_TEXT_NULLS] = search_nulls,
	};
	MemoryContext old = MemoryContextSwitchTo(ts->context);

	if (ts->batch_context == NULL)
		ts->batch_context = AllocSetContextCreate(ts->context, "barq scan batch",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(ts->batch_context);
	MemoryContextSwitchTo(ts->batch_context);
	barq_bm25_top_init(&ts->top, ts->batch);
	ts->top.resumed = ts->resumed;
	ts->top.after_score = ts->after_score;
	ts->top.after_tid = ts->after_tid;
	ts->top.source = ts->outer;
	barq_text_with_state(scan->indexRelation, works[ts->phase], ts);
	barq_bm25_top_sort(&ts->top);
	ts->last_batch = ts->top.count < ts->batch;
	ts->batch = Min(ts->batch * BATCH_GROWTH, barq_text_largest_batch());
	ts->next = 0;
	MemoryContextSwitchTo(old);
}

/* Bind the queries that tell which rows have score 0, for that phase. */
static void
bind_rest(BarqTextScan *ts)
{
	MemoryContext old = MemoryContextSwitchTo(ts->context);
	BarqTextStatistics *statistics = NULL;
	ListCell   *cell;

	if (OidIsValid(ts->index) || ts->given != NULL)
		statistics = barq_text_scan_statistics(ts);
	if (ts->score != NULL)
	{
		uint32		field = barq_query_value_fields(ts->score) &
			barq_bm25_every_field(ts->columns.fields);

		ts->rest.ranking = barq_text_bind(statistics, ts->score, NULL, 0);
		if (ts->columns.fields > 1 && field != 0 && (field & (field - 1)) == 0)
			ts->rest.field = field;
	}
	ts->rest.matching = palloc(sizeof(BarqBm25Query *) * (1 + list_length(ts->thresholds)));
	if (ts->nmatches > 0)
		ts->rest.matching[ts->rest.nmatching++] =
			barq_text_bind(statistics, NULL, ts->matches, ts->nmatches);
	foreach(cell, ts->thresholds)
		ts->rest.matching[ts->rest.nmatching++] =
			barq_text_bind(barq_text_statistics(ts->index, ts->owner), lfirst(cell), NULL, 0);
	MemoryContextSwitchTo(old);
}

/* Begin the next phase; false: the scan has returned all its rows. */
static bool
next_phase(IndexScanDesc scan, BarqTextScan *ts)
{
	switch (ts->phase)
	{
		case BARQ_TEXT_SCORED:
			if (ts->bounded)
				return false;
			bind_rest(ts);
			if (ts->only_nulls)
				ts->phase = BARQ_TEXT_REST; /* which is left out */
			break;
		case BARQ_TEXT_REST:

			/* no condition on a NULL is true, but one on another field may be */
			if ((ts->own_keys && ts->rest.field == 0) || ts->no_nulls)
				return false;
			ts->rest.ranking = NULL;
			ts->rest.nulls = true;
			break;
		case BARQ_TEXT_NULLS:
			return false;
	}
	ts->report->scored_all += ts->phase == BARQ_TEXT_SCORED;
	ts->phase++;
	ts->unsure = false;
	ts->resumed = true;
	ts->after_score = 0;
	ItemPointerSet(&ts->after_tid, 0, InvalidOffsetNumber);
	return true;
}

/* The next row, searching for a batch where needed; NULL after the last one. */
static const BarqBm25Hit *
next_hit(IndexScanDesc scan, BarqTextScan *ts)
{
	for (;;)
	{
		const BarqBm25Hit *hit;

		CHECK_FOR_INTERRUPTS();
		if (ts->top.hits == NULL || ts->next == ts->top.count)
		{
			bool		all = ts->top.hits == NULL ? ts->score == NULL || ts->only_nulls : ts->last_batch;

			if (all && !next_phase(scan, ts))
				return NULL;
			next_batch(scan, ts);
			continue;
		}
		hit = &ts->top.hits[ts->next++];
		if (ts->bounded && (-hit->score > ts->bound ||
							(-hit->score == ts->bound && !ts->inclusive)))
			return NULL;

		/* README.md, invariant 3: nothing else prevents a row from coming twice */
		Assert(!ts->resumed || hit->score < ts->after_score ||
			   (hit->score == ts->after_score &&
				ItemPointerCompare(unconstify(ItemPointerData *, &hit->tid), &ts->after_tid) > 0));
		ts->resumed = true;
		ts->after_score = hit->score;
		ts->after_tid = hit->tid;
		if (!(ts->unsure || hit->unsure) || heap_row_belongs(scan, ts, &hit->tid))
			return hit;
	}
}

bool
barq_text_scan_next_ranked(IndexScanDesc scan, BarqTextScan *ts)
{
	const BarqBm25Hit *hit = next_hit(scan, ts);

	if (hit == NULL)
		return false;
	scan->xs_heaptid = hit->tid;
	scan->xs_recheck = ts->thresholds != NIL || ts->foreign || ts->recheck;
	scan->xs_recheckorderby = false;
	if (scan->numberOfOrderBys == 0)
		return true;
	scan->xs_orderbyvals[0] = Float8GetDatum(ts->phase == BARQ_TEXT_SCORED ? -hit->score : 0);
	scan->xs_orderbynulls[0] = ts->score == NULL || ts->phase == BARQ_TEXT_NULLS;

	/* further ORDER BY keys on this column: nothing can come before them */
	for (int i = ts->foreign ? 0 : 1; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
		scan->xs_orderbynulls[i] = false;
		scan->xs_recheckorderby = true;
	}
	return true;
}
