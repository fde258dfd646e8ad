/*
 * build.c
 *	  CREATE INDEX of vectors: read and encode the heap's rows (build_rows.c), make
 *	  one segment of them (vector_segments.c), write its pages, publish it.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <unistd.h>

#include "vector_index/vector_build.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "base/settings.h"
#include "base/stats.h"
#include "storage/bufmgr.h"
#include "storage/fd.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

/* State of a build in the leader, or in the one process that builds. */
typedef struct VectorBuild
{
	Relation	heap;
	Relation	index;
	IndexInfo  *info;
	BarqFrozenOptions options;
	const BarqVectorIndexKind *kind;
	BarqCodec	codec;
	char	   *rows_path;		/* of slots; NULL: rows are kept in memory */
	char	   *tids_path;
	char	   *whole_path;		/* of rows that differ in length, or of refinements;
								 * or NULL */
	char	   *keyless_path;	/* of rows without a key; it need not exist */
	char	   *filters_path;	/* of filter values; or NULL */
	MemoryContextCallback remove_rows;
	BarqRowSink sink;
	BarqBuildLeader *leader;	/* NULL: no workers */
	bool		released;		/* barq_build_release_workers() was called */
	uint64		inserted;		/* rows, counted here if there are no workers */
	double		heap_tuples;
	double		index_tuples;
	instr_time	start;
} VectorBuild;

char *
barq_build_phase_name(int64 phase)
{
	switch (phase)
	{
		case PROGRESS_CREATEIDX_SUBPHASE_INITIALIZE:
			return "initializing";
		case BARQ_PHASE_LOAD:
			return "loading vectors";
		case BARQ_PHASE_GRAPH:
			return "building graph";
		case BARQ_PHASE_WRITE:
			return "writing segment";
		case BARQ_PHASE_TRAIN:
			return "performing k-means";
		case BARQ_PHASE_ASSIGN:
			return "assigning vectors to lists";
		default:
			return NULL;
	}
}

/* Callback at the reset of the build's memory context: remove the files of rows. */
static void
remove_rows_file(void *arg)
{
	VectorBuild *build = arg;

	/* those whose name a finished segment or barq_sink_drop_rows() took are gone */
	barq_unlink(build->rows_path, "rows: remove");
	barq_unlink(build->tids_path, "row pointers: remove");
	if (build->whole_path != NULL)
		barq_unlink(build->whole_path, "whole rows: remove");
	if (build->keyless_path != NULL)
		barq_unlink(build->keyless_path, "keyless rows: remove");
	if (build->filters_path != NULL)
		barq_unlink(build->filters_path, "filter values: remove");
}

/*
 * Create the file of slots in the image directory and set the paths of the files
 * of rows, all removed when the current memory context is reset. If the directory
 * cannot be used, the paths stay NULL with a WARNING: the build then keeps its
 * rows in memory and has no workers. ERROR instead if barq.allow_fallback is off.
 */
static void
create_rows_file(VectorBuild *build)
{
	char	   *folder = barq_image_folder(build->index);
	uint8		id[BARQ_ID_BYTES];
	char	   *path;
	int			fd = -1;

	barq_new_id(id);
	path = barq_id_path(folder, id, ".rows");
	if (barq_build_hold_folder(build->index))
		fd = barq_open_file(path, O_RDWR | O_CREAT | O_EXCL | PG_BINARY, "rows: create");
	if (fd < 0)
	{
		const char *problem = barq_file_problem();

		if (!barq_allow_fallback)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not create file \"%s\": %s", path, problem)));
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("index \"%s\" is built in memory, for the image directory cannot be used",
						RelationGetRelationName(build->index)),
				 errdetail_internal("could not create file \"%s\": %s", path, problem)));
		return;
	}
	barq_file_close(fd);
	build->rows_path = path;
	build->tids_path = barq_sink_tids_path(path);
	if (barq_codec_has_heads(&build->codec) || build->codec.refine_bytes > 0)
		build->whole_path = barq_sink_whole_path(path);
	build->keyless_path = barq_sink_keyless_path(path);
	if (build->options.filter_columns > 0)
		build->filters_path = barq_sink_filters_path(path);
	build->remove_rows.func = remove_rows_file;
	build->remove_rows.arg = build;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &build->remove_rows);
}

