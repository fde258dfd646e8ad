/*
 * snapshot.c
 *	  The backend's cache of directories, tombstones and mapped images.
 *
 * The cache holds one snapshot for each index, keyed by its storage, as long as
 * incarnation, directory version and dead epoch on the metapage are unchanged.
 * Scans hold references; a snapshot that was replaced is freed with its last
 * reference. A snapshot that an announcement (announce.h) says is out of date is
 * dropped as soon as no scan uses it; mappings of images that are still there stay
 * pinned for the next one, which has most of these segments too. The memory of all
 * snapshots together is bounded by barq.backend_cache: those that were not used for
 * longest go first. Calls kept_rows.c, snapshot_read.c, image.c, view.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "base/settings.h"
#include "store/kept_rows.h"
#include "store/snapshot.h"
#include "store/snapshot_read.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct SnapshotKey
{
	BarqLocator locator;
	int			backend;
} SnapshotKey;

typedef struct SnapshotEntry
{
	SnapshotKey key;
	Oid			relid;
	BarqSnapshot *snapshot;		/* NULL: out of date, and dropped */
	BarqMapping **kept;			/* of a dropped snapshot, pinned; or NULL */
	uint32		nkept;
} SnapshotEntry;

/* A reference that the reset of an owner's memory context drops. */
typedef struct SnapshotOwner
{
	MemoryContextCallback callback;
	BarqSnapshot *snapshot;		/* NULL: none yet, or dropped */
} SnapshotOwner;

static HTAB *snapshots = NULL;	/* of SnapshotEntry */

/* Cached snapshots; those used since they were counted are first. */
static dlist_head cached = DLIST_STATIC_INIT(cached);
static Size cached_bytes = 0;	/* of them, as counted */

/* Create the cache, with entries keyed by the storage of indexes. */
static void
init_cache(void)
{
	HASHCTL		control;

	memset(&control, 0, sizeof(control));
	control.keysize = sizeof(SnapshotKey);
	control.entrysize = sizeof(SnapshotEntry);
	snapshots = hash_create("barq index snapshots", 32, &control,
							HASH_ELEM | HASH_BLOBS);
}

/* The key of the entry of an index's snapshot. */
static SnapshotKey
snapshot_key(BarqLocator locator, int backend)
{
	SnapshotKey key;

	memset(&key, 0, sizeof(key));
	key.locator = locator;
	key.backend = backend;
	return key;
}

/* Unpin the mappings that an entry has kept. */
static void
drop_kept(SnapshotEntry *entry)
{
	for (uint32 i = 0; i < entry->nkept; i++)
		barq_mapping_unpin(entry->kept[i]);
	if (entry->kept != NULL)
		pfree(entry->kept);
	entry->kept = NULL;
	entry->nkept = 0;
}

/* Drop the cache's reference to the snapshot of an entry. */
static void
uncache(SnapshotEntry *entry)
{
	BarqSnapshot *snapshot = entry->snapshot;

	entry->snapshot = NULL;
	if (snapshot == NULL)
		return;
	Assert(snapshot->cached);
	snapshot->cached = false;
	dlist_delete(&snapshot->node);
	cached_bytes -= snapshot->bytes;
	if (--snapshot->references == 0)
		barq_snapshot_free(snapshot);
}

/*
 * Drop the snapshot of an entry, which no owner has, but keep the mappings that
 * are worth it. Removes the entry if nothing is left. Raises no error.
 */
static void
drop_stale(SnapshotEntry *entry)
{
	BarqSnapshot *snapshot = entry->snapshot;

	Assert(snapshot->references == 1 && entry->kept == NULL);
	if (snapshot->nsegments > 0)
		entry->kept = MemoryContextAllocExtended(CacheMemoryContext,
												 sizeof(BarqMapping *) * snapshot->nsegments,
												 MCXT_ALLOC_NO_OOM);
	for (uint32 i = 0; entry->kept != NULL && i < snapshot->nsegments; i++)
	{
		BarqMapping *mapping = snapshot->segments[i].mapping;

		if (mapping == NULL || !barq_mapping_is_worth_keeping(mapping))
			continue;
		barq_mapping_pin(mapping);
		entry->kept[entry->nkept++] = mapping;
	}
	uncache(entry);
	if (entry->nkept == 0)
	{
		drop_kept(entry);
		hash_search(snapshots, &entry->key, HASH_REMOVE, NULL);
	}
}

