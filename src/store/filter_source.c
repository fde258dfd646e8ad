/*
 * filter_source.c
 *	  The rows that a scan admits: those that satisfy a condition on filter columns, and
 *	  that another source admits. Calls filter_rows.c, kept_rows.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "store/kept_rows.h"

/*
 * Leave out the rows that a filter lists and that do not satisfy a condition; the filter
 * has no bits afterwards.
 */
static void
test_listed(const BarqFilterCondition *condition, BarqView *view, BarqRowFilter *filter)
{
	BarqFilterView filters;
	uint32	   *rows;
	uint32		n = 0;

	if (filter->count > 0 && !condition->never)
	{
		barq_filter_open_for(condition, view, &filters);
		rows = palloc_extended(sizeof(uint32) * (Size) filter->count, MCXT_ALLOC_HUGE);
		for (uint32 i = 0; i < filter->count; i++)
		{
			if ((i & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			if (barq_filter_admits(condition, &filters, filter->rows[i]))
				rows[n++] = filter->rows[i];
		}
		filter->rows = rows;
	}
	filter->count = n;
	filter->skip = NULL;
}

/* BarqRowSource.segment: what the outer source admits, and of that what satisfies the condition. */
static void
filter_segment(BarqRowSource *source, Relation index, BarqSnapshot *snapshot, uint32 segment,
			   BarqView *view, uint32 list_below, BarqRowFilter *filter)
{
	BarqFilterSource *both = (BarqFilterSource *) source;
	const uint8 *skip = snapshot->segments[segment].dead;
	BarqKept	kept;

	if (both->outer != NULL)
	{
		both->outer->segment(both->outer, index, snapshot, segment, view, list_below, filter);
		if (both->condition == NULL)
			return;
		if (filter->rows != NULL)
		{
			test_listed(both->condition, view, filter);
			return;
		}
		Assert(filter->admits == NULL && filter->words == NULL);
		skip = filter->skip;
	}
	barq_kept_find(&kept, snapshot, segment, both->condition, both->again);
	barq_filter_rows(both->condition, view, &kept, skip, list_below, both->bits, filter);
}

/*
 * BarqRowSource.row. Rows without a key are left out by their values when they are read
 * (keyless.h).
 */
static bool
admit_row(BarqRowSource *source, const ItemPointerData *tid, const uint64 *filters)
{
	BarqFilterSource *both = (BarqFilterSource *) source;

	if (both->outer != NULL && !both->outer->row(both->outer, tid, filters))
		return false;
	return both->condition == NULL || filters == NULL ||
		barq_filter_admits_words(both->condition, filters);
}

BarqRowSource *
barq_filter_source(BarqFilterSource *both, const BarqFilterCondition *condition,
				   BarqRowSource *outer, bool bits)
{
	both->source.segment = filter_segment;
	both->source.row = admit_row;
	both->condition = condition;
	both->outer = outer;
	both->bits = bits;
	both->again = false;
	both->source.admitted = outer != NULL ? outer->admitted : 0;
	return condition == NULL && outer == NULL ? NULL : &both->source;
}
