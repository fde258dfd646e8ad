/*
 * check.c
 *	  barq_check(): whether an index is sound and holds every row of its table.
 *
 * Each part is checked in a subtransaction of its own: damage that a reader
 * reports as an error becomes a row of the result, and the check goes on.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "admin/admin.h"
#include "store/filter_rows.h"
#include "base/array.h"
#include "catalog/index.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_check);

/* At most this many rows are listed for one fault. */
#define MAX_ROW_COMPLAINTS	20

typedef struct Check
{
	ReturnSetInfo *rsinfo;
	Relation	index;
	BarqMeta	meta;
	BarqSegmentDesc *descs;
	BarqSegmentDesc *desc;		/* of the segment being checked */

	/* TIDs of all entries that are not marked dead; in `context` */
	ItemPointerData *tids;
	uint64		ntids;
	uint64		space;
	MemoryContext context;
} Check;

/* Add a row to the result. */
static void
report(Check *check, const char *severity, const char *place, const char *message)
{
	Datum		values[3];
	bool		nulls[3] = {0};

	values[0] = CStringGetTextDatum(severity);
	values[1] = CStringGetTextDatum(place);
	values[2] = CStringGetTextDatum(message);
	tuplestore_putvalues(check->rsinfo->setResult, check->rsinfo->setDesc, values, nulls);
}

/* BarqComplain: add a row to the result by report(). */
static void
complain(void *arg, const char *severity, const char *place, const char *message)
{
	report(arg, severity, place, message);
}

/* Check options; any error is a finding (is_complaint). */
static void
check_options(Check *check)
{
	barq_check_options(check->index, &check->meta.options, complain, check);
}

/* BarqCheckReport: add a row of severity "error" for a place in check->desc. */
static void
report_kind(void *arg, const char *place, const char *message)
{
	Check	   *check = arg;

	report(check, "error", psprintf("segment %u, %s", check->desc->number, place), message);
}

/*
 * Is an error raised by a check a finding about the index? No side effects. Freezing
 * options (about_options) may raise any error.
 */
static bool
is_complaint(const ErrorData *error, bool about_options)
{
	if (about_options)
		return error->sqlerrcode != ERRCODE_QUERY_CANCELED &&
			error->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN &&
			error->sqlerrcode != ERRCODE_OUT_OF_MEMORY;
	return error->sqlerrcode == ERRCODE_INDEX_CORRUPTED ||
		error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
}

/*
 * Run part(check) in a subtransaction and in check->context. An error that is a
 * finding (is_complaint) becomes a row with this place; others go to the caller.
 */
