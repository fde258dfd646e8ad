/*
 * publish.c
 *	  Publication: write a new directory and make it current by one WAL record,
 *	  which decides between the old state and the new (README.md, L2 and L3).
 */
#include "postgres.h"

#include "base/array.h"
#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/announce.h"
#include "utils/timestamp.h"

static int
compare_tids(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) a, (ItemPointer) b);
}

void
barq_mark_tids(const char *body, uint64 bytes, ItemPointerData *dead, uint32 ndead,
			   uint8 *bitmap)
{
	BarqView	view;

	qsort(dead, ndead, sizeof(ItemPointerData), compare_tids);
	barq_view_init_memory(&view, body, bytes);
	for (uint32 row = 0; row < barq_view_all_rows(&view); row++)
	{
		ItemPointerData tid = barq_view_tid(&view, row);

		if (bsearch(&tid, dead, ndead, sizeof(ItemPointerData), compare_tids) != NULL)
			barq_bit_set(bitmap, row);
	}
}

void
barq_add_new_marks(Relation index, const BarqSegmentDesc *desc, const uint8 *before,
				   BarqView *view, BarqDeadTids *dead)
{
	uint8	   *now = barq_tombstones_read(index, desc);

	if (now == NULL)
		barq_meta_broken(index);
	for (uint32 row = 0; row < desc->rows; row++)
	{
		/* skip eight rows at once where no mark was added */
		if ((row & 7) == 0 && now[row >> 3] == (before ? before[row >> 3] : 0))
		{
			row += 7;
			continue;
		}
		if (!barq_bit_is_set(now, row))
		{
			/* L4: a mark is never taken back */
			Assert(before == NULL || !barq_bit_is_set(before, row));
			continue;
		}
		if (before && barq_bit_is_set(before, row))
			continue;
		BARQ_ARRAY_RESERVE(dead->tids, dead->space, dead->n + 1, 256);
		dead->tids[dead->n++] = barq_view_tid(view, row);
	}
	pfree(now);
}

/* Whether `change` removes the segment of this descriptor. */
static bool
is_removed(const BarqChange *change, const BarqSegmentDesc *desc)
{
	for (uint32 i = 0; i < change->nremove; i++)
		if (memcmp(change->remove[i].id, desc->id, BARQ_ID_BYTES) == 0)
			return true;
	return false;
}

/*
 * If `desc`, just read from the directory, is of a moved segment: give it the new
 * extents and, where its tombstones move too, write them with the marks as they
 * are now.
 */
static void
apply_move(Relation index, const BarqChange *change, BarqSegmentDesc *desc,
		   BarqBlockList *written)
{
	for (uint32 i = 0; i < change->nmoved; i++)
	{
		const BarqMovedSegment *moved = &change->moved[i];
		uint8	   *bitmap = NULL;

		if (memcmp(moved->desc.id, desc->id, BARQ_ID_BYTES) != 0)
			continue;

		/* L8: pages lie elsewhere, the body is the same */
		Assert(moved->desc.moves == desc->moves + 1);
		Assert(moved->desc.generation == desc->generation &&
			   moved->desc.body_bytes == desc->body_bytes &&
			   EQ_CRC32C(moved->desc.crc, desc->crc));
		if (moved->tombstones && (bitmap = barq_tombstones_read(index, desc)) == NULL)
			barq_meta_broken(index);
		desc->extents_head = moved->desc.extents_head;
		desc->extents_pages = moved->desc.extents_pages;
		desc->moves = moved->desc.moves;
		if (bitmap != NULL)
		{
			barq_step("move: marks collected");
			barq_tombstones_write(index, change->supply, desc, bitmap, written);
			pfree(bitmap);
		}
	}
}

/* Write the tombstones of the added segment: the rows that died since its body was built. */
static void
write_added(Relation index, const BarqChange *change, BarqPublication *publication,
			BarqBlockList *written)
{
	uint8	   *bitmap = palloc0(barq_bits_bytes(change->add->rows) + 8);

	if (change->collect_dead != NULL)
		change->collect_dead(index, change->arg, bitmap);
	barq_step("publish: marks collected");
	barq_tombstones_write(index, change->supply, change->add, bitmap, written);
	pfree(bitmap);
	change->add->number = publication->next_segment++;
}

/* Append all blocks of `more` to `list`. */
static void
add_blocks(BarqBlockList *list, const BarqBlockList *more)
{
	for (uint32 i = 0; i < more->count; i++)
		barq_blocks_add(list, more->blocks[i]);
}

/* Append the pages, those of the directory excepted, that `change` has nothing reach. */
static void
list_replaced(Relation index, const BarqChange *change, BarqBlockList *list)
{
	if (change->sealed)
		add_blocks(list, change->sealed_pages);
	if (change->nmoved > 0)
		add_blocks(list, change->moved_pages);
	for (uint32 i = 0; i < change->nremove; i++)
		if (!barq_segment_blocks(index, &change->remove[i], list))
			barq_meta_broken(index);
}

/*
 * Write everything that the new directory needs and swap. Returns false if VACUUM
 * bumped the epoch meanwhile: then nothing was changed. `unreached` receives the
 * pages written. If they were swapped in, it receives instead those of `garbage`, and
 * those that only the old directory reached. *version, 0 at the first attempt,
 * receives the directory version seen, *epoch the dead epoch.
 */
