/*
 * shrink.c
 *	  Making the file of an index short: pages that lie high are written again
 *	  in free ones that lie low, then the free end of the file is cut off.
 *
 * Nothing but copies is written, and one publication makes them count, so
 * whatever is interrupted leaves pages that nothing reaches. See README.md,
 * "Shrinking".
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/storage.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "lifecycle/lifecycle.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "base/interrupts.h"
#include "base/steps.h"
#include "tcop/pquery.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

/* An end of fewer pages, or of a smaller part of the file, is left on it. */
#define MIN_END_PAGES	4
#define MIN_END_PART	16

/* Pages are not moved for less than this part of the file. */
#define MIN_GAIN_PART	32

/* How long, and how often, a worker looks whether it could cut. */
#define QUIET_MS		20
#define QUIET_TRIES		100

/* Pages of blobs that one publication moves. */
#define BATCH_PAGES		8192

/* Where the pages lie that something reaches. */
typedef struct Extent
{
	BlockNumber nblocks;
	BlockNumber used;
	BlockNumber end;			/* behind the last of them */
	uint8	   *reachable;
} Extent;

static void
measure(Relation index, Extent *extent)
{
	extent->nblocks = RelationGetNumberOfBlocks(index);
	extent->reachable = barq_reachable_blocks(index, extent->nblocks);
	extent->used = barq_bitmap_count(extent->reachable, extent->nblocks);
	extent->end = extent->nblocks;
	while (extent->end > 0 && !barq_bit_is_set(extent->reachable, extent->end - 1))
		extent->end--;
}

bool
barq_end_is_long(BlockNumber nblocks, BlockNumber end)
{
	return nblocks - end >= Max(MIN_END_PAGES, nblocks / MIN_END_PART);
}

/* What a walk of the log finds. */
typedef struct LogPages
{
	bool		has_records;	/* dead ones too */
	BarqBlockList *pages;
} LogPages;

static void
log_page(void *arg, BlockNumber block)
{
	barq_blocks_add(((LogPages *) arg)->pages, block);
}

static void
log_record(void *arg, const BarqRecord *record)
{
	((LogPages *) arg)->has_records = true;
}

/*
 * The log's only page, if it is empty and lies high: the log goes on in a low
 * one. A record that an insert adds meanwhile keeps the old one in the log.
 */
static void
move_tail(Relation index, BarqPageSupply *supply, BlockNumber target,
		  BarqChange *change, BarqBlockList *pages)
{
	LogPages	log = {false, pages};
	BarqGrowingVisitor visitor = {log_page, log_record, NULL, &log};
	BarqMeta	meta;
	BlockNumber stop;
	uint64		stop_generation;

	barq_meta_read(index, &meta);
	if (meta.growing_pages != 1 || meta.growing_head < target)
		return;
	if (!barq_growing_walk(index, &meta, InvalidBlockNumber, &visitor))
		barq_meta_broken(index);
	if (log.has_records)
		return;
	barq_step("move: log empty");
	if (!barq_growing_cut(index, supply, &stop, &stop_generation))
		return;
	barq_step("move: log cut");

	/* frozen now, so that what is empty stays so */
	pages->count = 0;
	barq_meta_read(index, &meta);
	if (!barq_growing_walk(index, &meta, stop, &visitor))
		barq_meta_broken(index);
	if (log.has_records)
		return;
	change->sealed = true;
	change->growing_head = stop;
	change->growing_head_generation = stop_generation;
	change->sealed_pages = pages;
}

/* A segment and its pages: extents, blob and tombstones, in that order. */
typedef struct Movable
{
	const BarqSegmentDesc *desc;
	BarqBlockList blocks;
} Movable;

/* How many of n blocks lie at `target` or beyond. */
static uint32
count_high(const BlockNumber *blocks, uint32 n, BlockNumber target)
{
	uint32		high = 0;

	for (uint32 i = 0; i < n; i++)
		high += blocks[i] >= target;
	return high;
}

static const BlockNumber *
tombstones_of(const Movable *segment)
{
	return segment->blocks.blocks + segment->desc->extents_pages +
		segment->desc->blob_pages;
}

/*
 * The block below which everything can come to lie. Chains are written anew
 * beside the old ones, so those that lie low leave holes.
 */
