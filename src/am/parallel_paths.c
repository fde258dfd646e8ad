/*
 * parallel_paths.c
 *	  Which ordered index paths may run in a parallel worker.
 *
 * PostgreSQL lets a scan run in a worker if its conditions and its results may be computed
 * there (set_rel_consider_parallel()); it does not look at the sort key. In a subquery
 * like LATERAL (SELECT ... ORDER BY v <-> q.v LIMIT 10) the key has a parameter whose value
 * comes from a nested loop above, which a Gather within the subquery does not pass on: the
 * worker's scan followed a NULL pointer.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "am/am.h"
#include "lifecycle/index_kind.h"
#include "optimizer/clauses.h"
#include "optimizer/paths.h"

static set_rel_pathlist_hook_type next_hook = NULL;

bool
barq_path_suits_workers(PlannerInfo *root, const IndexPath *path)
{
	return path->path.parallel_safe && is_parallel_safe(root, (Node *) path->indexorderbys);
}

/* set_rel_pathlist_hook: keep ordered scans of barq's indexes out of workers where they must be. */
static void
mark_paths(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *cell;

	if (next_hook != NULL)
		next_hook(root, rel, rti, rte);
	if (!rel->consider_parallel)
		return;
	foreach(cell, rel->pathlist)
	{
		IndexPath  *path = lfirst(cell);

		if (IsA(path, IndexPath) && path->indexorderbys != NIL &&
			barq_kind_of_method(GetIndexAmRoutineByAmId(path->indexinfo->relam, false)) != NULL)
			path->path.parallel_safe = barq_path_suits_workers(root, path);
	}
}

void
barq_parallel_paths_init(void)
{
	next_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = mark_paths;
}
