/*
 * vector_build.h
 *	  CREATE INDEX of vectors: what leader and workers share, and where the rows
 *	  of one participant go.
 */
#ifndef BARQ_VECTOR_BUILD_H
#define BARQ_VECTOR_BUILD_H

#include "am/build.h"
#include "store/keyless.h"
#include "vector_index/vector_index.h"

/* Rows are handed to the file of rows in chunks of this many. */
#define BARQ_CHUNK_ROWS		4096

/* The last, partly filled chunk of a participant. */
typedef struct BarqPartialChunk
{
	uint32		chunk;
	uint32		used;
} BarqPartialChunk;

/* What leader and workers of a build of vectors share (BarqBuildSharedOwn). */
typedef struct BarqVectorBuildShared
{
	char		rows_path[MAXPGPATH];
	pg_atomic_uint32 next_chunk;
	pg_atomic_uint64 next_whole;	/* bytes of whole rows written or claimed */
	pg_atomic_uint64 next_keyless;	/* bytes of rows without a key likewise */
	BarqPartialChunk partial[BARQ_MAX_PARTICIPANTS];
} BarqVectorBuildShared;

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
	BarqVectorBuildShared *own; /* of `shared` */
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

/* ---- build_rows.c ---- */

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

/* ---- vector_worker.c ---- */

/* barq_build_begin_parallel() of a build of vectors whose rows go to a file. */
extern BarqBuildLeader *barq_vector_begin_parallel(Relation heap, Relation index,
												   IndexInfo *info, const char *rows_path);

extern PGDLLEXPORT void barq_vector_build_worker(dsm_segment *segment, shm_toc *toc);

/* Phases, as pg_stat_progress_create_index shows them. */
#define BARQ_PHASE_LOAD		2
#define BARQ_PHASE_GRAPH	3
#define BARQ_PHASE_WRITE	4
#define BARQ_PHASE_TRAIN	5
#define BARQ_PHASE_ASSIGN	6

#endif							/* BARQ_VECTOR_BUILD_H */