static void
guarded(Check *check, const char *place, void (*part) (Check *check))
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(check->context);
	PG_TRY();
	{
		part(check);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(check->context);
		error = CopyErrorData();
		FlushErrorState();

		/* also before an error that goes on: no one else ends this subtransaction */
		RollbackAndReleaseCurrentSubTransaction();
		if (!is_complaint(error, part == check_options))
			ReThrowError(error);
		MemoryContextSwitchTo(check->context);
		report(check, "error", place, error->message);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* Remember the TID of an entry that is not marked dead. */
static void
add_tid(Check *check, const ItemPointerData *tid)
{
	MemoryContext old = MemoryContextSwitchTo(check->context);

	BARQ_ARRAY_RESERVE(check->tids, check->space, check->ntids + 1, 4096);
	check->tids[check->ntids++] = *tid;
	MemoryContextSwitchTo(old);
}

/* Read the directory to check->descs; segments must have different ids. */
static void
check_directory(Check *check)
{
	check->descs = barq_directory_current(check->index, &check->meta, NULL);
	for (uint32 i = 0; i < check->meta.segments; i++)
		for (uint32 j = 0; j < i; j++)
			if (memcmp(check->descs[i].id, check->descs[j].id, BARQ_ID_BYTES) == 0)
				report(check, "error", "directory",
					   psprintf("segments %u and %u have the same id",
								check->descs[j].number, check->descs[i].number));
}

/* Add the TIDs of a segment's rows that are not marked dead. */
static void
add_rows(Check *check, BarqView *view, const uint8 *dead)
{
	for (uint32 row = 0; row < barq_view_all_rows(view); row++)
	{
		ItemPointerData tid;

		CHECK_FOR_INTERRUPTS();
		if (barq_bit_is_set(dead, row))
			continue;
		tid = barq_view_tid(view, row);
		if (!ItemPointerIsValid(&tid))
			report(check, "error", psprintf("segment %u", check->desc->number),
				   psprintf("row %u has no valid TID", row));
		add_tid(check, &tid);
	}
}

/*
 * Compare every byte of a segment's pages (check->desc) with its checksum, its
 * marks with the count, then have its kind check the structure.
 */
static void
check_segment(Check *check)
{
	BarqSegmentDesc *desc = check->desc;
	char	   *place = psprintf("segment %u", desc->number);
	BarqExtentMap *map = barq_extents_read(check->index, desc, NULL);
	char	   *page = palloc(BLCKSZ);
	uint8	   *dead;
	uint64		bytes = 0;
	pg_crc32c	crc;
	BarqView	view;

	if (map == NULL)
	{
		report(check, "error", place, "its extents are not where the directory says");
		return;
	}
	INIT_CRC32C(crc);
	for (uint32 i = 0; i < desc->blob_pages; i++)
	{
		int			len = barq_blob_read_page(check->index, desc, map, i,
											  barq_ring(BAS_BULKREAD), page);

		CHECK_FOR_INTERRUPTS();
		if (len < 0)
		{
			report(check, "error", psprintf("block %u", barq_extents_block(map, i)),
				   psprintf("is no page of segment %u", desc->number));
			return;
		}
		bytes += len;
		COMP_CRC32C(crc, page, len);
	}
	FIN_CRC32C(crc);
	if (bytes != desc->body_bytes || !EQ_CRC32C(crc, desc->crc))
	{
		report(check, "error", place, "its pages do not match its checksum");
		return;
	}

	dead = barq_tombstones_read(check->index, desc);
	if (dead == NULL)
	{
		report(check, "error", place, "its tombstones are not where the directory says");
		return;
	}
	if (barq_bitmap_count(dead, desc->rows) != desc->dead_rows)
		report(check, "warning", place,
			   psprintf("%u rows are marked dead, but %u are counted",
						barq_bitmap_count(dead, desc->rows), desc->dead_rows));

	barq_view_init_pages(&view, check->index, desc, maintenance_work_mem,
						 barq_ring(BAS_BULKREAD));
	add_rows(check, &view, dead);
	barq_segment_kind(desc->kind)->check(&view, report_kind, check);
	barq_filter_check(&view, check->meta.options.filter_columns, report_kind, check);
}

/* BarqGrowingVisitor.record: check and remember the TID of a live record. */
static void
check_record(void *arg, const BarqRecord *record)
{
	Check	   *check = arg;

	if (record->dead)
		return;
	if (!ItemPointerIsValid((ItemPointer) &record->tid))
		report(check, "error", "growing log", "a record has no valid TID");
	add_tid(check, &record->tid);
}

/* Walk the growing log and add its TIDs. */
static void
check_log(Check *check)
{
	BarqGrowingVisitor visitor = {NULL, check_record, NULL, check, barq_ring(BAS_BULKREAD)};

	if (!barq_growing_walk(check->index, &check->meta, InvalidBlockNumber, &visitor))
		report(check, "error", "growing log",
			   psprintf("is broken; it begins at block %u", check->meta.growing_head));
}

/* Count pages that nothing reaches (barq_count_lost). Skipped on a standby. */
static void
check_reachable(Check *check)
{
	BlockNumber lost;

	if (RecoveryInProgress())
		return;
	lost = barq_count_lost(check->index);
	if (lost > 0)
		report(check, "warning", "pages",
			   psprintf("nothing reaches %u pages; VACUUM takes them back", lost));
}

static int
compare_tids(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

static char *
tid_text(const ItemPointerData *tid)
{
	return psprintf("(%u,%u)", ItemPointerGetBlockNumberNoCheck(tid),
					ItemPointerGetOffsetNumberNoCheck(tid));
}

/*
 * Sort the TIDs and write up to MAX_ROW_COMPLAINTS of those that occur more than
 * once to duplicates[]; returns their number.
 */
static int
find_duplicates(Check *check, ItemPointerData *duplicates)
{
	int			n = 0;

	qsort(check->tids, check->ntids, sizeof(ItemPointerData), compare_tids);
	for (uint64 i = 1; i < check->ntids && n < MAX_ROW_COMPLAINTS; i++)
		if (ItemPointerEquals(&check->tids[i - 1], &check->tids[i]) &&
			(n == 0 || !ItemPointerEquals(&duplicates[n - 1], &check->tids[i])))
			duplicates[n++] = check->tids[i];
	return n;
}

/*
 * Report TIDs that occur more than once among entries not marked dead. Reads
 * everything a second time first: VACUUM may have marked a row after it was read
 * here, and an insert may have re-used its TID before the log was read. A true
 * duplicate is still there at the second reading.
 */
static void
check_duplicates(Check *check)
{
	ItemPointerData duplicates[MAX_ROW_COMPLAINTS];
	ItemPointerData again[MAX_ROW_COMPLAINTS];
	int			n = find_duplicates(check, duplicates);
	int			nagain;

	if (n == 0)
		return;
	check->ntids = 0;
	for (uint32 i = 0; i < check->meta.segments; i++)
	{
		BarqView	view;
		uint8	   *dead;

		check->desc = &check->descs[i];
		dead = barq_tombstones_read(check->index, check->desc);
		if (dead == NULL)
			continue;			/* reported by check_segment */
		barq_view_init_pages(&view, check->index, check->desc, maintenance_work_mem,
							 barq_ring(BAS_BULKREAD));
		add_rows(check, &view, dead);
	}
	check_log(check);

	nagain = find_duplicates(check, again);
	for (int i = 0; i < nagain; i++)
		if (bsearch(&again[i], duplicates, n, sizeof(ItemPointerData), compare_tids))
			report(check, "error", tid_text(&again[i]), "is indexed more than once");
}

/* State of check_heap(). */
typedef struct HeapCheck
{
	Check	   *check;
	int			complaints;
} HeapCheck;

/* IndexBuildCallback: report a row whose TID is not among the sorted check->tids. */
static void
check_heap_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
			   bool tuple_is_alive, void *arg)
{
	HeapCheck  *heap_check = arg;
	Check	   *check = heap_check->check;

	if (heap_check->complaints >= MAX_ROW_COMPLAINTS ||
		(check->ntids > 0 &&
		 bsearch(tid, check->tids, check->ntids, sizeof(ItemPointerData), compare_tids)))
		return;
	report(check, "error", tid_text(tid), "is a live row of the table, but not in the index");
	heap_check->complaints++;
}

/*
 * Report rows of the table that the snapshot sees and the index does not have. The
 * snapshot was taken before the index was read, and keeps VACUUM from removing rows
 * that it sees. Runs as the table's owner.
 */
static void
check_heap(Check *check, Relation heap, Snapshot snapshot)
{
	HeapCheck	heap_check = {0};
	IndexInfo  *info = BuildIndexInfo(check->index);
	TableScanDesc scan;

	heap_check.check = check;
	info->ii_Concurrent = true; /* it then uses the scan's snapshot */
	scan = table_beginscan_strat(heap, snapshot, 0, NULL, true, false);
	table_index_build_scan(heap, check->index, info, true, false,
						   check_heap_row, &heap_check, scan);
}

/*
 * barq_check(index regclass, heap bool) → a row (severity, place, message) for each
 * fault. Errors: barq_admin_open().
 */
Datum
barq_check(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	bool		with_heap = PG_GETARG_BOOL(1);
	Oid			heap_oid = IndexGetRelation(oid, true);
	LOCKMODE	lock;
	Relation	heap = NULL;
	Snapshot	snapshot;
	Check		check = {0};

	/* the table before the index, as everywhere; a standby allows no stronger lock */
	lock = RecoveryInProgress() ? AccessShareLock : ShareUpdateExclusiveLock;
	if (OidIsValid(heap_oid))
		heap = table_open(heap_oid, AccessShareLock);
	check.index = barq_admin_open(oid, lock, BARQ_RIGHT_SEE);

	InitMaterializedSRF(fcinfo, 0);
	check.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	check.context = AllocSetContextCreate(CurrentMemoryContext, "barq check",
										  ALLOCSET_DEFAULT_SIZES);
	snapshot = RegisterSnapshot(GetTransactionSnapshot());

	guarded(&check, "directory", check_directory);
	if (check.descs != NULL)
	{
		guarded(&check, "options", check_options);
		for (uint32 i = 0; i < check.meta.segments; i++)
		{
			check.desc = &check.descs[i];
			guarded(&check, psprintf("segment %u", check.desc->number), check_segment);
		}
		guarded(&check, "growing log", check_log);
		guarded(&check, "pages", check_reachable);
		guarded(&check, "rows", check_duplicates);

		/* an index that is not valid yet may lack rows */
		if (with_heap && heap != NULL && check.index->rd_index->indisvalid)
		{
			BarqOwnerSwitch owner;

			barq_become_owner(heap, &owner);
			check_heap(&check, heap, snapshot);
			barq_become_caller(&owner);
		}
	}

	UnregisterSnapshot(snapshot);
	MemoryContextDelete(check.context);
	relation_close(check.index, lock);
	if (heap != NULL)
		table_close(heap, AccessShareLock);
	return (Datum) 0;
}
