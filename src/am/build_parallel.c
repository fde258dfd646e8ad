/*
 * build_parallel.c
 *	  Workers of CREATE INDEX: they scan the heap together with the leader, wait
 *	  until the leader has collected the rows, and may then help in a work area
 *	  that the leader has laid out.
 *
 * PostgreSQL plans parallel workers for access methods of extensions only from
 * version 17 on, and by its own rules for when; so barq requests them itself.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "am/build.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/backend_progress.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

#define KEY_SHARED	UINT64CONST(0xBA51000000000001)
#define KEY_QUERY	UINT64CONST(0xBA51000000000002)

/* Number of workers to request for a build; 0: none. */
static int
workers_to_request(Relation heap, Relation index)
{
	int			planned;
	int			given;

	/* 0 if workers are not safe, or the table is too small */
	planned = plan_create_index_workers(RelationGetRelid(heap), RelationGetRelid(index));
	if (planned == 0)
		return 0;
	given = RelationGetParallelWorkers(heap, -1);
	if (given >= 0)
		return Min(given, max_parallel_maintenance_workers);

	/* every worker allowed pays: workers share one work area */
	return max_parallel_maintenance_workers;
}

/* Fill in the part of the shared memory that comes before the parallel scan. */
static void
init_shared(BarqBuildShared *shared, Relation heap, Relation index, IndexInfo *info,
			int participants, Size own_bytes)
{
	memset(shared, 0, BUFFERALIGN(sizeof(BarqBuildShared)) + own_bytes);
	shared->heap = RelationGetRelid(heap);
	shared->index = RelationGetRelid(index);
	shared->concurrent = info->ii_Concurrent;
	shared->participants = participants;
	shared->own_bytes = own_bytes;
	pg_atomic_init_u32(&shared->next_participant, 0);
	pg_atomic_init_u64(&shared->rows_loaded, 0);
	pg_atomic_init_u64(&shared->rows_inserted, 0);
	SpinLockInit(&shared->mutex);
	ConditionVariableInit(&shared->changed);
}

BarqBuildLeader *
barq_build_begin_parallel(Relation heap, Relation index, IndexInfo *info,
						  const char *entry, Size own_bytes,
						  BarqBuildInitOwn init_own, void *arg)
{
	int			request = workers_to_request(heap, index);
	BarqBuildLeader *leader;
	ParallelContext *context;
	BarqBuildShared *shared;
	Size		bytes;
	Size		query_bytes = debug_query_string ? strlen(debug_query_string) + 1 : 0;

	if (request == 0)
		return NULL;
	request = Min(request, BARQ_MAX_PARTICIPANTS - 1);

	leader = palloc0(sizeof(BarqBuildLeader));
	EnterParallelMode();
	context = CreateParallelContext("barq", entry, request);
	leader->context = context;
	leader->snapshot = info->ii_Concurrent ?
		RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;

	bytes = BUFFERALIGN(sizeof(BarqBuildShared)) + BUFFERALIGN(own_bytes) +
		table_parallelscan_estimate(heap, leader->snapshot);
	shm_toc_estimate_chunk(&context->estimator, bytes);
	shm_toc_estimate_keys(&context->estimator, 1);
	if (query_bytes > 0)
	{
		shm_toc_estimate_chunk(&context->estimator, query_bytes);
		shm_toc_estimate_keys(&context->estimator, 1);
	}
	InitializeParallelDSM(context);
	if (context->seg == NULL)
	{
		barq_build_end_parallel(leader);
		return NULL;
	}

	shared = shm_toc_allocate(context->toc, bytes);
	init_shared(shared, heap, index, info, request + 1, own_bytes);
	if (init_own != NULL)
		init_own(BarqBuildSharedOwn(shared), arg);
	table_parallelscan_initialize(heap, BarqBuildSharedScan(shared), leader->snapshot);
	shm_toc_insert(context->toc, KEY_SHARED, shared);
	if (query_bytes > 0)
	{
		char	   *query = shm_toc_allocate(context->toc, query_bytes);

		memcpy(query, debug_query_string, query_bytes);
		shm_toc_insert(context->toc, KEY_QUERY, query);
	}
	leader->shared = shared;

	LaunchParallelWorkers(context);
	leader->workers = context->nworkers_launched;
	if (leader->workers == 0)
	{
		barq_build_end_parallel(leader);
		return NULL;
	}
	ereport(DEBUG1,
			(errmsg_internal("using %d parallel workers for index \"%s\"",
							 leader->workers, RelationGetRelationName(index))));
	return leader;
}

