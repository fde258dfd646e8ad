/*
 * build_rows.c
 *	  First phase of CREATE INDEX: read the heap's vectors, encode them, and
 *	  return them as one array.
 *
 * Each participant claims chunks of a file in the image directory and writes
 * the rows that it reads into them, so the memory of a build does not grow with
 * the table. Codes are written to the place that they have in a work area, which
 * the file becomes; TIDs, whose place depends on the number of rows, go to a second
 * file. Without files all rows stay in memory. Rows that differ in length go to a
 * third file, in which a participant claims as many bytes as the rows of one chunk
 * take; their heads go to the first file. Refinements go to the third file, each to the
 * place of its slot. What rows have beside their codes: build_values.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <unistd.h>

#include "vector_index/build_files.h"
#include "catalog/index.h"
#include "commands/progress.h"
#include "flat/vector_body.h"
#include "base/array.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "types/vector.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

#define PROGRESS_STEP	1000

void
barq_sink_init(BarqRowSink *sink, Relation index, const BarqFrozenOptions *frozen,
			   const char *path, BarqBuildShared *shared)
{
	memset(sink, 0, sizeof(*sink));
	sink->space = barq_vector_space(index);
	barq_vector_codec(frozen, &sink->codec);
	sink->slot_bytes = sink->codec.stride;
	sink->path = path;
	sink->shared = shared;
	sink->own = shared != NULL ? BarqBuildSharedOwn(shared) : NULL;
	sink->fd = -1;
	sink->tids_fd = -1;
	sink->whole_fd = -1;
	sink->keyless_fd = -1;
	sink->filters_fd = -1;
	sink->columns = frozen->filter_columns;
	sink->context = CurrentMemoryContext;
	if (path != NULL)
	{
		sink->fd = barq_build_opened(barq_path_open(path, O_RDWR | PG_BINARY), path);

		/* the first participant creates the other files */
		sink->tids_path = barq_sink_tids_path(path);
		sink->tids_fd = barq_build_opened(barq_open_file(sink->tids_path,
														 O_RDWR | O_CREAT | PG_BINARY,
														 "row pointers: create"),
										  sink->tids_path);
		if (sink->columns > 0)
		{
			sink->filters_path = barq_sink_filters_path(path);
			sink->filters_fd = barq_build_opened(barq_open_file(sink->filters_path,
																O_RDWR | O_CREAT | PG_BINARY,
																"filter values: create"),
												 sink->filters_path);
		}
		if (barq_codec_has_heads(&sink->codec) || sink->codec.refine_bytes > 0)
		{
			sink->whole_path = barq_sink_whole_path(path);
			sink->whole_fd = barq_build_opened(barq_open_file(sink->whole_path,
															  O_RDWR | O_CREAT | PG_BINARY,
															  "whole rows: create"),
											   sink->whole_path);
		}
	}
	/* with files this never grows: a full chunk is written */
	sink->memory_space = BARQ_CHUNK_ROWS;
	sink->memory = palloc_extended(sink->memory_space * sink->slot_bytes,
								   MCXT_ALLOC_HUGE);
	sink->tids = palloc_extended(sink->memory_space * sizeof(ItemPointerData),
								 MCXT_ALLOC_HUGE);
	if (sink->codec.refine_bytes > 0)
		sink->whole = palloc_extended(sink->memory_space * sink->codec.refine_bytes,
									  MCXT_ALLOC_HUGE);
	sink->scratch = AllocSetContextCreate(CurrentMemoryContext, "barq build scratch",
										  ALLOCSET_DEFAULT_SIZES);
}

char *
barq_sink_tids_path(const char *path)
{
	return psprintf("%s.tids", path);
}

char *
barq_sink_whole_path(const char *path)
{
	return psprintf("%s.whole", path);
}

/* The place of a slot in its file. */
static off_t
slot_off(const BarqRowSink *sink, uint64 row)
{
	return (off_t) (BARQ_AREA_CODES + row * sink->slot_bytes);
}