static bool
try_to_publish(Relation index, BarqChange *change, BarqBlockList *unreached,
			   const BarqBlockList *garbage, uint64 *version, uint64 *epoch)
{
	BarqPublication publication = {0};
	BarqMeta	meta;
	BarqSegmentDesc *descs;
	BarqSegmentDesc *next;
	uint32		count = 0;

	/*
	 * L3: the epoch is noted before descriptors and dead flags are copied. If
	 * VACUUM marks rows after that, it bumps the epoch before it looks at the
	 * directory version. So either the swap below sees the bump, or VACUUM sees
	 * the new version and goes over the new segment.
	 */
	descs = barq_directory_current(index, &meta, &publication.replaced);
	Assert(*version == 0 || meta.directory_version == *version);	/* L1 */
	*version = meta.directory_version;
	publication.dead_epoch = *epoch = meta.dead_epoch;
	publication.next_segment = meta.next_segment;
	if (change->add != NULL)
		write_added(index, change, &publication, unreached);

	next = palloc_extended(sizeof(BarqSegmentDesc) * ((Size) meta.segments + 1),
						   MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < meta.segments; i++)
		if (!is_removed(change, &descs[i]))
		{
			apply_move(index, change, &descs[i], unreached);
			next[count++] = descs[i];
		}
	Assert(count == meta.segments - change->nremove);
	if (change->add != NULL)
		next[count++] = *change->add;

	publication.segments = count;
	publication.directory_head =
		barq_directory_write(index, change->supply, next, count,
							 &publication.directory_generation, unreached);
	publication.sealed = change->sealed;
	publication.growing_head = change->growing_head;
	publication.growing_head_generation = change->growing_head_generation;
	publication.growing_pages_sealed = change->sealed ? change->sealed_pages->count : 0;
	publication.compacted = change->compacted;
	publication.merged = change->add != NULL ? change->add->id : NULL;
	pfree(descs);
	pfree(next);

	/* L14: what nothing reaches after the swap is known before it */
	list_replaced(index, change, &publication.replaced);
	add_blocks(&publication.replaced, garbage);
	publication.unreached = unreached;
	barq_step("publish: all written");
	return barq_directory_swap(index, &publication);
}

/* BarqPageStep: publish a BarqChange. */
static void
publish(Relation index, void *arg, BarqBlockList *unreached)
{
	barq_publish_in_step(index, arg, unreached);
}

void
barq_publish_in_step(Relation index, BarqChange *change, BarqBlockList *unreached)
{
	BarqBlockList garbage = {0};
	uint32		written = unreached->count;
	uint64		version = 0;
	uint64		epoch;

	Assert(barq_may_maintain(index));	/* L1 */
	while (!try_to_publish(index, change, unreached, &garbage, &version, &epoch))
	{
		/* pages of an attempt that failed are garbage */
		for (; written < unreached->count; written++)
			barq_blocks_add(&garbage, unreached->blocks[written]);
		CHECK_FOR_INTERRUPTS();
	}

	/* the new state is current */
	barq_step("publish: swapped");
	for (uint32 i = 0; i < change->nremove; i++)
		barq_image_remove(index, change->remove[i].id);
	barq_announce_directory(index, version + 1, epoch); /* L2 */
}

void
barq_publish(Relation index, BarqChange *change)
{
	barq_run_page_step(index, publish, NULL, change);
}

/* Arguments of publish_segment(). */
typedef struct Segment
{
	const BarqNewSegment *segment;
	BarqChange *change;
} Segment;

StaticAssertDecl(sizeof(((BarqNewSegment *) 0)->statistics) ==
				 sizeof(((BarqSegmentDesc *) 0)->statistics),
				 "a new segment has the statistics of its descriptor");

void
barq_measure_segment(Relation index, BarqNewSegment *segment, uint64 made_in_us,
					 BarqMergePoints *points)
{
	const BarqIndexKind *kind;
	BarqMeta	meta;
	BarqView	view;

	barq_meta_read(index, &meta);
	kind = barq_index_kind(meta.options.index_kind);
	if (kind->measure == NULL)
		return;
	barq_view_init_memory(&view, segment->body, segment->bytes);
	kind->measure(&meta.options, &view, made_in_us / BARQ_MEASURE_PART, points,
				  segment->statistics);
}

/* BarqPageStep of barq_publish_segment(). */
static void
publish_segment(Relation index, void *arg, BarqBlockList *unreached)
{
	const BarqNewSegment *segment = ((Segment *) arg)->segment;
	BarqChange *change = ((Segment *) arg)->change;
	BarqSegmentDesc desc = {0};
	BarqView	view;
	BarqPolicy	policy;

	barq_policy_of(index, &policy);
	barq_view_init_memory(&view, segment->body, segment->bytes);
	memcpy(desc.id, segment->id, BARQ_ID_BYTES);
	desc.origin = segment->origin;
	desc.level = segment->origin == BARQ_ORIGIN_SEAL ? 0 :
		barq_segment_tier(segment->bytes, &policy);
	desc.kind = view.kind;
	desc.rows = barq_view_all_rows(&view);
	desc.keyless = desc.rows - view.rows;
	desc.generation = barq_new_generation();
	desc.created = GetCurrentTimestamp();
	memcpy(desc.statistics, segment->statistics, sizeof(desc.statistics));
	barq_blob_write(index, &desc, segment->body, segment->bytes, unreached);

	if (!segment->has_image && !segment->without_image)
	{
		bool		busy;
		char	   *reason;

		(void) barq_image_make(index, &desc, segment->body, &busy, &reason);
	}
	change->add = &desc;
	barq_publish_in_step(index, change, unreached);
	change->add = NULL;
}

void
barq_publish_segment(Relation index, const BarqNewSegment *segment,
					 struct BarqChange *change)
{
	BarqChange	nothing = {0};
	Segment		arg = {segment, change != NULL ? change : &nothing};

	barq_run_page_step(index, publish_segment, segment->id, &arg);
}
