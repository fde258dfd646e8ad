/*
 * writer.c
 *	  The body writer. Calls image_file.c.
 *
 * An error needs no clean-up: the file descriptor is closed when the transaction
 * ends, and callbacks of the memory context remove a file that has its temporary name
 * still, and unmap a finished body. barq_image_tidy removes files left by a crash.
 */
#include "postgres.h"

#include "store/folder.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "base/array.h"
#include "base/checksum.h"
#include "base/interrupts.h"
#include "base/steps.h"
#include "store/file_steps.h"
#include "store/writer.h"

/* see WRITE_STEP in image_file.c; a quarter of maintenance_work_mem, if that is less */
#define MOST_BUFFER		(UINT64CONST(16) * 1024 * 1024)
#define WRITER_BUFFER	Min(MOST_BUFFER, (uint64) maintenance_work_mem * 1024 / 4)

struct BarqBodyWriter
{
	bool		is_file;
	char	   *memory;			/* the body, or a buffer of the file's end */
	Size		space;			/* of memory */
	Size		filled;			/* of memory */
	uint64		offset;			/* bytes written in total */
	bool		kind_done;		/* the kind's part is complete */
	BarqBodyFooter footer;
	uint32		rows;			/* of the kind's part, as barq_body_rows() read it */
	uint64		tids_off;
	pg_crc32c	crc;			/* file only */
	BarqImageFile file;
	BarqWork   *work;			/* whose file this is until it is complete, or NULL */
	void	   *mapped;			/* finished file, or NULL */
	Size		mapped_length;
	MemoryContextCallback unmap;
	BarqMergePoints *points;	/* reached when the buffer is written, or NULL */
	bool		begun;			/* the file has its temporary name */
	MemoryContextCallback remove;
};

/* A writer, palloc'd, with `space` bytes of memory at least. */
static BarqBodyWriter *
new_writer(Size space)
{
	BarqBodyWriter *writer = palloc0(sizeof(BarqBodyWriter));

	writer->space = Max(space, 64 * 1024);
	writer->memory = palloc_extended(writer->space, MCXT_ALLOC_HUGE);
	INIT_CRC32C(writer->crc);
	writer->file.fd = -1;
	return writer;
}

BarqBodyWriter *
barq_body_begin_memory(Size expected)
{
	return new_writer(expected);
}

/*
 * Reset callback: remove a file that was not finished. Its descriptor may be closed
 * already; no other process writes a file of this id.
 */
static void
remove_unfinished(void *arg)
{
	BarqBodyWriter *writer = arg;

	if (writer->begun)
		barq_unlink(writer->file.temporary, "body: remove unfinished");
	writer->begun = false;
}

BarqBodyWriter *
barq_body_begin_file(Relation index, const uint8 *id, uint64 expected, char **reason)
{
	BarqBodyWriter *writer = new_writer(Min(expected, WRITER_BUFFER));

	writer->is_file = true;
	if (!barq_image_file_begin(&writer->file, index, id, expected))
	{
		*reason = psprintf("could not create file \"%s\": %s", writer->file.temporary,
						   barq_file_problem());
		pfree(writer->memory);
		pfree(writer);
		return NULL;
	}
	writer->begun = true;
	writer->remove.func = remove_unfinished;
	writer->remove.arg = writer;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &writer->remove);
	return writer;
}

/* Bytes of a work area that are taken between two checks for interrupts. */
#define WORK_STEP	(UINT64CONST(4) * 1024 * 1024)

BarqBodyWriter *
barq_body_begin_work(Relation index, const uint8 *id, BarqWork *work, uint64 bytes)
{
	const char *body = work->address + BARQ_IMAGE_BODY;
	BarqBodyWriter *writer = NULL;
	char	   *reason;

	if (work->path == NULL)
	{
		if (work->attach_path != NULL)
			writer = barq_body_begin_file(index, id, bytes, &reason);
		if (writer == NULL)
			writer = new_writer(bytes + WRITER_BUFFER);
		for (uint64 off = 0; off < bytes; off += WORK_STEP)
		{
			barq_check_interrupts();
			barq_body_write(writer, body + off, Min(bytes - off, WORK_STEP));
		}
		barq_work_release(work);
		return writer;
	}
	writer = new_writer(WRITER_BUFFER);
	writer->is_file = true;
	writer->work = work;
	if (!barq_image_file_begin_at(&writer->file, index, id, work->path, work->bytes))
	{
		const char *problem = barq_file_problem();

		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %s", work->path, problem)));
	}
	for (uint64 off = 0; off < bytes; off += WORK_STEP)
	{
		barq_check_interrupts();
		COMP_CRC32C(writer->crc, body + off, Min(bytes - off, WORK_STEP));
		barq_image_file_take(&writer->file, body + off, Min(bytes - off, WORK_STEP));
	}
	writer->offset = bytes;
	return writer;
}

