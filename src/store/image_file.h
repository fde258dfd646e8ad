/*
 * image_file.h
 *	  Writing one image file: allocated first, written with pwrite, renamed when
 *	  complete (S9). image_make.c and writer.c use it.
 */
#ifndef BARQ_IMAGE_FILE_H
#define BARQ_IMAGE_FILE_H

#include "store/image.h"

typedef struct BarqImageFile
{
	int			fd;				/* closed when the transaction ends; -1: not open */
	char	   *folder;			/* this and the paths are palloc'd */
	char	   *temporary;		/* path while it is written */
	char	   *path;			/* path when it is complete */
	uint8		id[BARQ_ID_BYTES];
	uint64		allocated;		/* bytes known to have disk under them */
	uint64		written;		/* bytes of the body */
	pg_crc32c	block_crc;		/* running checksum of the block that `written` is in */
	pg_crc32c  *sums;			/* of the blocks before it, palloc'd */
	Size		sums_space;
	uint64		sums_kept;		/* of these, in the temporary file */
} BarqImageFile;

/*
 * Create the temporary file of the image with an id, lock it, and allocate
 * body_bytes for the body. False with errno set: EWOULDBLOCK if another process is
 * writing it. The caller holds the folder's lock, shared, if the file is to
 * outlive a sweep (S16).
 */
extern bool barq_image_file_begin(BarqImageFile *file, Relation index,
								  const uint8 *id, uint64 body_bytes);

/*
 * Begin with a file that has the first bytes of the body already: the work area at
 * `path`, in the index's folder, which stays the file's name until it is complete.
 * False with errno set.
 */
extern bool barq_image_file_begin_at(BarqImageFile *file, Relation index,
									 const uint8 *id, const char *path, uint64 allocated);

/* The next len bytes of the body are in that file already, and mapped at `data`. */
extern void barq_image_file_take(BarqImageFile *file, const char *data, Size len);

/*
 * Append len bytes to the body: `off` is file->written. Calls
 * barq_check_interrupts(). False with errno set.
 */
extern bool barq_image_file_write(BarqImageFile *file, const void *data, Size len,
								  uint64 off);

/*
 * Write the header for a body of body_bytes, all written, with its checksum; cut the
 * file to its size, fsync, rename, write the marker and close it. False with errno
 * set; the temporary file is then removed.
 */
extern bool barq_image_file_finish(BarqImageFile *file, uint64 body_bytes,
								   pg_crc32c crc);

/*
 * As barq_image_file_begin(), for a body of exactly body_bytes; continues the file
 * that barq_image_file_pause() left since the server started. file->written says how
 * much it has, *crc receives the running checksum of that (or a new one).
 */
extern bool barq_image_file_resume(BarqImageFile *file, Relation index, const uint8 *id,
								   uint64 body_bytes, pg_crc32c *crc);

/*
 * Note in the temporary file what is written, crc being its running checksum; the
 * file stays open. False with errno set.
 */
extern bool barq_image_file_pause(BarqImageFile *file, uint64 body_bytes, pg_crc32c crc);

/* Close the temporary file, which barq_image_file_resume() may open again. */
extern void barq_image_file_leave(BarqImageFile *file);

/* Close and remove the temporary file, unless it is closed already. */
extern void barq_image_file_abandon(BarqImageFile *file);

#endif							/* BARQ_IMAGE_FILE_H */
