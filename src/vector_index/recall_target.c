/*
 * recall_target.c
 *	  Choosing the breadth of a scan for the recall that is asked for.
 *
 * A condition that the scan does not know is checked behind it: for k rows that pass
 * it, k / selectivity rows of the index are needed, and it is their recall that
 * counts. The planner's estimate gives the selectivity. A search within the rows that a
 * condition admits needs k of these. In a graph the walk
 * makes of the breadth for all rows what it needs (hnsw_filter.c). Lists have them among
 * the k / selectivity nearest of all rows.
 */
#include "postgres.h"

#include "access/genam.h"
#include "am/scan_bound.h"
#include "am/search_names.h"
#include "base/settings.h"
#include "hnsw/hnsw.h"
#include "ivf/ivf.h"
#include "lifecycle/lifecycle.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "vector_index/recall_measure.h"
#include "vector_index/recall_target.h"

/* Rows of the second of the curves (recall_curve.h). */
#define MANY_K		100

/* Rows asked for where a scan's LIMIT is not known (joins, cursors read to the end). */
#define UNKNOWN_K	100

/* The share of a query's nearest rows that the growing log is credited with, at most, */
#define MOST_IN_LOG	0.9
#define LEAST_IN_LOG	0.05	/* and from which on: else it is not worth a second step */

/*
 * Each row of a beam costs a walk at least as much as scoring this many bytes of codes one after the
 * other (docs/performance.md, "Recall by name").
 */
#define BEAM_BYTES	16000

/* The broadest beam that is chosen: as long as a search's later ones (hnsw_search.c). */
#define MOST_ROWS	4096

BarqCurvePart *
barq_curve_parts(const BarqSnapshot *snapshot, const BarqMeta *meta)
{
	bool		of_lists = meta->options.index_kind == BARQ_KIND_IVF;
	BarqCodec	codec;
	BarqCurvePart *parts = palloc0(sizeof(BarqCurvePart) * Max(snapshot->nsegments, 1));
	double		rows = 0;

	barq_vector_codec(&meta->options, &codec);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		rows += barq_segment_keyed(&snapshot->segments[i].desc);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;
		const BarqSegmentKind *kind = barq_segment_kind(desc->kind);
		bool		flat = kind->vectors == NULL || kind->vectors->breadths == NULL;

		parts[i].share = barq_segment_keyed(desc) / Max(rows, 1);
		parts[i].lists = of_lists;
		parts[i].exact = flat && (of_lists || barq_codec_proves(&codec));
		parts[i].curve = barq_curve_of(desc->statistics);
		if (flat)
			parts[i].curve = barq_curve_of_estimates();
		else if (parts[i].curve == NULL && !of_lists && desc->kind == BARQ_KIND_IVF)
			parts[i].curve = barq_curve_beside(barq_segment_keyed(desc) / (double) BARQ_IVF_AHEAD_BESIDE);
		else if (parts[i].curve == NULL)
			parts[i].curve = barq_curve_default(of_lists);
	}
	return parts;
}

BarqHardness
barq_snapshot_hardness(const BarqSnapshot *snapshot, bool of_lists, double target)
{
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqRecallCurve *curve = barq_curve_of(snapshot->segments[i].desc.statistics);

		if (curve != NULL)
			return barq_hardness_for(curve, of_lists, target);
	}
	return barq_hardness_none();
}

bool
barq_scoring_pays(const BarqCodec *codec, double rows, int breadth)
{
	return barq_codec_proves(codec) && !barq_codec_has_heads(codec) &&
		rows * codec->stride <= (double) breadth * BEAM_BYTES;
}

/* Are all rows of each segment scored in place of walks of this breadth? */
static bool
scores_segments(const BarqSnapshot *snapshot, const BarqMeta *meta, int breadth)
{
	BarqCodec	codec;

	if (meta->options.index_kind == BARQ_KIND_IVF)
		return false;
	barq_vector_codec(&meta->options, &codec);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		if (!barq_scoring_pays(&codec, barq_segment_keyed(&snapshot->segments[i].desc), breadth))
			return false;
	return true;
}