static BlockNumber
find_target(const Extent *extent, const Movable *segments, uint32 count,
			const BarqBlockList *directory)
{
	uint64		target = extent->used;

	for (;;)
	{
		uint64		holes = directory->count -
			count_high(directory->blocks, directory->count, target);

		for (uint32 i = 0; i < count; i++)
		{
			const BarqSegmentDesc *desc = segments[i].desc;
			const BlockNumber *blocks = segments[i].blocks.blocks;
			uint32		high = count_high(tombstones_of(&segments[i]),
										  desc->tombstone_pages, target);

			if (high > 0)
				holes += desc->tombstone_pages - high;
			if (count_high(blocks, desc->extents_pages + desc->blob_pages, target) > 0)
				holes += desc->blob_pages / BARQ_EXTENTS_PER_PAGE + 1 -
					Min(count_high(blocks, desc->extents_pages, target),
						desc->blob_pages / BARQ_EXTENTS_PER_PAGE + 1);
		}
		if (target >= extent->used + holes)
			return (BlockNumber) Min(target, extent->nblocks);
		target = extent->used + holes;
	}
}

/*
 * Write segments' pages that lie at `target` or beyond again in pages of the
 * supply. Returns how many pages of blobs; *moved, *nmoved receive the
 * segments that have changed, `old` what they need no longer.
 */
static uint32
move_segments(Relation index, const Movable *segments, uint32 count,
			  BarqPageSupply *supply, BlockNumber target,
			  BarqMovedSegment *moved, uint32 *nmoved, BarqBlockList *old)
{
	uint32		pages = 0;

	for (uint32 i = 0; i < count && pages < BATCH_PAGES; i++)
	{
		const BarqSegmentDesc *desc = segments[i].desc;
		const BlockNumber *tombstones = tombstones_of(&segments[i]);
		BarqMovedSegment *segment = &moved[*nmoved];

		barq_check_interrupts();
		segment->desc = *desc;
		pages += barq_blob_move(index, supply, &segment->desc, target,
								BATCH_PAGES - pages, old);
		segment->tombstones = count_high(tombstones, desc->tombstone_pages, target) > 0;
		if (segment->tombstones)
		{
			for (uint32 j = 0; j < desc->tombstone_pages; j++)
				barq_blocks_add(old, tombstones[j]);
			segment->desc.moves = desc->moves + 1;
		}
		if (segment->desc.moves != desc->moves)
			(*nmoved)++;
	}
	return pages;
}

/*
 * Free pages below `target`. The last block of the file is never among them:
 * an insert that has added it may not have locked it yet (barq_page_new), and
 * it looks free till then.
 */
static void
find_supply(const Extent *extent, BlockNumber target, BarqPageSupply *supply)
{
	Assert(target < extent->nblocks);
	for (BlockNumber block = 0; block < target; block++)
		if (!barq_bit_is_set(extent->reachable, block))
			barq_blocks_add(&supply->blocks, block);
}

/*
 * One batch. Returns whether anything was moved; *pages receives how many pages
 * of blobs.
 */
static bool
move_batch(Relation index, const Extent *extent, uint32 *pages)
{
	BarqChange	change = {0};
	BarqPageSupply supply = {0};
	BarqBlockList directory = {0};
	BarqBlockList old = {0};
	BarqBlockList log_pages = {0};
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, &directory);
	Movable    *segments = palloc0(sizeof(Movable) * Max(meta.segments, 1));
	BarqMovedSegment *moved = palloc0(sizeof(BarqMovedSegment) * Max(meta.segments, 1));
	BlockNumber target;
	uint32		directory_high;

	for (uint32 i = 0; i < meta.segments; i++)
	{
		segments[i].desc = &descs[i];
		if (!barq_segment_blocks(index, &descs[i], &segments[i].blocks))
			barq_meta_broken(index);
	}
	target = find_target(extent, segments, meta.segments, &directory);
	if (extent->end <= target + target / MIN_GAIN_PART)
		return false;

	find_supply(extent, target, &supply);
	*pages = move_segments(index, segments, meta.segments, &supply, target,
						   moved, &change.nmoved, &old);
	barq_step("move: segments written");
	move_tail(index, &supply, target, &change, &log_pages);
	directory_high = count_high(directory.blocks, directory.count, target);
	if (change.nmoved == 0 && !change.sealed && directory_high == 0)
		return false;

	change.moved = moved;
	change.moved_pages = &old;
	change.supply = &supply;
	barq_publish(index, &change);
	return true;
}

