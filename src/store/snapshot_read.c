/*
 * snapshot_read.c
 *	  Finds the contents of a snapshot, directory, dead rows and images, for the cache of
 *	  snapshot.c. Calls directory.c, dead_rows.c, image_acquire.c, kept_rows.c,
 *	  tid_order.c.
 */
#include "postgres.h"

#include "base/settings.h"
#include "base/steps.h"
#include "store/kept_rows.h"
#include "store/snapshot_read.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Time after a failure to make an image before it is tried again. */
#define RETRY_MILLISECONDS	10000

/* Time after which a search looks again for images that a worker makes. */
#define WORKER_MILLISECONDS	20

void
barq_snapshot_free(BarqSnapshot *snapshot)
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
		barq_kept_release(&snapshot->segments[i]);
	}
	MemoryContextDelete(snapshot->context);
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
find_dead_rows(Relation index, BarqSegment *segment, const BarqSnapshot *older)
{
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

/*
 * Take over what the cache's snapshot found out about the same segments: the order of their
 * TIDs, and the rows that conditions admit.
 */
static void
take_findings(BarqSnapshot *snapshot, const BarqSnapshot *older)
{
	for (uint32 i = 0; older != NULL && i < older->nsegments; i++)
	{
		const BarqSegment *from = &older->segments[i];

		for (uint32 j = 0; j < snapshot->nsegments; j++)
		{
			BarqSegment *segment = &snapshot->segments[j];

			if (memcmp(from->desc.id, segment->desc.id, BARQ_ID_BYTES) != 0)
				continue;
			segment->tid_order = from->tid_order;
			if (segment->tid_order != NULL)
				segment->tid_order->references++;
			barq_kept_share(segment, from);
			break;
		}
	}
}

/*
 * Give all segments of a snapshot their dead rows. False if a page was re-used; then,
 * and on an error, the snapshot is freed.
 */
static bool
find_all_dead_rows(Relation index, BarqSnapshot *snapshot, const BarqSnapshot *older)
{
	volatile bool complete = true;

	PG_TRY();
	{
		for (uint32 i = 0; complete && i < snapshot->nsegments; i++)
			if (snapshot->segments[i].desc.dead_rows > 0)
				complete = find_dead_rows(index, &snapshot->segments[i], older);
	}
	PG_CATCH();
	{
		barq_snapshot_free(snapshot);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!complete)
		barq_snapshot_free(snapshot);
	return complete;
}

BarqSnapshot *
barq_snapshot_read(Relation index, BarqMeta *meta, const BarqSnapshot *older)
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
	if (!find_all_dead_rows(index, snapshot, older))
		return NULL;
	take_findings(snapshot, older);
	return snapshot;
}

void
barq_snapshot_acquire_images(Relation index, BarqSnapshot *snapshot)
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