/* Unpin mappings of an entry, which no owner uses, that are not worth keeping. */
static void
check_files(SnapshotEntry *entry)
{
	BarqSnapshot *snapshot = entry->snapshot;
	uint32		nkept = 0;

	for (uint32 i = 0; snapshot != NULL && i < snapshot->nsegments; i++)
	{
		BarqSegment *segment = &snapshot->segments[i];

		if (segment->mapping == NULL || barq_mapping_is_worth_keeping(segment->mapping))
			continue;
		barq_mapping_unpin(segment->mapping);
		segment->mapping = NULL;
		snapshot->complete = false;
	}
	for (uint32 i = 0; i < entry->nkept; i++)
	{
		if (barq_mapping_is_worth_keeping(entry->kept[i]))
			entry->kept[nkept++] = entry->kept[i];
		else
			barq_mapping_unpin(entry->kept[i]);
	}
	entry->nkept = nkept;
	if (snapshot != NULL)
		snapshot->check_files = false;
	else if (nkept == 0)
	{
		drop_kept(entry);
		hash_search(snapshots, &entry->key, HASH_REMOVE, NULL);
	}
}

/* Do what announcements asked for, if no owner has the entry's snapshot. */
static void
heed(SnapshotEntry *entry)
{
	BarqSnapshot *snapshot = entry->snapshot;

	if (snapshot != NULL && snapshot->references > 1)
		return;
	if (snapshot != NULL && snapshot->stale)
		drop_stale(entry);
	else if (snapshot == NULL || snapshot->check_files)
		check_files(entry);
}

/* Drop the reference of an owner. */
static void
drop_reference(BarqSnapshot *snapshot)
{
	Assert(snapshot->references > 0);
	if (--snapshot->references == 0)
		barq_snapshot_free(snapshot);
	else if (snapshot->references == 1 && snapshot->cached &&
			 (snapshot->stale || snapshot->check_files))
	{
		SnapshotKey key = snapshot_key(snapshot->locator, snapshot->backend);

		heed(hash_search(snapshots, &key, HASH_FIND, NULL));
	}
}

/* Reset callback of an owner's memory context. */
static void
release_owned(void *arg)
{
	SnapshotOwner *owner = arg;

	if (owner->snapshot != NULL)
		drop_reference(owner->snapshot);
	owner->snapshot = NULL;
}

/* Count the memory of a cached snapshot again: its log's cache may have grown. */
static void
count_bytes(BarqSnapshot *snapshot)
{
	cached_bytes -= snapshot->bytes;
	snapshot->bytes = MemoryContextMemAllocated(snapshot->context, true);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		const BarqDeadRows *dead = snapshot->segments[i].dead_rows;

		if (dead != NULL && dead->address == NULL)
			snapshot->bytes += dead->bytes;
		if (snapshot->segments[i].tid_order != NULL)
			snapshot->bytes += snapshot->segments[i].tid_order->bytes;
		snapshot->bytes += barq_kept_bytes(&snapshot->segments[i]);
	}
	cached_bytes += snapshot->bytes;
}

/* Drop cached snapshots without owners, from the end of the list, down to a limit. */
static void
drop_least_used(Size limit)
{
	dlist_node *node = dlist_is_empty(&cached) ? NULL : dlist_tail_node(&cached);

	while (node != NULL && cached_bytes > limit)
	{
		BarqSnapshot *snapshot = dlist_container(BarqSnapshot, node, node);
		SnapshotKey key = snapshot_key(snapshot->locator, snapshot->backend);
		SnapshotEntry *entry;

		node = dlist_has_prev(&cached, node) ? dlist_prev_node(&cached, node) : NULL;
		if (snapshot->references > 1)
			continue;
		entry = hash_search(snapshots, &key, HASH_FIND, NULL);
		Assert(entry != NULL && entry->snapshot == snapshot);
		uncache(entry);
		drop_kept(entry);
		hash_search(snapshots, &key, HASH_REMOVE, NULL);
	}
}

