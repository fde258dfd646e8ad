/*
 * merge_helpers.c
 *	  Processes that help a merge of vectors to build a graph or lists.
 *
 * A worker that merges holds no snapshot and may have no parallel context, so helpers
 * are background workers of their own. A helper connects to no database: all it needs
 * is the file of the work area, whose path it reads from shared memory that the leader
 * made. It ends when there is nothing left to claim, or when the leader is gone. It
 * gives up only between claims, so no claimed row is lost.
 */
#include "postgres.h"

#include <sched.h>
#include <sys/resource.h>

#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "store/work.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"
#include "vector_index/vector_build.h"

PGDLLEXPORT void barq_helper_main(Datum arg);

/* A smaller work area is filled before a helper could have started. */
#ifndef BARQ_CRASH_POINTS
#define HELP_PAYS_BYTES	(UINT64CONST(8) * 1024 * 1024)
#else							/* tests of crashes need helpers of small merges */
#define HELP_PAYS_BYTES	(UINT64CONST(64) * 1024)
#endif

#define MAX_HELPERS		64

/* As worker.c: helpers of a worker do not take the processors from searches. */
#define HELPER_NICE		10

/* Interval at which the leader looks whether helpers have ended. */
#define FINISH_MS		10

/* In shared memory, made by the leader. */
typedef struct HelperShared
{
	pg_atomic_uint32 leader_gone;
	uint16		index_kind;		/* BARQ_KIND_* of the access method */
	bool		is_nice;		/* the leader is a worker */
	uint64		bytes;			/* of the work area */
	char		path[MAXPGPATH];	/* of its file */
} HelperShared;

struct BarqMergeTeam
{
	BarqBuildTeam base;
	BarqMergePoints *points;	/* or NULL */
	uint16		index_kind;
	dsm_segment *segment;		/* NULL: there are no helpers */
	BackgroundWorkerHandle *helpers[MAX_HELPERS];
	int			nhelpers;
};

/* Callback of the leader's shared memory, however the leader ends its merge. */
static void
tell_helpers(dsm_segment *segment, Datum arg)
{
	pg_atomic_write_u32(&((HelperShared *) DatumGetPointer(arg))->leader_gone, 1);
}

/* Start helpers, at most as many as there are slots. The shared memory is filled. */
static void
start_helpers(BarqMergeTeam *team)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker.bgw_library_name, "barq", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "barq_helper_main",
			sizeof(worker.bgw_function_name));
	snprintf(worker.bgw_name, BGW_MAXLEN, "barq helper of process %d", MyProcPid);
	strlcpy(worker.bgw_type, "barq helper", BGW_MAXLEN);
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(team->segment));
	worker.bgw_notify_pid = MyProcPid;

	while (team->nhelpers < MAX_HELPERS && barq_slot_take(BARQ_SLOT_HELPER))
	{
		if (!RegisterDynamicBackgroundWorker(&worker, &team->helpers[team->nhelpers]))
			break;
		team->nhelpers++;
	}
	ereport(DEBUG1,
			(errmsg_internal("a merge has %d helpers", team->nhelpers)));
}

/* BarqBuildTeam.begin: start helpers where they pay. */
static void
begin(void *arg, const char *path, uint64 bytes)
{
	BarqMergeTeam *team = arg;
	HelperShared *shared;

	if ((team->points != NULL && team->points->alone) || bytes < HELP_PAYS_BYTES || !IsUnderPostmaster || strlen(path) >= MAXPGPATH ||
		!barq_slot_is_free(BARQ_SLOT_HELPER))
		return;
	team->segment = dsm_create(sizeof(HelperShared), DSM_CREATE_NULL_IF_MAXSEGMENTS);
	if (team->segment == NULL)
		return;
	shared = dsm_segment_address(team->segment);
	pg_atomic_init_u32(&shared->leader_gone, 0);
	shared->index_kind = team->index_kind;
	shared->is_nice = MyBgworkerEntry != NULL;
	shared->bytes = bytes;
	strlcpy(shared->path, path, MAXPGPATH);
	on_dsm_detach(team->segment, tell_helpers, PointerGetDatum(shared));
	start_helpers(team);
}

/*
 * BarqBuildTeam.finish: wait until no helper uses the work area. A helper that has not
 * started is not waited for: it finds the leader gone, or nothing to claim.
 */
static void
finish(void *arg)
{
	BarqMergeTeam *team = arg;

	for (int i = 0; i < team->nhelpers; i++)
		for (;;)
		{
			pid_t		pid;
			BgwHandleStatus status = GetBackgroundWorkerPid(team->helpers[i], &pid);

			if (status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED)
				break;
			if (status == BGWH_NOT_YET_STARTED)
				TerminateBackgroundWorker(team->helpers[i]);
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 FINISH_MS, WAIT_EVENT_BGWORKER_SHUTDOWN);
			ResetLatch(MyLatch);
			barq_merge_point(team->points, BARQ_POINT_HELPED);
		}
	if (team->segment != NULL)
		dsm_detach(team->segment);
	team->segment = NULL;
	if (team->nhelpers > 0)
		barq_slots_release(BARQ_SLOT_HELPER);
}

/* BarqBuildTeam.progress of the leader. */
static void
progress(void *arg, uint32 rows)
{
	barq_merge_point(((BarqMergeTeam *) arg)->points, BARQ_POINT_BUILDING);
	barq_step("merge: rows inserted");
}

BarqBuildTeam *
barq_merge_team(const BarqFrozenOptions *frozen, BarqMergePoints *points)
{
	BarqMergeTeam *team = palloc0(sizeof(BarqMergeTeam));

	team->base = (BarqBuildTeam) {
		.begin = begin, .finish = finish, .progress = progress, .arg = team
	};
	team->points = points;
	team->index_kind = frozen->index_kind;
	return &team->base;
}

/* BarqBuildProgress of a helper: end with the leader or the server. */
static void
helper_progress(void *arg, uint32 rows)
{
	HelperShared *shared = arg;

	if (shared->is_nice)
		(void) sched_yield();
	if (ShutdownRequestPending || !PostmasterIsAlive() ||
		pg_atomic_read_u32(&shared->leader_gone) != 0)
		proc_exit(0);
}

/* bgw_main of a helper; arg: handle of the leader's shared memory. */
void
barq_helper_main(Datum arg)
{
	BarqFrozenOptions frozen = {0};
	dsm_segment *segment;
	HelperShared *shared;
	BarqWork   *work;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	CurrentMemoryContext = AllocSetContextCreate(TopMemoryContext, "barq helper",
												 ALLOCSET_DEFAULT_SIZES);

	/* the leader may have ended meanwhile */
	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		proc_exit(0);
	shared = dsm_segment_address(segment);
	helper_progress(shared, 0);
	if (shared->is_nice)
		(void) setpriority(PRIO_PROCESS, 0, HELPER_NICE);

	/* a leader that goes on with the area waits for this process from here on */
	if (!barq_work_use(shared->path))
		proc_exit(0);
	helper_progress(shared, 0);

	work = barq_work_attach(shared->path, shared->bytes);
	frozen.index_kind = shared->index_kind;
	barq_vector_kind(&frozen)->help(work->address, helper_progress, shared);
	barq_work_release(work);
	proc_exit(0);
}
