/*
 * hybrid_legs.c
 *	  Running the rankings of barq_hybrid() and barq_search_batch().
 *
 * An index scan may end before it has found enough rows, at barq.max_scan_tuples;
 * and a scan of vectors that is read to its end returns the rows that its graph
 * missed last, out of order. In both cases the ranking is made again by the exact
 * statement: the planner has to find all rows that pass the filter and sort them.
 *
 * With groups, the first candidates may have too few of them. Then a ranking is run
 * again, from its beginning, with GROWTH times the limit, and planned for that limit;
 * all runs together cost about GROWTH/(GROWTH - 1) times the last one. If a run finds no
 * group that was not known, the next one has no limit, so the planner sorts: there may
 * be fewer groups than are wanted.
 */
#include "postgres.h"

#include <math.h>

#include "am/scan_report.h"
#include "base/array.h"
#include "am/search_names.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "hybrid/hybrid.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define GROWTH	4

/* DestReceiver that adds rows to a ranking. */
typedef struct HitReceiver
{
	DestReceiver pub;
	BarqRanking *ranking;
	MemoryContext context;		/* of the ranking's hits */
	BarqLegKind kind;
	bool		whole_rows;		/* the statement returns them */
	int			whole;			/* rows that are kept whatever their groups */
	int			per_group;		/* of the others, kept of each group */
	BarqGroups *groups;			/* NULL: none */
	int		   *counts;			/* rows kept of each group */
	int			space;
	int			ncounts;
} HitReceiver;

/* The number of the row's group; whether the row is kept, by how many of it are. */
static int
group_of(HitReceiver *receiver, TupleTableSlot *slot, bool *keep)
{
	int			group = barq_groups_number(receiver->groups, slot->tts_values[3],
										   slot->tts_isnull[3]);

	if (group >= receiver->ncounts)
	{
		MemoryContext old = MemoryContextSwitchTo(receiver->context);

		BARQ_ARRAY_RESERVE(receiver->counts, receiver->space, group + 1, 64);
		MemoryContextSwitchTo(old);
		while (receiver->ncounts <= group)
			receiver->counts[receiver->ncounts++] = 0;
	}
	*keep = receiver->ranking->nrows <= receiver->whole ||
		receiver->counts[group] < receiver->per_group;
	if (*keep)
		receiver->counts[group]++;
	return group;
}

/*
 * Add a row (tableoid, ctid, distance, value of its group or the whole row). Rows without a distance (NULL, NaN) have no
 * rank, and neither have texts without any of the words. Such rows are last, so the
 * first one ends the ranking: returns false.
 */
static bool
hits_receive(TupleTableSlot *slot, DestReceiver *self)
{
	HitReceiver *receiver = (HitReceiver *) self;
	BarqRanking *ranking = receiver->ranking;
	MemoryContext old;
	BarqLegHit *hit;
	double		distance;
	int			group = 0;
	bool		keep = true;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2])
		return false;
	distance = DatumGetFloat8(slot->tts_values[2]);
	if (isnan(distance) || (receiver->kind == BARQ_LEG_TEXT && distance >= 0))
		return false;
	if (ranking->nrows >= PG_INT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a ranking must not have more than %d rows", PG_INT32_MAX)));
	ranking->nrows++;
	if (receiver->groups != NULL)
		group = group_of(receiver, slot, &keep);
	if (!keep)
		return true;

	old = MemoryContextSwitchTo(receiver->context);
	BARQ_ARRAY_RESERVE(ranking->hits, ranking->space, ranking->nhits + 1, 128);
	MemoryContextSwitchTo(old);
	hit = &ranking->hits[ranking->nhits++];
	memset(hit, 0, sizeof(*hit));
	hit->at.table = DatumGetObjectId(slot->tts_values[0]);
	hit->at.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[1]);
	hit->distance = distance;
	hit->rank = (int) ranking->nrows;
	hit->group = group;
	if (receiver->whole_rows && !slot->tts_isnull[3])
	{
		old = MemoryContextSwitchTo(receiver->context);
		hit->row = DatumGetHeapTupleHeaderCopy(slot->tts_values[3]);
		MemoryContextSwitchTo(old);
	}
	return true;
}

/*
 * Begin to fill a ranking, emptied first; its hits live in the current memory context.
 * The receiver has the rest of its members.
 */
