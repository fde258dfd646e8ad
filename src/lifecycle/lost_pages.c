/*
 * lost_pages.c
 *	  Finding the pages that nothing reaches and that the free space map does not
 *	  offer: those that a crash or an error left behind are stamped free, those that
 *	  are free already are offered again (store/README.md, S5, S6, S20).
 *
 * The search reads what is dead, not what is free: the pages of directory and extents,
 * the free space map, and only if their numbers do not add up the tombstones, the log
 * and the pages in question.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "base/steps.h"
#include "commands/vacuum.h"
#include "lifecycle/internal.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "store/free_map.h"
#include "utils/memutils.h"

/* Pages that are stamped while inserts that need LockPage 0 wait. */
#define SLICE_PAGES		32

/* Add the blocks to `list` that neither bitmap has (`offered` may be NULL). */
static void
add_others(const BarqReachable *reachable, const uint8 *offered, BarqBlockList *list)
{
	for (BlockNumber block = 0; block < reachable->nblocks; block++)
		if (!barq_bit_is_set(reachable->bitmap, block) &&
			(offered == NULL || !barq_bit_is_set(offered, block)))
			barq_blocks_add(list, block);
}

/*
 * Withdraw pages that something reaches from the map, which a crash has left there. They
 * do not become free while the caller holds the maintenance lock.
 */
static void
withdraw_used(Relation index, const BarqReachable *reachable, const uint8 *offered)
{
	for (BlockNumber block = 0; block < reachable->nblocks; block++)
		if (barq_bit_is_set(reachable->bitmap, block) && barq_bit_is_set(offered, block))
			RecordUsedIndexPage(index, block);
}

/*
 * Do the pages that are in neither bitmap seem to be those of tombstones and log? Their
 * numbers are equal, and no page is in both. An insert may add pages to the log
 * meanwhile; then the numbers differ and the caller looks closer.
 */
static bool
adds_up(const BarqReachable *reachable, const uint8 *offered)
{
	Size		bytes = barq_bits_bytes(reachable->nblocks);
	uint64		expected = reachable->meta.growing_pages;
	uint64		others = reachable->nblocks -
		barq_bitmap_count(reachable->bitmap, reachable->nblocks) -
		barq_bitmap_count(offered, reachable->nblocks);

	for (Size i = 0; i < bytes; i++)
		if ((reachable->bitmap[i] & offered[i]) != 0)
			return false;
	for (uint32 i = 0; i < reachable->meta.segments; i++)
		expected += reachable->descs[i].tombstone_pages;
	return others == expected;
}

void
barq_find_suspects(Relation index, BufferAccessStrategy strategy, bool believe_map,
				   BarqReachable *reachable, BarqBlockList *suspects)
{
	uint8	   *offered;
	bool		right;

	barq_reach_bodies(index, reachable);
	offered = palloc0(barq_bits_bytes(reachable->nblocks) + 1);
	barq_free_map_read(index, reachable->nblocks, offered, strategy);
	right = believe_map && barq_free_map_is_right(&reachable->meta);
	if (right && adds_up(reachable, offered))
	{
		BarqBlockList others = {0};

		add_others(reachable, offered, &others);
		for (uint32 i = 0; i < others.count; i++)
			barq_bit_set(reachable->bitmap, others.blocks[i]);
	}
	else
	{
		barq_reach_rest(index, reachable);
		if (believe_map)
			withdraw_used(index, reachable, offered);
		add_others(reachable, right ? offered : NULL, suspects);
	}
	barq_reach_count(reachable);
}

/*
 * A free page is offered without any lock: another process may take it at any time, and
 * the map is a hint (S6). A page that was never written stays a suspect: an insert may
 * have added it just now (S13).
 */
void
barq_offer_suspects(Relation index, BufferAccessStrategy strategy, bool offer,
					BarqBlockList *suspects)
{
	uint32		left = 0;
	BlockNumber first = InvalidBlockNumber;
	BlockNumber last = 0;

	for (uint32 i = 0; i < suspects->count; i++)
	{
		BlockNumber block = suspects->blocks[i];

		BarqVacuumDelay();
		barq_check_interrupts();
		barq_step("lost: read stamp");
		if (barq_page_stamp(index, block, strategy) != BARQ_STAMP_FREE)
			suspects->blocks[left++] = block;
		else if (offer)
		{
			RecordFreeIndexPage(index, block);
			first = Min(first, block);
			last = block;
		}
	}
	suspects->count = left;
	if (first != InvalidBlockNumber)
		FreeSpaceMapVacuumRange(index, first, last + 1);
}

/*
 * Move those of `suspects` from *next on that nothing reaches to `lost`, at most `most`.
 * The caller holds the maintenance lock and barq_try_lock_reclaim().
 */
static void
find_lost(Relation index, BarqReachable *reachable, const BarqBlockList *suspects,
		  uint32 *next, uint32 most, BarqBlockList *lost)
{
	/* pages that inserts have linked since; no insert owns another one now (S5) */
	barq_reach_log(index, reachable);
	lost->count = 0;
	for (; *next < suspects->count && lost->count < most; (*next)++)
	{
		BlockNumber block = suspects->blocks[*next];

		if (block < reachable->nblocks && !barq_bit_is_set(reachable->bitmap, block))
			barq_blocks_add(lost, block);
	}
}

bool
barq_free_suspects(Relation index, const BarqBlockList *suspects)
{
	BarqReachable reachable;
	BarqBlockList lost = {0};
	uint32		next = 0;

	if (suspects->count == 0)
		return true;
	barq_find_reachable(index, &reachable);
	barq_step("lost: reached");
	while (next < suspects->count)
	{
		BarqVacuumDelay();
		barq_check_interrupts();
		if (!barq_lock_within(index, barq_try_lock_reclaim, BARQ_LOCK_TRIES))
			return false;
		barq_step("lost: locked");
		find_lost(index, &reachable, suspects, &next, SLICE_PAGES, &lost);
		barq_pages_free(index, &lost);
		barq_unlock_reclaim(index);
	}
	return true;
}

bool
barq_free_lost(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq lost",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_VACUUM);
	BarqReachable reachable;
	BarqBlockList suspects = {0};
	bool		complete;

	barq_find_suspects(index, strategy, true, &reachable, &suspects);
	barq_offer_suspects(index, strategy, true, &suspects);
	complete = barq_free_suspects(index, &suspects);
	if (complete && !barq_free_map_is_right(&reachable.meta))
		barq_free_map_note_right(index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return complete;
}

BlockNumber
barq_count_lost(Relation index)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	BarqReachable reachable;
	BarqBlockList suspects = {0};
	BarqBlockList lost = {0};
	BlockNumber count = 0;
	uint32		next = 0;

	barq_find_suspects(index, strategy, false, &reachable, &suspects);
	barq_offer_suspects(index, strategy, false, &suspects);
	if (suspects.count == 0 ||
		!barq_lock_within(index, barq_try_lock_reclaim, BARQ_LOCK_TRIES))
		return 0;
	find_lost(index, &reachable, &suspects, &next, PG_UINT32_MAX, &lost);
	barq_unlock_reclaim(index);

	/* a page that was never written is as good as free */
	for (uint32 i = 0; i < lost.count; i++)
		count += barq_page_stamp(index, lost.blocks[i], strategy) == BARQ_STAMP_USED;
	return count;
}
