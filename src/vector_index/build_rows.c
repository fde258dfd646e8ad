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
 * place of its slot.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "am/filters.h"
#include "vector_index/vector_build.h"
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

/* rows without a key are written to their file this many at a time */
#define KEYLESS_BATCH	8192

/* bytes of filter values in memory, where there is a file */
#define FILTER_BUFFER	(Size) (64 * 1024)

/*
 * Returns fd. If opening the file failed (fd is negative), raises the error with
 * the SQLSTATE of its cause.
 */
static int
check_opened(int fd, const char *path)
{
	if (fd < 0)
	{
		const char *problem = barq_file_problem();

		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %s", path, problem)));
	}
	return fd;
}

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
		sink->fd = check_opened(barq_path_open(path, O_RDWR | PG_BINARY), path);

		/* the first participant creates the other files */
		sink->tids_path = barq_sink_tids_path(path);
		sink->tids_fd = check_opened(barq_open_file(sink->tids_path,
													O_RDWR | O_CREAT | PG_BINARY,
													"row pointers: create"),
									 sink->tids_path);
		if (sink->columns > 0)
		{
			sink->filters_path = barq_sink_filters_path(path);
			sink->filters_fd = check_opened(barq_open_file(sink->filters_path,
														   O_RDWR | O_CREAT | PG_BINARY,
														   "filter values: create"),
											sink->filters_path);
		}
		if (barq_codec_has_heads(&sink->codec) || sink->codec.refine_bytes > 0)
		{
			sink->whole_path = barq_sink_whole_path(path);
			sink->whole_fd = check_opened(barq_open_file(sink->whole_path,
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

char *
barq_sink_keyless_path(const char *path)
{
	return psprintf("%s.keyless", path);
}

char *
barq_sink_filters_path(const char *path)
{
	return psprintf("%s.filters", path);
}

/* Open the file of rows without a key; the first participant creates it. */
static void
open_keyless(BarqRowSink *sink)
{
	MemoryContext old;

	if (sink->keyless_fd >= 0)
		return;
	old = MemoryContextSwitchTo(sink->context);
	sink->keyless_path = barq_sink_keyless_path(sink->path);
	sink->keyless_fd = check_opened(barq_open_file(sink->keyless_path,
												   O_RDWR | O_CREAT | PG_BINARY,
												   "keyless rows: create"),
									sink->keyless_path);
	MemoryContextSwitchTo(old);
}

/*
 * Write `left` bytes at offset `off` of a file. Raises an error with the
 * SQLSTATE of its cause if that fails.
 */
static void
write_bytes(int fd, const char *path, const char *data, Size left, off_t off)
{
	while (left > 0)
	{
		ssize_t		written = barq_pwrite(fd, data, left, off, "rows: write");

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			if (written == 0)
				errno = ENOSPC;
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not write file \"%s\": %m", path),
					 errhint("Building an index needs room for its vectors in the image directory (barq.image_directory).")));
		}
		data += written;
		left -= written;
		off += written;
	}
}

/* A row without a key in its file. */
typedef struct KeylessEntry
{
	ItemPointerData tid;
	uint16		keyless;		/* BarqKeyless */
} KeylessEntry;

/* Move the rows without a key that are in memory to their file. */
static void
flush_keyless(BarqRowSink *sink)
{
	uint64		n = barq_keyless_count(&sink->keyless);
	Size		bytes = n * sizeof(KeylessEntry);
	KeylessEntry *entries = palloc(bytes);
	KeylessEntry *entry = entries;
	uint64		at = sink->own_keyless;

	open_keyless(sink);
	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
	{
		for (uint32 j = 0; j < sink->keyless.n[i]; j++, entry++)
		{
			entry->tid = sink->keyless.tids[i][j];
			entry->keyless = i;
		}
		sink->keyless.n[i] = 0;
	}
	if (sink->shared != NULL)
		at = pg_atomic_fetch_add_u64(&sink->own->next_keyless, bytes);
	sink->own_keyless += bytes;
	write_bytes(sink->keyless_fd, sink->keyless_path, (char *) entries, bytes, at);
	pfree(entries);
}

/* Add a row without a key; in memory, or flushed to the file when there are many. */
static void
add_keyless(BarqRowSink *sink, BarqKeyless keyless, ItemPointer tid)
{
	barq_keyless_add(&sink->keyless, sink->context, keyless, tid);
	sink->nkeyless++;
	if (sink->path != NULL && barq_keyless_count(&sink->keyless) >= KEYLESS_BATCH)
		flush_keyless(sink);
}

