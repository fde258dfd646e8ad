/*
 * segment.h
 *	  What a sealed segment is to the rest of the extension: a body of bytes
 *	  that never changes, a view through which it is read, a writer through
 *	  which it is made, and the registry of segment kinds (BarqSegmentKind),
 *	  which know what the bytes mean.
 *
 * The store knows the first bytes of every body (BarqBodyHeader) and no more;
 * a kind knows everything after them and nothing of pages, files or WAL.
 */
#ifndef BARQ_SEGMENT_H
#define BARQ_SEGMENT_H

#include "postgres.h"

#include "storage/itemptr.h"

#define BARQ_BODY_MAGIC		0x42415251	/* "BARQ" */
#define BARQ_BODY_VERSION	2
#define BARQ_BODY_ALIGN		64
#define BARQ_FOOTER_MAGIC	0x424B4559	/* "BKEY" */

/*
 * Why a row has no key by which it could be ordered, in the order in which such
 * rows follow all others. As stored; never renumber.
 */
typedef enum BarqKeyless
{
	BARQ_KEYLESS_UNDEFINED,		/* a zero vector under cosine: NaN */
	BARQ_KEYLESS_NULL
} BarqKeyless;

#define BARQ_KEYLESS_KINDS	2

/*
 * The first 64 bytes of a body. All offsets count from the body's start and
 * are multiples of BARQ_BODY_ALIGN. Native byte order, as everything in a
 * PostgreSQL data directory.
 *
 * A body is what its kind wrote, then the TIDs of the rows without a key, class
 * after class, then a footer. Kinds know of the first part only: to them `rows`
 * and the size of a view are all there is.
 */
typedef struct BarqBodyHeader
{
	uint32		magic;			/* BARQ_BODY_MAGIC */
	uint16		version;		/* BARQ_BODY_VERSION */
	uint16		kind;			/* BarqSegmentKind.id */
	uint32		rows;			/* rows that have a key, dead ones included */
	uint16		filter_columns; /* filter columns kept (0 so far) */
	uint16		filter_version; /* layout of the filter section (0 so far) */
	uint64		body_bytes;		/* size of the kind's part; 0: not known when it
								 * was begun, the footer says it */
	uint64		tids_off;		/* ItemPointerData[rows] */
	uint64		filters_off;	/* filter values, 0 without them */
	uint64		kind_off;		/* the kind's own header */
	uint64		reserved[2];
} BarqBodyHeader;

StaticAssertDecl(sizeof(BarqBodyHeader) == 64, "BarqBodyHeader is on disk");

/* The last 64 bytes of a body. */
typedef struct BarqBodyFooter
{
	uint32		magic;			/* BARQ_FOOTER_MAGIC */
	uint32		keyless[BARQ_KEYLESS_KINDS];	/* rows, dead ones included */
	uint32		reserved32;
	uint64		kind_bytes;		/* the kind's part; TIDs without keys follow */
	uint64		reserved[5];
} BarqBodyFooter;

StaticAssertDecl(sizeof(BarqBodyFooter) == 64, "BarqBodyFooter is on disk");

/*
 * A view of one body. Where there is an image, base is its mapping and
 * pointers into it stay valid as long as the view. Where there is none (base
 * NULL) barq_view_read() brings pages through a bounded cache, and what it
 * returned is valid only until the next call.
 */
typedef struct BarqView
{
	const char *base;			/* start of the mapped body, or NULL */
	uint64		size;			/* bytes of the kind's part of the body */
	uint32		rows;			/* rows that have a key */
	uint32		keyless[BARQ_KEYLESS_KINDS];	/* rows numbered after those */
	uint16		kind;
	void	   *pages;			/* page reader's state when base is NULL */
} BarqView;

extern const void *barq_view_read_pages(BarqView *view, uint64 off, Size len);

/* len bytes at off, inside the body; ERRCODE_INDEX_CORRUPTED if they are not */
static inline const void *
barq_view_read(BarqView *view, uint64 off, Size len)
{
	if (likely(view->base != NULL && off <= view->size && len <= view->size - off))
		return view->base + off;
	return barq_view_read_pages(view, off, len);
}

/*
 * Sequential writer of a body: a file in the image directory or plain memory,
 * the kind does not see which.
 */
typedef struct BarqBodyWriter BarqBodyWriter;

extern void barq_body_write(BarqBodyWriter *writer, const void *data, Size len);
extern void barq_body_align(BarqBodyWriter *writer);	/* zeros up to 64 */
extern uint64 barq_body_offset(const BarqBodyWriter *writer);

/*
 * One input of a merge. The kind merges rows that have a key, and counts only
 * those; the store does the others (keyless.h).
 */
typedef struct BarqMergeInput
{
	BarqView   *view;
	const uint8 *dead;			/* a bit a row, set where dead; or NULL */
	uint32		live;			/* rows with a key that are not dead */
} BarqMergeInput;

/* Called by check with every thing found wrong. */
typedef void (*BarqCheckReport) (void *arg, const char *place, const char *message);

/*
 * A kind of segment. Its number is stored in bodies and directories, so it never
 * changes; each kind's header defines its own (BARQ_KIND_FLAT in flat.h, ...).
 * How a segment is searched is between its kind and the access methods that
 * search it.
 */
typedef struct BarqSegmentKind
{
	uint16		id;				/* from 1 */
	const char *name;

	/* Report faults of the body's structure beyond those that the store checks. */
	void		(*check) (BarqView *view, BarqCheckReport report, void *arg);

	/* Search functions of a kind of vectors (flat.h); NULL for other kinds. */
	const struct BarqVectorSearchOps *vectors;
} BarqSegmentKind;

/*
 * Register a kind; called while the library is loaded. `kind` must stay valid
 * as long as the process.
 */
extern void barq_register_segment_kind(const BarqSegmentKind *kind);

/* The kind of a number as stored; ERRCODE_INDEX_CORRUPTED if there is none. */
extern const BarqSegmentKind *barq_segment_kind(uint16 id);

#endif							/* BARQ_SEGMENT_H */