bool
barq_snapshot_may_grow(BarqSnapshot *snapshot, Size more)
{
	Size		limit = (Size) barq_backend_cache * 1024;

	/* one that was replaced meanwhile ends with its scan */
	if (!snapshot->cached)
		return MemoryContextMemAllocated(snapshot->context, true) + more <= limit;
	Assert(snapshot->references > 1);
	count_bytes(snapshot);
	if (snapshot->bytes + more > limit)
		return false;
	if (cached_bytes + more > limit)
		drop_least_used(limit - more);
	return cached_bytes + more <= limit;
}

void
barq_snapshots_trim(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &cached)
	{
		BarqSnapshot *snapshot = dlist_container(BarqSnapshot, node, iter.cur);

		if (!snapshot->used)
			break;
		snapshot->used = false;
		count_bytes(snapshot);
	}
	drop_least_used((Size) barq_backend_cache * 1024);
}

/*
 * Call visit() for what is remembered of an index (InvalidOid: of all indexes); it may
 * remove the entry.
 */
static void
visit_entries(Oid relid, void (*visit) (SnapshotEntry *entry))
{
	HASH_SEQ_STATUS status;
	SnapshotEntry *entry;

	if (snapshots == NULL)
		return;
	hash_seq_init(&status, snapshots);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (!OidIsValid(relid) || entry->relid == relid)
			visit(entry);
}

static void
forget_entry(SnapshotEntry *entry)
{
	uncache(entry);
	drop_kept(entry);
	hash_search(snapshots, &entry->key, HASH_REMOVE, NULL);
}

static void
suspect_entry(SnapshotEntry *entry)
{
	if (entry->snapshot != NULL)
		entry->snapshot->stale = true;
	heed(entry);
}

void
barq_snapshot_forget(Oid relid)
{
	visit_entries(relid, forget_entry);
}

void
barq_snapshot_suspect(Oid relid)
{
	visit_entries(relid, suspect_entry);
}

void
barq_snapshot_announced(const BarqAnnouncement *announcement)
{
	HASH_SEQ_STATUS status;
	SnapshotEntry *entry;

	if (snapshots == NULL)
		return;
	hash_seq_init(&status, snapshots);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		BarqSnapshot *snapshot = entry->snapshot;

		if (!barq_announcement_concerns(announcement, entry->key.locator))
			continue;
		if (snapshot != NULL)
		{
			snapshot->check_files = true;
			if (barq_announcement_is_newer(announcement, snapshot->directory_version,
										   snapshot->dead_epoch))
				snapshot->stale = true;
		}
		heed(entry);
	}
}

const BarqTidOrder *
barq_snapshot_tid_order(BarqSnapshot *snapshot, uint32 segment, BarqView *view)
{
	BarqSegment *of = &snapshot->segments[segment];

	if (of->tid_order == NULL)
		of->tid_order = barq_tid_order_make(view, of->desc.id);
	return of->tid_order;
}

/* Whether the metapage still has the versions that the snapshot was read at. */
static bool
is_current(const BarqSnapshot *snapshot, const BarqMeta *meta)
{
	return snapshot->directory_version == meta->directory_version &&
		snapshot->dead_epoch == meta->dead_epoch &&
		memcmp(snapshot->incarnation, meta->incarnation, BARQ_ID_BYTES) == 0;
}

/* Give a snapshot, pinned once more, a mapping if it is of one of its segments. */
static void
share_mapping(BarqSnapshot *snapshot, BarqMapping *mapping)
{
	for (uint32 i = 0; mapping != NULL && i < snapshot->nsegments; i++)
	{
		BarqSegment *segment = &snapshot->segments[i];

		if (segment->mapping != NULL ||
			memcmp(segment->desc.id, mapping->id, BARQ_ID_BYTES) != 0)
			continue;
		segment->mapping = mapping;
		barq_mapping_pin(mapping);
	}
}

/*
 * Put a new snapshot in the place of the one that the cache has, and let it share
 * the older one's mappings and those that were kept.
 */
