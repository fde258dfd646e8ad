/*
 * image.h
 *	  Images: each sealed segment's body as one flat file that every backend
 *	  maps read-only. Only a cache of what the pages hold.
 *
 * Nothing here is needed for an index to be right: a file may be missing, cut
 * short or damaged at any time and is made again from the pages.
 */
#ifndef BARQ_IMAGE_H
#define BARQ_IMAGE_H

#include "store/directory.h"
#include "store/segment.h"

/*
 * The first block of an image file; the body follows at BARQ_IMAGE_BODY.
 */
typedef struct BarqImageHeader
{
	uint64		magic;			/* BARQ_IMAGE_MAGIC */
	uint32		version;		/* BARQ_FORMAT_VERSION */
	uint32		body_off;		/* BARQ_IMAGE_BODY */
	uint8		id[BARQ_ID_BYTES];
	uint64		body_bytes;
	pg_crc32c	body_crc;
	pg_crc32c	header_crc;		/* of what stands before it */
} BarqImageHeader;

StaticAssertDecl(sizeof(BarqImageHeader) == 48, "BarqImageHeader is in files");

#define BARQ_IMAGE_MAGIC	UINT64CONST(0x31474D4951524142)	/* "BARQIMG1" */
#define BARQ_IMAGE_BODY		4096

#define BARQ_ID_TEXT		33	/* hexadecimal id with its terminator */

/* A mapped image, shared by all snapshots of this backend that use it. */
typedef struct BarqMapping
{
	dlist_node	node;
	uint8		id[BARQ_ID_BYTES];
	void	   *address;
	Size		length;			/* of the mapping */
	const char *body;
	uint64		body_bytes;
	int			references;
} BarqMapping;

/* What a look at a segment's file says, without touching it. */
typedef enum BarqImageState
{
	BARQ_IMAGE_MISSING,
	BARQ_IMAGE_ON_DISK,
	BARQ_IMAGE_RESIDENT			/* mapped by this backend */
} BarqImageState;

/* paths.c: where images live */
extern void barq_id_text(const uint8 *id, char *text);
/* all palloc'd */
extern char *barq_image_root(void);
extern char *barq_image_root_in(const char *directory);

/* The name of this server's folder in a directory that is not its own. */
extern char *barq_image_top(void);
extern char *barq_image_folder(Relation index);
extern char *barq_image_folder_of(BarqLocator locator, int backend);

/* Make a folder where it is missing. False with errno set, as folder.h says. */
extern bool barq_image_folder_create(const char *folder);

/*
 * The folder's lock: shared by builders, exclusive for whoever removes what
 * no segment owns. Returns a descriptor (released by barq_image_unlock or at
 * the end of the transaction), or -1: errno says why, EWOULDBLOCK where the
 * lock is held otherwise.
 */
extern int	barq_image_lock(const char *folder, bool exclusive);
extern void barq_image_unlock(int fd);

/*
 * hold.c: a shared lock on the folder of an index under construction, to the end
 * of the transaction, which removes the folder if it aborts. False where
 * somebody else is just removing it.
 * The module's transaction callbacks call the other two.
 */
extern bool barq_image_hold(const char *folder);
extern void barq_image_end_holds(bool committed);
extern void barq_image_subtransaction_holds(SubTransactionId mine,
											SubTransactionId parent, bool committed);

/*
 * temporary.c: folders of this backend's temporary relations, of whose end
 * PostgreSQL tells nobody. Note one when it is made; they are looked over at
 * the end of every transaction and of the session.
 */
extern void barq_temporary_folder_note(Relation index);
extern void barq_temporary_folders_tidy(void);

/* image.c: using images */

/*
 * Map a segment's image if there is a valid one. NULL if there is none; one
 * found damaged is removed.
 */
extern BarqMapping *barq_image_map(Relation index, const BarqSegmentDesc *desc);
extern void barq_mapping_pin(BarqMapping *mapping);
extern void barq_mapping_unpin(BarqMapping *mapping);

extern BarqImageState barq_image_state(Relation index, const BarqSegmentDesc *desc,
									   uint64 *bytes);

/* image_make.c: making and removing images */

/*
 * Make a segment's image from its pages, or from its body where the caller
 * has it in memory. False if that cannot be done now: *busy, another process
 * is making it or the segment was replaced meanwhile; else *reason says why.
 */
extern bool barq_image_make(Relation index, const BarqSegmentDesc *desc,
							const char *body, bool *busy, char **reason);

/* Remove one segment's image. */
extern void barq_image_remove(Relation index, const uint8 *id);

/*
 * Remove every file of the index's folder that the current directory does not
 * name, unless a builder is at work there.
 */
extern void barq_image_tidy(Relation index);

/* Remove a relation's folder and all in it: its storage is being dropped. */
extern void barq_image_remove_folder(const char *folder);

/*
 * Remove the images of storage that PostgreSQL unlinks with the end of the
 * (sub)transaction, and folders of temporary relations that are gone. Called at
 * its end; raises no error.
 */
extern void barq_image_remove_dropped(bool commit);

/* Remember the image just written, so that it needs no verification. */
extern void barq_image_write_marker(const char *folder, const uint8 *id, int fd);

/*
 * image_sweep.c: remove the folders of this database, in all tablespaces, whose
 * relation is gone, and those of databases that are gone. Needs a transaction,
 * but no database.
 */
extern void barq_image_sweep(void);

#endif							/* BARQ_IMAGE_H */
