/*
 * meta.c
 *	  Reading and writing the metapage. directory.c and growing.c update the
 *	  fields for their own pages in separate WAL records.
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "store/free_map.h"
#include "store/meta.h"
#include "base/steps.h"

void
barq_new_id(uint8 *id)
{
	if (!pg_strong_random(id, BARQ_ID_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate a random identifier")));
}

/* Make `page` the metapage of an empty index; `identify`: draw its incarnation. */
static void
init_meta_page(Page page, const BarqFrozenOptions *options, bool identify)
{
	BarqMeta	meta;

	memset(&meta, 0, sizeof(meta));
	meta.magic = BARQ_META_MAGIC;
	meta.format_version = BARQ_FORMAT_VERSION;
	if (identify)
	{
		barq_new_id(meta.incarnation);
		meta.map_era = barq_free_map_era();
	}
	meta.directory_version = 1;
	meta.dead_epoch = 1;
	meta.directory_head = InvalidBlockNumber;
	meta.growing_head = InvalidBlockNumber;
	meta.growing_tail = InvalidBlockNumber;
	meta.next_segment = 1;
	meta.options = *options;

	barq_page_init(page, BARQ_PART_META, BARQ_META_MAGIC);
	barq_page_append(page, &meta, sizeof(meta));
}

void
barq_meta_create(Relation index, ForkNumber fork, const BarqFrozenOptions *options)
{
	Buffer		buffer;

	Assert(RelationGetNumberOfBlocksInFork(index, fork) == 0);

	buffer = ReadBufferExtended(index, fork, P_NEW, RBM_NORMAL, NULL);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);

	if (fork == INIT_FORKNUM)
	{
		/*
		 * An init fork has to be logged although the relation is unlogged, for
		 * which GenericXLog writes no WAL.
		 */
		START_CRIT_SECTION();
		init_meta_page(BufferGetPage(buffer), options, false);
		MarkBufferDirty(buffer);
		barq_log_page(buffer, "meta: create init fork");
		END_CRIT_SECTION();
	}
	else
	{
		GenericXLogState *state = GenericXLogStart(index);
		Page		page = GenericXLogRegisterBuffer(state, buffer,
													 GENERIC_XLOG_FULL_IMAGE);

		init_meta_page(page, options, true);
		barq_finish_record(state, "meta: create");
	}
	UnlockReleaseBuffer(buffer);
}

/* Is a page a metapage, of whatever format? The caller holds a lock on its buffer. */
static bool
is_meta_page(Relation index, Page page)
{
	return barq_page_is(index, BARQ_META_BLOCK, page, BARQ_PART_META, BARQ_META_MAGIC) &&
		BarqPageGetMeta(page)->magic == BARQ_META_MAGIC;
}

/*
 * Check a metapage; raises the errors listed at barq_meta_read(). The caller holds a
 * lock on the buffer, which an error releases.
 */
static void
check_meta_page(Relation index, Page page)
{
	const BarqMeta *meta = BarqPageGetMeta(page);

	if (!is_meta_page(index, page))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" has no valid metapage at block %u",
						RelationGetRelationName(index), BARQ_META_BLOCK),
				 errhint("Please REINDEX it.")));
	if (meta->format_version < BARQ_FORMAT_OLDEST ||
		meta->format_version > BARQ_FORMAT_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, this library reads versions %u to %u",
						RelationGetRelationName(index), meta->format_version,
						BARQ_FORMAT_OLDEST, BARQ_FORMAT_VERSION),
				 meta->format_version > BARQ_FORMAT_VERSION ?
				 errhint("A newer version of barq wrote it: please install that version, or REINDEX the index.") :
				 errhint("Please REINDEX it.")));
}

