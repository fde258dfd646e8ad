/*
 * text_scan.c
 *	  Index scans over text: ORDER BY <@>, WHERE @@@, or both at once.
 *
 * A ranked scan asks for the best rows in batches, each larger than the one
 * before: a batch is one search of all segments and of the log, for what
 * comes after the last row of the batch before in the order of (score, TID).
 * So nothing is kept between batches, no row comes twice, and segments may be
 * replaced meanwhile. Scores come from statistics frozen for the statement
 * (text_statistics.c), hence they are exact and nothing is re-checked.
 *
 * When no row of a positive score is left, the rows of score 0 come in the
 * same way: which they are is worked out from the postings again, window by
 * window, so these batches need no memory of the rows returned either. Then
 * come the NULLs, whose TIDs the store keeps (store/keyless.h).
 *
 * A scan for @@@ alone gathers all its rows at the first call, as one for `<@>
 * query < 0` does. For a lower bound (`<@> query <= -2`) rows come as in a
 * ranking, and it ends where they pass the bound.
 */
#include "postgres.h"

#include "access/relscan.h"
#include "access/table.h"
#include "am/heap_distance.h"
#include "am/scan_report.h"
#include "text_index/text_index.h"
#include "catalog/pg_type.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/bufmgr.h"
#include "store/keyless.h"
#include "base/settings.h"
#include "text_index/bm25threshold.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define FIRST_BATCH		16
#define BATCH_GROWTH	4

/* What a ranked scan returns now. */
typedef enum TextPhase
{
	SCORED,						/* rows of a positive score, the best first */
	REST,						/* rows of score 0, in TID order */
	NULLS						/* rows without a text, in TID order */
} TextPhase;

typedef struct TextScan
{
	BarqScanReport *report;		/* the first member (scan_report.h) */
	MemoryContext owner;		/* the executor state's: of the statistics */
	MemoryContext context;		/* reset by every rescan */

	bool		started;
	bool		nothing;		/* no row: a condition is NULL */
	bool		foreign;		/* for another index: all rows, to be rechecked */
	Oid			index;			/* whose statistics count */
	const BarqQueryValue *score;	/* what ranks; NULL: nothing does */
	int			nmatches;
	const BarqQueryValue **matches; /* what @@@ asks for */
	List	   *thresholds;		/* those that other queries' scores are below */
	bool		bounded;		/* only scores below `bound` */
	bool		inclusive;
	double		bound;
	bool		ranked;
	BarqBm25Query *query;		/* of score and matches together */
	BarqHeapDistance *heap;		/* for phrases without positions; or NULL */
	MemoryContext batch_context;

	/* ranked */
	TextPhase	phase;
	BarqBm25Rest rest;
	BarqBm25Top top;
	bool		unsure;			/* rows of this batch are to be looked at */
	uint32		next;
	uint32		batch;
	bool		last_batch;
	bool		resumed;
	double		after_score;
	ItemPointerData after_tid;

	/* matching alone */
	ItemPointerData *tids;
	bool	   *rechecks;
	uint64		ntids;
	uint64		space;
	uint64		at;
} TextScan;

IndexScanDesc
barq_text_begin_scan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc scan = RelationGetIndexScan(index, nkeys, norderbys);
	TextScan   *ts = palloc0(sizeof(TextScan));

	ts->report = barq_scan_report_begin();
	ts->owner = CurrentMemoryContext;
	ts->context = AllocSetContextCreate(CurrentMemoryContext, "barq scan",
										ALLOCSET_DEFAULT_SIZES);
	if (norderbys > 0)
	{
		scan->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		scan->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
		memset(scan->xs_orderbynulls, true, sizeof(bool) * norderbys);
	}
	scan->opaque = ts;
	return scan;
}

static void
end_heap(TextScan *ts)
{
	if (ts->heap != NULL)
		barq_heap_distance_end(ts->heap);
	ts->heap = NULL;
}

void
barq_text_rescan(IndexScanDesc scan, ScanKey keys, int nkeys,
				 ScanKey orderbys, int norderbys)
{
	TextScan   *ts = scan->opaque;
	BarqScanReport *report = ts->report;
	MemoryContext owner = ts->owner;
	MemoryContext context = ts->context;

	if (keys && scan->numberOfKeys > 0)
		memmove(scan->keyData, keys, scan->numberOfKeys * sizeof(ScanKeyData));
	if (orderbys && scan->numberOfOrderBys > 0)
		memmove(scan->orderByData, orderbys,
				scan->numberOfOrderBys * sizeof(ScanKeyData));
	end_heap(ts);
	MemoryContextReset(context);
	memset(ts, 0, sizeof(*ts));
	ts->report = report;
	ts->owner = owner;
	ts->context = context;
}