/* Write n slots, refinements and TIDs to their files, the first as row first_row. */
static void
write_rows(BarqRowSink *sink, uint64 first_row, const char *rows, const char *refinements,
		   const ItemPointerData *tids, uint64 n)
{
	Size		width = sink->codec.refine_bytes;

	barq_build_write(sink->fd, sink->path, rows, n * sink->slot_bytes,
					 slot_off(sink, first_row));
	barq_build_write(sink->tids_fd, sink->tids_path, (const char *) tids,
					 n * sizeof(ItemPointerData),
					 (off_t) (first_row * sizeof(ItemPointerData)));
	if (width > 0)
		barq_build_write(sink->whole_fd, sink->whole_path, refinements, n * width,
						 (off_t) (first_row * width));
}

/*
 * Write the whole rows in memory to their file, and set the distances of their
 * heads to the place in the file.
 */
static void
flush_whole(BarqRowSink *sink)
{
	uint64		at = sink->own_whole;

	if (sink->shared != NULL)
		at = pg_atomic_fetch_add_u64(&sink->own->next_whole, sink->whole_used);
	sink->own_whole += sink->whole_used;
	barq_build_write(sink->whole_fd, sink->whole_path, sink->whole, sink->whole_used, at);
	sink->whole_used = 0;
	for (uint64 i = 0; i < sink->filled; i++)
	{
		char	   *head = sink->memory + i * sink->slot_bytes;
		int64		distance;
		Size		length;

		(void) barq_row_extent(&sink->codec, head, &distance, &length);
		barq_row_head(&sink->codec, head, head, at + distance);
	}
}

/* Write the claimed chunk as far as it is filled; memory is empty afterwards. */
static void
flush_chunk(BarqRowSink *sink)
{
	if (barq_codec_has_heads(&sink->codec))
		flush_whole(sink);
	write_rows(sink, (uint64) sink->chunk * BARQ_CHUNK_ROWS, sink->memory, sink->whole,
			   sink->tids, sink->filled);
	sink->claimed = false;
	sink->filled = 0;
}

/* Make room for `bytes` bytes of whole rows in memory. */
static void
reserve_whole(BarqRowSink *sink, uint64 bytes)
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	BARQ_ARRAY_RESERVE(sink->whole, sink->whole_space, bytes, 65536);
	MemoryContextSwitchTo(old);
}

/*
 * Encode a value into a slot of the sink's memory, without its TID. False if the
 * value has no key; the slot is then undefined.
 */
static bool
encode_row(BarqRowSink *sink, const void *elements, char *slot)
{
	uint64		at = sink->whole_used;
	Size		length;

	if (!barq_codec_has_heads(&sink->codec))
		return barq_codec_encode_parts(&sink->codec, elements, slot,
									   sink->whole + sink->filled * sink->codec.refine_bytes);

	length = barq_value_row_bytes(&sink->codec, elements);
	reserve_whole(sink, at + length);
	if (!barq_codec_encode(&sink->codec, elements, sink->whole + at))
		return false;
	barq_row_head(&sink->codec, slot, sink->whole + at, at);
	sink->whole_used += length;
	return true;
}

/*
 * Make room for one more slot in memory: with files, by writing a full chunk and
 * claiming the next one.
 */
static void
reserve_slot(BarqRowSink *sink)
{
	if (sink->filled == sink->memory_space)
	{
		if (sink->path != NULL)
			flush_chunk(sink);
		else
		{
			Size		space = sink->memory_space;

			sink->memory = barq_array_grow(sink->memory, &sink->memory_space,
										   sink->filled + 1, BARQ_CHUNK_ROWS,
										   PG_INT64_MAX, sink->slot_bytes);
			sink->tids = barq_array_grow(sink->tids, &space, sink->filled + 1,
										 BARQ_CHUNK_ROWS, PG_INT64_MAX,
										 sizeof(ItemPointerData));
			Assert(space == sink->memory_space);
			if (sink->codec.refine_bytes > 0)
				sink->whole = repalloc_huge(sink->whole, space * sink->codec.refine_bytes);
		}
	}
	if (sink->path != NULL && !sink->claimed)
	{
		sink->chunk = sink->shared != NULL ?
			pg_atomic_fetch_add_u32(&sink->own->next_chunk, 1) : sink->own_chunks++;
		sink->claimed = true;
	}
}

