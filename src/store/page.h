/*
 * page.h
 *	  Pages of a barq index: what every page's special space says, how a page
 *	  is taken, validated on read, and given back.
 *
 * Invariants are in README.md beside this file.
 */
#ifndef BARQ_PAGE_H
#define BARQ_PAGE_H

#include "base/compat.h"

#include "access/generic_xlog.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"

#define BARQ_PAGE_MAGIC		0xBA51

/* Parts of the relation, as stored. Never renumber. */
typedef enum BarqPart
{
	BARQ_PART_FREE = 1,			/* may be taken */
	BARQ_PART_META = 2,
	BARQ_PART_DIRECTORY = 3,
	BARQ_PART_GROWING = 4,
	BARQ_PART_BLOB = 5,
	BARQ_PART_EXTENTS = 6,
	BARQ_PART_TOMBSTONES = 7
} BarqPart;

#define BARQ_PAGE_FROZEN	0x0001	/* growing: no record may be added */

/*
 * A generation is a random number drawn when a chain of pages (or a single
 * growing page) is written. A reader knows from whoever led him to a page
 * which generation to expect; any other means that the page was re-used.
 */
typedef struct BarqPageSpecial
{
	uint64		generation;		/* of this page */
	uint64		next_generation;	/* of the next page, 0 without one */
	BlockNumber next;			/* InvalidBlockNumber at the end */
	uint16		part;			/* BarqPart */
	uint16		flags;			/* BARQ_PAGE_* */
	uint32		moves;			/* of its segment when it was written (directory.h) */
	uint16		reserved;
	uint16		magic;			/* BARQ_PAGE_MAGIC, the last two bytes of a page */
} BarqPageSpecial;

StaticAssertDecl(sizeof(BarqPageSpecial) == 32, "BarqPageSpecial is on disk");

#define BarqPageGetSpecial(page) \
	((BarqPageSpecial *) PageGetSpecialPointer(page))

/* bytes a page has between its header and its special space */
#define BARQ_PAGE_BYTES \
	(BLCKSZ - MAXALIGN(SizeOfPageHeaderData) - MAXALIGN(sizeof(BarqPageSpecial)))

#define BarqPageFree(page) \
	((Size) (((PageHeader) (page))->pd_upper - ((PageHeader) (page))->pd_lower))

extern uint64 barq_new_generation(void);

/* Empty page of a part. */
extern void barq_page_init(Page page, BarqPart part, uint64 generation);

/* Copy len bytes to the end of the page's content (there must be room). */
extern void *barq_page_append(Page page, const void *data, Size len);

/*
 * Whether a page is of this part and generation. ERRCODE_INDEX_CORRUPTED,
 * with the block's number, if it is no barq page at all.
 */
extern bool barq_page_is(Relation index, BlockNumber block, Page page,
						 BarqPart part, uint64 generation);

typedef struct BarqBlockList
{
	BlockNumber *blocks;
	uint32		count;
	uint32		space;
} BarqBlockList;

extern void barq_blocks_add(BarqBlockList *list, BlockNumber block);

/*
 * Blocks seen free, ascending, for who wants pages that lie low. Whoever takes
 * pages beside him may be faster: the page's stamp decides.
 */
typedef struct BarqPageSupply
{
	BarqBlockList blocks;
	uint32		taken;			/* the first so many are used up */
} BarqPageSupply;

/* The next page of a supply that is still free, or InvalidBuffer. */
extern Buffer barq_page_take(Relation index, BarqPageSupply *supply);

/*
 * Take a page: one of `supply` if that is given and has any, a free one of the
 * free space map, else the relation grows by one. The buffer is returned
 * exclusively locked; the page's old content is to be overwritten with
 * barq_page_init under GENERIC_XLOG_FULL_IMAGE or log_newpage_buffer.
 *
 * The caller holds the maintenance lock or barq_lock_linking(), so that the
 * page is not taken back before it is linked.
 */
extern Buffer barq_page_new(Relation index, BarqPageSupply *supply);

/* Lock a buffer shared and note how long that took (base/stats.h). */
extern void barq_lock_shared(Buffer buffer);

/* Whether a page is stamped free, or was never written. */
extern bool barq_page_is_free(Relation index, BlockNumber block);

/* Stamp pages free, logged, then offer them to the free space map. */
extern void barq_pages_free(Relation index, const BarqBlockList *list);

/*
 * The lock that whoever takes a page without the maintenance lock holds from
 * taking it until it is linked.
 */
extern void barq_lock_linking(Relation index);
extern void barq_unlock_linking(Relation index);

/*
 * Both locks against it: excludes every taker of pages. Conditional. Whoever
 * has it may take back pages that nothing reaches.
 */
extern bool barq_try_lock_reclaim(Relation index);
extern void barq_unlock_reclaim(Relation index);

#endif							/* BARQ_PAGE_H */
