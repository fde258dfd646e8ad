/*
 * temporary.c
 *	  Removing the images of temporary relations when their storage is gone.
 *
 * PostgreSQL's list of pending deletes does not show temporary relations to a
 * transaction's end (image_drop.c). Their files are unlinked at once, so a missing
 * file shows that the relation is gone. Calls image_make.c and paths.c.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "nodes/pg_list.h"
#include "storage/ipc.h"
#include "store/image.h"
#include "utils/memutils.h"

typedef struct TemporaryFolder
{
	char	   *folder;			/* of the images */
	char	   *storage;		/* first file of the relation's main fork */
} TemporaryFolder;

static List *temporary_folders = NIL;	/* in TopMemoryContext */

/* before_shmem_exit callback: remove the folders of all temporary relations. */
static void
at_session_end(int code, Datum arg)
{
	ListCell   *cell;

	foreach(cell, temporary_folders)
		barq_image_remove_folder(((TemporaryFolder *) lfirst(cell))->folder);
	temporary_folders = NIL;
}

void
barq_temporary_folder_note(Relation index)
{
	static bool registered = false;
	MemoryContext old;
	TemporaryFolder *note;
	char	   *folder;
	ListCell   *cell;

	if (index->rd_backend == BarqInvalidBackend)
		return;

	folder = barq_image_folder(index);
	foreach(cell, temporary_folders)
		if (strcmp(((TemporaryFolder *) lfirst(cell))->folder, folder) == 0)
			return;

	if (!registered)
		before_shmem_exit(at_session_end, (Datum) 0);
	registered = true;

	old = MemoryContextSwitchTo(TopMemoryContext);
	note = palloc(sizeof(TemporaryFolder));
	note->folder = pstrdup(folder);
	note->storage = BarqRelationPath(index);
	temporary_folders = lappend(temporary_folders, note);
	MemoryContextSwitchTo(old);
}

void
barq_temporary_folders_tidy(void)
{
	ListCell   *cell;

	foreach(cell, temporary_folders)
	{
		TemporaryFolder *note = lfirst(cell);
		struct stat st;

		if (stat(note->storage, &st) == 0 || errno != ENOENT)
			continue;
		barq_image_remove_folder(note->folder);
		pfree(note->folder);
		pfree(note->storage);
		pfree(note);
		temporary_folders = foreach_delete_current(temporary_folders, cell);
	}
}
