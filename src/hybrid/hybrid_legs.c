/*
 * hybrid_legs.c
 *	  Running a ranking of barq_hybrid().
 *
 * An index scan may end before it has found enough rows, at barq.max_scan_tuples;
 * and a scan of vectors that is read to its end returns the rows that its graph
 * missed last, out of order. In both cases the ranking is made again by the exact
 * statement: the planner has to find all rows that pass the filter and sort them.
 */
#include "postgres.h"

#include <math.h>

#include "am/scan_report.h"
#include "base/array.h"
#include "base/settings.h"
#include "executor/tuptable.h"
#include "hybrid/hybrid.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* DestReceiver that adds rows to a ranking. */
typedef struct HitReceiver
{
	DestReceiver pub;
	BarqRanking *ranking;
	MemoryContext context;		/* of the ranking's hits */
	BarqLegKind kind;
} HitReceiver;

/* DestReceiver callback with nothing to do. */
static void
hits_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

/*
 * Add a row (tableoid, ctid, distance). Rows without a distance (NULL, NaN) have no
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

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2])
		return false;
	distance = DatumGetFloat8(slot->tts_values[2]);
	if (isnan(distance) || (receiver->kind == BARQ_LEG_TEXT && distance >= 0))
		return false;

	old = MemoryContextSwitchTo(receiver->context);
	BARQ_ARRAY_RESERVE(ranking->hits, ranking->space, ranking->nhits + 1, 128);
	MemoryContextSwitchTo(old);
	hit = &ranking->hits[ranking->nhits++];
	memset(hit, 0, sizeof(*hit));
	hit->at.table = DatumGetObjectId(slot->tts_values[0]);
	hit->at.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[1]);
	hit->distance = distance;
	return true;
}

static void
hits_nothing(DestReceiver *self)
{
}

/* Fill a ranking, emptied first, by running a plan; its hits live in `context`. */
static void
run_plan(SPIPlanPtr plan, ParamListInfo params, BarqLegKind kind,
		 BarqRanking *ranking, MemoryContext context)
{
	HitReceiver receiver = {
		{hits_receive, hits_startup, hits_nothing, hits_nothing, DestNone},
		ranking,
		context,
		kind};
	SPIExecuteOptions options = {0};
	int			result;

	ranking->nhits = 0;
	options.params = params;
	options.read_only = true;
	options.dest = (DestReceiver *) &receiver;
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not run a ranking: %s", SPI_result_code_string(result));
}

/* The order of hits with the same distance. */
static int
compare_places(const void *a, const void *b)
{
	return barq_address_compare(&((const BarqLegHit *) a)->at,
								&((const BarqLegHit *) b)->at);
}

/* Sort hits with the same distance by their addresses. */
static void
order_ties(BarqRanking *ranking)
{
	BarqLegHit *hits = ranking->hits;

	for (int from = 0, to; from < ranking->nhits; from = to)
	{
		for (to = from + 1; to < ranking->nhits && hits[to].distance == hits[from].distance; to++)
			;
		if (to - from > 1)
			qsort(hits + from, to - from, sizeof(BarqLegHit), compare_places);
	}
}

void
barq_hybrid_run_leg(Relation table, BarqHybridEntry *entry,
					const BarqHybridArgs *args, BarqLegKind kind,
					BarqRanking *ranking)
{
	BarqHybridLeg *leg = &entry->legs[kind];
	ParamListInfo params = makeParamList(entry->nparams + 1);
	ParamExternData *query = &params->params[entry->nparams];
	BarqScanEnds before = barq_scan_ends();
	BarqScanEnds after;
	bool		is_short;
	MemoryContext context = CurrentMemoryContext;
	int			nest_level = -1;

	memset(ranking, 0, sizeof(*ranking));
	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	if (args->filter != NULL)
		barq_hybrid_bind_filter(entry, args->filter_args, params);
	query->ptype = barq_hybrid_parameter_type(&leg->column, kind);
	query->pflags = PARAM_FLAG_CONST;
	query->value = kind == BARQ_LEG_TEXT ? PointerGetDatum(args->query) :
		barq_convert(&leg->conversion, args->embedding);

	/* scans have to be in order, and to continue until there are enough rows */
	if (barq_iterative_scan != BARQ_ITERATIVE_STRICT)
	{
		nest_level = NewGUCNestLevel();
		(void) set_config_option("barq.iterative_scan", "strict_order",
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
	}
	run_plan(leg->plan, params, kind, ranking, context);

	/*
	 * With several tables the scan of one may have been cut while the others gave
	 * enough rows. A short ranking of texts is complete: rare words have few rows.
	 */
	after = barq_scan_ends();
	is_short = ranking->nhits < entry->candidates;
	if ((is_short || entry->has_children) &&
		(after.cut != before.cut ||
		 (is_short && kind == BARQ_LEG_VECTOR &&
		  after.short_of_rows != before.short_of_rows)))
		run_plan(barq_hybrid_exact_plan(table, entry, kind), params, kind, ranking,
				 context);
	if (nest_level >= 0)
		AtEOXact_GUC(true, nest_level);
	order_ties(ranking);
}
