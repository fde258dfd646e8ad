/*
 * compact.c
 *	  Which segments to merge, and merging them.
 *
 * Size-tiered: segments whose size lies within one power of
 * barq.compaction_ratio form a tier, and a full tier becomes one segment. Too
 * many segments, one with too many dead rows, or one that would be better as
 * another kind is reason enough as well.
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "base/settings.h"
#include "store/keyless.h"
#include "base/steps.h"
#include "utils/memutils.h"

/* A segment with more than this share of dead rows is written again. */
#define DEAD_SHARE	0.2

bool		barq_merging = false;

int
barq_segment_tier(uint64 bytes)
{
	uint64		limit = (uint64) barq_growing_limit * 1024 * 2;
	int			tier = 0;

	while (bytes > limit)
	{
		limit *= barq_compaction_ratio;
		tier++;
	}
	return tier;
}

static bool
has_many_dead(const BarqSegmentDesc *desc)
{
	return desc->dead_rows > DEAD_SHARE * desc->rows;
}

/*
 * Choose segments of the snapshot (largest first) to merge. Returns how many;
 * their positions are chosen[0 … n-1].
 */
static uint32
choose_inputs(const BarqSnapshot *snapshot, const BarqMeta *meta, bool all,
			  uint32 *chosen)
{
	uint32		n = 0;
	uint32		total = snapshot->nsegments;
	const BarqIndexKind *kind = barq_index_kind(meta->options.index_kind);

	if (all)
	{
		/* a single clean segment is what compaction is to arrive at */
		if (total == 1 && snapshot->segments[0].desc.dead_rows == 0 &&
			!kind->is_provisional(&meta->options, snapshot->segments[0].desc.kind,
								  barq_segment_keyed(&snapshot->segments[0].desc)))
			return 0;
		for (uint32 i = 0; i < total; i++)
			chosen[n++] = i;
		return n;
	}

	/* the lowest full tier, from the smallest segments up */
	for (uint32 end = total; end > 0;)
	{
		int			tier = barq_segment_tier(snapshot->segments[end - 1].desc.body_bytes);
		uint32		start = end;

		while (start > 0 &&
			   barq_segment_tier(snapshot->segments[start - 1].desc.body_bytes) <= tier)
			start--;
		if (total - start >= (uint32) barq_compaction_ratio)
		{
			/* everything smaller goes along: it costs next to nothing */
			for (uint32 i = start; i < total; i++)
				chosen[n++] = i;
			return n;
		}
		end = start;
	}

	/* too many segments: the smaller half of what is allowed becomes one */
	if (total > (uint32) barq_max_segments)
	{
		uint32		start = total - Max(2, total - (uint32) barq_max_segments / 2);

		for (uint32 i = start; i < total; i++)
			chosen[n++] = i;
		return n;
	}

	/* what costs searches much becomes what costs them little, by itself */
	for (uint32 i = 0; i < total; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;

		if (barq_segment_tier(desc->body_bytes) == 0 &&
			kind->is_urgent(&meta->options, desc->kind, barq_segment_keyed(desc)))
			chosen[n++] = i;
	}
	if (n > 0)
		return n;

	/*
	 * A large log sealed at once is scanned until it has become a graph. What
	 * is not much larger takes it in: that costs no more than its own rows.
	 * Logs of the usual size wait for their tier to be full: to merge each at
	 * once would write everything of a few times its size again for it.
	 */
	for (uint32 i = 0; i < total; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;

		if (barq_segment_tier(desc->body_bytes) == 0 ||
			!kind->is_provisional(&meta->options, desc->kind, barq_segment_keyed(desc)))
			continue;
		for (uint32 j = 0; j < total; j++)
			if (snapshot->segments[j].desc.rows <=
				(uint64) desc->rows * barq_compaction_ratio)
				chosen[n++] = j;
		return n;
	}

	for (uint32 i = 0; i < total; i++)
		if (has_many_dead(&snapshot->segments[i].desc))
		{
			chosen[n++] = i;
			return n;
		}
	return 0;
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

/* What publication needs to find the rows that died during a merge. */
typedef struct MergeState
{
	BarqSnapshot *snapshot;
	uint32	   *chosen;
	uint32		n;
	BarqView   *views;
	const char *body;			/* the merged body */
	uint64		bytes;
} MergeState;

/*
 * Among rows not marked dead a TID occurs once in an index, so the TIDs marked
 * since the merge began identify their rows in the merged body.
 */
static void
collect_dead(Relation index, void *arg, uint8 *bitmap)
{
	MergeState *state = arg;
	ItemPointerData *dead = NULL;
	uint32		ndead = 0;
	uint32		space = 0;

	for (uint32 i = 0; i < state->n; i++)
	{
		BarqSegment *segment = &state->snapshot->segments[state->chosen[i]];
		uint8	   *now = barq_tombstones_read(index, &segment->desc);

		if (now == NULL)
			barq_meta_broken(index);
		for (uint32 row = 0; row < segment->desc.rows; row++)
		{
			/* a whole byte without news is passed over */
			if ((row & 7) == 0 &&
				now[row >> 3] == (segment->dead ? segment->dead[row >> 3] : 0))
			{
				row += 7;
				continue;
			}
			if (!barq_bit_is_set(now, row) ||
				(segment->dead && barq_bit_is_set(segment->dead, row)))
				continue;
			if (ndead == space)
			{
				space = Max(space * 2, 256);
				dead = dead == NULL ?
					palloc(sizeof(ItemPointerData) * space) :
					repalloc_huge(dead, sizeof(ItemPointerData) * (Size) space);
			}
			dead[ndead++] = barq_view_tid(&state->views[i], row);
		}
		pfree(now);
	}
	if (ndead == 0)
		return;

	barq_mark_tids(state->body, state->bytes, dead, ndead, bitmap);
	pfree(dead);
}

/* How many of a segment's first rows are not dead. */
static uint32
live_rows(const BarqSegment *segment, uint32 rows)
{
	return rows - (segment->dead ? barq_bitmap_count(segment->dead, rows) : 0);
}

/*
 * One merge. Returns false if there is nothing to do, or it had to be put off;
 * *rows receives the rows of the new segment.
 */
static bool
compact_once(Relation index, bool all, uint64 *rows)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq compact",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqMeta	meta;
	MergeState	state = {0};
	BarqChange	change = {0};
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment merged = {id, BARQ_ORIGIN_MERGE};
	BarqSegmentDesc *removed;
	BarqMergeInput *inputs;
	BarqBodyWriter *writer = NULL;
	char	   *folder;
	int			folder_lock = -1;
	uint64		live = 0;
	uint64		keyless = 0;
	bool		done = true;
	BarqIndexStats *stats;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	state.snapshot = barq_snapshot_get(index, &meta, true, context);
	state.chosen = palloc(sizeof(uint32) * Max(state.snapshot->nsegments, 1));
	state.n = choose_inputs(state.snapshot, &meta, all, state.chosen);
	if (state.n == 0)
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		return false;
	}

	state.views = palloc0(sizeof(BarqView) * state.n);
	inputs = palloc0(sizeof(BarqMergeInput) * state.n);
	removed = palloc0(sizeof(BarqSegmentDesc) * state.n);
	for (uint32 i = 0; i < state.n; i++)
	{
		BarqSegment *segment = &state.snapshot->segments[state.chosen[i]];

		barq_snapshot_view(state.snapshot, state.chosen[i], index, state.n,
						   &state.views[i]);
		removed[i] = segment->desc;
		inputs[i].view = &state.views[i];
		inputs[i].dead = segment->dead;
		inputs[i].live = live_rows(segment, state.views[i].rows);
		live += inputs[i].live;
		keyless += live_rows(segment, segment->desc.rows) - inputs[i].live;
	}
	if (live + keyless > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("index \"%s\" has too many rows for one segment",
						RelationGetRelationName(index))));

	barq_step("compact: inputs chosen");

	/* held until publication, so that nobody tidies the new image away */
	folder = barq_image_folder(index);
	if (barq_image_folder_create(folder))
		folder_lock = barq_image_lock(folder, false);

	if (live + keyless > 0)
	{
		char	   *reason = NULL;

		barq_new_id(id);
		barq_merging = true;
		writer = barq_index_kind(meta.options.index_kind)->merge(index, &meta.options,
																 id, inputs,
																 state.n, live, &reason);
		barq_merging = false;
		if (writer == NULL)
		{
			ereport(all ? ERROR : WARNING,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("compaction of index \"%s\" was put off",
							RelationGetRelationName(index)),
					 errdetail_internal("%s", reason)));
			done = false;
		}
		else
		{
			barq_keyless_merge(writer, inputs, state.n);
			state.body = barq_body_finish(writer, &state.bytes);
			barq_step("compact: merged");
			merged.body = state.body;
			merged.bytes = state.bytes;
			merged.has_image = barq_body_is_file(writer);
		}
	}

	if (done)
	{
		change.remove = removed;
		change.nremove = state.n;
		change.collect_dead = collect_dead;
		change.arg = &state;
		change.compacted = true;
		if (writer != NULL)
			barq_publish_segment(index, &merged, &change);
		else
			barq_publish(index, &change);
		*rows = live + keyless;
		stats = barq_stats_of(RelationGetRelid(index));
		barq_count(stats, BARQ_COUNT_COMPACTIONS, 1);
		barq_count(stats, BARQ_COUNT_ROWS_COMPACTED, live + keyless);
		barq_count(stats, BARQ_COUNT_BYTES_COMPACTED, state.bytes);
		barq_count(stats, BARQ_COUNT_COMPACTION_US, barq_elapsed_us(start));
	}
	barq_image_unlock(folder_lock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return done;
}

