/*
 * scan_breadth.c
 *	  Changing the breadth of a scan with barq.target_recall, which was chosen when it
 *	  began: once the filters of its segments are known, and once its first rows are.
 */
#include "postgres.h"

#include <math.h>

#include "base/settings.h"
#include "vector_index/scan_rounds.h"

#define NEAREST			10		/* rows that decide whether a search improves */

/*
 * A crowded query gets its factor in so many steps, each after the first only if the one
 * before has found nearer rows: most crowded queries have found all by then.
 */
#define CROWDED_STEPS	2

/* Does the search of each segment score all of its rows, or all that are admitted? */
static bool
all_are_scored(const ScanRounds *rounds)
{
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		if (rounds->streams[i].filter.rows == NULL && rounds->streams[i].kind != &barq_flat_kind)
			return false;
	return true;
}

/* Where all rows are scored, and bounds are proven, as few as those are the nearest. */
static bool
ask_for_few(ScanRounds *rounds)
{
	if (!all_are_scored(rounds))
		return false;
	if (barq_codec_proves(&rounds->codec))
		rounds->breadth.rows = Min(rounds->breadth.rows, rounds->breadth.scored);
	return true;
}

void
barq_scan_adjust(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	uint64		rows = 0;

	if (barq_target_recall == 0)
		return;
	if (ask_for_few(rounds))
		return;
	if (vs->conditions.source == NULL || !rounds->of_lists)
		return;
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		rows += rounds->streams[i].view->rows;
	rounds->breadth = barq_scan_breadth(scan, vs->node, 0, (double) rounds->rows / Max(rows, 1),
										rounds->snapshot, &rounds->meta);
}

/*
 * Have the searches of all segments begin again or go on with the breadth of the rounds.
 * The rows of the log, which is searched exactly, stay candidates.
 */
static void
search_again(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	int			kept = 0;

	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
	{
		SegmentStream *stream = &rounds->streams[i];

		stream->nreturned = 0;
		if (barq_scan_all_pays(vs, i))
		{
			barq_scan_search_flat(scan, vs, i);
			continue;
		}
		if (stream->kind->vectors->broaden != NULL &&
			stream->kind->vectors->broaden(stream->search, rounds->breadth.rows,
										   rounds->breadth.probes, rounds->is_far && rounds->broadened == 0))
			continue;
		stream->kind->vectors->end(stream->search);
		barq_scan_begin_search(NULL, vs, i, rounds->is_far);
	}
	(void) ask_for_few(rounds);
	rounds->broadened++;
	for (int i = 0; i < rounds->ncandidates; i++)
		if (rounds->candidates[i].rescored) /* so far only rows of the log are */
			rounds->candidates[kept++] = rounds->candidates[i];
	rounds->ncandidates = kept;
}

/* How many of the nearest rows are nearer than any that was found before. */
static int
rows_changed(const ScanRounds *rounds)
{
	int			changed = 0;

	for (int i = 0; i < NEAREST; i++)
		changed += rounds->nearest[i] > rounds->candidates[NEAREST - 1].key;
	return changed;
}

/*
 * By what the search of a query should be broadened whose n candidates are in order; 1 if
 * it should not be. share: of all rows, those that conditions admit. Sets is_far and crowded
 * the first time. Where a share of the rows is admitted, as large a part of the ten that tell a
 * far query is there.
 */
static double
factor_of(ScanRounds *rounds, const BarqHardness *hardness, int n, double share)
{
	int			near = Max((int) (NEAREST * share), 1) - 1;
	double		nearest = barq_key_distance(&rounds->codec, rounds->candidates[near].key);
	double		tenth = barq_key_distance(&rounds->codec, rounds->candidates[NEAREST - 1].key);
	double		last = barq_key_distance(&rounds->codec, rounds->candidates[n - 1].key);

	if (rounds->broadened == 0)
	{
		rounds->is_far = nearest > hardness->far;
		rounds->crowded = barq_crowded_ratio(hardness, tenth, last, n);
		if (!rounds->is_far && !(rounds->crowded > 1))
			return 1;
	}
	else if (rounds->is_far ?
			 nearest <= hardness->far || rows_changed(rounds) < barq_far_changes(barq_target_recall, rounds->broadened == 1) :
			 !(rounds->crowded > 1) || rounds->broadened >= CROWDED_STEPS || rows_changed(rounds) == 0)
		return 1;
	if (rounds->is_far)
		return rounds->broadened == 0 ? barq_far_first(barq_target_recall, share < 1) :
			barq_far_factor(barq_target_recall);
	return pow(barq_crowded_breadth(hardness, rounds->crowded), 1.0 / CROWDED_STEPS);
}

/* The share of the segments' rows that the conditions admit; 1 without conditions. */
static double
share_admitted(const VectorScan *vs)
{
	const ScanRounds *rounds = &vs->rounds;
	uint64		rows = 0;

	if (vs->conditions.source == NULL)
		return 1;
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		rows += rounds->streams[i].view->rows;
	return (double) rounds->rows / Max(rows, 1);
}

/*
 * The factor by which the first search is too narrow since the log, of whose rows none is missed,
 * has fewer of the nearest rows than was expected. The candidates are in order. Rows of the log that were
 * deleted or updated, which it keeps until it is sealed, do not count: where there are some among
 * the nearest, all of them are removed from the candidates, for the scan's snapshot sees none.
 */
static double
lacking(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	int			k = Max((int) rounds->breadth.k, 1);
	int			found = 0;
	int			kept = 0;
	int			i;

	if (rounds->broadened > 0 || rounds->breadth.certain == 0)
		return 1;
	for (i = 0; i < rounds->ncandidates && (kept < k || kept < i); i++)
	{
		const Candidate *candidate = &rounds->candidates[i];

		if (candidate->rescored)	/* so far only rows of the log are */
		{
			if (!barq_heap_sees(barq_scan_heap(scan, vs), &candidate->tid))
				continue;
			found += kept < k;
			if (kept == i && found >= rounds->breadth.certain * k)
				return 1;
		}
		rounds->candidates[kept++] = *candidate;
	}
	if (kept < i)
		rounds->ncandidates = kept;
	return barq_breadth_lacks(&rounds->breadth, rounds->snapshot, &rounds->meta,
							  (double) found / Max(Min(k, kept), 1));
}

bool
barq_scan_broaden(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	int			n;
	BarqHardness hardness;
	double		factor;

	if (barq_target_recall == 0 || vs->walk.turned || all_are_scored(rounds))
		return false;
	barq_scan_sort_candidates(rounds);
	factor = lacking(scan, vs);
	n = Min(rounds->ncandidates, 100);
	if (n >= BARQ_HARDNESS_ROWS && barq_calibration_of(rounds->meta.calibration) == NULL)
	{
		hardness = barq_snapshot_hardness(rounds->snapshot, rounds->of_lists, barq_target_recall);
		factor *= factor_of(rounds, &hardness, n, share_admitted(vs));
	}
	if (factor == 1 || !barq_breadth_multiply(&rounds->breadth, factor, rounds->is_far))
		return false;
	for (int i = 0; i < Min(n, NEAREST); i++)
		rounds->nearest[i] = rounds->candidates[i].key;
	search_again(scan, vs);
	return true;
}
