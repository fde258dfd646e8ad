/*
 * worker.c
 *	  The dynamic background worker: seals and compacts one index, then exits.
 *
 * A worker holds the maintenance lock while it works; it releases the lock or
 * exits soon after another backend begins to wait for the index (L10). It never
 * waits for a heavyweight lock and registers no snapshot. It takes a transaction
 * id only for a cut, which is the last thing it does.
 */
#include "postgres.h"

#include <sched.h>

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "base/compat.h"
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

PGDLLEXPORT void barq_worker_main(Datum arg);

/* Intervals at which a worker checks whether another backend waits for it. */
#define INDEX_CHECK_MS		100
#define DATABASE_CHECK_MS	1000

/* The shortest sleep for barq.maintenance_rate. */
#define RATE_NAP_MS			10

/* Time between two attempts to become one of barq.max_workers. */
#define SLOT_TRY_MS			5

/* The index that this process serves; NULL in a backend. */
static Relation worker_index = NULL;
static TimestampTz next_index_check;
static TimestampTz next_database_check;

/* Exit without publishing: pages written so far are unreachable. */
static void
give_way(const char *to)
{
	ereport(DEBUG1,
			(errmsg_internal("barq worker gives way to a waiting %s", to)));
	proc_exit(0);
}

/* The wait event of a worker that is faster than barq.maintenance_rate. */
static uint32
rate_event(void)
{
	static uint32 event = 0;

	if (event == 0)
		event = BarqWaitEvent("BarqMaintenanceRate");
	return event;
}

/* Show "<what> <schema>.<index>" in pg_stat_activity. */
static void
report_doing(const char *what)
{
	char	   *schema = get_namespace_name(RelationGetNamespace(worker_index));
	char	   *activity = psprintf("%s %s.%s", what, schema,
									RelationGetRelationName(worker_index));

	pgstat_report_activity(STATE_RUNNING, activity);
	pfree(activity);

	/* a catalog snapshot that is kept would hold back VACUUM */
	InvalidateCatalogSnapshot();
}

/* Has the log reached growing_limit? Reads the metapage, under its buffer lock. */
static bool
log_is_long(void)
{
	BarqMeta	meta;
	BarqPolicy	policy;

	barq_policy_of(worker_index, &policy);
	barq_meta_read(worker_index, &meta);
	return (uint64) meta.growing_pages * BLCKSZ >= policy.growing_limit;
}

/* When a worker looks at the log next, while it merges. */
typedef struct LogWatch
{
	TimestampTz next_look;
} LogWatch;

/*
 * BarqMergeHost.at_point: seal the log, if it is long, in the middle of a merge of this
 * process, and run the small merge that may be due then. Searches scan the whole log, and
 * a merge may take long. Looks at the log at most every INDEX_CHECK_MS.
 */
static void
seal_meanwhile(Relation index, BarqMerge *merge, void *arg)
{
	LogWatch   *watch = arg;
	TimestampTz now = GetCurrentTimestamp();

	if (now < watch->next_look)
		return;
	watch->next_look = TimestampTzPlusMilliseconds(now, INDEX_CHECK_MS);
	if (!log_is_long())
		return;
	report_doing("barq: sealing");
	barq_seal_log(index);
	report_doing("barq: compacting");
	(void) barq_compact_beside(merge);
}

/* Exit if another backend waits for a lock on the index or the database. */
static void
check_waiters(TimestampTz now)
{
	LOCKTAG		tag;

	if (now < next_index_check)
		return;
	next_index_check = TimestampTzPlusMilliseconds(now, INDEX_CHECK_MS);

	/* LockHasWaitersRelation wants the mode that is really held (L1) */
	Assert(CheckRelationLockedByMe(worker_index, ShareUpdateExclusiveLock, false));
	if (LockHasWaitersRelation(worker_index, ShareUpdateExclusiveLock))
		give_way("lock of the index");
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		if (!barq_background)
			give_way("setting");
	}

	if (now < next_database_check)
		return;
	next_database_check = TimestampTzPlusMilliseconds(now, DATABASE_CHECK_MS);

	/* DROP DATABASE, CREATE DATABASE ... TEMPLATE hold this lock and wait for us */
	SET_LOCKTAG_OBJECT(tag, InvalidOid, DatabaseRelationId, MyDatabaseId, 0);
	if (LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		give_way("command on the database");
	LockRelease(&tag, RowExclusiveLock, false);
}

/* The pace of this process: bytes that are counted already, and until when they last. */
static uint64 paced_bytes = 0;
static TimestampTz paced_until = 0;

/* This worker's part of barq.maintenance_rate, in bytes a second. */
static double
rate_of_this_worker(TimestampTz now)
{
	static TimestampTz next_count = 0;
	static int	workers = 1;

	if (now >= next_count)
	{
		workers = Max(barq_slots_taken(BARQ_SLOT_WORKER), 1);
		next_count = TimestampTzPlusMilliseconds(now, 1000);
	}
	return barq_maintenance_rate * 1024.0 / workers;
}

