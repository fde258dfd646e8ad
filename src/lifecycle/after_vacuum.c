/*
 * after_vacuum.c
 *	  The end of VACUUM: start a worker that merges segments or shortens the file.
 *	  VACUUM itself never shortens it, and merges a little where no worker can be had.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
#include "lifecycle/choose.h"
#include "lifecycle/internal.h"
#include "tcop/pquery.h"

/*
 * May the VACUUM under way have the file shortened? No side effects. VACUUM does
 * not pass its option TRUNCATE to access methods. But no function can run VACUUM,
 * so the session's portal is that of the statement. A parallel worker has no portal
 * and cannot know: false. Autovacuum has no options but settings.
 */
static bool
may_truncate(Relation index)
{
	ListCell   *cell;

	if (IsParallelWorker())
		return false;
	if (ActivePortal != NULL)
		foreach(cell, ActivePortal->stmts)
		{
			VacuumStmt *vacuum = (VacuumStmt *) lfirst_node(PlannedStmt, cell)->utilityStmt;
			ListCell   *option;

			if (vacuum == NULL || !IsA(vacuum, VacuumStmt))
				continue;
			foreach(option, vacuum->options)
			{
				DefElem    *def = lfirst(option);

				if (strcmp(def->defname, "truncate") == 0 && !defGetBoolean(def))
					return false;
			}
		}
	return barq_table_allows_cut(index);
}

/*
 * Look at the segments. Returns whether so many sealed logs have gathered, or such costly
 * ones, that a merge may be due: an insert does not merge where it finds no worker (L13).
 * *for_worker: whether there is other work for a worker: some segment has so many dead rows
 * that it should be written again, or a merge was interrupted that can go on.
 * ERRCODE_INDEX_CORRUPTED if pages are damaged.
 */
static bool
has_unmerged(Relation index, const BarqPolicy *policy, bool *for_worker)
{
	BarqMeta	meta;
	BarqSegmentDesc *descs = barq_directory_current(index, &meta, NULL);
	const BarqIndexKind *kind = barq_index_kind(meta.options.index_kind);
	uint32		sealed = 0;
	double		bytes = 0;
	bool		urgent = false;

	*for_worker = barq_meta_has_merge(&meta);
	for (uint32 i = 0; i < meta.segments; i++)
	{
		sealed += descs[i].origin == BARQ_ORIGIN_SEAL;
		bytes += barq_segment_lasting_bytes(&descs[i]);
		*for_worker |= barq_many_are_dead(descs[i].rows, descs[i].dead_rows);
		urgent |= kind->is_urgent(&meta.options, descs[i].kind, barq_segment_keyed(&descs[i]));
	}
	pfree(descs);
	return urgent || sealed >= (uint32) barq_compaction_ratio_of(policy, bytes) ||
		(sealed > 0 && meta.segments > (uint32) policy->max_segments);
}

void
barq_after_vacuum(Relation index, bool too_long)
{
	bool		shorten = may_truncate(index);
	bool		for_worker;
	bool		unmerged;
	BarqPolicy	policy;

	barq_policy_of(index, &policy);
	unmerged = has_unmerged(index, &policy, &for_worker);
	if (barq_worker_may_serve(index) &&
		((!unmerged && !(too_long && shorten) && !for_worker) ||
		 barq_maintenance_is_held(index) || barq_worker_start(index, shorten)))
		return;
	if (!unmerged || !barq_maintenance_try_lock(index))
		return;
	barq_compact_slice(index, policy.growing_hard_limit);
	barq_maintenance_unlock(index);
}
