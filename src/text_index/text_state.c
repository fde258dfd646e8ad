/*
 * text_state.c
 *	  Opening an index of text for one search: its segments and its log at one
 *	  moment.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/view.h"
#include "utils/memutils.h"

/* One attempt of barq_text_with_state(). */
typedef struct Attempt
{
	BarqTextState state;
	MemoryContext context;		/* of the state; reset before the next attempt */
	BarqTextWork work;
	void	   *arg;
} Attempt;

/* For barq_try_reading(): open the state and call work; false: the log was sealed. */
static bool
attempt_work(void *arg)
{
	Attempt    *attempt = arg;
	BarqTextState *state = &attempt->state;

	MemoryContextSwitchTo(attempt->context);
	state->snapshot = barq_snapshot_get(state->index, &state->meta, true, attempt->context);
	state->views = barq_snapshot_views(state->snapshot, state->index, false);
	if (!barq_text_log_open(state->index, state->snapshot, &state->meta, &state->log))
		return false;
	attempt->work(state, attempt->arg);
	return true;
}

void
barq_text_with_state(Relation index, BarqTextWork work, void *arg)
{
	Attempt		attempt = {.work = work, .arg = arg};
	uint64		failed_version = 0;

	Assert(CheckRelationLockedByMe(index, AccessShareLock, true));
	attempt.context = AllocSetContextCreate(CurrentMemoryContext, "barq text search",
											ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		memset(&attempt.state, 0, sizeof(attempt.state));
		attempt.state.index = index;
		if (barq_try_reading(attempt_work, &attempt))
			break;
		barq_meta_check_moved(index, attempt.state.meta.directory_version, &failed_version);
		MemoryContextReset(attempt.context);
	}
	MemoryContextDelete(attempt.context);
}
