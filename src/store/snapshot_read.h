/*
 * snapshot_read.h
 *	  Between the cache of snapshots (snapshot.c) and the files that fill them.
 */
#ifndef BARQ_SNAPSHOT_READ_H
#define BARQ_SNAPSHOT_READ_H

#include "store/snapshot.h"

/*
 * Read directory and dead rows into a snapshot without references or mappings,
 * whose memory context is a child of the current one. NULL if a page of the
 * tombstones was re-used meanwhile. *meta receives the metapage. `older`: the
 * snapshot of the same index that the cache has, or NULL.
 */
extern BarqSnapshot *barq_snapshot_read(Relation index, BarqMeta *meta,
										const BarqSnapshot *older);

/*
 * Map the segments of a snapshot that are not mapped yet, making missing images, and
 * verify images, as far as a reader does that itself (image_acquire.c). Raises a
 * WARNING where an image cannot be made or mapped, or
 * ERRCODE_INSUFFICIENT_RESOURCES if barq.allow_fallback is off.
 */
extern void barq_snapshot_acquire_images(Relation index, BarqSnapshot *snapshot);

/* Unpin the mappings of a snapshot that has no reference any more, and free it. */
extern void barq_snapshot_free(BarqSnapshot *snapshot);

#endif							/* BARQ_SNAPSHOT_READ_H */
