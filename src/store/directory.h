/*
 * directory.h
 *	  The list of an index's sealed segments: a chain of pages with descriptors.
 */
#ifndef BARQ_DIRECTORY_H
#define BARQ_DIRECTORY_H

#include "store/meta.h"

#include "port/pg_crc32c.h"

/* Operation that made a segment, as stored. */
#define BARQ_ORIGIN_SEAL	1
#define BARQ_ORIGIN_BUILD	2
#define BARQ_ORIGIN_MERGE	3

typedef struct BarqSegmentDesc
{
	uint8		id[BARQ_ID_BYTES];	/* random; names the image */
	uint32		number;			/* serial number within the index, for display */
	uint16		kind;			/* BARQ_KIND_* */
	uint16		level;			/* 0: sealed from the log; else merged */
	uint32		rows;			/* rows of the body, dead and keyless ones included */
	uint32		dead_rows;		/* set bits of the tombstones, as VACUUM counted */
	uint64		body_bytes;
	pg_crc32c	crc;			/* of the body */
	uint32		blob_pages;
	uint64		generation;		/* of blob, extents and tombstone pages */
	BlockNumber extents_head;
	BlockNumber tombstones_head;
	uint32		tombstone_pages;
	uint32		extents_pages;
	TimestampTz created;
	uint64		statistics[8];	/* defined by the segment kind */
	uint32		origin;			/* BARQ_ORIGIN_* */
	uint32		moves;			/* how often pages were moved to other blocks (S12) */
	uint32		keyless;		/* rows without a key: the last ones */
	uint32		reserved32;
	uint64		passing_bytes;	/* of body_bytes: what merges leave out */
	uint64		reserved[3];
} BarqSegmentDesc;

StaticAssertDecl(sizeof(BarqSegmentDesc) == 192, "BarqSegmentDesc is on disk");

/* Rows with a key, which the segment kind sees. */
static inline uint32
barq_segment_keyed(const BarqSegmentDesc *desc)
{
	return desc->rows - desc->keyless;
}

/* Bytes by which the policy of merges measures a segment: those that merges take over. */
static inline uint64
barq_segment_lasting_bytes(const BarqSegmentDesc *desc)
{
	return desc->body_bytes - desc->passing_bytes;
}

/*
 * Whether a page belongs to the segment of this descriptor (S1). A page written
 * for a later descriptor has a higher number of moves and may hold another part
 * of the segment than the block held before (S12). The caller holds a lock on the
 * page's buffer. ERRCODE_INDEX_CORRUPTED if `page` is not a barq page.
 */
static inline bool
barq_segment_page_is(Relation index, const BarqSegmentDesc *desc,
					 BlockNumber block, Page page, BarqPart part)
{
	return barq_page_is(index, block, page, part, desc->generation) &&
		BarqPageGetSpecial(page)->moves <= desc->moves;
}

/*
 * Read a page of a segment. Returns its buffer, pinned and locked shared, which the
 * caller releases with UnlockReleaseBuffer(), or InvalidBuffer if the page was
 * re-used or cut off. strategy may be NULL. The caller holds no buffer lock (S15).
 * ERRCODE_INDEX_CORRUPTED for a page that is no barq page.
 */
extern Buffer barq_segment_read_page(Relation index, const BarqSegmentDesc *desc,
									 BlockNumber block, BarqPart part,
									 BufferAccessStrategy strategy);

#define BARQ_DESCS_PER_PAGE (BARQ_PAGE_BYTES / sizeof(BarqSegmentDesc))

/*
 * Read the current directory: an array of meta->segments descriptors, palloc'd
 * in the current memory context. *meta receives the copy of the metapage that
 * names it; `blocks`, if not NULL, is emptied and receives the directory's pages.
 * Reads again if the directory was replaced meanwhile. The caller holds no buffer
 * lock. ERRCODE_INDEX_CORRUPTED for damaged pages.
 */
extern BarqSegmentDesc *barq_directory_current(Relation index, BarqMeta *meta,
											   BarqBlockList *blocks);

/*
 * Write a chain of descriptors, in pages of `supply` (page.h) as far as it has
 * any; NULL: any free pages. Returns the head, InvalidBlockNumber if count is 0;
 * *generation receives the chain's generation, `blocks` its pages.
 * Nothing reaches the chain until the caller, which holds the maintenance lock,
 * passes head and generation to barq_directory_swap (S2).
 */
extern BlockNumber barq_directory_write(Relation index, BarqPageSupply *supply,
										const BarqSegmentDesc *descs, uint32 count,
										uint64 *generation, BarqBlockList *blocks);

/* A new directory, and the new head of the growing log. */
typedef struct BarqPublication
{
	BlockNumber directory_head;
	uint64		directory_generation;
	uint32		segments;
	uint32		next_segment;
	uint64		dead_epoch;		/* read before tombstones were copied (S7) */

	bool		sealed;			/* the growing head moves */
	BlockNumber growing_head;
	uint64		growing_head_generation;
	uint32		growing_pages_sealed;	/* pages before the new head */
	bool		compacted;
	const uint8 *merged;		/* id of the segment that a merge has made, or NULL */

	/* pages that nothing reaches; with the swap these become `replaced` */
	BarqBlockList *unreached;
	BarqBlockList replaced;
} BarqPublication;

/*
 * Make a directory the current one by a single record on the metapage (S2).
 * Returns false, changing nothing, if VACUUM has increased the dead epoch since
 * the publisher read it (S7): it has to copy tombstones and write the directory
 * again. The caller holds the maintenance lock.
 */
extern bool barq_directory_swap(Relation index, const BarqPublication *publication);

/*
 * Number of rows marked dead in a segment. It is valid for one number of moves:
 * marks set in the old tombstone pages during a move may be missing in the new
 * ones.
 */
typedef struct BarqDeadCount
{
	uint8		id[BARQ_ID_BYTES];
	uint32		moves;
	uint32		dead;
} BarqDeadCount;

static inline bool
barq_dead_count_is_of(const BarqDeadCount *count, const BarqSegmentDesc *desc)
{
	return count->moves == desc->moves &&
		memcmp(count->id, desc->id, BARQ_ID_BYTES) == 0;
}

/*
 * Write dead counts into the current directory, in place: one record for each
 * page. Counts of segments that it does not list are ignored. No lock is needed:
 * a directory published meanwhile shows in its version, which VACUUM compares.
 * The caller holds no buffer lock.
 */
extern void barq_directory_set_dead(Relation index, const BarqDeadCount *counts,
									uint32 n);

/*
 * Write the statistics of a segment into the current directory, in place, by one
 * record. Nothing happens if the directory does not list the segment; a directory that
 * is published meanwhile may lack them. The caller holds no buffer lock.
 */
extern void barq_directory_set_statistics(Relation index, const uint8 *id,
										  const uint64 *statistics);

#endif							/* BARQ_DIRECTORY_H */