BarqShrink
barq_move_down(Relation index, double free_share)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq move",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqShrink	result = BARQ_SHRINK_NOTHING;
	Extent		extent;
	uint32		pages = 0;

	measure(index, &extent);
	/* what is free at the end needs no moving */
	if (extent.end - extent.used > free_share * extent.end)
	{
		/* the second time into the holes that chains have left */
		for (int pass = 0; pass < 2 && pages < BATCH_PAGES; pass++)
		{
			if (!move_batch(index, &extent, &pages))
				break;
			measure(index, &extent);
		}
	}
	if (pages >= BATCH_PAGES)
		result = BARQ_SHRINK_MORE;
	else if (barq_end_is_long(extent.nblocks, extent.end))
		result = BARQ_SHRINK_CUT;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

bool
barq_shrink(Relation index, double free_share)
{
	BarqShrink	result;

	while ((result = barq_move_down(index, free_share)) == BARQ_SHRINK_MORE)
		CHECK_FOR_INTERRUPTS();
	return result == BARQ_SHRINK_CUT;
}

static bool
try_lock_for_cut(Relation index)
{
	return barq_try_lock_relation(index, AccessExclusiveLock, "cut: try lock");
}

/* The table's vacuum_truncate says whether it may be locked for such a thing. */
static bool
table_allows_cut(Relation index)
{
	Relation	table = RelationIdGetRelation(index->rd_index->indrelid);
	bool		allows;

	if (!RelationIsValid(table))
		return false;
	allows = BarqMayTruncate((StdRdOptions *) table->rd_options);
	RelationClose(table);
	return allows;
}

/*
 * VACUUM does not tell access methods of its option TRUNCATE; but it is never
 * run by a function, so the session's portal is its own. A parallel worker has
 * none, and cannot know; autovacuum has no options but settings.
 */
bool
barq_vacuum_may_truncate(Relation index)
{
	ListCell   *cell;

	if (IsParallelWorker())
		return false;
	if (ActivePortal != NULL)
		foreach(cell, ActivePortal->stmts)
		{
			VacuumStmt *vacuum = (VacuumStmt *) lfirst_node(PlannedStmt, cell)->utilityStmt;
			ListCell   *option;

			if (vacuum == NULL || !IsA(vacuum, VacuumStmt))
				continue;
			foreach(option, vacuum->options)
			{
				DefElem    *def = lfirst(option);

				if (strcmp(def->defname, "truncate") == 0 && !defGetBoolean(def))
					return false;
			}
		}
	return table_allows_cut(index);
}

/*
 * Wait until nobody else has the index open: the VACUUM that has started this
 * worker, above all. Not for long, for DROP DATABASE waits for us, and without
 * a transaction id.
 */
static void
wait_for_quiet(Relation index)
{
	LOCKTAG		tag;
	int			n = 1;

	SET_LOCKTAG_RELATION(tag, index->rd_lockInfo.lockRelId.dbId,
						 index->rd_lockInfo.lockRelId.relId);
	for (int i = 0; i < QUIET_TRIES && n > 0; i++)
	{
		if (i > 0)
			barq_nap(QUIET_MS, PG_WAIT_EXTENSION);
		pfree(GetLockConflicts(&tag, AccessExclusiveLock, &n));
	}
}

/*
 * The lock keeps everybody out: no scan remembers a page, no insert has taken
 * one. It needs a transaction id, and a standby that has replayed it keeps it
 * to the end of the transaction. A worker does not try again: while it has an
 * id, VACUUM removes no row that has died since.
 */
BlockNumber
barq_cut_end(Relation index)
{
	MemoryContext context;
	MemoryContext old;
	Extent		extent;
	BlockNumber cut = 0;

	if (MyBackendType == B_BG_WORKER)
		wait_for_quiet(index);

	/* a reference besides the caller's: a cursor of this session, say */
	if (IsInParallelMode() || IsInTransactionBlock(true) || index->rd_refcnt > 1 ||
		!table_allows_cut(index) || !barq_lock_within(index, try_lock_for_cut,
													  MyBackendType == B_BG_WORKER ? 1 : BARQ_LOCK_TRIES))
		return 0;

	context = AllocSetContextCreate(CurrentMemoryContext, "barq cut",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	measure(index, &extent);
	if (barq_end_is_long(extent.nblocks, extent.end))
	{
		cut = extent.nblocks - extent.end;
		barq_truncate_relation(index, extent.end, "cut: truncate");
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	barq_unlock_relation(index, AccessExclusiveLock, "cut: unlock");
	return cut;
}
