/*
 * meta.h
 *	  The metapage (block 0): options of the index, versions, and the first pages
 *	  of its directory and its log.
 */
#ifndef BARQ_META_H
#define BARQ_META_H

#include "store/page.h"

#include "datatype/timestamp.h"

#define BARQ_META_BLOCK		0
#define BARQ_META_MAGIC		0x42524D54	/* "BRMT" */

/*
 * The format that this library writes, and the oldest one that it reads. Between
 * the two, a formerly reserved field that is zero means "none". The first record
 * that changes the metapage makes an index one of the present format
 * (barq_meta_touch); docs/design.md, "Formats", says what is promised.
 *
 * 4: metapage: map_era
 * 5: filter columns: in options, records of the log and footers of bodies
 */
#define BARQ_FORMAT_VERSION	5
#define BARQ_FORMAT_OLDEST	3

#define BARQ_ID_BYTES		16

/*
 * Options frozen at creation. The index kind defines the content of `bytes`,
 * which the store only keeps.
 */
typedef struct BarqFrozenOptions
{
	uint16		index_kind;		/* BARQ_KIND_* of the access method */
	uint16		version;		/* of the layout of `bytes` */
	uint16		filter_columns;
	uint16		reserved;
	char		bytes[248];
} BarqFrozenOptions;

/*
 * What the next holder of the maintenance lock has to know; all zero: nothing. Only
 * holders of that lock change it.
 */
typedef struct BarqUpkeep
{
	/* Id of the segment that an interrupted merge makes, if it can go on (L18). */
	uint8		merge[BARQ_ID_BYTES];

	/* A step writes pages that nothing reaches yet, or ended before it freed them. */
	uint32		pages_pending;
	uint32		failures;		/* merges that failed since the last that did not */
	TimestampTz retry;			/* no merge before, unless a command asks for it */
} BarqUpkeep;

StaticAssertDecl(sizeof(BarqUpkeep) == 32, "BarqUpkeep is on disk");

typedef struct BarqMeta
{
	uint32		magic;			/* BARQ_META_MAGIC */
	uint32		format_version; /* BARQ_FORMAT_OLDEST ... BARQ_FORMAT_VERSION */

	/* Random; new at creation and TRUNCATE. All zero in an init fork. */
	uint8		incarnation[BARQ_ID_BYTES];

	/* Increases whenever the directory or the growing head is replaced. */
	uint64		directory_version;

	/* Increases whenever VACUUM has finished marking rows dead (S7). */
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

	/* Since when the free space map is right (free_map.h); 0: it may not be. */
	uint64		map_era;
	uint64		reserved_space;

	BarqUpkeep	upkeep;

	uint64		calibration[6]; /* defined by the index kind; all zero: none */
	uint64		reserved[5];
} BarqMeta;

StaticAssertDecl(sizeof(BarqFrozenOptions) == 256, "BarqFrozenOptions is on disk");
StaticAssertDecl(offsetof(BarqMeta, options) == 104, "BarqMeta is on disk");
StaticAssertDecl(sizeof(BarqMeta) == 496, "BarqMeta is on disk");

#define BarqPageGetMeta(page) ((BarqMeta *) PageGetContents(page))

/*
 * Write block 0 of an empty fork, logged. In an init fork the incarnation stays
 * zero: barq_meta_touch() sets it in the main fork that is copied from it.
 */
extern void barq_meta_create(Relation index, ForkNumber fork,
							 const BarqFrozenOptions *options);

/*
 * Copy the metapage to *meta. The caller holds no buffer lock (S15).
 * ERRCODE_INDEX_CORRUPTED if block 0 is no metapage,
 * ERRCODE_FEATURE_NOT_SUPPORTED if it has a format that this library does not read.
 */
extern void barq_meta_read(Relation index, BarqMeta *meta);

/*
 * The format version of an index, also one that this library does not read; 0 if
 * block 0 is no metapage. The caller holds no buffer lock (S15).
 */
extern uint32 barq_meta_format(Relation index);

/*
 * To be called by a reader that found a page re-used, before it starts again
 * from the metapage. `version` is the directory version that it started from, 0
 * if it read none; *failed_version is 0 at first and receives it. Every page is
 * freed after the version has changed, so a second failure at the same version
 * is damage: ERRCODE_INDEX_CORRUPTED (S1).
 */
extern void barq_meta_check_moved(Relation index, uint64 version,
								  uint64 *failed_version);

/*
 * Raise ERRCODE_INDEX_CORRUPTED. For callers that hold the maintenance lock,
 * under which no reachable page is re-used.
 */
pg_noreturn extern void barq_meta_broken(Relation index);

/*
 * Lock the metapage exclusively. Returns its buffer, pinned, which the caller
 * releases with UnlockReleaseBuffer(). ERRCODE_INDEX_CORRUPTED if block 0 is no
 * metapage, ERRCODE_FEATURE_NOT_SUPPORTED if it has a format that this library does not read.
 */
extern Buffer barq_meta_lock(Relation index);

/*
 * Called between start and end of every record that changes the metapage: draw the
 * incarnation if it is zero, as in the copy of an init fork, and note the format of
 * this library. Cannot fail (S17).
 */
extern void barq_meta_touch(BarqMeta *meta);

/*
 * Increase the dead epoch by one record (S7); *epoch receives it. Returns the directory
 * version that the metapage has at that moment.
 */
extern uint64 barq_meta_bump_dead_epoch(Relation index, uint64 *epoch);

/*
 * Replace the field `upkeep` by one record. The caller holds the maintenance lock and
 * no buffer lock.
 */
extern void barq_meta_set_upkeep(Relation index, const BarqUpkeep *upkeep);

/* Does the metapage name a merge that can go on? Its record may have expired (L18). */
static inline bool
barq_meta_has_merge(const BarqMeta *meta)
{
	static const uint8 none[BARQ_ID_BYTES];

	return memcmp(meta->upkeep.merge, none, BARQ_ID_BYTES) != 0;
}

/*
 * Replace the field `calibration` by one record, which the server's standbys replay.
 * Any process may; the last one counts. The caller holds no buffer lock.
 */
extern void barq_meta_set_calibration(Relation index, const uint64 *calibration);

/*
 * A copy of the metapage, kept with the relcache entry; `refresh` reads it again.
 * Only its options are certainly up to date; inserts try its tail first. The
 * pointer is valid until the next relcache invalidation: use it before any call
 * that may process one.
 */
extern const BarqMeta *barq_meta_cached(Relation index, bool refresh);

/*
 * Draw a random id of BARQ_ID_BYTES bytes. ERRCODE_INTERNAL_ERROR if no random
 * numbers are available.
 */
extern void barq_new_id(uint8 *id);

#endif							/* BARQ_META_H */
