/*
 * image_marker.h
 *	  Markers: for each image, one bit for each block that was verified since the
 *	  server started. A small file beside the image, which all backends map.
 */
#ifndef BARQ_IMAGE_MARKER_H
#define BARQ_IMAGE_MARKER_H

#include "port/atomics.h"
#include "utils/timestamp.h"

/*
 * The image file that a marker is about, and the start of the postmaster. A file that
 * was replaced or changed since has another inode, size or time.
 */
typedef struct BarqImageIdentity
{
	TimestampTz server_start;
	uint64		inode;
	uint64		bytes;
	int64		modified[2];	/* seconds, nanoseconds */
	int64		changed[2];		/* of the inode, likewise */
} BarqImageIdentity;

StaticAssertDecl(sizeof(BarqImageIdentity) == 56, "BarqImageIdentity is in files");

/* A marker, as it is mapped. */
typedef struct BarqMarker
{
	BarqImageIdentity identity;
	uint32		bits;			/* elements of `words`, times 32 at most */
	pg_atomic_uint32 complete;	/* 1: all bits are set */
	pg_atomic_uint32 cursor;	/* the next block that nobody has begun to verify
								 * in order, see barq_mapping_verify() */
	uint32		reserved;
	pg_atomic_uint32 words[FLEXIBLE_ARRAY_MEMBER];
} BarqMarker;

StaticAssertDecl(offsetof(BarqMarker, words) == 72, "BarqMarker is in files");

/* A backend's use of a marker. */
typedef struct BarqMarkerUse
{
	BarqMarker *marker;
	Size		bytes;
	bool		shared;			/* mapped; else the backend's own memory */
} BarqMarkerUse;

static inline bool
barq_marker_bit(const BarqMarker *marker, uint32 bit)
{
	return (pg_atomic_read_u32((pg_atomic_uint32 *) &marker->words[bit / 32]) >>
			(bit % 32)) & 1;
}

static inline void
barq_marker_set(BarqMarker *marker, uint32 bit)
{
	(void) pg_atomic_fetch_or_u32(&marker->words[bit / 32], (uint32) 1 << (bit % 32));
}

/* The first clear bit below `bits`, or `bits`. */
extern uint32 barq_marker_first_clear(const BarqMarker *marker, uint32 bits);

/*
 * Open the marker of the image that is open as fd, making one without set bits if
 * the one in the folder belongs to another file. If it cannot be made or another
 * process is making it for longer than a moment, *use is private to this backend,
 * with a WARNING where the file was refused. False, with errno set, if the image
 * file cannot be examined. May process interrupts; ERRCODE_OUT_OF_MEMORY.
 */
extern bool barq_marker_open(BarqMarkerUse *use, const char *folder, const uint8 *id,
							 int fd, uint32 bits);

/*
 * Write the marker, with all bits set, of the complete image that this process has
 * made and has open, and locked, as fd. Best effort: a WARNING at most.
 */
extern void barq_marker_write(const char *folder, const uint8 *id, int fd, uint32 bits);

extern void barq_marker_close(BarqMarkerUse *use);

#endif							/* BARQ_IMAGE_MARKER_H */
