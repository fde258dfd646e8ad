/*
 * page.c
 *	  Taking, checking and freeing the pages of a barq index.
 *
 * Calls the buffer manager, GenericXLog, the free space map and the lock
 * manager only. README.md states the invariants.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/freespace.h"
#include "storage/indexfsm.h"
#include "storage/ipc.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "base/array.h"
#include "base/interrupts.h"
#include "base/stats.h"
#include "base/steps.h"
#include "store/page.h"
#include "utils/memutils.h"

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

	Assert(part >= BARQ_PART_FREE && part <= BARQ_PART_TOMBSTONES);
	Assert(generation != 0);	/* S1 */
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

	/* a page that was never written: a crash left it behind */
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

BufferAccessStrategy
barq_ring(BufferAccessStrategyType type)
{
	static BufferAccessStrategy rings[BAS_VACUUM + 1];

	if (rings[type] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		rings[type] = GetAccessStrategy(type);
		MemoryContextSwitchTo(old);
	}
	return rings[type];
}

/*
 * The buffer of a block, pinned and exclusively locked, if its page is free,
 * else InvalidBuffer. Does not wait for the buffer lock: a page that another
 * process has locked is in use (S6).
 */
static Buffer
take_if_free(Relation index, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

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

#ifdef USE_ASSERT_CHECKING
bool
barq_holds_maintenance(Relation index)
{
	return CheckRelationLockedByMe(index, ShareUpdateExclusiveLock, true) ||
		!index->rd_index->indisready;
}

/* For asserts: whether this process holds LockPage 0 of the index in this mode. */
static bool
holds_page_lock(Relation index, LOCKMODE mode)
{
	LOCKTAG		tag;

	SET_LOCKTAG_PAGE(tag, index->rd_lockInfo.lockRelId.dbId,
					 index->rd_lockInfo.lockRelId.relId, 0);
	return BarqHoldsLock(&tag, mode);
}
#endif

/*
 * Whether this process holds no buffer lock: an LWLock of any kind holds off
 * interrupts, as does the exit of a process. For asserts.
 */
#define HOLDS_NO_BUFFER_LOCK()	(InterruptHoldoffCount == 0 || proc_exit_inprogress)

Buffer
barq_page_take(Relation index, BarqPageSupply *supply)
{
	Assert(barq_holds_maintenance(index) || holds_page_lock(index, ShareLock)); /* S5 */
	Assert(HOLDS_NO_BUFFER_LOCK()); /* S15 */
	while (supply->taken < supply->blocks.count)
	{
		BlockNumber block = supply->blocks.blocks[supply->taken++];
		Buffer		buffer;

		CHECK_FOR_INTERRUPTS();
		Assert(supply->taken < 2 || supply->blocks.blocks[supply->taken - 2] < block);
		Assert(block + 1 < RelationGetNumberOfBlocks(index));	/* S13 */

		/* so that the map does not offer it to other processes */
		RecordUsedIndexPage(index, block);
		buffer = take_if_free(index, block, barq_ring(BAS_BULKWRITE));
		if (BufferIsValid(buffer))
			return buffer;
	}
	return InvalidBuffer;
}

Buffer
barq_page_new(Relation index, BarqPageSupply *supply)
{
	return barq_page_new_in(index, supply, NULL);
}

Buffer
barq_page_new_in(Relation index, BarqPageSupply *supply, BufferAccessStrategy strategy)
{
	Buffer		buffer;
	bool		extension_lock = !RELATION_IS_LOCAL(index);

	Assert(barq_holds_maintenance(index) || holds_page_lock(index, ShareLock)); /* S5 */
	Assert(HOLDS_NO_BUFFER_LOCK()); /* S15 */
	if (supply != NULL)
	{
		buffer = barq_page_take(index, supply);
		if (BufferIsValid(buffer))
			return buffer;
	}

	/*
	 * The free space map is not logged: after a crash, or on a promoted standby,
	 * it may offer pages in use. The stamp decides (S6).
	 */
	for (;;)
	{
		BlockNumber block = GetFreeIndexPage(index);

		if (block == InvalidBlockNumber)
			break;
		if (block >= RelationGetNumberOfBlocks(index))
			continue;
		buffer = take_if_free(index, block, strategy);
		if (BufferIsValid(buffer))
			return buffer;
		CHECK_FOR_INTERRUPTS();
	}

	if (extension_lock)
		barq_lock_extension(index, "page: lock extension");
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, P_NEW, RBM_NORMAL, strategy);
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

	Assert(HOLDS_NO_BUFFER_LOCK()); /* S15 */
	INSTR_TIME_SET_CURRENT(start);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	barq_note_lock_wait(INSTR_TIME_GET_MICROSEC(end));
}

BarqStamp
barq_page_stamp(Relation index, BlockNumber block, BufferAccessStrategy strategy)
{
	Buffer		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page		page = BufferGetPage(buffer);
	BarqStamp	stamp = BARQ_STAMP_USED;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (PageIsNew(page))
		stamp = BARQ_STAMP_NONE;
	else if (barq_page_is(index, block, page, BARQ_PART_FREE,
						  BarqPageGetSpecial(page)->generation))
		stamp = BARQ_STAMP_FREE;
	UnlockReleaseBuffer(buffer);
	return stamp;
}

void
barq_blocks_reserve(BarqBlockList *list)
{
	BARQ_ARRAY_RESERVE(list->blocks, list->space, list->count + 1, 256);
}

void
barq_blocks_add(BarqBlockList *list, BlockNumber block)
{
	barq_blocks_reserve(list);
	list->blocks[list->count++] = block;
}

/*
 * Each page is stamped before it is added to the map, so a crash in between
 * leaves unreachable pages, which VACUUM finds. A page leaves the list as soon as it
 * is stamped: an insert may take it then.
 */
void
barq_pages_free(Relation index, BarqBlockList *list)
{
	BlockNumber first = InvalidBlockNumber;
	BlockNumber end = 0;

	Assert(barq_holds_maintenance(index));	/* S5 */
	while (list->count > 0)
	{
		BlockNumber block = list->blocks[list->count - 1];
		Buffer		buffer;
		GenericXLogState *state;
		Page		page;

		barq_check_interrupts();
		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL,
									barq_ring(BAS_BULKWRITE));
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		state = GenericXLogStart(index);
		page = GenericXLogRegisterBuffer(state, buffer, GENERIC_XLOG_FULL_IMAGE);
		barq_page_init(page, BARQ_PART_FREE, barq_new_generation());
		barq_finish_record_with(state, "page: stamp free", list->count--);
		UnlockReleaseBuffer(buffer);
		barq_step("page: offer to the map");
		RecordFreeIndexPage(index, block);
		first = Min(first, block);
		end = Max(end, block + 1);
	}
	if (end > 0)
		FreeSpaceMapVacuumRange(index, first, end);
}

void
barq_lock_linking(Relation index)
{
	Assert(HOLDS_NO_BUFFER_LOCK()); /* S14 */
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
	Assert(barq_holds_maintenance(index));	/* S5, S14 */
	return barq_try_lock_page(index, ExclusiveLock, "reclaim: lock");
}

void
barq_unlock_reclaim(Relation index)
{
	barq_unlock_page(index, ExclusiveLock, "reclaim: unlock");
}
