/*
 * worker_start.c
 *	  A backend's side of background workers: whether one could serve an index, and
 *	  starting it. No shared memory is needed: a worker that finds the maintenance
 *	  lock taken exits.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/memutils.h"
#include "utils/rel.h"

StaticAssertDecl(sizeof(BarqWorkerOrder) <= BGW_EXTRALEN, "BarqWorkerOrder must fit");

/* The worker that this backend started last, its index, and the version then. */
static BackgroundWorkerHandle *last_worker = NULL;
static Oid	last_worker_index = InvalidOid;
static uint64 last_worker_version = 0;

/*
 * Does the last worker that this backend started serve this index and still run?
 * Takes an LWLock for a moment. A worker that has published since and does not hold
 * the lock has looked at the log for the last time and is about to exit, so it does
 * not count (L11).
 */
static bool
last_worker_serves(Relation index, uint64 version)
{
	BgwHandleStatus status;
	pid_t		pid;

	if (last_worker == NULL)
		return false;
	status = GetBackgroundWorkerPid(last_worker, &pid);
	return last_worker_index == RelationGetRelid(index) &&
		last_worker_version == version &&
		(status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED);
}

bool
barq_worker_may_serve(Relation index)
{
	return barq_background && IsUnderPostmaster &&
		!RELATION_IS_LOCAL(index) &&
		!BarqRelationIsNew(index) &&
		!CheckRelationLockedByMe(index, ShareUpdateExclusiveLock, true);
}

bool
barq_worker_start(Relation index, bool shorten)
{
	BackgroundWorker worker;
	BarqWorkerOrder order;
	BarqMeta	meta;
	MemoryContext old;
	bool		started;

	barq_meta_read(index, &meta);
	if (last_worker_serves(index, meta.directory_version))
		return true;
	if (!barq_slot_is_free(BARQ_SLOT_WORKER))
		return false;
	if (last_worker != NULL)
		pfree(last_worker);
	last_worker = NULL;

	memset(&order, 0, sizeof(order));
	order.database = MyDatabaseId;
	order.index = RelationGetRelid(index);
	order.shorten = shorten;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "barq", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "barq_worker_main",
			sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "barq worker for index %u", order.index);
	strlcpy(worker.bgw_type, BARQ_WORKER_TYPE, BGW_MAXLEN);
	memcpy(worker.bgw_extra, &order, sizeof(order));

	old = MemoryContextSwitchTo(TopMemoryContext);
	started = RegisterDynamicBackgroundWorker(&worker, &last_worker);
	MemoryContextSwitchTo(old);
	if (!started)
		last_worker = NULL;
	last_worker_index = RelationGetRelid(index);
	last_worker_version = meta.directory_version;
	return started;
}
