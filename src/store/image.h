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
#include "store/image_marker.h"
#include "store/segment.h"

/*
 * The start of an image file:
 *
 *	  header		BarqImageHeader, with zeros up to BARQ_IMAGE_BODY
 *	  body			body_bytes, at BARQ_IMAGE_BODY
 *	  checksums		at table_off: CRC-32C of each block of the body, uint32, with
 *					zeros up to a multiple of BARQ_IMAGE_BLOCK
 *	  root			CRC-32C of each block of the checksums, uint32
 *
 * Blocks have BARQ_IMAGE_BLOCK bytes; the last one of the body may be shorter. So
 * one block of the body is verified by reading it, one block of checksums, and the
 * root, which has 1/2^20 of the body's size.
 */
typedef struct BarqImageHeader
{
	uint64		magic;			/* BARQ_IMAGE_MAGIC */
	uint32		version;		/* BARQ_IMAGE_VERSION */
	uint32		body_off;		/* BARQ_IMAGE_BODY */
	uint8		id[BARQ_ID_BYTES];
	uint64		body_bytes;
	pg_crc32c	body_crc;
	uint32		block_bytes;	/* BARQ_IMAGE_BLOCK */
	uint64		table_off;
	pg_crc32c	root_crc;
	pg_crc32c	header_crc;		/* of the members before it */
} BarqImageHeader;

StaticAssertDecl(sizeof(BarqImageHeader) == 64, "BarqImageHeader is in files");

/* The checksum that a header has to have. */
static inline pg_crc32c
barq_image_header_checksum(const BarqImageHeader *header)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, header, offsetof(BarqImageHeader, header_crc));
	FIN_CRC32C(crc);
	return crc;
}

#define BARQ_IMAGE_MAGIC	UINT64CONST(0x31474D4951524142)	/* "BARQIMG1" */
#define BARQ_IMAGE_BODY		4096
#define BARQ_IMAGE_BLOCK	4096

/*
 * The version of image files. Up to 3 it was that of the pages' format. An image of
 * another version is made again.
 */
#define BARQ_IMAGE_VERSION	5

/* Checksums in a block of checksums. */
#define BARQ_IMAGE_SUMS		(BARQ_IMAGE_BLOCK / sizeof(pg_crc32c))

/* Blocks of a body; blocks of checksums for n blocks. */
static inline uint64
barq_image_blocks(uint64 body_bytes)
{
	return (body_bytes + BARQ_IMAGE_BLOCK - 1) / BARQ_IMAGE_BLOCK;
}

static inline uint64
barq_image_sum_blocks(uint64 n)
{
	return (n + BARQ_IMAGE_SUMS - 1) / BARQ_IMAGE_SUMS;
}

/* Offset of the checksums in the file of an image; size of the file. */
static inline uint64
barq_image_table_off(uint64 body_bytes)
{
	return BARQ_IMAGE_BODY + barq_image_blocks(body_bytes) * BARQ_IMAGE_BLOCK;
}

static inline uint64
barq_image_file_bytes(uint64 body_bytes)
{
	uint64		sums = barq_image_sum_blocks(barq_image_blocks(body_bytes));

	return barq_image_table_off(body_bytes) + sums * (BARQ_IMAGE_BLOCK + sizeof(pg_crc32c));
}

#define BARQ_ID_TEXT		33	/* bytes of a hexadecimal id with its terminator */

/*
 * Bits of the marker of an image: one for each block of the body, then one for each
 * block of checksums.
 */
static inline uint32
barq_image_bits(uint64 body_bytes)
{
	uint64		blocks = barq_image_blocks(body_bytes);

	return (uint32) (blocks + barq_image_sum_blocks(blocks));
}

/*
 * A mapped image, shared by the snapshots of this backend that use it. Only blocks
 * that are verified may be used: all of them where barq_mapping_is_verified(), else
 * those that barq_mapping_read() returns.
 */
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

	BarqMarkerUse marker;
	uint32		blocks;			/* of the body */
	const pg_crc32c *sums;		/* of each block */
	const pg_crc32c *root;		/* of each block of sums; verified */
	bool		damaged;		/* a block was wrong: no new views */
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
 * The path of a file that is named after an id, palloc'd; suffix: ".img" of an image,
 * ".ok" of its marker, ".dead" of its dead rows.
 */
extern char *barq_id_path(const char *folder, const uint8 *id, const char *suffix);

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

/* Outcome of barq_image_map() and barq_image_make_part(). */
typedef enum BarqImageResult
{
	BARQ_IMAGE_READY,			/* mapped; made */
	BARQ_IMAGE_NONE,			/* there is no valid image: it can be made */
	BARQ_IMAGE_PART,			/* a part was made */
	BARQ_IMAGE_BUSY,			/* another process makes it, or the segment was replaced */
	BARQ_IMAGE_FAILED			/* see *reason */
} BarqImageResult;

