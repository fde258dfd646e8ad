/*
 * vacuum.c
 *	  VACUUM of any barq index: mark dead rows, reclaim pages and images that
 *	  nothing refers to. Graphs are not repaired: a merge makes new ones.
 */
#include "postgres.h"

#include "am/am.h"
#include "commands/vacuum.h"
#include "storage/bufmgr.h"

IndexBulkDeleteResult *
barq_bulk_delete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				 IndexBulkDeleteCallback callback, void *callback_state)
{
	BarqMarkCounts counts;
	instr_time	start;

	INSTR_TIME_SET_CURRENT(start);
	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	barq_mark_dead(info->index, callback, callback_state, &counts);
	stats->tuples_removed += counts.marked;
	stats->num_index_tuples = counts.live;
	stats->estimated_count = false;
	barq_log_if_slow(info->index, "marking of dead rows", start, counts.marked, 0);
	return stats;
}

IndexBulkDeleteResult *
barq_vacuum_cleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	Relation	index = info->index;
	bool		too_long;

	if (info->analyze_only)
		return stats;

	if (stats == NULL)
	{
		/* ambulkdelete was not called, so rows were not counted */
		stats = palloc0(sizeof(IndexBulkDeleteResult));
		stats->num_index_tuples = info->num_heap_tuples;
		stats->estimated_count = true;
	}
	stats->pages_free = barq_reclaim(index, info->strategy, &too_long);
	stats->num_pages = RelationGetNumberOfBlocks(index);
	barq_image_sweep_in_vacuum();
	barq_after_vacuum(index, too_long);
	return stats;
}
