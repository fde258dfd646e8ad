/*
 * announce.h
 *	  Messages to all backends of a database that what they hold of an index may be
 *	  out of date: its directory, or the files of its images; or that pages of
 *	  images are to leave memory (residency.h).
 *
 * A backend that gets one gives up, at once or when its last scan of the index
 * ends: mappings of images whose file is gone; and if the directory or the dead
 * epoch is newer than its snapshot, everything else that it caches of the index.
 * Idle sessions are woken and do so too, in a transaction or not. So publications,
 * removals of files and evictions from memory take the same path.
 */
#ifndef BARQ_ANNOUNCE_H
#define BARQ_ANNOUNCE_H

#include "base/compat.h"

#include "store/meta.h"

/*
 * Announce that the directory or the dead epoch of an index has changed to these; call
 * it after files that no segment owns any more were removed.
 */
extern void barq_announce_directory(Relation index, uint64 directory_version,
									uint64 dead_epoch);

/*
 * Announce that image files of an index were removed, or that images are to be let
 * go. Raises no error; may be called at the end of a transaction, and by a
 * process that is connected to no database.
 */
extern void barq_announce_files(BarqLocator locator);

/* Register this process for announcements; called while the library is loaded. */
extern void barq_announce_init(void);

/*
 * Whether an announcement concerns an index, and its directory or dead epoch is
 * newer than those of *meta. For snapshot.c.
 */
typedef struct BarqAnnouncement
{
	bool		all;			/* of any index: messages were lost */
	bool		files;			/* of files; else of a directory */
	uint32		hash;
} BarqAnnouncement;

extern bool barq_announcement_concerns(const BarqAnnouncement *announcement,
									   BarqLocator locator);
extern bool barq_announcement_is_newer(const BarqAnnouncement *announcement,
									   uint64 directory_version, uint64 dead_epoch);

#endif							/* BARQ_ANNOUNCE_H */
