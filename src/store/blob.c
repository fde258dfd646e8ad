/*
 * blob.c
 *	  Writing, moving and reading the pages of sealed segments.
 *
 * Calls page.c and tombstones.c. Pages of blobs and extents are written once,
 * before anything reaches them (S2, S3); readers check their generation (S1).
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "miscadmin.h"
#include "base/array.h"
#include "store/blob.h"
#include "store/segment.h"
#include "base/checksum.h"
#include "base/steps.h"
#include "store/tombstones.h"

/*
 * Fill a new page of a segment with len bytes of data, log its full image, and
 * unlock and release its buffer, which is from barq_page_new. Returns its block.
 */
static BlockNumber
write_page(Relation index, Buffer buffer, BarqPart part, const BarqSegmentDesc *desc,
		   const void *data, Size len, BlockNumber next)
{
	BlockNumber block = BufferGetBlockNumber(buffer);
	Page		page = BufferGetPage(buffer);

	START_CRIT_SECTION();
	barq_page_init(page, part, desc->generation);
	BarqPageGetSpecial(page)->moves = desc->moves;
	barq_page_append(page, data, len);
	barq_page_set_next(page, next, desc->generation);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(index))
		barq_log_page(buffer, "blob: write page");
	END_CRIT_SECTION();
	UnlockReleaseBuffer(buffer);
	return block;
}

/* Extents under construction, in the order of the blob. */
typedef struct ExtentList
{
	BarqExtent *extents;
	uint32		count;
	uint32		space;
} ExtentList;

/* Append a block of the blob to the list, extending its last extent if it can. */
static void
add_block(ExtentList *list, BlockNumber block)
{
	BarqExtent *last = list->extents + list->count;

	if (list->count > 0 && last[-1].start + last[-1].count == block)
	{
		last[-1].count++;
		return;
	}
	BARQ_ARRAY_RESERVE(list->extents, list->space, list->count + 1, 64);
	list->extents[list->count].start = block;
	list->extents[list->count++].count = 1;
}

/*
 * Write the pages of the extents, adding each to `written`; fills extents_head and
 * extents_pages of desc. Frees the list.
 */
static void
write_extents(Relation index, BarqPageSupply *supply, BarqSegmentDesc *desc,
			  ExtentList *list, BarqBlockList *written)
{
	BlockNumber next = InvalidBlockNumber;
	uint32		count = list->count;

	desc->extents_pages = (count + BARQ_EXTENTS_PER_PAGE - 1) / BARQ_EXTENTS_PER_PAGE;
	for (uint32 i = desc->extents_pages; i-- > 0;)
	{
		uint32		first = i * BARQ_EXTENTS_PER_PAGE;
		uint32		here = Min(count - first, BARQ_EXTENTS_PER_PAGE);

		next = write_page(index, barq_page_new(index, supply), BARQ_PART_EXTENTS, desc,
						  list->extents + first, here * sizeof(BarqExtent), next);
		barq_blocks_add(written, next);
	}
	desc->extents_head = next;
	if (list->extents != NULL)
		pfree(list->extents);
}

void
barq_blob_write(Relation index, BarqSegmentDesc *desc, const char *body, uint64 bytes,
				BarqBlockList *written)
{
	uint64		pages = (bytes + BARQ_BLOB_PAGE_BYTES - 1) / BARQ_BLOB_PAGE_BYTES;
	ExtentList	list = {0};

	if (bytes > BARQ_MAX_BODY || pages > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment of " UINT64_FORMAT " bytes is too large for index \"%s\"",
						bytes, RelationGetRelationName(index))));

	desc->body_bytes = bytes;
	desc->passing_bytes = ((const BarqBodyHeader *) body)->passing_bytes;
	Assert(desc->passing_bytes < bytes);
	desc->blob_pages = (uint32) pages;
	INIT_CRC32C(desc->crc);
	desc->crc = barq_checksum(desc->crc, body, bytes);
	FIN_CRC32C(desc->crc);

	for (uint64 off = 0; off < bytes; off += BARQ_BLOB_PAGE_BYTES)
	{
		BlockNumber block;

		barq_check_interrupts();
		barq_maintenance_bytes += BLCKSZ;
		barq_step("blob: next page");
		block = write_page(index, barq_page_new_in(index, NULL, barq_ring(BAS_BULKWRITE)), BARQ_PART_BLOB, desc,
						   body + off, Min(bytes - off, BARQ_BLOB_PAGE_BYTES),
						   InvalidBlockNumber);
		barq_blocks_add(written, block);
		add_block(&list, block);
	}
	write_extents(index, NULL, desc, &list, written);
}