/* Phase 1: read the heap into the sink, with workers if there are any. */
static void
load_rows(VectorBuild *build)
{
	BarqBuildShared *shared = NULL;
	TableScanDesc scan = NULL;

	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, BARQ_PHASE_LOAD);
	create_rows_file(build);
	if (build->rows_path != NULL)
		build->leader = barq_vector_begin_parallel(build->heap, build->index,
												   build->info, build->rows_path);
	if (build->leader != NULL)
	{
		shared = build->leader->shared;
		scan = BarqBeginSharedScan(build->heap, BarqBuildSharedScan(shared));
	}
	barq_sink_init(&build->sink, build->index, &build->options, build->rows_path, shared);
	barq_sink_scan(&build->sink, build->heap, build->index, build->info, scan, true);
	barq_sink_flush(&build->sink);

	build->heap_tuples = build->sink.heap_tuples;
	build->index_tuples = build->sink.rows + build->sink.nkeyless;
	if (shared != NULL)
	{
		barq_build_wait_scans(build->leader);
		build->heap_tuples += shared->heap_tuples;
		build->index_tuples += shared->index_tuples;
		build->info->ii_BrokenHotChain |= shared->broken_hot_chain;
	}
}

/* BarqBuildTeam.loaded: the rows are in the work area. */
static void
team_loaded(void *arg)
{
	VectorBuild *build = arg;

	barq_sink_drop_rows(&build->sink);
}

/* BarqBuildTeam.begin: let the workers help in the work area. */
static void
team_begin(void *arg, const char *path, uint64 bytes)
{
	VectorBuild *build = arg;

	if (build->leader == NULL)
		return;
	barq_build_release_workers(build->leader, path, bytes);
	build->released = true;
}

/* BarqBuildTeam.finish: wait for the workers. */
static void
team_finish(void *arg)
{
	VectorBuild *build = arg;

	if (build->leader != NULL && build->released)
		barq_build_wait_inserts(build->leader);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, BARQ_PHASE_WRITE);
}

/* BarqBuildTeam.progress: report rows done, of all participants. */
static void
team_progress(void *arg, uint32 rows)
{
	VectorBuild *build = arg;
	uint64		done;

	CHECK_FOR_INTERRUPTS();
	build->inserted += rows;
	done = build->leader == NULL ? build->inserted :
		pg_atomic_fetch_add_u64(&build->leader->shared->rows_inserted, rows) + rows;
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, done);
}

/*
 * Write the rows as a flat body. Heads count from the first whole row; copies of
 * them are made that count from themselves.
 */
static void
write_flat(VectorBuild *build, BarqBodyWriter *flat, const BarqBuildRows *rows)
{
	Size		width = build->codec.row_bytes;
	Size		stride = build->codec.stride;
	char	   *heads;

	if (!barq_codec_has_heads(&build->codec))
	{
		barq_flat_write(flat, &build->codec, rows->codes, stride, rows->refinements,
						build->codec.refine_bytes, rows->tids, rows->n, false);
		return;
	}
	heads = palloc_extended(width * rows->n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < rows->n; i++)
	{
		const char *slot = rows->codes + i * stride;
		char	   *head = heads + i * width;
		int64		distance;
		Size		length;

		(void) barq_row_extent(&build->codec, slot, &distance, &length);
		barq_row_head(&build->codec, head, slot, rows->whole + distance - head);
	}
	barq_flat_write(flat, &build->codec, heads, width, NULL, 0, rows->tids, rows->n, false);
	pfree(heads);
}

/*
 * Make a body of the rows read, with segment id `id`: a graph or lists where that
 * pays, else a flat one. The writer returned belongs to the caller.
 */
