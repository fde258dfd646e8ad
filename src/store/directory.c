/*
 * directory.c
 *	  Reading, writing and swapping the list of segments.
 *
 * Calls page.c and meta.c. Only barq_directory_swap makes a directory current.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "store/directory.h"
#include "base/steps.h"
#include "utils/timestamp.h"

Buffer
barq_segment_read_page(Relation index, const BarqSegmentDesc *desc, BlockNumber block,
					   BarqPart part, BufferAccessStrategy strategy)
{
	Buffer		buffer;

	/* the segment may have been dropped and its blocks cut off meanwhile */
	if (block >= RelationGetNumberOfBlocks(index))
		return InvalidBuffer;
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	barq_lock_shared(buffer);
	if (barq_segment_page_is(index, desc, block, BufferGetPage(buffer), part))
		return buffer;
	UnlockReleaseBuffer(buffer);
	return InvalidBuffer;
}

/*
 * Read the directory that *meta names into a palloc'd array of meta->segments
 * descriptors; its pages are added to `blocks` if that is not NULL. NULL if a
 * page was re-used meanwhile: the caller reads the metapage again.
 */
static BarqSegmentDesc *
read_directory(Relation index, const BarqMeta *meta, BarqBlockList *blocks)
{
	BarqSegmentDesc *descs;
	BlockNumber block = meta->directory_head;
	BlockNumber nblocks = RelationGetNumberOfBlocks(index);
	uint32		count = 0;

	descs = palloc_extended(sizeof(BarqSegmentDesc) * Max((Size) meta->segments, 1),
							MCXT_ALLOC_HUGE);
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		Page		page;
		uint32		here;
		bool		ok = false;

		CHECK_FOR_INTERRUPTS();
		if (block < nblocks)
		{
			buffer = ReadBuffer(index, block);
			barq_lock_shared(buffer);
			page = BufferGetPage(buffer);
			ok = barq_page_is(index, block, page, BARQ_PART_DIRECTORY,
							  meta->directory_generation);
			if (ok)
			{
				here = barq_page_content_bytes(page) / sizeof(BarqSegmentDesc);
				ok = here <= meta->segments - count;
			}
			if (ok)
			{
				memcpy(descs + count, PageGetContents(page),
					   here * sizeof(BarqSegmentDesc));
				count += here;
				if (blocks != NULL)
					barq_blocks_add(blocks, block);
				block = BarqPageGetSpecial(page)->next;
			}
			UnlockReleaseBuffer(buffer);
		}
		if (!ok)
		{
			pfree(descs);
			return NULL;
		}
	}
	if (count != meta->segments)
	{
		pfree(descs);
		return NULL;
	}
	return descs;
}

BarqSegmentDesc *
barq_directory_current(Relation index, BarqMeta *meta, BarqBlockList *blocks)
{
	uint64		failed_version = 0;

	for (;;)
	{
		BarqSegmentDesc *descs;

		barq_meta_read(index, meta);
		if (blocks != NULL)
			blocks->count = 0;
		descs = read_directory(index, meta, blocks);
		if (descs != NULL)
			return descs;

		/* the same version twice: damage, not re-use */
		if (failed_version == meta->directory_version)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("index \"%s\" has a broken segment directory at block %u",
							RelationGetRelationName(index), meta->directory_head),
					 errhint("Please REINDEX it.")));
		failed_version = meta->directory_version;
	}
}

BlockNumber
barq_directory_write(Relation index, BarqPageSupply *supply,
					 const BarqSegmentDesc *descs, uint32 count,
					 uint64 *generation, BarqBlockList *blocks)
{
	BlockNumber next = InvalidBlockNumber;
	uint32		pages = (count + BARQ_DESCS_PER_PAGE - 1) / BARQ_DESCS_PER_PAGE;

	Assert(barq_holds_maintenance(index));	/* S5 */
	*generation = barq_new_generation();

	/* the last page first, so that the next page of each is known */
	for (uint32 i = pages; i-- > 0;)
	{
		uint32		first = i * BARQ_DESCS_PER_PAGE;
		uint32		here = Min(count - first, BARQ_DESCS_PER_PAGE);
		Buffer		buffer;
		GenericXLogState *state;
		Page		page;

		barq_blocks_reserve(blocks);
		buffer = barq_page_new(index, supply);
		state = GenericXLogStart(index);
		page = GenericXLogRegisterBuffer(state, buffer, GENERIC_XLOG_FULL_IMAGE);
		barq_page_init(page, BARQ_PART_DIRECTORY, *generation);
		barq_page_append(page, descs + first, here * sizeof(BarqSegmentDesc));
		barq_page_set_next(page, next, *generation);
		next = BufferGetBlockNumber(buffer);
		barq_finish_record_with(state, "directory: write page",
								barq_blocks_add(blocks, next));
		UnlockReleaseBuffer(buffer);
	}
	return next;
}

