/*
 * barq.c
 *	  Entry point of the module, the only file that may call every folder. It
 *	  registers segment kinds, index kinds, settings and callbacks; no file may call
 *	  it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/admin.h"
#include "vector_index/vector_index.h"
#include "am/filters.h"
#include "am/scan_bound.h"
#include "am/scan_report.h"
#include "text_index/text_index.h"
#include "bm25/bm25.h"
#include "catalog/pg_class.h"
#include "catalog/storage.h"
#include "condition/condition.h"
#include "condition/radius.h"
#include "count/count.h"
#include "flat/flat.h"
#include "fmgr.h"
#include "hnsw/hnsw.h"
#include "ivf/ivf.h"
#include "kernels/kernels.h"
#include "lifecycle/launcher.h"
#include "lifecycle/lifecycle.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "hybrid/hybrid.h"
#include "text_index/text_paths.h"
#include "base/settings.h"
#include "store/announce.h"
#include "store/folder.h"
#include "store/image.h"
#include "store/residency.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"

PG_MODULE_MAGIC;

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): PostgreSQL's name */
PGDLLEXPORT void _PG_init(void);

static char *simd_setting = NULL;

/* GUC check hook of barq.simd: whether kernels of this level can run here. */
static bool
check_simd(char **newval, void **extra, GucSource source)
{
	if (barq_kernels_available(*newval))
		return true;
	GUC_check_errdetail("This machine, or this build, has no instruction-set level \"%s\".",
						*newval);
	GUC_check_errhint("Available values are \"auto\", \"baseline\", \"avx2\", \"avx512\" and \"neon\", as far as the machine goes.");
	return false;
}

static void
assign_simd(const char *newval, void *extra)
{
	(void) barq_kernels_select(newval);
}

/* The setting lies here and not in base/settings.c, which must not call kernels. */
static void
define_simd_setting(void)
{
	DefineCustomStringVariable("barq.simd",
							   "Instruction-set level of the distance kernels.",
							   "auto, baseline, avx2, avx512 or neon.",
							   &simd_setting, "auto",
							   PGC_USERSET, GUC_NOT_IN_SAMPLE | GUC_EXPLAIN,
							   check_simd, assign_simd, NULL);
}

/*
 * XactCallback: remove images of dropped storage, add counts to the statistics, bound
 * the caches, release folder locks, and close the files of the transaction.
 */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
	{
		barq_image_remove_dropped(event == XACT_EVENT_COMMIT);
		barq_residency_catch_up();
	}
	if (event == XACT_EVENT_PARALLEL_COMMIT || event == XACT_EVENT_PARALLEL_ABORT)
		barq_files_at_end(event == XACT_EVENT_PARALLEL_COMMIT);
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PARALLEL_PRE_COMMIT &&
		event != XACT_EVENT_PRE_PREPARE)
	{
		barq_stats_flush(true);
		barq_snapshots_trim();
	}
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
	{
		barq_image_end_holds(event != XACT_EVENT_ABORT);
		barq_files_at_end(event != XACT_EVENT_ABORT);
	}
}

/* SubXactCallback: the same at the end of a subtransaction. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId my_id,
					  SubTransactionId parent_id, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		barq_image_remove_dropped(false);
	if (event == SUBXACT_EVENT_ABORT_SUB || event == SUBXACT_EVENT_COMMIT_SUB)
	{
		barq_image_subtransaction_holds(my_id, parent_id,
										event == SUBXACT_EVENT_COMMIT_SUB);
		barq_files_at_subtransaction_end(my_id, parent_id,
										 event == SUBXACT_EVENT_COMMIT_SUB);
	}
}

/* Forget cached state of a relation (InvalidOid: of all relations). */
static void
at_relcache_invalidation(Datum arg, Oid relid)
{
	barq_snapshot_suspect(relid);
	barq_hybrid_forget(relid);
	barq_text_config_forget(relid);
}

void
_PG_init(void)
{
	barq_kernels_init();
	barq_define_settings();
	define_simd_setting();
	MarkGUCPrefixReserved("barq");

	/* each kind of segment or index is registered by one line */
	barq_register_segment_kind(&barq_flat_kind);
	barq_register_segment_kind(&barq_hnsw_kind);
	barq_register_segment_kind(&barq_ivf_kind);
	barq_register_segment_kind(&barq_bm25_kind);
	barq_register_index_kind(&barq_hnsw_index_kind.base);
	barq_register_index_kind(&barq_ivf_index_kind.base);
	barq_register_index_kind(&barq_bm25_index_kind);

	barq_define_hnsw_reloptions();
	barq_define_ivf_reloptions();
	barq_define_text_reloptions();

	/* each makes paths of those of the one before */
	barq_text_paths_init();
	barq_filter_init();
	barq_parallel_paths_init();
	barq_condition_init();
	barq_radius_init();
	barq_count_init();
	barq_sorted_init();
	if (process_shared_preload_libraries_in_progress)
	{
		barq_stats_request_shmem();
		barq_residency_request_shmem();
		barq_launcher_register();
	}
	barq_image_worker_hook = barq_images_ask_worker;
	barq_watch_ddl();
	barq_scan_report_init();
	barq_scan_bound_init();
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
	CacheRegisterRelcacheCallback(at_relcache_invalidation, (Datum) 0);
	barq_announce_init();
}
