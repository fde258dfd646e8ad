/*
 * directory.h
 *	  The list of an index's sealed segments, as pages hold it.
 */
#ifndef BARQ_DIRECTORY_H
#define BARQ_DIRECTORY_H

#include "store/meta.h"

#include "port/pg_crc32c.h"

/* What made a segment, as stored. */
#define BARQ_ORIGIN_SEAL	1
#define BARQ_ORIGIN_BUILD	2
#define BARQ_ORIGIN_MERGE	3

typedef struct BarqSegmentDesc
{
	uint8		id[BARQ_ID_BYTES];	/* random; names the image */
	uint32		number;			/* counts up within the index, for people */
	uint16		kind;			/* BARQ_KIND_* */
	uint16		level;			/* 0: sealed from the log; else merged */
	uint32		rows;			/* rows of the body, dead and keyless ones included */
	uint32		dead_rows;		/* set bits of the tombstones, recounted by VACUUM */
	uint64		body_bytes;
	pg_crc32c	crc;			/* of the body */
	uint32		blob_pages;
	uint64		generation;		/* of its blob, extents and tombstone pages */
	BlockNumber extents_head;
	BlockNumber tombstones_head;
	uint32		tombstone_pages;
	uint32		extents_pages;
	TimestampTz created;
	uint64		statistics[8];	/* the kind's own */
	uint32		origin;			/* BARQ_ORIGIN_* */
	uint32		moves;			/* how often pages of it were written elsewhere */
	uint32		keyless;		/* rows without a key: the last of them */
	uint32		reserved32;
	uint64		reserved[4];
} BarqSegmentDesc;

StaticAssertDecl(sizeof(BarqSegmentDesc) == 192, "BarqSegmentDesc is on disk");

/* Rows that the kind has something to do with. */
static inline uint32
barq_segment_keyed(const BarqSegmentDesc *desc)
{
	return desc->rows - desc->keyless;
}

/*
 * Whether a page is one of a segment's, as this descriptor knows them. A page
 * that was written for a later one carries a higher number of moves: it may
 * hold another part of the same segment than was here before.
 */
static inline bool
barq_segment_page_is(Relation index, const BarqSegmentDesc *desc,
					 BlockNumber block, Page page, BarqPart part)
{
	return barq_page_is(index, block, page, part, desc->generation) &&
		BarqPageGetSpecial(page)->moves <= desc->moves;
}

#define BARQ_DESCS_PER_PAGE (BARQ_PAGE_BYTES / sizeof(BarqSegmentDesc))


/*
 * The same for a current metapage: reads both until they agree. meta receives
 * the copy that the descriptors belong to.
 */
extern BarqSegmentDesc *barq_directory_current(Relation index, BarqMeta *meta,
											   BarqBlockList *blocks);

/*
 * Write a chain of descriptors that nothing names yet, in pages of `supply`
 * (page.h; NULL: wherever). The caller holds the maintenance lock and passes
 * the head and generation to barq_directory_swap.
 */
extern BlockNumber barq_directory_write(Relation index, BarqPageSupply *supply,
										const BarqSegmentDesc *descs, uint32 count,
										uint64 *generation, BarqBlockList *blocks);

/* A new directory, and where the growing log then begins. */
typedef struct BarqPublication
{
	BlockNumber directory_head;
	uint64		directory_generation;
	uint32		segments;
	uint32		next_segment;
	uint64		dead_epoch;		/* noted before tombstones were copied */

	bool		sealed;			/* the growing head moves */
	BlockNumber growing_head;
	uint64		growing_head_generation;
	uint32		growing_pages_sealed;	/* pages before the new head */
	bool		compacted;
} BarqPublication;

/*
 * Make a directory the current one with a single record on the metapage.
 * Returns false, doing nothing, if VACUUM has marked rows since dead_epoch was
 * noted: tombstones must be copied and the directory written again.
 */
extern bool barq_directory_swap(Relation index, const BarqPublication *publication);

/*
 * How many rows of a segment are marked. A segment whose pages have been moved
 * since counts as another one: marks set in the old ones may be missing.
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

/* Set the dead counts of the current directory's segments. */
extern void barq_directory_set_dead(Relation index, const BarqDeadCount *counts,
									uint32 n);

#endif							/* BARQ_DIRECTORY_H */