/*
 * Report rows done, of all participants, every PROGRESS_STEP rows. Raises
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED as soon as they are more than a segment holds: not
 * after the whole heap was read.
 */
static void
report_rows(BarqRowSink *sink)
{
	uint64		n = sink->rows - sink->reported;

	if (n < PROGRESS_STEP)
		return;
	sink->reported = sink->rows;
	if (sink->shared != NULL)
		n += pg_atomic_fetch_add_u64(&sink->shared->rows_loaded, n);
	else
		n = sink->rows;
	barq_vector_limit_rows(n);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_TUPLES_DONE, n);
}

/*
 * IndexBuildCallback: add a row of the heap to the sink. Raises
 * ERRCODE_DATA_EXCEPTION if the vector has another number of dimensions than the
 * index.
 */
static void
add_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		bool tuple_is_alive, void *arg)
{
	BarqRowSink *sink = arg;
	MemoryContext old;
	const void *elements;
	void	   *copy;
	char	   *slot;
	int			dims;

	CHECK_FOR_INTERRUPTS();
	if (sink->columns > 0)
		barq_sink_add_filters(sink, index, tid, values, isnull);
	if (isnull[0])
	{
		barq_sink_add_keyless(sink, BARQ_KEYLESS_NULL, tid);
		return;
	}

	reserve_slot(sink);
	old = MemoryContextSwitchTo(sink->scratch);
	elements = sink->space->elements(values[0], &dims, &copy);
	barq_check_expected_dim(sink->codec.dims, dims);
	slot = sink->memory + sink->filled * sink->slot_bytes;
	if (encode_row(sink, elements, slot))
	{
		memset(slot + sink->codec.row_bytes, 0, sink->slot_bytes - sink->codec.row_bytes);
		sink->tids[sink->filled++] = *tid;
		sink->rows++;
	}
	else
		barq_sink_add_keyless(sink, BARQ_KEYLESS_UNDEFINED, tid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->scratch);

	report_rows(sink);
}

void
barq_sink_scan(BarqRowSink *sink, Relation heap, Relation index, IndexInfo *info,
			   TableScanDesc scan, bool progress)
{
	sink->heap_tuples = table_index_build_scan(heap, index, info, true, progress,
											   add_row, sink, scan);
}

void
barq_sink_flush(BarqRowSink *sink)
{
	if (sink->path == NULL)
		return;
	barq_sink_flush_values(sink);
	if (sink->shared != NULL)
	{
		uint32		me = pg_atomic_fetch_add_u32(&sink->shared->next_participant, 1);

		/* a participant without an unfinished chunk leaves no gap */
		Assert(me < BARQ_MAX_PARTICIPANTS);
		sink->own->partial[me].chunk = sink->chunk;
		sink->own->partial[me].used = sink->claimed ? sink->filled : BARQ_CHUNK_ROWS;
	}
	if (sink->claimed)
		flush_chunk(sink);
}

void
barq_sink_close(BarqRowSink *sink)
{
	barq_build_close(&sink->fd);
	barq_build_close(&sink->tids_fd);
	barq_build_close(&sink->whole_fd);
	barq_build_close(&sink->keyless_fd);
	barq_build_close(&sink->filters_fd);
}

/*
 * Whether a slot of the file holds no row: it lies behind the rows of one of the
 * n partial chunks. No side effects.
 */
static bool
in_gap(const BarqPartialChunk *partial, int n, uint64 slot)
{
	for (int i = 0; i < n; i++)
		if (slot / BARQ_CHUNK_ROWS == partial[i].chunk &&
			slot % BARQ_CHUNK_ROWS >= partial[i].used)
			return true;
	return false;
}

/* Read a slot, its refinement if there are any, and its TID from their files. */
static void
read_row(BarqRowSink *sink, uint64 row, char *slot, char *refinement, ItemPointerData *tid)
{
	Size		width = sink->codec.refine_bytes;

	if (pread(sink->fd, slot, sink->slot_bytes, slot_off(sink, row)) !=
		(ssize_t) sink->slot_bytes ||
		pread(sink->tids_fd, tid, sizeof(*tid), (off_t) (row * sizeof(*tid))) !=
		(ssize_t) sizeof(*tid) ||
		(width > 0 &&
		 pread(sink->whole_fd, refinement, width, (off_t) (row * width)) != (ssize_t) width))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", sink->path)));
}

