/*
 * tombstones.c
 *	  Writing, reading and setting the tombstones of sealed segments. Calls page.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "base/steps.h"
#include "store/tombstones.h"

uint32
barq_bitmap_count(const uint8 *bitmap, uint32 rows)
{
	uint32		count = (uint32) pg_popcount((const char *) bitmap, rows / 8);

	for (uint32 row = rows & ~(uint32) 7; row < rows; row++)
		count += barq_bit_is_set(bitmap, row);
	return count;
}

void
barq_tombstones_write(Relation index, BarqPageSupply *supply,
					  BarqSegmentDesc *desc, const uint8 *bitmap, BarqBlockList *written)
{
	static const char zeros[BARQ_PAGE_BYTES];
	Size		bytes = barq_bits_bytes(desc->rows);
	BlockNumber next = InvalidBlockNumber;

	desc->tombstone_pages = (bytes + BARQ_PAGE_BYTES - 1) / BARQ_PAGE_BYTES;
	desc->dead_rows = bitmap ? barq_bitmap_count(bitmap, desc->rows) : 0;

	for (uint32 i = desc->tombstone_pages; i-- > 0;)
	{
		Size		off = (Size) i * BARQ_PAGE_BYTES;
		Buffer		buffer;
		GenericXLogState *state;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		barq_blocks_reserve(written);
		buffer = barq_page_new(index, supply);
		state = GenericXLogStart(index);
		page = GenericXLogRegisterBuffer(state, buffer, GENERIC_XLOG_FULL_IMAGE);
		barq_page_init(page, BARQ_PART_TOMBSTONES, desc->generation);
		BarqPageGetSpecial(page)->moves = desc->moves;
		barq_page_append(page, bitmap ? (const char *) bitmap + off : zeros,
						 Min(bytes - off, BARQ_PAGE_BYTES));
		barq_page_set_next(page, next, desc->generation);
		next = BufferGetBlockNumber(buffer);
		barq_finish_record_with(state, "tombstones: write page",
								barq_blocks_add(written, next));
		UnlockReleaseBuffer(buffer);
	}
	desc->tombstones_head = next;
}

/*
 * Walk the chain of tombstone pages: copy their bits to `bitmap` and their block
 * numbers to `blocks`, each of which may be NULL; *lsn receives the highest LSN of
 * the pages. False if a page was re-used.
 */
static bool
walk(Relation index, const BarqSegmentDesc *desc, uint8 *bitmap, BlockNumber *blocks,
	 XLogRecPtr *lsn)
{
	BlockNumber block = desc->tombstones_head;
	Size		bytes = barq_bits_bytes(desc->rows);

	*lsn = InvalidXLogRecPtr;
	for (uint32 i = 0; i < desc->tombstone_pages; i++)
	{
		Size		off = (Size) i * BARQ_PAGE_BYTES;
		Size		here = Min(bytes - off, BARQ_PAGE_BYTES);
		Buffer		buffer;
		Page		page;

		CHECK_FOR_INTERRUPTS();
		buffer = barq_segment_read_page(index, desc, block, BARQ_PART_TOMBSTONES, NULL);
		if (!BufferIsValid(buffer))
			return false;
		page = BufferGetPage(buffer);
		*lsn = Max(*lsn, BufferGetLSNAtomic(buffer));
		if (bitmap != NULL)
			memcpy(bitmap + off, PageGetContents(page), here);
		if (blocks != NULL)
			blocks[i] = block;
		block = BarqPageGetSpecial(page)->next;
		UnlockReleaseBuffer(buffer);
	}
	return true;
}

BlockNumber *
barq_tombstones_blocks(Relation index, const BarqSegmentDesc *desc)
{
	BlockNumber *blocks = palloc(sizeof(BlockNumber) * Max(desc->tombstone_pages, 1));
	XLogRecPtr	lsn;

	if (walk(index, desc, NULL, blocks, &lsn))
		return blocks;
	pfree(blocks);
	return NULL;
}

uint8 *
barq_tombstones_read_at(Relation index, const BarqSegmentDesc *desc, XLogRecPtr *lsn)
{
	uint8	   *bitmap = palloc_extended(Max(barq_bits_bytes(desc->rows), 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	if (walk(index, desc, bitmap, NULL, lsn))
		return bitmap;
	pfree(bitmap);
	return NULL;
}

uint8 *
barq_tombstones_read(Relation index, const BarqSegmentDesc *desc)
{
	XLogRecPtr	lsn;

	return barq_tombstones_read_at(index, desc, &lsn);
}

bool
barq_tombstones_set(Relation index, const BarqSegmentDesc *desc,
					const uint32 *rows, uint32 n)
{
	BlockNumber *blocks = barq_tombstones_blocks(index, desc);
	uint32		i = 0;

	if (blocks == NULL)
		return false;
	while (i < n)
	{
		uint32		page_number = rows[i] / BARQ_TOMBSTONES_PER_PAGE;
		uint32		base = page_number * BARQ_TOMBSTONES_PER_PAGE;
		Buffer		buffer;
		GenericXLogState *state;
		uint8	   *bits;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBuffer(index, blocks[page_number]);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (!barq_segment_page_is(index, desc, blocks[page_number],
								  BufferGetPage(buffer), BARQ_PART_TOMBSTONES))
		{
			UnlockReleaseBuffer(buffer);
			pfree(blocks);
			return false;
		}
		state = GenericXLogStart(index);
		bits = (uint8 *) PageGetContents(GenericXLogRegisterBuffer(state, buffer, 0));
		for (; i < n && rows[i] - base < BARQ_TOMBSTONES_PER_PAGE; i++)
		{
			Assert(rows[i] < desc->rows && (i == 0 || rows[i] > rows[i - 1]));
			barq_bit_set(bits, rows[i] - base);
		}
		barq_finish_record(state, "tombstones: mark");
		UnlockReleaseBuffer(buffer);
	}
	pfree(blocks);
	return true;
}
