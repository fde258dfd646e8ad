/*
 * image.c
 *	  Finding, verifying and mapping images.
 *
 * Snapshots of this backend share a mapping; each holds a pin, and the image is
 * unmapped with the last one. A mapping stays valid after its file is unlinked
 * (S9). Calls folder.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/image.h"
#include "store/residency.h"
#include "base/interrupts.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Content of a marker, the file beside a verified image: the file that was
 * verified, and the start time of the postmaster (S8). A file that was replaced or
 * changed since has another inode, size or time.
 */
typedef struct ImageMarker
{
	TimestampTz server_start;
	uint64		inode;
	uint64		bytes;
	int64		seconds;
	int64		nanoseconds;
} ImageMarker;

static dlist_head mappings = DLIST_STATIC_INIT(mappings);

bool		(*barq_mapping_unwanted) (const BarqMapping *mapping) = NULL;

/* The marker that the file open as fd has to have; false if fstat fails. */
static bool
fill_marker(int fd, ImageMarker *marker)
{
	struct stat st;

	memset(marker, 0, sizeof(*marker));
	if (fstat(fd, &st) != 0)
		return false;
	marker->server_start = PgStartTime;
	marker->inode = st.st_ino;
	marker->bytes = st.st_size;
	marker->seconds = st.st_mtim.tv_sec;
	marker->nanoseconds = st.st_mtim.tv_nsec;
	return true;
}

/* The path of an image (".img") or its marker (".ok"), palloc'd. */
static char *
image_path(const char *folder, const uint8 *id, const char *suffix)
{
	char		text[BARQ_ID_TEXT];

	barq_id_text(id, text);
	return psprintf("%s/%s%s", folder, text, suffix);
}

/* Without a marker, the next process verifies the image again. */
void
barq_image_write_marker(const char *folder, const uint8 *id, int fd)
{
	ImageMarker marker;
	char	   *path = image_path(folder, id, ".ok");
	int			marker_fd;

	if (fill_marker(fd, &marker))
	{
		marker_fd = barq_open_file(path, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY,
								   "marker: create");
		if (marker_fd >= 0)
		{
			if (barq_write(marker_fd, &marker, sizeof(marker),
						   "marker: write") != sizeof(marker))
				barq_unlink(path, "marker: remove unwritten");
			barq_file_close(marker_fd);
		}
		else if (errno == EPERM)
			ereport(WARNING,
					(errcode_for_file_access(),
					 errmsg("could not create file \"%s\"", path),
					 errdetail_internal("%s", barq_file_problem()),
					 errhint("Until the file is removed, each session verifies the image again.")));
	}
	pfree(path);
}

/* Does an image's marker belong to the file open as fd? Reads the marker. */
static bool
marker_matches(int folder_fd, const char *folder, const uint8 *id, int fd)
{
	ImageMarker marker,
				found;
	char	   *path = image_path(folder, id, ".ok");
	int			marker_fd = barq_file_open(folder_fd, path, O_RDONLY | PG_BINARY);
	bool		ok = false;

	if (marker_fd >= 0)
	{
		ok = fill_marker(fd, &marker) &&
			read(marker_fd, &found, sizeof(found)) == sizeof(found) &&
			memcmp(&marker, &found, sizeof(marker)) == 0;
		barq_file_close(marker_fd);
	}
	pfree(path);
	return ok;
}

/* Whether an image has a valid header that fits the descriptor. */
static bool
header_matches(const BarqSegmentDesc *desc, const BarqImageHeader *header)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, header, offsetof(BarqImageHeader, header_crc));
	FIN_CRC32C(crc);
	return header->magic == BARQ_IMAGE_MAGIC &&
		header->version == BARQ_IMAGE_VERSION &&
		header->body_off == BARQ_IMAGE_BODY &&
		memcmp(header->id, desc->id, BARQ_ID_BYTES) == 0 &&
		header->body_bytes == desc->body_bytes &&
		EQ_CRC32C(header->body_crc, desc->crc) &&
		EQ_CRC32C(header->header_crc, crc);
}

/*
 * Does a mapped body have the descriptor's checksum? Reads all of it; checks for
 * interrupts, so it may raise an error or exit.
 */
static bool
body_matches(const BarqSegmentDesc *desc, const char *body)
{
	const uint64 piece = 16 * 1024 * 1024;
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	for (uint64 off = 0; off < desc->body_bytes; off += piece)
	{
		barq_check_interrupts();
		COMP_CRC32C(crc, body + off, Min(piece, desc->body_bytes - off));
	}
	FIN_CRC32C(crc);
	return EQ_CRC32C(crc, desc->crc);
}

void
barq_mapping_pin(BarqMapping *mapping)
{
	mapping->references++;
}

void
barq_mapping_unpin(BarqMapping *mapping)
{
	Assert(mapping->references > 0);
	if (--mapping->references > 0)
		return;
	dlist_delete(&mapping->node);
	barq_residency_detach(mapping);
	barq_unmap(mapping->address, mapping->length, "image: unmap");
	pfree(mapping->path);
	pfree(mapping);
}

