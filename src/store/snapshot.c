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
 * longest go first. Calls directory.c, dead_rows.c, image.c, image_acquire.c, view.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "base/settings.h"
#include "store/snapshot.h"
#include "base/steps.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Time after a failure to make an image before it is tried again. */
#define RETRY_MILLISECONDS	10000

/* Time after which a search looks again for images that a worker makes. */
#define WORKER_MILLISECONDS	20

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

/* Unpin the mappings of a snapshot that has no reference any more, and free it. */
static void
free_snapshot(BarqSnapshot *snapshot)
{
	Assert(snapshot->references == 0);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		if (snapshot->segments[i].mapping != NULL)
			barq_mapping_unpin(snapshot->segments[i].mapping);
		if (snapshot->segments[i].dead_rows != NULL)
			barq_dead_rows_release(snapshot->segments[i].dead_rows);
		if (snapshot->segments[i].tid_order != NULL)
			barq_tid_order_release(snapshot->segments[i].tid_order);
	}
	MemoryContextDelete(snapshot->context);
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
		free_snapshot(snapshot);
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
		free_snapshot(snapshot);
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
barq_snapshot_may_grow(BarqSnapshot *snapshot)
{
	Size		limit = (Size) barq_backend_cache * 1024;

	/* one that was replaced meanwhile ends with its scan */
	if (!snapshot->cached)
		return MemoryContextMemAllocated(snapshot->context, true) < limit;
	Assert(snapshot->references > 1);
	count_bytes(snapshot);
	if (cached_bytes >= limit)
		drop_least_used(limit);
	return cached_bytes < limit;
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

/*
 * Map the segments of a snapshot that are not mapped yet, making missing images, and
 * verify images, as far as a reader does that itself (image_acquire.c). Raises a
 * WARNING where an image cannot be made or mapped, or
 * ERRCODE_INSUFFICIENT_RESOURCES if barq.allow_fallback is off.
 */
static void
acquire_images(Relation index, BarqSnapshot *snapshot)
{
	BarqImageEffort effort;
	bool		complete = true;
	bool		missing = false;

	/* set again at the end: an error in between does not delay the next try */
	snapshot->retry_after = 0;
	barq_image_effort_init(&effort);
	for (uint32 i = 0; i < snapshot->nsegments; i++)
	{
		BarqSegment *segment = &snapshot->segments[i];

		barq_image_acquire(index, &segment->desc, &segment->mapping, &effort);
		missing |= segment->mapping == NULL;
		complete &= segment->mapping != NULL &&
			barq_mapping_is_verified(segment->mapping);
	}
	snapshot->complete = complete;
	if (complete)
		return;
	if (!missing || effort.reason == NULL)
	{
		/* images of which nothing is mapped are looked for now and then */
		if (missing && effort.asked)
			snapshot->retry_after = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
																WORKER_MILLISECONDS);
		return;
	}

	if (!barq_allow_fallback)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 effort.unmapped ?
				 errmsg("could not map the image of a segment of index \"%s\"",
						RelationGetRelationName(index)) :
				 errmsg("could not make the image of a segment of index \"%s\"",
						RelationGetRelationName(index)),
				 errdetail_internal("%s", effort.reason),
				 errhint("Set barq.allow_fallback to search its pages instead.")));
	ereport(WARNING,
			(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
			 effort.unmapped ?
			 errmsg("index \"%s\" is searched page by page because the image of a segment could not be mapped",
					RelationGetRelationName(index)) :
			 errmsg("index \"%s\" is searched page by page because the image of a segment could not be made",
					RelationGetRelationName(index)),
			 errdetail_internal("%s", effort.reason),
			 effort.unmapped ?
			 errhint("The process has too little address space or too many mappings: see ulimit -v and vm.max_map_count.") : 0));
	snapshot->retry_after =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), RETRY_MILLISECONDS);
}

/* qsort order: more rows with a key first, then lower numbers. */
static int
larger_first(const void *a, const void *b)
{
	const BarqSegment *x = a;
	const BarqSegment *y = b;

	if (barq_segment_keyed(&x->desc) != barq_segment_keyed(&y->desc))
		return barq_segment_keyed(&x->desc) > barq_segment_keyed(&y->desc) ? -1 : 1;
	return x->desc.number < y->desc.number ? -1 : 1;
}

