/*
 * build.h
 *	  What leader and workers of CREATE INDEX share.
 */
#ifndef BARQ_BUILD_H
#define BARQ_BUILD_H

#include "am/am.h"

#include "access/parallel.h"
#include "access/tableam.h"
#include "nodes/execnodes.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "store/keyless.h"

/* The run of a participant in a build of text (text_build.h). */
typedef struct BarqSharedRun
{
	char		name[64];		/* of its file, in the index's image folder */
	uint64		bytes;
} BarqSharedRun;

/* Rows are handed to the file of rows in chunks of this many. */
#define BARQ_CHUNK_ROWS		4096

/* leader and workers */
#define BARQ_MAX_PARTICIPANTS	1024

/* The last, partly filled chunk of a participant. */
typedef struct BarqPartialChunk
{
	uint32		chunk;
	uint32		used;
} BarqPartialChunk;

typedef struct BarqBuildShared
{
	Oid			heap;
	Oid			index;
	bool		concurrent;
	int			participants;	/* asked for */
	char		rows_path[MAXPGPATH];

	pg_atomic_uint32 next_chunk;
	pg_atomic_uint32 next_participant;
	pg_atomic_uint64 next_whole;	/* bytes of whole rows written or claimed */
	pg_atomic_uint64 next_keyless;	/* bytes of rows without a key likewise */
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

	/* a participant each: of vectors, or of text */
	union
	{
		BarqPartialChunk partial[BARQ_MAX_PARTICIPANTS];
		BarqSharedRun runs[BARQ_MAX_PARTICIPANTS];
	};
	/* a ParallelTableScanDesc follows */
} BarqBuildShared;

#define BarqBuildSharedScan(shared) \
	((ParallelTableScanDesc) ((char *) (shared) + BUFFERALIGN(sizeof(BarqBuildShared))))

/*
 * Where one participant puts the rows that it reads from the heap. Where the
 * codec has heads, a slot's is one whose row lies as many bytes from the start
 * of all whole rows, which have a file or memory of their own.
 */
typedef struct BarqRowSink
{
	const BarqVectorSpace *space;
	BarqCodec	codec;
	Size		slot_bytes;		/* code, then TID padded to 8 */

	/* file: chunks claimed from `shared` (or from `own_chunks` when alone) */
	int			fd;				/* -1: all rows stay in `memory` */
	const char *path;
	BarqBuildShared *shared;	/* NULL: alone */
	uint32		own_chunks;
	uint32		chunk;			/* claimed now */
	bool		claimed;

	char	   *memory;			/* a chunk's rows, or all of them */
	uint64		memory_space;	/* rows */
	int			whole_fd;
	const char *whole_path;
	uint64		own_whole;		/* bytes written, where nobody shares the file */
	char	   *whole;			/* those of the rows in memory */
	uint64		whole_space;
	uint64		whole_used;
	uint64		filled;			/* rows in memory */
	uint64		rows;			/* that have a key, in all */

	/* those without one: some in memory, the others in a file if there is one */
	int			keyless_fd;		/* -1: not needed so far */
	char	   *keyless_path;
	uint64		own_keyless;	/* bytes written, where nobody shares the file */
	BarqKeylessRows keyless;	/* in `context` */
	uint64		nkeyless;		/* in all */
	uint64		reported;
	double		heap_tuples;
	MemoryContext context;		/* all but what a row leaves behind */
	MemoryContext scratch;
} BarqRowSink;

/*
 * build.c: ERROR if the index has pages already; forget what is remembered of
 * a metapage before a TRUNCATE in place.
 */
extern void barq_build_check_empty(Relation index);

/*
 * Hold the index's image folder to the end of the transaction: until it
 * commits nobody else sees a relation that the folder could belong to. False
 * where it cannot be made.
 */
extern bool barq_build_hold_folder(Relation index);

/* build_rows.c */
extern void barq_sink_init(BarqRowSink *sink, Relation index,
						   const BarqFrozenOptions *frozen, const char *path,
						   BarqBuildShared *shared);
extern void barq_sink_scan(BarqRowSink *sink, Relation heap, Relation index,
						   IndexInfo *info, TableScanDesc scan, bool progress);
extern void barq_sink_flush(BarqRowSink *sink);
extern void barq_sink_close(BarqRowSink *sink);

/* The files of whole rows and of rows without a key beside a file of slots; palloc'd. */
extern char *barq_sink_whole_path(const char *path);
extern char *barq_sink_keyless_path(const char *path);

/*
 * Write the rows without a key, of all participants, to a body whose kind has
 * finished its part. After barq_sink_flush by all of them.
 */
extern void barq_sink_write_keyless(BarqRowSink *sink, BarqBodyWriter *writer);

/*
 * All rows as one array of slots (code, TID), mapped or in memory. Closes the
 * gaps that partly filled chunks left. *whole receives where the distances of
 * heads count from, or NULL.
 */
extern const char *barq_sink_rows(BarqRowSink *sink, uint64 *rows, const char **whole);

/* build_parallel.c */
typedef struct BarqBuildLeader
{
	ParallelContext *context;
	BarqBuildShared *shared;
	Snapshot	snapshot;
	int			workers;
} BarqBuildLeader;

/* NULL where the build is to be done alone. rows_path: of vectors. */
extern BarqBuildLeader *barq_build_begin_parallel(Relation heap, Relation index,
												  IndexInfo *info, const char *rows_path);
extern void barq_build_wait_scans(BarqBuildLeader *leader);
/* path NULL: nothing to insert, workers end */
extern void barq_build_release_workers(BarqBuildLeader *leader, const char *path,
									   uint64 bytes);
extern void barq_build_wait_inserts(BarqBuildLeader *leader);
extern void barq_build_end_parallel(BarqBuildLeader *leader);

extern PGDLLEXPORT void barq_build_worker_main(dsm_segment *segment, shm_toc *toc);

/* Phases, as pg_stat_progress_create_index shows them. */
#define BARQ_PHASE_LOAD		2
#define BARQ_PHASE_GRAPH	3
#define BARQ_PHASE_WRITE	4
#define BARQ_PHASE_TRAIN	5
#define BARQ_PHASE_ASSIGN	6

#endif							/* BARQ_BUILD_H */
