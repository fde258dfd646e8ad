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
#include "base/checksum.h"

StaticAssertDecl(BARQ_MAX_BODY / BARQ_IMAGE_BLOCK < PG_UINT32_MAX / 2,
				 "blocks and bits of an image are counted in 32 bits");

/*
 * Pages that are written at once: many by a worker (see WRITE_STEP in image_file.c);
 * few by a search, which may be cancelled at any time. Bytes after which a maker notes
 * how far it has come.
 */
#define PAGES_AT_ONCE		64
#define MANY_PAGES_AT_ONCE	2048
#define MANY_BYTES			(UINT64CONST(16) * 1024 * 1024)
#define KEEP_STEP			(UINT64CONST(1) * 1024 * 1024)

/* An image that is being made. */
typedef struct Making
{
	Relation	index;
	const BarqSegmentDesc *desc;
	BarqImageFile file;
	pg_crc32c	crc;			/* running, of the body */
	int			folder_lock;	/* keeps other processes from removing the file (S16) */
} Making;

/*
 * Begin to make an image: lock its folder, and create its file, or with `resume` open
 * what was made before. BARQ_IMAGE_PART on success; else BARQ_IMAGE_BUSY or
 * BARQ_IMAGE_FAILED with *reason, and no lock is held.
 */
static BarqImageResult
begin(Making *making, Relation index, const BarqSegmentDesc *desc, bool resume, char **reason)
{
	char	   *folder = barq_image_folder(index);
	BarqImageFile *file = &making->file;
	bool		begun;

	making->index = index;
	making->desc = desc;
	making->folder_lock = -1;
	INIT_CRC32C(making->crc);
	if (barq_image_folder_create(folder))
	{
		making->folder_lock = barq_image_lock(folder, false);
		if (making->folder_lock < 0 && errno == EWOULDBLOCK)
			return BARQ_IMAGE_BUSY;
	}
	if (making->folder_lock < 0)
	{
		*reason = psprintf("could not use directory \"%s\": %s", folder,
						   barq_file_problem());
		return BARQ_IMAGE_FAILED;
	}
	pfree(folder);

	if (resume)
		begun = barq_image_file_resume(file, index, desc->id, desc->body_bytes, &making->crc);
	else
		begun = barq_image_file_begin(file, index, desc->id, desc->body_bytes);
	if (begun)
		return BARQ_IMAGE_PART;
	if (errno != EWOULDBLOCK)
		*reason = psprintf("could not create file \"%s\": %s", file->temporary,
						   barq_file_problem());
	barq_image_unlock(making->folder_lock);
	return *reason != NULL ? BARQ_IMAGE_FAILED : BARQ_IMAGE_BUSY;
}

/* The pages of the segment do not have the body that its descriptor names. */
pg_noreturn static void
wrong_checksum(Making *making)
{
	barq_image_file_abandon(&making->file);
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" contains a segment with a wrong checksum, beginning at block %u",
					RelationGetRelationName(making->index), making->desc->extents_head),
			 errhint("Please REINDEX it.")));
}

/*
 * End the making of an image whose last step was `ok` or failed with errno set: if
 * its body is complete, complete the file. ERRCODE_INDEX_CORRUPTED for a wrong checksum.
 */
static BarqImageResult
end(Making *making, bool ok, char **reason)
{
	const BarqSegmentDesc *desc = making->desc;
	BarqImageFile *file = &making->file;
	BarqImageResult result = BARQ_IMAGE_PART;

	if (ok && file->written >= desc->body_bytes)
	{
		FIN_CRC32C(making->crc);
		if (file->written > desc->body_bytes || !EQ_CRC32C(making->crc, desc->crc))
			wrong_checksum(making);
		ok = barq_image_file_finish(file, desc->body_bytes, desc->crc);
		result = BARQ_IMAGE_READY;
	}
	if (!ok)
	{
		*reason = psprintf("could not write file \"%s\": %s", file->temporary,
						   barq_file_problem());
		barq_image_file_abandon(file);
		result = BARQ_IMAGE_FAILED;
	}
	barq_image_file_leave(file);
	barq_image_unlock(making->folder_lock);
	return result;
}

bool
barq_image_make(Relation index, const BarqSegmentDesc *desc, const char *body,
				bool *busy, char **reason)
{
	BarqImageResult result;
	Making		making;

	*reason = NULL;
	if (body == NULL)
		result = barq_image_make_part(index, desc, PG_UINT64_MAX, reason);
	else
	{
		result = begin(&making, index, desc, false, reason);
		if (result == BARQ_IMAGE_PART)
		{
			making.crc = barq_checksum(making.crc, body, desc->body_bytes);
			result = end(&making, barq_image_file_write(&making.file, body,
														desc->body_bytes, 0), reason);
		}
	}
	*busy = result == BARQ_IMAGE_BUSY;
	return result == BARQ_IMAGE_READY;
}

