/*
 * worker.c
 *	  The dynamic background worker: seals and compacts one index, then exits.
 *
 * Needs no shared memory and no shared_preload_libraries: who works on an index
 * holds its maintenance lock, so a second worker finds it taken and leaves. A
 * worker never waits for a heavyweight lock, registers no snapshot, and takes
 * no transaction id but for a cut, with which it ends, so nobody ever waits for
 * it longer than it takes to notice.
 */
#include "postgres.h"

#include <sched.h>
#include <sys/resource.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "base/settings.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "base/interrupts.h"
#include "base/steps.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* How often a worker looks whether someone waits for it. */
#define INDEX_CHECK_MS		100
#define DATABASE_CHECK_MS	1000

/* What a worker is told; bgw_extra holds it. */
typedef struct WorkerOrder
{
	Oid			database;
	Oid			index;
	int			growing_limit;	/* as set in the session that starts it */
	int			compaction_ratio;
	int			max_segments;
	bool		shorten;
} WorkerOrder;

StaticAssertDecl(sizeof(WorkerOrder) <= BGW_EXTRALEN, "WorkerOrder must fit");

/* In a worker: the index it holds. NULL in a backend. */
static Relation worker_index = NULL;
static TimestampTz next_index_check;
static TimestampTz next_database_check;

/* How little of the processors' time a worker is content with, see nice(2). */
#define WORKER_NICE			10

/* In a backend: the worker it started last, for which index, at which version. */
static BackgroundWorkerHandle *last_worker = NULL;
static Oid	last_worker_index = InvalidOid;
static uint64 last_worker_version = 0;

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
	WorkerOrder order;
	BarqMeta	meta;
	MemoryContext old;
	pid_t		pid;
	bool		started;

	barq_meta_read(index, &meta);
	if (last_worker != NULL)
	{
		BgwHandleStatus status = GetBackgroundWorkerPid(last_worker, &pid);

		/*
		 * One that has published and yet does not hold the lock has looked at
		 * the log for the last time, and is only on its way out.
		 */
		if (last_worker_index == RelationGetRelid(index) &&
			last_worker_version == meta.directory_version &&
			(status == BGWH_STARTED || status == BGWH_NOT_YET_STARTED))
			return true;
		pfree(last_worker);
		last_worker = NULL;
	}

	memset(&order, 0, sizeof(order));
	order.database = MyDatabaseId;
	order.index = RelationGetRelid(index);
	order.growing_limit = barq_growing_limit;
	order.compaction_ratio = barq_compaction_ratio;
	order.max_segments = barq_max_segments;
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

/* Leave without publishing: what was written is unreachable. */
static void
give_way(const char *to)
{
	ereport(DEBUG1,
			(errmsg_internal("barq worker gives way to a waiting %s", to)));
	proc_exit(0);
}

static void
report_doing(const char *what)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(worker_index));
	char	   *activity = psprintf("%s %s.%s", what, schema,
									RelationGetRelationName(worker_index));

	pgstat_report_activity(STATE_RUNNING, activity);
	pfree(activity);

	/* a catalog snapshot left behind would hold back VACUUM */
	InvalidateCatalogSnapshot();
}

static bool
log_is_long(void)
{
	BarqMeta	meta;

	barq_meta_read(worker_index, &meta);
	return (uint64) meta.growing_pages * BLCKSZ >= (uint64) barq_growing_limit * 1024;
}

/*
 * A long merge must not let the log grow: whoever searches reads all of it. No
 * log is sealed while one is.
 */
static void
seal_meanwhile(void)
{
	if (!barq_merging || !log_is_long())
		return;
	barq_merging = false;
	report_doing("barq: sealing");
	barq_seal_log(worker_index);
	report_doing("barq: compacting");
	barq_merging = true;
}

/*
 * What barq_check_interrupts() does in a worker besides: whoever waits for its
 * index or its database has precedence, and what is not published is dropped.
 */
