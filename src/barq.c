/*
 * barq.c
 *	  Entry point of the module: settings, callbacks, registry of kinds.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/admin.h"
#include "am/am.h"
#include "am/scan_report.h"
#include "am/text.h"
#include "bm25/bm25.h"
#include "catalog/pg_class.h"
#include "catalog/storage.h"
#include "flat/flat.h"
#include "fmgr.h"
#include "hnsw/hnsw.h"
#include "ivf/ivf.h"
#include "kernels/kernels.h"
#include "lifecycle/launcher.h"
#include "lifecycle/lifecycle.h"
#include "lifecycle/stats.h"
#include "miscadmin.h"
#include "query/hybrid.h"
#include "query/text_paths.h"
#include "settings.h"
#include "store/folder.h"
#include "utils/builtins.h"
#include "utils/inval.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

/* A new kind of segment is a line here. */
static const BarqSegmentKind *const segment_kinds[] = {
	&barq_flat_kind,
	&barq_hnsw_kind,
	&barq_ivf_kind,
	&barq_bm25_kind,
};

/* A new access method is a line here. */
static const BarqIndexKind *const index_kinds[] = {
	&barq_hnsw_index_kind,
	&barq_ivf_index_kind,
	&barq_bm25_index_kind,
};

const BarqSegmentKind *
barq_segment_kind(uint16 id)
{
	for (int i = 0; i < lengthof(segment_kinds); i++)
		if (segment_kinds[i]->id == id)
			return segment_kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("unknown kind of segment: %u", id),
			 errhint("The index was written by a newer version of barq, or is corrupted.")));
}

const BarqIndexKind *
barq_index_kind(uint16 id)
{
	for (int i = 0; i < lengthof(index_kinds); i++)
		if (index_kinds[i]->id == id)
			return index_kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("unknown kind of index: %u", id),
			 errhint("The index was written by a newer version of barq, or is corrupted.")));
}

const BarqIndexKind *
barq_kind_of_method(const IndexAmRoutine *method)
{
	for (int i = 0; i < lengthof(index_kinds); i++)
		if (method != NULL && method->amoptions == index_kinds[i]->reloptions)
			return index_kinds[i];
	return NULL;
}

bool
barq_has_barq_method(Relation index)
{
	return barq_kind_of_method(index->rd_indam) != NULL;
}

bool
barq_is_barq_index(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_INDEX && barq_has_barq_method(rel);
}

/*
 * Remove the images of storage that goes with the end of this (sub)transaction:
 * what was dropped, rewritten or truncated if it commits, what was made if it
 * aborts. PostgreSQL's own list of storage to unlink says which.
 *
 * After the commit record an error would bring the server down, and in an
 * abort it would come again and again: what cannot be removed is left to
 * VACUUM's sweep.
 */
static void
remove_dropped_images(bool commit)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		BarqLocator *locators;
		int			n = smgrGetPendingDeletes(commit, &locators);

		for (int i = 0; i < n; i++)
		{
			char	   *folder = barq_image_folder_of(locators[i], BarqInvalidBackend);

			barq_image_remove_folder(folder);
			pfree(folder);
		}
		if (n > 0)
			pfree(locators);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
}

/*
 * The same, whatever happens: an error after a transaction has committed is a
 * PANIC, and a folder left behind is only one that VACUUM has to sweep. What
 * raising an error resets is put back, for the end of a transaction holds
 * interrupts off.
 */
static void
remove_dropped_images_quietly(bool commit)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		interrupts = InterruptHoldoffCount;
	uint32		cancels = QueryCancelHoldoffCount;

	PG_TRY();
	{
		remove_dropped_images(commit);
		barq_temporary_folders_tidy();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		InterruptHoldoffCount = interrupts;
		QueryCancelHoldoffCount = cancels;
		ereport(LOG,
				(errmsg("could not remove images of dropped storage: %s",
						error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		remove_dropped_images_quietly(event == XACT_EVENT_COMMIT);
	if (event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT)
		barq_files_at_end(event == XACT_EVENT_PARALLEL_COMMIT);
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
	{
		barq_image_end_holds(event != XACT_EVENT_ABORT);
		barq_files_at_end(event != XACT_EVENT_ABORT);
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId my_id,
					  SubTransactionId parent_id, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		remove_dropped_images_quietly(false);
	if (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB)
	{
		barq_image_subtransaction_holds(my_id, parent_id,
										event == SUBXACT_EVENT_COMMIT_SUB);
		barq_files_at_subtransaction_end(my_id, parent_id,
										 event == SUBXACT_EVENT_COMMIT_SUB);
	}
}

static void
at_relcache_invalidation(Datum arg, Oid relid)
{
	barq_snapshot_forget(relid);
	barq_hybrid_forget(relid);
	barq_text_config_forget(relid);
}

void
_PG_init(void)
{
	barq_kernels_init();
	barq_define_settings();
	barq_define_reloptions();
	barq_define_ivf_reloptions();
	barq_define_text_reloptions();
	barq_text_paths_init();
	if (process_shared_preload_libraries_in_progress)
	{
		barq_stats_request_shmem();
		barq_launcher_register();
	}
	barq_watch_ddl();
	barq_scan_report_init();
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	CacheRegisterRelcacheCallback(at_relcache_invalidation, (Datum) 0);
}