/*
 * Append pages of the segment to the file, until it has `upto` bytes of the body or
 * more. False if a page was re-used (*reused is set), or with errno set if the file
 * cannot be written.
 */
static bool
write_pages(Making *making, uint64 upto, bool *reused)
{
	const BarqSegmentDesc *desc = making->desc;
	BarqImageFile *file = &making->file;
	BarqExtentMap *map = barq_extents_read(making->index, desc, NULL);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	const Size	batch = BARQ_BLOB_PAGE_BYTES *
		(upto - file->written < MANY_BYTES ? PAGES_AT_ONCE : MANY_PAGES_AT_ONCE);
	char	   *buffer = palloc(batch);
	uint64		kept = file->written;
	bool		ok = true;

	*reused = map == NULL;
	while (ok && !*reused && file->written < upto)
	{
		Size		filled = 0;

		/* a file is continued at the page where it ends: all but the last are full */
		while (filled < batch && file->written + filled < upto)
		{
			uint32		page = (uint32) ((file->written + filled) / BARQ_BLOB_PAGE_BYTES);
			int			len;

			if (page >= desc->blob_pages)
				wrong_checksum(making);
			barq_check_interrupts();
			len = barq_blob_read_page(making->index, desc, map, page, strategy,
									  buffer + filled);
			if (len < 0)
			{
				*reused = true;
				break;
			}
			filled += len;
		}
		COMP_CRC32C(making->crc, buffer, filled);
		ok = barq_image_file_write(file, buffer, filled, file->written);
		if (ok && file->written < desc->body_bytes && file->written - kept >= KEEP_STEP)
		{
			ok = barq_image_file_pause(file, desc->body_bytes, making->crc);
			kept = file->written;
		}
	}
	pfree(buffer);
	FreeAccessStrategy(strategy);
	return ok && !*reused;
}

BarqImageResult
barq_image_make_part(Relation index, const BarqSegmentDesc *desc, uint64 most, char **reason)
{
	Making		making;
	BarqImageResult result = begin(&making, index, desc, true, reason);
	BarqImageFile *file = &making.file;
	struct stat st;
	bool		reused;
	bool		ok;

	if (result != BARQ_IMAGE_PART)
		return result;

	/* another process may have completed it before this one made the file anew */
	if (file->written == 0 && barq_path_stat(file->path, &st) == 0)
	{
		barq_image_file_abandon(file);
		barq_image_unlock(making.folder_lock);
		return BARQ_IMAGE_BUSY;
	}

	ok = write_pages(&making, file->written + Min(most, desc->body_bytes - file->written),
					 &reused);
	if (reused)
	{
		barq_image_file_abandon(file);
		barq_image_unlock(making.folder_lock);
		return BARQ_IMAGE_BUSY;
	}
	if (ok && file->written < desc->body_bytes)
		ok = barq_image_file_pause(file, desc->body_bytes, making.crc);
	return end(&making, ok, reason);
}

void
barq_image_remove(Relation index, const uint8 *id)
{
	char	   *folder = barq_image_folder(index);
	char	   *path;

	path = barq_id_path(folder, id, ".img");
	barq_unlink(path, "image: remove");
	pfree(path);
	path = barq_id_path(folder, id, ".ok");
	barq_unlink(path, "marker: remove");
	pfree(path);
	path = barq_id_path(folder, id, ".dead");
	barq_unlink(path, "dead rows: remove");
	pfree(path);
	pfree(folder);
}

/*
 * Does a file belong to one of the segments, or to the merge that can go on? A temporary
 * file does while the image is missing: it may be continued.
 */
static bool
is_owned(const char *folder, const char *name, const BarqMeta *meta,
		 const BarqSegmentDesc *descs)
{
	char		text[BARQ_ID_TEXT];

	barq_id_text(meta->upkeep.merge, text);
	if (barq_meta_has_merge(meta) && strncmp(name, text, BARQ_ID_TEXT - 1) == 0)
		return true;
	if (strlen(name) >= 6 && strcmp(name + strlen(name) - 6, ".merge") == 0)
		return false;

	for (uint32 i = 0; i < meta->segments; i++)
	{
		const char *end = name + BARQ_ID_TEXT - 1;
		struct stat st;
		char	   *image;
		bool		made;

		barq_id_text(descs[i].id, text);
		if (strncmp(name, text, BARQ_ID_TEXT - 1) != 0)
			continue;
		if (strcmp(end, ".tmp") != 0)
			return strcmp(name + strlen(name) - 4, ".tmp") != 0;	/* of a marker, dead rows */
		image = barq_id_path(folder, descs[i].id, ".img");
		made = barq_path_stat(image, &st) == 0;
		pfree(image);
		return !made;
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
			is_owned(folder, name, &meta, descs))
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
