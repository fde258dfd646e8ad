/*
 * text_state.c
 *	  An index of text as one search sees it: segments and log of one moment.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "miscadmin.h"
#include "store/view.h"
#include "utils/memutils.h"

/* False: the log was sealed meanwhile; start again (barq_meta_check_moved). */
static bool
open_state(BarqTextState *state, Relation index)
{
	int			page_views = 0;

	state->index = index;
	state->snapshot = barq_snapshot_get(index, &state->meta, true, CurrentMemoryContext);
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		page_views += state->snapshot->segments[i].mapping == NULL;
	state->views = palloc0(sizeof(BarqView) * Max(state->snapshot->nsegments, 1));
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		barq_snapshot_view(state->snapshot, i, index, page_views, &state->views[i]);
	return barq_text_log_open(index, state->snapshot, &state->meta, &state->log);
}

/*
 * A page reader finds out in the depth of a search that its segment is gone,
 * and says so with an error of its own, raised with no lock or pin held:
 * catching it loses memory only, which the reset frees.
 */
void
barq_text_with_state(Relation index, BarqTextWork work, void *arg)
{
	MemoryContext old = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(old, "barq text search",
												  ALLOCSET_DEFAULT_SIZES);
	uint64		failed_version = 0;

	for (;;)
	{
		BarqTextState state = {0};
		volatile bool done = false;

		CHECK_FOR_INTERRUPTS();
		PG_TRY();
		{
			MemoryContextSwitchTo(context);
			done = open_state(&state, index);
			if (done)
				work(&state, arg);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(old);
			if (geterrcode() != ERRCODE_BARQ_SEGMENT_GONE)
				PG_RE_THROW();
			FlushErrorState();
			done = false;
		}
		PG_END_TRY();
		MemoryContextSwitchTo(old);
		if (done)
			break;
		barq_meta_check_moved(index, state.meta.directory_version, &failed_version);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}
