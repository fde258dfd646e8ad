/*
 * image_drop.c
 *	  Images of storage that goes with the end of a transaction.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/storage.h"
#include "miscadmin.h"
#include "store/image.h"

/*
 * Remove the images of storage that goes with the end of this (sub)transaction:
 * what was dropped, rewritten or truncated if it commits, what was made if it
 * aborts. PostgreSQL's own list of storage to unlink says which.
 *
 * After the commit record an error would bring the server down, and in an
 * abort it would come again and again: what cannot be removed is left to
 * VACUUM's sweep.
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

			barq_image_remove_folder(folder);
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
 * An error after a transaction has committed is a PANIC, and a folder left
 * behind is only one more for VACUUM to sweep, so errors become log lines.
 * Raising an error resets the counts of held interrupts; they are put back,
 * for the end of a transaction holds interrupts off.
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
