/*
 * text_scan_query.c
 *	  From the keys of an index scan over text to bound queries: which query
 *	  ranks, which are conditions, and whose statistics score them.
 */
#include "postgres.h"

#include "base/stats.h"
#include "text_index/bm25global.h"
#include "text_index/bm25threshold.h"
#include "text_index/text_scan.h"
#include "utils/float.h"
#include "utils/rel.h"

/*
 * The index whose statistics a query is to be scored by: the scanned index, or a
 * partitioned index above it. InvalidOid: the query is for another index.
 */
static Oid
answering_index(Relation index, const BarqQueryValue *query)
{
	Oid			named = barq_query_value_find_index(query);

	return barq_is_index_or_parent(named, RelationGetRelid(index)) ? named : InvalidOid;
}

/* The query of a scan key that is not NULL; detoasted. */
static const BarqQueryValue *
query_of(const ScanKeyData *key)
{
	return key->sk_strategy == BARQ_TEXT_THRESHOLD_STRATEGY ?
		barq_threshold_query(DatumGetBarqThreshold(key->sk_argument)) :
		DatumGetBarqQueryValue(key->sk_argument);
}

/* Whether the query of a scan key is a bm25global. */
static bool
is_global(const ScanKeyData *key)
{
	return key->sk_strategy == BARQ_TEXT_GLOBAL_SCORE_STRATEGY ||
		key->sk_strategy == BARQ_TEXT_GLOBAL_MATCH_STRATEGY;
}

/* Whether this index can answer the query of a scan key that is not NULL. */
static bool
answers(Relation index, const ScanKeyData *key)
{
	if (is_global(key))
		return barq_global_fits(barq_global_read(key->sk_argument), index);
	return OidIsValid(answering_index(index, query_of(key)));
}

bool
barq_text_scan_answers(IndexScanDesc scan)
{
	if (scan->numberOfOrderBys > 0 && !(scan->orderByData[0].sk_flags & SK_ISNULL) &&
		!answers(scan->indexRelation, &scan->orderByData[0]))
		return false;
	for (int i = 0; i < scan->numberOfKeys; i++)
		if (barq_text_key_is_query(&scan->keyData[i]) &&
			!(scan->keyData[i].sk_flags & SK_ISNULL) &&
			!answers(scan->indexRelation, &scan->keyData[i]))
			return false;
	return true;
}

BarqTextStatistics *
barq_text_scan_statistics(BarqTextScan *ts)
{
	return ts->given != NULL ? ts->given : barq_text_statistics(ts->index, ts->owner);
}

/*
 * Note the index of a query that this scan answers, and return the query. The
 * statistics of a partitioned index are used for all queries of the scan if one
 * of them names it. Raises ERRCODE_FEATURE_NOT_SUPPORTED if the query is for a text alone,
 * and the index has a language for each row.
 */
static const BarqQueryValue *
note_index(IndexScanDesc scan, BarqTextScan *ts, const BarqQueryValue *value)
{
	Oid			of = answering_index(scan->indexRelation, value);

	Assert(OidIsValid(of));
	if (ts->columns.language >= 0 && barq_query_value_fields(value) != BARQ_ALL_FIELDS)
		barq_text_raise_no_row(of);
	if (!OidIsValid(ts->index) || of != RelationGetRelid(scan->indexRelation))
		ts->index = of;
	return value;
}

