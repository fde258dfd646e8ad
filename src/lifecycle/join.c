/*
 * join.c
 *	  Joining small segments that inserts have sealed: by copying, in an insert.
 *
 * An insert never merges (L13), but each seal of an insert leaves a small segment
 * (BarqIndexKind.quick_bytes of log at most). Where no worker merges them their number is bounded by
 * joins. Sizes form classes: class 0 ends at the size that a join makes at most
 * (BarqIndexKind.join_bytes), each further one at 1/JOIN_RATIO of the one before.
 * JOIN_RATIO segments of one class become one segment of the class above it. Class 0 is
 * never an input. So
 *	- a join copies at most join_bytes, whatever the size of the index;
 *	- below class 0 an index has at most JOIN_RATIO segments of each of
 *	  log(join_bytes / growing_limit) classes, and in class 0 one for each
 *	  join_bytes / JOIN_RATIO to join_bytes bytes that wait for a merge;
 *	- a row is copied once for each of those classes.
 */
#include "postgres.h"

#include "base/steps.h"
#include "lifecycle/internal.h"
#include "miscadmin.h"
#include "store/filters.h"
#include "store/keyless.h"
#include "utils/memutils.h"

/* Segments of one class that are joined. */
#define JOIN_RATIO		4

/* Classes; the last one has no lower bound. */
#define JOIN_CLASSES	6

/* One join, in a memory context of its own. */
typedef struct Join
{
	const BarqMeta *meta;
	BarqSegmentDesc inputs[JOIN_RATIO];
	uint8	   *dead[JOIN_RATIO];	/* marks of the inputs as read */
	BarqView	views[JOIN_RATIO];
	const char *body;			/* NULL: no row lives */
	uint64		bytes;
} Join;

/* The class of a size: 0 above most / JOIN_RATIO. */
static int
size_class(uint64 bytes, uint64 most)
{
	int			class = 0;

	for (most /= JOIN_RATIO; bytes <= most && class < JOIN_CLASSES - 1; most /= JOIN_RATIO)
		class ++;
	return class;
}

/*
 * Copy JOIN_RATIO segments of one class to join->inputs, of the smallest class that has
 * as many; returns whether one has.
 */
static bool
choose_inputs(Join *join, const BarqIndexKind *kind, const BarqSegmentDesc *descs, uint32 n)
{
	for (int class = JOIN_CLASSES - 1; class > 0; class --)
	{
		int			found = 0;

		for (uint32 i = 0; i < n && found < JOIN_RATIO; i++)
			if (descs[i].kind == kind->join_kind &&
				size_class(barq_segment_lasting_bytes(&descs[i]), kind->join_bytes) == class)
				join->inputs[found++] = descs[i];
		if (found == JOIN_RATIO)
			return true;
	}
	return false;
}

/* BarqChange.collect_dead of a join: the marks that the inputs got since they were read. */
static void
collect_dead(Relation index, void *arg, uint8 *bitmap)
{
	Join	   *join = arg;
	BarqDeadTids dead = {0};

	for (int i = 0; i < JOIN_RATIO; i++)
		barq_add_new_marks(index, &join->inputs[i], join->dead[i], &join->views[i], &dead);
	if (dead.n > 0)
		barq_mark_tids(join->body, join->bytes, dead.tids, dead.n, bitmap);
}

/*
 * Make the body; join->body stays NULL if no row lives. Marks are read after the
 * directory that names the inputs: a TID that is used again belongs to none of them.
 */
static void
make_body(Relation index, Join *join, const BarqIndexKind *kind)
{
	BarqMergeInput inputs[JOIN_RATIO];
	BarqBodyWriter *writer;
	uint64		bytes = 0;
	uint64		live = 0;

	for (int i = 0; i < JOIN_RATIO; i++)
	{
		const BarqSegmentDesc *desc = &join->inputs[i];
		uint32		keyed = barq_segment_keyed(desc);

		join->dead[i] = barq_tombstones_read(index, desc);
		if (join->dead[i] == NULL)
			barq_meta_broken(index);
		barq_view_init_pages(&join->views[i], index, desc,
							 (int) (desc->body_bytes / 1024) + 1, barq_ring(BAS_BULKREAD));
		inputs[i].view = &join->views[i];
		inputs[i].dead = join->dead[i];
		inputs[i].live = keyed - barq_bitmap_count(join->dead[i], keyed);
		live += desc->rows - barq_bitmap_count(join->dead[i], desc->rows);
		bytes += desc->body_bytes;
	}
	barq_step("join: inputs read");
	if (live == 0)
		return;
	writer = barq_body_begin_memory(bytes);
	kind->join(&join->meta->options, inputs, JOIN_RATIO, writer);
	barq_keyless_merge(writer, inputs, JOIN_RATIO);
	barq_filters_merge(writer, join->meta->options.filter_columns, inputs, JOIN_RATIO);
	join->body = barq_body_finish(writer, &join->bytes);
	barq_step("join: body made");
}

/* Replace the inputs by the body, or by nothing. */
static void
publish_join(Relation index, Join *join)
{
	uint8		id[BARQ_ID_BYTES];
	BarqNewSegment segment = {
		.id = id, .origin = BARQ_ORIGIN_SEAL, .body = join->body, .bytes = join->bytes,
		.without_image = true
	};
	BarqChange	change = {0};

	change.remove = join->inputs;
	change.nremove = JOIN_RATIO;
	change.collect_dead = collect_dead;
	change.arg = join;
	barq_new_id(id);
	if (join->body != NULL)
		barq_publish_segment(index, &segment, &change);
	else
		barq_publish(index, &change);
}

/* Argument and result of join_once. */
typedef struct JoinCall
{
	Relation	index;
	bool		joined;
} JoinCall;

/* Run one join if there are inputs, for barq_try_reading(); returns true. */
static bool
join_once(void *arg)
{
	JoinCall   *call = arg;
	BarqMeta	meta;
	Join	   *join = palloc0(sizeof(Join));
	BarqSegmentDesc *descs = barq_directory_current(call->index, &meta, NULL);
	const BarqIndexKind *kind = barq_index_kind(meta.options.index_kind);

	join->meta = &meta;
	call->joined = choose_inputs(join, kind, descs, meta.segments);
	if (call->joined)
	{
		make_body(call->index, join, kind);
		publish_join(call->index, join);
	}
	return true;
}

bool
barq_join_small(Relation index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq join",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	JoinCall	call = {index, false};

	Assert(barq_may_maintain(index));	/* L1 */
	/* no page is re-used under the maintenance lock */
	if (!barq_try_reading(join_once, &call))
		barq_meta_broken(index);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return call.joined;
}
