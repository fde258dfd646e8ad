/*
 * recall.c
 *	  barq_recall(): the share of true neighbours that an index finds, measured on
 *	  rows of its own table.
 *
 * Samples are rows drawn at random. The k nearest other rows of each are found
 * twice with one snapshot: by a scan of the index with the current settings, and
 * by comparing it with every row of the table, in one pass for all samples.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "admin/admin.h"
#include "am/am.h"
#include "bm25/bm25.h"
#include "vector_index/best_keys.h"
#include "vector_index/recall_target.h"
#include "am/heap_distance.h"
#include "am/scan_bound.h"
#include "catalog/index.h"
#include "common/pg_prng.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_recall);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_recall_curve);

#define MAX_K		1000
#define MAX_SAMPLES	10000

/* A row whose neighbours are searched. */
typedef struct Sample
{
	Datum		value;
	ItemPointerData tid;		/* of the root of its HOT chain, as the index has it */
	BestKeys	nearest;		/* distances of the k nearest others */
} Sample;

typedef struct Recall
{
	Relation	heap;
	Relation	index;
	Snapshot	snapshot;
	const BarqIndexKind *kind;
	BarqMeta	meta;
	int			k;

	ScanKeyData key;			/* ORDER BY the distance; argument: a sample */
	Sample	   *samples;
	int			wanted;
	int			nsamples;
	uint64		rows;			/* of the table that have a key, so far */
	MemoryContext context;		/* for samples */
	MemoryContext scratch;		/* reset after each row */
} Recall;

static double
distance_between(Recall *recall, Datum value, Datum query)
{
	return DatumGetFloat8(FunctionCall2Coll(&recall->key.sk_func, recall->key.sk_collation,
											value, query));
}

/*
 * IndexBuildCallback: draw a uniform sample of the rows with a key (Vitter's
 * algorithm R). Called with each row that the snapshot sees. Samples' values are
 * copied to recall->context; counts recall->rows.
 */
static void
draw(Relation index, ItemPointer tid, Datum *values, bool *isnull,
	 bool tuple_is_alive, void *arg)
{
	Recall	   *recall = arg;
	MemoryContext old;
	Sample	   *sample;
	uint64		at;

	CHECK_FOR_INTERRUPTS();
	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(recall->scratch);
	if (recall->kind->has_key(index, &recall->meta.options, values[0]))
	{
		at = recall->rows++;
		if (at >= (uint64) recall->wanted)
			at = pg_prng_uint64_range(&pg_global_prng_state, 0, at);
		if (at < (uint64) recall->wanted)
		{
			sample = &recall->samples[at];
			MemoryContextSwitchTo(recall->context);
			if (at < (uint64) recall->nsamples)
				pfree(DatumGetPointer(sample->value));
			else
				recall->nsamples++;
			sample->value = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[0]));
			sample->tid = *tid;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(recall->scratch);
}