static bool
same_query(const BarqQueryValue *a, const BarqQueryValue *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/* Add a threshold of the ranking query: the lowest of several counts. */
static void
bound_scores(BarqTextScan *ts, const BarqThreshold *threshold)
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

/*
 * Add a condition of the scan. Without an ORDER BY, the query of the first
 * threshold that not all rows pass becomes the ranking query.
 */
static void
add_key(IndexScanDesc scan, BarqTextScan *ts, ScanKey key)
{
	const BarqThreshold *threshold;
	const BarqQueryValue *query;

	if (ts->columns.field_of[key->sk_attno - 1] < 0)
		return;					/* a condition on a filter column: barq_filter_of_keys() */
	if ((key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL)) && ts->columns.fields > 1)
	{
		ts->recheck = true;		/* other fields may have another value */
		return;
	}
	ts->only_nulls |= (key->sk_flags & SK_SEARCHNULL) != 0;
	ts->no_nulls |= (key->sk_flags & SK_SEARCHNOTNULL) != 0;
	if (key->sk_flags & (SK_SEARCHNULL | SK_SEARCHNOTNULL))
		return;
	ts->own_keys = true;
	if (key->sk_flags & SK_ISNULL)
	{
		ts->nothing = true;
		return;
	}
	if (!barq_text_key_is_query(key))
	{
		ts->recheck = true;
		return;
	}
	if (key->sk_strategy == BARQ_TEXT_GLOBAL_MATCH_STRATEGY)
	{
		/* what matches does not depend on statistics: those of the index will do */
		ts->matches[ts->nmatches++] = barq_global_words(barq_global_read(key->sk_argument));
		if (!OidIsValid(ts->index))
			ts->index = RelationGetRelid(scan->indexRelation);
		return;
	}
	if (key->sk_strategy == BARQ_TEXT_MATCH_STRATEGY)
	{
		query = DatumGetBarqQueryValue(key->sk_argument);
		ts->matches[ts->nmatches++] = note_index(scan, ts, query);
		return;
	}
	threshold = DatumGetBarqThreshold(key->sk_argument);
	query = note_index(scan, ts, barq_threshold_query(threshold));
	if (barq_threshold_passes(threshold, 0))
		return;					/* every text passes */
	if (ts->score == NULL && scan->numberOfOrderBys == 0)
		ts->score = query;
	if (ts->score != NULL && ts->given == NULL && same_query(ts->score, query))
		bound_scores(ts, threshold);
	else
		ts->thresholds = lappend(ts->thresholds, unconstify(BarqQueryValue *, query));
}

/* Set the ranking query, and the statistics that it carries, from the scan's ORDER BY. */
static void
set_score(IndexScanDesc scan, BarqTextScan *ts)
{
	const ScanKeyData *key = &scan->orderByData[0];
	BarqGlobal *global;

	if (!is_global(key))
	{
		ts->score = note_index(scan, ts, DatumGetBarqQueryValue(key->sk_argument));
		return;
	}
	global = barq_global_read(key->sk_argument);
	ts->score = barq_global_words(global);
	ts->given = barq_text_statistics_given(global);
}

void
barq_text_scan_start(IndexScanDesc scan, BarqTextScan *ts)
{
	Relation	index = scan->indexRelation;
	BarqFilterColumns filters;
	MemoryContext old = MemoryContextSwitchTo(ts->context);

	barq_text_columns(index, &ts->columns);
	ts->started = true;
	ts->batch = BARQ_TEXT_FIRST_BATCH;
	barq_scan_report_search(ts->report, scan);
	ts->foreign = !barq_text_scan_answers(scan);
	if (!ts->foreign && scan->numberOfOrderBys > 0 &&
		!(scan->orderByData[0].sk_flags & SK_ISNULL))
		set_score(scan, ts);
	ts->matches = palloc(sizeof(BarqQueryValue *) * Max(scan->numberOfKeys, 1));
	for (int i = 0; i < scan->numberOfKeys; i++)
	{
		if (!ts->foreign || (scan->keyData[i].sk_flags & SK_ISNULL) ||
			!barq_text_key_is_query(&scan->keyData[i]))
			add_key(scan, ts, &scan->keyData[i]);
		else
			ts->own_keys = true;
	}
	ts->nothing |= ts->only_nulls && (ts->own_keys || ts->no_nulls);
	filters = barq_text_filters(&ts->columns);
	ts->condition = barq_filter_of_keys(scan, &filters);
	if (ts->condition != NULL)
	{
		ts->nothing |= ts->condition->never;
		ts->recheck |= ts->condition->recheck;
	}
	ts->source = barq_filter_source(&ts->both, ts->condition, ts->outer, true);

	/* a bound of 0 is a condition alone: the row has a score */
	ts->ranked = scan->numberOfOrderBys > 0 || (ts->bounded && ts->bound < 0) ||
		(ts->score == NULL && ts->nmatches == 0);
	if (!ts->nothing && (ts->score != NULL || ts->nmatches > 0))
		ts->query = barq_text_bind(barq_text_scan_statistics(ts), ts->score,
								   ts->matches, ts->nmatches);
	MemoryContextSwitchTo(old);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_SEARCHES, 1);
}
