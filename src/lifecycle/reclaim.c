/*
 * reclaim.c
 *	  VACUUM: taking back pages and image files that nothing reaches, dropping
 *	  segments of which every row is dead.
 */
#include "postgres.h"

#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "utils/memutils.h"

/*
 * Remove segments without a live row; they need no merge. A row that is marked
 * stays marked (L4), so the dead counts cannot be too high.
 */
static void
drop_dead_segments(Relation index)
{
	BarqBlockList blocks = {0};
	BarqChange	change = {0};
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, &blocks);
	BarqSegmentDesc *dead = palloc(sizeof(BarqSegmentDesc) * Max(meta.segments, 1));

	for (uint32 i = 0; i < meta.segments; i++)
	{
		Assert(descs[i].dead_rows <= descs[i].rows);	/* L4 */
		if (descs[i].dead_rows >= descs[i].rows)
			dead[change.nremove++] = descs[i];
	}
	change.remove = dead;
	if (change.nremove > 0)
		barq_publish(index, &change);
}

/*
 * Stamp lost pages free and offer all free pages to the free space map. Returns
 * the number of free pages; *too_long says whether a worker should shorten the
 * file. The caller holds the maintenance lock and barq_try_lock_reclaim().
 */
static BlockNumber
take_back(Relation index, bool *too_long)
{
	BarqReachable reachable;
	BarqBlockList lost = {0};

	barq_find_reachable(index, &reachable);
	for (BlockNumber block = 0; block < reachable.nblocks; block++)
	{
		if (barq_bit_is_set(reachable.bitmap, block))
			continue;
		CHECK_FOR_INTERRUPTS();
		if (barq_page_is_free(index, block))
			RecordFreeIndexPage(index, block);
		else
			barq_blocks_add(&lost, block);
	}
	barq_pages_free(index, &lost);
	IndexFreeSpaceMapVacuum(index);
	*too_long = barq_end_is_long(&reachable) ||
		reachable.end - reachable.used > BARQ_FREE_SHARE_AT_WORK * reachable.end;
	return reachable.nblocks - reachable.used;
}

BlockNumber
barq_reclaim(Relation index, bool *too_long)
{
	MemoryContext context;
	MemoryContext old;
	BlockNumber nfree = 0;

	*too_long = false;
	if (!barq_maintenance_try_lock(index))
		return 0;
	context = AllocSetContextCreate(CurrentMemoryContext, "barq reclaim",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	drop_dead_segments(index);
	if (barq_try_lock_reclaim(index))
	{
		nfree = take_back(index, too_long);
		barq_unlock_reclaim(index);

		/* the maintenance lock: no image is in the making */
		barq_image_tidy(index);
	}
	barq_maintenance_unlock(index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return nfree;
}
