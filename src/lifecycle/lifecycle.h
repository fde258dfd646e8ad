/*
 * lifecycle.h
 *	  The life of an index's rows after they were written: sealing the growing
 *	  log, merging segments, publishing, VACUUM, shortening the file.
 *
 * Backends and workers call the same functions. An index kind (index_kind.h)
 * defines the meaning of the bytes. README.md states the invariants.
 *
 * The maintenance lock is ShareUpdateExclusiveLock on the index: it excludes
 * itself and DDL, but neither inserts, scans nor VACUUM. SQL functions open the
 * index with it.
 *
 * ERRCODE_INDEX_CORRUPTED is raised by all of these where pages are damaged.
 */
#ifndef BARQ_LIFECYCLE_H
#define BARQ_LIFECYCLE_H

#include "base/stats.h"
#include "lifecycle/choose.h"
#include "lifecycle/index_kind.h"
#include "store/growing.h"
#include "store/snapshot.h"
#include "store/writer.h"

/* ---- seal.c ---- */

/*
 * Seal the growing log as it is at the time of the call: in chunks of a few times
 * growing_limit bytes that fit maintenance_work_mem, each of which becomes a segment
 * (L12); barq_check_interrupts() is called between them. Returns the number of rows
 * sealed, 0 if the log had no live record. Publishes; in a process that merges, it is
 * called only at the named points of the merge (L6). The caller holds the maintenance
 * lock. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern uint64 barq_seal_log(Relation index);

/* ---- compact.c ---- */

/*
 * Run the merges that `choice` asks for (choose.h). Returns the number of rows in the
 * segments made. If a merge has no room for its work, it is put off: WARNING, or ERROR
 * for BARQ_CHOOSE_ALL (ERRCODE_INSUFFICIENT_RESOURCES). The caller holds the maintenance lock.
 * ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern uint64 barq_compact_segments(Relation index, BarqChoice choice);

/* ---- slow_log.c ---- */

/*
 * Write a line to the server's log if a step of maintenance that began at `start` took
 * at least barq.log_slow_maintenance. step: its name, first in the line; rows: that it
 * wrote, or marked; bytes: of the segment that it made, 0 if it made none.
 */
extern void barq_log_if_slow(Relation index, const char *step, instr_time start,
							 uint64 rows, uint64 bytes);

/* ---- page_step.c ---- */

/*
 * To be called by a process that has taken the maintenance lock and may work for long:
 * free the pages that a step left behind in a process that crashed or exited, if the
 * metapage says that there may be any. Leaves that note where inserts take pages for
 * long. The caller holds the maintenance lock and runs no step.
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern void barq_begin_maintenance(Relation index);

/* ---- publish.c ---- */

/* A finished body that is to become a segment. */
typedef struct BarqNewSegment
{
	const uint8 *id;			/* the name of its image, BARQ_ID_BYTES */
	uint32		origin;			/* BARQ_ORIGIN_* */
	const char *body;
	uint64		bytes;
	bool		has_image;		/* the body was written into its image file */
	bool		without_image;	/* write no image now */
	uint64		statistics[8];	/* by barq_measure_segment(), or all zero */
} BarqNewSegment;

/* Measuring a segment may take 1 / BARQ_MEASURE_PART of the time of making it. */
#define BARQ_MEASURE_PART	36

/*
 * Fill the statistics of a segment whose body is whole (BarqIndexKind.measure), if its
 * index kind has any, in a BARQ_MEASURE_PART of made_in_us. Called before
 * barq_publish_segment() by builds, and by merges, for which it reaches
 * BARQ_POINT_MEASURING of `points` (else NULL).
 */
extern void barq_measure_segment(Relation index, BarqNewSegment *segment, uint64 made_in_us,
								 BarqMergePoints *points);

/*
 * Write a body's pages and, where it has none yet, its image; then publish the
 * segment together with `change` (internal.h; NULL: nothing else changes). A
 * failure to write the image is no error: the next search makes the image. The
 * caller holds the maintenance lock or builds an index that no insert uses yet.
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
struct		BarqChange;
extern void barq_publish_segment(Relation index, const BarqNewSegment *segment,
								 struct BarqChange *change);

/* ---- mark.c ---- */

/*
 * Mark rows dead for which is_dead(tid, arg) is true, in the log and in all
 * segments, and repeat until one pass has seen a whole directory version (L5).
 * Fills *counts. Checks for interrupts. The caller holds no lock but that of VACUUM.
 * ERRCODE_INDEX_CORRUPTED if pages or bodies are damaged.
 */
extern void barq_mark_dead(Relation index, BarqIsDead is_dead, void *arg,
						   BarqMarkCounts *counts);

/* ---- reclaim.c ---- */

/*
 * Drop segments without a live row, remove image files that no segment owns, and do
 * as barq_free_lost(), reading pages by VACUUM's `strategy` and at its pace, without
 * the maintenance lock meanwhile. Does nothing where that lock is taken; releases it.
 * Returns the number of free pages; *too_long says whether the file should be
 * shortened. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern BlockNumber barq_reclaim(Relation index, BufferAccessStrategy strategy,
								bool *too_long);

/* ---- after_vacuum.c ---- */

