/*
 * lock.c
 *	  The maintenance lock; trying for a lock that is never waited for; waiting
 *	  a moment.
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "base/steps.h"
#include "utils/wait_event.h"

/* Between two tries for a lock. */
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
	barq_unlock_relation(index, ShareUpdateExclusiveLock, "maintenance: unlock");
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
