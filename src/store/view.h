/*
 * view.h
 *	  Opening the view of a segment, through its image or its pages; the error
 *	  that a page reader raises, and how to catch it.
 */
#ifndef BARQ_VIEW_H
#define BARQ_VIEW_H

#include "store/blob.h"
#include "store/image.h"
#include "store/segment.h"

/*
 * A page reader raises this error when a page that it needs was re-used: the
 * segment is no longer part of the index, and the reader has to start again from
 * the metapage. Raised with no lock or pin held. Catch it with barq_try_reading().
 */
#define ERRCODE_BARQ_SEGMENT_GONE	MAKE_SQLSTATE('B', 'Q', '0', '0', '1')

/* Raise ERRCODE_BARQ_SEGMENT_GONE. */
pg_noreturn extern void barq_segment_gone(Relation index);

/*
 * Call read(arg), which reads segments from a snapshot, and return its result:
 * true if it has read all that it wanted, false if it found that the index
 * changed under it. Returns false also where it ended with
 * ERRCODE_BARQ_SEGMENT_GONE; all other errors go on to the caller. After false,
 * free the memory that read() allocated, call barq_meta_check_moved() and start
 * again with a new snapshot. The current memory context is the same afterwards.
 */
extern bool barq_try_reading(bool (*read) (void *arg), void *arg);

/*
 * Fill *view, a view of a mapped image, which has to stay mapped as long as the view
 * is used. If all of the image is verified, view->base is set; else the view verifies
 * each block before its first use, and reads pages from the first damaged block on,
 * with a cache of at most cache_kb kB. It then pins the mapping, and all pointers
 * that it returned stay valid, until the current memory context is reset. `index`
 * must stay open as long as the view is used. ERRCODE_INDEX_CORRUPTED if header or
 * footer of the body is damaged, ERRCODE_BARQ_SEGMENT_GONE if a page was re-used.
 */
extern void barq_view_init_image(BarqView *view, Relation index,
								 const BarqSegmentDesc *desc, BarqMapping *mapping,
								 int cache_kb);

/*
 * Fill *view, a view that reads pages, in buffers of a ring if that is not NULL (of
 * maintenance), with a cache of at most cache_kb kB, palloc'd in the current memory
 * context. `index` must stay open as long as the view is used.
 * ERRCODE_INDEX_CORRUPTED if header or footer of the body is damaged,
 * ERRCODE_BARQ_SEGMENT_GONE if a page was re-used.
 */
extern void barq_view_init_pages(BarqView *view, Relation index,
								 const BarqSegmentDesc *desc, int cache_kb,
								 BufferAccessStrategy ring);

/*
 * Fill *view, a view of a body in memory, which is no segment yet and must live as
 * long as the view is used. ERRCODE_INDEX_CORRUPTED if header or footer is damaged.
 */
extern void barq_view_init_memory(BarqView *view, const char *body, uint64 bytes);

/*
 * Number of rows of a segment. Rows with a key have the numbers 0 to
 * view->rows - 1; those without follow, class after class.
 */
extern uint32 barq_view_all_rows(const BarqView *view);

/*
 * The TID of a row, with or without a key. ERRCODE_INDEX_CORRUPTED for a damaged
 * body, ERRCODE_BARQ_SEGMENT_GONE if a page was re-used.
 */
extern ItemPointerData barq_view_tid(BarqView *view, uint32 row);

/*
 * Copy the TIDs of n rows from `first` on, with or without a key, to tids[].
 * ERRCODE_INDEX_CORRUPTED for a damaged body, ERRCODE_BARQ_SEGMENT_GONE if a page was
 * re-used.
 */
extern void barq_view_tids(BarqView *view, uint32 first, uint32 n,
						   ItemPointerData *tids);

#endif							/* BARQ_VIEW_H */
