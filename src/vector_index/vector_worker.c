/*
 * vector_worker.c
 *	  Workers of CREATE INDEX of vectors: a worker encodes a part of the heap's
 *	  rows, then helps to make a graph or lists in the leader's work area.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "store/work.h"
#include "vector_index/vector_build.h"

/* BarqBuildInitOwn: initialise the zeroed part that builds of vectors share. */
static void
init_own(void *own, void *rows_path)
{
	BarqVectorBuildShared *shared = own;

	strlcpy(shared->rows_path, rows_path, MAXPGPATH);
	pg_atomic_init_u32(&shared->next_chunk, 0);
	pg_atomic_init_u64(&shared->next_whole, 0);
	pg_atomic_init_u64(&shared->next_keyless, 0);
}

BarqBuildLeader *
barq_vector_begin_parallel(Relation heap, Relation index, IndexInfo *info,
						   const char *rows_path)
{
	return barq_build_begin_parallel(heap, index, info, "barq_vector_build_worker",
									 sizeof(BarqVectorBuildShared), init_own,
									 unconstify(char *, rows_path));
}

/* BarqBuildProgress of a worker: add to the counter that the leader reports. */
static void
worker_progress(void *arg, uint32 rows)
{
	BarqBuildShared *shared = arg;

	CHECK_FOR_INTERRUPTS();
	pg_atomic_fetch_add_u64(&shared->rows_inserted, rows);
}

/* BarqBuildWorkerOps.help: take part in the leader's work area. */
static void
worker_help(BarqBuildShared *shared, const BarqFrozenOptions *options)
{
	BarqWork   *work = barq_work_attach(shared->work_path, shared->work_bytes);

	barq_vector_kind(options)->help(work->address, worker_progress, shared);
	barq_work_release(work);
}

/* BarqBuildWorkerOps.scan: encode a part of the heap's vectors. */
static double
scan_vectors(BarqBuildShared *shared, Relation heap, Relation index, IndexInfo *info,
			 const BarqFrozenOptions *options, double *heap_tuples)
{
	BarqVectorBuildShared *own = BarqBuildSharedOwn(shared);
	BarqRowSink sink;

	barq_sink_init(&sink, index, options, own->rows_path, shared);
	barq_sink_scan(&sink, heap, index, info,
				   BarqBeginSharedScan(heap, BarqBuildSharedScan(shared)), false);
	barq_sink_flush(&sink);
	barq_sink_close(&sink);
	*heap_tuples = sink.heap_tuples;
	return sink.rows + sink.nkeyless;
}

void
barq_vector_build_worker(dsm_segment *segment, shm_toc *toc)
{
	static const BarqBuildWorkerOps ops = {.scan = scan_vectors, .help = worker_help};

	barq_build_worker(toc, &ops);
}
