/*
 * build.c
 *	  The first steps of CREATE INDEX, of all access methods.
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

	/*
	 * Until the folder is locked a sweep may remove it: between making it and
	 * opening it, between that and making its lock file (ENOENT), or by a
	 * sweeper that has the lock (EWOULDBLOCK). Then it is made again.
	 */
	for (int tries = 0; tries < HOLD_TRIES; tries++)
	{
		if (barq_image_folder_create(folder) && barq_image_hold(folder))
		{
			barq_temporary_folder_note(index);
			return true;
		}
		if (errno != EWOULDBLOCK && errno != ENOENT)
			return false;
		pg_usleep(1000);
		errno = ENOENT;
	}
	return false;
}