/* IndexBuildCallback: add a row's distance to every sample's nearest, its own apart. */
static void
compare(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		bool tuple_is_alive, void *arg)
{
	Recall	   *recall = arg;
	MemoryContext old;

	if (isnull[0])
		return;
	old = MemoryContextSwitchTo(recall->scratch);
	if (recall->kind->has_key(index, &recall->meta.options, values[0]))
	{
		Datum		value = PointerGetDatum(PG_DETOAST_DATUM(values[0]));

		for (int i = 0; i < recall->nsamples; i++)
		{
			Sample	   *sample = &recall->samples[i];

			CHECK_FOR_INTERRUPTS();
			if (!ItemPointerEquals(&sample->tid, tid))
				note_key(&sample->nearest, distance_between(recall, value, sample->value));
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(recall->scratch);
}

/* Call `callback` for every row of the table that the snapshot sees. */
static void
pass_over_table(Recall *recall, IndexBuildCallback callback)
{
	IndexInfo  *info = BuildIndexInfo(recall->index);

	info->ii_Concurrent = true; /* it then uses the scan's snapshot */
	table_index_build_scan(recall->heap, recall->index, info, true, false, callback, recall,
						   table_beginscan_strat(recall->heap, recall->snapshot, 0, NULL,
												 true, false));
}

/*
 * Number of a sample's k nearest that the index finds: of the first k rows of the
 * scan, in exact order as the executor sorts them, those as near as the k-th
 * nearest.
 */
static int
count_found(Recall *recall, IndexScanDesc scan, BarqHeapDistance *heap, Sample *sample)
{
	int			k = sample->nearest.count;
	BestKeys	found = {palloc(sizeof(double) * k), 0, k};
	int			hits = 0;
	ItemPointer tid;

	recall->key.sk_argument = sample->value;
	index_rescan(scan, NULL, 0, &recall->key, 1);
	while ((tid = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		double		distance;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetFloat8(scan->xs_orderbyvals[0]) > key_to_beat(&found))
			break;
		if (!ItemPointerEquals(tid, &sample->tid) &&
			barq_heap_distance(heap, tid, &distance))
			note_key(&found, distance);
	}
	for (int i = 0; i < found.count; i++)
		hits += found.heap[i] <= sample->nearest.heap[0];
	pfree(found.heap);
	return hits;
}

/* Make recall->key: ORDER BY the distance operator of the index's first column. */
static void
init_key(Recall *recall)
{
	Oid			family = recall->index->rd_opfamily[0];
	Oid			type = recall->index->rd_opcintype[0];
	Oid operator= get_opfamily_member(family, type, type, 1);

	if (!OidIsValid(operator))
		elog(ERROR, "operator family %u has no distance operator", family);
	ScanKeyEntryInitialize(&recall->key, SK_ORDER_BY, 1, 1, type,
						   recall->index->rd_indcollation[0], get_opcode(operator),
						   (Datum) 0);
}

/*
 * Search with each sample, with the current settings; returns the share of neighbours
 * found, 0 to 1.
 */
static double
search_samples(Recall *recall)
{
	IndexScanDesc scan;
	BarqHeapDistance *heap;
	int64		found = 0;
	int64		all = 0;

	scan = BarqIndexBeginScan(recall->heap, recall->index, recall->snapshot, 0, 1);
	index_rescan(scan, NULL, 0, &recall->key, 1);
	heap = barq_heap_distance_begin(scan);
	for (int i = 0; i < recall->nsamples; i++)
	{
		found += count_found(recall, scan, heap, &recall->samples[i]);
		all += recall->samples[i].nearest.count;
	}
	barq_heap_distance_end(heap);
	index_endscan(scan);
	return (double) found / all;
}

/* The same, as scans under a LIMIT of k rows. */
static double
measure(Recall *recall)
{
	double		result = 0;

	barq_scan_bound_own(recall->k);
	barq_stats_pause(true);
	PG_TRY();
	{
		result = search_samples(recall);
	}
	PG_FINALLY();
	{
		barq_stats_pause(false);
		barq_scan_bound_own(0);
	}
	PG_END_TRY();
	return result;
}

/* `value`, or ERRCODE_INVALID_PARAMETER_VALUE if it is not between `least` and `most`. */
static int
checked_argument(const char *name, int value, int least, int most)
{
	if (value < least || value > most)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be between %d and %d", name, least, most)));
	return value;
}

/*
 * Open table and index and check what can be measured. The index is in recall->index,
 * its table in recall->heap, both with AccessShareLock. Errors: see barq_recall().
 */
static void
open_index(Recall *recall, Oid oid)
{
	Oid			heap_oid = IndexGetRelation(oid, true);

	if (OidIsValid(heap_oid))
		recall->heap = table_open(heap_oid, AccessShareLock);
	recall->index = barq_admin_open(oid, AccessShareLock, BARQ_RIGHT_CONTENT);
	barq_meta_read(recall->index, &recall->meta);
	if (recall->meta.options.index_kind == BARQ_KIND_BM25)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of vectors",
						RelationGetRelationName(recall->index)),
				 errdetail("Searches of access method %s are exact.", "barq_bm25")));
	if (!recall->index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", RelationGetRelationName(recall->index))));
	recall->kind = barq_index_kind(recall->meta.options.index_kind);
	recall->context = AllocSetContextCreate(CurrentMemoryContext, "barq recall",
											ALLOCSET_DEFAULT_SIZES);
	recall->scratch = AllocSetContextCreate(recall->context, "barq recall row",
											ALLOCSET_DEFAULT_SIZES);
}

static void
close_index(Recall *recall)
{
	MemoryContextDelete(recall->context);
	relation_close(recall->index, AccessShareLock);
	table_close(recall->heap, AccessShareLock);
}

/*
 * Draw samples, find their neighbours in the table, and call measure_all(recall, arg)
 * with the rights of the table's owner. False, without that call, where the index has
 * fewer than two rows.
 */
