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

#include "miscadmin.h"
#include "storage/fd.h"
#include "store/image_file.h"

/* bytes allocated at once where a file grows beyond its expected size */
#define ALLOCATE_STEP	(UINT64CONST(16) * 1024 * 1024)

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

bool
barq_image_file_begin(BarqImageFile *file, Relation index, const uint8 *id,
					  uint64 body_bytes)
{
	char		text[BARQ_ID_TEXT];
	struct stat here,
				there;
	int			save_errno;

	memset(file, 0, sizeof(*file));
	barq_id_text(id, text);
	memcpy(file->id, id, BARQ_ID_BYTES);
	file->folder = barq_image_folder(index);
	file->temporary = psprintf("%s/%s.tmp", file->folder, text);
	file->path = psprintf("%s/%s.img", file->folder, text);
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
		barq_file_close(file->fd);
		file->fd = -1;
		errno = EWOULDBLOCK;
		return false;
	}
	if (barq_truncate(file->fd, 0, "image: empty") == 0 &&
		allocate(file, BARQ_IMAGE_BODY + body_bytes))
		return true;

	save_errno = errno;
	barq_image_file_abandon(file);
	errno = save_errno;
	return false;
}

/* Write len bytes at an offset of the file. False with errno set. */
static bool
write_at(BarqImageFile *file, const char *data, Size len, uint64 off)
{
	Assert(file->fd >= 0);		/* S9: not after the rename */
	if (!allocate(file, off + len))
		return false;
	while (len > 0)
	{
		ssize_t		written = barq_pwrite(file->fd, data, len, off, "image: write");

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
		{
			if (written == 0)
				errno = ENOSPC;
			return false;
		}
		data += written;
		len -= written;
		off += written;
	}
	return true;
}

bool
barq_image_file_write(BarqImageFile *file, const void *data, Size len, uint64 off)
{
	return write_at(file, data, len, BARQ_IMAGE_BODY + off);
}

bool
barq_image_file_finish(BarqImageFile *file, uint64 body_bytes, pg_crc32c crc)
{
	char		block[BARQ_IMAGE_BODY] = {0};
	BarqImageHeader *header = (BarqImageHeader *) block;

	header->magic = BARQ_IMAGE_MAGIC;
	header->version = BARQ_IMAGE_VERSION;
	header->body_off = BARQ_IMAGE_BODY;
	memcpy(header->id, file->id, BARQ_ID_BYTES);
	header->body_bytes = body_bytes;
	header->body_crc = crc;
	INIT_CRC32C(header->header_crc);
	COMP_CRC32C(header->header_crc, header, offsetof(BarqImageHeader, header_crc));
	FIN_CRC32C(header->header_crc);

	if (!write_at(file, block, sizeof(block), 0) ||
		barq_truncate(file->fd, BARQ_IMAGE_BODY + body_bytes, "image: cut to size") != 0 ||
		barq_fsync(file->fd, "image: sync") != 0 ||
		barq_rename(file->temporary, file->path, "image: rename") != 0)
	{
		int			save_errno = errno;

		barq_image_file_abandon(file);
		errno = save_errno;
		return false;
	}
	barq_image_write_marker(file->folder, file->id, file->fd);
	barq_file_close(file->fd);
	file->fd = -1;
	return true;
}

void
barq_image_file_abandon(BarqImageFile *file)
{
	if (file->fd < 0)
		return;
	barq_unlink(file->temporary, "image: abandon");
	barq_file_close(file->fd);
	file->fd = -1;
}
