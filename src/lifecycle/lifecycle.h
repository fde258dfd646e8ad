/*
 * lifecycle.h
 *	  Sealing the growing log, compacting segments, publishing the result.
 *
 * Every step is a function that a backend calls today and a worker can call
 * as well: nothing here looks at who runs it. What the bytes mean is the index
 * kind's business (BarqIndexKind); what a crash at each step leaves is in
 * README.md.
 */
#ifndef BARQ_LIFECYCLE_H
#define BARQ_LIFECYCLE_H

#include "lifecycle/index_kind.h"
#include "store/growing.h"
#include "store/snapshot.h"
#include "store/writer.h"

/*
 * The maintenance lock: self-exclusive, held by whoever seals, compacts or
 * takes pages back. Never waited for (SQL functions open the index with it),
 * let go at once, not at the end of the transaction.
 */
extern bool barq_maintenance_try_lock(Relation index);
extern void barq_maintenance_unlock(Relation index);

/*
 * Try for a lock so often, 5 ms apart, for one that others hold for an instant
 * only. Returns whether it was had.
 */
#define BARQ_LOCK_TRIES		20
extern bool barq_lock_within(Relation index, bool (*try_lock) (Relation index),
							 int tries);

/* Wait so long, or until the latch is set; then look for interrupts. */
extern void barq_nap(long ms, uint32 wait_event);

/* The functions below are called with the maintenance lock held. */

/* Seal what the growing log holds; returns the rows sealed. */
extern uint64 barq_seal_log(Relation index);

/*
 * Merge segments where the policy (ratio, count, dead share) asks for it;
 * `all`: merge all into one. Returns the rows of the segments made.
 */
extern uint64 barq_compact_segments(Relation index, bool all);

/* The tier of a segment: 0 up to twice the size at which logs are sealed. */
extern int	barq_segment_tier(uint64 bytes);

/*
 * What is worth doing for an index that nobody inserts into: one segment of
 * several, or whatever the policy asks for.
 */
extern void barq_compact_idle(Relation index);

/* The next merge that the policy asks for; false if there is none to do. */
extern bool barq_compact_next(Relation index);

/*
 * A merge of this process has chosen its inputs and published nothing yet: the
 * log may be sealed meanwhile, wherever barq_check_interrupts() is called.
 */
extern bool barq_merging;

/*
 * Set the bits of a body's rows that have one of some TIDs, which are sorted
 * here. A kind may write rows in another order than it was given them.
 */
extern void barq_mark_tids(const char *body, uint64 bytes, ItemPointerData *dead,
						   uint32 ndead, uint8 *bitmap);

/*
 * Publish: replace `remove` by `add` in the directory, and move the growing
 * head if the log was sealed. collect_dead fills a bitmap of the new
 * segment's rows that died since it was built; it may be called several times
 * (NULL: none can have died). Segments that are `moved` stay, with other pages.
 */
typedef struct BarqMovedSegment
{
	BarqSegmentDesc desc;		/* with new extents, and one move more */
	bool		tombstones;		/* they are to be written anew, too */
} BarqMovedSegment;

typedef struct BarqChange
{
	BarqSegmentDesc *add;		/* NULL: nothing is added */
	const BarqSegmentDesc *remove;
	uint32		nremove;
	void		(*collect_dead) (Relation index, void *arg, uint8 *bitmap);
	void	   *arg;

	bool		sealed;
	BlockNumber growing_head;
	uint64		growing_head_generation;
	const BarqBlockList *sealed_pages;
	bool		compacted;

	const BarqMovedSegment *moved;
	uint32		nmoved;
	const BarqBlockList *moved_pages;	/* that nothing reaches then */
	BarqPageSupply *supply;		/* what is written goes here; or NULL */
} BarqChange;

extern void barq_publish(Relation index, BarqChange *change);