static BarqBodyWriter *
build_body(VectorBuild *build, const uint8 *id, BarqBuildRows *rows)
{
	uint64		bytes = rows->n *
		(build->codec.stride + build->codec.refine_bytes + sizeof(ItemPointerData));
	BarqBodyWriter *flat = NULL;
	BarqBuildTeam team = {team_loaded, team_begin, team_finish, team_progress, build};
	char	   *reason = NULL;

	if (build->kind->pays(&build->codec, rows->n))
	{
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE,
									 build->kind->first_phase);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_TOTAL, rows->n);
		pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, 0);
		return barq_vector_build(build->index, &build->options, id, rows,
								 build->rows_path, &team);
	}
	if (build->rows_path != NULL)
		flat = barq_body_begin_file(build->index, id, bytes, &reason);
	if (flat == NULL)
		flat = barq_body_begin_memory(bytes);
	write_flat(build, flat, rows);
	return flat;
}

/* Phase 2: write and publish the rows read as the index's first segment. */
static void
write_segment(VectorBuild *build)
{
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment segment = {.id = id, .origin = BARQ_ORIGIN_BUILD};
	BarqBodyWriter *writer;
	BarqBuildRows rows;

	barq_sink_rows(&build->sink, &rows);
	if (build->index_tuples == 0)
		return;
	if (build->index_tuples >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("cannot index more than %u rows", PG_UINT32_MAX - 1)));

	barq_new_id(id);
	writer = build_body(build, id, &rows);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, BARQ_PHASE_WRITE);
	barq_sink_write_keyless(&build->sink, writer);
	barq_sink_write_filters(&build->sink, writer);
	segment.body = barq_body_finish(writer, &segment.bytes);
	segment.has_image = barq_body_is_file(writer);
	barq_measure_segment(build->index, &segment, barq_elapsed_us(build->start), NULL);
	barq_publish_segment(build->index, &segment, NULL);
	barq_body_release(writer);
}

/* ambuild of both access methods; the result is palloc'd. */
static IndexBuildResult *
build_vectors(const BarqVectorIndexKind *kind, Relation heap, Relation index,
			  IndexInfo *info)
{
	MemoryContext context;
	MemoryContext old;
	VectorBuild *build;
	IndexBuildResult *result;

	barq_build_check_empty(index);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq build",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	build = palloc0(sizeof(VectorBuild));
	INSTR_TIME_SET_CURRENT(build->start);
	build->heap = heap;
	build->index = index;
	build->info = info;
	build->kind = kind;
	kind->base.freeze(index, index->rd_options, &build->options);
	barq_vector_codec(&build->options, &build->codec);
	barq_meta_create(index, MAIN_FORKNUM, &build->options);

	load_rows(build);
	write_segment(build);
	barq_sink_close(&build->sink);
	if (build->leader != NULL)
	{
		if (!build->released)
			barq_build_release_workers(build->leader, NULL, 0);
		barq_build_end_parallel(build->leader);
	}

	MemoryContextSwitchTo(old);
	result = palloc(sizeof(IndexBuildResult));
	result->heap_tuples = build->heap_tuples;
	result->index_tuples = build->index_tuples;
	MemoryContextDelete(context);
	return result;
}

/* ambuildempty of both access methods: the init fork of an unlogged index. */
static void
build_empty(const BarqVectorIndexKind *kind, Relation index)
{
	BarqFrozenOptions options;

	kind->base.freeze(index, index->rd_options, &options);
	barq_meta_create(index, INIT_FORKNUM, &options);
}

IndexBuildResult *
barq_hnsw_build(Relation heap, Relation index, IndexInfo *info)
{
	return build_vectors(&barq_hnsw_index_kind, heap, index, info);
}

IndexBuildResult *
barq_ivf_build(Relation heap, Relation index, IndexInfo *info)
{
	return build_vectors(&barq_ivf_index_kind, heap, index, info);
}

void
barq_hnsw_build_empty(Relation index)
{
	build_empty(&barq_hnsw_index_kind, index);
}

void
barq_ivf_build_empty(Relation index)
{
	build_empty(&barq_ivf_index_kind, index);
}
