/*
 * image_file.c
 *	  Writing one image file. Calls folder.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/checksum.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/image_file.h"
#include "utils/timestamp.h"

/* bytes allocated at once where a file grows beyond its expected size */
#define ALLOCATE_STEP	(UINT64CONST(16) * 1024 * 1024)

/*
 * Bytes written at once, between two checks for interrupts: some 10 ms. File systems
 * with large folios take memory for them in pieces as large as fit into one write, and
 * pieces of 2 MB are mapped by one entry of the page table.
 */
#define WRITE_STEP		((Size) 16 * 1024 * 1024)

/*
 * The start of a temporary file whose body is written in part. The checksums of the
 * blocks that are complete lie where the image will have them. A file that was
 * written before the server started is not continued: the machine may have lost
 * parts of it.
 */
typedef struct ImagePart
{
	uint64		magic;			/* PART_MAGIC */
	uint32		version;		/* BARQ_IMAGE_VERSION */
	pg_crc32c	crc;			/* running checksum of the body */
	uint8		id[BARQ_ID_BYTES];
	TimestampTz server_start;
	uint64		body_bytes;		/* in the end */
	uint64		written;		/* of the body */
	uint64		allocated;		/* of the file */
	pg_crc32c	block_crc;		/* running checksum of the last block */
	pg_crc32c	part_crc;		/* of the members before it */
} ImagePart;

StaticAssertDecl(sizeof(ImagePart) == 72, "ImagePart is in files");

#define PART_MAGIC		UINT64CONST(0x5452415051524142) /* "BARQPART" */

/*
 * Make sure that disk space is allocated for the first `upto` bytes of the file.
 * False with errno set.
 */
static bool
allocate(BarqImageFile *file, uint64 upto)
{
	int			rc;

	if (upto <= file->allocated)
		return true;
	if (file->allocated > 0)
		upto = Max(upto, file->allocated + ALLOCATE_STEP);

	/* a signal may interrupt it */
	do
		rc = barq_allocate(file->fd, file->allocated, upto - file->allocated,
						   "image: allocate");
	while (rc == EINTR);

	/* where the file system cannot allocate, pwrite reports a full disk */
	if (rc != 0 && rc != EINVAL && rc != EOPNOTSUPP)
	{
		errno = rc;
		return false;
	}
	file->allocated = upto;
	return true;
}

/*
 * Create or open the temporary file of the image with an id and lock it. False with
 * errno set: EWOULDBLOCK if another process is writing it.
 */
static bool
open_temporary(BarqImageFile *file, Relation index, const uint8 *id)
{
	struct stat here,
				there;

	memset(file, 0, sizeof(*file));
	memcpy(file->id, id, BARQ_ID_BYTES);
	file->folder = barq_image_folder(index);
	file->temporary = barq_id_path(file->folder, id, ".tmp");
	file->path = barq_id_path(file->folder, id, ".img");
	file->fd = -1;

	if (!barq_image_folder_create(file->folder))
		return false;
	barq_temporary_folder_note(index);
	if (!barq_path_usable(file->path))
		return false;
	file->fd = barq_open_file(file->temporary, O_RDWR | O_CREAT | PG_BINARY,
							  "image: create");
	if (file->fd < 0)
		return false;

	/*
	 * Between open and lock another maker may have renamed this file, which is
	 * then mapped and must not be written (S9): the name must still lead to it.
	 */
	if (barq_flock(file->fd, LOCK_EX | LOCK_NB, "image: lock") != 0 ||
		fstat(file->fd, &here) != 0 || barq_path_stat(file->temporary, &there) != 0 ||
		here.st_ino != there.st_ino)
	{
		barq_image_file_leave(file);
		errno = EWOULDBLOCK;
		return false;
	}
	return true;
}

/* Empty the temporary file and allocate its first `bytes` bytes; else abandon it. */
static bool
begin_empty(BarqImageFile *file, uint64 bytes)
{
	int			save_errno;

	file->allocated = file->written = 0;
	if (barq_truncate(file->fd, 0, "image: empty") == 0 && allocate(file, bytes))
		return true;

	save_errno = errno;
	barq_image_file_abandon(file);
	errno = save_errno;
	return false;
}

bool
barq_image_file_begin(BarqImageFile *file, Relation index, const uint8 *id,
					  uint64 body_bytes)
{
	return open_temporary(file, index, id) &&
		begin_empty(file, BARQ_IMAGE_BODY + body_bytes);
}

/* The checksum of a part's record. */
static pg_crc32c
part_checksum(const ImagePart *part)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, part, offsetof(ImagePart, part_crc));
	FIN_CRC32C(crc);
	return crc;
}

