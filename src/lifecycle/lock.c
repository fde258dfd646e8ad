/*
 * lock.c
 *	  The maintenance lock (README.md, L1): taking it, finding out whether a
 *	  backend holds it. No lock is waited for here; callers poll.
 */
#include "postgres.h"

#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/sinvaladt.h"
#include "utils/wait_event.h"

/* Time between two attempts to take a lock. */
#define LOCK_TRY_MS		5

bool
barq_maintenance_try_lock(Relation index)
{
	return barq_try_lock_relation(index, ShareUpdateExclusiveLock,
								  "maintenance: try lock");
}

void
barq_maintenance_unlock(Relation index)
{
	Assert(CheckRelationLockedByMe(index, ShareUpdateExclusiveLock, false));	/* L1 */
	barq_unlock_relation(index, ShareUpdateExclusiveLock, "maintenance: unlock");
}

bool
barq_maintenance_is_held(Relation index)
{
	if (!barq_maintenance_try_lock(index))
		return true;
	barq_maintenance_unlock(index);
	return false;
}

bool
barq_maintenance_is_held_by_worker(Relation index)
{
	LOCKTAG		tag;
	VirtualTransactionId *holders;
	int			n;
	bool		found = false;

	SET_LOCKTAG_RELATION(tag, index->rd_lockInfo.lockRelId.dbId,
						 index->rd_lockInfo.lockRelId.relId);
	holders = GetLockConflicts(&tag, ShareUpdateExclusiveLock, &n);
	for (int i = 0; i < n && !found; i++)
	{
		PGPROC	   *proc = BarqVxidProc(holders[i]);
		const char *type = proc ? GetBackgroundWorkerTypeByPid(proc->pid) : NULL;

		if (type != NULL && strcmp(type, BARQ_WORKER_TYPE) == 0)
			found = true;
	}
	pfree(holders);
	return found;
}

void
barq_nap(long ms, uint32 wait_event)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, wait_event);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

bool
barq_lock_within(Relation index, bool (*try_lock) (Relation index), int tries)
{
	for (int i = 0; i < tries; i++)
	{
		if (i > 0)
			barq_nap(LOCK_TRY_MS, PG_WAIT_EXTENSION);
		if (try_lock(index))
			return true;
	}
	return false;
}
