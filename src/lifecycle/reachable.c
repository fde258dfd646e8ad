/*
 * reachable.c
 *	  Which pages of an index something reaches: the metapage, its directory, the
 *	  pages of each segment, the growing log. All others are free or lost.
 */
#include "postgres.h"

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
reach_log_page(void *arg, BlockNumber block)
{
	set_block(arg, block);
}

static void
ignore_record(void *arg, const BarqRecord *record)
{
}

void
barq_find_reachable(Relation index, BarqReachable *reachable)
{
	BarqGrowingVisitor visitor = {reach_log_page, ignore_record, NULL, reachable};
	BarqBlockList blocks = {0};
	BarqMeta	meta;
	BarqSegmentDesc *descs;

	reachable->nblocks = RelationGetNumberOfBlocks(index);
	reachable->bitmap = palloc0(barq_bits_bytes(reachable->nblocks) + 1);

	set_block(reachable, BARQ_META_BLOCK);
	descs = barq_directory_current(index, &meta, &blocks);
	for (uint32 i = 0; i < meta.segments; i++)
		if (!barq_segment_blocks(index, &descs[i], &blocks))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a segment whose pages, from block %u on, are not its own",
							RelationGetRelationName(index), descs[i].extents_head),
					 errhint("Please REINDEX it.")));
	for (uint32 i = 0; i < blocks.count; i++)
		set_block(reachable, blocks.blocks[i]);
	if (!barq_growing_walk(index, &meta, InvalidBlockNumber, &visitor))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a broken growing log, beginning at block %u",
						RelationGetRelationName(index), meta.growing_head),
				 errhint("Please REINDEX it.")));

	reachable->used = barq_bitmap_count(reachable->bitmap, reachable->nblocks);
	reachable->end = reachable->nblocks;
	while (reachable->end > 0 && !barq_bit_is_set(reachable->bitmap, reachable->end - 1))
		reachable->end--;
	Assert(reachable->used <= reachable->end);
}