void
barq_text_end_scan(IndexScanDesc scan)
{
	TextScan   *ts = scan->opaque;

	end_heap(ts);
	MemoryContextDelete(ts->context);
	barq_scan_report_end(ts->report, scan->indexRelation);
	pfree(ts);
	scan->opaque = NULL;
}

/* ---- the query ---- */

/*
 * The index whose statistics a query asks for, on behalf of a scan of another
 * one: itself, or an ancestor of it. InvalidOid: this index cannot answer it.
 */
static Oid
answering_index(Relation index, const BarqQueryValue *query)
{
	Oid			named = barq_query_value_find_index(query);

	return barq_is_index_or_parent(named, RelationGetRelid(index)) ? named : InvalidOid;
}

/* A key's query. */
static const BarqQueryValue *
query_of(const ScanKeyData *key)
{
	return key->sk_strategy == BARQ_TEXT_THRESHOLD_STRATEGY ?
		barq_threshold_query(DatumGetBarqThreshold(key->sk_argument)) :
		DatumGetBarqQueryValue(key->sk_argument);
}

/*
 * Can this index answer all that a scan asks for? A query that is known at run
 * time only may name another index. And from version 18 on the planner takes a
 * bitmap scan, whatever it costs, where that alone is not disabled
 * (enable_seqscan = off).
 */
static bool
answers(IndexScanDesc scan)
{
	if (scan->numberOfOrderBys > 0 && !(scan->orderByData[0].sk_flags & SK_ISNULL) &&
		!OidIsValid(answering_index(scan->indexRelation, query_of(&scan->orderByData[0]))))
		return false;
	for (int i = 0; i < scan->numberOfKeys; i++)
		if (!(scan->keyData[i].sk_flags & SK_ISNULL) &&
			!OidIsValid(answering_index(scan->indexRelation, query_of(&scan->keyData[i]))))
			return false;
	return true;
}

/* A key's query, for the statistics that are to be taken. */
static const BarqQueryValue *
ask(IndexScanDesc scan, TextScan *ts, const BarqQueryValue *value)
{
	Oid			of = answering_index(scan->indexRelation, value);

	Assert(OidIsValid(of));

	/* the whole's statistics count where one of several asks for them */
	if (!OidIsValid(ts->index) || of != RelationGetRelid(scan->indexRelation))
		ts->index = of;
	return value;
}

static bool
same_query(const BarqQueryValue *a, const BarqQueryValue *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* Only rows whose score by the ranking query is below the threshold. */
static void
bound_scores(TextScan *ts, const BarqThreshold *threshold)
{
	int			order = ts->bounded ? float8_cmp_internal(threshold->bound, ts->bound) : -1;

	if (order < 0)
		ts->inclusive = threshold->inclusive != 0;
	else if (order == 0)
		ts->inclusive &= threshold->inclusive;
	if (order < 0)
		ts->bound = threshold->bound;
	ts->bounded = true;
}

/* A condition of the scan. One on a score may be what ranks, where nothing else does. */
static void
add_key(IndexScanDesc scan, TextScan *ts, ScanKey key)
{
	const BarqThreshold *threshold;
	const BarqQueryValue *query;

	if (key->sk_flags & SK_ISNULL)
	{
		ts->nothing = true;
		return;
	}
	if (key->sk_strategy == BARQ_TEXT_MATCH_STRATEGY)
	{
		query = DatumGetBarqQueryValue(key->sk_argument);
		ts->matches[ts->nmatches++] = ask(scan, ts, query);
		return;
	}
	threshold = DatumGetBarqThreshold(key->sk_argument);
	query = ask(scan, ts, barq_threshold_query(threshold));
	if (barq_threshold_passes(threshold, 0))
		return;					/* every text has such a score */
	if (ts->score == NULL && scan->numberOfOrderBys == 0)
		ts->score = query;
	if (ts->score != NULL && same_query(ts->score, query))
		bound_scores(ts, threshold);
	else
		ts->thresholds = lappend(ts->thresholds, unconstify(BarqQueryValue *, query));
}

static void
start(IndexScanDesc scan, TextScan *ts)
{
	Relation	index = scan->indexRelation;
	MemoryContext old = MemoryContextSwitchTo(ts->context);

	ts->started = true;
	ts->batch = FIRST_BATCH;
	barq_scan_report_search(ts->report, scan);
	ts->foreign = !answers(scan);
	if (!ts->foreign && scan->numberOfOrderBys > 0 &&
		!(scan->orderByData[0].sk_flags & SK_ISNULL))
		ts->score = ask(scan, ts, DatumGetBarqQueryValue(scan->orderByData[0].sk_argument));
	ts->matches = palloc(sizeof(BarqQueryValue *) * Max(scan->numberOfKeys, 1));
	for (int i = 0; i < scan->numberOfKeys; i++)
		if (!ts->foreign || (scan->keyData[i].sk_flags & SK_ISNULL))
			add_key(scan, ts, &scan->keyData[i]);

	/* scores matter but for what only has to have one */
	ts->ranked = scan->numberOfOrderBys > 0 || (ts->bounded && ts->bound < 0) ||
		(ts->score == NULL && ts->nmatches == 0);
	if (!ts->nothing && (ts->score != NULL || ts->nmatches > 0))
		ts->query = barq_text_bind(barq_text_statistics(ts->index, ts->owner), ts->score,
								   ts->matches, ts->nmatches);
	MemoryContextSwitchTo(old);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_SEARCHES, 1);
}

