/*
 * tombstones.h
 *	  A bit a row of a sealed segment: set once its heap row is gone.
 */
#ifndef BARQ_TOMBSTONES_H
#define BARQ_TOMBSTONES_H

#include "base/bits.h"
#include "store/directory.h"

#define BARQ_TOMBSTONES_PER_PAGE	(BARQ_PAGE_BYTES * 8)

/*
 * Write a segment's tombstone pages from a bitmap of desc->rows bits (NULL: none
 * dead), in pages of `supply` (page.h; NULL: wherever); fills tombstones_head and tombstone_pages. `dead_rows`
 * is set to the bits set. Nothing names the pages yet.
 */
extern void barq_tombstones_write(Relation index, BarqPageSupply *supply,
								  BarqSegmentDesc *desc, const uint8 *bitmap);

/* The blocks of a segment's tombstones, in order; NULL if re-used meanwhile. */
extern BlockNumber *barq_tombstones_blocks(Relation index, const BarqSegmentDesc *desc);

/* All bits, as now; NULL if the pages were re-used meanwhile. */
extern uint8 *barq_tombstones_read(Relation index, const BarqSegmentDesc *desc);

/*
 * Set the bits of rows[0 … n-1] (ascending), a record a page. False if the
 * pages were re-used meanwhile.
 */
extern bool barq_tombstones_set(Relation index, const BarqSegmentDesc *desc,
								const uint32 *rows, uint32 n);

/* bits set in a bitmap of this many rows */
extern uint32 barq_bitmap_count(const uint8 *bitmap, uint32 rows);

#endif							/* BARQ_TOMBSTONES_H */