/* A finished body that is to become a segment. */
typedef struct BarqNewSegment
{
	const uint8 *id;			/* the name of its image */
	uint32		origin;			/* BARQ_ORIGIN_* */
	const char *body;
	uint64		bytes;
	bool		has_image;		/* the body was written into its image file */
} BarqNewSegment;

/*
 * Write a body's pages and, where it has none yet, its image; then publish
 * `change` with the segment as what it adds (change->add is overwritten). A
 * failure to write the image is no error: the next search makes the image.
 * The maintenance lock, or the exclusive lock of CREATE INDEX, is held.
 */
extern void barq_publish_segment(Relation index, const BarqNewSegment *segment,
								 BarqChange *change);

/*
 * The blocks that something reaches, as a bitmap of nblocks bits. The
 * maintenance lock keeps the directory still; without barq_try_lock_reclaim
 * an insert may have pages that are not linked yet.
 */
extern uint8 *barq_reachable_blocks(Relation index, BlockNumber nblocks);

/*
 * Drop segments without a live row, take back pages that nothing reaches (a
 * crash or an error left them), offer free ones to the map, and remove image
 * files that no segment owns. Does nothing if the locks are not to be had at
 * once. Returns the pages free, and whether the file is worth being made
 * shorter.
 */
extern BlockNumber barq_reclaim(Relation index, bool *too_long);

/*
 * Where more than this share of the file is free, pages are moved down: by
 * whoever compacts an index that is to rest; and by a worker. An index that
 * grows has up to half of its pages free between two merges and uses them
 * again.
 */
#define BARQ_FREE_SHARE_AT_REST		(1.0 / 11)
#define BARQ_FREE_SHARE_AT_WORK		0.6

typedef enum BarqShrink
{
	BARQ_SHRINK_NOTHING,
	BARQ_SHRINK_MORE,			/* a batch was moved: call again */
	BARQ_SHRINK_CUT				/* the end of the file is free: barq_cut_end() */
} BarqShrink;

/*
 * Move pages down if more than this share of the file is free; a batch at a
 * time, or (barq_shrink) all. barq_shrink returns whether to cut. The
 * maintenance lock is held.
 */
extern BarqShrink barq_move_down(Relation index, double free_share);
extern bool barq_shrink(Relation index, double free_share);

/*
 * Cut off free pages at the end of the file, if AccessExclusiveLock is to be
 * had soon and neither a transaction block, another use of the index by this
 * session nor the table's vacuum_truncate stands against it. Returns how many.
 * The maintenance lock may be held or not. The transaction gets an id, so it
 * should end soon.
 */
extern BlockNumber barq_cut_end(Relation index);

/*
 * Whether the VACUUM under way may have the file made shorter: not one with
 * TRUNCATE off, nor where its settings or the table's say so.
 */
extern bool barq_vacuum_may_truncate(Relation index);

/* Whether so much of the end is free that it is worth being cut off. */
extern bool barq_end_is_long(BlockNumber nblocks, BlockNumber end);

/*
 * Mark dead what the callback names, everywhere in the index, and keep at it
 * until a whole directory version has been seen (README.md). Needs no lock.
 */
extern void barq_mark_dead(Relation index, BarqIsDead is_dead, void *arg,
						   BarqMarkCounts *counts);

/* Whether a segment is worth being written again for its dead rows. */
extern bool barq_has_many_dead(Relation index);

/*
 * Called by VACUUM at its end: has a worker write again what consists of dead
 * rows to a large part, or make a file shorter that is too long (barq_reclaim)
 * if this VACUUM may have that done. VACUUM itself never does.
 */
extern void barq_after_vacuum(Relation index, bool too_long);

/*
 * Called by an insert that has added a page to the log, holding no lock: sees
 * to it that the log is sealed, and holds the insert back where that does not
 * keep up (barq.backpressure; ERRCODE_CONFIGURATION_LIMIT_EXCEEDED for
 * "error").
 */
extern void barq_after_append(Relation index, uint32 growing_pages);

#endif							/* BARQ_LIFECYCLE_H */
