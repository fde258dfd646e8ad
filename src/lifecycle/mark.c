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

/* One pass over the index as it is now. */
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

/* Mark log and segments; false if one was replaced meanwhile. */
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
		MarkPass	pass = {index, is_dead, arg, &state, counts};
		bool		complete;
		uint64		now;

		CHECK_FOR_INTERRUPTS();

		/* what lives is counted anew by each pass */
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
		if (now == pass.version)
			return;
	}
}
