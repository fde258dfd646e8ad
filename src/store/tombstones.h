/*
 * tombstones.h
 *	  One bit for each row of a sealed segment: set when VACUUM has removed its
 *	  heap row, never cleared (S3).
 */
#ifndef BARQ_TOMBSTONES_H
#define BARQ_TOMBSTONES_H

#include "base/bits.h"
#include "store/directory.h"

#define BARQ_TOMBSTONES_PER_PAGE	(BARQ_PAGE_BYTES * 8)

/*
 * Write a segment's tombstone pages from a bitmap of desc->rows bits (NULL: none
 * dead), in pages of `supply` (page.h; NULL: any free pages). Fills
 * tombstones_head, tombstone_pages and dead_rows of *desc. Nothing reaches the
 * pages yet: each is added to `written` at once, for the case of an error. The caller
 * holds the maintenance lock (S5).
 */
extern void barq_tombstones_write(Relation index, BarqPageSupply *supply,
								  BarqSegmentDesc *desc, const uint8 *bitmap,
								  BarqBlockList *written);

/*
 * The blocks of a segment's tombstones, in order: desc->tombstone_pages of them,
 * palloc'd in the current memory context. NULL if a page was re-used meanwhile.
 */
extern BlockNumber *barq_tombstones_blocks(Relation index, const BarqSegmentDesc *desc);

/*
 * A copy of the present bits, palloc'd in the current memory context. NULL if a
 * page was re-used meanwhile.
 */
extern uint8 *barq_tombstones_read(Relation index, const BarqSegmentDesc *desc);

/* The same; *lsn receives the highest LSN of the pages. */
extern uint8 *barq_tombstones_read_at(Relation index, const BarqSegmentDesc *desc,
									  XLogRecPtr *lsn);

/*
 * Set the bits of rows[0 ... n-1], ascending, by one record for each page. False
 * if a page was re-used meanwhile; bits set by then stay set. The caller holds no
 * buffer lock; the maintenance lock is not needed (S7).
 */
extern bool barq_tombstones_set(Relation index, const BarqSegmentDesc *desc,
								const uint32 *rows, uint32 n);

/* Number of bits set in a bitmap of `rows` bits. */
extern uint32 barq_bitmap_count(const uint8 *bitmap, uint32 rows);

#endif							/* BARQ_TOMBSTONES_H */