/*
 * Give a segment of a new snapshot its dead rows: those of the snapshot that the
 * cache has, if the directory counted no more since then (S19), else from the file
 * or the pages. False if a page was re-used meanwhile.
 */
static bool
find_dead_rows(Relation index, BarqSegment *segment, const SnapshotEntry *entry)
{
	const BarqSnapshot *older = entry != NULL ? entry->snapshot : NULL;
	BarqDeadRows *dead = NULL;

	for (uint32 i = 0; older != NULL && i < older->nsegments; i++)
	{
		BarqDeadRows *known = older->segments[i].dead_rows;

		if (known == NULL || known->count != segment->desc.dead_rows ||
			memcmp(known->id, segment->desc.id, BARQ_ID_BYTES) != 0)
			continue;
		known->references++;
		dead = known;
		break;
	}
	if (dead == NULL && (dead = barq_dead_rows_get(index, &segment->desc)) == NULL)
		return false;
	segment->dead_rows = dead;
	segment->dead = dead->bits;
	return true;
}

/* Take over the orders of TIDs that the cache's snapshot has of the same segments. */
static void
take_tid_orders(BarqSnapshot *snapshot, const SnapshotEntry *entry)
{
	const BarqSnapshot *older = entry != NULL ? entry->snapshot : NULL;

	for (uint32 i = 0; older != NULL && i < older->nsegments; i++)
	{
		BarqTidOrder *order = older->segments[i].tid_order;

		for (uint32 j = 0; order != NULL && j < snapshot->nsegments; j++)
			if (memcmp(order->id, snapshot->segments[j].desc.id, BARQ_ID_BYTES) == 0)
			{
				order->references++;
				snapshot->segments[j].tid_order = order;
				break;
			}
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

/*
 * Give all segments of a snapshot their dead rows. False if a page was re-used; then,
 * and on an error, the snapshot is freed.
 */
static bool
find_all_dead_rows(Relation index, BarqSnapshot *snapshot, const SnapshotEntry *entry)
{
	volatile bool complete = true;

	PG_TRY();
	{
		for (uint32 i = 0; complete && i < snapshot->nsegments; i++)
			if (snapshot->segments[i].desc.dead_rows > 0)
				complete = find_dead_rows(index, &snapshot->segments[i], entry);
	}
	PG_CATCH();
	{
		free_snapshot(snapshot);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!complete)
		free_snapshot(snapshot);
	return complete;
}

/*
 * Read directory and dead rows into a snapshot without references or mappings,
 * whose memory context is a child of the current one. NULL if a page of the
 * tombstones was re-used meanwhile. *meta receives the metapage. `entry`: of the
 * index in the cache, or NULL.
 */
static BarqSnapshot *
read_snapshot(Relation index, BarqMeta *meta, const SnapshotEntry *entry)
{
	MemoryContext context;
	MemoryContext old;
	BarqSnapshot *snapshot;
	BarqSegmentDesc *descs;

	context = AllocSetContextCreate(CurrentMemoryContext, "barq snapshot",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	descs = barq_directory_current(index, meta, NULL);
	barq_step("snapshot: directory read");

	snapshot = palloc0(sizeof(BarqSnapshot));
	snapshot->context = context;
	snapshot->locator = BarqRelationLocator(index);
	snapshot->backend = index->rd_backend;
	snapshot->relid = RelationGetRelid(index);
	memcpy(snapshot->incarnation, meta->incarnation, BARQ_ID_BYTES);
	snapshot->directory_version = meta->directory_version;
	snapshot->dead_epoch = meta->dead_epoch;
	snapshot->nsegments = meta->segments;
	snapshot->segments = palloc0(sizeof(BarqSegment) * Max(meta->segments, 1));
	for (uint32 i = 0; i < meta->segments; i++)
		snapshot->segments[i].desc = descs[i];
	qsort(snapshot->segments, snapshot->nsegments, sizeof(BarqSegment), larger_first);
	pfree(descs);
	MemoryContextSwitchTo(old);
	if (!find_all_dead_rows(index, snapshot, entry))
		return NULL;
	take_tid_orders(snapshot, entry);
	return snapshot;
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

		while ((snapshot = read_snapshot(index, meta, entry)) == NULL)
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
		acquire_images(index, snapshot);
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
		barq_view_init_pages(view, index, &s->desc, work_mem / Max(sharers, 1));
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
