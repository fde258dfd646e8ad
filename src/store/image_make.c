/*
 * image_make.c
 *	  Making images from pages, and removing those of an index that no segment owns.
 *
 * An image is written under a temporary name, on which its maker holds a
 * flock, and renamed when it is whole. Nothing here raises an error for want
 * of space or rights: images are best effort, the caller decides what a
 * missing one means.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/image_file.h"
#include "store/interrupts.h"
#include "store/steps.h"

/* Copy the blob page by page; false with errno set where the file fails. */
static bool
write_from_pages(Relation index, const BarqSegmentDesc *desc, BarqImageFile *file,
				 pg_crc32c *crc, bool *reused)
{
	BarqExtentMap *map = barq_extents_read(index, desc, NULL);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	Size		batch = 64 * BARQ_BLOB_PAGE_BYTES;
	char	   *buffer = palloc(batch);
	Size		filled = 0;
	uint64		off = 0;
	bool		ok = true;

	*reused = map == NULL;
	INIT_CRC32C(*crc);
	for (uint32 page = 0; ok && !*reused && page < desc->blob_pages; page++)
	{
		int			len;

		barq_check_interrupts();
		len = barq_blob_read_page(index, desc, map, page, strategy, buffer + filled);
		if (len < 0)
		{
			*reused = true;
			break;
		}
		filled += len;
		if (filled + BARQ_BLOB_PAGE_BYTES > batch || page + 1 == desc->blob_pages)
		{
			COMP_CRC32C(*crc, buffer, filled);
			ok = barq_image_file_write(file, buffer, filled, off);
			off += filled;
			filled = 0;
		}
	}
	FIN_CRC32C(*crc);
	pfree(buffer);
	FreeAccessStrategy(strategy);
	return ok && !*reused;
}

bool
barq_image_make(Relation index, const BarqSegmentDesc *desc, const char *body,
				bool *busy, char **reason)
{
	BarqImageFile file;
	pg_crc32c	crc = desc->crc;
	bool		reused = false;
	bool		ok;
	int			folder_lock = -1;

	*busy = false;
	*reason = NULL;

	/* while this is held nobody removes what we are making */
	file.folder = barq_image_folder(index);
	if (barq_image_folder_create(file.folder))
	{
		folder_lock = barq_image_lock(file.folder, false);
		if (folder_lock < 0 && errno == EWOULDBLOCK)
			*busy = true;
	}
	if (folder_lock < 0)
	{
		if (!*busy)
			*reason = psprintf("could not use directory \"%s\": %m", file.folder);
		return false;
	}

	if (!barq_image_file_begin(&file, index, desc->id, desc->body_bytes))
	{
		*busy = errno == EWOULDBLOCK;
		if (!*busy)
			*reason = psprintf("could not create file \"%s\": %m", file.temporary);
		barq_image_unlock(folder_lock);
		return false;
	}

	if (body != NULL)
		ok = barq_image_file_write(&file, body, desc->body_bytes, 0);
	else
		ok = write_from_pages(index, desc, &file, &crc, &reused);

	if (ok && !EQ_CRC32C(crc, desc->crc))
	{
		barq_image_file_abandon(&file);
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" contains a segment with a wrong checksum, beginning at block %u",
						RelationGetRelationName(index), desc->extents_head),
				 errhint("Please REINDEX it.")));
	}
	if (ok)
		ok = barq_image_file_finish(&file, desc->body_bytes, desc->crc);
	if (!ok)
	{
		if (reused)
			*busy = true;
		else
			*reason = psprintf("could not write file \"%s\": %m", file.temporary);
		barq_image_file_abandon(&file);
	}
	barq_image_unlock(folder_lock);
	return ok;
}

void
barq_image_remove(Relation index, const uint8 *id)
{
	char	   *folder = barq_image_folder(index);
	char		text[BARQ_ID_TEXT];
	char	   *path;

	barq_id_text(id, text);
	path = psprintf("%s/%s.img", folder, text);
	barq_unlink(path, "image: remove");
	pfree(path);
	path = psprintf("%s/%s.ok", folder, text);
	barq_unlink(path, "marker: remove");
	pfree(path);
	pfree(folder);
}

/* Whether a file's name begins with the id of one of the segments. */
static bool
named_by(const char *name, const BarqSegmentDesc *descs, uint32 count)
{
	char		text[BARQ_ID_TEXT];

	for (uint32 i = 0; i < count; i++)
	{
		barq_id_text(descs[i].id, text);
		if (strncmp(name, text, BARQ_ID_TEXT - 1) == 0)
			return strcmp(name + BARQ_ID_TEXT - 1, ".tmp") != 0;
	}
	return false;
}

void
barq_image_tidy(Relation index)
{
	char	   *folder = barq_image_folder(index);
	struct stat st;
	int			lock;
	BarqMeta	meta;
	BarqSegmentDesc *descs;
	DIR		   *dir;
	struct dirent *entry;

	if (stat(folder, &st) != 0 || (lock = barq_image_lock(folder, true)) < 0)
		return;

	/* read under the lock: no builder has anything unpublished now */
	descs = barq_directory_current(index, &meta, NULL);
	dir = AllocateDir(folder);
	while (dir != NULL && (entry = ReadDirExtended(dir, folder, DEBUG1)) != NULL)
	{
		char	   *path;

		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lock") == 0 ||
			named_by(entry->d_name, descs, meta.segments))
			continue;
		path = psprintf("%s/%s", folder, entry->d_name);
		barq_unlink(path, "folder: tidy");
		pfree(path);
	}
	if (dir != NULL)
		FreeDir(dir);
	barq_image_unlock(lock);
	pfree(descs);
	pfree(folder);
}

void
barq_image_remove_folder(const char *folder)
{
	DIR		   *dir = AllocateDir(folder);
	struct dirent *entry;

	if (dir == NULL)
		return;					/* never had one */
	while ((entry = ReadDirExtended(dir, folder, DEBUG1)) != NULL)
	{
		char		path[MAXPGPATH];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		barq_unlink(path, "folder: remove file");
	}
	FreeDir(dir);
	barq_rmdir(folder, "folder: remove");
}
