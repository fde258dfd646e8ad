/*
 * scan_report.c
 *	  Counters of index scans, and the line that EXPLAIN ANALYZE shows of them.
 *
 * Rows are counted for the whole process; a scan adds the difference between
 * entering and leaving its code. So an error leaves nothing to be reset. Counters
 * of a parallel worker stay in the worker.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/scan_report.h"
#include "base/compat.h"
#include "kernels/kernels.h"
#include "lifecycle/policy.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "store/residency.h"
#if PG_VERSION_NUM >= 180000
#include "commands/explain.h"
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

uint64		barq_heap_rows = 0;

static BarqScanEnds ends;
static BarqScanReport last_report;
static Oid	last_index = InvalidOid;

BarqScanReport *
barq_scan_report_begin(void)
{
	return palloc0(sizeof(BarqScanReport));
}

void
barq_scan_report_search(BarqScanReport *report, IndexScanDesc scan)
{
	report->searches++;
	report->has_segments = false;
	if (!barq_stats_paused())
		pgstat_count_index_scan(scan->indexRelation);
	BarqCountIndexSearch(scan);
}

void
barq_scan_report_segments(BarqScanReport *report, Relation index,
						  const BarqSnapshot *snapshot)
{
	const BarqMemory memory = barq_memory_of(index);
	uint64		images = 0;

	if (report->has_segments)
		return;
	report->has_segments = true;
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		if (snapshot->segments[i].mapping != NULL)
		{
			images++;
			barq_residency_searched(snapshot->segments[i].mapping, memory);
		}
	barq_residency_catch_up();
	report->segments += snapshot->nsegments;
	report->images += images;
	report->pages += snapshot->nsegments - images;
}

void
barq_scan_report_enter(BarqScanReport *report)
{
	report->rows_scored_before = barq_rows_scored;
	report->heap_rows_before = barq_heap_rows;
}

void
barq_scan_report_leave(BarqScanReport *report)
{
	Assert(barq_rows_scored >= report->rows_scored_before);
	report->rows_scored += barq_rows_scored - report->rows_scored_before;
	report->heap_rows += barq_heap_rows - report->heap_rows_before;
}

void
barq_scan_report_cut(BarqScanReport *report)
{
	report->cut++;
	ends.cut++;
}

void
barq_scan_report_short(void)
{
	ends.short_of_rows++;
}

BarqScanEnds
barq_scan_ends(void)
{
	return ends;
}

void
barq_scan_report_end(BarqScanReport *report, Relation index)
{
	if (report->searches > 0)
	{
		last_report = *report;
		last_index = RelationGetRelid(index);
	}
	pfree(report);
}

const BarqScanReport *
barq_last_scan_report(Oid *index)
{
	if (!OidIsValid(last_index))
		return NULL;
	*index = last_index;
	return &last_report;
}

#if PG_VERSION_NUM >= 180000

static explain_per_node_hook_type next_hook = NULL;

/* The scan descriptor of an index scan's plan node; NULL if there is none. */
static IndexScanDesc
scan_of(PlanState *node)
{
	if (IsA(node, IndexScanState))
		return ((IndexScanState *) node)->iss_ScanDesc;
	if (IsA(node, BitmapIndexScanState))
		return ((BitmapIndexScanState *) node)->biss_ScanDesc;
	return NULL;
}

/*
 * Append the counters to EXPLAIN's output: in text format one line of those that
 * are not 0, in other formats all as properties.
 */
static void
show_report(const BarqScanReport *report, ExplainState *es)
{
	const struct
	{
		const char *label;
		const char *property;
		uint64		value;
	} counters[] = {
		{"segments", "Segments Searched", report->segments},
		{"images", "Segment Images", report->images},
		{"page by page", "Segments Page By Page", report->pages},
		{"rows scored", "Rows Scored", report->rows_scored},
		{"heap rows", "Heap Rows Fetched", report->heap_rows},
		{"cut by barq.max_scan_tuples", "Scans Cut", report->cut},
		{"scored everything", "Scans That Scored Everything", report->scored_all},
	};
	bool		any = false;

	for (int i = 0; i < lengthof(counters); i++)
	{
		if (es->format != EXPLAIN_FORMAT_TEXT)
			ExplainPropertyUInteger(counters[i].property, NULL, counters[i].value, es);
		else if (counters[i].value > 0)
		{
			if (!any)
				ExplainIndentText(es);
			appendStringInfo(es->str, "%s%s=" UINT64_FORMAT, any ? ", " : "Search: ",
							 counters[i].label, counters[i].value);
			any = true;
		}
	}
	if (any)
		appendStringInfoChar(es->str, '\n');
}

/* explain_per_node_hook: show the report of a barq index's scan. */
static void
explain_node(PlanState *node, List *ancestors, const char *relationship,
			 const char *plan_name, ExplainState *es)
{
	IndexScanDesc scan = scan_of(node);

	if (next_hook != NULL)
		next_hook(node, ancestors, relationship, plan_name, es);
	if (es->analyze && scan != NULL && scan->opaque != NULL &&
		barq_has_barq_method(scan->indexRelation))
		barq_scan_report_show(scan, es);
}

void
barq_scan_report_show(IndexScanDesc scan, ExplainState *es)
{
	show_report(*(BarqScanReport **) scan->opaque, es);
}

void
barq_scan_report_init(void)
{
	next_hook = explain_per_node_hook;
	explain_per_node_hook = explain_node;
}

#else

void
barq_scan_report_show(IndexScanDesc scan, struct ExplainState *es)
{
}

void
barq_scan_report_init(void)
{
}

#endif
