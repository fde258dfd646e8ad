/*
 * build.h
 *	  What CREATE INDEX of all access methods shares: the leader, its workers,
 *	  the image folder of an index that nobody else sees yet.
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

typedef struct BarqBuildShared
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	int			participants;	/* asked for */

	pg_atomic_uint32 next_participant;
	pg_atomic_uint64 rows_loaded;
	pg_atomic_uint64 rows_inserted;

	/* guarded by the mutex; the condition variable tells of any change */
	slock_t		mutex;
	ConditionVariable changed;
	int			scans_done;
	int			inserts_done;
	double		heap_tuples;
	double		index_tuples;
	bool		broken_hot_chain;
	bool		work_ready;		/* workers may go on */
	bool		work_wanted;	/* to insert into the work area, else to end */
	char		work_path[MAXPGPATH];
	uint64		work_bytes;

	Size		own_bytes;		/* of the access method's own part */
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
 * ERROR if the index has pages already; forget what is remembered of
 * a metapage before a TRUNCATE in place.
 */
extern void barq_build_check_empty(Relation index);

/*
 * Hold the index's image folder to the end of the transaction: until it
 * commits nobody else sees a relation that the folder could belong to. False
 * where it cannot be made.
 */
extern bool barq_build_hold_folder(Relation index);

/* ---- build_parallel.c ---- */
typedef struct BarqBuildLeader
{
	ParallelContext *context;
	BarqBuildShared *shared;
	Snapshot	snapshot;
	int			workers;
} BarqBuildLeader;

/* Fills in the access method's own part of what is shared, before workers start. */
typedef void (*BarqBuildInitOwn) (void *own, void *arg);

/*
 * Launch workers that run the library's function `entry`, which calls
 * barq_build_worker(). own_bytes: size of the access method's own part.
 * Returns NULL where the build is to be done alone.
 */
extern BarqBuildLeader *barq_build_begin_parallel(Relation heap, Relation index,
												  IndexInfo *info, const char *entry,
												  Size own_bytes,
												  BarqBuildInitOwn init_own, void *arg);

/* Wait until every worker has scanned its part of the heap. */
extern void barq_build_wait_scans(BarqBuildLeader *leader);

/* Let workers go on: to help in the work area at `path`, or (NULL) to end. */
extern void barq_build_release_workers(BarqBuildLeader *leader, const char *path,
									   uint64 bytes);

/* Wait until every worker has done its part in the work area. */
extern void barq_build_wait_inserts(BarqBuildLeader *leader);

/* Wait until the workers have ended, and free what is shared with them. */
extern void barq_build_end_parallel(BarqBuildLeader *leader);

/*
 * A worker's part of a build. `scan` reads a part of the heap and returns the
 * number of rows indexed, with that of rows read in *heap_tuples; `help` (NULL:
 * there is nothing to do) works in the leader's work area.
 */
typedef struct BarqBuildWorkerOps
{
	double		(*scan) (BarqBuildShared *shared, Relation heap, Relation index,
						 IndexInfo *info, const BarqFrozenOptions *options,
						 double *heap_tuples);
	void		(*help) (BarqBuildShared *shared, const BarqFrozenOptions *options);
} BarqBuildWorkerOps;

extern void barq_build_worker(shm_toc *toc, const BarqBuildWorkerOps *ops);

#endif							/* BARQ_BUILD_H */