bool
barq_mapping_is_worth_keeping(const BarqMapping *mapping)
{
	struct stat st;

	/* nothing is read from the file, so its path need not be checked */
	if (stat(mapping->path, &st) != 0 || st.st_dev != mapping->device ||
		st.st_ino != mapping->inode)
		return false;
	return barq_mapping_unwanted == NULL || !barq_mapping_unwanted(mapping);
}

/* The mapping that this backend has of the image with an id, or NULL. Adds no pin. */
static BarqMapping *
find_mapping(const uint8 *id)
{
	dlist_iter	iter;

	dlist_foreach(iter, &mappings)
	{
		BarqMapping *mapping = dlist_container(BarqMapping, node, iter.cur);

		if (memcmp(mapping->id, id, BARQ_ID_BYTES) == 0)
			return mapping;
	}
	return NULL;
}

/*
 * Map the image open as fd, with the size in `st`, for a segment: a mapping with
 * one pin, not verified yet. NULL if it cannot be mapped.
 */
static BarqMapping *
map_file(Relation index, const BarqSegmentDesc *desc, const char *path, int fd,
		 const struct stat *st)
{
	/* allocated first: an error after mmap would leak the mapping */
	BarqMapping *mapping = MemoryContextAllocZero(TopMemoryContext, sizeof(BarqMapping));
	Size		length = st->st_size;

	mapping->path = MemoryContextStrdup(TopMemoryContext, path);
	mapping->address = barq_map(length, PROT_READ, MAP_SHARED, fd,
								"image: map");
	if (mapping->address == MAP_FAILED)
	{
		pfree(mapping->path);
		pfree(mapping);
		return NULL;
	}
	memcpy(mapping->id, desc->id, BARQ_ID_BYTES);
	mapping->locator = BarqRelationLocator(index);
	mapping->device = st->st_dev;
	mapping->inode = st->st_ino;
	mapping->length = length;
	mapping->body = (const char *) mapping->address + BARQ_IMAGE_BODY;
	mapping->body_bytes = desc->body_bytes;
	mapping->references = 1;
	dlist_push_head(&mappings, &mapping->node);
	barq_residency_attach(index, mapping);
	return mapping;
}

/*
 * Is a mapping of the file open as fd the segment's image (S8)? Computes the checksum
 * of the body, unless a marker shows that this was done, and then writes the marker.
 * Checks for interrupts. On an error, the mapping is unpinned.
 */
static bool
verify(BarqMapping *mapping, const BarqSegmentDesc *desc, const char *folder, int folder_fd,
	   int fd)
{
	volatile bool verified = false;

	PG_TRY();
	{
		verified = header_matches(desc, mapping->address);
		if (verified && !marker_matches(folder_fd, folder, desc->id, fd))
		{
			verified = body_matches(desc, mapping->body);
			if (verified)
				barq_image_write_marker(folder, desc->id, fd);
		}
	}
	PG_CATCH();
	{
		barq_mapping_unpin(mapping);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return verified;
}

BarqMapping *
barq_image_map(Relation index, const BarqSegmentDesc *desc)
{
	BarqMapping *mapping = find_mapping(desc->id);
	char	   *folder;
	char	   *path;
	int			folder_fd;
	int			fd = -1;
	struct stat st;
	Size		length = BARQ_IMAGE_BODY + desc->body_bytes;
	bool		damaged = false;

	if (mapping != NULL)
	{
		barq_mapping_pin(mapping);
		return mapping;
	}

	folder = barq_image_folder(index);
	path = image_path(folder, desc->id, ".img");
	folder_fd = barq_folder_open(folder, false);
	if (folder_fd >= 0)
		fd = barq_file_open(folder_fd, path, O_RDONLY | PG_BINARY);
	if (fd >= 0 && fstat(fd, &st) == 0)
		damaged = (Size) st.st_size != length;
	if (fd >= 0 && !damaged)
		mapping = map_file(index, desc, path, fd, &st);
	if (mapping != NULL && !verify(mapping, desc, folder, folder_fd, fd))
	{
		damaged = true;
		barq_mapping_unpin(mapping);
		mapping = NULL;
	}
	if (folder_fd >= 0)
		barq_file_close(folder_fd);
	if (fd >= 0)
	{
		barq_file_close(fd);

		/* it is made again from the pages */
		if (damaged)
			barq_unlink(path, "image: remove damaged");
	}
	pfree(path);
	pfree(folder);
	return mapping;
}

BarqImageState
barq_image_state(Relation index, const BarqSegmentDesc *desc, uint64 *bytes)
{
	char	   *folder = barq_image_folder(index);
	char	   *path = image_path(folder, desc->id, ".img");
	struct stat st;
	BarqImageState state = BARQ_IMAGE_MISSING;

	*bytes = 0;
	if (barq_path_stat(path, &st) == 0)
	{
		*bytes = st.st_size;
		state = BARQ_IMAGE_ON_DISK;
	}
	if (find_mapping(desc->id) != NULL)
		state = BARQ_IMAGE_RESIDENT;
	pfree(path);
	pfree(folder);
	return state;
}