/*
 * Map a segment's image, with one more pin in *mapping, which the caller removes
 * with barq_mapping_unpin(). Its header and root are verified, its blocks may not
 * be (S8). BARQ_IMAGE_NONE: an image of another version, size or segment is removed.
 * BARQ_IMAGE_FAILED if the file cannot be mapped (no address space or memory), with
 * *reason, palloc'd. May process interrupts.
 */
extern BarqImageResult barq_image_map(Relation index, const BarqSegmentDesc *desc,
									  BarqMapping **mapping, char **reason);

/* Add a pin; remove a pin, and unmap the image with the last one. */
extern void barq_mapping_pin(BarqMapping *mapping);
extern void barq_mapping_unpin(BarqMapping *mapping);

/*
 * Whether a mapping should be kept without a search that uses it: its file is
 * still there under its path. Asked when an announcement (announce.h) concerns its
 * index. Raises no error.
 */
extern bool barq_mapping_is_worth_keeping(const BarqMapping *mapping);

/*
 * State of a segment's image, without opening it; *bytes receives the size of its
 * file, or 0.
 */
extern BarqImageState barq_image_state(Relation index, const BarqSegmentDesc *desc,
									   uint64 *bytes);

/* image_verify.c: verifying blocks of mapped images */

/* Are all blocks verified? Then mapping->body may be read without further checks. */
static inline bool
barq_mapping_is_verified(const BarqMapping *mapping)
{
	return pg_atomic_read_u32(&mapping->marker.marker->complete) != 0;
}

/*
 * `len` bytes at offset `off` of the body, whose blocks are verified first; valid as
 * long as the mapping. NULL if one of them is damaged: the image is then marked as
 * damaged and its file removed. The bytes lie inside of the body.
 */
extern const void *barq_mapping_read(BarqMapping *mapping, uint64 off, uint64 len);

/*
 * Verify blocks in order, together with other processes that do, until `most` bytes
 * are verified or all are. False if one is damaged, see barq_mapping_read(). Checks
 * for interrupts. Where processes were killed meanwhile, takes up what they left.
 */
extern bool barq_mapping_verify(BarqMapping *mapping, uint64 most);

/* image_make.c: making and removing images */

/*
 * Make a segment's image from `body`, or from its pages if that is NULL. Returns
 * false if this is not possible now: *busy is set if another process is making it or
 * the segment was replaced meanwhile; otherwise *reason receives the cause, palloc'd.
 * ERRCODE_INDEX_CORRUPTED if the pages have a wrong checksum. Calls
 * barq_check_interrupts().
 */
extern bool barq_image_make(Relation index, const BarqSegmentDesc *desc,
							const char *body, bool *busy, char **reason);

/*
 * Continue to make a segment's image from its pages, where this or another process
 * has stopped since the server started: about `most` bytes of it, and not more than a
 * page beyond. What is made survives an error and the end of the process.
 * BARQ_IMAGE_READY: complete. BARQ_IMAGE_FAILED with *reason, palloc'd.
 * ERRCODE_INDEX_CORRUPTED if the pages have a wrong checksum. Calls
 * barq_check_interrupts().
 */
extern BarqImageResult barq_image_make_part(Relation index, const BarqSegmentDesc *desc,
											uint64 most, char **reason);

/* image_acquire.c: the image of a segment, for a reader */

/*
 * Has a background worker make and verify the images of an index; set by the
 * lifecycle. True if one is at work or was started; false if there is none, or if
 * the one that this backend started has ended lately.
 */
extern bool (*barq_image_worker_hook) (Relation index);

/*
 * Whether an image is verified in order, so that all of it is read, though no search may
 * need it: not if it would fill more than half of the machine's memory. The blocks of
 * such an image are verified only at their first use.
 */
extern bool barq_image_is_read_whole(uint64 body_bytes);

/* What a reader may do for the images of a snapshot before it reads them. */
typedef struct BarqImageEffort
{
	uint64		make;			/* bytes to make; */
	uint64		verify;			/* to verify */
	bool		asked;			/* a worker is at work on the rest */
	char	   *reason;			/* why the first image could not be made or mapped, */
	bool		unmapped;		/* which of the two */
} BarqImageEffort;

extern void barq_image_effort_init(BarqImageEffort *effort);

/*
 * Bring *mapping, of a segment, NULL at first, nearer to one that is verified, as far
 * as *effort allows; what is left is for a worker, or for the next reader. Afterwards
 * *mapping has a pin, which the caller owns, also on an error, or is NULL: pages have
 * to be read. A damaged mapping is unpinned.
 */
extern void barq_image_acquire(Relation index, const BarqSegmentDesc *desc,
							   BarqMapping **mapping, BarqImageEffort *effort);

/* Remove one segment's image, its marker and its dead rows' file, if they exist. */
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

/*
 * The same for the VACUUM of an index: sweeps once in a statement, and in a process of
 * autovacuum, and again after a minute, whatever the number of indexes.
 */
extern void barq_image_sweep_in_vacuum(void);

#endif							/* BARQ_IMAGE_H */
