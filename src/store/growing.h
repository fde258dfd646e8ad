/*
 * growing.h
 *	  The growing log: inserts append records to it, searches scan it, and a seal
 *	  replaces its frozen part by a segment.
 */
#ifndef BARQ_GROWING_H
#define BARQ_GROWING_H

#include "store/meta.h"
#include "store/segment.h"

#include "storage/itemptr.h"
#include "utils/memutils.h"

#define BARQ_ITEM_DEAD		0x0001	/* VACUUM has removed the heap row */
#define BARQ_ITEM_CONTINUES	0x0002	/* the payload continues on the next page */
#define BARQ_ITEM_PIECE		0x0004	/* continues the item before it */
#define BARQ_ITEM_UNDEFINED	0x0008	/* no key: BARQ_KEYLESS_UNDEFINED */
#define BARQ_ITEM_NULL		0x0010	/* no key: BARQ_KEYLESS_NULL */
#define BARQ_ITEM_KEYLESS	(BARQ_ITEM_UNDEFINED | BARQ_ITEM_NULL)

/*
 * The header of each item on a growing page. Items are MAXALIGNed. A record too
 * large for one page starts on a page of its own and continues in pieces, each
 * the first item of the next page. In an index with filter columns the payload begins
 * with their values, as words (filters.h); a row without a key has nothing else.
 */
typedef struct BarqItemHeader
{
	ItemPointerData tid;
	uint16		flags;			/* BARQ_ITEM_* */
	uint32		total;			/* bytes of the whole record's payload */
	uint16		length;			/* bytes of payload in this item */
	uint8		filter_columns; /* values of so many, before the payload */
	uint8		version;		/* of this header: 0 */
} BarqItemHeader;

StaticAssertDecl(sizeof(BarqItemHeader) == 16, "BarqItemHeader is on disk");

/* largest payload of one item, in bytes */
#define BARQ_ITEM_MAX_PAYLOAD \
	(MAXALIGN_DOWN(BARQ_PAGE_BYTES) - sizeof(BarqItemHeader))

/* largest payload of a record, in bytes */
#define BARQ_RECORD_MAX_PAYLOAD	((uint32) MaxAllocSize)

/* The values of a row in the filter columns; no columns: none. */
typedef struct BarqFilterValues
{
	int			columns;
	uint32		nwords;
	const uint64 *words;
} BarqFilterValues;

/*
 * Append a record with `length` bytes of payload, behind the row's filter values.
 * Returns the number of pages of
 * the log, or 0 if no page was added. Waits for buffer locks and, where a page is
 * added, for LockPage 0; the caller holds no buffer lock.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED if the payload is too large, ERRCODE_INDEX_CORRUPTED
 * for a damaged page.
 */
extern uint32 barq_growing_append(Relation index, ItemPointer tid,
								  const BarqFilterValues *filters,
								  const void *payload, uint32 length);

/*
 * Append a record for a row that has no key. Returns the number of pages of the log,
 * or 0 if no page was added. Waits for buffer locks and, where a page is added, for
 * LockPage 0; the caller holds no buffer lock. ERRCODE_INDEX_CORRUPTED for a damaged
 * page.
 */
extern uint32 barq_growing_append_keyless(Relation index, ItemPointer tid,
										  const BarqFilterValues *filters,
										  BarqKeyless keyless);

/*
 * Freeze the records appended so far; inserts go to a new page. The caller holds
 * the maintenance lock and no buffer lock. Returns false, changing nothing, if
 * there is no record to freeze. *stop and *stop_generation receive the page that
 * becomes the head of the log when the pages before it have been sealed.
 *
 * With a `supply` (page.h) the new page is taken from it, and the log is cut
 * even if it has no record.
 */
extern bool barq_growing_cut(Relation index, BarqPageSupply *supply,
							 BlockNumber *stop, uint64 *stop_generation);

/*
 * Find where the log can be divided: the first page at least `pages` pages (1 or more)
 * behind meta's head that begins with a record, so no record lies on both sides.
 * *stop and *stop_generation receive it; no record is added to the pages before it.
 * Returns false, where there is none before the page `end` and the end of the log. The
 * caller holds the maintenance lock and no buffer lock. Checks for interrupts.
 * ERRCODE_INDEX_CORRUPTED for a damaged page.
 */
extern bool barq_growing_divide(Relation index, const BarqMeta *meta, uint32 pages,
								BlockNumber end, BlockNumber *stop,
								uint64 *stop_generation);

/* One record, as barq_growing_walk passes it to a visitor. */
typedef struct BarqRecord
{
	ItemPointerData tid;
	bool		dead;
	bool		keyed;			/* if not: `keyless` is set, and length is 0 */
	BarqKeyless keyless;
	const char *payload;		/* valid during the call of `record` */
	uint32		length;			/* of the payload, in bytes */
	bool		pieces;			/* it was assembled from several pages */
	int			filter_columns;
	const uint64 *filters;		/* the row's filter values; as long as the payload */
	uint32		filter_bytes;
} BarqRecord;

/*
 * Functions that a walk calls, holding no lock: `page` before the records of a
 * page, `record` for each, `page_end` after them. page_end receives the next page,
 * InvalidBlockNumber at the tail, which may get more records; payloads of records
 * that lie on one page are valid until page_end returns. page and page_end may be
 * NULL.
 */
typedef struct BarqGrowingVisitor
{
	void		(*page) (void *arg, BlockNumber block);
	void		(*record) (void *arg, const BarqRecord *record);
	void		(*page_end) (void *arg, BlockNumber next, uint64 next_generation);
	void	   *arg;
	BufferAccessStrategy ring;	/* of maintenance; NULL: a search reads the log */
} BarqGrowingVisitor;

/*
 * Walk the log from meta's head to its end, or up to but not including the page
 * `stop`. Returns false if a page was re-used because the log was sealed
 * meanwhile: the caller reads the metapage again and starts anew. Checks for
 * interrupts. The caller holds no buffer lock. ERRCODE_INDEX_CORRUPTED for a damaged
 * page or record.
 */
extern bool barq_growing_walk(Relation index, const BarqMeta *meta,
							  BlockNumber stop, const BarqGrowingVisitor *visitor);

/* Returns true if the heap row at `tid` was removed. Called with no lock held. */
typedef bool (*BarqIsDead) (ItemPointer tid, void *arg);

typedef struct BarqMarkCounts
{
	uint64		marked;			/* marked dead by this call */
	uint64		met;			/* were marked before */
	uint64		live;			/* not dead */
} BarqMarkCounts;

/*
 * Mark dead each record of the log for which is_dead(tid, arg) is true, by one
 * WAL record for each page, and add to *counts. Returns false if a page was re-used
 * because the log was sealed meanwhile; marks set by then stay. Checks for
 * interrupts. The caller holds no buffer lock. ERRCODE_INDEX_CORRUPTED for a damaged
 * page.
 */
extern bool barq_growing_mark(Relation index, const BarqMeta *meta,
							  BarqIsDead is_dead, void *arg,
							  BarqMarkCounts *counts);

#endif							/* BARQ_GROWING_H */
