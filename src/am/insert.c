/*
 * insert.c
 *	  Adding a row to an index of any access method.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/filters.h"
#include "base/stats.h"
#include "nodes/execnodes.h"
#include "store/growing.h"
#include "utils/memutils.h"
#include "utils/rel.h"

void
barq_am_insert(Relation index, IndexInfo *info, const BarqFilterColumns *columns,
			   const Datum *values, const bool *isnull, ItemPointer heap_tid,
			   BarqRowAppender append, void *arg)
{
	MemoryContext context = info->ii_AmCache;
	MemoryContext old;
	BarqFilterValues filters;
	uint32		pages;

	/* one context for all inserts of a statement, reset after each */
	if (context == NULL)
	{
		context = AllocSetContextCreate(info->ii_Context, "barq insert",
										ALLOCSET_DEFAULT_SIZES);
		info->ii_AmCache = context;
	}
	old = MemoryContextSwitchTo(context);
	barq_filter_encode(index, columns, values, isnull, &filters);
	pages = append(index, values, isnull, heap_tid, &filters, arg);
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_INSERTS, 1);

	if (pages > 0)
		barq_after_append(index, pages);
}
