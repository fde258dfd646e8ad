/*
 * build_files.c
 *	  The files of CREATE INDEX: opened, written, mapped and closed, with their errors.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "store/file_steps.h"
#include "vector_index/build_files.h"

int
barq_build_opened(int fd, const char *path)
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
barq_build_write(int fd, const char *path, const char *data, Size left, off_t off)
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

void
barq_build_close(int *fd)
{
	if (*fd >= 0)
		barq_file_close(*fd);
	*fd = -1;
}

void
barq_build_unmap(void *arg)
{
	BarqRowsMapping *mapping = arg;

	if (mapping->address != NULL)
		barq_unmap(mapping->address, mapping->bytes, "rows: unmap");
	mapping->address = NULL;
}

BarqRowsMapping *
barq_build_map(int fd, const char *path, Size bytes)
{
	BarqRowsMapping *mapping = palloc0(sizeof(struct BarqRowsMapping));
	void	   *address = barq_map(bytes, PROT_READ, MAP_SHARED, fd, "rows: map");

	if (address == MAP_FAILED)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map file \"%s\": %m", path)));
	mapping->address = address;
	mapping->bytes = bytes;
	mapping->callback.func = barq_build_unmap;
	mapping->callback.arg = mapping;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &mapping->callback);
	return mapping;
}