/*
 * Make the rows of the file dense: rows that lie behind the final end are moved
 * into the gaps before it. Returns the number of rows of all participants. Only
 * the leader, after every participant's flush.
 */
static uint64
close_gaps(BarqRowSink *sink)
{
	const BarqPartialChunk *partial = sink->own->partial;
	int			n = pg_atomic_read_u32(&sink->shared->next_participant);
	uint64		end = (uint64) pg_atomic_read_u32(&sink->own->next_chunk) * BARQ_CHUNK_ROWS;
	uint64		from;
	char	   *slot = palloc(sink->slot_bytes);
	char	   *refinement = palloc(Max(sink->codec.refine_bytes, 1));
	ItemPointerData tid;

	for (int i = 0; i < n; i++)
		end -= BARQ_CHUNK_ROWS - partial[i].used;
	from = end;

	for (int i = 0; i < n; i++)
		for (uint32 at = partial[i].used; at < BARQ_CHUNK_ROWS; at++)
		{
			uint64		to = (uint64) partial[i].chunk * BARQ_CHUNK_ROWS + at;

			if (to >= end)
				break;
			while (in_gap(partial, n, from))
				from++;
			Assert(to < end && from >= end);
			CHECK_FOR_INTERRUPTS();
			read_row(sink, from, slot, refinement, &tid);
			write_rows(sink, to, slot, refinement, &tid, 1);
			from++;
		}
	pfree(slot);
	pfree(refinement);
	return end;
}

void
barq_sink_rows(BarqRowSink *sink, BarqBuildRows *rows)
{
	uint64		n;

	memset(rows, 0, sizeof(*rows));
	if (sink->path == NULL)
	{
		rows->n = (uint32) sink->filled;
		rows->codes = sink->memory;
		rows->tids = sink->tids;
		rows->whole = rows->refinements = sink->whole;
		rows->whole_bytes = sink->whole_used;
		return;
	}

	/* flushed */
	Assert(!sink->claimed);
	n = sink->shared != NULL ? close_gaps(sink) : sink->rows;
	if (n == 0)
		return;
	rows->n = (uint32) n;
	sink->maps[0] = barq_build_map(sink->fd, sink->path, slot_off(sink, n));
	rows->codes = (const char *) sink->maps[0]->address + BARQ_AREA_CODES;
	sink->maps[1] = barq_build_map(sink->tids_fd, sink->tids_path, n * sizeof(ItemPointerData));
	rows->tids = sink->maps[1]->address;
	if (sink->codec.refine_bytes > 0)
	{
		sink->maps[2] = barq_build_map(sink->whole_fd, sink->whole_path, n * sink->codec.refine_bytes);
		rows->refinements = sink->maps[2]->address;
	}
	else if (sink->whole_fd >= 0)
	{
		rows->whole_bytes = sink->shared != NULL ?
			pg_atomic_read_u64(&sink->own->next_whole) : sink->own_whole;
		sink->maps[2] = barq_build_map(sink->whole_fd, sink->whole_path, rows->whole_bytes);
		rows->whole = sink->maps[2]->address;
	}
}

void
barq_sink_drop_rows(BarqRowSink *sink)
{
	for (Size i = 0; i < lengthof(sink->maps); i++)
		if (sink->maps[i] != NULL)
			barq_build_unmap(sink->maps[i]);
	/* a file that has become the work area is not found by this name any more */
	if (sink->fd >= 0)
		barq_unlink(sink->path, "rows: drop");
	barq_build_close(&sink->fd);
	if (sink->tids_fd >= 0)
		barq_unlink(sink->tids_path, "row pointers: drop");
	barq_build_close(&sink->tids_fd);
	if (sink->whole_fd >= 0)
		barq_unlink(sink->whole_path, "whole rows: drop");
	barq_build_close(&sink->whole_fd);
	pfree(sink->memory);
	pfree(sink->tids);
	if (sink->whole != NULL)
		pfree(sink->whole);
	sink->memory = sink->whole = NULL;
	sink->tids = NULL;
}