/*
 * Called at the end of VACUUM, without the maintenance lock: start a worker if sealed
 * logs wait to be merged, if segments have many dead rows, or if the file is too long
 * (barq_reclaim) and this VACUUM's option TRUNCATE and the settings allow to shorten it.
 * Where no worker can be had and sealed logs wait, run the merges that are due here, of
 * inputs of growing_hard_limit bytes at most.
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern void barq_after_vacuum(Relation index, bool too_long);

/* ---- reachable.c ---- */

/* The pages of an index that something reaches. */
typedef struct BarqReachable
{
	BlockNumber nblocks;		/* of the file */
	BlockNumber used;			/* pages reached */
	BlockNumber end;			/* first block after the last page reached */
	uint8	   *bitmap;			/* nblocks bits, palloc'd */
	BarqMeta	meta;			/* as it was read first */
	BarqSegmentDesc *descs;		/* meta.segments, palloc'd */
	BlockNumber log_tail;		/* last page of the log that was reached, if any */
	uint64		log_tail_generation;
} BarqReachable;

/*
 * Fill *reachable; the bitmap is palloc'd in the current memory context. The caller
 * holds the maintenance lock, so that the directory does not change. Without
 * barq_try_lock_reclaim() an insert may own pages that are not linked yet and
 * look unreachable. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern void barq_find_reachable(Relation index, BarqReachable *reachable);

/*
 * The parts of barq_find_reachable(), under the same conditions. First everything but
 * tombstones and the log, which are as many pages as meta.growing_pages and the
 * descriptors say; then these; then `used` and `end` are computed. barq_reach_log()
 * called again adds the pages that inserts have linked since.
 */
extern void barq_reach_bodies(Relation index, BarqReachable *reachable);
extern void barq_reach_rest(Relation index, BarqReachable *reachable);
extern void barq_reach_count(BarqReachable *reachable);
extern void barq_reach_log(Relation index, BarqReachable *reachable);

/* ---- lost_pages.c: pages that nothing reaches and that are not stamped free ---- */

/*
 * Stamp lost pages free, and offer to the free space map the free pages that it
 * lacks. Reads the pages that nothing reaches and the map does not offer; all that
 * nothing reaches where the map is not known to be right (free_map.h). Inserts go on:
 * LockPage 0 is taken for some pages at a time, and where it is not free for long, the
 * rest is left for the next time: returns false. The caller holds the maintenance lock.
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern bool barq_free_lost(Relation index);

/*
 * Number of lost pages. Writes nothing. Skipped (0) where LockPage 0 is taken. The
 * caller holds the maintenance lock. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern BlockNumber barq_count_lost(Relation index);

/* ---- move_down.c, cut_end.c ---- */

/*
 * Pages are moved down where more than this share of the file is free: in an index
 * that is to rest, and in one that a worker serves.
 */
#define BARQ_FREE_SHARE_AT_REST		(1.0 / 11)
#define BARQ_FREE_SHARE_AT_WORK		(1.0 / 3)

/*
 * To so many times the pages in use they are moved, where further would not pay: by a
 * worker, whose index is to stay below 1.5 times a fresh one (the simulation of merges in
 * docs/performance.md says what that writes); after a merge of so many rows in an index that
 * is to rest, which is to write at most 1.5 times the new segment; all of them if
 * nothing was merged.
 */
#define BARQ_LENGTH_AT_WORK			1.45
#define BARQ_LENGTH_AT_REST(merged)	((merged) == 0 ? 1.0 : 1.55)

/*
 * Move pages down if more than `free_share` of the file is free. Returns whether
 * the free end of the file is long enough to be cut. `length`: the file may stay so many
 * times as long as its pages in use where moving all of them writes as much WAL as the file
 * becomes shorter (move_down.c); 1: all are moved. Publishes. Checks for interrupts. The caller
 * holds the maintenance lock. ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern bool barq_shrink(Relation index, double free_share, double length);

/*
 * Cut free pages off the end of the file and return their number. Does nothing in
 * a transaction block, where this session uses the index otherwise, where the
 * table's vacuum_truncate is off, or where AccessExclusiveLock is not free within
 * 100 ms; releases that lock. The caller may hold the maintenance lock. The
 * transaction gets an id, so it should end soon. ERRCODE_INDEX_CORRUPTED if pages are
 * damaged.
 */
extern BlockNumber barq_cut_end(Relation index);

/* ---- pressure.c ---- */

/*
 * Called by an insert that has added a page to the log and holds no lock;
 * growing_pages: pages of the log. Has a long log sealed, and slows the insert
 * down where sealing does not keep up (barq.backpressure): may wait, with interrupts
 * checked, or take the maintenance lock, seal and release it.
 * ERRCODE_CONFIGURATION_LIMIT_EXCEEDED at the limit if barq.backpressure is "error",
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
extern void barq_after_append(Relation index, uint32 growing_pages);

/* ---- image_worker.c ---- */

/*
 * Have a worker make and verify the images of an index. Returns true if one is at
 * work or was started; false where none can be (barq.background off, no slot free, a
 * new or temporary index) or where this backend's last one has ended within the last
 * 10 s. Takes a heavyweight lock for an instant. For barq_image_worker_hook.
 */
extern bool barq_images_ask_worker(Relation index);

#endif							/* BARQ_LIFECYCLE_H */