static bool
with_samples(Recall *recall, void (*measure_all) (Recall *recall, void *arg), void *arg)
{
	BarqOwnerSwitch owner;
	bool		measurable;

	recall->samples = MemoryContextAllocZero(recall->context, sizeof(Sample) * recall->wanted);
	init_key(recall);
	barq_become_owner(recall->heap, &owner);
	recall->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	pass_over_table(recall, draw);
	measurable = recall->rows >= 2;
	if (measurable)
	{
		for (int i = 0; i < recall->nsamples; i++)
		{
			BestKeys   *nearest = &recall->samples[i].nearest;

			nearest->heap = MemoryContextAlloc(recall->context, sizeof(double) * recall->k);
			nearest->want = recall->k;
		}
		pass_over_table(recall, compare);
		measure_all(recall, arg);
	}
	UnregisterSnapshot(recall->snapshot);
	barq_become_caller(&owner);
	return measurable;
}

static void
measure_once(Recall *recall, void *arg)
{
	*(double *) arg = measure(recall);
}

double
barq_measure_recall(Oid index, int k, int samples)
{
	Recall		recall = {.k = k, .wanted = samples};
	double		result = 0;
	bool		measurable;

	open_index(&recall, index);
	measurable = with_samples(&recall, measure_once, &result);
	close_index(&recall);
	return measurable ? result : -1;
}

/*
 * barq_recall(index regclass, k int DEFAULT 10, samples int DEFAULT 100) →
 * float8: the share of the k nearest other rows that the index finds for rows
 * drawn from its table, 0 to 1. NULL where the index has fewer than two rows.
 * Errors: barq_admin_open(), ERRCODE_INVALID_PARAMETER_VALUE,
 * ERRCODE_WRONG_OBJECT_TYPE for an index of text,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE for one that is not valid.
 */
Datum
barq_recall(PG_FUNCTION_ARGS)
{
	int			k = checked_argument("k", PG_GETARG_INT32(1), 1, MAX_K);
	int			samples = checked_argument("samples", PG_GETARG_INT32(2), 1, MAX_SAMPLES);
	double		recall = barq_measure_recall(PG_GETARG_OID(0), k, samples);

	if (recall < 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(recall);
}

/* Targets that barq_recall_curve() shows. */
static const double targets[] = {0.8, 0.9, 0.95, 0.98, 0.99, 0.999};

/* Measure with each target. */
static void
measure_targets(Recall *recall, void *arg)
{
	double	   *measured = arg;

	for (int i = 0; i < (int) lengthof(targets); i++)
	{
		char		target[16];
		int			nest_level = NewGUCNestLevel();

		snprintf(target, sizeof(target), "%g", targets[i]);
		(void) set_config_option("barq.target_recall", target, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		measured[i] = measure(recall);
		AtEOXact_GUC(true, nest_level);
	}
}

/*
 * barq_recall_curve(index regclass, k int DEFAULT 10, samples int DEFAULT 0) → a row
 * for each of some targets of recall: the breadth (rows of a beam, or lists) that
 * barq.target_recall would choose for k rows, the recall that the index's curves (or
 * its calibration) expect there, and, with samples, the recall measured with this target
 * on rows drawn as barq_recall() draws them. Errors: as barq_recall().
 */
Datum
barq_recall_curve(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Recall		recall = {0};
	BarqTargetBreadth breadths[lengthof(targets)];
	double		measures[lengthof(targets)] = {0};
	bool		measured = false;

	recall.k = checked_argument("k", PG_GETARG_INT32(1), 1, MAX_K);
	recall.wanted = checked_argument("samples", PG_GETARG_INT32(2), 0, MAX_SAMPLES);
	InitMaterializedSRF(fcinfo, 0);
	open_index(&recall, PG_GETARG_OID(0));
	for (int i = 0; i < (int) lengthof(targets); i++)
		breadths[i] = barq_target_breadth(recall.index, recall.k, targets[i], true);
	if (recall.wanted > 0)
		measured = with_samples(&recall, measure_targets, measures);
	for (int i = 0; i < (int) lengthof(targets); i++)
	{
		Datum		values[6] = {0};
		bool		nulls[6] = {0};

		values[0] = Float8GetDatum(targets[i]);
		values[1] = Int32GetDatum(breadths[i].breadth);
		values[2] = Float8GetDatum(breadths[i].expected);
		values[3] = BoolGetDatum(breadths[i].calibrated);
		values[4] = Int32GetDatum(breadths[i].samples);
		values[5] = Float8GetDatum(measures[i]);
		nulls[5] = !measured;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	close_index(&recall);
	return (Datum) 0;
}
