/*
 * text_build.c
 *	  CREATE INDEX of text: leader and workers each tokenise a part of the heap
 *	  into runs; the leader merges the runs into the index's first segment.
 */
#include "postgres.h"

#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "store/image.h"
#include "store/work.h"
#include "text_index/text_build.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

#define PHASE_TOKENIZE	2
#define PHASE_MERGE		3
#define PHASE_WRITE		4

char *
barq_text_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case PHASE_TOKENIZE:
			return "tokenizing documents";
		case PHASE_MERGE:
			return "merging runs";
		case PHASE_WRITE:
			return "writing segment";
		default:
			return NULL;
	}
}

/*
 * The leader's own runs and those of its workers (leader: NULL without workers),
 * whose files are mapped; palloc'd. *n: their number.
 */
static BarqTextRun *
collect_runs(BarqTextRuns *own, BarqBuildLeader *leader, int *n)
{
	int			others = leader == NULL ? 0 :
		(int) pg_atomic_read_u32(&leader->shared->next_participant);
	BarqTextBuildShared *shared = leader == NULL ? NULL : BarqBuildSharedOwn(leader->shared);
	BarqTextRun *runs = palloc0(sizeof(BarqTextRun) * Max(own->nruns + others, 1));

	if (own->nruns > 0)
		memcpy(runs, own->runs, sizeof(BarqTextRun) * own->nruns);
	*n = own->nruns;
	for (int i = 0; i < others; i++)
	{
		BarqTextRun *run = &runs[(*n)++];

		run->bytes = shared->runs[i].bytes;
		run->work = barq_work_attach(psprintf("%s/%s", barq_image_folder(own->index),
											  shared->runs[i].name),
									 shared->runs[i].offset + run->bytes);
		run->body = run->work->address + shared->runs[i].offset;
	}
	return runs;
}

/* Merge n runs and publish them as the index's first segment; n = 0: none. */
static void
write_segment(Relation index, BarqTextRun *runs, int n)
{
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment segment = {.id = id, .origin = BARQ_ORIGIN_BUILD};
	BarqBodyWriter *writer = NULL;

	if (n == 0)
		return;
	barq_new_id(id);
	if (n > 1)
	{
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_MERGE);
		writer = barq_text_merge_runs(index, id, runs, n, (Size) maintenance_work_mem * 1024);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_WRITE);
		segment.body = barq_body_finish(writer, &segment.bytes);
		segment.has_image = barq_body_is_file(writer);
	}
	else
	{
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_WRITE);
		segment.body = runs[0].body;
		segment.bytes = runs[0].bytes;
	}
	barq_publish_segment(index, &segment, NULL);
	if (writer != NULL)
		barq_body_release(writer);
}

/*
 * Whether runs of workers can be shared: there is room in the image directory.
 * Creates the image folder and locks it (barq_build_hold_folder).
 */
static bool
can_share(Relation index)
{
	char	   *reason;
	BarqWork   *probe;

	if (!barq_build_hold_folder(index))
		return false;
	probe = barq_work_create_shared(index, NULL, BLCKSZ, &reason);
	if (probe == NULL)
		return false;
	barq_work_release(probe);
	return true;
}

IndexBuildResult *
barq_text_build(Relation heap, Relation index, IndexInfo *info)
{
	MemoryContext context;
	MemoryContext old;
	BarqFrozenOptions options;
	BarqBuildLeader *leader = NULL;
	BarqBuildShared *shared = NULL;
	TableScanDesc scan = NULL;
	BarqTextRuns own;
	BarqTextRun *runs;
	IndexBuildResult *result = palloc(sizeof(IndexBuildResult));
	int			n;

	barq_build_check_empty(index);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq build",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	barq_text_freeze_for_build(index, &options);
	barq_meta_create(index, MAIN_FORKNUM, &options);

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, PHASE_TOKENIZE);
	if (can_share(index))
		leader = barq_build_begin_parallel(heap, index, info, "barq_text_build_worker",
										   sizeof(BarqTextBuildShared), NULL, NULL);
	if (leader != NULL)
	{
		shared = leader->shared;
		scan = BarqBeginSharedScan(heap, BarqBuildSharedScan(shared));
	}
	barq_text_runs_scan(&own, heap, index, info, &options, shared, scan,
						leader == NULL ? 1 : leader->workers + 1);
	result->heap_tuples = own.heap_tuples;
	result->index_tuples = own.rows;
	if (leader != NULL)
	{
		barq_build_wait_scans(leader);
		result->heap_tuples += shared->heap_tuples;
		result->index_tuples += shared->index_tuples;
		info->ii_BrokenHotChain |= shared->broken_hot_chain;
	}

	/* workers keep their files until the leader has mapped them */
	runs = collect_runs(&own, leader, &n);
	if (leader != NULL)
	{
		barq_build_release_workers(leader, NULL, 0);
		barq_build_end_parallel(leader);
	}
	write_segment(index, runs, n);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

void
barq_text_build_empty(Relation index)
{
	BarqFrozenOptions options;

	barq_text_freeze_for_build(index, &options);
	barq_meta_create(index, INIT_FORKNUM, &options);
}

/*
 * BarqBuildWorkerOps.scan: tokenise this worker's part of the heap; returns the
 * number of rows. The file of the run is removed when the worker ends.
 */
static double
scan_texts(BarqBuildShared *shared, Relation heap, Relation index, IndexInfo *info,
		   const BarqFrozenOptions *options, double *heap_tuples)
{
	BarqTextRuns runs;

	barq_text_runs_scan(&runs, heap, index, info, options, shared,
						BarqBeginSharedScan(heap, BarqBuildSharedScan(shared)),
						shared->participants);
	barq_text_runs_publish(&runs);
	*heap_tuples = runs.heap_tuples;
	return runs.rows;
}

void
barq_text_build_worker(dsm_segment *segment, shm_toc *toc)
{
	static const BarqBuildWorkerOps ops = {.scan = scan_texts};

	barq_build_worker(toc, &ops);
}
