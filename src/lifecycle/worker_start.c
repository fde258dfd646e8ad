/*
 * worker_start.c
 *	  A backend's side of background workers: whether one could serve an index, and
 *	  starting it; and the beginnings that all workers have in common. No shared memory is needed: a worker that finds the maintenance
 *	  lock taken exits.
 */
#include "postgres.h"

#include <sys/resource.h>

#include "base/compat.h"
#include "base/settings.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

StaticAssertDecl(sizeof(BarqWorkerOrder) <= BGW_EXTRALEN, "BarqWorkerOrder must fit");

/* See nice(2): searches and inserts get most of the processors' time. */
#define WORKER_NICE			10

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

void
barq_describe_worker(BackgroundWorker *worker, BgWorkerStartTime start_time,
					 const char *function, const char *type, const char *name)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = start_time;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "barq", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, name, BGW_MAXLEN);
	strlcpy(worker->bgw_type, type, BGW_MAXLEN);
}

void
barq_begin_worker(Oid database)
{
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	/* a failure does not matter */
	(void) setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);

#if PG_VERSION_NUM >= 170000
	/* it is meant for statements: a long merge would never finish */
	SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
#endif
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

	barq_describe_worker(&worker, BgWorkerStart_RecoveryFinished, "barq_worker_main",
						 BARQ_WORKER_TYPE, psprintf("barq worker for index %u", order.index));
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
