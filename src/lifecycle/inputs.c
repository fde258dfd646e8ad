/*
 * inputs.c
 *	  The inputs of the next merge of an index: its segments as choose.c wants them.
 */
#include "postgres.h"

#include "lifecycle/choose.h"
#include "lifecycle/internal.h"

/* Describe a segment to the chooser. */
static BarqCandidate
candidate_of(const BarqMeta *meta, const BarqSegmentDesc *desc)
{
	const BarqIndexKind *kind = barq_index_kind(meta->options.index_kind);
	uint64		keyed = barq_segment_keyed(desc);

	Assert(desc->dead_rows <= desc->rows);	/* L4 */
	return (BarqCandidate) {
		.bytes = barq_segment_lasting_bytes(desc),
		.rows = desc->rows,
		.dead = desc->dead_rows,
		.provisional = kind->is_provisional(&meta->options, desc->kind, keyed),
		.urgent = kind->is_urgent(&meta->options, desc->kind, keyed),
		.collectable = kind->collect != NULL && desc->kind == kind->collect_kind
	};
}

uint32
barq_choose_inputs(Relation index, const BarqSnapshot *snapshot, const BarqMeta *meta,
				   BarqChoice choice,
				   bool (*is_busy) (const void *arg, const BarqSegmentDesc *desc),
				   const void *arg, uint32 *chosen)
{
	BarqCandidate *candidates = palloc(sizeof(BarqCandidate) * Max(snapshot->nsegments, 1));
	BarqPolicy	policy;
	uint32		n;

	Assert(snapshot->directory_version == meta->directory_version);
	barq_policy_of(index, &policy);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;

		candidates[i] = candidate_of(meta, desc);
		if (is_busy != NULL && is_busy(arg, desc))
			candidates[i].busy = 1;
	}
	n = barq_choose(candidates, snapshot->nsegments, &policy, choice, chosen);
	pfree(candidates);
	return n;
}