static void
begin_receiving(HitReceiver *receiver)
{
	receiver->pub = barq_hybrid_receiver(hits_receive);
	receiver->context = CurrentMemoryContext;
	receiver->ranking->nhits = 0;
	receiver->ranking->nrows = 0;
	receiver->ncounts = 0;
}

/* Fill a ranking by running a plan: begin_receiving(). */
static void
run_plan(SPIPlanPtr plan, ParamListInfo params, HitReceiver *receiver)
{
	begin_receiving(receiver);
	barq_hybrid_execute(plan, params, (DestReceiver *) receiver);
}

/* The order of hits with the same distance. */
static int
compare_places(const void *a, const void *b)
{
	return barq_address_compare(&((const BarqLegHit *) a)->at,
								&((const BarqLegHit *) b)->at);
}

/*
 * Sort hits with the same distance by their addresses. Their ranks, which ascend, are
 * given to them in that order.
 */
static void
order_ties(BarqRanking *ranking)
{
	BarqLegHit *hits = ranking->hits;

	for (int from = 0, to; from < ranking->nhits; from = to)
	{
		int			first = hits[from].rank;

		for (to = from + 1; to < ranking->nhits && hits[to].distance == hits[from].distance; to++)
			;
		if (to - from < 2)
			continue;
		qsort(hits + from, to - from, sizeof(BarqLegHit), compare_places);
		for (int i = from; i < to; i++)
			hits[i].rank = first + (i - from);
	}
}

ParamListInfo
barq_hybrid_bind_leg(BarqHybridEntry *entry, const BarqHybridArgs *args, BarqLegKind kind, int more)
{
	BarqHybridLeg *leg = &entry->legs[kind];
	ParamListInfo params = makeParamList(entry->nparams + 1 + more);
	ParamExternData *query = &params->params[entry->nparams];

	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	if (entry->nparams > 0 || args->filter_args != NULL)
		barq_hybrid_bind_args(entry, args, params);
	query->ptype = barq_hybrid_parameter_type(&leg->column, kind);
	query->pflags = PARAM_FLAG_CONST;
	query->value = kind == BARQ_LEG_TEXT ? PointerGetDatum(args->query) :
		args->converted ? args->embedding : barq_convert(&leg->conversion, args->embedding);
	return params;
}

/* Set a parameter behind those of barq_hybrid_bind_leg(). */
static void
bind_more(BarqHybridEntry *entry, ParamListInfo params, int number, Oid type, Datum value)
{
	ParamExternData *param = &params->params[entry->nparams + 1 + number];

	param->ptype = type;
	param->pflags = PARAM_FLAG_CONST;
	param->value = value;
}

/* The parameters of a ranking's statement in a form; palloc'd. */
static ParamListInfo
bind_for(BarqHybridEntry *entry, const BarqHybridArgs *args, BarqLegKind kind, int form,
		 int64 limit)
{
	ParamListInfo params = barq_hybrid_bind_leg(entry, args, kind, form == 0 ? 0 : 1);

	if (form != 0)
		bind_more(entry, params, 0, INT8OID, Int64GetDatum(limit));
	return params;
}

/*
 * Run one ranking of a call for `limit` rows: entry->candidates, or more with groups
 * (NULL: none). Contract of barq_hybrid_run_legs().
 */