/*
 * Sleep as long as the bytes that this process has read and written since the last call
 * are worth at barq.maintenance_rate. Exits if another backend waits meanwhile.
 */
static void
keep_rate(void)
{
	uint64		bytes = barq_maintenance_bytes - paced_bytes;
	TimestampTz now;

	paced_bytes = barq_maintenance_bytes;
	if (barq_maintenance_rate == 0 || bytes == 0)
		return;
	now = GetCurrentTimestamp();
	paced_until = Max(paced_until, now) +
		(TimestampTz) (bytes / rate_of_this_worker(now) * USECS_PER_SEC);
	while ((now = GetCurrentTimestamp()) < paced_until && barq_maintenance_rate > 0)
	{
		long		ms = (long) ((paced_until - now) / 1000) + 1;

		/* short sleeps are collected: the next bytes lengthen them */
		if (ms < RATE_NAP_MS)
			break;
		barq_nap(Min(ms, INDEX_CHECK_MS), rate_event());
		check_waiters(GetCurrentTimestamp());
	}
}

/*
 * barq_interrupts_hook of a worker. Exits if another backend waits for a lock on
 * the index or the database; work that is not published is lost. Sleeps where this
 * process is faster than barq.maintenance_rate.
 */
static void
watch_for_waiters(void)
{
	/* a process that waits for this processor gets it before our slice ends */
	(void) sched_yield();

	check_waiters(GetCurrentTimestamp());
	keep_rate();
}

void
barq_worker_watch(Relation index)
{
	worker_index = index;
	next_index_check = next_database_check = 0;
	barq_interrupts_hook = index != NULL ? watch_for_waiters : NULL;
}

/*
 * Seal and compact until neither is due; returns whether one was. The maintenance
 * lock is held.
 */
static bool
serve_index(void)
{
	LogWatch	watch = {0};
	BarqMergeHost host = {seal_meanwhile, &watch};
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

		/* one merge, then the log again, which inserts have made longer */
		report_doing("barq: compacting");
		if (!barq_compact_next(worker_index, &host) && sealed == 0)
			return served;
		served = true;
	}
}

/*
 * Serve the index until its log is short and no merge is due. L11: looks at the
 * log once more after releasing the maintenance lock. An insert that found the lock
 * taken relies on that; an insert that finds it free starts another worker. With
 * `shorten`, moves pages down too, and returns whether the free end of the file
 * should be cut.
 */
static bool
serve_until_short(bool shorten)
{
	bool		served = true;
	BarqShrink	shrink = BARQ_SHRINK_NOTHING;

	/* an insert takes the lock for an instant, to probe it: try again then */
	while (served &&
		   barq_lock_within(worker_index, barq_maintenance_try_lock, BARQ_LOCK_TRIES) &&
		   worker_index->rd_index->indisready)
	{
		barq_interrupts_hook = watch_for_waiters;
		barq_begin_maintenance(worker_index);
		served = serve_index();
		while (shorten && !log_is_long() &&
			   (shrink = barq_move_down(worker_index, BARQ_FREE_SHARE_AT_WORK, BARQ_LENGTH_AT_WORK)) ==
			   BARQ_SHRINK_MORE)
			served = true;
		barq_interrupts_hook = NULL;
		barq_maintenance_unlock(worker_index);

		/* also where nothing was due: an insert may have left the log to this lock */
		served = log_is_long();
	}
	return shrink == BARQ_SHRINK_CUT;
}

/* Take one of barq.max_workers slots; false if other workers hold all of them. */
static bool
takes_slot(void)
{
	for (int i = 0; i < BARQ_LOCK_TRIES; i++)
	{
		if (i > 0)
			barq_nap(SLOT_TRY_MS, PG_WAIT_EXTENSION);
		if (barq_slot_take(BARQ_SLOT_WORKER))
			return true;
	}
	return false;
}

/* bgw_main of a worker; its BarqWorkerOrder is in bgw_extra. */
void
barq_worker_main(Datum arg)
{
	BarqWorkerOrder order;
	Relation	index;

	memcpy(&order, MyBgworkerEntry->bgw_extra, sizeof(order));
	barq_begin_worker(order.database);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	pgstat_report_activity(STATE_RUNNING, "barq: opening index");

	/* where the lock is not free, the index is being dropped or rebuilt */
	if (takes_slot() &&
		barq_try_lock_relation_oid(order.index, AccessShareLock, "worker: lock index"))
	{
		index = try_relation_open(order.index, NoLock);
		if (index != NULL)
		{
			worker_index = index;
			if (barq_is_barq_index(index) && serve_until_short(order.shorten))
			{
				Assert(!TransactionIdIsValid(GetTopTransactionIdIfAny()));	/* L10 */
				(void) barq_cut_end(index);
			}
			worker_index = NULL;
			relation_close(index, NoLock);
		}
	}
	CommitTransactionCommand();
	pgstat_report_activity(STATE_IDLE, NULL);
	proc_exit(0);
}
