/*
 * mark.c
 *	  Marking dead what VACUUM has removed from the heap.
 *
 * Runs beside seals and compactions. The dead epoch on the metapage keeps a
 * mark from being lost between a publisher's reading of it and his swap; see
 * README.md, "VACUUM against publish".
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "base/steps.h"
#include "utils/memutils.h"

/* TIDs are read this many at a time. */
#define TID_BATCH	1024

/* What has been done so far. */
typedef struct MarkState
{
	BarqDeadCount *done;
	uint32		count;
	uint32		space;
} MarkState;

/* What a segment gone over before came to, or NULL. */
static const BarqDeadCount *
find_done(const MarkState *state, const BarqSegmentDesc *desc)
{
	for (uint32 i = 0; i < state->count; i++)
		if (barq_dead_count_is_of(&state->done[i], desc))
			return &state->done[i];
	return NULL;
}

static void
note_done(MarkState *state, const BarqSegmentDesc *desc, uint32 dead)
{
	BarqDeadCount *done;

	if (state->count == state->space)
	{
		state->space = Max(state->space * 2, 16);
		state->done = state->done == NULL ?
			palloc(sizeof(BarqDeadCount) * state->space) :
			repalloc(state->done, sizeof(BarqDeadCount) * state->space);
	}
	done = &state->done[state->count++];
	memcpy(done->id, desc->id, BARQ_ID_BYTES);
	done->moves = desc->moves;
	done->dead = dead;
}

/* False if the segment was replaced meanwhile. */
static bool
mark_segment(Relation index, const BarqSegmentDesc *desc, BarqView *view,
			 BarqIsDead is_dead, void *arg, MarkState *state,
			 BarqMarkCounts *counts)
{
	uint8	   *bitmap = barq_tombstones_read(index, desc);
	uint32	   *rows;
	uint32		n = 0;
	uint32		space = 1024;
	uint32		before;

	if (bitmap == NULL)
		return false;
	before = barq_bitmap_count(bitmap, desc->rows);
	rows = palloc(sizeof(uint32) * space);

	for (uint32 base = 0; base < desc->rows; base += TID_BATCH)
	{
		uint32		here = Min(TID_BATCH, desc->rows - base);
		ItemPointerData tids[TID_BATCH];

		CHECK_FOR_INTERRUPTS();
		barq_view_tids(view, base, here, tids);
		for (uint32 i = 0; i < here; i++)
		{
			/* marked before: its TID may be in use again */
			if (barq_bit_is_set(bitmap, base + i) || !is_dead(&tids[i], arg))
				continue;
			if (n == space)
			{
				space *= 2;
				rows = repalloc_huge(rows, sizeof(uint32) * (Size) space);
			}
			rows[n++] = base + i;
		}
	}

	if (n > 0 && !barq_tombstones_set(index, desc, rows, n))
		return false;
	pfree(rows);
	pfree(bitmap);
	note_done(state, desc, before + n);
	counts->marked += n;
	counts->met += before;
	counts->live += desc->rows - before - n;
	return true;
}

/*
 * One pass over the index as it is now. False if it was changed under way in
 * a manner that makes the pass incomplete.
 */
static bool
mark_pass(Relation index, BarqIsDead is_dead, void *arg, MarkState *state,
		  BarqMarkCounts *counts, uint64 *version)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq mark",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = CurrentMemoryContext;
	BarqSnapshot *snapshot;
	BarqMeta	meta;
	volatile bool ok = true;

	PG_TRY();
	{
		snapshot = barq_snapshot_get(index, &meta, true, context);
		*version = meta.directory_version;
		ok = barq_growing_mark(index, &meta, is_dead, arg, counts);
		for (uint32 i = 0; ok && i < snapshot->nsegments; i++)
		{
			BarqView	view;
			const BarqDeadCount *done = find_done(state, &snapshot->segments[i].desc);

			if (done != NULL)
			{
				counts->live += snapshot->segments[i].desc.rows - done->dead;
				continue;
			}
			MemoryContextSwitchTo(context);
			barq_snapshot_view(snapshot, i, index, 1, &view);
			MemoryContextSwitchTo(outer);
			ok = mark_segment(index, &snapshot->segments[i].desc, &view,
							  is_dead, arg, state, counts);
		}
	}
	PG_CATCH();
	{
		/* a page reader found its segment replaced; nothing is held */
		MemoryContextSwitchTo(outer);
		if (geterrcode() != ERRCODE_BARQ_SEGMENT_GONE)
			PG_RE_THROW();
		FlushErrorState();
		ok = false;
	}
	PG_END_TRY();
	MemoryContextDelete(context);
	return ok;
}

void
barq_mark_dead(Relation index, BarqIsDead is_dead, void *arg, BarqMarkCounts *counts)
{
	MarkState	state = {0};
	uint64		failed_version = 0;

	memset(counts, 0, sizeof(*counts));
	for (;;)
	{
		uint64		version = 0;
		uint64		now;

		CHECK_FOR_INTERRUPTS();

		/* what lives is counted anew by each pass */
		counts->live = 0;
		if (!mark_pass(index, is_dead, arg, &state, counts, &version))
		{
			barq_meta_check_moved(index, version, &failed_version);
			continue;
		}

		barq_step("vacuum: marked");

		/*
		 * Counts first, then the epoch: whoever swaps the directory after the
		 * bump has seen our marks, whoever did before shows in the version.
		 */
		barq_directory_set_dead(index, state.done, state.count);
		barq_step("vacuum: counted");
		if (counts->marked + counts->met > 0)
			now = barq_meta_bump_dead_epoch(index);
		else
		{
			BarqMeta	meta;

			barq_meta_read(index, &meta);
			now = meta.directory_version;
		}
		if (now == version)
			return;
	}
}