/* ---- a row from the heap, where an index without positions cannot tell ---- */

typedef struct Look
{
	TextScan   *scan;
	BarqTextAnalysis analysis;
	Oid			type;
} Look;

static bool
belongs(void *arg, Datum value)
{
	Look	   *look = arg;
	TextScan   *ts = look->scan;
	uint32		bytes;
	char	   *document = barq_text_document(&look->analysis, look->type, value, true, &bytes);
	double		score;
	bool		unsure;

	if (ts->phase == SCORED)
		return barq_bm25_score_document(ts->query, document, bytes, &score, &unsure);
	if (ts->rest.ranking != NULL &&
		barq_bm25_score_document(ts->rest.ranking, document, bytes, &score, &unsure))
		return false;
	for (uint32 i = 0; i < ts->rest.nmatching; i++)
		if (!barq_bm25_score_document(ts->rest.matching[i], document, bytes, &score, &unsure))
			return false;
	return true;
}

/* Does the row belong to what the scan returns now: by its score, or without one? */
static bool
heap_row_belongs(IndexScanDesc scan, TextScan *ts, const ItemPointerData *tid)
{
	BarqTextOptions options;
	Look		look;

	if (ts->heap == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(ts->context);

		ts->heap = barq_heap_distance_begin(scan);
		MemoryContextSwitchTo(old);
	}
	look.scan = ts;

	/* copied: looking up the configuration may invalidate the relcache */
	options = *barq_text_options(&barq_meta_cached(scan->indexRelation, false)->options);
	look.analysis = barq_text_analysis(RelationGetRelid(scan->indexRelation), &options);
	look.type = scan->indexRelation->rd_opcintype[0];
	return barq_heap_value(ts->heap, tid, belongs, &look);
}

/* ---- ranked ---- */

static void
search_state(BarqTextState *state, void *arg)
{
	TextScan   *ts = arg;

	barq_scan_report_segments(ts->report, state->snapshot);
	ts->unsure = false;
	ts->top.count = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		bool		unsure;

		barq_bm25_search(&state->views[i], ts->query, state->snapshot->segments[i].dead,
						 &ts->top, &unsure);
		ts->unsure |= unsure;
	}
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_search(state->log, ts->query, &ts->top, &ts->unsure);
}

static void
rest_state(BarqTextState *state, void *arg)
{
	TextScan   *ts = arg;

	barq_scan_report_segments(ts->report, state->snapshot);
	ts->top.count = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		barq_bm25_rest(&state->views[i], &ts->rest, state->snapshot->segments[i].dead,
					   &ts->top);
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_rest(state->log, &ts->rest, &ts->top);
}

static void
nulls_state(BarqTextState *state, void *arg)
{
	TextScan   *ts = arg;
	BarqKeylessWalk *walk = barq_keyless_begin(state->index, state->snapshot, &state->meta,
											   barq_consistency != BARQ_CONSISTENCY_SEALED);
	BarqKeyless keyless;
	ItemPointerData tids[256];
	int			n;

	ts->top.count = 0;
	while ((n = barq_keyless_next(walk, &keyless, tids, lengthof(tids))) > 0)
		for (int i = 0; i < n; i++)
			barq_bm25_top_add_rest(&ts->top, &tids[i], false);
	if (n < 0)
		barq_segment_gone(state->index);	/* the log was sealed meanwhile */
}