/* pread() of all bytes; false if the file has fewer or cannot be read. */
static bool
read_all(int fd, void *data, Size len, uint64 off)
{
	char	   *to = data;

	while (len > 0)
	{
		ssize_t		here = pread(fd, to, len, (off_t) off);

		if (here < 0 && errno == EINTR)
			continue;
		if (here <= 0)
			return false;
		to += here;
		off += here;
		len -= here;
	}
	return true;
}

/* Take up what the temporary file has of the body; false if that is nothing. */
static bool
take_up(BarqImageFile *file, uint64 body_bytes, pg_crc32c *crc)
{
	ImagePart	part;
	Size		sums;

	if (!read_all(file->fd, &part, sizeof(part), 0) || part.magic != PART_MAGIC ||
		!EQ_CRC32C(part.part_crc, part_checksum(&part)) ||
		part.version != BARQ_IMAGE_VERSION || part.server_start != PgStartTime ||
		part.body_bytes != body_bytes || part.written > body_bytes ||
		memcmp(part.id, file->id, BARQ_ID_BYTES) != 0)
		return false;
	sums = part.written / BARQ_IMAGE_BLOCK;
	BARQ_ARRAY_RESERVE(file->sums, file->sums_space, sums, 1024);
	if (!read_all(file->fd, file->sums, sums * sizeof(pg_crc32c),
				  barq_image_table_off(body_bytes)))
		return false;
	file->sums_kept = sums;
	file->written = part.written;
	file->allocated = part.allocated;
	file->block_crc = part.block_crc;
	*crc = part.crc;
	return true;
}

bool
barq_image_file_resume(BarqImageFile *file, Relation index, const uint8 *id,
					   uint64 body_bytes, pg_crc32c *crc)
{
	INIT_CRC32C(*crc);
	return open_temporary(file, index, id) &&
		(take_up(file, body_bytes, crc) || begin_empty(file, BARQ_IMAGE_BODY));
}

/* Write len bytes at an offset of the file. False with errno set. */
static bool
put(BarqImageFile *file, const void *data, Size len, uint64 off)
{
	const char *from = data;

	Assert(file->fd >= 0);		/* S9: not after the rename */
	while (len > 0)
	{
		ssize_t		written = barq_pwrite(file->fd, from, Min(len, WRITE_STEP), (off_t) off,
										  "image: write");

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			if (written == 0)
				errno = ENOSPC;
			return false;
		}
		from += written;
		len -= written;
		off += written;
		if (len > 0)
			barq_check_interrupts();
	}
	return true;
}

/* Continue the checksums of blocks with len bytes at file->written, which grows. */
static void
add_sums(BarqImageFile *file, const char *data, Size len)
{
	BARQ_ARRAY_RESERVE(file->sums, file->sums_space,
					   (file->written + len) / BARQ_IMAGE_BLOCK + 1, 1024);
	while (len > 0)
	{
		Size		at = file->written % BARQ_IMAGE_BLOCK;
		Size		here = Min(len, BARQ_IMAGE_BLOCK - at);

		if (at == 0)
			INIT_CRC32C(file->block_crc);
		COMP_CRC32C(file->block_crc, data, here);
		if (at + here == BARQ_IMAGE_BLOCK)
		{
			pg_crc32c  *sum = &file->sums[file->written / BARQ_IMAGE_BLOCK];

			*sum = file->block_crc;
			FIN_CRC32C(*sum);
		}
		file->written += here;
		data += here;
		len -= here;
	}
}

bool
barq_image_file_begin_at(BarqImageFile *file, Relation index, const uint8 *id,
						 const char *path, uint64 allocated)
{
	memset(file, 0, sizeof(*file));
	memcpy(file->id, id, BARQ_ID_BYTES);
	file->folder = barq_image_folder(index);
	file->temporary = pstrdup(path);
	file->path = barq_id_path(file->folder, id, ".img");
	file->allocated = allocated;
	file->fd = barq_open_file(path, O_RDWR | PG_BINARY, "image: take work area");
	return file->fd >= 0;
}

void
barq_image_file_take(BarqImageFile *file, const char *data, Size len)
{
	add_sums(file, data, len);
}

bool
barq_image_file_write(BarqImageFile *file, const void *data, Size len, uint64 off)
{
	const char *from = data;

	Assert(off == file->written);
	if (!allocate(file, BARQ_IMAGE_BODY + off + len))
		return false;
	for (Size done = 0; done < len;)
	{
		Size		here = Min(len - done, WRITE_STEP);

		if (!put(file, from + done, here, BARQ_IMAGE_BODY + off + done))
			return false;
		add_sums(file, from + done, here);
		done += here;
		if (done < len)
			barq_check_interrupts();
	}
	return true;
}

