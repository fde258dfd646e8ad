/*
 * image_make.c
 *	  Making images from pages, and removing images that no segment owns.
 *
 * An image is written under a temporary name, on which its maker holds a flock,
 * and renamed when it is complete (S9). Lack of space or rights raises no error
 * here: the caller decides what a missing image means. Calls image_file.c,
 * blob.c, directory.c and paths.c.
 */
#include "postgres.h"

#include "store/file_steps.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"
#include "store/announce.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/image_file.h"
#include "base/interrupts.h"

/*
 * Copy the pages of a segment's blob to an image file; *crc receives their
 * checksum. False if a page was re-used (*reused is set), or with errno set if the
 * file cannot be written.
 */
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

	/* keeps other processes from removing the new file (S16) */
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
			*reason = psprintf("could not use directory \"%s\": %s", file.folder,
							   barq_file_problem());
		return false;
	}

	if (!barq_image_file_begin(&file, index, desc->id, desc->body_bytes))
	{
		*busy = errno == EWOULDBLOCK;
		if (!*busy)
			*reason = psprintf("could not create file \"%s\": %s", file.temporary,
							   barq_file_problem());
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
			*reason = psprintf("could not write file \"%s\": %s", file.temporary,
							   barq_file_problem());
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

/* Is a file's name the id of one of the segments, with an ending other than ".tmp"? */
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
	int			lock = barq_image_lock(folder, true);
	BarqMeta	meta;
	BarqSegmentDesc *descs;
	ListCell   *cell;
	bool		removed = false;

	if (lock < 0)
		return;

	/* under the lock, no builder has a file that is not published yet */
	descs = barq_directory_current(index, &meta, NULL);
	foreach(cell, barq_folder_names(folder))
	{
		const char *name = lfirst(cell);
		char	   *path;

		if (name[0] == '.' || strcmp(name, "lock") == 0 ||
			named_by(name, descs, meta.segments))
			continue;
		path = psprintf("%s/%s", folder, name);
		removed |= barq_unlink(path, "folder: tidy") == 0;
		pfree(path);
	}
	barq_image_unlock(lock);
	if (removed)
		barq_announce_files(BarqRelationLocator(index));
	pfree(descs);
	pfree(folder);
}

bool
barq_image_remove_folder(const char *folder)
{
	struct stat st;
	ListCell   *cell;

	if (barq_path_stat(folder, &st) != 0 || !S_ISDIR(st.st_mode))
		return false;
	foreach(cell, barq_folder_names(folder))
	{
		char		path[MAXPGPATH];

		snprintf(path, sizeof(path), "%s/%s", folder, (char *) lfirst(cell));
		barq_unlink(path, "folder: remove file");
	}
	barq_rmdir(folder, "folder: remove");
	return true;
}
