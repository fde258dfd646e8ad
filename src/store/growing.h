/*
 * growing.h
 *	  The growing log: records appended by inserts, searched by scanning,
 *	  frozen and replaced by a segment when it is sealed.
 */
#ifndef BARQ_GROWING_H
#define BARQ_GROWING_H

#include "store/meta.h"
#include "store/segment.h"

#include "storage/itemptr.h"
#include "utils/memutils.h"

#define BARQ_ITEM_DEAD		0x0001	/* VACUUM has removed the heap row */
#define BARQ_ITEM_CONTINUES	0x0002	/* the payload goes on on the next page */
#define BARQ_ITEM_PIECE		0x0004	/* a further piece of the item before it */
#define BARQ_ITEM_UNDEFINED	0x0008	/* no key, no payload: BARQ_KEYLESS_UNDEFINED */
#define BARQ_ITEM_NULL		0x0010	/* no key, no payload: BARQ_KEYLESS_NULL */
#define BARQ_ITEM_KEYLESS	(BARQ_ITEM_UNDEFINED | BARQ_ITEM_NULL)

/*
 * What stands before each item on a growing page. Items are MAXALIGNed. A
 * record too large for one page starts on a page of its own and goes on as
 * pieces, each the first item of the next page.
 */
typedef struct BarqItemHeader
{
	ItemPointerData tid;
	uint16		flags;			/* BARQ_ITEM_* */
	uint32		total;			/* bytes of the whole record's payload */
	uint16		length;			/* bytes of payload in this item */
	uint8		filter_columns; /* filter values before the payload: 0 so far */
	uint8		version;		/* of this header: 0 */
} BarqItemHeader;

StaticAssertDecl(sizeof(BarqItemHeader) == 16, "BarqItemHeader is on disk");

/* largest payload that an item can carry on one page */
#define BARQ_ITEM_MAX_PAYLOAD \
	(MAXALIGN_DOWN(BARQ_PAGE_BYTES) - sizeof(BarqItemHeader))

/* largest record */
#define BARQ_RECORD_MAX_PAYLOAD	((uint32) MaxAllocSize)

/*
 * Append a record. Returns the number of pages the log then has, for the
 * caller to compare with its limits (0 where no page was added).
 */
extern uint32 barq_growing_append(Relation index, ItemPointer tid,
								  const void *payload, uint32 length);

/* The same of a row that has no key. */
extern uint32 barq_growing_append_keyless(Relation index, ItemPointer tid,
										  BarqKeyless keyless);

/*
 * Freeze everything appended so far; inserts go to a fresh page. The caller
 * holds the maintenance lock. Returns false, doing nothing, if there is no
 * record to freeze. *stop and *stop_generation are the page that will be the
 * head once what lies before it has been sealed.
 *
 * With a `supply` (page.h) the fresh page is one of those, and there is one
 * even if there is no record.
 */
extern bool barq_growing_cut(Relation index, BarqPageSupply *supply,
							 BlockNumber *stop, uint64 *stop_generation);

/* One record, as a walk shows it. */
typedef struct BarqRecord
{
	ItemPointerData tid;
	bool		dead;
	bool		keyed;			/* else `keyless` says why not, and length is 0 */
	BarqKeyless keyless;
	const char *payload;
	uint32		length;
} BarqRecord;

/*
 * What a walk calls: `page` before a page's records, `record` for each,
 * `page_end` after them, while the payloads of records that lie on that page
 * alone are still valid, with the page that comes next (InvalidBlockNumber: it
 * is the tail, and may get more records). page and page_end may be NULL. No
 * lock is held.
 */
typedef struct BarqGrowingVisitor
{
	void		(*page) (void *arg, BlockNumber block);
	void		(*record) (void *arg, const BarqRecord *record);
	void		(*page_end) (void *arg, BlockNumber next, uint64 next_generation);
	void	   *arg;
} BarqGrowingVisitor;

/*
 * Walk the log from meta's head to its end, or to (not including) `stop`.
 * Returns false if a page was found re-used: the log was sealed meanwhile;
 * read the metapage again and start anew.
 */
extern bool barq_growing_walk(Relation index, const BarqMeta *meta,
							  BlockNumber stop, const BarqGrowingVisitor *visitor);

/*
 * Mark dead every record of the log for which is_dead says so. `marked`
 * counts those it set, `met` those that were marked before, `live` the rest.
 * Returns false where barq_growing_walk would.
 */
typedef bool (*BarqIsDead) (ItemPointer tid, void *arg);

typedef struct BarqMarkCounts
{
	uint64		marked;
	uint64		met;
	uint64		live;
} BarqMarkCounts;

extern bool barq_growing_mark(Relation index, const BarqMeta *meta,
							  BarqIsDead is_dead, void *arg,
							  BarqMarkCounts *counts);

#endif							/* BARQ_GROWING_H */