/* NOTICE once a session and index. */
static void
notice_not_reached(Relation index, double reached, int breadth, bool of_lists)
{
	static List *noticed = NIL;
	MemoryContext old;

	if (list_member_oid(noticed, RelationGetRelid(index)))
		return;
	old = MemoryContextSwitchTo(TopMemoryContext);
	noticed = lappend_oid(noticed, RelationGetRelid(index));
	MemoryContextSwitchTo(old);
	ereport(NOTICE,
			(errmsg("index \"%s\" is not expected to reach barq.target_recall %g",
					RelationGetRelationName(index), barq_target_recall),
			 errdetail("A recall of %.3f is expected of a search of %d %s, the most that is tried.",
					   reached, breadth, of_lists ? "lists" : "rows"),
			 errhint("An index with larger m and ef_construction, or with another quantization, reaches more.")));
}

/* The broadest search that is tried for k rows. */
static int
most_breadth(const BarqSnapshot *snapshot, bool of_lists, double k)
{
	int			most = 1;

	if (!of_lists)
		return (int) Min(BARQ_CURVE_MOST * Max(k / 100, 1), MOST_ROWS);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqRecallCurve *curve = barq_curve_of(snapshot->segments[i].desc.statistics);

		most = Max(most, curve != NULL ? (int) curve->most : BARQ_CURVE_MOST);
	}
	return most;
}

/*
 * The smallest breadth for k rows that the curves of a snapshot give for a target. *reached: the
 * recall expected. `hard`: of searches that are broader for hard queries, as without
 * calibration they are. Then a little less of the curves is enough. `certain`: the share of the k
 * rows that the growing log has, which is searched exactly; the segments may miss more then.
 */
static int
breadth_of(const BarqSnapshot *snapshot, const BarqMeta *meta, double k, double target,
		   bool hard, double certain, int most, double *reached)
{
	const BarqCalibration *calibration = barq_calibration_of(meta->calibration);
	BarqCurvePart *parts = barq_curve_parts(snapshot, meta);
	int			n = (int) snapshot->nsegments;
	bool		of_lists = meta->options.index_kind == BARQ_KIND_IVF;
	double		credit = !hard || calibration != NULL || of_lists ? 0 : barq_hard_credit(parts, n, target);
	double		missed = (1 - target + credit) / (1 - certain);
	int			breadth = barq_parts_breadth(parts, n, calibration, k, Max(1 - missed, 0), most, reached);

	*reached = Min(1 - (1 - *reached) * (1 - certain) + credit, 1);
	pfree(parts);
	return breadth;
}

/* The share that the growing log has of the rows of an index, whose segments have so many. */
static double
log_share(const BarqMeta *meta, double rows)
{
	BarqCodec	codec;
	double		log;
	double		share;

	if (meta->growing_head == InvalidBlockNumber || barq_consistency == BARQ_CONSISTENCY_SEALED)
		return 0;
	barq_vector_codec(&meta->options, &codec);
	log = (double) meta->growing_pages * BARQ_PAGE_BYTES /
		(sizeof(BarqItemHeader) + codec.row_bytes + codec.refine_bytes);
	share = log / Max(rows + log, 1);
	return share < LEAST_IN_LOG ? 0 : Min(share, MOST_IN_LOG);
}

