/*
 * cut_end.c
 *	  Cutting free pages off the end of the file (README.md, "Shrinking" and L9).
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/steps.h"
#include "commands/vacuum.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "catalog/storage.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* A shorter free end, in pages or as a part of the file, is not cut. */
#define MIN_END_PAGES	4
#define MIN_END_PART	16

/* How often, and at which interval, a worker checks whether the index is unused. */
#define QUIET_TRIES		100
#define QUIET_MS		20

bool
barq_end_is_long(const BarqReachable *reachable)
{
	return reachable->nblocks - reachable->end >=
		Max(MIN_END_PAGES, reachable->nblocks / MIN_END_PART);
}

bool
barq_table_allows_cut(Relation index)
{
	Relation	table = RelationIdGetRelation(index->rd_index->indrelid);
	bool		allows;

	if (!RelationIsValid(table))
		return false;
	allows = BarqMayTruncate((StdRdOptions *) table->rd_options);
	RelationClose(table);
	return allows;
}

static bool
try_lock_for_cut(Relation index)
{
	return barq_try_lock_relation(index, AccessExclusiveLock, "cut: try lock");
}

/*
 * Wait until no other backend has the index open, above all the VACUUM that
 * started this worker; for at most QUIET_TRIES * QUIET_MS, because DROP DATABASE
 * waits for the worker. The worker has no transaction id meanwhile (L10).
 */
static void
wait_for_quiet(Relation index)
{
	LOCKTAG		tag;
	int			n = 1;

	SET_LOCKTAG_RELATION(tag, index->rd_lockInfo.lockRelId.dbId,
						 index->rd_lockInfo.lockRelId.relId);
	for (int i = 0; i < QUIET_TRIES && n > 0; i++)
	{
		if (i > 0)
			barq_nap(QUIET_MS, PG_WAIT_EXTENSION);
		pfree(GetLockConflicts(&tag, AccessExclusiveLock, &n));
	}
}

/*
 * Could this session cut now? No side effects. True if there is no transaction
 * block that would keep the lock, no second reference to the index (an open cursor,
 * say), no vacuum_truncate of the table against it.
 */
static bool
may_cut(Relation index)
{
	return !IsInParallelMode() && !IsInTransactionBlock(true) && index->rd_refcnt <= 1 &&
		barq_table_allows_cut(index);
}

BlockNumber
barq_cut_end(Relation index)
{
	bool		is_worker = MyBackendType == B_BG_WORKER;
	MemoryContext context;
	MemoryContext old;
	BarqReachable reachable;
	BlockNumber cut = 0;

	if (is_worker)
		wait_for_quiet(index);

	/* a worker tries once: while it has an id, VACUUM keeps rows that died since */
	if (!may_cut(index) ||
		!barq_lock_within(index, try_lock_for_cut, is_worker ? 1 : BARQ_LOCK_TRIES))
		return 0;

	/* L9: under this lock no scan remembers a page and no insert has taken one */
	context = AllocSetContextCreate(CurrentMemoryContext, "barq cut",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	barq_find_reachable(index, &reachable);
	if (barq_end_is_long(&reachable))
	{
		Assert(CheckRelationLockedByMe(index, AccessExclusiveLock, false)); /* L9 */
		Assert(reachable.nblocks == RelationGetNumberOfBlocks(index));	/* L9 */
		cut = reachable.nblocks - reachable.end;
		barq_truncate_relation(index, reachable.end, "cut: truncate");
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	barq_unlock_relation(index, AccessExclusiveLock, "cut: unlock");
	return cut;
}
