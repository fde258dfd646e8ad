/*
 * reclaim.c
 *	  Pages that nothing reaches, or only dead rows do: telling them, and taking
 *	  them back.
 */
#include "postgres.h"

#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "storage/indexfsm.h"
#include "utils/memutils.h"

static void
set_block(uint8 *bitmap, BlockNumber block, BlockNumber nblocks)
{
	if (block < nblocks)
		barq_bit_set(bitmap, block);
}

typedef struct Reached
{
	uint8	   *bitmap;
	BlockNumber nblocks;
} Reached;

static void
reach_page(void *arg, BlockNumber block)
{
	Reached    *reached = arg;

	set_block(reached->bitmap, block, reached->nblocks);
}

static void
ignore_record(void *arg, const BarqRecord *record)
{
}

uint8 *
barq_reachable_blocks(Relation index, BlockNumber nblocks)
{
	uint8	   *bitmap = palloc0(barq_bits_bytes(nblocks) + 1);
	Reached		reached = {bitmap, nblocks};
	BarqGrowingVisitor visitor = {reach_page, ignore_record, NULL, &reached};
	BarqBlockList blocks = {0};
	BarqMeta	meta;
	BarqSegmentDesc *descs;

	set_block(bitmap, BARQ_META_BLOCK, nblocks);
	descs = barq_directory_current(index, &meta, &blocks);
	for (uint32 i = 0; i < meta.segments; i++)
		if (!barq_segment_blocks(index, &descs[i], &blocks))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a segment whose pages, from block %u on, are not its own",
							RelationGetRelationName(index), descs[i].extents_head),
					 errhint("Please REINDEX it.")));
	for (uint32 i = 0; i < blocks.count; i++)
		set_block(bitmap, blocks.blocks[i], nblocks);
	if (!barq_growing_walk(index, &meta, InvalidBlockNumber, &visitor))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a broken growing log, beginning at block %u",
						RelationGetRelationName(index), meta.growing_head),
				 errhint("Please REINDEX it.")));
	return bitmap;
}

/*
 * A segment of which every row is dead needs no merge to go. A row that is
 * marked stays so, hence the counts cannot have been too high.
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
		if (descs[i].dead_rows >= descs[i].rows)
			dead[change.nremove++] = descs[i];
	change.remove = dead;
	if (change.nremove > 0)
		barq_publish(index, &change);
}

/*
 * Make what nothing reaches free; returns the pages free, and whether the file
 * is worth being made shorter. Both locks are held.
 */
static BlockNumber
take_back(Relation index, bool *too_long)
{
	BlockNumber nblocks = RelationGetNumberOfBlocks(index);
	uint8	   *reachable = barq_reachable_blocks(index, nblocks);
	BarqBlockList lost = {0};
	BlockNumber nfree = 0;
	BlockNumber end = 0;

	for (BlockNumber block = 0; block < nblocks; block++)
	{
		if (barq_bit_is_set(reachable, block))
		{
			end = block + 1;
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		nfree++;
		if (barq_page_is_free(index, block))
			RecordFreeIndexPage(index, block);
		else
			barq_blocks_add(&lost, block);
	}
	barq_pages_free(index, &lost);
	IndexFreeSpaceMapVacuum(index);
	*too_long = barq_end_is_long(nblocks, end) ||
		nfree - (nblocks - end) > BARQ_FREE_SHARE_AT_WORK * end;
	return nfree;
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

		/* with the maintenance lock, nothing unpublished is in the making */
		barq_image_tidy(index);
	}
	barq_maintenance_unlock(index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return nfree;
}
