/*
 * scan_breadth.c
 *	  Changing the breadth of a scan with barq.target_recall, which was chosen when it
 *	  began: once the filters of its segments are known, and once its first rows are.
 */
#include "postgres.h"

#include "base/settings.h"
#include "utils/float.h"
#include "vector_index/scan_rounds.h"

/* Does the search of each segment score all of its rows, or all that are admitted? */
static bool
all_are_scored(const ScanRounds *rounds)
{
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		if (rounds->streams[i].filter.rows == NULL && rounds->streams[i].kind != &barq_flat_kind)
			return false;
	return true;
}

void
barq_scan_adjust(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	uint64		rows = 0;

	if (barq_target_recall == 0)
		return;
	if (all_are_scored(rounds))
	{
		if (barq_codec_proves(&rounds->codec))
			rounds->breadth.rows = Min(rounds->breadth.rows, rounds->breadth.scored);
		return;
	}
	if (vs->conditions.source == NULL || !rounds->of_lists)
		return;
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		rows += rounds->streams[i].view->rows;
	rounds->breadth = barq_scan_breadth(scan, vs->node, 0, (double) rounds->rows / Max(rows, 1),
										rounds->snapshot, &rounds->meta);
}

bool
barq_scan_broaden(VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	BarqHardness hardness = barq_snapshot_hardness(rounds->snapshot, rounds->of_lists,
												   barq_target_recall);
	int			n = Min(rounds->ncandidates, 100);
	double		factor;

	if (barq_target_recall == 0 || n < BARQ_HARDNESS_ROWS || vs->walk.turned ||
		all_are_scored(rounds))
		return false;

	/* rows that a condition admits are farther from each other than all rows are */
	if (vs->conditions.source != NULL)
		hardness.far = get_float4_infinity();
	barq_scan_sort_candidates(rounds);
	factor = barq_hardness_factor(&hardness,
								  barq_key_distance(&rounds->codec, rounds->candidates[9].key),
								  barq_key_distance(&rounds->codec, rounds->candidates[n - 1].key),
								  n);
	if (factor == 1 || !barq_breadth_multiply(&rounds->breadth, factor))
		return false;
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &rounds->streams[i];

		stream->nreturned = 0;
		if (stream->kind->vectors->broaden != NULL &&
			stream->kind->vectors->broaden(stream->search, rounds->breadth.rows,
										   rounds->breadth.probes))
			continue;
		stream->kind->vectors->end(stream->search);
		barq_scan_begin_search(NULL, vs, i);
	}
	rounds->ncandidates = 0;
	rounds->log_begun = false;
	rounds->log_done = barq_consistency == BARQ_CONSISTENCY_SEALED;
	return true;
}