static void
watch_for_waiters(void)
{
	TimestampTz now = GetCurrentTimestamp();
	LOCKTAG		tag;

	/* whoever waits for this processor need not wait for our slice's end */
	(void) sched_yield();

	if (now < next_index_check)
		return;
	next_index_check = TimestampTzPlusMilliseconds(now, INDEX_CHECK_MS);

	/* only ever with the mode that is really held */
	if (LockHasWaitersRelation(worker_index, ShareUpdateExclusiveLock))
		give_way("lock of the index");
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		if (!barq_background)
			give_way("setting");
	}
	seal_meanwhile();

	if (now < next_database_check)
		return;
	next_database_check = TimestampTzPlusMilliseconds(now, DATABASE_CHECK_MS);

	/* DROP DATABASE, CREATE DATABASE … TEMPLATE hold a lock and count us */
	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		give_way("command on the database");
	LockRelease(&tag, RowExclusiveLock, false);
}

void
barq_worker_watch(Relation index)
{
	worker_index = index;
	next_index_check = next_database_check = 0;
	barq_interrupts_hook = index != NULL ? watch_for_waiters : NULL;
}

/* Seal and compact while there is reason to; false if there was none. */
static bool
serve_index(void)
{
	bool		served = false;

	for (;;)
	{
		uint64		sealed = 0;

		barq_check_interrupts();
		if (log_is_long())
		{
			report_doing("barq: sealing");
			sealed = barq_seal_log(worker_index);
		}

		/* one merge, then the log again: it must not grow behind a long queue */
		report_doing("barq: compacting");
		if (!barq_compact_next(worker_index) && sealed == 0)
			return served;
		served = true;
	}
}

/*
 * The last look at the log is taken without the maintenance lock: inserts that
 * have found the lock taken rely on us, those that find it free help
 * themselves. Returns whether the free end of the file is to be cut off; not
 * where the file is not to be made shorter.
 */
static bool
serve_until_short(bool shorten)
{
	bool		served = true;
	BarqShrink	shrink = BARQ_SHRINK_NOTHING;

	/* inserts take the lock for an instant, to look; others keep it */
	while (served &&
		   barq_lock_within(worker_index, barq_maintenance_try_lock, BARQ_LOCK_TRIES) &&
		   worker_index->rd_index->indisready)
	{
		barq_interrupts_hook = watch_for_waiters;
		served = serve_index();
		while (shorten && !log_is_long() &&
			   (shrink = barq_move_down(worker_index, BARQ_FREE_SHARE_AT_WORK)) ==
			   BARQ_SHRINK_MORE)
			served = true;
		barq_interrupts_hook = NULL;
		barq_maintenance_unlock(worker_index);
		served = served && log_is_long();
	}
	return shrink == BARQ_SHRINK_CUT;
}

void
barq_worker_main(Datum arg)
{
	WorkerOrder order;
	Relation	index;

	memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();

	/* searches and inserts have precedence; that it fails does not matter */
	(void) setpriority(PRIO_PROCESS, 0, WORKER_NICE);
	BackgroundWorkerInitializeConnectionByOid(order.database, InvalidOid,
											  BGWORKER_BYPASS_ALLOWCONN);

	barq_growing_limit = order.growing_limit;
	barq_compaction_ratio = order.compaction_ratio;
	barq_max_segments = order.max_segments;

#if PG_VERSION_NUM >= 170000
	/* meant for statements: a long merge would never come to its end */
	SetConfigOption("transaction_timeout", "0", PGC_SUSET, PGC_S_OVERRIDE);
#endif
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, "barq: opening index");

	/* whoever drops it needs none of us */
	if (barq_try_lock_relation_oid(order.index, AccessShareLock, "worker: lock index"))
	{
		index = try_relation_open(order.index, NoLock);
		if (index != NULL)
		{
			worker_index = index;
			if (barq_is_barq_index(index) && serve_until_short(order.shorten))
				(void) barq_cut_end(index); /* the last thing: it needs an id */
			worker_index = NULL;
			relation_close(index, NoLock);
		}
	}
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	proc_exit(0);
}
