/*
 * vector_build.h
 *	  CREATE INDEX of vectors: the state that leader and workers share, and where
 *	  one participant puts the rows that it reads.
 */
#ifndef BARQ_VECTOR_BUILD_H
#define BARQ_VECTOR_BUILD_H

#include "am/build.h"
#include "store/filters.h"
#include "store/keyless.h"
#include "vector_index/vector_index.h"

/* Phases, as pg_stat_progress_create_index shows them. */
#define BARQ_PHASE_LOAD		2
#define BARQ_PHASE_GRAPH	3
#define BARQ_PHASE_WRITE	4
#define BARQ_PHASE_TRAIN	5
#define BARQ_PHASE_ASSIGN	6

/* Rows are written to the file of slots in chunks of this many. */
#define BARQ_CHUNK_ROWS		4096

/* The last, partly filled chunk of a participant. */
typedef struct BarqPartialChunk
{
	uint32		chunk;
	uint32		used;			/* rows */
} BarqPartialChunk;

/* Shared by leader and workers of a build of vectors (BarqBuildSharedOwn). */
typedef struct BarqVectorBuildShared
{
	char		rows_path[MAXPGPATH];
	pg_atomic_uint32 next_chunk;
	pg_atomic_uint64 next_whole;	/* bytes of whole rows written or claimed */
	pg_atomic_uint64 next_keyless;	/* bytes of rows without a key written or claimed */
	pg_atomic_uint64 next_filters;	/* bytes of filter values written or claimed */
	BarqPartialChunk partial[BARQ_MAX_PARTICIPANTS];
} BarqVectorBuildShared;

/*
 * Where one participant puts the rows that it reads from the heap. A row becomes
 * a slot, which holds its code, and a TID in a file or memory of its own. The file of
 * slots becomes the work area of the build (flat.h): slots lie where codes do there.
 * If the codec has heads, the slot holds the head of a whole row, and whole rows have
 * a file or memory of their own: the head's distance then counts from the start of
 * all whole rows. If rows have refinements, these take the place of whole rows there,
 * one for each slot.
 */
typedef struct BarqRowSink
{
	const BarqVectorSpace *space;
	BarqCodec	codec;
	Size		slot_bytes;

	/* file of slots: chunks claimed from `own`, or from `own_chunks` if alone */
	int			fd;				/* -1: all rows stay in `memory` */
	const char *path;
	BarqBuildShared *shared;	/* NULL: this process builds alone */
	BarqVectorBuildShared *own; /* of `shared` */
	uint32		own_chunks;
	uint32		chunk;			/* the one being filled */
	bool		claimed;		/* `chunk` is claimed and not yet written */

	/* slots and TIDs of the chunk being filled, or of all rows */
	char	   *memory;
	ItemPointerData *tids;
	Size		memory_space;	/* rows, in both */
	int			tids_fd;		/* -1: TIDs stay in `tids` */
	const char *tids_path;
	uint64		filled;			/* rows */

	/* whole rows, or refinements, of the slots in memory */
	int			whole_fd;		/* -1: they, if any, stay in `whole` */
	const char *whole_path;
	uint64		own_whole;		/* bytes of the file written by this process */
	char	   *whole;
	uint64		whole_space;	/* bytes */
	uint64		whole_used;		/* bytes */

	/* rows without a key: some in memory, the others in a file if there is one */
	int			keyless_fd;		/* -1: not needed so far */
	char	   *keyless_path;
	uint64		own_keyless;	/* bytes of the file written by this process */
	BarqKeylessRows keyless;	/* in `context` */

	/* values of filter columns: in memory, or in a file by way of `filters_buffer` */
	int			columns;		/* 0: the index has none */
	BarqFilterRows filters;		/* in `context` */
	int			filters_fd;		/* -1: none, or no files */
	char	   *filters_path;
	char	   *filters_buffer;
	Size		filters_space;
	Size		filters_used;
	uint64		own_filters;	/* bytes of the file written by this process */

	/* counts of this participant */
	uint64		rows;			/* with a key */
	uint64		nkeyless;		/* without */
	uint64		reported;		/* of `rows`, as progress */
	double		heap_tuples;

	/* the files of all participants, mapped by barq_sink_rows() */
	struct BarqRowsMapping *maps[3];

	MemoryContext context;		/* of the sink's own memory */
	MemoryContext scratch;		/* reset after each row */
} BarqRowSink;

/* ---- build_rows.c ---- */

/*
 * Open a sink for rows of an index. `path`: the file of slots, which exists, or
 * NULL to keep all rows in memory. `shared`: NULL if this process builds alone.
 * The sink's memory is allocated in the current memory context;
 * barq_sink_close() closes its files. Raises an error with the SQLSTATE of its
 * cause if a file cannot be opened.
 */
extern void barq_sink_init(BarqRowSink *sink, Relation index,
						   const BarqFrozenOptions *frozen, const char *path,
						   BarqBuildShared *shared);

