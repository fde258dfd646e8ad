/*
 * launcher.c
 *	  The launcher, with barq in shared_preload_libraries: it lists the databases,
 *	  starts a visitor (visitor.c) for each in turn and waits for it, and removes
 *	  images of databases that are gone. It connects to no database.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "lifecycle/internal.h"
#include "lifecycle/launcher.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "base/settings.h"
#include "base/stats.h"
#include "storage/ipc.h"
#include "storage/procsignal.h"
#include "store/pace.h"
#include "store/residency.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PGDLLEXPORT void barq_launcher_main(Datum arg);

/* The value of pg_stat_activity.backend_type of the launcher and its visitors. */
#define LAUNCHER_TYPE	"barq launcher"

/* Time between two rounds; the first round is at once. */
#define ROUND_MS	30000

/* Time between two looks at whether a visitor has ended; its end sets the latch too. */
#define VISIT_LOOK_MS	1000

void
barq_launcher_register(void)
{
	BackgroundWorker worker;

	barq_describe_worker(&worker, BgWorkerStart_ConsistentState, "barq_launcher_main",
						 LAUNCHER_TYPE, "barq launcher");
	worker.bgw_restart_time = 10;
	RegisterBackgroundWorker(&worker);
}

/*
 * OIDs of the databases that allow connections, templates left out. The list is in
 * the caller's memory context. Runs a transaction of its own.
 */
static List *
list_databases(void)
{
	List	   *databases = NIL;
	MemoryContext context = CurrentMemoryContext;
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old = MemoryContextSwitchTo(context);

		if (form->datallowconn && !form->datistemplate)
			databases = lappend_oid(databases, form->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

/*
 * Wait for `ms`, or until the latch is set, and do what is due for the memory budget at
 * the end, if anything is. Returns the milliseconds waited.
 */
static long
keep_budget(long ms)
{
	static TimestampTz due = 0;
	static TimestampTz soonest = 0; /* if searches read from disk */
	static TimestampTz reading = 0; /* since when they do; 0: they have not since the
									 * last pass */
	TimestampTz start = GetCurrentTimestamp();

	barq_nap(Min(ms, TimestampDifferenceMilliseconds(start, Max(due, start))),
			 PG_WAIT_EXTENSION);
	if (barq_residency_was_read() && reading == 0)
	{
		reading = GetCurrentTimestamp();
		due = Min(due, Max(soonest, TimestampTzPlusMilliseconds(reading, HURRY_MS)));
	}
	if (GetCurrentTimestamp() >= due)
	{
		long		least;
		long		rest = barq_budget_pass(reading, &least);

		reading = 0;
		due = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), rest);
		soonest = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), least);
	}
	return TimestampDifferenceMilliseconds(start, GetCurrentTimestamp());
}

/* Start a visitor for a database and wait for its end. Nothing if no slot is free. */
static void
visit_database(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	barq_describe_worker(&worker, BgWorkerStart_ConsistentState, "barq_visitor_main",
						 LAUNCHER_TYPE, psprintf("barq visitor of database %u", database));
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (RegisterDynamicBackgroundWorker(&worker, &handle))
	{
		pid_t		pid;

		while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
			keep_budget(VISIT_LOOK_MS);
	}
}

/* bgw_main of the launcher. */
void
barq_launcher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(barq_budget_at_exit, (Datum) 0);
	context = AllocSetContextCreate(TopMemoryContext, "barq launcher",
									ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		ListCell   *cell;

		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		if (barq_background)
		{
			foreach(cell, list_databases())
			{
				CHECK_FOR_INTERRUPTS();
				visit_database(lfirst_oid(cell));
			}

			/* visitors sweep as well, but only where an index of barq exists */
			StartTransactionCommand();
			barq_image_sweep();
			barq_stats_reclaim();
			CommitTransactionCommand();
			MemoryContextSwitchTo(context);
		}
		for (long rest = ROUND_MS; rest > 0 && !ConfigReloadPending;)
			rest -= keep_budget(rest);
	}
}
