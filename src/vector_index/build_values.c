/*
 * build_values.c
 *	  What rows have beside their codes in CREATE INDEX: the TIDs of rows without a key and
 *	  the values of filter columns. They are gathered in memory and, where the build has
 *	  files, moved to files that all participants share. Calls build_files.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>

#include "am/filters.h"
#include "base/array.h"
#include "miscadmin.h"
#include "vector_index/build_files.h"

/* rows without a key are written to their file this many at a time */
#define KEYLESS_BATCH	8192

/* bytes of filter values in memory, where there is a file */
#define FILTER_BUFFER	(Size) (64 * 1024)

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
	sink->keyless_fd = barq_build_opened(barq_open_file(sink->keyless_path,
														O_RDWR | O_CREAT | PG_BINARY,
														"keyless rows: create"),
										 sink->keyless_path);
	MemoryContextSwitchTo(old);
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
	barq_build_write(sink->keyless_fd, sink->keyless_path, (char *) entries, bytes, at);
	pfree(entries);
}

void
barq_sink_add_keyless(BarqRowSink *sink, BarqKeyless keyless, ItemPointer tid)
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
	barq_build_write(sink->filters_fd, sink->filters_path, sink->filters_buffer,
					 sink->filters_used, (off_t) at);
	sink->filters_used = 0;
}

void
barq_sink_add_filters(BarqRowSink *sink, Relation index, ItemPointer tid, Datum *values, bool *isnull)
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

void
barq_sink_flush_values(BarqRowSink *sink)
{
	if (barq_keyless_count(&sink->keyless) > 0)
		flush_keyless(sink);
	if (sink->filters_used > 0)
		flush_filters(sink);
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
	entries = barq_build_map(sink->keyless_fd, sink->keyless_path,
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
		at = barq_build_map(sink->filters_fd, sink->filters_path, bytes)->address;
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