/* Wait until a counter guarded by the mutex is at least `target`. */
static void
wait_for_count(BarqBuildLeader *leader, const int *counter, int target)
{
	BarqBuildShared *shared = leader->shared;

	/* raises an error if a worker could not start: it would never count */
	WaitForParallelWorkersToAttach(leader->context);
	for (;;)
	{
		int			now;

		SpinLockAcquire(&shared->mutex);
		now = *counter;
		SpinLockRelease(&shared->mutex);
		if (now >= target)
			break;
		ConditionVariableSleep(&shared->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
}

void
barq_build_wait_scans(BarqBuildLeader *leader)
{
	wait_for_count(leader, &leader->shared->scans_done, leader->workers);
}

void
barq_build_release_workers(BarqBuildLeader *leader, const char *path, uint64 bytes)
{
	BarqBuildShared *shared = leader->shared;

	/* workers read these only after they have seen work_ready */
	Assert(!shared->work_ready);
	if (path != NULL)
		strlcpy(shared->work_path, path, MAXPGPATH);
	shared->work_bytes = bytes;

	SpinLockAcquire(&shared->mutex);
	shared->work_ready = true;
	shared->work_wanted = path != NULL;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);
}

void
barq_build_wait_inserts(BarqBuildLeader *leader)
{
	wait_for_count(leader, &leader->shared->inserts_done, leader->workers);
}

void
barq_build_end_parallel(BarqBuildLeader *leader)
{
	WaitForParallelWorkersToFinish(leader->context);
	if (IsMVCCSnapshot(leader->snapshot))
		UnregisterSnapshot(leader->snapshot);
	DestroyParallelContext(leader->context);
	ExitParallelMode();
}

void
barq_build_worker(shm_toc *toc, const BarqBuildWorkerOps *ops)
{
	BarqBuildShared *shared = shm_toc_lookup(toc, KEY_SHARED, false);
	LOCKMODE	heap_lock;
	LOCKMODE	index_lock;
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	BarqMeta	meta;
	double		heap_tuples;
	double		rows;
	bool		wanted;

	debug_query_string = shm_toc_lookup(toc, KEY_QUERY, true);
	pgstat_report_activity(STATE_RUNNING, debug_query_string);

	/* the locks that index.c holds in the leader */
	heap_lock = shared->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	index_lock = shared->concurrent ? RowExclusiveLock : AccessExclusiveLock;
	heap = table_open(shared->heap, heap_lock);
	index = index_open(shared->index, index_lock);
	info = BuildIndexInfo(index);
	info->ii_Concurrent = shared->concurrent;

	barq_meta_read(index, &meta);
	rows = ops->scan(shared, heap, index, info, &meta.options, &heap_tuples);

	SpinLockAcquire(&shared->mutex);
	shared->scans_done++;
	shared->heap_tuples += heap_tuples;
	shared->index_tuples += rows;
	shared->broken_hot_chain |= info->ii_BrokenHotChain;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);

	/* wait until the leader has laid out the work area, or needs no help */
	for (;;)
	{
		bool		ready;

		SpinLockAcquire(&shared->mutex);
		ready = shared->work_ready;
		wanted = shared->work_wanted;
		SpinLockRelease(&shared->mutex);
		if (ready)
			break;
		ConditionVariableSleep(&shared->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
	if (wanted && ops->help != NULL)
		ops->help(shared, &meta.options);

	SpinLockAcquire(&shared->mutex);
	shared->inserts_done++;
	SpinLockRelease(&shared->mutex);
	ConditionVariableBroadcast(&shared->changed);

	index_close(index, index_lock);
	table_close(heap, heap_lock);
}
