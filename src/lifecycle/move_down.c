/*
 * move_down.c
 *	  Moving pages from the end of the file to free pages near its start, so that
 *	  the end can be cut off (README.md, "Shrinking" and L8).
 *
 * Only copies are written; they take effect only with one publication. An
 * interrupted move leaves pages that nothing reaches.
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * Move pages only if the file can shrink by more than 1 / MIN_GAIN_PART of the pages
 * that remain.
 */
#define MIN_GAIN_PART	32

/*
 * Moving pages costs as much WAL as writing them did. They are moved to the lowest
 * possible place only if they are few or each of them shortens the file by MIN_GAIN pages. Else
 * the file is shortened to as many times its reachable pages as the caller says, and the
 * free pages that remain are those to which the next merge writes.
 */
#define FEW_MOVES		64
#define MIN_GAIN		2

/* Blob pages that one publication moves. */
#define BATCH_PAGES		8192

/* Pages found by a walk over the log. */
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
 * If the log is one empty page at `target` or beyond, continue it in a page of
 * the supply: fills the fields of `change` about the log; `pages` receives the old
 * page. If an insert adds a record meanwhile, the old page stays in the log.
 */
static void
move_tail(Relation index, BarqPageSupply *supply, BlockNumber target,
		  BarqChange *change, BarqBlockList *pages)
{
	LogPages	log = {false, pages};
	BarqGrowingVisitor visitor = {log_page, log_record, NULL, &log, barq_ring(BAS_BULKREAD)};
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

	/* the page is frozen now: if it is empty, it stays empty */
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

/* A segment and its blocks: extents, blob and tombstones, in that order. */
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

/* The blocks of a segment's tombstones: desc->tombstone_pages of segment->blocks. */
static const BlockNumber *
tombstones_of(const Movable *segment)
{
	return segment->blocks.blocks + segment->desc->extents_pages +
		segment->desc->blob_pages;
}

/*
 * The target: the lowest block below which all reachable pages fit. A changed chain
 * is rewritten entirely to new pages, so the old chain's pages below the target
 * become holes, which count as used.
 */
static BlockNumber
find_target(const BarqReachable *reachable, const Movable *segments, uint32 count,
			const BarqBlockList *directory)
{
	uint64		target = reachable->used;

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
		if (target >= reachable->used + holes)
			return (BlockNumber) Min(target, reachable->nblocks);
		target = reachable->used + holes;
	}
}

/*
 * The block below which pages are to be moved: `lowest`, which find_target() returned,
 * or one above it, `length` times the reachable pages, if moving that far would cost too
 * much WAL. Reads *reachable only.
 */
static BlockNumber
raise_target(const BarqReachable *reachable, BlockNumber lowest, double length)
{
	uint64		moves = 0;

	for (BlockNumber block = lowest; block < reachable->end; block++)
		moves += barq_bit_is_set(reachable->bitmap, block);
	if (moves <= FEW_MOVES || moves * MIN_GAIN <= reachable->end - lowest)
		return lowest;
	return Max(lowest, (BlockNumber) (reachable->used * length));
}

/*
 * Copy the pages of segments at `target` or beyond to pages of the supply, at most
 * BATCH_PAGES of blobs. Returns the number of blob pages copied. moved[0 ...
 * *nmoved - 1] receive the segments with changed pages (tombstones are only noted:
 * the publication writes them), `old` receives the pages that these segments no
 * longer use, `written` the copies.
 */
static uint32
move_segments(Relation index, const Movable *segments, uint32 count,
			  BarqPageSupply *supply, BlockNumber target,
			  BarqMovedSegment *moved, uint32 *nmoved, BarqBlockList *old,
			  BarqBlockList *written)
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
								BATCH_PAGES - pages, old, written);
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
 * Free pages below `target`, ascending. The last block of the file is never among
 * them (store/README.md, S13). An insert may have added the block but not locked it
 * yet (barq_page_new); it then looks free.
 */
static void
find_supply(const BarqReachable *reachable, BlockNumber target, BarqPageSupply *supply)
{
	Assert(target < reachable->nblocks);	/* L8 */
	for (BlockNumber block = 0; block < target; block++)
		if (!barq_bit_is_set(reachable->bitmap, block))
			barq_blocks_add(&supply->blocks, block);
}

/* One batch of moves. */
typedef struct Batch
{
	const BarqReachable *reachable;
	double		length;			/* see barq_move_down() */
	uint32		pages;			/* of blobs that were moved */
	bool		moved;			/* anything was */
} Batch;

/* BarqPageStep: move one batch, a Batch, and publish it. */
static void
move_batch(Relation index, void *arg, BarqBlockList *unreached)
{
	Batch	   *batch = arg;
	const BarqReachable *reachable = batch->reachable;
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
	target = raise_target(reachable,
						  find_target(reachable, segments, meta.segments, &directory),
						  batch->length);
	if (reachable->end <= target + target / MIN_GAIN_PART)
		return;

	find_supply(reachable, target, &supply);
	batch->pages = move_segments(index, segments, meta.segments, &supply, target,
								 moved, &change.nmoved, &old, unreached);
	barq_step("move: segments written");
	move_tail(index, &supply, target, &change, &log_pages);
	directory_high = count_high(directory.blocks, directory.count, target);
	if (change.nmoved == 0 && !change.sealed && directory_high == 0)
		return;

	change.moved = moved;
	change.moved_pages = &old;
	change.supply = &supply;
	barq_publish_in_step(index, &change, unreached);
	batch->moved = true;
}

BarqShrink
barq_move_down(Relation index, double free_share, double length)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq move",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqShrink	result = BARQ_SHRINK_NOTHING;
	BarqReachable reachable;
	uint32		pages = 0;

	Assert(barq_may_maintain(index));	/* L1 */
	barq_find_reachable(index, &reachable);

	/* free pages at the end are ignored: cutting them off needs no move */
	if (reachable.end - reachable.used > free_share * reachable.end)
	{
		/* the second pass fills the holes that chains left in the first */
		for (int pass = 0; pass < 2 && pages < BATCH_PAGES; pass++)
		{
			Batch		batch = {&reachable, length, 0, false};

			barq_run_page_step(index, move_batch, NULL, &batch);
			pages = batch.pages;
			if (!batch.moved)
				break;
			barq_find_reachable(index, &reachable);
		}
	}
	if (pages >= BATCH_PAGES)
		result = BARQ_SHRINK_MORE;
	else if (barq_end_is_long(&reachable))
		result = BARQ_SHRINK_CUT;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return result;
}

bool
barq_shrink(Relation index, double free_share, double length)
{
	BarqShrink	result;

	while ((result = barq_move_down(index, free_share, length)) == BARQ_SHRINK_MORE)
		CHECK_FOR_INTERRUPTS();
	return result == BARQ_SHRINK_CUT;
}
