/*
 * image_drop.c
 *	  Removing the images of storage that is unlinked at the end of a transaction.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/storage.h"
#include "miscadmin.h"
#include "store/announce.h"
#include "store/image.h"

/*
 * Remove the image folders of the storage in PostgreSQL's list of pending
 * deletes: dropped, rewritten and truncated relations at commit, new relations at
 * abort. Raises no error; folders that cannot be removed are left to VACUUM's
 * sweep.
 */
static void
remove_dropped_images(bool commit)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		BarqLocator *locators;
		int			n = smgrGetPendingDeletes(commit, &locators);

		for (int i = 0; i < n; i++)
		{
			char	   *folder = barq_image_folder_of(locators[i], BarqInvalidBackend);

			if (barq_image_remove_folder(folder))
				barq_announce_files(locators[i]);
			pfree(folder);
		}
		if (n > 0)
			pfree(locators);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
}

/*
 * An error after the commit record would be a PANIC, and during an abort it would
 * recur; so errors are only logged. Raising an error resets the counters of
 * held-off interrupts, which are non-zero at the end of a transaction: they are
 * restored.
 */
void
barq_image_remove_dropped(bool commit)
{
	MemoryContext context = CurrentMemoryContext;
	uint32		interrupts = InterruptHoldoffCount;
	uint32		cancels = QueryCancelHoldoffCount;

	PG_TRY();
	{
		remove_dropped_images(commit);
		barq_temporary_folders_tidy();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		InterruptHoldoffCount = interrupts;
		QueryCancelHoldoffCount = cancels;
		ereport(LOG,
				(errmsg("could not remove images of dropped storage: %s",
						error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
}
