/*
 * writer.h
 *	  Making the body of a segment, sequentially, in memory or in the file that
 *	  becomes its image.
 */
#ifndef BARQ_WRITER_H
#define BARQ_WRITER_H

#include "base/merge_points.h"
#include "store/image_file.h"
#include "store/segment.h"
#include "store/work.h"

/*
 * Begin a body in memory: palloc'd in the current memory context, with room for
 * `expected` bytes at first.
 */
extern BarqBodyWriter *barq_body_begin_memory(Size expected);

/*
 * Begin a body in a file of the image directory, where `expected` bytes are
 * allocated at once; `id` is the id of its segment. Returns a writer palloc'd in
 * the current memory context, or NULL with *reason, palloc'd, if the file cannot
 * be made. The file descriptor is closed when the transaction ends.
 */
extern BarqBodyWriter *barq_body_begin_file(Relation index, const uint8 *id,
											uint64 expected, char **reason);

/*
 * Begin a body of which a work area holds the kind's part, `bytes` bytes from
 * BARQ_IMAGE_BODY on. The file of a shared area becomes the image, under the id of its
 * segment; memory without a file is written to an image, or to memory where that cannot
 * be made; the part of a private area is copied to memory. Releases the area, or keeps
 * it until barq_body_finish(). ereport(ERROR) where the file cannot be opened; checks
 * for interrupts.
 */
extern BarqBodyWriter *barq_body_begin_work(Relation index, const uint8 *id,
											BarqWork *work, uint64 bytes);

/*
 * Reach BARQ_POINT_WRITING from now on, whenever a megabyte of the file is written;
 * NULL: no longer.
 */
extern void barq_body_set_points(BarqBodyWriter *writer, BarqMergePoints *points);

/*
 * Append TIDs of rows without a key. The first call ends the kind's part; classes
 * must come in ascending order. Errors of barq_body_write().
 */
extern void barq_body_keyless(BarqBodyWriter *writer, BarqKeyless keyless,
							  const ItemPointerData *tids, uint32 n);

/*
 * filters.c. Numbers of the body's rows with a key, and of all rows; the kind's part is
 * complete and rows without a key are written. Then their TIDs.
 */
extern void barq_body_rows(BarqBodyWriter *writer, uint32 *rows, uint32 *all_rows);
extern void barq_body_read_tids(BarqBodyWriter *writer, uint32 first, uint32 n,
								ItemPointerData *tids);

/*
 * filters.c. Begin the section of filter columns, behind all rows; its offset in the
 * body. Then append to it, or zeros up to a multiple of BARQ_BODY_ALIGN. It ends with
 * the body.
 */
extern uint64 barq_body_begin_filters(BarqBodyWriter *writer);
extern void barq_body_append(BarqBodyWriter *writer, const void *data, Size len);
extern void barq_body_append_align(BarqBodyWriter *writer);

/*
 * Write the footer and return the body, *bytes bytes: palloc'd, or mapped from
 * the file, which then has its final name. It is valid until barq_body_release()
 * or until the memory context that is current now is reset. Errors of files as
 * ereport(ERROR).
 */
extern const char *barq_body_finish(BarqBodyWriter *writer, uint64 *bytes);

/* Was the body written into its image file? */
extern bool barq_body_is_file(const BarqBodyWriter *writer);

/*
 * The body that barq_body_finish() has written into the image of the segment `id`, by
 * another process perhaps: returns its writer, and sets *body and *bytes. NULL if there
 * is no such image, or if it is damaged. Reads the whole body; checks for interrupts.
 */
extern BarqBodyWriter *barq_body_reopen(Relation index, const uint8 *id, const char **body,
										uint64 *bytes);

/* Free or unmap the body; called after barq_body_finish. */
extern void barq_body_release(BarqBodyWriter *writer);

#endif							/* BARQ_WRITER_H */