/* Arguments of compact_once, and its result in `done`. */
typedef struct Compaction
{
	Relation	index;
	bool		all;
	uint64	   *rows;
	bool		done;
} Compaction;

static bool
run_compaction(void *arg)
{
	Compaction *compaction = arg;

	compaction->done = compact_once(compaction->index, compaction->all, compaction->rows);
	return true;
}

/*
 * compact_once, for a caller that holds the maintenance lock: no page is re-used
 * under it, so a page of another generation is damage (ERRCODE_INDEX_CORRUPTED).
 */
static bool
compact(Relation index, bool all, uint64 *rows)
{
	Compaction	compaction = {index, all, rows, false};
	volatile bool intact = false;

	PG_TRY();
	{
		intact = barq_try_reading(run_compaction, &compaction);
	}
	PG_FINALLY();
	{
		barq_merging = false;
	}
	PG_END_TRY();
	if (!intact)
		barq_meta_broken(index);
	return compaction.done;
}

uint64
barq_compact_segments(Relation index, bool all)
{
	uint64		total = 0;
	uint64		rows = 0;

	while (compact(index, all, &rows))
	{
		total += rows;
		if (all)
			break;
		CHECK_FOR_INTERRUPTS();
	}
	return total;
}

void
barq_compact_idle(Relation index)
{
	BarqMeta	meta;

	barq_meta_read(index, &meta);
	(void) barq_compact_segments(index, meta.segments > 1);
}

bool
barq_compact_next(Relation index)
{
	uint64		rows;

	return compact(index, false, &rows);
}
