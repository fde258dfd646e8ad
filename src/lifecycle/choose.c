/*
 * choose.c
 *	  Which segments the next merge takes.
 *
 * Size-tiered: segments whose size lies within one power of
 * compaction_ratio form a tier, and a full tier becomes one segment. Four
 * further rules merge before a tier is full, in this order: too many segments,
 * urgent provisional segments, a large provisional segment, many dead rows.
 */
#include "postgres.h"

#include "lifecycle/internal.h"

/* A segment with a larger share of dead rows is written again. */
#define DEAD_SHARE	0.2

int
barq_segment_tier(uint64 bytes, const BarqPolicy *policy)
{
	uint64		limit = policy->growing_limit * 2;
	int			tier = 0;

	while (bytes > limit)
	{
		limit *= policy->ratio;
		tier++;
	}
	return tier;
}

static bool
has_many_dead(const BarqSegmentDesc *desc)
{
	Assert(desc->dead_rows <= desc->rows);	/* L4 */
	return desc->dead_rows > DEAD_SHARE * desc->rows;
}

bool
barq_has_many_dead(Relation index)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, NULL);
	bool		many = false;

	for (uint32 i = 0; i < meta.segments; i++)
		many |= has_many_dead(&descs[i]);
	pfree(descs);
	return many;
}

/* Whether a merge would make this segment another kind (BarqIndexKind). */
static bool
is_provisional(const BarqMeta *meta, const BarqSegmentDesc *desc)
{
	return barq_index_kind(meta->options.index_kind)->is_provisional(&meta->options, desc->kind,
																	 barq_segment_keyed(desc));
}

static bool
is_urgent(const BarqMeta *meta, const BarqSegmentDesc *desc)
{
	return barq_index_kind(meta->options.index_kind)->is_urgent(&meta->options, desc->kind,
																barq_segment_keyed(desc));
}

/* Choose the segments from position `start` on: the smallest ones. */
static uint32
choose_from(const BarqSnapshot *snapshot, uint32 start, uint32 *chosen)
{
	for (uint32 i = start; i < snapshot->nsegments; i++)
		chosen[i - start] = i;
	return snapshot->nsegments - start;
}

/* All segments, unless the only one has no dead rows and is final. */
static uint32
choose_all(const BarqSnapshot *snapshot, const BarqMeta *meta, uint32 *chosen)
{
	const BarqSegmentDesc *first = &snapshot->segments[0].desc;

	if (snapshot->nsegments == 1 && first->dead_rows == 0 && !is_provisional(meta, first))
		return 0;
	return choose_from(snapshot, 0, chosen);
}

/*
 * The lowest full tier, with all smaller segments: merging those as well costs
 * next to nothing.
 */
static uint32
choose_full_tier(const BarqSnapshot *snapshot, const BarqPolicy *policy, uint32 *chosen)
{
	uint32		total = snapshot->nsegments;

	for (uint32 end = total; end > 0;)
	{
		int			tier = barq_segment_tier(snapshot->segments[end - 1].desc.body_bytes, policy);
		uint32		start = end;

		while (start > 0 &&
			   barq_segment_tier(snapshot->segments[start - 1].desc.body_bytes, policy) <= tier)
			start--;
		if (total - start >= (uint32) policy->ratio)
			return choose_from(snapshot, start, chosen);
		end = start;
	}
	return 0;
}

/* Above max_segments: so many that half of that number are left unmerged. */
static uint32
choose_excess(const BarqSnapshot *snapshot, const BarqPolicy *policy, uint32 *chosen)
{
	uint32		total = snapshot->nsegments;

	if (total <= (uint32) policy->max_segments)
		return 0;
	return choose_from(snapshot, total - Max(2, total - (uint32) policy->max_segments / 2), chosen);
}

/* Small provisional segments of which the index kind says that they cost searches much. */
static uint32
choose_urgent(const BarqSnapshot *snapshot, const BarqMeta *meta, const BarqPolicy *policy,
			  uint32 *chosen)
{
	uint32		n = 0;

	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;

		if (barq_segment_tier(desc->body_bytes, policy) == 0 && is_urgent(meta, desc))
			chosen[n++] = i;
	}
	return n;
}

/*
 * The largest provisional segment above tier 0, and all segments that are not
 * much larger. Searches scan a large log that was sealed at once until it is
 * part of a graph, so it does not wait for its tier to be full. Logs of the usual
 * size do: merging each at once would write a few times its size for it.
 */
static uint32
choose_large_provisional(const BarqSnapshot *snapshot, const BarqMeta *meta, const BarqPolicy *policy,
						 uint32 *chosen)
{
	uint32		n = 0;

	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;

		if (barq_segment_tier(desc->body_bytes, policy) == 0 || !is_provisional(meta, desc))
			continue;
		for (uint32 j = 0; j < snapshot->nsegments; j++)
			if (snapshot->segments[j].desc.rows <=
				(uint64) desc->rows * policy->ratio)
				chosen[n++] = j;
		return n;
	}
	return 0;
}

/* The largest segment of which many rows are dead, by itself. */
static uint32
choose_dead(const BarqSnapshot *snapshot, uint32 *chosen)
{
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		if (has_many_dead(&snapshot->segments[i].desc))
		{
			chosen[0] = i;
			return 1;
		}
	return 0;
}

uint32
barq_choose_inputs(Relation index, const BarqSnapshot *snapshot, const BarqMeta *meta,
				   bool all, uint32 *chosen)
{
	BarqPolicy	policy;
	uint32		n;

	barq_policy_of(index, &policy);

	Assert(snapshot->directory_version == meta->directory_version);
	if (snapshot->nsegments == 0)
		return 0;
	if (all)
		return choose_all(snapshot, meta, chosen);
	if ((n = choose_full_tier(snapshot, &policy, chosen)) > 0 ||
		(n = choose_excess(snapshot, &policy, chosen)) > 0 ||
		(n = choose_urgent(snapshot, meta, &policy, chosen)) > 0 ||
		(n = choose_large_provisional(snapshot, meta, &policy, chosen)) > 0)
		return n;
	return choose_dead(snapshot, chosen);
}
