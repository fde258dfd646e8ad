/*
 * image.h
 *	  Images: the body of each sealed segment as a file that backends map
 *	  read-only. Only a cache: a file may be missing, cut short or damaged at any
 *	  time, and is made again from the pages.
 */
#ifndef BARQ_IMAGE_H
#define BARQ_IMAGE_H

#include <sys/types.h>

#include "store/directory.h"
#include "store/segment.h"

/* The start of an image file; the body begins at BARQ_IMAGE_BODY. */
typedef struct BarqImageHeader
{
	uint64		magic;			/* BARQ_IMAGE_MAGIC */
	uint32		version;		/* BARQ_IMAGE_VERSION */
	uint32		body_off;		/* BARQ_IMAGE_BODY */
	uint8		id[BARQ_ID_BYTES];
	uint64		body_bytes;
	pg_crc32c	body_crc;
	pg_crc32c	header_crc;		/* of the members before it */
} BarqImageHeader;

StaticAssertDecl(sizeof(BarqImageHeader) == 48, "BarqImageHeader is in files");

#define BARQ_IMAGE_MAGIC	UINT64CONST(0x31474D4951524142)	/* "BARQIMG1" */
#define BARQ_IMAGE_VERSION	3	/* an image of another version is made again */
#define BARQ_IMAGE_BODY		4096

#define BARQ_ID_TEXT		33	/* bytes of a hexadecimal id with its terminator */

/* A mapped image, shared by the snapshots of this backend that use it. */
typedef struct BarqMapping
{
	dlist_node	node;
	uint8		id[BARQ_ID_BYTES];
	BarqLocator locator;		/* of the index's storage */
	char	   *path;			/* of the file when it was mapped, */
	dev_t		device;			/* and which file that was */
	ino_t		inode;
	void	   *address;
	Size		length;			/* of the mapping, in bytes */
	const char *body;
	uint64		body_bytes;
	int			references;		/* pins; unmapped with the last one */

	/* residency.c */
	dlist_node	attached;
	struct BarqResident *resident;	/* in shared memory, or NULL */
	uint32		searches;		/* not published yet */
} BarqMapping;

typedef enum BarqImageState
{
	BARQ_IMAGE_MISSING,
	BARQ_IMAGE_ON_DISK,
	BARQ_IMAGE_RESIDENT			/* mapped by this backend */
} BarqImageState;

/* paths.c: names of folders and files, and the lock on a folder */

/* Write an id in hexadecimal to text, of BARQ_ID_TEXT bytes. */
extern void barq_id_text(const uint8 *id, char *text);

/*
 * Paths, palloc'd in the current memory context: the root of images; the root in
 * a directory that barq.image_directory is, was, or may become (NULL or empty: the
 * data directory); the folder of an index.
 */
extern char *barq_image_root(void);
extern char *barq_image_root_in(const char *directory);
extern char *barq_image_folder(Relation index);
extern char *barq_image_folder_of(BarqLocator locator, int backend);

/* The name of this server's folder in an image directory, palloc'd. */
extern char *barq_image_top(void);

/* Make a folder if it is missing. False with errno set, see folder.h. */
extern bool barq_image_folder_create(const char *folder);

/*
 * Try to lock a folder: shared for builders, exclusive for processes that remove
 * files no segment owns (S16). Returns a descriptor, which barq_image_unlock or
 * the end of the transaction releases, or -1 with errno set: EWOULDBLOCK if
 * another process holds the lock. barq_image_unlock ignores -1.
 */
extern int	barq_image_lock(const char *folder, bool exclusive);
extern void barq_image_unlock(int fd);

/*
 * Make a folder, if it is missing, and lock it shared. Until it is locked a sweep may
 * remove it (ENOENT) or hold its lock (EWOULDBLOCK): then this is tried again, for
 * some seconds. Returns as barq_image_lock. Processes interrupts while it waits.
 */
extern int	barq_image_folder_lock(const char *folder);

/* hold.c: locks on the folders of indexes under construction */

/*
 * Make and lock a folder, shared, until the transaction ends, which removes the folder if
 * it aborts. Returns false with errno set on failure: EWOULDBLOCK if another process
 * holds the lock exclusively.
 */
