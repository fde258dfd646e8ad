/*
 * mark.c
 *	  VACUUM: marking the rows dead that it removes from the heap.
 *
 * Runs beside seals and merges, without a lock. The dead epoch on the metapage
 * keeps a mark from being lost between a publisher's reading of it and the swap
 * (README.md, L3 and L5; "VACUUM against publish").
 */
#include "postgres.h"

#include "base/array.h"
#include "base/compat.h"
#include "base/steps.h"
#include "commands/vacuum.h"
#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "store/announce.h"
#include "utils/memutils.h"

/* TIDs are read this many at a time. */
#define TID_BATCH	1024

/* Dead counts of the segments processed so far, by all passes. */
typedef struct MarkState
{
	BarqDeadCount *done;
	uint32		count;
	uint32		space;
} MarkState;

/*
 * Dead count of a segment already processed, or NULL. A segment that was moved
 * since counts as another one (L8). Points into `state`: valid until note_done().
 */
static const BarqDeadCount *
find_done(const MarkState *state, const BarqSegmentDesc *desc)
{
	for (uint32 i = 0; i < state->count; i++)
		if (barq_dead_count_is_of(&state->done[i], desc))
			return &state->done[i];
	return NULL;
}

/* Note that a segment was processed and has this dead count. */
static void
note_done(MarkState *state, const BarqSegmentDesc *desc, uint32 dead)
{
	BarqDeadCount *done;

	BARQ_ARRAY_RESERVE(state->done, state->space, state->count + 1, 16);
	done = &state->done[state->count++];
	memcpy(done->id, desc->id, BARQ_ID_BYTES);
	done->moves = desc->moves;
	done->dead = dead;
}

/*
 * Mark rows of one segment and add them to `counts`. Returns false, with nothing
 * noted in `state`, if the segment was replaced meanwhile.
 */
static bool
mark_segment(Relation index, const BarqSegmentDesc *desc, BarqView *view,
			 BarqIsDead is_dead, void *arg, MarkState *state,
			 BarqMarkCounts *counts)
{
	uint8	   *bitmap = barq_tombstones_read(index, desc);
	uint32	   *rows = NULL;
	uint32		n = 0;
	uint32		space = 0;
	uint32		before;

	if (bitmap == NULL)
		return false;
	before = barq_bitmap_count(bitmap, desc->rows);
	for (uint32 base = 0; base < desc->rows; base += TID_BATCH)
	{
		uint32		here = Min(TID_BATCH, desc->rows - base);
		ItemPointerData tids[TID_BATCH];

		BarqVacuumDelay();
		barq_view_tids(view, base, here, tids);
		for (uint32 i = 0; i < here; i++)
		{
			/* the TID of a row marked before may be in use again */
			if (barq_bit_is_set(bitmap, base + i) || !is_dead(&tids[i], arg))
				continue;
			BARQ_ARRAY_RESERVE(rows, space, n + 1, 1024);
			rows[n++] = base + i;
		}
	}

	if (n > 0)
	{
		if (!barq_tombstones_set(index, desc, rows, n))
			return false;
		pfree(rows);
	}
	pfree(bitmap);
	Assert(before + n <= desc->rows);	/* L4 */
	note_done(state, desc, before + n);
	counts->marked += n;
	counts->met += before;
	counts->live += desc->rows - before - n;
	return true;
}

/* One pass over the log and the segments of one directory version. */
typedef struct MarkPass
{
	Relation	index;
	BarqIsDead	is_dead;
	void	   *arg;
	MarkState  *state;
	BarqMarkCounts *counts;
	uint64		version;		/* of the directory; 0 until it has been read */
	MemoryContext context;		/* of snapshot and views */
} MarkPass;

/*
 * Run one pass for barq_try_reading(): mark rows in the log and in the segments.
 * Returns false if a part was replaced meanwhile; marks set by then stay. Allocates in
 * pass->context. ERRCODE_INDEX_CORRUPTED, ERRCODE_BARQ_SEGMENT_GONE.
 */
static bool
run_pass(void *arg)
{
	MarkPass   *pass = arg;
	BarqMeta	meta;
	BarqSnapshot *snapshot = barq_snapshot_get(pass->index, &meta, true, pass->context);

	pass->version = meta.directory_version;
	if (!barq_growing_mark(pass->index, &meta, pass->is_dead, pass->arg, pass->counts))
		return false;
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqSegmentDesc *desc = &snapshot->segments[i].desc;
		const BarqDeadCount *done = find_done(pass->state, desc);
		BarqView	view;
		MemoryContext old;

		if (done != NULL)
		{
			pass->counts->live += desc->rows - done->dead;
			continue;
		}
		old = MemoryContextSwitchTo(pass->context);
		barq_snapshot_view(snapshot, i, pass->index, 1, &view);
		MemoryContextSwitchTo(old);
		if (!mark_segment(pass->index, desc, &view, pass->is_dead, pass->arg,
						  pass->state, pass->counts))
			return false;
	}
	return true;
}

void
barq_mark_dead(Relation index, BarqIsDead is_dead, void *arg, BarqMarkCounts *counts)
{
	MarkState	state = {0};
	uint64		failed_version = 0;

	memset(counts, 0, sizeof(*counts));
	for (;;)
	{
		MarkPass	pass = {
			.index = index, .is_dead = is_dead, .arg = arg, .state = &state, .counts = counts
		};
		bool		complete;
		uint64		now;
		uint64		epoch = 0;

		CHECK_FOR_INTERRUPTS();

		/* live rows are counted anew by each pass */
		counts->live = 0;
		pass.context = AllocSetContextCreate(CurrentMemoryContext, "barq mark",
											 ALLOCSET_DEFAULT_SIZES);
		complete = barq_try_reading(run_pass, &pass);
		MemoryContextDelete(pass.context);
		if (!complete)
		{
			barq_meta_check_moved(index, pass.version, &failed_version);
			continue;
		}

		barq_step("vacuum: marked");

		/*
		 * L5: counts first, then the epoch. A publisher that swaps the directory
		 * after the bump has read our marks; a publisher that swapped earlier has
		 * changed the version.
		 */
		barq_directory_set_dead(index, state.done, state.count);
		barq_step("vacuum: counted");
		if (counts->marked + counts->met > 0)
			now = barq_meta_bump_dead_epoch(index, &epoch);
		else
		{
			BarqMeta	meta;

			barq_meta_read(index, &meta);
			now = meta.directory_version;
		}
		Assert(now >= pass.version);	/* L2 */
		if (now != pass.version)
			continue;
		if (counts->marked > 0)
			barq_announce_directory(index, now, epoch);
		return;
	}
}
