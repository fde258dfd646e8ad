/*
 * scan_segments.c
 *	  The searches of a scan's segments: how they begin, and when every row is scored.
 *
 * A walk of a graph misses rows, and each further row costs more. When a walk finds
 * no more rows, or when scoring every code costs no more than the scan has cost so
 * far, the scan *turns*: from then on each segment is searched as a flat one,
 * without the rows that it has returned. So no row is missed any more, and the scan
 * ends with the last row.
 */
#include "postgres.h"

#include "base/settings.h"
#include "flat/vector_body.h"
#include "hnsw/hnsw.h"
#include "vector_index/scan_rounds.h"

/*
 * One more row of a walk costs about as much as scoring this many codes one after
 * the other (docs/performance.md, "Scans to the end").
 */
#define WALK_COST	128

bool
barq_scan_all_pays(const VectorScan *vs, uint32 segment)
{
	const ScanRounds *rounds = &vs->rounds;
	const SegmentStream *stream = &rounds->streams[segment];
	double		rows = vs->conditions.source != NULL ? stream->filter.count : stream->view->rows;

	return barq_target_recall > 0 && stream->kind == &barq_hnsw_kind &&
		stream->view->base != NULL &&
		barq_scoring_pays(&rounds->codec, rows, rounds->breadth.rows);
}

/* Search the listed rows of a segment's filter, and score each of them. */
static void
search_listed(VectorScan *vs, SegmentStream *stream)
{
	BarqSearchParams params = {.query = vs->rounds.query, .breadth = vs->rounds.breadth.rows,
							   .rows = stream->filter.rows,
							   .nrows = stream->filter.count};

	stream->kind = &barq_flat_kind;
	stream->search = stream->kind->vectors->begin(stream->view, &params);
}

void
barq_scan_search_flat(IndexScanDesc scan, VectorScan *vs, uint32 segment)
{
	SegmentStream *stream = &vs->rounds.streams[segment];
	const uint8 *dead = vs->rounds.snapshot->segments[segment].dead;
	Size		bytes = barq_bits_bytes(stream->view->rows);
	uint8	   *skip = palloc_extended(Max(bytes, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	BarqSearchParams params = {.query = vs->rounds.query, .breadth = vs->rounds.breadth.rows, .skip = skip};

	if (stream->search != NULL)
		stream->kind->vectors->end(stream->search);
	stream->search = NULL;
	if (dead != NULL)
		memcpy(skip, dead, bytes);
	if (vs->conditions.source != NULL)
	{
		barq_scan_filter_segment(scan, vs, segment, true);
		params.rows = stream->filter.rows;
		params.nrows = stream->filter.count;
	}
	for (uint32 i = 0; i < stream->nreturned; i++)
		barq_bit_set(skip, stream->returned[i]);
	stream->kind = &barq_flat_kind;
	stream->search = stream->kind->vectors->begin(stream->view, &params);
}

/*
 * Whether the scan should turn, that is, score every row from now on; changes
 * nothing. A precise forecast of the costs is not needed: a scan that turns when
 * it has spent as much as scoring everything costs pays at most twice the cost
 * of the better choice.
 */
static bool
should_turn(const VectorScan *vs)
{
	bool		walks = vs->conditions.source == NULL;

	if (vs->walk.turned || !barq_scan_is_complete(vs))
		return false;
	if (vs->rounds.exhausted)
		return true;

	/* rows that are listed are scored already */
	for (uint32 i = 0; !walks && i < vs->rounds.snapshot->nsegments; i++)
		walks = vs->rounds.streams[i].kind != &barq_flat_kind;
	return walks && vs->walk.looked_at > 0 &&
		(uint64) vs->walk.looked_at * WALK_COST >= vs->rounds.rows;
}

/*
 * Turn: score everything from now on. The scan then puts rows in order itself,
 * because the executor's queue would keep copies of possibly many tuples.
 */
static void
turn(IndexScanDesc scan, VectorScan *vs)
{
	ScanRounds *rounds = &vs->rounds;
	Assert(!vs->walk.turned);
	for (uint32 i = 0; i < rounds->snapshot->nsegments; i++)
		if (rounds->streams[i].kind != &barq_flat_kind)
		{
			barq_scan_search_flat(scan, vs, i);
			rounds->exhausted = false;
		}
	vs->walk.turned = true;
	vs->report->scored_all++;
	if (vs->order.queue == NULL && !barq_codec_is_exact(&rounds->codec) &&
		!vs->query.is_null && !vs->query.is_zero)
		barq_scan_own_order(vs);
}

/*
 * Whether the rows of a graph of at least twice the rows bound a segment's search
 * (BarqSearchParams.lesser). Not where a recall is wanted: breadths are chosen for whole
 * beams then.
 */
static bool
is_lesser(const VectorScan *vs, uint32 segment)
{
	const SegmentStream *streams = vs->rounds.streams;

	return segment > 0 && barq_target_recall == 0 && streams[0].kind == &barq_hnsw_kind &&
		streams[segment].view->rows <= streams[0].view->rows / 2;
}

void
barq_scan_begin_search(IndexScanDesc scan, VectorScan *vs, uint32 segment, bool afar)
{
	ScanRounds *rounds = &vs->rounds;
	SegmentStream *stream = &rounds->streams[segment];
	BarqSearchParams params = {
		.query = rounds->query,
		.breadth = rounds->breadth.rows,
		.skip = rounds->snapshot->segments[segment].dead,
		.probes = rounds->breadth.probes,
		.probes_only = !barq_scan_is_complete(vs),
		.beside_graphs = !rounds->of_lists,
		.recall = barq_target_recall,
		.afar = afar,
		.lesser = is_lesser(vs, segment)
	};

	if (stream->filter.rows != NULL)
	{
		search_listed(vs, stream);
		return;
	}
	if (vs->conditions.source != NULL)
		params.filter = &stream->filter;
	else if (scan != NULL)
		params.start = barq_together_start(scan, vs, segment, &params);
	stream->search = stream->kind->vectors->begin(stream->view, &params);
}

void
barq_scan_turn_if_due(IndexScanDesc scan, VectorScan *vs)
{
	if (should_turn(vs))
		turn(scan, vs);
}
