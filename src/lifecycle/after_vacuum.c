/*
 * after_vacuum.c
 *	  The end of VACUUM: start a worker that merges segments with many dead rows or
 *	  shortens the file. VACUUM itself does neither.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "commands/defrem.h"
#include "commands/vacuum.h"
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

void
barq_after_vacuum(Relation index, bool too_long)
{
	bool		shorten = may_truncate(index);

	if (barq_worker_may_serve(index) &&
		((too_long && shorten) || barq_has_many_dead(index)) &&
		!barq_maintenance_is_held(index))
		(void) barq_worker_start(index, shorten);
}