void
barq_body_set_points(BarqBodyWriter *writer, BarqMergePoints *points)
{
	writer->points = points;
}

/* Write the buffer to the file and empty it. */
static void
flush(BarqBodyWriter *writer)
{
	barq_merge_point(writer->points, BARQ_POINT_WRITING);
	barq_maintenance_bytes += writer->filled;
	COMP_CRC32C(writer->crc, writer->memory, writer->filled);
	if (!barq_image_file_write(&writer->file, writer->memory, writer->filled,
							   writer->offset - writer->filled))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", writer->file.temporary)));
	writer->filled = 0;
}

/* Append to the body, whichever part is being written. */
static void
append(BarqBodyWriter *writer, const void *data, Size len)
{
	const char *from = data;

	while (len > 0)
	{
		Size		room = writer->space - writer->filled;
		Size		here;

		if (room == 0)
		{
			if (writer->is_file)
				flush(writer);
			else
				BARQ_ARRAY_RESERVE(writer->memory, writer->space, writer->filled + 1, 0);
			continue;
		}
		here = Min(room, len);
		memcpy(writer->memory + writer->filled, from, here);
		writer->filled += here;
		writer->offset += here;
		from += here;
		len -= here;
	}
}

/* Append zeros up to a multiple of BARQ_BODY_ALIGN. */
static void
align(BarqBodyWriter *writer)
{
	static const char zeros[BARQ_BODY_ALIGN];
	Size		over = writer->offset % BARQ_BODY_ALIGN;

	if (over > 0)
		append(writer, zeros, BARQ_BODY_ALIGN - over);
}

void
barq_body_write(BarqBodyWriter *writer, const void *data, Size len)
{
	Assert(!writer->kind_done);
	append(writer, data, len);
}

void
barq_body_align(BarqBodyWriter *writer)
{
	Assert(!writer->kind_done);
	align(writer);
}

uint64
barq_body_offset(const BarqBodyWriter *writer)
{
	return writer->offset;
}

/* Align the kind's part and note its size, unless that was done before. */
static void
end_kind_part(BarqBodyWriter *writer)
{
	if (writer->kind_done)
		return;
	align(writer);
	writer->footer.kind_bytes = writer->offset;
	writer->kind_done = true;
}

void
barq_body_keyless(BarqBodyWriter *writer, BarqKeyless keyless,
				  const ItemPointerData *tids, uint32 n)
{
	Assert(writer->footer.filters_off == 0);
	end_kind_part(writer);
	for (int i = keyless + 1; i < BARQ_KEYLESS_KINDS; i++)
		Assert(writer->footer.keyless[i] == 0);
	append(writer, tids, (Size) n * sizeof(ItemPointerData));
	writer->footer.keyless[keyless] += n;
}

