/*
 * page.h
 *	  Pages of a barq index: the special space of every page; taking a page,
 *	  checking it on read, and freeing it.
 *
 * README.md beside this file states the invariants (S1, S2, ...).
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
 * growing page) is written. Every pointer to a page comes with the generation
 * to expect there; a page of another generation was re-used (S1).
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

/* A random generation, never 0, which stands for "no page". Cannot fail. */
extern uint64 barq_new_generation(void);

/* Make `page` an empty page of a part and generation, without a next page. */
extern void barq_page_init(Page page, BarqPart part, uint64 generation);

/* Set the next page of a page in a chain of one generation (S1). */
static inline void
barq_page_set_next(Page page, BlockNumber next, uint64 generation)
{
	BarqPageSpecial *special = BarqPageGetSpecial(page);

	special->next = next;
	special->next_generation = next == InvalidBlockNumber ? 0 : generation;
}

/*
 * Copy len bytes to the end of a page's content, where there must be room for
 * them. Returns the address of the copy.
 */
extern void *barq_page_append(Page page, const void *data, Size len);

/* Bytes of a page's content, which begins at PageGetContents(page). */
static inline uint32
barq_page_content_bytes(Page page)
{
	return ((PageHeader) page)->pd_lower - MAXALIGN(SizeOfPageHeaderData);
}

/*
 * Whether a page has this part and generation (S1); false for a page that was
 * never written. The caller holds a lock on its buffer. `block` is only named in
 * the error: ERRCODE_INDEX_CORRUPTED if `page` is not a barq page.
 */
extern bool barq_page_is(Relation index, BlockNumber block, Page page,
						 BarqPart part, uint64 generation);

/* Blocks in an array that grows; all zero when empty. */
typedef struct BarqBlockList
{
	BlockNumber *blocks;		/* palloc'd, or NULL */
	uint32		count;
	uint32		space;
} BarqBlockList;

/* Append a block; the first allocation is in the current memory context. */
extern void barq_blocks_add(BarqBlockList *list, BlockNumber block);

/* Make room, so that the next barq_blocks_add() cannot fail. */
extern void barq_blocks_reserve(BarqBlockList *list);

/*
 * Free blocks, lowest first, for compaction of the file (S13). Another process
 * may take one of them first: the page's stamp decides (S6).
 */
typedef struct BarqPageSupply
{
	BarqBlockList blocks;
	uint32		taken;			/* blocks[0 ... taken-1] are used up */
} BarqPageSupply;

/*
 * Take the next page of a supply that is still free: its buffer, pinned and
 * exclusively locked, or InvalidBuffer. The caller overwrites the page as after
 * barq_page_new(). Checks for interrupts. The caller holds the maintenance lock or
 * barq_lock_linking() (S5), and no buffer lock (S15).
 */
extern Buffer barq_page_take(Relation index, BarqPageSupply *supply);

/*
 * Take a page: from `supply` (may be NULL) if it has a free one, else from the
 * free space map, else by extending the relation. Returns its buffer, pinned and
 * exclusively locked. The caller has to overwrite the page with barq_page_init
 * under GENERIC_XLOG_FULL_IMAGE or log_newpage_buffer.
 *
 * The caller holds the maintenance lock or barq_lock_linking(), so that the
 * page is not reclaimed before it is reachable (S5), and no buffer lock (S15).
 */
extern Buffer barq_page_new(Relation index, BarqPageSupply *supply);

/* The same, in a buffer of a ring; strategy may be NULL. */
extern Buffer barq_page_new_in(Relation index, BarqPageSupply *supply,
							   BufferAccessStrategy strategy);

/*
 * The ring of buffers of this process for maintenance, which so leaves the pages that
 * searches and inserts use in shared buffers. Belongs to the process for ever.
 */
extern BufferAccessStrategy barq_ring(BufferAccessStrategyType type);

/*
 * Lock a pinned buffer shared and count the time that took (base/stats.h). The
 * caller holds no other buffer lock (S15).
 */
extern void barq_lock_shared(Buffer buffer);

/* What the stamp of a page says. */
typedef enum BarqStamp
{
	BARQ_STAMP_FREE,
	BARQ_STAMP_NONE,			/* never written: an insert may have just added it */
	BARQ_STAMP_USED
} BarqStamp;

/*
 * Read the stamp of a page. Takes and releases a buffer lock; strategy may be NULL.
 * ERRCODE_INDEX_CORRUPTED if it is not a barq page.
 */
extern BarqStamp barq_page_stamp(Relation index, BlockNumber block,
								 BufferAccessStrategy strategy);

/*
 * Stamp pages free, one WAL record each, and add them to the free space map. Nothing
 * reaches them. A page that is stamped leaves the list, so that the call can be
 * repeated after an error. Checks for interrupts. The caller holds the maintenance
 * lock.
 */
extern void barq_pages_free(Relation index, BarqBlockList *list);

/*
 * LockPage 0, shared: held by a process without the maintenance lock from taking
 * a page until the page is linked (S5). Waits; the caller holds no buffer lock.
 */
extern void barq_lock_linking(Relation index);
extern void barq_unlock_linking(Relation index);

/*
 * LockPage 0, exclusive, for a caller that holds the maintenance lock: together
 * they exclude every process that takes pages, so unreachable pages may be freed
 * (S5). Does not wait: false if another process holds LockPage 0.
 */
extern bool barq_try_lock_reclaim(Relation index);
extern void barq_unlock_reclaim(Relation index);

#ifdef USE_ASSERT_CHECKING
/*
 * For asserts: whether this process holds the maintenance lock or a stronger
 * lock on the index. True also in CREATE INDEX CONCURRENTLY, which holds neither
 * while it builds: other processes do not use the index yet.
 */
extern bool barq_holds_maintenance(Relation index);
#endif

#endif							/* BARQ_PAGE_H */
