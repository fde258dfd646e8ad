/*
 * segment.h
 *	  Sealed segments: a body of bytes that never changes, the view through which
 *	  it is read, the writer through which it is made, and the registry of segment
 *	  kinds (BarqSegmentKind), which define the content of the body.
 *
 * The store knows the header of a body, its TIDs, and its footer. A kind knows
 * its own part of the body, and nothing of pages, files or WAL.
 */
#ifndef BARQ_SEGMENT_H
#define BARQ_SEGMENT_H

#include "postgres.h"

#include "storage/itemptr.h"

#define BARQ_BODY_MAGIC		0x42415251	/* "BARQ" */
#define BARQ_BODY_VERSION	2
#define BARQ_BODY_ALIGN		64
#define BARQ_MAX_BODY		(UINT64CONST(1) << 40)	/* bytes */
#define BARQ_FOOTER_MAGIC	0x424B4559	/* "BKEY" */

/*
 * Classes of rows without a key, in the order in which they follow the rows that
 * have one. As stored; never renumber.
 */
typedef enum BarqKeyless
{
	BARQ_KEYLESS_UNDEFINED,		/* a zero vector under cosine: NaN */
	BARQ_KEYLESS_NULL
} BarqKeyless;

#define BARQ_KEYLESS_KINDS	2

/*
 * The first 64 bytes of a body. Offsets count from the start of the body and are
 * multiples of BARQ_BODY_ALIGN. Native byte order, as all files of a PostgreSQL
 * data directory.
 *
 * A body consists of the part that its kind wrote, the TIDs of the rows without
 * a key, class after class, the values of filter columns (filter_rows.h) and a footer.
 * Kinds see the first part only: `rows` and the size of a view leave out the others.
 */
typedef struct BarqBodyHeader
{
	uint32		magic;			/* BARQ_BODY_MAGIC */
	uint16		version;		/* BARQ_BODY_VERSION */
	uint16		kind;			/* BarqSegmentKind.id */
	uint32		rows;			/* rows that have a key, dead ones included */
	uint16		reserved16[2];
	uint64		body_bytes;		/* size of the kind's part; 0: only the footer
								 * has it */
	uint64		tids_off;		/* ItemPointerData[rows] */
	uint64		passing_bytes;	/* of the kind's part, which merges leave out */
	uint64		kind_off;		/* the kind's own header */
	uint64		reserved[2];
} BarqBodyHeader;

StaticAssertDecl(sizeof(BarqBodyHeader) == 64, "BarqBodyHeader is on disk");
StaticAssertDecl(offsetof(BarqBodyHeader, passing_bytes) == 32, "BarqBodyHeader is on disk");

/* The last 64 bytes of a body. */
typedef struct BarqBodyFooter
{
	uint32		magic;			/* BARQ_FOOTER_MAGIC */
	uint32		keyless[BARQ_KEYLESS_KINDS];	/* rows, dead ones included */
	uint32		reserved32;
	uint64		kind_bytes;		/* size of the kind's part; TIDs of rows without
								 * a key follow it */
	uint64		filters_off;	/* of the filter columns; 0: there are none */
	uint64		filters_bytes;
	uint64		reserved[3];
} BarqBodyFooter;

StaticAssertDecl(sizeof(BarqBodyFooter) == 64, "BarqBodyFooter is on disk");

/*
 * A view of one body. With an image, `base` is its mapping, and pointers into it
 * are valid as long as the view. Without one, `base` is NULL and
 * barq_view_read() reads pages through a bounded cache; its result is valid until
 * the next call.
 */
typedef struct BarqView
{
	const char *base;			/* start of the mapped body, or NULL */
	uint64		size;			/* bytes of the kind's part of the body */
	uint32		rows;			/* rows that have a key */
	uint32		keyless[BARQ_KEYLESS_KINDS];	/* rows of each class, numbered
												 * after those */
	uint16		kind;
	uint64		filters_off;	/* of the filter columns' section; 0: none */
	uint64		filters_bytes;
	void	   *pages;			/* state of the page reader, or NULL */
} BarqView;

/* The slow path of barq_view_read. */
extern const void *barq_view_read_pages(BarqView *view, uint64 off, Size len);

