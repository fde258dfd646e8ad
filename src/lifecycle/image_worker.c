/*
 * image_worker.c
 *	  The image worker: makes the missing images of an index and verifies the
 *	  others, so that a search never does more of that than takes it a few
 *	  milliseconds. It runs on standbys too, where maintenance does not.
 *
 * It works in steps, each in a transaction of its own under AccessShareLock, which it
 * never waits for: DDL on the index waits for one step and the worker then finds the
 * lock taken and exits (L17). It is one of barq.max_workers during a step only, so a
 * merge waits for its slot as long at most; if all slots are taken, it exits, and
 * searches make images part by part themselves.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "base/steps.h"
#include "catalog/pg_database.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "store/image.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PGDLLEXPORT void barq_image_worker_main(Datum arg);

/* Bytes that one step makes or verifies: some 30 ms. Few where steps are tested. */
#ifdef BARQ_CRASH_POINTS
#define STEP_BYTES		(UINT64CONST(64) * 1024)
#else
#define STEP_BYTES		(UINT64CONST(32) * 1024 * 1024)
#endif

/* Time for which a backend does not start another worker for the same index. */
#define AGAIN_MS		10000

typedef struct ImageOrder
{
	Oid			database;
	Oid			index;
} ImageOrder;

StaticAssertDecl(sizeof(ImageOrder) <= BGW_EXTRALEN, "ImageOrder must fit");

/* The image worker that this backend started last, and its index. */
static BackgroundWorkerHandle *last_worker = NULL;
static Oid	last_index = InvalidOid;
static TimestampTz last_start = 0;

/*
 * Take the lock of the one process that works on the images of an index, LockPage 1,
 * until the transaction ends. Does not wait; returns whether it was free.
 */
static bool
try_images_lock(Relation index)
{
	return barq_try_lock_images(index, "image worker: lock");
}

/*
 * Make or verify STEP_BYTES at most of the images of an index. Returns whether more
 * is left that this process can do. Failures to make one are logged.
 */
static bool
step(Relation index)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, NULL);

	for (uint32 i = 0; i < meta.segments; i++)
	{
		BarqMapping *mapping = NULL;
		char	   *reason = NULL;
		bool		verified;
		BarqImageResult result = barq_image_map(index, &descs[i], &mapping, &reason);

		if (result == BARQ_IMAGE_READY)
		{
			verified = barq_mapping_is_verified(mapping) ||
				!barq_image_is_read_whole(descs[i].body_bytes);
			if (!verified)
				(void) barq_mapping_verify(mapping, STEP_BYTES);
			barq_mapping_unpin(mapping);
			if (!verified)
				return true;
			continue;
		}
		if (result == BARQ_IMAGE_NONE)
			result = barq_image_make_part(index, &descs[i], STEP_BYTES, &reason);
		if (result == BARQ_IMAGE_READY)
			barq_image_tidy(index);
		if (result == BARQ_IMAGE_READY || result == BARQ_IMAGE_PART)
			return true;
		if (result == BARQ_IMAGE_FAILED)
		{
			ereport(LOG,
					(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					 errmsg("could not make the image of a segment of index \"%s\"",
							RelationGetRelationName(index)),
					 errdetail_internal("%s", reason)));
			return false;
		}
	}
	return false;
}

/* Does a command on the database wait for its other sessions? */
static bool
database_is_wanted(void)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, RowExclusiveLock, false);
	return false;
}

/*
 * One step for the index with this OID, in a transaction of its own. Returns whether
 * more is left.
 */
static bool
run_step(Oid oid)
{
	bool		more = false;
	Relation	index;

	Assert(!IsTransactionState());
	StartTransactionCommand();
	if (!database_is_wanted() && barq_slot_take(BARQ_SLOT_WORKER) &&
		barq_try_lock_relation_oid(oid, AccessShareLock, "image worker: lock index"))
	{
		index = try_relation_open(oid, NoLock);
		if (index != NULL)
		{
			if (barq_is_barq_index(index) && index->rd_index->indisready &&
				try_images_lock(index))
			{
				pgstat_report_activity(STATE_RUNNING,
									   psprintf("barq: making images of %s",
												RelationGetRelationName(index)));
				InvalidateCatalogSnapshot();
				more = step(index);
			}
			relation_close(index, NoLock);
		}
	}
	CommitTransactionCommand();
	return more;
}

/*
 * Make and verify all images of an index, outside of any transaction. Ends early,
 * without an error, where another process holds a lock on the index or works on its
 * images, or an image cannot be made. Errors of barq_image_make_part().
 */
static void
serve_images(Oid oid)
{
	while (run_step(oid))
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
}

/* Does another process work on the images of the index? Takes its lock for an instant. */
static bool
is_served(Relation index)
{
	if (!try_images_lock(index))
		return true;
	barq_unlock_images(index, "image worker: unlock");
	return false;
}

bool
barq_images_ask_worker(Relation index)
{
	BackgroundWorker worker;
	ImageOrder	order = {MyDatabaseId, RelationGetRelid(index)};
	MemoryContext old;
	pid_t		pid;

	/* no other process sees a new or a temporary index */
	if (!barq_background || !IsUnderPostmaster || RELATION_IS_LOCAL(index) ||
		BarqRelationIsNew(index))
		return false;
	if (last_worker != NULL && last_index == order.index)
	{
		BgwHandleStatus status = GetBackgroundWorkerPid(last_worker, &pid);

		if (status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED)
			return true;

		/* it could not, or gave way: this backend goes on by itself for a while */
		if (!TimestampDifferenceExceeds(last_start, GetCurrentTimestamp(), AGAIN_MS))
			return is_served(index);
	}
	if (is_served(index))
		return true;
	if (!barq_slot_is_free(BARQ_SLOT_WORKER))
		return false;

	if (last_worker != NULL)
		pfree(last_worker);
	last_worker = NULL;
	barq_describe_worker(&worker, BgWorkerStart_ConsistentState, "barq_image_worker_main",
						 "barq image worker",
						 psprintf("barq image worker for index %u", order.index));
	memcpy(worker.bgw_extra, &order, sizeof(order));

	old = MemoryContextSwitchTo(TopMemoryContext);
	if (!RegisterDynamicBackgroundWorker(&worker, &last_worker))
		last_worker = NULL;
	MemoryContextSwitchTo(old);
	last_index = order.index;
	last_start = GetCurrentTimestamp();
	return last_worker != NULL;
}

/* bgw_main of an image worker; its ImageOrder is in bgw_extra. */
void
barq_image_worker_main(Datum arg)
{
	ImageOrder	order;

	memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
	barq_begin_worker(order.database);
	SetCurrentStatementStartTimestamp();
	serve_images(order.index);
	proc_exit(0);
}
