/*
 * scan_conditions.c
 *	  Conditions of an index scan over vectors: on filter columns, IS [NOT] NULL of the
 *	  first column, and what a source from outside admits.
 */
#include "postgres.h"

#include <math.h>

#include "base/settings.h"
#include "vector_index/scan_rounds.h"
#include "utils/memutils.h"

/*
 * Expanding a row of a graph costs as much as scoring EXPAND_ROWS listed rows; reading the
 * list of a further row as much as LIST_COST rows of at most ROW_BYTES, or LIST_LEAST long
 * ones (docs/performance.md, "Filter columns"). A graph's lists have some 32 rows.
 */
#define EXPAND_ROWS	32
#define LIST_COST	8.0
#define LIST_LEAST	1.3
#define ROW_BYTES	128
#define LIST_ROWS	32

/*
 * So many times as many rows are listed as cost no more than a walk: it would find 0.8 to
 * 0.93 of the nearest. The list of a condition that is new costs 1.2 to 2.2 times as much,
 * one that is kept 1.0 to 1.4 times (docs/performance.md, "Five million rows"). Whether it
 * is kept must not decide: the same search would find other rows the first time than later.
 */
#define MORE_LISTED	2

/*
 * With a target of recall, so many times as many, but at most LIST_SURELY of them and a
 * twentieth of the segment's: they take as long as a walk through so few, and none is missed
 * (docs/performance.md, "Recall by name").
 */
#define SURELY		4
#define LIST_SURELY	40000

/* with a bitmap, in the same unit (docs/performance.md, "Within the bitmap of another index") */
#define BITMAP_COST	96

void
barq_scan_read_conditions(IndexScanDesc scan, VectorScan *vs)
{
	ScanConditions *conditions = &vs->conditions;
	BarqFilterColumns columns = barq_filters_behind_first(scan->indexRelation);
	MemoryContext old;

	if (conditions->read)
		return;
	old = MemoryContextSwitchTo(vs->context);
	conditions->filters = barq_filter_of_keys(scan, &columns);
	for (int i = 0; i < scan->numberOfKeys; i++)
	{
		if (scan->keyData[i].sk_attno != 1)
			continue;
		conditions->no_nulls |= (scan->keyData[i].sk_flags & SK_SEARCHNOTNULL) != 0;
		conditions->only_nulls |= (scan->keyData[i].sk_flags & SK_SEARCHNULL) != 0;
	}
	conditions->source = barq_filter_source(&conditions->both, conditions->filters,
											conditions->outer, false);
	conditions->read = true;
	MemoryContextSwitchTo(old);
}

void
barq_scan_forget_conditions(VectorScan *vs)
{
	BarqRowSource *outer = vs->conditions.outer;

	memset(&vs->conditions, 0, sizeof(vs->conditions));
	vs->conditions.outer = outer;
}

void
barq_vector_scan_admit(IndexScanDesc scan, BarqRowSource *source)
{
	VectorScan *vs = scan->opaque;

	vs->conditions.outer = source;
}

void
barq_scan_admit_only(VectorScan *vs, BarqRowSource *source)
{
	ScanConditions *conditions = &vs->conditions;

	Assert(conditions->read);
	conditions->outer = source;
	conditions->source = barq_filter_source(&conditions->both, conditions->filters, source, false);
}

/*
 * The number of admitted rows of a segment up to which each of them is scored, one after
 * the other. A walk of a graph expands about `ef` rows, and for each of
 * them reads some rows / admitted rows lists, at most LIST_ROWS, to find admitted
 * neighbours. For lists the same measure serves: they are probed until enough admitted
 * rows are scored. A bitmap of other indexes has cost more than its search before the
 * search begins, so more of its rows are scored, which finds the nearest of them surely.
 */
static uint32
list_below(const VectorScan *vs, const SegmentStream *stream)
{
	const BarqCodec *codec = &vs->rounds.codec;
	double		rows = stream->view->rows;
	double		ef = 1.25 * vs->rounds.breadth.rows;
	double		list = barq_codec_has_heads(codec) ? LIST_LEAST :
		Max(LIST_COST * Min((double) ROW_BYTES / codec->stride, 1), LIST_LEAST);
	double		walk = (EXPAND_ROWS + list) * ef;
	double		most = walk + ef * list * LIST_ROWS;
	double		below = Min(most, (walk + sqrt(walk * walk + 4 * list * ef * rows)) / 2);
	double		more = MORE_LISTED * below;

	if (stream->kind == &barq_flat_kind)
		return PG_UINT32_MAX;
	if (vs->conditions.outer != NULL)
		return (uint32) Min(rows, sqrt(BITMAP_COST * vs->rounds.breadth.rows * rows));
	if (barq_target_recall > 0)
		more = Max(more, Min(SURELY * below, Min(rows / 20, LIST_SURELY)));
	return (uint32) Min(more, rows);
}

void
barq_scan_filter_segment(IndexScanDesc scan, VectorScan *vs, uint32 segment, bool all)
{
	SegmentStream *stream = &vs->rounds.streams[segment];
	BarqRowSource *source = vs->conditions.source;

	vs->conditions.both.again = all;
	source->segment(source, scan->indexRelation, vs->rounds.snapshot, segment, stream->view,
					all ? PG_UINT32_MAX : list_below(vs, stream), &stream->filter);
}
