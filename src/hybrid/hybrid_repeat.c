/*
 * hybrid_repeat.c
 *	  One executor for the rankings of a batch. May call what the folder may, and knows
 *	  that the names of barq's custom scans begin with "Barq".
 *
 * The statement of a ranking is planned and started once; for each vector its
 * parameter is set and the plan is rewound, as an inner plan of a nested loop is. So
 * locks, rights, snapshot, opened relations, the bitmap of a condition and the
 * executor's memory are shared, while each row is found, checked and put in order by
 * the same nodes as in a statement of its own.
 *
 * PostgreSQL tells a plan below a changed parameter of a nested loop what to forget;
 * it does not for a parameter of the statement. So only plans are repeated whose
 * nodes begin anew with every rewind (node_is_repeatable()).
 */
#include "postgres.h"

#include "executor/executor.h"
#include "hybrid/hybrid.h"
#include "nodes/extensible.h"
#include "nodes/plannodes.h"
#include "utils/plancache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

struct BarqRepeat
{
	CachedPlan *plan;
	ResourceOwner owner;		/* of the plan's reference */
	QueryDesc  *query;
	ParamListInfo params;
	ParamExternData *vector;	/* one of them */
	bool		has_rows;		/* the statement returns whole rows */
	bool		has_run;
};

static bool node_is_repeatable(Plan *plan, bool *sorts);

/* The same for each of a list of plans. */
static bool
nodes_are_repeatable(List *plans, bool *sorts)
{
	ListCell   *cell;

	foreach(cell, plans)
		if (!node_is_repeatable(lfirst(cell), sorts))
			return false;
	return true;
}

/*
 * Whether a plan begins anew when it is rewound; *sorts is set if it computes the
 * statement's columns of more rows than it returns.
 */
static bool
node_is_repeatable(Plan *plan, bool *sorts)
{
	if (plan == NULL)
		return true;
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_IncrementalSort:
			*sorts = true;
			break;
		case T_Limit:
		case T_Result:
		case T_SeqScan:
		case T_IndexScan:
		case T_BitmapHeapScan:
		case T_BitmapIndexScan:
			break;
		case T_BitmapAnd:
			return nodes_are_repeatable(((BitmapAnd *) plan)->bitmapplans, sorts);
		case T_BitmapOr:
			return nodes_are_repeatable(((BitmapOr *) plan)->bitmapplans, sorts);
		case T_Append:
			return nodes_are_repeatable(((Append *) plan)->appendplans, sorts);
		case T_MergeAppend:
			return nodes_are_repeatable(((MergeAppend *) plan)->mergeplans, sorts);
		case T_CustomScan:
			/* barq's own; their children, bitmaps, do not depend on the vector */
			return strncmp(((CustomScan *) plan)->methods->CustomName, "Barq", 4) == 0;
		default:
			return false;
	}
	return node_is_repeatable(outerPlan(plan), sorts) && node_is_repeatable(innerPlan(plan), sorts);
}

/* Start a ranking's statement in one of its forms; NULL if it cannot be repeated. */
static BarqRepeat *
begin_form(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args, int form)
{
	List	   *sources = SPI_plan_get_plan_sources(barq_hybrid_leg_plan(table, entry, BARQ_LEG_VECTOR, form));
	CachedPlanSource *source = linitial(sources);
	BarqRepeat *repeat = palloc0_object(BarqRepeat);
	PlannedStmt *statement;
	bool		sorts = false;

	repeat->params = barq_hybrid_bind_leg(entry, args, BARQ_LEG_VECTOR, 0);
	repeat->vector = &repeat->params->params[entry->nparams];
	repeat->has_rows = (form & BARQ_LEG_ROWS) != 0;

	/* a plan for the arguments of the filter, but not for this vector */
	repeat->vector->pflags = 0;
	repeat->owner = CurrentResourceOwner;
	repeat->plan = GetCachedPlan(source, repeat->params, repeat->owner, NULL);
	statement = linitial_node(PlannedStmt, repeat->plan->stmt_list);
	if (list_length(repeat->plan->stmt_list) != 1 || statement->commandType != CMD_SELECT ||
		statement->hasModifyingCTE || statement->rowMarks != NIL ||
		!node_is_repeatable(statement->planTree, &sorts) || (sorts && repeat->has_rows))
	{
		ReleaseCachedPlan(repeat->plan, repeat->owner);
		return NULL;
	}
	repeat->query = CreateQueryDesc(statement, source->query_string, GetActiveSnapshot(),
									InvalidSnapshot, None_Receiver, repeat->params, NULL, 0);
	ExecutorStart(repeat->query, 0);
	return repeat;
}

BarqRepeat *
barq_repeat_begin(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args)
{
	BarqRepeat *repeat = NULL;

	if (args->k <= BARQ_REPEAT_MOST_ROWS && entry->group_column == 0)
		repeat = begin_form(table, entry, args, BARQ_LEG_ROWS);
	if (repeat == NULL)
		repeat = begin_form(table, entry, args, 0);
	return repeat;
}

bool
barq_repeat_has_rows(const BarqRepeat *repeat)
{
	return repeat->has_rows;
}

void
barq_repeat_run(BarqRepeat *repeat, Datum vector, DestReceiver *receiver)
{
	repeat->vector->value = vector;
	repeat->query->dest = receiver;
	if (repeat->has_run)
		ExecutorRewind(repeat->query);
	repeat->has_run = true;
	BarqExecutorRun(repeat->query);
}

void
barq_repeat_end(BarqRepeat *repeat)
{
	ExecutorFinish(repeat->query);
	ExecutorEnd(repeat->query);
	FreeQueryDesc(repeat->query);
	ReleaseCachedPlan(repeat->plan, repeat->owner);
	pfree(repeat);
}
