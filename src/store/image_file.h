/*
 * image_file.h
 *	  Writing one image file: allocated first, written with pwrite, renamed
 *	  when whole. Shared by the makers of images and the body writer.
 */
#ifndef BARQ_IMAGE_FILE_H
#define BARQ_IMAGE_FILE_H

#include "store/image.h"

typedef struct BarqImageFile
{
	int			fd;				/* transient: closed at the transaction's end */
	char	   *folder;
	char	   *temporary;		/* path while it is written */
	char	   *path;			/* path once whole */
	uint8		id[BARQ_ID_BYTES];
	uint64		allocated;		/* bytes known to have disk under them */
} BarqImageFile;

/*
 * Create the temporary file and allocate body_bytes for the body. False with
 * errno set where that fails (EWOULDBLOCK: another process is writing it).
 */
extern bool barq_image_file_begin(BarqImageFile *file, Relation index,
								  const uint8 *id, uint64 body_bytes);

/* Write body bytes at an offset of the body; false with errno set. */
extern bool barq_image_file_write(BarqImageFile *file, const void *data, Size len,
								  uint64 off);

/* Cut to size, write the header, fsync and rename. False with errno set. */
extern bool barq_image_file_finish(BarqImageFile *file, uint64 body_bytes,
								   pg_crc32c crc);

/* Give up: remove the temporary file. */
extern void barq_image_file_abandon(BarqImageFile *file);

#endif							/* BARQ_IMAGE_FILE_H */