static void
replace_cached(const SnapshotKey *key, BarqSnapshot *snapshot)
{
	bool		found;
	SnapshotEntry *entry = hash_search(snapshots, key, HASH_ENTER, &found);
	BarqSnapshot *older = found ? entry->snapshot : NULL;

	if (!found)
	{
		entry->snapshot = NULL;
		entry->kept = NULL;
		entry->nkept = 0;
	}

	/* S7 */
	Assert(older == NULL ||
		   memcmp(snapshot->incarnation, older->incarnation, BARQ_ID_BYTES) != 0 ||
		   (snapshot->directory_version >= older->directory_version &&
			snapshot->dead_epoch >= older->dead_epoch));

	/* pin what is shared before the old snapshot unpins it */
	for (uint32 i = 0; older != NULL && i < older->nsegments; i++)
		share_mapping(snapshot, older->segments[i].mapping);
	for (uint32 i = 0; i < entry->nkept; i++)
		share_mapping(snapshot, entry->kept[i]);
	uncache(entry);
	drop_kept(entry);

	MemoryContextSetParent(snapshot->context, CacheMemoryContext);
	snapshot->references = 1;
	snapshot->cached = true;
	snapshot->complete = snapshot->nsegments == 0;
	dlist_push_head(&cached, &snapshot->node);
	entry->snapshot = snapshot;
	entry->relid = snapshot->relid;
}

BarqSnapshot *
barq_snapshot_get(Relation index, BarqMeta *meta, bool images, MemoryContext owner_context)
{
	SnapshotKey key = snapshot_key(BarqRelationLocator(index), index->rd_backend);
	SnapshotEntry *entry;
	BarqSnapshot *snapshot;
	SnapshotOwner *owner;

	if (snapshots == NULL)
		init_cache();
	owner = MemoryContextAllocZero(owner_context, sizeof(SnapshotOwner));
	owner->callback.func = release_owned;
	owner->callback.arg = owner;
	MemoryContextRegisterResetCallback(owner_context, &owner->callback);

	barq_meta_read(index, meta);
	entry = hash_search(snapshots, &key, HASH_FIND, NULL);
	if (entry != NULL && entry->snapshot != NULL && !entry->snapshot->stale &&
		is_current(entry->snapshot, meta))
		snapshot = entry->snapshot;
	else
	{
		uint64		failed_version = 0;

		while ((snapshot = barq_snapshot_read(index, meta, entry != NULL ? entry->snapshot : NULL)) == NULL)
		{
			CHECK_FOR_INTERRUPTS();
			barq_meta_check_moved(index, meta->directory_version, &failed_version);
		}
		replace_cached(&key, snapshot);
	}
	snapshot->references++;
	owner->snapshot = snapshot;
	if (!snapshot->used)
		dlist_move_head(&cached, &snapshot->node);
	snapshot->used = true;

	if (images && !snapshot->complete &&
		(snapshot->retry_after == 0 || snapshot->retry_after < GetCurrentTimestamp()))
		barq_snapshot_acquire_images(index, snapshot);
	return snapshot;
}

void
barq_snapshot_view(BarqSnapshot *snapshot, uint32 segment, Relation index,
				   int sharers, BarqView *view)
{
	BarqSegment *s = &snapshot->segments[segment];

	Assert(segment < snapshot->nsegments);
	Assert(snapshot->references > 0);
	if (s->mapping != NULL)
		barq_view_init_image(view, index, &s->desc, s->mapping,
							 work_mem / Max(sharers, 1));
	else
		barq_view_init_pages(view, index, &s->desc, work_mem / Max(sharers, 1), NULL);
}

BarqView *
barq_snapshot_views(BarqSnapshot *snapshot, Relation index, bool keyless_only)
{
	BarqView   *views = palloc0(sizeof(BarqView) * Max(snapshot->nsegments, 1));
	int			page_views = 0;

	for (uint32 i = 0; i < snapshot->nsegments; i++)
		page_views += snapshot->segments[i].mapping == NULL;
	for (uint32 i = 0; i < snapshot->nsegments; i++)
		if (!keyless_only || snapshot->segments[i].desc.keyless > 0)
			barq_snapshot_view(snapshot, i, index, page_views, &views[i]);
	return views;
}