static void
next_batch(IndexScanDesc scan, TextScan *ts)
{
	static const BarqTextWork works[] = {
		[SCORED] = search_state,
		[REST] = rest_state,
		[NULLS] = nulls_state,
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
	barq_text_with_state(scan->indexRelation, works[ts->phase], ts);
	barq_bm25_top_sort(&ts->top);
	ts->last_batch = ts->top.count < ts->batch;
	ts->batch = Min(ts->batch * BATCH_GROWTH,
					Max(work_mem * (Size) 1024 / sizeof(BarqBm25Hit), FIRST_BATCH));
	ts->next = 0;
	MemoryContextSwitchTo(old);
}

/* Which rows of score 0 come. */
static void
begin_rest(TextScan *ts)
{
	MemoryContext old = MemoryContextSwitchTo(ts->context);
	BarqTextStatistics *statistics = NULL;
	ListCell   *cell;

	if (OidIsValid(ts->index))
		statistics = barq_text_statistics(ts->index, ts->owner);
	if (ts->score != NULL)
		ts->rest.ranking = barq_text_bind(statistics, ts->score, NULL, 0);
	ts->rest.matching = palloc(sizeof(BarqBm25Query *) * (1 + list_length(ts->thresholds)));
	if (ts->nmatches > 0)
		ts->rest.matching[ts->rest.nmatching++] =
			barq_text_bind(statistics, NULL, ts->matches, ts->nmatches);
	foreach(cell, ts->thresholds)
		ts->rest.matching[ts->rest.nmatching++] =
			barq_text_bind(statistics, lfirst(cell), NULL, 0);
	MemoryContextSwitchTo(old);
}

/* Go on to the next phase; false: the scan is at its end. */
static bool
next_phase(IndexScanDesc scan, TextScan *ts)
{
	switch (ts->phase)
	{
		case SCORED:
			if (ts->bounded)
				return false;
			begin_rest(ts);
			break;
		case REST:

			/* no condition on a NULL is true */
			if (scan->numberOfKeys > 0)
				return false;
			break;
		case NULLS:
			return false;
	}
	ts->report->scored_all += ts->phase == SCORED;
	ts->phase++;
	ts->unsure = false;
	ts->resumed = true;
	ts->after_score = 0;
	ItemPointerSet(&ts->after_tid, 0, InvalidOffsetNumber);
	return true;
}

/* The next row in the order of scores; NULL: there are no more. */
static const BarqBm25Hit *
next_hit(IndexScanDesc scan, TextScan *ts)
{
	for (;;)
	{
		const BarqBm25Hit *hit;

		CHECK_FOR_INTERRUPTS();
		if (ts->top.hits == NULL || ts->next == ts->top.count)
		{
			bool		all = ts->top.hits == NULL ? ts->score == NULL : ts->last_batch;

			if (all && !next_phase(scan, ts))
				return NULL;
			next_batch(scan, ts);
			continue;
		}
		hit = &ts->top.hits[ts->next++];
		if (ts->bounded && (-hit->score > ts->bound ||
							(-hit->score == ts->bound && !ts->inclusive)))
			return NULL;
		ts->resumed = true;
		ts->after_score = hit->score;
		ts->after_tid = hit->tid;
		if (!(ts->unsure || hit->unsure) || heap_row_belongs(scan, ts, &hit->tid))
			return hit;
	}
}

static bool
next_ranked(IndexScanDesc scan, TextScan *ts)
{
	const BarqBm25Hit *hit = next_hit(scan, ts);

	if (hit == NULL)
		return false;
	scan->xs_heaptid = hit->tid;
	scan->xs_recheck = ts->thresholds != NIL || ts->foreign;
	scan->xs_recheckorderby = false;
	if (scan->numberOfOrderBys == 0)
		return true;
	scan->xs_orderbyvals[0] = Float8GetDatum(ts->phase == SCORED ? -hit->score : 0);
	scan->xs_orderbynulls[0] = ts->score == NULL || ts->phase == NULLS;

	/* further ORDER BY keys on this column: nothing can come before them */
	for (int i = ts->foreign ? 0 : 1; i < scan->numberOfOrderBys; i++)
	{
		scan->xs_orderbyvals[i] = Float8GetDatum(-get_float8_infinity());
		scan->xs_orderbynulls[i] = false;
		scan->xs_recheckorderby = true;
	}
	return true;
}

/* ---- matching alone ---- */

static void
note_rows(void *arg, ItemPointer tids, uint32 n, bool recheck)
{
	TextScan   *ts = arg;

	if (ts->ntids + n > ts->space)
	{
		uint64		space = Max(ts->space * 2, ts->ntids + Max(n, 1024));
		ItemPointerData *more = MemoryContextAllocHuge(ts->context, sizeof(ItemPointerData) * space);
		bool	   *rechecks = MemoryContextAllocHuge(ts->context, sizeof(bool) * space);

		if (ts->ntids > 0)
		{
			memcpy(more, ts->tids, sizeof(ItemPointerData) * ts->ntids);
			memcpy(rechecks, ts->rechecks, sizeof(bool) * ts->ntids);
			pfree(ts->tids);
			pfree(ts->rechecks);
		}
		ts->tids = more;
		ts->rechecks = rechecks;
		ts->space = space;
	}
	memcpy(ts->tids + ts->ntids, tids, sizeof(ItemPointerData) * n);
	memset(ts->rechecks + ts->ntids, recheck, sizeof(bool) * n);
	ts->ntids += n;
}

static void
match_state(BarqTextState *state, void *arg)
{
	TextScan   *ts = arg;

	barq_scan_report_segments(ts->report, state->snapshot);
	ts->ntids = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		barq_bm25_match(&state->views[i], ts->query, state->snapshot->segments[i].dead,
						note_rows, ts);
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_match(state->log, ts->query, note_rows, ts);
}

static bool
next_row(IndexScanDesc scan, TextScan *ts)
{
	if (scan->numberOfOrderBys == 0 && scan->numberOfKeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot scan index \"%s\" without a query",
						RelationGetRelationName(scan->indexRelation))));
	if (!ts->started)
	{
		start(scan, ts);
		if (!ts->nothing && !ts->ranked)
			barq_text_with_state(scan->indexRelation, match_state, ts);
	}
	if (ts->nothing)
		return false;
	if (ts->ranked)
		return next_ranked(scan, ts);
	if (ts->at == ts->ntids)
		return false;
	scan->xs_heaptid = ts->tids[ts->at];
	scan->xs_recheck = ts->rechecks[ts->at++] || ts->thresholds != NIL;
	return true;
}