/* Free a map that barq_extents_read returned. */
static void
free_extents(BarqExtentMap *map)
{
	pfree(map->extents);
	pfree(map->first_page);
	pfree(map);
}

uint32
barq_blob_move(Relation index, BarqPageSupply *supply, BarqSegmentDesc *desc,
			   BlockNumber target, uint32 most, BarqBlockList *old,
			   BarqBlockList *written)
{
	BarqSegmentDesc before = *desc;
	uint32		first_old = old->count;
	BarqExtentMap *map = barq_extents_read(index, &before, old);
	ExtentList	list = {0};
	char	   *bytes = palloc(BLCKSZ);
	bool		extents_high = false;
	uint32		moved = 0;

	Assert(barq_holds_maintenance(index));	/* S5 */
	if (map == NULL)
		barq_meta_broken(index);
	for (uint32 i = first_old; i < old->count; i++)
		extents_high |= old->blocks[i] >= target;

	desc->moves++;
	for (uint32 i = 0; i < map->count; i++)
		for (uint32 j = 0; j < map->extents[i].count; j++)
		{
			BlockNumber block = map->extents[i].start + j;
			Buffer		buffer = InvalidBuffer;

			if (block >= target && moved < most)
			{
				int			len;

				barq_check_interrupts();
				len = barq_blob_read_page(index, &before, map, map->first_page[i] + j,
										  barq_ring(BAS_BULKREAD), bytes);
				if (len < 0)
					barq_meta_broken(index);
				buffer = barq_page_take(index, supply);
				if (BufferIsValid(buffer))
				{
					barq_blocks_add(old, block);
					moved++;
					block = write_page(index, buffer, BARQ_PART_BLOB, desc, bytes, len,
									   InvalidBlockNumber);
					barq_blocks_add(written, block);
				}
			}
			add_block(&list, block);
		}

	if (moved > 0 || extents_high)
		write_extents(index, supply, desc, &list, written);
	else
	{
		*desc = before;
		old->count = first_old;
		if (list.extents != NULL)
			pfree(list.extents);
	}
	pfree(bytes);
	free_extents(map);
	return moved;
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
		Buffer		buffer = barq_segment_read_page(index, desc, block, BARQ_PART_EXTENTS,
													NULL);
		Page		page;
		uint32		here;

		if (!BufferIsValid(buffer))
			return NULL;
		page = BufferGetPage(buffer);
		here = barq_page_content_bytes(page) / sizeof(BarqExtent);
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

	Assert(map->count > 0);
	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;

		if (map->first_page[middle] <= page)
			low = middle;
		else
			high = middle;
	}
	Assert(page - map->first_page[low] < map->extents[low].count);
	return map->extents[low].start + (page - map->first_page[low]);
}

int
barq_blob_read_page(Relation index, const BarqSegmentDesc *desc,
					const BarqExtentMap *map, uint32 page_number,
					BufferAccessStrategy strategy, char *dest)
{
	BlockNumber block = barq_extents_block(map, page_number);
	Buffer		buffer = barq_segment_read_page(index, desc, block, BARQ_PART_BLOB, strategy);
	Page		page;
	int			len;

	if (!BufferIsValid(buffer))
		return -1;
	page = BufferGetPage(buffer);
	len = barq_page_content_bytes(page);
	memcpy(dest, PageGetContents(page), len);
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
	free_extents(map);
	return true;
}