/* Read `len` bytes of the body that were written. Errors of files as ereport(ERROR). */
static void
read_back(BarqBodyWriter *writer, uint64 off, void *to, Size len)
{
	uint64		in_memory = writer->offset - writer->filled;
	char	   *at = to;

	Assert(off + len <= writer->offset);
	while (len > 0 && off < in_memory)
	{
		ssize_t		here = pread(writer->file.fd, at, Min(len, in_memory - off),
								 (off_t) (BARQ_IMAGE_BODY + off));

		if (here < 0 && errno == EINTR)
			continue;
		if (here <= 0)
			ereport(ERROR,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", writer->file.temporary)));
		at += here;
		off += here;
		len -= here;
	}
	memcpy(at, writer->memory + (off - in_memory), len);
}

void
barq_body_rows(BarqBodyWriter *writer, uint32 *rows, uint32 *all_rows)
{
	BarqBodyHeader header;

	end_kind_part(writer);
	read_back(writer, 0, &header, sizeof(header));
	*rows = *all_rows = header.rows;
	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
		*all_rows += writer->footer.keyless[i];
	writer->rows = header.rows;
	writer->tids_off = header.tids_off;
}

void
barq_body_read_tids(BarqBodyWriter *writer, uint32 first, uint32 n, ItemPointerData *tids)
{
	uint32		here = first < writer->rows ? Min(n, writer->rows - first) : 0;

	Assert(writer->kind_done);
	if (here > 0)
		read_back(writer, writer->tids_off + (uint64) first * sizeof(*tids), tids,
				  here * sizeof(*tids));
	if (n > here)
		read_back(writer, writer->footer.kind_bytes +
				  (uint64) (first + here - writer->rows) * sizeof(*tids),
				  tids + here, (n - here) * sizeof(*tids));
}

uint64
barq_body_begin_filters(BarqBodyWriter *writer)
{
	end_kind_part(writer);
	align(writer);
	Assert(writer->footer.filters_off == 0);
	writer->footer.filters_off = writer->offset;
	return writer->offset;
}

void
barq_body_append(BarqBodyWriter *writer, const void *data, Size len)
{
	Assert(writer->footer.filters_off != 0);
	append(writer, data, len);
}

void
barq_body_append_align(BarqBodyWriter *writer)
{
	Assert(writer->footer.filters_off != 0);
	align(writer);
}

bool
barq_body_is_file(const BarqBodyWriter *writer)
{
	return writer->is_file;
}

/* Reset callback: unmap the finished body; may be called again. */
static void
unmap_body(void *arg)
{
	BarqBodyWriter *writer = arg;

	if (writer->mapped != NULL)
		barq_unmap(writer->mapped, writer->mapped_length, "body: unmap");
	writer->mapped = NULL;
}

/* Map the file of a finished body of writer->offset bytes; returns the body. */
static const char *
map_body(BarqBodyWriter *writer)
{
	int			fd;

	fd = barq_path_open(writer->file.path, O_RDONLY | PG_BINARY);
	if (fd < 0)
	{
		const char *problem = barq_file_problem();

		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %s", writer->file.path, problem)));
	}
	writer->mapped_length = BARQ_IMAGE_BODY + writer->offset;
	writer->mapped = barq_map(writer->mapped_length, PROT_READ, MAP_SHARED, fd,
							  "body: map");
	barq_file_close(fd);
	if (writer->mapped == MAP_FAILED)
	{
		writer->mapped = NULL;
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map file \"%s\": %m", writer->file.path)));
	}
	writer->unmap.func = unmap_body;
	writer->unmap.arg = writer;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &writer->unmap);
	return (const char *) writer->mapped + BARQ_IMAGE_BODY;
}

const char *
barq_body_finish(BarqBodyWriter *writer, uint64 *bytes)
{
	end_kind_part(writer);
	align(writer);
	if (writer->footer.filters_off != 0)
		writer->footer.filters_bytes = writer->offset - writer->footer.filters_off;
	writer->footer.magic = BARQ_FOOTER_MAGIC;
	append(writer, &writer->footer, sizeof(writer->footer));
	*bytes = writer->offset;
	if (!writer->is_file)
		return writer->memory;

	flush(writer);
	FIN_CRC32C(writer->crc);
	if (!barq_image_file_finish(&writer->file, writer->offset, writer->crc))
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not complete file \"%s\": %m", writer->file.path)));
	if (writer->work != NULL)
	{
		/* its file has another name now, under which it stays */
		writer->work->path = NULL;
		barq_work_release(writer->work);
		writer->work = NULL;
	}

	writer->begun = false;
	return map_body(writer);
}

BarqBodyWriter *
barq_body_reopen(Relation index, const uint8 *id, const char **body, uint64 *bytes)
{
	BarqBodyWriter *writer;
	const BarqImageHeader *header;
	struct stat st;
	char	   *path = barq_id_path(barq_image_folder(index), id, ".img");
	pg_crc32c	crc;

	if (barq_path_stat(path, &st) != 0 || st.st_size < BARQ_IMAGE_BODY)
		return NULL;
	writer = new_writer(0);
	writer->is_file = true;
	writer->kind_done = true;
	writer->file.path = path;
	writer->offset = st.st_size - BARQ_IMAGE_BODY;
	*body = map_body(writer);
	header = (const BarqImageHeader *) (*body - BARQ_IMAGE_BODY);
	*bytes = writer->offset = header->body_bytes;
	INIT_CRC32C(crc);
	if (header->magic == BARQ_IMAGE_MAGIC && header->version == BARQ_IMAGE_VERSION &&
		EQ_CRC32C(header->header_crc, barq_image_header_checksum(header)) &&
		memcmp(header->id, id, BARQ_ID_BYTES) == 0 &&
		barq_image_file_bytes(header->body_bytes) == (uint64) st.st_size)
	{
		crc = barq_checksum(crc, *body, *bytes);
		FIN_CRC32C(crc);
		if (EQ_CRC32C(crc, header->body_crc))
			return writer;
	}
	barq_body_release(writer);
	return NULL;
}

void
barq_body_release(BarqBodyWriter *writer)
{
	unmap_body(writer);
	pfree(writer->memory);
	writer->memory = NULL;
}