/* Before the words of a row in the file of filter values. */
typedef struct FilterEntry
{
	ItemPointerData tid;
	uint16		unused;
	uint32		nwords;
	uint32		unused32;
} FilterEntry;

StaticAssertDecl(sizeof(FilterEntry) == 16, "words of filter values must be aligned");

/* Move the filter values in memory to their file. */
static void
flush_filters(BarqRowSink *sink)
{
	uint64		at = sink->own_filters;

	if (sink->shared != NULL)
		at = pg_atomic_fetch_add_u64(&sink->own->next_filters, sink->filters_used);
	sink->own_filters += sink->filters_used;
	write_bytes(sink->filters_fd, sink->filters_path, sink->filters_buffer,
				sink->filters_used, (off_t) at);
	sink->filters_used = 0;
}

/* Add the values of a row's filter columns. */
static void
add_filters(BarqRowSink *sink, Relation index, ItemPointer tid, Datum *values, bool *isnull)
{
	MemoryContext old = MemoryContextSwitchTo(sink->scratch);
	BarqFilterColumns columns = barq_filters_behind_first(index);
	BarqFilterValues filters;
	FilterEntry entry = {.tid = *tid};
	Size		bytes;

	barq_filter_encode(index, &columns, values, isnull, &filters);
	MemoryContextSwitchTo(sink->context);
	if (sink->filters_fd < 0)
		barq_filters_add(&sink->filters, sink->context, tid, filters.words,
						 filters.columns, true);
	else
	{
		entry.nwords = filters.nwords;
		bytes = filters.nwords * sizeof(uint64);
		if (sink->filters_used + sizeof(entry) + bytes > FILTER_BUFFER && sink->filters_used > 0)
			flush_filters(sink);
		BARQ_ARRAY_RESERVE(sink->filters_buffer, sink->filters_space,
						   sink->filters_used + sizeof(entry) + bytes, FILTER_BUFFER);
		memcpy(sink->filters_buffer + sink->filters_used, &entry, sizeof(entry));
		memcpy(sink->filters_buffer + sink->filters_used + sizeof(entry), filters.words, bytes);
		sink->filters_used += sizeof(entry) + bytes;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(sink->scratch);
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

	write_bytes(sink->fd, sink->path, rows, n * sink->slot_bytes,
				slot_off(sink, first_row));
	write_bytes(sink->tids_fd, sink->tids_path, (const char *) tids,
				n * sizeof(ItemPointerData),
				(off_t) (first_row * sizeof(ItemPointerData)));
	if (width > 0)
		write_bytes(sink->whole_fd, sink->whole_path, refinements, n * width,
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
	write_bytes(sink->whole_fd, sink->whole_path, sink->whole, sink->whole_used, at);
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
		add_filters(sink, index, tid, values, isnull);
	if (isnull[0])
	{
		add_keyless(sink, BARQ_KEYLESS_NULL, tid);
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
		add_keyless(sink, BARQ_KEYLESS_UNDEFINED, tid);
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
	if (barq_keyless_count(&sink->keyless) > 0)
		flush_keyless(sink);
	if (sink->filters_used > 0)
		flush_filters(sink);
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

/* Close a file of the sink, if it is open. */
static void
close_file(int *fd)
{
	if (*fd >= 0)
		barq_file_close(*fd);
	*fd = -1;
}

void
barq_sink_close(BarqRowSink *sink)
{
	close_file(&sink->fd);
	close_file(&sink->tids_fd);
	close_file(&sink->whole_fd);
	close_file(&sink->keyless_fd);
	close_file(&sink->filters_fd);
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

struct BarqRowsMapping
{
	MemoryContextCallback callback;
	void	   *address;
	Size		bytes;
};

/* Unmap a file; also the callback of the memory context in which it was mapped. */
static void
unmap_rows(void *arg)
{
	struct BarqRowsMapping *mapping = arg;

	if (mapping->address != NULL)
		barq_unmap(mapping->address, mapping->bytes, "rows: unmap");
	mapping->address = NULL;
}

/*
 * Map a file for reading until unmap_rows(), or until the current memory context is
 * reset. Raises ERRCODE_OUT_OF_MEMORY if that fails.
 */
static struct BarqRowsMapping *
map_rows(int fd, const char *path, Size bytes)
{
	struct BarqRowsMapping *mapping = palloc0(sizeof(struct BarqRowsMapping));
	void	   *address = barq_map(bytes, PROT_READ, MAP_SHARED, fd, "rows: map");

	if (address == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map file \"%s\": %m", path)));
	mapping->address = address;
	mapping->bytes = bytes;
	mapping->callback.func = unmap_rows;
	mapping->callback.arg = mapping;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &mapping->callback);
	return mapping;
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
	sink->maps[0] = map_rows(sink->fd, sink->path, slot_off(sink, n));
	rows->codes = (const char *) sink->maps[0]->address + BARQ_AREA_CODES;
	sink->maps[1] = map_rows(sink->tids_fd, sink->tids_path, n * sizeof(ItemPointerData));
	rows->tids = sink->maps[1]->address;
	if (sink->codec.refine_bytes > 0)
	{
		sink->maps[2] = map_rows(sink->whole_fd, sink->whole_path, n * sink->codec.refine_bytes);
		rows->refinements = sink->maps[2]->address;
	}
	else if (sink->whole_fd >= 0)
	{
		rows->whole_bytes = sink->shared != NULL ?
			pg_atomic_read_u64(&sink->own->next_whole) : sink->own_whole;
		sink->maps[2] = map_rows(sink->whole_fd, sink->whole_path, rows->whole_bytes);
		rows->whole = sink->maps[2]->address;
	}
}

void
barq_sink_drop_rows(BarqRowSink *sink)
{
	for (Size i = 0; i < lengthof(sink->maps); i++)
		if (sink->maps[i] != NULL)
			unmap_rows(sink->maps[i]);
	/* a file that has become the work area is not found by this name any more */
	if (sink->fd >= 0)
		barq_unlink(sink->path, "rows: drop");
	close_file(&sink->fd);
	if (sink->tids_fd >= 0)
		barq_unlink(sink->tids_path, "row pointers: drop");
	close_file(&sink->tids_fd);
	if (sink->whole_fd >= 0)
		barq_unlink(sink->whole_path, "whole rows: drop");
	close_file(&sink->whole_fd);
	pfree(sink->memory);
	pfree(sink->tids);
	if (sink->whole != NULL)
		pfree(sink->whole);
	sink->memory = sink->whole = NULL;
	sink->tids = NULL;
}

/* Bytes of the file of rows without a key, of all participants. */
static uint64
keyless_bytes(const BarqRowSink *sink)
{
	return sink->shared != NULL ?
		pg_atomic_read_u64(&sink->own->next_keyless) : sink->own_keyless;
}

void
barq_sink_write_keyless(BarqRowSink *sink, BarqBodyWriter *writer)
{
	uint64		n = keyless_bytes(sink) / sizeof(KeylessEntry);
	const KeylessEntry *entries;

	if (sink->path == NULL)
	{
		barq_keyless_write(writer, &sink->keyless);
		return;
	}
	if (n == 0)
		return;
	open_keyless(sink);
	entries = map_rows(sink->keyless_fd, sink->keyless_path,
					   n * sizeof(KeylessEntry))->address;
	for (BarqKeyless keyless = 0; keyless < BARQ_KEYLESS_KINDS; keyless++)
		for (uint64 i = 0; i < n; i++)
		{
			if ((i & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			if (entries[i].keyless == keyless)
				barq_body_keyless(writer, keyless, &entries[i].tid, 1);
		}
}

void
barq_sink_write_filters(BarqRowSink *sink, BarqBodyWriter *writer)
{
	uint64		bytes = sink->shared != NULL ?
		pg_atomic_read_u64(&sink->own->next_filters) : sink->own_filters;
	const char *at;
	const char *end;

	if (sink->columns > 0 && sink->filters_fd >= 0 && bytes > 0)
	{
		at = map_rows(sink->filters_fd, sink->filters_path, bytes)->address;
		for (end = at + bytes; at < end;)
		{
			const FilterEntry *entry = (const FilterEntry *) at;

			if ((sink->filters.n & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			at += sizeof(FilterEntry);
			barq_filters_add(&sink->filters, sink->context, &entry->tid,
							 (const uint64 *) at, sink->columns, false);
			at += entry->nwords * sizeof(uint64);
		}
	}
	barq_filters_write(writer, sink->columns, &sink->filters);
}
