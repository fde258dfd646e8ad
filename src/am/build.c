/*
 * build.c
 *	  What CREATE INDEX of all access methods begins with.
 */
#include "postgres.h"

#include "am/build.h"
#include "storage/bufmgr.h"
#include "store/image.h"

/* A folder is swept in less than so many milliseconds. */
#define HOLD_TRIES	100

void
barq_build_check_empty(Relation index)
{
	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data",
			 RelationGetRelationName(index));

	/* a metapage remembered from before a TRUNCATE in place is void */
	if (index->rd_amcache != NULL)
		pfree(index->rd_amcache);
	index->rd_amcache = NULL;
}

bool
barq_build_hold_folder(Relation index)
{
	char	   *folder = barq_image_folder(index);

	/* it may be swept away before we have the lock */
	for (int tries = 0; tries < HOLD_TRIES && barq_image_folder_create(folder); tries++)
	{
		if (barq_image_hold(folder))
		{
			barq_temporary_folder_note(index);
			return true;
		}
		if (errno != EWOULDBLOCK)
			return false;
		pg_usleep(1000);
	}
	return false;
}
