/*
 * slots.c
 *	  Numbers of background processes that the whole server is limited to: workers and
 *	  image workers together (barq.max_workers) and helpers of merges (max_parallel_maintenance_workers).
 *
 * A slot is a heavyweight lock on a number, held as long as the process or the merge
 * needs it. So no shared memory is needed, and a slot is free again however its holder
 * ends. Locks are taken only if they are free. They are of a sort that a standby grants
 * too, where image workers run, and that nothing else uses.
 */
#include "postgres.h"

#include "access/xlogutils.h"
#include "base/settings.h"
#include "base/steps.h"
#include "catalog/pg_am.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "storage/lock.h"

/* Marks the locks as those of slots. */
#define SLOT_OBJECT		0xBA51

/* The lock of slot i of a kind. */
static void
set_tag(LOCKTAG *tag, BarqSlotKind kind, int i)
{
	Assert(i < BARQ_MAX_WORKERS);
	memset(tag, 0, sizeof(*tag));
	tag->locktag_field2 = AccessMethodRelationId;
	tag->locktag_field3 = SLOT_OBJECT + kind;
	tag->locktag_field4 = (uint16) i;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
}

/* Slots of a kind. */
static int
slots_of(BarqSlotKind kind)
{
	return kind == BARQ_SLOT_WORKER ? barq_max_workers :
		Min(max_parallel_maintenance_workers, BARQ_MAX_WORKERS);
}

bool
barq_slot_take(BarqSlotKind kind)
{
	for (int i = 0; i < slots_of(kind); i++)
	{
		LOCKTAG		tag;

		set_tag(&tag, kind, i);

		/* this process may hold some already */
		if (!BarqHoldsLock(&tag, ExclusiveLock) &&
			LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
			return true;
	}
	return false;
}

void
barq_slots_release(BarqSlotKind kind)
{
	for (int i = 0; i < BARQ_MAX_WORKERS; i++)
	{
		LOCKTAG		tag;

		set_tag(&tag, kind, i);
		if (BarqHoldsLock(&tag, ExclusiveLock))
			(void) LockRelease(&tag, ExclusiveLock, false);
	}
}

int
barq_slots_taken(BarqSlotKind kind)
{
	int			taken = 0;

	for (int i = 0; i < slots_of(kind); i++)
	{
		LOCKTAG		tag;
		VirtualTransactionId *holders;
		int			n;

		set_tag(&tag, kind, i);
		holders = GetLockConflicts(&tag, ExclusiveLock, &n);
		taken += n > 0 || BarqHoldsLock(&tag, ExclusiveLock);
		if (!InHotStandby)
			pfree(holders);
	}
	return taken;
}

bool
barq_slot_is_free(BarqSlotKind kind)
{
	return barq_slots_taken(kind) < slots_of(kind);
}
