/*
 * reachable.c
 *	  Which pages of an index something reaches: the metapage, its directory, the
 *	  pages of each segment, the growing log. All others are free or lost.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "lifecycle/internal.h"
#include "storage/bufmgr.h"

/* Pages that were added after nblocks was read have no bit. */
static void
set_block(BarqReachable *reachable, BlockNumber block)
{
	if (block < reachable->nblocks)
		barq_bit_set(reachable->bitmap, block);
}

static void
set_blocks(BarqReachable *reachable, const BarqBlockList *blocks)
{
	for (uint32 i = 0; i < blocks->count; i++)
		set_block(reachable, blocks->blocks[i]);
}

/* ERRCODE_INDEX_CORRUPTED: pages from `block` on belong to no segment. */
static void
segment_broken(Relation index, BlockNumber block)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" has a segment whose pages, from block %u on, are not its own",
					RelationGetRelationName(index), block),
			 errhint("Please REINDEX it.")));
}

void
barq_reach_bodies(Relation index, BarqReachable *reachable)
{
	BarqBlockList blocks = {0};

	reachable->nblocks = RelationGetNumberOfBlocks(index);
	reachable->bitmap = palloc0(barq_bits_bytes(reachable->nblocks) + 1);
	set_block(reachable, BARQ_META_BLOCK);
	reachable->descs = barq_directory_current(index, &reachable->meta, &blocks);
	for (uint32 i = 0; i < reachable->meta.segments; i++)
	{
		const BarqSegmentDesc *desc = &reachable->descs[i];
		BarqExtentMap *map = barq_extents_read(index, desc, &blocks);

		if (map == NULL)
			segment_broken(index, desc->extents_head);
		for (uint32 j = 0; j < map->count; j++)
			for (uint32 k = 0; k < map->extents[j].count; k++)
				set_block(reachable, map->extents[j].start + k);
	}
	set_blocks(reachable, &blocks);
}

void
barq_reach_log(Relation index, BarqReachable *reachable)
{
	BarqMeta	meta;
	BlockNumber block = reachable->log_tail;
	uint64		generation = reachable->log_tail_generation;

	barq_meta_read(index, &meta);
	if (block == InvalidBlockNumber)
	{
		block = meta.growing_head;
		generation = meta.growing_head_generation;
	}
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		BarqPageSpecial *special;

		barq_check_interrupts();
		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL,
									barq_ring(BAS_BULKREAD));
		barq_lock_shared(buffer);
		if (!barq_page_is(index, block, BufferGetPage(buffer), BARQ_PART_GROWING, generation))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a broken growing log at block %u",
							RelationGetRelationName(index), block),
					 errhint("Please REINDEX it.")));
		set_block(reachable, block);
		reachable->log_tail = block;
		reachable->log_tail_generation = generation;
		special = BarqPageGetSpecial(BufferGetPage(buffer));
		block = special->next;
		generation = special->next_generation;
		UnlockReleaseBuffer(buffer);
	}
}

void
barq_reach_rest(Relation index, BarqReachable *reachable)
{
	for (uint32 i = 0; i < reachable->meta.segments; i++)
	{
		const BarqSegmentDesc *desc = &reachable->descs[i];
		BlockNumber *tombstones = barq_tombstones_blocks(index, desc);

		if (tombstones == NULL)
			segment_broken(index, desc->tombstones_head);
		for (uint32 j = 0; j < desc->tombstone_pages; j++)
			set_block(reachable, tombstones[j]);
		pfree(tombstones);
	}
	reachable->log_tail = InvalidBlockNumber;
	barq_reach_log(index, reachable);
}

void
barq_reach_count(BarqReachable *reachable)
{
	reachable->used = barq_bitmap_count(reachable->bitmap, reachable->nblocks);
	reachable->end = reachable->nblocks;
	while (reachable->end > 0 && !barq_bit_is_set(reachable->bitmap, reachable->end - 1))
		reachable->end--;
	Assert(reachable->used <= reachable->end);
}

void
barq_find_reachable(Relation index, BarqReachable *reachable)
{
	barq_reach_bodies(index, reachable);
	barq_reach_rest(index, reachable);
	barq_reach_count(reachable);
}
