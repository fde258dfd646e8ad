/*
 * snapshot.h
 *	  The state of an index that a scan, a VACUUM or a merge sees: the segments of
 *	  one directory version, their images mapped, their tombstones as of one dead
 *	  epoch. The backend caches one for each index until the index changes, as far
 *	  as barq.backend_cache goes.
 */
#ifndef BARQ_SNAPSHOT_H
#define BARQ_SNAPSHOT_H

#include "store/announce.h"
#include "store/dead_rows.h"
#include "store/image.h"
#include "store/tid_order.h"
#include "store/view.h"

#include "lib/ilist.h"

#define BARQ_KEPT_ROWS	8		/* conditions of a segment whose rows are kept */

typedef struct BarqKeptRows BarqKeptRows;	/* kept_rows.h */

typedef struct BarqSegment
{
	BarqSegmentDesc desc;
	BarqMapping *mapping;		/* pinned; NULL: read its pages */
	uint8	   *dead;			/* bitmap of dead rows, read-only; NULL: none is dead */
	BarqDeadRows *dead_rows;	/* the owner of that bitmap, or NULL */
	BarqTidOrder *tid_order;	/* NULL: not made yet */
	uint32		tid_passes;		/* over all TIDs, made in place of it (admitted.c) */
	BarqKeptRows *kept[BARQ_KEPT_ROWS]; /* the last used first; NULL: free */
} BarqSegment;

typedef struct BarqLogCache BarqLogCache;	/* log_cache.h */

typedef struct BarqSnapshot
{
	BarqLocator locator;		/* of the index's storage */
	int			backend;
	Oid			relid;
	uint8		incarnation[BARQ_ID_BYTES];
	uint64		directory_version;
	uint64		dead_epoch;
	uint32		nsegments;
	BarqSegment *segments;		/* largest first */
	bool		complete;		/* every segment is mapped, every image verified */
	TimestampTz retry_after;	/* when to try again to complete it; 0: now */
	int			references;		/* of the cache and of owners */
	bool		cached;			/* the cache has a reference */
	bool		stale;			/* announced: drop it with the last owner */
	bool		check_files;	/* announced: files may be gone */
	MemoryContext context;

	BarqLogCache *log_cache;	/* log_cache.h; in `context`. NULL: none yet */
	struct BarqKnownCounts *counts; /* known_counts.h; in `context`. NULL: none yet */

	/* the backend's cache of snapshots */
	dlist_node	node;			/* if cached: the last used is first */
	Size		bytes;			/* of memory, as counted */
	bool		used;			/* since it was counted */
} BarqSnapshot;

/*
 * A snapshot of the current state; *meta receives the metapage that it belongs
 * to. The cache owns it; it stays valid until `owner` is reset or deleted. With
 * `images`, segments are mapped; missing images are made, and images verified, as far
 * as that takes a few milliseconds, or a worker is started for it. A segment that has
 * no image yet is read from its pages; one whose image cannot be made or mapped too,
 * with a WARNING (ERRCODE_INSUFFICIENT_RESOURCES if barq.allow_fallback is off). The caller
 * holds no buffer lock. ERRCODE_INDEX_CORRUPTED for damaged pages.
 */
extern BarqSnapshot *barq_snapshot_get(Relation index, BarqMeta *meta, bool images,
									   MemoryContext owner);

/*
 * Fill *view, a view of one segment of a snapshot; it is valid as long as the
 * snapshot and the current memory context. A page reader gets 1/sharers of
 * work_mem. ERRCODE_INDEX_CORRUPTED for a damaged body, ERRCODE_BARQ_SEGMENT_GONE if
 * pages were re-used meanwhile.
 */
extern void barq_snapshot_view(BarqSnapshot *snapshot, uint32 segment,
							   Relation index, int sharers, BarqView *view);

/*
 * Views of all segments of a snapshot, in its order: an array palloc'd in the
 * current memory context. The page readers among them share work_mem. With
 * `keyless_only`, segments without keyless rows are left out: their views are
 * zeroed. ERRCODE_BARQ_SEGMENT_GONE if pages were re-used meanwhile.
 */
extern BarqView *barq_snapshot_views(BarqSnapshot *snapshot, Relation index,
									 bool keyless_only);

/*
 * The rows of a segment in the order of their TIDs, made at the first call; the
 * snapshot owns it. Checks for interrupts. ERRCODE_INDEX_CORRUPTED for a damaged
 * body, ERRCODE_BARQ_SEGMENT_GONE if a page was re-used.
 */
extern const BarqTidOrder *barq_snapshot_tid_order(BarqSnapshot *snapshot, uint32 segment,
												   BarqView *view);

/* Remove the snapshots of a relation from the cache; InvalidOid: of all. */
extern void barq_snapshot_forget(Oid relid);

/*
 * The catalog entry of a relation (InvalidOid: of all) has changed: drop its
 * snapshot, now or when its last owner is reset. Mappings of files that are still
 * there are kept for the next snapshot. Raises no error.
 */
extern void barq_snapshot_suspect(Oid relid);

/*
 * Whether the log's cache of a snapshot, which has an owner, may take so many bytes more
 * within barq.backend_cache. Drops snapshots without owners if that helps.
 */
extern bool barq_snapshot_may_grow(BarqSnapshot *snapshot, Size more);

/*
 * At the end of a transaction: drop snapshots without owners, those not used for
 * longest first, until barq.backend_cache suffices. Raises no error.
 */
extern void barq_snapshots_trim(void);

/*
 * Give up what an announcement says is out of date, now or when the last owner of
 * a snapshot is reset. Raises no error.
 */
extern void barq_snapshot_announced(const BarqAnnouncement *announcement);

#endif							/* BARQ_SNAPSHOT_H */
