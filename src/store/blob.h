/*
 * blob.h
 *	  The body of a sealed segment in pages: written once, read at any offset,
 *	  freed with the segment.
 */
#ifndef BARQ_BLOB_H
#define BARQ_BLOB_H

#include "store/directory.h"

/* bytes of a body that one page holds */
#define BARQ_BLOB_PAGE_BYTES	BARQ_PAGE_BYTES

/* A run of consecutive blocks of a blob, as stored. */
typedef struct BarqExtent
{
	BlockNumber start;
	uint32		count;
} BarqExtent;

StaticAssertDecl(sizeof(BarqExtent) == 8, "BarqExtent is on disk");

#define BARQ_EXTENTS_PER_PAGE (BARQ_PAGE_BYTES / sizeof(BarqExtent))

/* Blocks of a blob, in its order. */
typedef struct BarqExtentMap
{
	BarqExtent *extents;
	uint32	   *first_page;		/* page of the blob at which extents[i] begins */
	uint32		count;			/* of extents */
} BarqExtentMap;

/*
 * Write a body of `bytes` bytes and its extents in new pages. desc->generation is
 * set; fills body_bytes, passing_bytes, crc, blob_pages, extents_head and
 * extents_pages. Nothing reaches the pages yet: each is added to `written` at once,
 * for the case of an error. The caller holds the maintenance lock (S5).
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED if the body needs too many pages.
 */
extern void barq_blob_write(Relation index, BarqSegmentDesc *desc,
							const char *body, uint64 bytes, BarqBlockList *written);

/*
 * Copy pages of a blob that lie at block `target` or beyond to pages of `supply`:
 * at most `most` pages, and no more than the supply has. Returns their number.
 * If there was any, or if pages of the extents lie there, *desc receives new
 * extents and one more move (S12), and `old` the pages that only the old
 * descriptor reaches; otherwise both are unchanged. Pages are added to `written` as
 * they are written. The caller holds the maintenance lock and publishes the new
 * descriptor.
 * ERRCODE_INDEX_CORRUPTED if pages of the segment were re-used.
 */
extern uint32 barq_blob_move(Relation index, BarqPageSupply *supply,
							 BarqSegmentDesc *desc, BlockNumber target,
							 uint32 most, BarqBlockList *old,
							 BarqBlockList *written);

/*
 * Read the extents of a segment: palloc'd in the current memory context, as are
 * the arrays of the map. `blocks`, if not NULL, receives the pages of the extents
 * themselves. NULL if a page was re-used meanwhile. ERRCODE_INDEX_CORRUPTED.
 */
extern BarqExtentMap *barq_extents_read(Relation index, const BarqSegmentDesc *desc,
										BarqBlockList *blocks);

/* The block of a page of the blob, counted from 0. */
extern BlockNumber barq_extents_block(const BarqExtentMap *map, uint32 page);

/*
 * Copy one page of a blob, up to BARQ_BLOB_PAGE_BYTES bytes, to dest. Returns the
 * number of bytes, or -1 if the page was re-used. strategy may be NULL. The
 * caller holds no buffer lock.
 */
extern int	barq_blob_read_page(Relation index, const BarqSegmentDesc *desc,
								const BarqExtentMap *map, uint32 page,
								BufferAccessStrategy strategy, char *dest);

/*
 * Add all pages of a segment to `blocks`: extents, blob and tombstones, in this
 * order. False if a page was re-used meanwhile; `blocks` may have received some
 * of the pages by then.
 */
extern bool barq_segment_blocks(Relation index, const BarqSegmentDesc *desc,
								BarqBlockList *blocks);

#endif							/* BARQ_BLOB_H */