bool
barq_directory_swap(Relation index, const BarqPublication *publication)
{
	TimestampTz now = GetCurrentTimestamp();
	Buffer		buffer = barq_meta_lock(index);
	BarqMeta   *meta = BarqPageGetMeta(BufferGetPage(buffer));
	GenericXLogState *state;

	Assert(barq_holds_maintenance(index));
	Assert((publication->segments == 0) ==
		   (publication->directory_head == InvalidBlockNumber));
	Assert(publication->next_segment >= meta->next_segment);
	Assert(publication->dead_epoch <= meta->dead_epoch);	/* S7 */
	if (meta->dead_epoch != publication->dead_epoch)
	{
		UnlockReleaseBuffer(buffer);
		return false;
	}

	state = GenericXLogStart(index);
	meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, buffer, 0));
	barq_meta_touch(meta);
	meta->directory_head = publication->directory_head;
	meta->directory_generation = publication->directory_generation;
	meta->segments = publication->segments;
	meta->next_segment = publication->next_segment;
	meta->directory_version++;
	if (publication->sealed)
	{
		Assert(meta->growing_pages > publication->growing_pages_sealed);
		meta->growing_head = publication->growing_head;
		meta->growing_head_generation = publication->growing_head_generation;
		meta->growing_pages -= publication->growing_pages_sealed;
		meta->last_seal = now;
	}
	if (publication->compacted)
	{
		meta->last_compaction = now;
		meta->upkeep.failures = 0;
		meta->upkeep.retry = 0;
	}
	if (publication->merged != NULL &&
		memcmp(meta->upkeep.merge, publication->merged, BARQ_ID_BYTES) == 0)
		memset(meta->upkeep.merge, 0, BARQ_ID_BYTES);
	barq_finish_record_with(state, "directory: swap",
							*publication->unreached = publication->replaced);
	UnlockReleaseBuffer(buffer);
	return true;
}

/*
 * Call change(desc, arg) for each descriptor of the directory, in place, by one record
 * a page; a page of which it changed none gets no record. If the directory is replaced
 * meanwhile, changes of the old chain are lost; the restart makes them in the new one.
 */
static void
change_descriptors(Relation index, bool (*change) (BarqSegmentDesc *desc, void *arg),
				   void *arg)
{
	BarqMeta	meta;
	BlockNumber block;

restart:
	barq_meta_read(index, &meta);
	block = meta.directory_head;
	while (block != InvalidBlockNumber)
	{
		Buffer		buffer;
		Page		page;
		GenericXLogState *state;
		BarqSegmentDesc *descs;
		uint32		here;
		bool		changed = false;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBuffer(index, block);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (!barq_page_is(index, block, BufferGetPage(buffer), BARQ_PART_DIRECTORY,
						  meta.directory_generation))
		{
			UnlockReleaseBuffer(buffer);
			goto restart;
		}
		state = GenericXLogStart(index);
		page = GenericXLogRegisterBuffer(state, buffer, 0);
		descs = (BarqSegmentDesc *) PageGetContents(page);
		here = barq_page_content_bytes(page) / sizeof(BarqSegmentDesc);
		for (uint32 i = 0; i < here; i++)
			changed |= change(&descs[i], arg);
		block = BarqPageGetSpecial(page)->next;
		if (changed)
			barq_finish_record(state, "directory: descriptors");
		else
			GenericXLogAbort(state);
		UnlockReleaseBuffer(buffer);
	}
}

/* Counts to write. */
typedef struct DeadCounts
{
	const BarqDeadCount *counts;
	uint32		n;
} DeadCounts;

static bool
set_dead(BarqSegmentDesc *desc, void *arg)
{
	const DeadCounts *dead = arg;
	bool		changed = false;

	for (uint32 i = 0; i < dead->n; i++)
		if (barq_dead_count_is_of(&dead->counts[i], desc))
		{
			Assert(dead->counts[i].dead >= desc->dead_rows);	/* S3 */
			Assert(dead->counts[i].dead <= desc->rows);
			changed |= desc->dead_rows != dead->counts[i].dead;
			desc->dead_rows = dead->counts[i].dead;
		}
	return changed;
}

void
barq_directory_set_dead(Relation index, const BarqDeadCount *counts, uint32 n)
{
	DeadCounts	dead = {counts, n};

	if (n > 0)
		change_descriptors(index, set_dead, &dead);
}

/* Statistics to write, and the segment's id. */
typedef struct Statistics
{
	const uint8 *id;
	const uint64 *values;
} Statistics;

static bool
set_statistics(BarqSegmentDesc *desc, void *arg)
{
	const Statistics *statistics = arg;

	if (memcmp(desc->id, statistics->id, BARQ_ID_BYTES) != 0)
		return false;
	memcpy(desc->statistics, statistics->values, sizeof(desc->statistics));
	return true;
}

void
barq_directory_set_statistics(Relation index, const uint8 *id, const uint64 *statistics)
{
	Statistics	arg = {id, statistics};

	change_descriptors(index, set_statistics, &arg);
}
