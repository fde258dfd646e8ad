/*
 * hold.c
 *	  Folder locks held until the end of a transaction, so that no sweep removes
 *	  the folder of a relation that only this transaction sees.
 *
 * folder.c closes the descriptors when their (sub)transaction aborts; the list
 * here must follow. Calls paths.c and image_make.c.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "store/image.h"
#include "utils/memutils.h"

/* A folder locked by this transaction; allocated in TopMemoryContext. */
typedef struct HeldFolder
{
	int			fd;
	SubTransactionId subtransaction;
	char		folder[FLEXIBLE_ARRAY_MEMBER];
} HeldFolder;

static List *held = NIL;

/*
 * A transaction may create any number of indexes, and a process may have only so
 * many files open. The lock matters while an index is built; afterwards only a
 * cache could be lost. So the oldest locks are released.
 */
#define MAX_HELD	4

bool
barq_image_hold(const char *folder)
{
	MemoryContext old;
	HeldFolder *hold;
	int			fd;

	if (list_length(held) >= MAX_HELD)
	{
		hold = linitial(held);
		barq_image_unlock(hold->fd);
		pfree(hold);
		held = list_delete_first(held);
	}
	fd = barq_image_folder_lock(folder);
	if (fd < 0)
		return false;
	old = MemoryContextSwitchTo(TopMemoryContext);
	hold = palloc(offsetof(HeldFolder, folder) + strlen(folder) + 1);
	hold->fd = fd;
	hold->subtransaction = GetCurrentSubTransactionId();
	strcpy(hold->folder, folder);
	held = lappend(held, hold);
	MemoryContextSwitchTo(old);
	return true;
}

/*
 * Unlock a folder, and remove it if its build was aborted: its files are useless
 * then. Either the storage is removed as well, or CREATE INDEX CONCURRENTLY has
 * left an invalid index, which VACUUM ignores.
 */
static void
end_hold(HeldFolder *hold, bool committed)
{
	if (!committed)
		barq_image_remove_folder(hold->folder);
	barq_image_unlock(hold->fd);
}

void
barq_image_end_holds(bool committed)
{
	ListCell   *cell;

	foreach(cell, held)
		end_hold(lfirst(cell), committed);
	list_free_deep(held);
	held = NIL;
}

void
barq_image_subtransaction_holds(SubTransactionId mine, SubTransactionId parent,
								bool committed)
{
	ListCell   *cell;

	foreach(cell, held)
	{
		HeldFolder *hold = lfirst(cell);

		if (hold->subtransaction != mine)
			continue;
		hold->subtransaction = parent;
		if (!committed)
		{
			end_hold(hold, false);
			held = foreach_delete_current(held, cell);
			pfree(hold);
		}
	}
}