/*
 * Read the heap, or (scan not NULL) a participant's part of it, into the sink.
 * `progress`: report blocks done to pg_stat_progress_create_index.
 */
extern void barq_sink_scan(BarqRowSink *sink, Relation heap, Relation index,
						   IndexInfo *info, TableScanDesc scan, bool progress);

/*
 * Write all rows that are still in memory, if the sink has files. Raises an
 * error with the SQLSTATE of its cause if that fails.
 */
extern void barq_sink_flush(BarqRowSink *sink);

/* Close the sink's files. */
extern void barq_sink_close(BarqRowSink *sink);

/*
 * Names of the files of TIDs and of whole rows that belong to the file of slots `path`;
 * palloc'd.
 */
extern char *barq_sink_tids_path(const char *path);
extern char *barq_sink_whole_path(const char *path);

/*
 * The rows of all participants; called by the leader after every participant's
 * barq_sink_flush(). Removes the gaps that partly filled chunks left in the files.
 * The arrays are mapped until barq_sink_drop_rows(), or until the current memory
 * context is reset, or are the sink's memory. *rows must not be used where there are
 * PG_UINT32_MAX rows or more.
 */
extern void barq_sink_rows(BarqRowSink *sink, BarqBuildRows *rows);

/*
 * The rows are in a work area: free the memory or the mappings of barq_sink_rows(), and
 * close and remove the files of slots (unless it has become the work area), TIDs and
 * whole rows.
 */
extern void barq_sink_drop_rows(BarqRowSink *sink);

/* ---- build_values.c ---- */

/* Likewise the names of the files of rows without a key, and of filter values. */
extern char *barq_sink_keyless_path(const char *path);
extern char *barq_sink_filters_path(const char *path);

/*
 * Append the rows without a key, of all participants, to a body whose kind has
 * finished its part. Called by the leader after every participant's
 * barq_sink_flush().
 */
extern void barq_sink_write_keyless(BarqRowSink *sink, BarqBodyWriter *writer);

/*
 * Append the filter values of all rows, after barq_sink_write_keyless(). Nothing without
 * filter columns.
 */
extern void barq_sink_write_filters(BarqRowSink *sink, BarqBodyWriter *writer);

/* ---- vector_segments.c ---- */

/* Processes that help to build a graph or lists, and the progress of the build. */
typedef struct BarqBuildTeam
{
	/* the rows were copied to the work area */
	void		(*loaded) (void *arg);
	/* let helpers attach the shared work area at `path`, `bytes` long */
	void		(*begin) (void *arg, const char *path, uint64 bytes);
	/* wait until every helper has finished */
	void		(*finish) (void *arg);
	BarqBuildProgress progress;
	void	   *arg;
} BarqBuildTeam;

/*
 * Build a graph or lists of the rows that CREATE INDEX has read. The work area is shared
 * memory if it fits into maintenance_work_mem; else `path`, the file of slots, becomes the
 * work area and then the image of the segment `id`. Where that file cannot grow to the
 * size of a work area, and where path is NULL as the slots are in memory, the segment is
 * built in private memory. Sets rows->in_area. The writer belongs to the
 * caller (barq_body_release).
 */
extern BarqBodyWriter *barq_vector_build(Relation index, const BarqFrozenOptions *frozen,
										 const uint8 *id, BarqBuildRows *rows,
										 const char *path, const BarqBuildTeam *team);

/* ---- places.c ---- */

/*
 * BarqFindPlaces: by k-means over a sample, which takes some bytes for each hundred rows;
 * 0 for few rows and where codes are heads. Runs in this process alone.
 */
extern uint32 barq_find_places(const BarqCodec *codec, const char *codes, uint32 n,
							   uint32 *places, const char **centroids);

/* ---- merge_helpers.c ---- */

/*
 * The team of a merge, palloc'd: helpers as far as the slots of the server allow
 * (max_parallel_maintenance_workers, for all merges together). Its progress reaches the
 * points of the merge (NULL: none). An error of the leader ends its helpers.
 */
typedef struct BarqMergeTeam BarqMergeTeam;
extern BarqBuildTeam *barq_merge_team(const BarqFrozenOptions *frozen,
									  BarqMergePoints *points);

/* ---- vector_worker.c ---- */

/*
 * Launch the workers of a build of vectors whose slots go to the file rows_path.
 * The leader's state is palloc'd in the current memory context and ended by
 * barq_build_end_parallel(). NULL if the build is to be done alone: no workers
 * are allowed, or none could be started.
 */
extern BarqBuildLeader *barq_vector_begin_parallel(Relation heap, Relation index,
												   IndexInfo *info, const char *rows_path);

/* Main function of a worker of such a build; PostgreSQL finds it by name. */
extern PGDLLEXPORT void barq_vector_build_worker(dsm_segment *segment, shm_toc *toc);

#endif							/* BARQ_VECTOR_BUILD_H */