bool
barq_text_get_tuple(IndexScanDesc scan, ScanDirection direction)
{
	TextScan   *ts = scan->opaque;
	bool		found;

	Assert(ScanDirectionIsForward(direction));
	barq_scan_report_enter(ts->report);
	found = next_row(scan, ts);
	barq_scan_report_leave(ts->report);
	return found;
}

/* All pages of the table: the executor checks each of their rows. */
static int64
everything(IndexScanDesc scan, TIDBitmap *bitmap)
{
	Relation	heap = table_open(scan->indexRelation->rd_index->indrelid, NoLock);
	BlockNumber blocks = RelationGetNumberOfBlocks(heap);

	for (BlockNumber block = 0; block < blocks; block++)
	{
		CHECK_FOR_INTERRUPTS();
		tbm_add_page(bitmap, block);
	}
	table_close(heap, NoLock);
	return blocks;
}

int64
barq_text_get_bitmap(IndexScanDesc scan, TIDBitmap *bitmap)
{
	TextScan   *ts = scan->opaque;
	bool		recheck;

	if (scan->numberOfKeys == 0 || !answers(scan))
		return everything(scan, bitmap);
	if (!ts->started)
		start(scan, ts);
	if (ts->nothing)
		return 0;
	if (ts->query == NULL)
		return everything(scan, bitmap);
	recheck = ts->thresholds != NIL || (ts->bounded && ts->bound < 0);
	barq_scan_report_enter(ts->report);
	barq_text_with_state(scan->indexRelation, match_state, ts);
	barq_scan_report_leave(ts->report);
	for (uint64 i = 0; i < ts->ntids;)
	{
		uint64		n = 1;

		while (i + n < ts->ntids && n < 1024 && ts->rechecks[i + n] == ts->rechecks[i])
			n++;
		CHECK_FOR_INTERRUPTS();
		tbm_add_tuples(bitmap, ts->tids + i, (int) n, ts->rechecks[i] || recheck);
		i += n;
	}
	return (int64) ts->ntids;
}
