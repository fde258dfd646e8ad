/*
 * page.c
 *	  Taking, validating and giving back the pages of a barq index.
 *
 * Calls only the buffer manager, GenericXLog, the free space map and the lock
 * manager. See README.md for the invariants.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/indexfsm.h"
#include "storage/lmgr.h"
#include "base/interrupts.h"
#include "base/stats.h"
#include "base/steps.h"
#include "store/page.h"

/* A generation no page carries by chance; never 0, which means "none". */
uint64
barq_new_generation(void)
{
	uint64		generation;

	do
		generation = pg_prng_uint64(&pg_global_prng_state);
	while (generation == 0);
	return generation;
}

void
barq_page_init(Page page, BarqPart part, uint64 generation)
{
	BarqPageSpecial *special;

	PageInit(page, BLCKSZ, sizeof(BarqPageSpecial));
	special = BarqPageGetSpecial(page);
	special->generation = generation;
	special->next_generation = 0;
	special->next = InvalidBlockNumber;
	special->part = part;
	special->flags = 0;
	special->moves = 0;
	special->reserved = 0;
	special->magic = BARQ_PAGE_MAGIC;
}

void *
barq_page_append(Page page, const void *data, Size len)
{
	PageHeader	header = (PageHeader) page;
	char	   *dest = (char *) page + header->pd_lower;

	Assert(BarqPageFree(page) >= len);
	memcpy(dest, data, len);
	header->pd_lower += len;
	return dest;
}

bool
barq_page_is(Relation index, BlockNumber block, Page page,
			 BarqPart part, uint64 generation)
{
	PageHeader	header = (PageHeader) page;
	BarqPageSpecial *special;

	/* A page never written is one that a crash left behind: not ours. */
	if (PageIsNew(page))
		return false;

	if (header->pd_special != BLCKSZ - MAXALIGN(sizeof(BarqPageSpecial)) ||
		header->pd_lower < MAXALIGN(SizeOfPageHeaderData) ||
		header->pd_lower > header->pd_upper ||
		header->pd_upper > header->pd_special ||
		BarqPageGetSpecial(page)->magic != BARQ_PAGE_MAGIC)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" contains a corrupted page at block %u",
						RelationGetRelationName(index), block),
				 errhint("Please REINDEX it.")));

	special = BarqPageGetSpecial(page);
	return special->part == part && special->generation == generation;
}

/*
 * The page exclusively locked, if it is free, else InvalidBuffer. Nobody waits
 * for a lock here, for a page that someone has locked is in use anyway.
 */
static Buffer
take_if_free(Relation index, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(index, block);

	if (ConditionalLockBuffer(buffer))
	{
		Page		page = BufferGetPage(buffer);

		if (PageIsNew(page) ||
			(PageGetSpecialSize(page) == MAXALIGN(sizeof(BarqPageSpecial)) &&
			 BarqPageGetSpecial(page)->magic == BARQ_PAGE_MAGIC &&
			 BarqPageGetSpecial(page)->part == BARQ_PART_FREE))
			return buffer;
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	ReleaseBuffer(buffer);
	return InvalidBuffer;
}

Buffer
barq_page_take(Relation index, BarqPageSupply *supply)
{
	while (supply->taken < supply->blocks.count)
	{
		BlockNumber block = supply->blocks.blocks[supply->taken++];
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();

		/* the map need not offer it to others, one after the other */
		RecordUsedIndexPage(index, block);
		buffer = take_if_free(index, block);
		if (BufferIsValid(buffer))
			return buffer;
	}
	return InvalidBuffer;
}

Buffer
barq_page_new(Relation index, BarqPageSupply *supply)
{
	Buffer		buffer;
	bool		extension_lock = !RELATION_IS_LOCAL(index);

	if (supply != NULL && BufferIsValid(buffer = barq_page_take(index, supply)))
		return buffer;

	/*
	 * The free space map is not logged and may offer pages in use after a
	 * crash or on a promoted standby: the stamp decides.
	 */
	for (;;)
	{
		BlockNumber block = GetFreeIndexPage(index);

		if (block == InvalidBlockNumber)
			break;
		if (block >= RelationGetNumberOfBlocks(index))
			continue;
		buffer = take_if_free(index, block);
		if (BufferIsValid(buffer))
			return buffer;
		CHECK_FOR_INTERRUPTS();
	}

	if (extension_lock)
		barq_lock_extension(index, "page: lock extension");
	buffer = ReadBuffer(index, P_NEW);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (extension_lock)
		barq_unlock_extension(index, "page: unlock extension");
	return buffer;
}

void
barq_lock_shared(Buffer buffer)
{
	instr_time	start;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(start);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	barq_note_lock_wait(INSTR_TIME_GET_MICROSEC(end));
}

bool
barq_page_is_free(Relation index, BlockNumber block)
{
	Buffer		buffer = ReadBuffer(index, block);
	Page		page = BufferGetPage(buffer);
	bool		is_free;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	is_free = PageIsNew(page) ||
		barq_page_is(index, block, page, BARQ_PART_FREE,
					 BarqPageGetSpecial(page)->generation);
	UnlockReleaseBuffer(buffer);
	return is_free;
}

void
barq_blocks_add(BarqBlockList *list, BlockNumber block)
{
	if (list->blocks == NULL)
	{
		list->space = 256;
		list->blocks = palloc(sizeof(BlockNumber) * list->space);
	}
	else if (list->count == list->space)
	{
		list->space *= 2;
		list->blocks = repalloc_huge(list->blocks,
									 sizeof(BlockNumber) * (Size) list->space);
	}
	list->blocks[list->count++] = block;
}

/*
 * Each page is stamped under its own record and before the map hears of it,
 * so a crash in between leaves pages that nothing reaches, which VACUUM finds.
 */
void
barq_pages_free(Relation index, const BarqBlockList *list)
{
	for (uint32 i = 0; i < list->count; i++)
	{
		Buffer		buffer;
		GenericXLogState *state;
		Page		page;

		barq_check_interrupts();
		buffer = ReadBuffer(index, list->blocks[i]);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		state = GenericXLogStart(index);
		page = GenericXLogRegisterBuffer(state, buffer, GENERIC_XLOG_FULL_IMAGE);
		barq_page_init(page, BARQ_PART_FREE, barq_new_generation());
		barq_finish_record(state, "page: stamp free");
		UnlockReleaseBuffer(buffer);
		barq_step("page: offer to the map");
		RecordFreeIndexPage(index, list->blocks[i]);
	}
	if (list->count > 0)
		IndexFreeSpaceMapVacuum(index);
}

void
barq_lock_linking(Relation index)
{
	barq_lock_page(index, ShareLock, "linking: lock");
}

void
barq_unlock_linking(Relation index)
{
	barq_unlock_page(index, ShareLock, "linking: unlock");
}

bool
barq_try_lock_reclaim(Relation index)
{
	return barq_try_lock_page(index, ExclusiveLock, "reclaim: lock");
}

void
barq_unlock_reclaim(Relation index)
{
	barq_unlock_page(index, ExclusiveLock, "reclaim: unlock");
}
