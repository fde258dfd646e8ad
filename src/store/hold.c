/*
 * hold.c
 *	  Folder locks held to the end of a transaction, so that nobody sweeps the
 *	  folder of a relation which only this transaction sees.
 *
 * The descriptors are transient files: an aborted (sub)transaction closes them
 * by itself, and only the list must follow.
 */
#include "postgres.h"

#include "access/xact.h"
#include "nodes/pg_list.h"
#include "store/image.h"
#include "utils/memutils.h"

typedef struct HeldFolder
{
	int			fd;
	SubTransactionId subtransaction;
	char		folder[FLEXIBLE_ARRAY_MEMBER];
} HeldFolder;

static List *held = NIL;

/*
 * A process may have only so many files open, and a transaction may make any
 * number of indexes. The lock matters while an index is built; afterwards only
 * a cache could be lost. So those held longest are let go.
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
	fd = barq_image_lock(folder, false);
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
 * A build that is undone leaves nothing in its folder that anyone could use:
 * either the storage goes as well, or (CREATE INDEX CONCURRENTLY) an index
 * stays that is not valid and that VACUUM will not look at.
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
