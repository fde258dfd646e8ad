/*
 * blob.c
 *	  Writing and reading the pages of sealed segments.
 *
 * Blob pages are written once, before anything names them, so they need no
 * protection from readers; a reader checks their generation.
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "miscadmin.h"
#include "store/blob.h"
#include "store/interrupts.h"
#include "store/steps.h"
#include "store/tombstones.h"

/* Fill a page taken with barq_page_new and log it whole. */
static BlockNumber
write_page(Relation index, BarqPart part, uint64 generation,
		   const void *data, Size len, BlockNumber next)
{
	Buffer		buffer = barq_page_new(index);
	BlockNumber block = BufferGetBlockNumber(buffer);
	Page		page = BufferGetPage(buffer);

	START_CRIT_SECTION();
	barq_page_init(page, part, generation);
	barq_page_append(page, data, len);
	BarqPageGetSpecial(page)->next = next;
	BarqPageGetSpecial(page)->next_generation =
		next == InvalidBlockNumber ? 0 : generation;
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(index))
		barq_log_page(buffer, "blob: write page");
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
	return block;
}

static void
write_extents(Relation index, BarqSegmentDesc *desc, const BarqExtent *extents,
			  uint32 count)
{
	BlockNumber next = InvalidBlockNumber;

	desc->extents_pages = (count + BARQ_EXTENTS_PER_PAGE - 1) / BARQ_EXTENTS_PER_PAGE;
	for (uint32 i = desc->extents_pages; i-- > 0;)
	{
		uint32		first = i * BARQ_EXTENTS_PER_PAGE;
		uint32		here = Min(count - first, BARQ_EXTENTS_PER_PAGE);

		next = write_page(index, BARQ_PART_EXTENTS, desc->generation,
						  extents + first, here * sizeof(BarqExtent), next);
	}
	desc->extents_head = next;
}

void
barq_blob_write(Relation index, BarqSegmentDesc *desc, const char *body, uint64 bytes)
{
	uint64		pages = (bytes + BARQ_BLOB_PAGE_BYTES - 1) / BARQ_BLOB_PAGE_BYTES;
	uint32		space = 64;
	uint32		count = 0;
	BarqExtent *extents = palloc(sizeof(BarqExtent) * space);

	if (pages > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment of " UINT64_FORMAT " bytes is too large for index \"%s\"",
						bytes, RelationGetRelationName(index))));

	desc->body_bytes = bytes;
	desc->blob_pages = (uint32) pages;
	INIT_CRC32C(desc->crc);
	COMP_CRC32C(desc->crc, body, bytes);
	FIN_CRC32C(desc->crc);

	for (uint64 off = 0; off < bytes; off += BARQ_BLOB_PAGE_BYTES)
	{
		BlockNumber block;

		barq_check_interrupts();
		block = write_page(index, BARQ_PART_BLOB, desc->generation, body + off,
						   Min(bytes - off, BARQ_BLOB_PAGE_BYTES), InvalidBlockNumber);
		if (count > 0 && extents[count - 1].start + extents[count - 1].count == block)
			extents[count - 1].count++;
		else
		{
			if (count == space)
			{
				space *= 2;
				extents = repalloc_huge(extents, sizeof(BarqExtent) * (Size) space);
			}
			extents[count].start = block;
			extents[count++].count = 1;
		}
	}
	write_extents(index, desc, extents, count);
	pfree(extents);
}

BarqExtentMap *
barq_extents_read(Relation index, const BarqSegmentDesc *desc, BarqBlockList *blocks)
{
	BarqExtentMap *map = palloc0(sizeof(BarqExtentMap));
	BlockNumber block = desc->extents_head;
	uint64		total = 0;

	map->extents = palloc_extended(desc->extents_pages * BARQ_EXTENTS_PER_PAGE *
								   sizeof(BarqExtent), MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < desc->extents_pages; i++)
	{
		Buffer		buffer;
		Page		page;
		uint32		here;

		if (block >= RelationGetNumberOfBlocks(index))
			return NULL;
		buffer = ReadBuffer(index, block);
		barq_lock_shared(buffer);
		page = BufferGetPage(buffer);
		if (!barq_page_is(index, block, page, BARQ_PART_EXTENTS, desc->generation))
		{
			UnlockReleaseBuffer(buffer);
			return NULL;
		}
		here = (((PageHeader) page)->pd_lower -
				MAXALIGN(SizeOfPageHeaderData)) / sizeof(BarqExtent);
		memcpy(map->extents + map->count, PageGetContents(page),
			   here * sizeof(BarqExtent));
		map->count += here;
		if (blocks != NULL)
			barq_blocks_add(blocks, block);
		block = BarqPageGetSpecial(page)->next;
		UnlockReleaseBuffer(buffer);
	}

	map->first_page = palloc_extended(sizeof(uint32) * Max((Size) map->count, 1),
									  MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < map->count; i++)
	{
		map->first_page[i] = (uint32) total;
		total += map->extents[i].count;
	}
	if (total != desc->blob_pages)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has a segment whose extents at block %u do not match its size",
						RelationGetRelationName(index), desc->extents_head),
				 errhint("Please REINDEX it.")));
	return map;
}

BlockNumber
barq_extents_block(const BarqExtentMap *map, uint32 page)
{
	uint32		low = 0,
				high = map->count;

	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		if (map->first_page[middle] <= page)
			low = middle;
		else
			high = middle;
	}
	return map->extents[low].start + (page - map->first_page[low]);
}

int
barq_blob_read_page(Relation index, const BarqSegmentDesc *desc,
					const BarqExtentMap *map, uint32 page_number,
					BufferAccessStrategy strategy, char *dest)
{
	BlockNumber block = barq_extents_block(map, page_number);
	Buffer		buffer;
	Page		page;
	int			len = -1;

	/*
	 * A map read from a live extents page may still name blocks of a segment
	 * that was dropped and cut off meanwhile; the caller then starts again.
	 */
	if (block >= RelationGetNumberOfBlocks(index))
		return -1;
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	barq_lock_shared(buffer);
	page = BufferGetPage(buffer);
	if (barq_page_is(index, block, page, BARQ_PART_BLOB, desc->generation))
	{
		len = ((PageHeader) page)->pd_lower - MAXALIGN(SizeOfPageHeaderData);
		memcpy(dest, PageGetContents(page), len);
	}
	UnlockReleaseBuffer(buffer);
	return len;
}

bool
barq_segment_blocks(Relation index, const BarqSegmentDesc *desc, BarqBlockList *blocks)
{
	BarqExtentMap *map = barq_extents_read(index, desc, blocks);
	BlockNumber *tombstones;

	if (map == NULL)
		return false;
	for (uint32 i = 0; i < map->count; i++)
		for (uint32 j = 0; j < map->extents[i].count; j++)
			barq_blocks_add(blocks, map->extents[i].start + j);

	tombstones = barq_tombstones_blocks(index, desc);
	if (tombstones == NULL)
		return false;
	for (uint32 i = 0; i < desc->tombstone_pages; i++)
		barq_blocks_add(blocks, tombstones[i]);
	pfree(tombstones);
	pfree(map->extents);
	pfree(map->first_page);
	pfree(map);
	return true;
}
