/*
 * snapshot.h
 *	  What a scan, a VACUUM or a merge sees of an index: the segments of one
 *	  directory version, their images pinned, their tombstones as of one
 *	  dead_epoch. Kept by the backend and shared until something changes.
 */
#ifndef BARQ_SNAPSHOT_H
#define BARQ_SNAPSHOT_H

#include "store/image.h"
#include "store/tombstones.h"
#include "store/view.h"

typedef struct BarqSegment
{
	BarqSegmentDesc desc;
	BarqMapping *mapping;		/* NULL: search its pages */
	uint8	   *dead;			/* a bit a row; NULL where none is dead */
} BarqSegment;

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
	bool		complete;		/* every segment has its image */
	TimestampTz retry_after;	/* when to try again for those that do not */
	int			references;
	MemoryContext context;

	/*
	 * What the access method remembers of the growing log, in `context`. The
	 * full pages of a log whose head and dead flags have not changed are what
	 * they were, and both end a snapshot.
	 */
	void	   *log_cache;
} BarqSnapshot;

/*
 * The index as it is now; *meta receives the metapage it was read from. With
 * `images`, missing images are made; where that fails the segment is read from
 * its pages with one WARNING (an ERROR if barq.allow_fallback is off).
 *
 * It is released when `owner` is reset or deleted.
 */
extern BarqSnapshot *barq_snapshot_get(Relation index, BarqMeta *meta, bool images,
									   MemoryContext owner);

/*
 * A view of one segment of a snapshot, in the current memory context. Page
 * readers share work_mem among `sharers` views.
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

/* Forget what is kept for a relation (InvalidOid: for all). */
extern void barq_snapshot_forget(Oid relid);

#endif							/* BARQ_SNAPSHOT_H */
