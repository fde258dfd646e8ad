/*
 * page_step.c
 *	  Steps that write pages: however such a step ends, the pages that nothing reaches
 *	  then are given back (README.md, L14).
 *
 * An error gives them back at once. A process that exits in the middle of a step
 * gives back some of them; after a crash nobody does. For these cases the metapage
 * notes that a step is under way (BarqUpkeep.pages_pending), and the next holder of
 * the maintenance lock looks for pages that nothing reaches.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/interrupts.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "access/xloginsert.h"
#include "utils/memutils.h"

/*
 * Pages that a process gives back while it exits, so that another one, which waits
 * for the index, gets it soon.
 */
#define MAX_PAGES_AT_EXIT	1024

/* A step under way. */
typedef struct PageStep
{
	Relation	index;
	BarqBlockList unreached;	/* pages that nothing reaches */
	MemoryContext context;		/* of the caller */
	bool		pending_before; /* another step has left pages behind */
	const uint8 *image;			/* id of the segment that it makes, or NULL */
} PageStep;

/* Set or clear BarqUpkeep.pages_pending. Returns its former value. */
static bool
note_pending(Relation index, bool pending)
{
	BarqMeta	meta;
	bool		before;

	barq_meta_read(index, &meta);
	before = meta.upkeep.pages_pending != 0;
	if (before != pending)
	{
		meta.upkeep.pages_pending = pending;
		barq_meta_set_upkeep(index, &meta.upkeep);
	}
	return before;
}

/*
 * Bring buffers, locks and WAL insertion into a state in which pages can be written
 * again, as AbortTransaction() does at first. The transaction still aborts.
 */
static void
clean_after_error(void)
{
	LWLockReleaseAll();
	pgstat_report_wait_end();
	BarqAbortBufferIO();
	UnlockBuffers();
	BarqReleaseBufferLocks();
	XLogResetInsertion();
	ConditionVariableCancelSleep();
	LockErrorCleanup();
}

void
barq_drop_unpublished_image(Relation index, const uint8 *id)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, NULL);
	bool		keep = memcmp(meta.upkeep.merge, id, BARQ_ID_BYTES) == 0;

	for (uint32 i = 0; i < meta.segments; i++)
		keep |= memcmp(descs[i].id, id, BARQ_ID_BYTES) == 0;
	pfree(descs);
	if (!keep)
		barq_image_remove(index, id);
}

/* Call undo(arg) after an error; ignores errors of its own. */
static void
try_undo(MemoryContext context, void (*undo) (void *arg), void *arg)
{
	clean_after_error();
	PG_TRY();
	{
		undo(arg);
	}
	PG_CATCH();
	{
		/* the error that came first is the one to report */
		MemoryContextSwitchTo(context);
		FlushErrorState();
		clean_after_error();
	}
	PG_END_TRY();
}

void
barq_undo_and_rethrow(MemoryContext context, void (*undo) (void *arg), void *arg)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	try_undo(context, undo, arg);
	ReThrowError(error);
}

/* Free the pages of a step that failed, and the image of its segment. */
static void
undo_step(void *arg)
{
	PageStep   *step = arg;

	barq_pages_free(step->index, &step->unreached);
	if (!step->pending_before)
		(void) note_pending(step->index, false);
	if (step->image != NULL)
		barq_drop_unpublished_image(step->index, step->image);
}

/*
 * Callback of PG_ENSURE_ERROR_CLEANUP, after an error or in a process that exits. That
 * process leaves a large step to the next holder of the maintenance lock.
 */
static void
give_back(int code, Datum arg)
{
	PageStep   *step = (PageStep *) DatumGetPointer(arg);

	if (!proc_exit_inprogress)
		barq_undo_and_rethrow(step->context, undo_step, step);

	/* the hook may have ended this process: it would try that again */
	barq_interrupts_hook = NULL;
	if (step->unreached.count <= MAX_PAGES_AT_EXIT)
		try_undo(step->context, undo_step, step);
}

void
barq_run_page_step(Relation index, BarqPageStep run, const uint8 *image, void *arg)
{
	PageStep	step = {.index = index, .context = CurrentMemoryContext, .image = image};

	Assert(barq_may_maintain(index));	/* L1 */

	/* the file of a new index goes with its transaction */
	if (BarqRelationIsNew(index))
	{
		run(index, arg, &step.unreached);
		barq_pages_free(index, &step.unreached);
		return;
	}

	step.pending_before = note_pending(index, true);
	PG_ENSURE_ERROR_CLEANUP(give_back, PointerGetDatum(&step));
	{
		run(index, arg, &step.unreached);
		barq_pages_free(index, &step.unreached);
		if (!step.pending_before)
			(void) note_pending(index, false);
	}
	PG_END_ENSURE_ERROR_CLEANUP(give_back, PointerGetDatum(&step));
}

void
barq_begin_maintenance(Relation index)
{
	BarqMeta	meta;

	Assert(barq_may_maintain(index));	/* L1 */
	barq_merge_expire(index);
	barq_meta_read(index, &meta);
	if (meta.upkeep.pages_pending == 0 || BarqRelationIsNew(index))
		return;
	if (barq_free_lost(index))
		(void) note_pending(index, false);

	/* the image of the segment that was not published */
	barq_image_tidy(index);
}
