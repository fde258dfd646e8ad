/*
 * reclaim.c
 *	  VACUUM: taking back pages and image files that nothing reaches, dropping
 *	  segments of which every row is dead.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "lifecycle/internal.h"
#include "store/free_map.h"
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

BlockNumber
barq_reclaim(Relation index, BufferAccessStrategy strategy, bool *too_long)
{
	MemoryContext context;
	MemoryContext old;
	BarqReachable reachable;
	BarqBlockList suspects = {0};
	bool		locked = true;

	*too_long = false;
	if (!barq_maintenance_try_lock(index))
		return 0;
	context = AllocSetContextCreate(CurrentMemoryContext, "barq reclaim",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	barq_begin_maintenance(index);
	drop_dead_segments(index);

	/* the maintenance lock: no image is in the making */
	barq_image_tidy(index);
	barq_find_suspects(index, strategy, true, &reachable, &suspects);
	if (suspects.count > 0)
	{
		/* seals and merges go on; VACUUM's own lock keeps the file from being cut */
		barq_maintenance_unlock(index);
		barq_offer_suspects(index, strategy, true, &suspects);
		locked = barq_lock_within(index, barq_maintenance_try_lock, BARQ_LOCK_TRIES);
	}
	if (locked)
	{
		if (barq_free_suspects(index, &suspects) && !barq_free_map_is_right(&reachable.meta))
			barq_free_map_note_right(index);
		barq_maintenance_unlock(index);
	}
	*too_long = barq_end_is_long(&reachable) ||
		reachable.end - reachable.used > BARQ_FREE_SHARE_AT_WORK * reachable.end;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return reachable.nblocks - reachable.used;
}