/*
 * `len` bytes at offset `off` of the kind's part of the body, MAXALIGNed if `off`
 * is or if they are read from pages. The view owns them, see BarqView.
 * ERRCODE_INDEX_CORRUPTED if they lie outside, ERRCODE_BARQ_SEGMENT_GONE
 * (view.h) if a page was re-used.
 */
static inline const void *
barq_view_read(BarqView *view, uint64 off, Size len)
{
	if (likely(view->base != NULL && off <= view->size && len <= view->size - off))
		return view->base + off;
	return barq_view_read_pages(view, off, len);
}

/*
 * read_ahead.c. Is the byte at `off`, which lies in the kind's part of the body, not in
 * memory? False for a view of pages. A system call, which reads nothing.
 */
extern bool barq_view_is_cold(const BarqView *view, uint64 off);

/*
 * Is a search of a view to ask whether what it reads is in memory? The calls cost a search
 * of a graph some percent, so after n answers in a row that an image is in memory, the next
 * n searches of this process, at most 32, do not ask. Each search, or step of one, calls
 * this once, and if it asks barq_view_answer() with what it finds.
 */
extern bool barq_view_asks(const BarqView *view);
extern void barq_view_answer(const BarqView *view, bool cold);

/* Have each answer that a view is cold call a function. */
extern void barq_view_on_cold(void (*callback) (void));

/* Have the next search of each view ask: images were let go. */
extern void barq_view_forget_answers(void);

/*
 * Tell the kernel that `len` bytes from `off` on, inside of the kind's part of the body,
 * are read soon: those not in memory are read from disk, without waiting for them.
 * Nothing for a view of pages.
 */
extern void barq_view_read_ahead(const BarqView *view, uint64 off, uint64 len);

/*
 * Sequential writer of a body, to a file of the image directory or to memory;
 * its kind cannot tell which. writer.h begins and finishes one.
 */
typedef struct BarqBodyWriter BarqBodyWriter;

/*
 * Append `len` bytes to the kind's part of the body, or zeros up to a multiple of
 * BARQ_BODY_ALIGN. Errors of files as ereport(ERROR); may process interrupts.
 */
extern void barq_body_write(BarqBodyWriter *writer, const void *data, Size len);
extern void barq_body_align(BarqBodyWriter *writer);

/* Bytes written so far. */
extern uint64 barq_body_offset(const BarqBodyWriter *writer);

/*
 * One input of a merge. The kind merges the rows with a key; the store merges the
 * others (keyless.h).
 */
typedef struct BarqMergeInput
{
	BarqView   *view;
	const uint8 *dead;			/* bitmap of dead rows, or NULL */
	uint32		live;			/* rows with a key that are not dead */
} BarqMergeInput;

/* Receives each fault that a check finds, and where; both palloc'd or constant. */
typedef void (*BarqCheckReport) (void *arg, const char *place, const char *message);

/*
 * A kind of segment. Its id is stored in bodies and directories, so it never
 * changes; the header of each kind defines it (BARQ_KIND_FLAT in flat.h, ...).
 * The store does not search segments: access methods call the functions of the
 * kinds that they know.
 */
typedef struct BarqSegmentKind
{
	uint16		id;				/* from 1 */
	const char *name;

	/*
	 * Searches read small parts of a body, here and there, or announce what they
	 * read by barq_view_read_ahead(): it is mapped without the kernel's read-ahead,
	 * which would read far more from disk.
	 */
	bool		jumps;

	/* Report faults in the structure of the kind's part of the body. */
	void		(*check) (BarqView *view, BarqCheckReport report, void *arg);

	/* Search functions of a kind that holds vectors (flat.h), else NULL. */
	const struct BarqVectorSearchOps *vectors;
} BarqSegmentKind;

/*
 * Register a kind while the library is loaded. `kind` must be valid as long as the
 * process exists.
 */
extern void barq_register_segment_kind(const BarqSegmentKind *kind);

/* The kind with an id; ERRCODE_INDEX_CORRUPTED if there is none. */
extern const BarqSegmentKind *barq_segment_kind(uint16 id);

#endif							/* BARQ_SEGMENT_H */
