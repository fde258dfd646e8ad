/*
 * visitor.c
 *	  The visitor, a background worker that the launcher starts for one database.
 *	  It makes missing images (after a restart, and on a standby), removes image
 *	  folders whose relation is gone, and compacts indexes without recent inserts.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "base/stats.h"
#include "base/steps.h"
#include "catalog/pg_class.h"
#include "lifecycle/internal.h"
#include "lifecycle/policy.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PGDLLEXPORT void barq_visitor_main(Datum arg);

/* The pace at which an index without inserts may be written again. */
#define QUIET_BYTES_PER_SECOND	(UINT64CONST(1024) * 1024)

/*
 * OIDs of indexes of access methods that are not PostgreSQL's own, temporary ones
 * and (on a standby) unlogged ones left out. In the current memory context.
 */
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

/*
 * Make the missing images of an index, and tell the memory budget the index's option.
 * Nothing stays mapped.
 */
static void
make_images_ready(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq visit",
												  ALLOCSET_DEFAULT_SIZES);
	BarqMeta	meta;
	const BarqSnapshot *snapshot = barq_snapshot_get(index, &meta, true, context);

	for (uint32 i = 0; i < snapshot->nsegments; i++)
		barq_residency_set_memory(snapshot->segments[i].desc.id, barq_memory_of(index));
	MemoryContextDelete(context);
	barq_snapshot_forget(RelationGetRelid(index));
}

/*
 * Note the number of inserts at this visit in the index's counters, which other
 * visitors share. Returns whether that number has not changed for as long as writing
 * the whole index would take at QUIET_BYTES_PER_SECOND: so an index that gets a row
 * now and then is not written again for each. The quiet time starts at the first
 * visit that finds a new number, which returns false. Takes an LWLock.
 */
static bool
note_visit_is_quiet(Relation index)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz since = barq_stats_quiet_since(RelationGetRelid(index), now);
	uint64		bytes = (uint64) RelationGetNumberOfBlocks(index) * BLCKSZ;

	return since < now &&
		(uint64) (now - since) >= bytes * USECS_PER_SEC / QUIET_BYTES_PER_SECOND;
}

/* Seal, compact and shorten an index in peace; exits if a backend waits for it. */
static void
tidy_index(Relation index)
{
	uint64		merged;
	bool		cut;

	barq_worker_watch(index);
	InvalidateCatalogSnapshot();
	barq_begin_maintenance(index);
	barq_seal_log(index);
	merged = barq_compact_idle(index);
	cut = barq_shrink(index, BARQ_FREE_SHARE_AT_REST, BARQ_LENGTH_AT_REST(merged));
	barq_worker_watch(NULL);
	barq_maintenance_unlock(index);
	if (cut)
		barq_cut_end(index);
}

/*
 * Look after one index, in a transaction of its own. Does nothing if the index is
 * locked exclusively or belongs to another extension. *swept: whether image folders
 * were swept, which the visit of the first index does and notes.
 */
static void
visit_index(Oid oid, bool *swept)
{
	Relation	index;

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
			if (!RecoveryInProgress() && note_visit_is_quiet(index) &&
				barq_slot_take(BARQ_SLOT_WORKER) && barq_maintenance_try_lock(index))
				tidy_index(index);
		}
		relation_close(index, NoLock);
	}
	CommitTransactionCommand();
}

/* bgw_main of a visitor; arg: OID of its database. */
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
	StartTransactionCommand();
	barq_stats_reclaim();
	CommitTransactionCommand();
	proc_exit(0);
}
