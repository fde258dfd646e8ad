/*
 * image.c
 *	  Finding and mapping images.
 *
 * Snapshots of this backend share a mapping; each holds a pin, and the image is
 * unmapped with the last one. A mapping stays valid after its file is unlinked
 * (S9). Calls image_marker.c, folder.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/image.h"
#include "store/residency.h"
#include "utils/memutils.h"

static dlist_head mappings = DLIST_STATIC_INIT(mappings);

/* Whether an image has a valid header that fits the descriptor. */
static bool
header_matches(const BarqSegmentDesc *desc, const BarqImageHeader *header)
{
	return header->magic == BARQ_IMAGE_MAGIC &&
		header->version == BARQ_IMAGE_VERSION &&
		header->body_off == BARQ_IMAGE_BODY &&
		header->block_bytes == BARQ_IMAGE_BLOCK &&
		header->table_off == barq_image_table_off(desc->body_bytes) &&
		memcmp(header->id, desc->id, BARQ_ID_BYTES) == 0 &&
		header->body_bytes == desc->body_bytes &&
		EQ_CRC32C(header->body_crc, desc->crc) &&
		EQ_CRC32C(header->header_crc, barq_image_header_checksum(header));
}

/*
 * Does the mapped file have the descriptor's header and the header's root? Reads the
 * root; checks for interrupts.
 */
static bool
is_image_of(const BarqMapping *mapping, const BarqSegmentDesc *desc)
{
	const BarqImageHeader *header = mapping->address;
	pg_crc32c	crc;

	if (!header_matches(desc, header))
		return false;
	INIT_CRC32C(crc);
	crc = barq_checksum(crc, mapping->root,
						barq_image_sum_blocks(mapping->blocks) * sizeof(pg_crc32c));
	FIN_CRC32C(crc);
	return EQ_CRC32C(crc, header->root_crc);
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
	barq_marker_close(&mapping->marker);
	pfree(mapping->path);
	pfree(mapping);
}

bool
barq_mapping_is_worth_keeping(const BarqMapping *mapping)
{
	struct stat st;

	/* nothing is read from the file, so its path need not be checked */
	return stat(mapping->path, &st) == 0 && st.st_dev == mapping->device &&
		st.st_ino == mapping->inode;
}

/* The mapping that this backend has of the image with an id, or NULL. Adds no pin. */
static BarqMapping *
find_mapping(const uint8 *id)
{
	dlist_iter	iter;

	dlist_foreach(iter, &mappings)
	{
		BarqMapping *mapping = dlist_container(BarqMapping, node, iter.cur);

		if (!mapping->damaged && memcmp(mapping->id, id, BARQ_ID_BYTES) == 0)
			return mapping;
	}
	return NULL;
}

/*
 * Map the image open as fd, of the size that the segment's image has: a mapping with
 * one pin and no marker, nothing of it verified. NULL with errno set if it cannot be
 * mapped.
 */
static BarqMapping *
map_file(Relation index, const BarqSegmentDesc *desc, const char *path, int fd,
		 const struct stat *st)
{
	/* allocated first: an error after mmap would leak the mapping */
	BarqMapping *mapping = MemoryContextAllocZero(TopMemoryContext, sizeof(BarqMapping));
	const char *sums;
	bool		jumps = barq_segment_kind(desc->kind)->jumps;

	mapping->path = MemoryContextStrdup(TopMemoryContext, path);
	mapping->length = barq_image_file_bytes(desc->body_bytes);
	mapping->address = barq_map(mapping->length, PROT_READ, MAP_SHARED, fd, "image: map");
	if (mapping->address == MAP_FAILED)
	{
		int			save_errno = errno;

		pfree(mapping->path);
		pfree(mapping);
		errno = save_errno;
		return NULL;
	}
	if (jumps)
		(void) madvise(mapping->address, mapping->length, MADV_RANDOM);
#ifdef MADV_HUGEPAGE
	else
		(void) madvise(mapping->address, mapping->length, MADV_HUGEPAGE);
#endif
	memcpy(mapping->id, desc->id, BARQ_ID_BYTES);
	mapping->locator = BarqRelationLocator(index);
	mapping->device = st->st_dev;
	mapping->inode = st->st_ino;
	mapping->body = (const char *) mapping->address + BARQ_IMAGE_BODY;
	mapping->body_bytes = desc->body_bytes;
	mapping->blocks = (uint32) barq_image_blocks(desc->body_bytes);
	sums = (const char *) mapping->address + barq_image_table_off(desc->body_bytes);
	mapping->sums = (const pg_crc32c *) sums;
	mapping->root = (const pg_crc32c *)
		(sums + barq_image_sum_blocks(mapping->blocks) * BARQ_IMAGE_BLOCK);
	mapping->references = 1;
	dlist_push_head(&mappings, &mapping->node);
	barq_residency_attach(index, mapping);
	return mapping;
}

/*
 * Check that a mapping of the file open as fd is the segment's image, and open its
 * marker. Checks for interrupts. On an error, the mapping is unpinned.
 */
static bool
prepare(BarqMapping *mapping, const BarqSegmentDesc *desc, const char *folder, int fd)
{
	volatile bool valid = false;

	PG_TRY();
	{
		valid = is_image_of(mapping, desc) &&
			barq_marker_open(&mapping->marker, folder, desc->id, fd,
							 barq_image_bits(desc->body_bytes));
	}
	PG_CATCH();
	{
		barq_mapping_unpin(mapping);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return valid;
}

BarqImageResult
barq_image_map(Relation index, const BarqSegmentDesc *desc, BarqMapping **mapping,
			   char **reason)
{
	char	   *folder;
	char	   *path;
	int			folder_fd;
	int			fd = -1;
	struct stat st;
	BarqImageResult result = BARQ_IMAGE_NONE;

	*mapping = find_mapping(desc->id);
	if (*mapping != NULL)
	{
		barq_mapping_pin(*mapping);
		return BARQ_IMAGE_READY;
	}

	folder = barq_image_folder(index);
	path = barq_id_path(folder, desc->id, ".img");
	folder_fd = barq_folder_open(folder, false);
	if (folder_fd >= 0)
	{
		fd = barq_file_open(folder_fd, path, O_RDONLY | PG_BINARY);
		barq_file_close(folder_fd);
	}
	if (fd >= 0 && fstat(fd, &st) == 0)
	{
		bool		damaged = (uint64) st.st_size != barq_image_file_bytes(desc->body_bytes);

		if (!damaged)
		{
			*mapping = map_file(index, desc, path, fd, &st);
			result = *mapping != NULL ? BARQ_IMAGE_READY : BARQ_IMAGE_FAILED;
			if (*mapping == NULL)
				*reason = psprintf("could not map file \"%s\": %s", path, strerror(errno));
		}
		if (*mapping != NULL && !prepare(*mapping, desc, folder, fd))
		{
			damaged = true;
			barq_mapping_unpin(*mapping);
			*mapping = NULL;
			result = BARQ_IMAGE_NONE;
		}

		/* it is made again from the pages */
		if (damaged)
			barq_unlink(path, "image: remove unfit");
	}
	if (fd >= 0)
		barq_file_close(fd);
	pfree(path);
	pfree(folder);
	return result;
}

BarqImageState
barq_image_state(Relation index, const BarqSegmentDesc *desc, uint64 *bytes)
{
	char	   *folder = barq_image_folder(index);
	char	   *path = barq_id_path(folder, desc->id, ".img");
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
