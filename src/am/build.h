/*
 * build.h
 *	  CREATE INDEX of all access methods: leader and workers, and the image folder
 *	  of an index that other transactions do not see yet.
 */
#ifndef BARQ_BUILD_H
#define BARQ_BUILD_H

#include "am/am.h"

#include "access/parallel.h"
#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"

#define BARQ_MAX_PARTICIPANTS	1024	/* leader and workers */

/* Shared by leader and workers, in the parallel context's DSM segment. */
typedef struct BarqBuildShared
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	int			participants;	/* requested: leader and workers */

	pg_atomic_uint32 next_participant;
	pg_atomic_uint64 rows_loaded;
	pg_atomic_uint64 rows_inserted;

	/* guarded by the mutex; each change is broadcast by the condition variable */
	slock_t		mutex;
	ConditionVariable changed;
	int			scans_done;		/* workers */
	int			inserts_done;	/* workers */
	double		heap_tuples;	/* of all workers */
	double		index_tuples;	/* of all workers */
	bool		broken_hot_chain;
	bool		work_ready;		/* workers may continue after their scans */
	bool		work_wanted;	/* workers insert into the work area, else end */

	/* written before work_ready is set, read after it is seen: no lock */
	char		work_path[MAXPGPATH];
	uint64		work_bytes;

	Size		own_bytes;		/* size of the access method's own part */
	/* the access method's own part and a ParallelTableScanDesc follow */
} BarqBuildShared;

/* The access method's own part, zeroed by the leader before workers start. */
#define BarqBuildSharedOwn(shared) \
	((void *) ((char *) (shared) + BUFFERALIGN(sizeof(BarqBuildShared))))

#define BarqBuildSharedScan(shared) \
	((ParallelTableScanDesc) ((char *) BarqBuildSharedOwn(shared) + \
							  BUFFERALIGN((shared)->own_bytes)))

/* ---- build.c ---- */

/*
 * Raise an internal error (elog) if the index has pages already. Drops the
 * relcache's copy of the metapage, which a TRUNCATE in the same transaction
 * leaves behind.
 */
extern void barq_build_check_empty(Relation index);

/*
 * Create the index's image folder and lock it until the end of the transaction:
 * before the commit, other backends would take the folder for that of a dropped
 * relation and sweep it. False, with errno, if it cannot be created.
 */
extern bool barq_build_hold_folder(Relation index);

/* ---- build_parallel.c ---- */

/* The leader's state; palloc'd by barq_build_begin_parallel(). */
typedef struct BarqBuildLeader
{
	ParallelContext *context;
	BarqBuildShared *shared;
	Snapshot	snapshot;
	int			workers;
} BarqBuildLeader;

/* Initialises the access method's own part, which is zeroed, before workers start. */
typedef void (*BarqBuildInitOwn) (void *own, void *arg);

/*
 * Enter parallel mode and launch workers that run the library's function `entry`,
 * which calls barq_build_worker(). own_bytes: size of the access method's own
 * part, which init_own(own, arg) initialises. The result is palloc'd in the current
 * memory context and ended by barq_build_end_parallel(). NULL if the build is to
 * be done without workers: none are allowed, or none could be started.
 */
extern BarqBuildLeader *barq_build_begin_parallel(Relation heap, Relation index,
												  IndexInfo *info, const char *entry,
												  Size own_bytes,
												  BarqBuildInitOwn init_own, void *arg);

/* Wait until every worker has scanned its part of the heap. */
extern void barq_build_wait_scans(BarqBuildLeader *leader);

/*
 * Let workers continue after their scans: to help in the work area at `path`,
 * `bytes` long, or (path NULL) to end. Called once.
 */
extern void barq_build_release_workers(BarqBuildLeader *leader, const char *path,
									   uint64 bytes);

/* Wait until every worker has finished its part in the work area. */
extern void barq_build_wait_inserts(BarqBuildLeader *leader);

/*
 * Wait until the workers have ended, destroy the parallel context and leave
 * parallel mode. The workers must have been released.
 */
extern void barq_build_end_parallel(BarqBuildLeader *leader);

/*
 * A worker's part of a build. `scan` reads a part of the heap and returns the
 * number of rows indexed; *heap_tuples receives the number of rows read. `help`
 * works in the leader's work area; NULL if the access method has none.
 */
typedef struct BarqBuildWorkerOps
{
	double		(*scan) (BarqBuildShared *shared, Relation heap, Relation index,
						 IndexInfo *info, const BarqFrozenOptions *options,
						 double *heap_tuples);
	void		(*help) (BarqBuildShared *shared, const BarqFrozenOptions *options);
} BarqBuildWorkerOps;

/*
 * Main function of a worker: opens heap and index with the leader's locks, calls
 * `scan`, waits until the leader releases the workers, and calls `help` if the
 * leader has a work area.
 */
extern void barq_build_worker(shm_toc *toc, const BarqBuildWorkerOps *ops);

#endif							/* BARQ_BUILD_H */
