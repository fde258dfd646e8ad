/*
 * launcher.c
 *	  The launcher and its visitors.
 *
 * The launcher connects to no database: it lists them, sends a visitor to each
 * in turn and waits for it, and removes images of databases that are gone. A
 * visitor makes missing images ready (after a restart, and on a standby),
 * sweeps folders whose relation is gone, and compacts an index into which
 * nobody has inserted since the last visit.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "lifecycle/launcher.h"
#include "lifecycle/lifecycle.h"
#include "base/stats.h"
#include "lifecycle/worker.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "base/settings.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/procsignal.h"
#include "base/steps.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* Between two rounds. The first comes at the start. */
#define ROUND_MS	30000

/* The pace at which an index that nobody inserts into may be written again. */
#define QUIET_BYTES_PER_SECOND	(UINT64CONST(1024) * 1024)

static void
set_up_worker(BackgroundWorker *worker, const char *function, const char *name)
{
	memset(worker, 0, sizeof(*worker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_ConsistentState;
	strlcpy(worker->bgw_library_name, "barq", sizeof(worker->bgw_library_name));
	strlcpy(worker->bgw_function_name, function, sizeof(worker->bgw_function_name));
	strlcpy(worker->bgw_name, name, BGW_MAXLEN);
	strlcpy(worker->bgw_type, "barq launcher", BGW_MAXLEN);
}

void
barq_launcher_register(void)
{
	BackgroundWorker worker;

	set_up_worker(&worker, "barq_launcher_main", "barq launcher");
	worker.bgw_restart_time = 10;
	RegisterBackgroundWorker(&worker);
}

/* The databases one can connect to. */
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

static void
visit_database(Oid database)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;

	set_up_worker(&worker, "barq_visitor_main",
				  psprintf("barq visitor of database %u", database));
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_main_arg = ObjectIdGetDatum(database);
	worker.bgw_notify_pid = MyProcPid;
	if (RegisterDynamicBackgroundWorker(&worker, &handle))
		(void) WaitForBackgroundWorkerShutdown(handle);
}

void
barq_launcher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
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

			/* no visitor does where no database has an index of barq's left */
			StartTransactionCommand();
			barq_image_sweep();
			CommitTransactionCommand();
			MemoryContextSwitchTo(context);
		}
		barq_nap(ROUND_MS, PG_WAIT_EXTENSION);
	}
}

/* Candidates: indexes that are not of PostgreSQL's own access methods. */
static List *
list_indexes(void)
{
	List	   *indexes = NIL;
	Relation	relation = table_open(RelationRelationId, AccessShareLock);
	TableScanDesc scan = table_beginscan_catalog(relation, 0, NULL);
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Form_pg_class form = (Form_pg_class) GETSTRUCT(tuple);

		if (form->relkind == RELKIND_INDEX && form->relam >= FirstNormalObjectId &&
			form->relpersistence != RELPERSISTENCE_TEMP &&
			(form->relpersistence == RELPERSISTENCE_PERMANENT || !RecoveryInProgress()))
			indexes = lappend_oid(indexes, form->oid);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return indexes;
}

static void
make_images_ready(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq visit",
												  ALLOCSET_DEFAULT_SIZES);
	BarqMeta	meta;

	(void) barq_snapshot_get(index, &meta, true, context);
	MemoryContextDelete(context);
	barq_snapshot_forget(RelationGetRelid(index));
}

/*
 * An index ends as one segment if it is left in peace: if nobody has inserted
 * for as long as writing it again would take at a leisurely pace. So one that
 * gets a row now and then is not written again for each.
 */
static bool
is_left_in_peace(Relation index)
{
	BarqIndexStats *stats = barq_stats_of(RelationGetRelid(index));
	uint64		inserts = pg_atomic_read_u64(&stats->counters[BARQ_COUNT_INSERTS]);
	TimestampTz now = GetCurrentTimestamp();
	uint64		bytes = (uint64) RelationGetNumberOfBlocks(index) * BLCKSZ;

	if (pg_atomic_exchange_u64(&stats->inserts_seen, inserts) != inserts ||
		pg_atomic_read_u64(&stats->quiet_since) == 0)
	{
		pg_atomic_write_u64(&stats->quiet_since, (uint64) now);
		return false;
	}
	return (uint64) now - pg_atomic_read_u64(&stats->quiet_since) >=
		bytes * USECS_PER_SEC / QUIET_BYTES_PER_SECOND;
}

static void
visit_index(Oid oid, bool *swept)
{
	Relation	index;
	bool		cut;

	StartTransactionCommand();
	if (!barq_try_lock_relation_oid(oid, AccessShareLock, "launcher: lock index"))
	{
		CommitTransactionCommand();
		return;
	}
	index = try_relation_open(oid, NoLock);
	if (index != NULL)
	{
		if (barq_is_barq_index(index) && index->rd_index->indisready)
		{
			pgstat_report_activity(STATE_RUNNING,
								   psprintf("barq: looking after %s",
											RelationGetRelationName(index)));
			InvalidateCatalogSnapshot();
			make_images_ready(index);
			if (!*swept)
				barq_image_sweep();
			*swept = true;
			if (!RecoveryInProgress() && is_left_in_peace(index) &&
				barq_maintenance_try_lock(index))
			{
				barq_worker_watch(index);
				InvalidateCatalogSnapshot();
				barq_seal_log(index);
				barq_compact_idle(index);
				cut = barq_shrink(index, BARQ_FREE_SHARE_AT_REST);
				barq_worker_watch(NULL);
				barq_maintenance_unlock(index);
				if (cut)
					barq_cut_end(index);
			}
		}
		relation_close(index, NoLock);
	}
	CommitTransactionCommand();
}

void
barq_visitor_main(Datum arg)
{
	List	   *indexes;
	ListCell   *cell;
	bool		swept = false;
	MemoryContext context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, StatementCancelHandler);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(arg), InvalidOid, 0);
	context = AllocSetContextCreate(TopMemoryContext, "barq visitor",
									ALLOCSET_DEFAULT_SIZES);

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	indexes = list_indexes();
	MemoryContextSwitchTo(context);
	indexes = list_copy(indexes);
	CommitTransactionCommand();

	foreach(cell, indexes)
	{
		CHECK_FOR_INTERRUPTS();
		visit_index(lfirst_oid(cell), &swept);
	}
	proc_exit(0);
}