static void
run_leg(Relation table, BarqHybridEntry *entry,
		const BarqHybridArgs *args, BarqLegKind kind, int64 limit,
		BarqGroups *groups, BarqRanking *ranking)
{
	int			form = limit > entry->candidates[kind] ? BARQ_LEG_LIMIT : 0;
	BarqRepeat *repeat = form == 0 && kind == BARQ_LEG_VECTOR ? args->repeat : NULL;
	ParamListInfo params = NULL;
	HitReceiver receiver = {.ranking = ranking, .kind = kind, .groups = groups,
							.whole = entry->candidates[kind],
							.per_group = args->per_group};
	BarqScanEnds before = barq_scan_ends();
	BarqScanEnds after;
	bool		is_short;
	int			nest_level;

	if (repeat == NULL)
		params = bind_for(entry, args, kind, form, limit);

	/* scans have to be in order, and to continue until there are enough rows */
	nest_level = barq_require_strict_order();
	if (repeat != NULL)
	{
		begin_receiving(&receiver);
		receiver.whole_rows = barq_repeat_has_rows(repeat);
		barq_repeat_run(repeat, args->embedding, (DestReceiver *) &receiver);
		receiver.whole_rows = false;
	}
	else
		run_plan(barq_hybrid_leg_plan(table, entry, kind, form), params, &receiver);

	/*
	 * With several tables the scan of one may have been cut while the others gave
	 * enough rows. A short ranking of texts is complete: rare words have few rows.
	 */
	after = barq_scan_ends();
	is_short = ranking->nrows < limit;
	if ((is_short || entry->has_children) &&
		(after.cut != before.cut ||
		 (is_short && kind == BARQ_LEG_VECTOR &&
		  after.short_of_rows != before.short_of_rows)))
		run_plan(barq_hybrid_leg_plan(table, entry, kind, form | BARQ_LEG_EXACT),
				 params != NULL ? params : bind_for(entry, args, kind, form, limit), &receiver);
	if (nest_level >= 0)
		AtEOXact_GUC(true, nest_level);
	ranking->limit = limit;
	ranking->complete = ranking->nrows < limit;
	order_ties(ranking);
}

/*
 * The values of groups as an array, palloc'd; *has_null: NULL is one of them, and not
 * in the array.
 */
static Datum
array_of_groups(const BarqHybridEntry *entry, BarqGroups *groups, const int *wanted,
				int nwanted, bool *has_null)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(nwanted, 1));
	int			n = 0;
	int16		length;
	bool		by_value;
	char		align;

	*has_null = false;
	for (int i = 0; i < nwanted; i++)
	{
		bool		isnull;

		values[n] = barq_groups_value(groups, wanted[i], &isnull);
		if (isnull)
			*has_null = true;
		else
			n++;
	}
	get_typlenbyvalalign(entry->group_type, &length, &by_value, &align);
	return PointerGetDatum(construct_array(values, n, entry->group_type, length, by_value,
										   align));
}

void
barq_hybrid_run_members(Relation table, BarqHybridEntry *entry,
						const BarqHybridArgs *args, BarqGroups *groups,
						const int *wanted, int nwanted, BarqRanking *ranking)
{
	ParamListInfo params = barq_hybrid_bind_leg(entry, args, BARQ_LEG_VECTOR, 2);
	HitReceiver receiver = {.ranking = ranking, .kind = BARQ_LEG_VECTOR,
							.groups = groups,
							.per_group = args->per_group};
	bool		has_null;
	Datum		array = array_of_groups(entry, groups, wanted, nwanted, &has_null);

	bind_more(entry, params, 0, get_array_type(entry->group_type), array);
	bind_more(entry, params, 1, BOOLOID, BoolGetDatum(has_null));
	run_plan(barq_hybrid_members_plan(table, entry), params, &receiver);
	ranking->complete = true;
}

/* Whether a ranking could have more rows than it has now. */
static bool
can_grow(const BarqHybridArgs *args, BarqLegKind kind, const BarqRanking *ranking)
{
	return args->wanted[kind] && !args->capped[kind] && !ranking->complete;
}

void
barq_hybrid_run_legs(Relation table, BarqHybridEntry *entry,
					 const BarqHybridArgs *args, BarqGroups *groups,
					 BarqRanking *rankings)
{
	int			known = 0;		/* groups before the last runs */
	bool		grown;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
		if (args->wanted[kind])
			run_leg(table, entry, args, kind, entry->candidates[kind], groups,
					&rankings[kind]);
	do
	{
		int			before = groups == NULL ? 0 : barq_groups_count(groups);
		bool		all = before == known;

		grown = false;
		known = before;
		for (int kind = 0; kind < BARQ_LEGS; kind++)
			if (groups != NULL && barq_groups_count(groups) < args->k &&
				can_grow(args, kind, &rankings[kind]))
			{
				int64		limit = rankings[kind].limit;

				CHECK_FOR_INTERRUPTS();

				/* GROWTH times the rows had no further group: probably there is none */
				run_leg(table, entry, args, kind,
						all ? PG_INT64_MAX : limit * GROWTH, groups,
						&rankings[kind]);
				grown = true;
			}
	} while (grown);
}
