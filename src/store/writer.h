/*
 * writer.h
 *	  Making a segment's body: sequential bytes into memory, or straight into
 *	  the file that becomes its image.
 */
#ifndef BARQ_WRITER_H
#define BARQ_WRITER_H

#include "store/image_file.h"
#include "store/segment.h"

/* A body in memory (flat seals; merges whose image cannot be had). */
extern BarqBodyWriter *barq_body_begin_memory(Size expected);

/*
 * A body in a file of the image directory, `expected` bytes of which are
 * allocated at once. NULL with *reason where that cannot be done.
 */
extern BarqBodyWriter *barq_body_begin_file(Relation index, const uint8 *id,
											uint64 expected, char **reason);

/*
 * Behind the finished part of a kind: rows without a key, class after class.
 */
extern void barq_body_keyless(BarqBodyWriter *writer, BarqKeyless keyless,
							  const ItemPointerData *tids, uint32 n);

/*
 * Complete the body, its footer included, and return it as memory: palloc'd, or
 * mapped from the file, which then has its final name. Valid until
 * barq_body_release.
 */
extern const char *barq_body_finish(BarqBodyWriter *writer, uint64 *bytes);
extern bool barq_body_is_file(const BarqBodyWriter *writer);
extern void barq_body_release(BarqBodyWriter *writer);

#endif							/* BARQ_WRITER_H */
