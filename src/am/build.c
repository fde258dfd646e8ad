/*
 * build.c
 *	  The first steps of CREATE INDEX, of all access methods.
 */
#include "postgres.h"

#include "am/build.h"
#include "storage/bufmgr.h"
#include "store/image.h"

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
	if (!barq_image_hold(barq_image_folder(index)))
		return false;
	barq_temporary_folder_note(index);
	return true;
}