void
barq_meta_read(Relation index, BarqMeta *meta)
{
	Buffer		buffer = ReadBuffer(index, BARQ_META_BLOCK);

	barq_lock_shared(buffer);
	check_meta_page(index, BufferGetPage(buffer));
	*meta = *BarqPageGetMeta(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
}

uint32
barq_meta_format(Relation index)
{
	Buffer		buffer;
	uint32		version = 0;

	if (RelationGetNumberOfBlocks(index) == 0)
		return 0;
	buffer = ReadBuffer(index, BARQ_META_BLOCK);
	barq_lock_shared(buffer);
	if (is_meta_page(index, BufferGetPage(buffer)))
		version = BarqPageGetMeta(BufferGetPage(buffer))->format_version;
	UnlockReleaseBuffer(buffer);
	return version;
}

void
barq_meta_broken(Relation index)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("index \"%s\" refers to pages that do not belong to it",
					RelationGetRelationName(index)),
			 errhint("barq_check() shows which. Please REINDEX the index.")));
}

void
barq_meta_check_moved(Relation index, uint64 version, uint64 *failed_version)
{
	if (version != 0 && version == *failed_version)
		barq_meta_broken(index);
	*failed_version = version;
}

Buffer
barq_meta_lock(Relation index)
{
	Buffer		buffer = ReadBuffer(index, BARQ_META_BLOCK);

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	check_meta_page(index, BufferGetPage(buffer));
	return buffer;
}

void
barq_meta_touch(BarqMeta *meta)
{
	static const uint8 none[BARQ_ID_BYTES];

	Assert(meta->format_version >= BARQ_FORMAT_OLDEST &&
		   meta->format_version <= BARQ_FORMAT_VERSION);
	meta->format_version = BARQ_FORMAT_VERSION;
	if (memcmp(meta->incarnation, none, BARQ_ID_BYTES) != 0)
		return;

	/*
	 * pg_strong_random() may fail, which is not allowed within a record (S17).
	 * barq_new_generation() is random enough to distinguish two incarnations
	 * of one relfilenode.
	 */
	for (int i = 0; i < BARQ_ID_BYTES; i += sizeof(uint64))
	{
		uint64		r = barq_new_generation();

		memcpy(meta->incarnation + i, &r, sizeof(r));
	}
}

uint64
barq_meta_bump_dead_epoch(Relation index, uint64 *epoch)
{
	Buffer		buffer = barq_meta_lock(index);
	GenericXLogState *state = GenericXLogStart(index);
	BarqMeta   *meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, buffer, 0));
	uint64		version;

	barq_meta_touch(meta);
	*epoch = ++meta->dead_epoch;
	version = meta->directory_version;
	barq_finish_record(state, "meta: dead epoch");
	UnlockReleaseBuffer(buffer);
	return version;
}

void
barq_meta_set_upkeep(Relation index, const BarqUpkeep *upkeep)
{
	Buffer		buffer = barq_meta_lock(index);
	GenericXLogState *state = GenericXLogStart(index);
	BarqMeta   *meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, buffer, 0));

	Assert(barq_holds_maintenance(index));	/* L14, L16 */
	barq_meta_touch(meta);
	meta->upkeep = *upkeep;
	barq_finish_record(state, "meta: upkeep");
	UnlockReleaseBuffer(buffer);
}

void
barq_meta_set_calibration(Relation index, const uint64 *calibration)
{
	Buffer		buffer = barq_meta_lock(index);
	GenericXLogState *state = GenericXLogStart(index);
	BarqMeta   *meta = BarqPageGetMeta(GenericXLogRegisterBuffer(state, buffer, 0));

	barq_meta_touch(meta);
	memcpy(meta->calibration, calibration, sizeof(meta->calibration));
	barq_finish_record(state, "meta: calibration");
	UnlockReleaseBuffer(buffer);
}

const BarqMeta *
barq_meta_cached(Relation index, bool refresh)
{
	if (index->rd_amcache == NULL || refresh)
	{
		BarqMeta	meta;

		barq_meta_read(index, &meta);
		if (index->rd_amcache == NULL)
			index->rd_amcache = MemoryContextAlloc(index->rd_indexcxt, sizeof(BarqMeta));
		memcpy(index->rd_amcache, &meta, sizeof(BarqMeta));
	}
	return (const BarqMeta *) index->rd_amcache;
}
