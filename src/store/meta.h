/*
 * meta.h
 *	  The metapage (block 0): what an index is and where its parts begin.
 */
#ifndef BARQ_META_H
#define BARQ_META_H

#include "store/page.h"

#include "datatype/timestamp.h"

#define BARQ_META_BLOCK		0
#define BARQ_META_MAGIC		0x42524D54	/* "BRMT" */
#define BARQ_FORMAT_VERSION	3

#define BARQ_ID_BYTES		16

/*
 * Options frozen at creation. `bytes` belongs to the kind of index; the store
 * keeps it and never looks inside.
 */
typedef struct BarqFrozenOptions
{
	uint16		index_kind;		/* BARQ_KIND_* whose access method this is */
	uint16		version;		/* of the layout of bytes */
	uint16		filter_columns; /* 0 so far */
	uint16		reserved;
	char		bytes[248];
} BarqFrozenOptions;

typedef struct BarqMeta
{
	uint32		magic;			/* BARQ_META_MAGIC */
	uint32		format_version; /* BARQ_FORMAT_VERSION */

	/* Random; new at creation and TRUNCATE. All zero in an init fork. */
	uint8		incarnation[BARQ_ID_BYTES];

	/* Goes up whenever the directory or the growing head is replaced. */
	uint64		directory_version;

	/* Goes up whenever VACUUM has finished marking rows dead. */
	uint64		dead_epoch;

	BlockNumber directory_head; /* InvalidBlockNumber: no segments */
	uint32		segments;		/* descriptors in the directory */
	uint64		directory_generation;

	BlockNumber growing_head;	/* InvalidBlockNumber: nothing inserted yet */
	BlockNumber growing_tail;
	uint64		growing_head_generation;
	uint64		growing_tail_generation;
	uint32		growing_pages;	/* pages from head to tail */
	uint32		next_segment;	/* number the next segment gets */

	TimestampTz last_seal;		/* 0: never */
	TimestampTz last_compaction;

	BarqFrozenOptions options;

	uint64		reserved[17];
} BarqMeta;

StaticAssertDecl(sizeof(BarqFrozenOptions) == 256, "BarqFrozenOptions is on disk");
StaticAssertDecl(offsetof(BarqMeta, options) == 104, "BarqMeta is on disk");
StaticAssertDecl(sizeof(BarqMeta) == 496, "BarqMeta is on disk");

#define BarqPageGetMeta(page) ((BarqMeta *) PageGetContents(page))

/*
 * Write block 0 of an empty fork. In an init fork the incarnation stays zero:
 * whoever first writes to the copy of it draws one.
 */
extern void barq_meta_create(Relation index, ForkNumber fork,
							 const BarqFrozenOptions *options);

/*
 * Copy the metapage. ERRCODE_INDEX_CORRUPTED where it is none;
 * ERRCODE_FEATURE_NOT_SUPPORTED where its format is another version's.
 */
extern void barq_meta_read(Relation index, BarqMeta *meta);

/*
 * Called by who found a page re-used and is to start again from the metapage,
 * with the directory version he started from: ERRCODE_INDEX_CORRUPTED if it is
 * the one that *failed_version (at first 0) remembers. Whatever frees a page
 * has moved the version before.
 */
extern void barq_meta_check_moved(Relation index, uint64 version,
								  uint64 *failed_version);

/*
 * The same for who holds the maintenance lock, under which no page is re-used:
 * ERRCODE_INDEX_CORRUPTED.
 */
pg_noreturn extern void barq_meta_broken(Relation index);

/* The metapage, exclusively locked, checked. */
extern Buffer barq_meta_lock(Relation index);

/*
 * Give a copy of an init fork its identity, under the caller's record that
 * changes the metapage.
 */
extern void barq_meta_identify(BarqMeta *meta);

/* Bump the dead epoch and return the directory version seen under the lock. */
extern uint64 barq_meta_bump_dead_epoch(Relation index);

/*
 * A copy of the metapage kept with the relcache entry. Only the options are
 * sure to be true still; the tail is where an insert looks first. `refresh`
 * reads it again. Valid until the next relcache invalidation: use it up
 * before anything that may process one.
 */
extern const BarqMeta *barq_meta_cached(Relation index, bool refresh);

extern void barq_new_id(uint8 *id);

#endif							/* BARQ_META_H */
