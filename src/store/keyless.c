/*
 * keyless.c
 *	  Collecting, writing, merging and walking over rows without a key. Calls
 *	  snapshot.c, growing.c, view.c and writer.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "base/array.h"
#include "store/filter_rows.h"
#include "store/growing.h"
#include "base/interrupts.h"
#include "store/keyless.h"
#include "utils/memutils.h"

/* TIDs are read this many at a time. */
#define TID_BATCH	1024

void
barq_keyless_add(BarqKeylessRows *rows, MemoryContext context, BarqKeyless keyless,
				 const ItemPointerData *tid)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	BARQ_ARRAY_RESERVE(rows->tids[keyless], rows->space[keyless], rows->n[keyless] + 1, 64);
	MemoryContextSwitchTo(old);
	rows->tids[keyless][rows->n[keyless]++] = *tid;
}

uint64
barq_keyless_count(const BarqKeylessRows *rows)
{
	uint64		n = 0;

	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
		n += rows->n[i];
	return n;
}

void
barq_keyless_write(BarqBodyWriter *writer, const BarqKeylessRows *rows)
{
	for (int i = 0; i < BARQ_KEYLESS_KINDS; i++)
		if (rows->n[i] > 0)
			barq_body_keyless(writer, i, rows->tids[i], rows->n[i]);
}

/*
 * Read up to max rows, and no more than TID_BATCH, of a segment's class from row
 * *row of the class on; advances *row. Copies the TIDs of those that are not dead, and
 * satisfy a condition (NULL: none), to tids, and returns their number.
 */
static int
read_batch(BarqView *view, const uint8 *dead, const BarqFilterCondition *condition,
		   BarqKeyless keyless, uint32 *row, int max, ItemPointerData *tids)
{
	BarqFilterView filters;
	uint32		first = view->rows + *row;
	uint32		here = Min((uint32) Min(max, TID_BATCH), view->keyless[keyless] - *row);
	int			n = 0;

	for (int i = 0; i < (int) keyless; i++)
		first += view->keyless[i];
	if (condition != NULL && !barq_filter_open(view, &filters))
		condition = NULL;
	barq_view_tids(view, first, here, tids);
	for (uint32 i = 0; i < here; i++)
		if ((dead == NULL || !barq_bit_is_set(dead, first + i)) &&
			(condition == NULL || barq_filter_admits(condition, &filters, first + i)))
			tids[n++] = tids[i];
	*row += here;
	return n;
}

void
barq_keyless_merge(BarqBodyWriter *writer, BarqMergeInput *inputs, uint32 ninputs)
{
	ItemPointerData tids[TID_BATCH];

	for (BarqKeyless keyless = 0; keyless < BARQ_KEYLESS_KINDS; keyless++)
		for (uint32 i = 0; i < ninputs; i++)
			for (uint32 row = 0; row < inputs[i].view->keyless[keyless];)
			{
				int			n = read_batch(inputs[i].view, inputs[i].dead, NULL, keyless, &row,
										   TID_BATCH, tids);

				barq_check_interrupts();
				if (n > 0)
					barq_body_keyless(writer, keyless, tids, n);
			}
}

struct BarqKeylessWalk
{
	Relation	index;
	BarqSnapshot *snapshot;
	const BarqMeta *meta;
	BarqView   *views;			/* a segment each */
	MemoryContext context;
	const BarqFilterCondition *condition;	/* or NULL */

	/* the next row */
	BarqKeyless keyless;
	uint32		segment;		/* nsegments: the log */
	uint32		row;			/* within segment and class */

	bool		with_log;
	bool		log_read;
	BarqKeylessRows log;		/* in `context`, once log_read is set */
};

BarqKeylessWalk *
barq_keyless_begin(Relation index, BarqSnapshot *snapshot, const BarqMeta *meta,
				   bool with_log)
{
	BarqKeylessWalk *walk = palloc0(sizeof(BarqKeylessWalk));

	walk->index = index;
	walk->snapshot = snapshot;
	walk->meta = meta;
	walk->with_log = with_log;
	walk->context = CurrentMemoryContext;
	walk->views = barq_snapshot_views(snapshot, index, true);
	return walk;
}

void
barq_keyless_filter(BarqKeylessWalk *walk, const BarqFilterCondition *condition)
{
	walk->condition = condition;
}

/* Add a record of the log to the walk, if it has no key and is not dead. */
static void
see_record(void *arg, const BarqRecord *record)
{
	BarqKeylessWalk *walk = arg;

	if (!record->keyed && !record->dead &&
		(walk->condition == NULL || record->filters == NULL ||
		 barq_filter_admits_words(walk->condition, record->filters)))
		barq_keyless_add(&walk->log, walk->context, record->keyless, &record->tid);
}

int
barq_keyless_next(BarqKeylessWalk *walk, BarqKeyless *keyless, ItemPointerData *tids,
				  int max)
{
	BarqGrowingVisitor visitor = {NULL, see_record, NULL, walk, NULL};

	/* read the log first: the earlier, the less likely it is sealed by then */
	if (walk->with_log && !walk->log_read)
	{
		if (!barq_growing_walk(walk->index, walk->meta, InvalidBlockNumber, &visitor))
			return -1;
		walk->log_read = true;
	}
	for (; walk->keyless < BARQ_KEYLESS_KINDS; walk->keyless++)
	{
		*keyless = walk->keyless;
		for (; walk->segment < walk->snapshot->nsegments; walk->segment++, walk->row = 0)
		{
			BarqView   *view = &walk->views[walk->segment];

			while (walk->row < view->keyless[walk->keyless])
			{
				int			n = read_batch(view, walk->snapshot->segments[walk->segment].dead,
										   walk->condition, walk->keyless, &walk->row, max, tids);

				CHECK_FOR_INTERRUPTS();
				if (n > 0)
					return n;
			}
		}
		if (walk->row < walk->log.n[walk->keyless])
		{
			int			n = Min((uint32) max, walk->log.n[walk->keyless] - walk->row);

			memcpy(tids, walk->log.tids[walk->keyless] + walk->row,
				   n * sizeof(ItemPointerData));
			walk->row += n;
			return n;
		}
		walk->segment = walk->row = 0;
	}
	return 0;
}
