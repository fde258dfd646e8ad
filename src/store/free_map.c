/*
 * free_map.c
 *	  Reading the free space map of an index.
 *
 * Calls page.c and meta.c. The place of a leaf page in the map's file and the
 * meaning of its bytes are those of PostgreSQL's freespace.c, whose functions read
 * one block of the relation at a time.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "base/bits.h"
#include "base/steps.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/freespace.h"
#include "storage/fsm_internals.h"
#include "storage/smgr.h"
#include "store/free_map.h"

/* Levels of the map: freespace.c's FSM_TREE_DEPTH. */
#define MAP_LEVELS		((SlotsPerFSMPage >= 1626) ? 3 : 4)

/*
 * A byte of the map is the free space of a block in units of BLCKSZ / 256. An index
 * page that is free is noted with nearly BLCKSZ; GetFreeIndexPage() takes any with
 * half of that.
 */
#define OFFERED			128

/* The block of the map's file that describes the blocks from leaf * SlotsPerFSMPage on. */
static BlockNumber
leaf_block(BlockNumber leaf)
{
	BlockNumber pages = 0;

	for (int level = 0; level < MAP_LEVELS; level++)
	{
		pages += leaf + 1;
		leaf /= SlotsPerFSMPage;
	}
	return pages - 1;
}

void
barq_free_map_read(Relation index, BlockNumber nblocks, uint8 *offered,
				   BufferAccessStrategy strategy)
{
	BlockNumber map_blocks = 0;

	if (smgrexists(RelationGetSmgr(index), FSM_FORKNUM))
		map_blocks = RelationGetNumberOfBlocksInFork(index, FSM_FORKNUM);
	for (BlockNumber leaf = 0; (uint64) leaf * SlotsPerFSMPage < nblocks; leaf++)
	{
		BlockNumber first = leaf * SlotsPerFSMPage;
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		if (leaf_block(leaf) >= map_blocks)
			break;
		buffer = ReadBufferExtended(index, FSM_FORKNUM, leaf_block(leaf),
									RBM_ZERO_ON_ERROR, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (!PageIsNew(BufferGetPage(buffer)))
			for (int slot = 0; slot < (int) SlotsPerFSMPage && first + slot < nblocks; slot++)
				if (fsm_get_avail(BufferGetPage(buffer), slot) >= OFFERED)
					barq_bit_set(offered, first + slot);
		UnlockReleaseBuffer(buffer);
	}
}

uint64
barq_free_map_era(void)
{
	uint64		era = hash_combine64((uint64) pgstat_fetch_stat_archiver()->stat_reset_timestamp,
									 (uint64) GetWALInsertionTimeLine());

	return era != 0 ? era : 1;
}

bool
barq_free_map_is_right(const BarqMeta *meta)
{
	return meta->map_era == barq_free_map_era();
}

void
barq_free_map_note_right(Relation index)
{
	uint64		era = barq_free_map_era();
	Buffer		buffer = barq_meta_lock(index);
	GenericXLogState *state = GenericXLogStart(index);
	BarqMeta   *meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, buffer, 0));

	Assert(barq_holds_maintenance(index));
	barq_meta_touch(meta);
	meta->map_era = era;
	barq_finish_record(state, "meta: map is right");
	UnlockReleaseBuffer(buffer);
}