BarqBreadth
barq_scan_breadth(IndexScanDesc scan, const struct PlanState *node, double admitted,
				  double share, const BarqSnapshot *snapshot, const BarqMeta *meta)
{
	bool		of_lists = meta->options.index_kind == BARQ_KIND_IVF;
	BarqBreadth breadth = {.rows = barq_ef_search, .needed = barq_ef_search, .scored = barq_ef_search};
	BarqScanBound bound;
	double		k;
	double		reached;
	double		rows = 0;

	if (barq_target_recall == 0)
	{
		int			set = barq_breadth_for(barq_search_names(scan->indexRelation->rd_indam), of_lists);

		if (of_lists)
			breadth.probes = set;
		else
			breadth.rows = set;
		return breadth;
	}

	for (uint32 i = 0; i < snapshot->nsegments; i++)
		rows += barq_segment_keyed(&snapshot->segments[i].desc);
	breadth.certain = log_share(meta, rows);
	bound = barq_scan_bound(scan, node);
	k = bound.rows > 0 ? bound.rows : UNKNOWN_K;
	if (admitted > 0)
		rows = Min(rows, admitted);
	if (bound.passing > 0 && bound.passing < rows)
		k *= rows / bound.passing;
	k = Min(k, Max(rows, 1));

	/* lists: those k are among so many of all rows, as far as curves tell */
	breadth.k = of_lists && k < MANY_K ? Min(k / Max(share, 0.001), MANY_K) : k;
	breadth.most = most_breadth(snapshot, of_lists, k);
	breadth.chosen = breadth_of(snapshot, meta, breadth.k, barq_target_recall, true, breadth.certain,
								breadth.most, &reached);
	if (reached < barq_target_recall && snapshot->nsegments > 0 && k <= 100 &&
		!scores_segments(snapshot, meta, breadth.chosen))
		notice_not_reached(scan->indexRelation, reached, breadth.chosen, of_lists);
	breadth.rows = of_lists ? BARQ_LISTS_BREADTH : Max(breadth.chosen, BARQ_LEAST_ROWS);
	breadth.rows = (int) Max(breadth.rows, Min(k, BARQ_CURVE_MOST));
	breadth.needed = of_lists ? BARQ_LISTS_BREADTH : breadth.chosen;
	breadth.probes = of_lists ? breadth.chosen : 0;

	/* the executor asks for 13 to 20 rows to put 10 in order */
	breadth.scored = (int) Min(breadth.rows, 2 * Max(bound.rows > 0 ? bound.rows : UNKNOWN_K, 1));
	return breadth;
}

double
barq_breadth_lacks(const BarqBreadth *breadth, const BarqSnapshot *snapshot,
				   const BarqMeta *meta, double share)
{
	double		reached;

	if (share > MOST_IN_LOG)
		return 1;
	return Max((double) breadth_of(snapshot, meta, breadth->k, barq_target_recall, true, share,
								   breadth->most, &reached) / breadth->chosen, 1);
}

bool
barq_breadth_multiply(BarqBreadth *breadth, double factor, bool least)
{
	BarqBreadth before = *breadth;

	if (least)
		breadth->needed = Max(breadth->needed, breadth->rows);
	if (breadth->probes > 0)
		breadth->probes = (int) Min(breadth->probes * factor, 32768);
	else
	{
		breadth->needed = Min(breadth->needed * factor, BARQ_CURVE_MOST);
		breadth->rows = (int) Max(before.rows, breadth->needed);
	}
	return breadth->probes > before.probes || breadth->rows > before.rows;
}

BarqTargetBreadth
barq_target_breadth(Relation index, double k, double target, bool hard)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq curve",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqTargetBreadth result;
	BarqMeta	meta;
	BarqSnapshot *snapshot = barq_snapshot_get(index, &meta, false, context);
	bool		of_lists = meta.options.index_kind == BARQ_KIND_IVF;
	const BarqCalibration *calibration = barq_calibration_of(meta.calibration);

	result.breadth = breadth_of(snapshot, &meta, k, target, hard, 0, most_breadth(snapshot, of_lists, k),
								&result.expected);
	result.calibrated = calibration != NULL;
	result.of_lists = of_lists;
	result.samples = calibration != NULL ? (int) calibration->queries : 0;
	for (uint32 i = 0; i < snapshot->nsegments && result.samples == 0; i++)
	{
		const BarqRecallCurve *curve = barq_curve_of(snapshot->segments[i].desc.statistics);

		if (curve != NULL)
			result.samples = curve->samples;
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

int
barq_planned_breadth(Oid index, bool of_lists, double limit)
{
	Relation	relation;
	BarqTargetBreadth target;

	if (barq_target_recall == 0)
		return barq_breadth_for(barq_search_names_of(index), of_lists);
	relation = index_open(index, NoLock);
	target = barq_target_breadth(relation, limit > 0 ? limit : UNKNOWN_K, barq_target_recall, true);
	index_close(relation, NoLock);
	if (of_lists)
		return target.breadth;
	return target.of_lists ? BARQ_LISTS_BREADTH : Max(target.breadth, BARQ_LEAST_ROWS);
}