bool
barq_image_file_pause(BarqImageFile *file, uint64 body_bytes, pg_crc32c crc)
{
	ImagePart	part = {
		.magic = PART_MAGIC, .version = BARQ_IMAGE_VERSION, .crc = crc,
		.server_start = PgStartTime,
		.body_bytes = body_bytes,
		.written = file->written,
		.allocated = file->allocated,
		.block_crc = file->block_crc
	};
	uint64		sums = file->written / BARQ_IMAGE_BLOCK;

	memcpy(part.id, file->id, BARQ_ID_BYTES);
	part.part_crc = part_checksum(&part);
	if (!put(file, file->sums + file->sums_kept, (sums - file->sums_kept) * sizeof(pg_crc32c),
			 barq_image_table_off(body_bytes) + file->sums_kept * sizeof(pg_crc32c)) ||
		!put(file, &part, sizeof(part), 0))
		return false;
	file->sums_kept = sums;
	return true;
}

void
barq_image_file_leave(BarqImageFile *file)
{
	if (file->fd >= 0)
		barq_file_close(file->fd);
	file->fd = -1;
}

/*
 * Write the checksums of a complete body and their root, whose checksum *root_crc
 * receives. False with errno set.
 */
static bool
write_sums(BarqImageFile *file, uint64 body_bytes, pg_crc32c *root_crc)
{
	uint64		n = barq_image_blocks(body_bytes);
	uint64		sum_blocks = barq_image_sum_blocks(n);
	Size		bytes = sum_blocks * BARQ_IMAGE_BLOCK;
	Size		root_bytes = sum_blocks * sizeof(pg_crc32c);
	uint64		off = barq_image_table_off(body_bytes);
	pg_crc32c  *root;
	bool		ok;

	Assert(file->written == body_bytes);
	if (body_bytes % BARQ_IMAGE_BLOCK != 0)
	{
		file->sums[n - 1] = file->block_crc;
		FIN_CRC32C(file->sums[n - 1]);
	}
	BARQ_ARRAY_RESERVE(file->sums, file->sums_space, sum_blocks * BARQ_IMAGE_SUMS, 0);
	memset(file->sums + n, 0, bytes - n * sizeof(pg_crc32c));

	root = palloc_extended(Max(root_bytes, 1), MCXT_ALLOC_HUGE);
	for (uint64 i = 0; i < sum_blocks; i++)
	{
		INIT_CRC32C(root[i]);
		COMP_CRC32C(root[i], file->sums + i * BARQ_IMAGE_SUMS, BARQ_IMAGE_BLOCK);
		FIN_CRC32C(root[i]);
	}
	INIT_CRC32C(*root_crc);
	COMP_CRC32C(*root_crc, root, root_bytes);
	FIN_CRC32C(*root_crc);
	ok = allocate(file, off + bytes + root_bytes) &&
		put(file, file->sums, bytes, off) && put(file, root, root_bytes, off + bytes);
	pfree(root);
	return ok;
}

bool
barq_image_file_finish(BarqImageFile *file, uint64 body_bytes, pg_crc32c crc)
{
	char		block[BARQ_IMAGE_BODY] = {0};
	BarqImageHeader *header = (BarqImageHeader *) block;
	bool		ok;

	header->magic = BARQ_IMAGE_MAGIC;
	header->version = BARQ_IMAGE_VERSION;
	header->body_off = BARQ_IMAGE_BODY;
	memcpy(header->id, file->id, BARQ_ID_BYTES);
	header->body_bytes = body_bytes;
	header->body_crc = crc;
	header->block_bytes = BARQ_IMAGE_BLOCK;
	header->table_off = barq_image_table_off(body_bytes);

	ok = write_sums(file, body_bytes, &header->root_crc);
	header->header_crc = barq_image_header_checksum(header);
	if (!ok || !put(file, block, sizeof(block), 0) ||
		barq_truncate(file->fd, barq_image_file_bytes(body_bytes), "image: cut to size") != 0 ||
		barq_fsync(file->fd, "image: sync") != 0 ||
		barq_rename(file->temporary, file->path, "image: rename") != 0)
	{
		int			save_errno = errno;

		barq_image_file_abandon(file);
		errno = save_errno;
		return false;
	}

	/* the lock on the file keeps others from making a marker meanwhile */
	barq_marker_write(file->folder, file->id, file->fd, barq_image_bits(body_bytes));
	barq_image_file_leave(file);
	return true;
}

void
barq_image_file_abandon(BarqImageFile *file)
{
	if (file->fd < 0)
		return;
	barq_unlink(file->temporary, "image: abandon");
	barq_image_file_leave(file);
}