extern bool barq_image_hold(const char *folder);

/* The module's transaction callbacks call these. */
extern void barq_image_end_holds(bool committed);
extern void barq_image_subtransaction_holds(SubTransactionId mine,
											SubTransactionId parent, bool committed);

/*
 * temporary.c: folders of this backend's temporary relations
 *
 * Note the folder of a temporary relation, before it is made; other relations are
 * ignored. The second function, called at the end of every transaction, removes
 * the folders whose relation's storage is gone; the end of the session removes
 * all. PostgreSQL has no hook for the end of a temporary relation.
 */
extern void barq_temporary_folder_note(Relation index);
extern void barq_temporary_folders_tidy(void);

/* image.c: mapping images */

/*
 * Map a segment's image, and verify it unless its marker shows that this was
 * done (S8). Returns a mapping with one more pin, or NULL if there is no valid
 * image; a damaged one is removed. The caller removes the pin with
 * barq_mapping_unpin(). May process interrupts.
 */
extern BarqMapping *barq_image_map(Relation index, const BarqSegmentDesc *desc);

/* Add a pin; remove a pin, and unmap the image with the last one. */
extern void barq_mapping_pin(BarqMapping *mapping);
extern void barq_mapping_unpin(BarqMapping *mapping);

/*
 * Whether a mapping should be kept without a search that uses it: its file is
 * still there under its path, and barq_mapping_unwanted does not name it. Asked
 * when an announcement (announce.h) concerns its index. Raises no error.
 */
extern bool barq_mapping_is_worth_keeping(const BarqMapping *mapping);

/*
 * Whether an image should be unmapped as soon as no search uses it, as one that is
 * to be evicted from memory; NULL: none should. After its answer for an image
 * becomes true, call barq_announce_files(): each backend asks it then, idle ones
 * too, and unmaps the image. A later search maps the image again, whatever the
 * answer. May be called at the end of a transaction; must not raise an error.
 */
extern bool (*barq_mapping_unwanted) (const BarqMapping *mapping);

/*
 * State of a segment's image, without opening it; *bytes receives the size of its
 * file, or 0.
 */
extern BarqImageState barq_image_state(Relation index, const BarqSegmentDesc *desc,
									   uint64 *bytes);

/*
 * Write the marker of a verified image, whose file is open as fd, so that it need
 * not be verified again. Best effort: a WARNING at most.
 */
extern void barq_image_write_marker(const char *folder, const uint8 *id, int fd);

/* image_make.c: making and removing images */

/*
 * Make a segment's image from its pages, or from `body` if that is not NULL.
 * Returns false if this is not possible now: *busy is set if another process is
 * making it or the segment was replaced meanwhile; otherwise *reason receives the
 * cause, palloc'd. ERRCODE_INDEX_CORRUPTED if the pages have a wrong checksum.
 */
extern bool barq_image_make(Relation index, const BarqSegmentDesc *desc,
							const char *body, bool *busy, char **reason);

/* Remove one segment's image and its marker, if they exist. */
extern void barq_image_remove(Relation index, const uint8 *id);

/*
 * Remove every file of the index's folder that belongs to no segment of the
 * current directory, unless a builder has locked the folder.
 */
extern void barq_image_tidy(Relation index);

/*
 * Remove a folder and the files in it; returns whether it was there. The caller
 * holds its lock exclusively, or the storage of its relation is being dropped.
 */
extern bool barq_image_remove_folder(const char *folder);

/* image_drop.c: images of dropped storage */

/*
 * Remove the images of storage that PostgreSQL unlinks at the end of the present
 * (sub)transaction, and folders of temporary relations that are gone. Called at
 * that end. Raises no error: failures are logged, VACUUM's sweep tries again.
 */
extern void barq_image_remove_dropped(bool commit);

/*
 * image_sweep.c: remove folders of this database, in all tablespaces, whose
 * relation is gone; folders of databases that are gone; and folders under former
 * values of barq.image_directory. Locked folders are left alone. Needs a
 * transaction, but no database.
 */
extern void barq_image_sweep(void);

#endif							/* BARQ_IMAGE_H */
