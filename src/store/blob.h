/*
 * blob.h
 *	  The bytes of a sealed segment, cut into pages: written once, read at any
 *	  offset, given back with the segment.
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

typedef struct BarqExtentMap
{
	BarqExtent *extents;
	uint32	   *first_page;		/* logical page at which extents[i] begins */
	uint32		count;
} BarqExtentMap;

/*
 * Write a body's pages and its extents; fills body_bytes, crc, blob_pages,
 * extents_head, extents_pages of desc, whose generation is set. Nothing names
 * the pages yet; the caller holds the maintenance lock.
 */
extern void barq_blob_write(Relation index, BarqSegmentDesc *desc,
							const char *body, uint64 bytes);

/*
 * Write those of a blob's pages again that lie at block `target` or beyond, in
 * pages of `supply`: at most `most`, and as many as it has. Returns how many;
 * where there were any, or the extents themselves lie there, desc receives new
 * extents and counts a move (else it stays as it is), and `old` the pages that
 * only the old one needs. The caller holds the maintenance lock and sees to it
 * that the new descriptor becomes the current one.
 */
extern uint32 barq_blob_move(Relation index, BarqPageSupply *supply,
							 BarqSegmentDesc *desc, BlockNumber target,
							 uint32 most, BarqBlockList *old);

/*
 * Where a segment's blob lies. NULL if its pages were re-used meanwhile.
 * `blocks`, if given, receives the pages of the extents themselves.
 */
extern BarqExtentMap *barq_extents_read(Relation index, const BarqSegmentDesc *desc,
										BarqBlockList *blocks);

extern BlockNumber barq_extents_block(const BarqExtentMap *map, uint32 page);

/*
 * Copy one page of a blob (up to BARQ_BLOB_PAGE_BYTES) to dest; returns the
 * bytes copied, or -1 if the page was re-used.
 */
extern int	barq_blob_read_page(Relation index, const BarqSegmentDesc *desc,
								const BarqExtentMap *map, uint32 page,
								BufferAccessStrategy strategy, char *dest);

/*
 * All pages of a segment (blob, extents, tombstones), for freeing or for
 * telling what is reachable. False if they were re-used meanwhile.
 */
extern bool barq_segment_blocks(Relation index, const BarqSegmentDesc *desc,
								BarqBlockList *blocks);

#endif							/* BARQ_BLOB_H */
