/*
 * advise.c
 *	  barq_advise(): what to change about an index, and why.
 *
 * Each rule looks at one subject and is silent where nothing is to be changed. The
 * thresholds follow docs/performance.md, whose sections are named beside them.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/relation.h"
#include "access/table.h"
#include "admin/advice.h"
#include "am/am.h"
#include "am/search_names.h"
#include "base/names.h"
#include "base/settings.h"
#include "base/shared.h"
#include "bm25/bm25.h"
#include "catalog/index.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lifecycle/policy.h"
#include "miscadmin.h"
#include "store/residency.h"
#include "utils/builtins.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#include "vector_index/recall_target.h"
#include "vector_index/vector_index.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_advise);

/* Recall@10 below which a breadth is advised, and above which a smaller one is. */
#define LOW_RECALL		0.9
#define FULL_RECALL		0.999
#define ADVISED_RECALL	0.95
#define LEAST_BREADTH	24		/* that is advised */

/* Rows compared with samples while recall is measured: about a second of work. */
#define COMPARED_ROWS	20000000.0
#define LEAST_SAMPLES	20
#define MOST_SAMPLES	100

/* Images above it are worth a quarter of their bytes ("rabitq beside sq8"). */
#define LARGE_BYTES		(UINT64CONST(64) * 1024 * 1024)

/* Rows from which a build or merge is worth a second process. */
#define MANY_ROWS		100000

/* Lists, beside those that barq would choose, that are too few or too many ("IVF"). */
#define LISTS_FACTOR	4

/* A share of dead rows at which every search pays ("What merging costs"). */
#define DEAD_SHARE		0.3

/* A share of inserts that waited. */
#define WAITED_SHARE	0.001

void
barq_advise_that(BarqAdvised *advised, const char *subject, const char *sentence,...)
{
	StringInfoData text;
	Datum		values[3];
	bool		nulls[3] = {0};

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, sentence);
		needed = appendStringInfoVA(&text, sentence, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	values[0] = ObjectIdGetDatum(RelationGetRelid(advised->index));
	values[1] = CStringGetTextDatum(subject);
	values[2] = CStringGetTextDatum(text.data);
	tuplestore_putvalues(advised->result->setResult, advised->result->setDesc, values, nulls);
	pfree(text.data);
}

/* An option with which the index was built, as text; NULL if its kind has no such one. */
static const char *
option_of(const BarqAdvised *advised, const char *option)
{
	for (int i = 0; i < advised->noptions; i++)
		if (strcmp(advised->options[i].name, option) == 0)
			return advised->options[i].value;
	return NULL;
}

/* Bytes as the units of settings. */
static char *
megabytes(uint64 bytes)
{
	return psprintf(UINT64_FORMAT "MB", (bytes + 1024 * 1024 - 1) / (1024 * 1024));
}

static bool
is_text(const BarqAdvised *advised)
{
	return advised->meta.options.index_kind == BARQ_KIND_BM25;
}

static bool
is_ivf(const BarqAdvised *advised)
{
	return advised->meta.options.index_kind == BARQ_KIND_IVF;
}

static void
advise_options(BarqAdvised *advised)
{
	const char *pending = barq_pending_options(advised->index, &advised->meta.options);

	if (pending == NULL)
		return;
	if (strncmp(pending, "invalid: ", strlen("invalid: ")) == 0)
		barq_advise_that(advised, "options",
						 "Correct the options of %s by ALTER INDEX: REINDEX would fail with \"%s\".",
						 advised->name, pending + strlen("invalid: "));
	else
		barq_advise_that(advised, "options",
						 "REINDEX INDEX CONCURRENTLY %s: the options %s were set after it was built, and take effect then.",
						 advised->name, pending);
}

/*
 * Advise a breadth. Measures recall, so the caller has the right to see the content and
 * the index is valid.
 */
static void
advise_recall(BarqAdvised *advised)
{
	int			samples = (int) Min(MOST_SAMPLES, Max(LEAST_SAMPLES, COMPARED_ROWS / advised->rows));
	double		recall = barq_measure_recall(RelationGetRelid(advised->index), 10, samples);
	BarqTargetBreadth wanted = barq_target_breadth(advised->index, 10, ADVISED_RECALL, false);
	const BarqSearchNames *names = barq_search_names(advised->index->rd_indam);
	const char *setting = psprintf("%s.%s", names != NULL ? names->prefix : "barq",
								   wanted.of_lists ? "probes" : "ef_search");
	int			breadth = barq_breadth_for(names, wanted.of_lists);

	if (recall < 0)
		return;
	if (barq_target_recall > 0)
	{
		if (recall < barq_target_recall - 0.02)
			barq_advise_that(advised, "target_recall",
							 "SELECT barq_calibrate('%s', an array of queries as your users ask them): with barq.target_recall = %g the recall of %d sampled rows is %.3f.",
							 advised->name, barq_target_recall, samples, recall);
		return;
	}
	if (recall < LOW_RECALL && wanted.expected < ADVISED_RECALL && !wanted.of_lists)
		barq_advise_that(advised, "m",
						 "Build %s anew with m = %d: the recall of %d sampled rows is %.3f, and by its curve no breadth reaches %g.",
						 advised->name, Min(100, 2 * pg_strtoint32(option_of(advised, "m"))),
						 samples, recall, ADVISED_RECALL);
	else if (recall < LOW_RECALL)
		barq_advise_that(advised, "recall",
						 "SET barq.target_recall = %g, or %s = %d: with the present settings the recall of %d sampled rows is %.3f.",
						 ADVISED_RECALL, setting, wanted.breadth, samples, recall);
	else if (recall >= FULL_RECALL)
	{
		BarqTargetBreadth less = barq_target_breadth(advised->index, 10, 0.99, false);
		int			enough = less.of_lists ? less.breadth : Max(less.breadth, LEAST_BREADTH);

		if (enough > 0 && breadth >= 2 * enough && less.expected >= 0.99)
			barq_advise_that(advised, "recall",
							 "SET %s = %d in place of %d: a recall of 0.99 is expected of it, that of %d sampled rows is %.3f now, and searches take less time.",
							 setting, enough, breadth, samples, recall);
	}
}

static void
advise_lists(BarqAdvised *advised)
{
	const char *option = option_of(advised, "lists");
	uint32		lists = option == NULL ? 0 : (uint32) pg_strtoint32(option);
	uint32		usual = barq_usual_lists((double) advised->rows);

	if (lists > 0 && (lists > usual * LISTS_FACTOR || lists * LISTS_FACTOR < usual))
		barq_advise_that(advised, "lists",
						 "ALTER INDEX %s SET (lists = 0) and REINDEX: it was built with %u lists, barq would choose %u for " UINT64_FORMAT " rows.",
						 advised->name, lists, usual, advised->rows);
}

/* Memory of this machine in bytes; 0 if it is not known. */
static uint64
machine_memory(void)
{
	long		pages = sysconf(_SC_PHYS_PAGES);
	long		bytes = sysconf(_SC_PAGESIZE);

	return pages > 0 && bytes > 0 ? (uint64) pages * (uint64) bytes : 0;
}

/* Whether vectors of a type can be quantized: not sparsevec and bit. */
static bool
is_dense(Oid type)
{
	HeapTuple	tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	bool		dense = false;

	if (HeapTupleIsValid(tuple))
	{
		const char *name = NameStr(((Form_pg_type) GETSTRUCT(tuple))->typname);

		dense = strcmp(name, "vector") == 0 || strcmp(name, "halfvec") == 0;
		ReleaseSysCache(tuple);
	}
	return dense;
}

/* Quantization, for an index whose images are large beside the memory they have. */
static void
advise_quantization(BarqAdvised *advised)
{
	const char *quantization = option_of(advised, "quantization");
	uint64		room = barq_memory_budget > 0 ? barq_memory_budget * UINT64CONST(1024) :
		machine_memory() / 2;
	bool		crowded = room > 0 && advised->image_bytes > room;

	if (quantization == NULL)
		return;
	if (strcmp(quantization, "none") == 0 && advised->image_bytes >= LARGE_BYTES &&
		is_dense(advised->index->rd_opcintype[0]))
		barq_advise_that(advised, "quantization",
						 "Build %s anew with quantization = sq8: its images have %s without, codes of sq8 are a quarter of that, and results stay in exact order.",
						 advised->name, megabytes(advised->image_bytes));
	else if (strcmp(quantization, "sq8") == 0 && crowded)
		barq_advise_that(advised, "quantization",
						 "Build %s anew with quantization = rabitq%s: its images have %s, %s.",
						 advised->name, is_ivf(advised) ? "" : ", or as barq_ivf with memory = cold",
						 megabytes(advised->image_bytes),
						 barq_memory_budget > 0 ? "more than barq.memory_budget" :
						 "more than half of the memory of this machine");
}

static void
advise_memory(BarqAdvised *advised)
{
	if (barq_memory_budget > 0 && advised->evictions > 0 &&
		barq_memory_of(advised->index) != BARQ_MEMORY_COLD)
		barq_advise_that(advised, "memory_budget",
						 "Raise barq.memory_budget, or set memory = 'cold' for indexes that may be slow: images of %s were evicted " UINT64_FORMAT " times since the server started.",
						 advised->name, advised->evictions);
}

/* Processes and memory of a build or merge; not for text, whose builds are quick. */
static void
advise_build(BarqAdvised *advised)
{
	if (advised->rows >= MANY_ROWS && max_parallel_maintenance_workers == 0)
		barq_advise_that(advised, "max_parallel_maintenance_workers",
						 "Set max_parallel_maintenance_workers to 2 or more: one process alone builds and merges the " UINT64_FORMAT " rows of %s now.",
						 advised->rows, advised->name);
	if (!is_ivf(advised) && advised->image_bytes > maintenance_work_mem * UINT64CONST(1024) &&
		advised->rows >= MANY_ROWS)
		barq_advise_that(advised, "maintenance_work_mem",
						 "SET maintenance_work_mem = '%s' before REINDEX of %s: below it a graph is built part by part, which takes longer and may cost a hundredth of recall.",
						 megabytes(advised->image_bytes + advised->image_bytes / 8),
						 advised->name);
}

static void
advise_maintenance(BarqAdvised *advised)
{
	const uint64 *counters = advised->counts.counters;
	uint64		inserts = counters[BARQ_COUNT_INSERTS];
	uint64		all = advised->rows + advised->dead;
	BarqPolicy	policy;

	barq_policy_of(advised->index, &policy);
	if (!barq_background && advised->segments > policy.max_segments)
		barq_advise_that(advised, "background",
						 "Set barq.background = on, or run barq_compact('%s') regularly: it has %d segments, each of which a search pays for.",
						 advised->name, advised->segments);
	else if (all >= FEW_ROWS && advised->dead > DEAD_SHARE * all)
		barq_advise_that(advised, "dead_rows",
						 "SELECT barq_compact('%s'): " UINT64_FORMAT " of its " UINT64_FORMAT " rows are dead, and searches read them%s.",
						 advised->name, advised->dead, all,
						 barq_background ? "" : " (barq.background is off)");
	if (counters[BARQ_COUNT_WAITS] > inserts * WAITED_SHARE && counters[BARQ_COUNT_WAITS] > 0)
		barq_advise_that(advised, "waits",
						 "Raise barq.max_workers (%d) or growing_hard_limit of %s (%s): " UINT64_FORMAT " of " UINT64_FORMAT " inserts waited for maintenance, %.0f ms in all.",
						 barq_max_workers, advised->name, megabytes(policy.growing_hard_limit),
						 counters[BARQ_COUNT_WAITS], inserts,
						 counters[BARQ_COUNT_WAIT_US] / 1000.0);
	if (counters[BARQ_COUNT_SCANS_CUT] > 0)
		barq_advise_that(advised, "max_scan_tuples",
						 "Raise barq.max_scan_tuples or set it to 0 where the rows that a condition keeps are few: it cut " UINT64_FORMAT " searches of %s, which may have returned fewer rows than exist.",
						 counters[BARQ_COUNT_SCANS_CUT], advised->name);
	if (!barq_is_preloaded() && advised->rows >= MANY_ROWS)
		barq_advise_that(advised, "shared_preload_libraries",
						 "Add barq to shared_preload_libraries: counters then count for the whole server, images can have a budget, and indexes without inserts are looked after.");
}

/* Fill what advised->meta, name, options and segments say. The index is open. */
static void
read_state(BarqAdvised *advised)
{
	Oid			oid = RelationGetRelid(advised->index);
	BarqSegmentDesc *descs = barq_directory_current(advised->index, &advised->meta, NULL);
	BarqIndexCounts *counts;
	int			n;

	advised->name = barq_qualified_name(advised->index);
	advised->noptions = barq_index_kind(advised->meta.options.index_kind)->show(advised->index, &advised->meta.options,
																				advised->options);
	advised->segments = (int) advised->meta.segments;
	for (uint32 i = 0; i < advised->meta.segments; i++)
	{
		BarqImageUse use;

		advised->rows += descs[i].rows - descs[i].dead_rows;
		advised->dead += descs[i].dead_rows;
		advised->image_bytes += barq_image_file_bytes(descs[i].body_bytes);
		if (barq_residency_get(descs[i].id, &use))
			advised->evictions += use.evictions;
	}
	counts = barq_stats_read(&n);
	for (int i = 0; i < n; i++)
		if (counts[i].index == oid)
			advised->counts = counts[i];
}

/*
 * The rules for one index, whose caller may see it. *advised has the result and is
 * zero otherwise. Silent for an index that is not built.
 */
static void
advise_index(BarqAdvised *advised, Oid oid)
{
	Oid			table = IndexGetRelation(oid, true);

	if (!OidIsValid(table))
		return;
	advised->heap = table_open(table, AccessShareLock);
	advised->index = barq_admin_try_open(oid);
	if (advised->index != NULL)
	{
		read_state(advised);
		if (!advised->index->rd_index->indisvalid)
			barq_advise_that(advised, "invalid",
							 "REINDEX INDEX CONCURRENTLY %s, or drop it: a concurrent build of it failed, and no query uses it.",
							 advised->name);
		advise_options(advised);
		barq_advise_use(advised);
		if (!is_text(advised) && advised->rows >= FEW_ROWS &&
			advised->index->rd_index->indisvalid &&
			barq_may_see_index_content(oid, GetUserId()))
			advise_recall(advised);
		if (is_ivf(advised))
			advise_lists(advised);
		advise_quantization(advised);
		barq_advise_filter_columns(advised);
		if (!is_text(advised))
			advise_build(advised);
		advise_memory(advised);
		advise_maintenance(advised);
		relation_close(advised->index, AccessShareLock);
	}
	table_close(advised->heap, AccessShareLock);
}

/* Whether an index, or partitioned index, is one of barq's. */
static bool
is_of_barq(Oid oid)
{
	Relation	index = try_relation_open(oid, AccessShareLock);
	bool		result = index != NULL && barq_is_barq_index(index);

	if (index != NULL)
		relation_close(index, AccessShareLock);
	return result;
}

/*
 * The barq indexes that an argument names: an index, or those of a table. Partitions are
 * left out. ERRCODE_WRONG_OBJECT_TYPE, ERRCODE_UNDEFINED_OBJECT,
 * ERRCODE_INSUFFICIENT_PRIVILEGE.
 */
static List *
indexes_of(Oid oid)
{
	List	   *result = NIL;
	Relation	table;
	ListCell   *cell;

	switch (get_rel_relkind(oid))
	{
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
			break;
		case RELKIND_PARTITIONED_TABLE:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is a partitioned table", get_rel_name(oid)),
					 errhint("Name one of its partitions.")));
			break;
		case '\0':
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("relation with OID %u does not exist", oid),
					 errhint("Name an index of barq, or a table that has one.")));
			break;
		default:
			relation_close(barq_admin_open(oid, AccessShareLock, BARQ_RIGHT_SEE), AccessShareLock);
			return list_make1_oid(oid);
	}
	if (!barq_may_see(oid))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(oid));
	table = table_open(oid, AccessShareLock);
	foreach(cell, RelationGetIndexList(table))
		if (is_of_barq(lfirst_oid(cell)))
			result = lappend_oid(result, lfirst_oid(cell));
	table_close(table, AccessShareLock);
	if (result == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" has no barq index", get_rel_name(oid)),
				 errhint("CREATE INDEX ... USING barq_hnsw, barq_ivf or barq_bm25 makes one.")));
	return result;
}

/*
 * barq_advise(relation regclass) → a row for each thing that should be changed about a
 * barq index, or about those of a table: the index, a subject, and a sentence of what to
 * change and why; no row if nothing should. Measures the recall of some sampled rows, for
 * a second or so, with the current settings. Errors: indexes_of(), barq_admin_open().
 */
Datum
barq_advise(PG_FUNCTION_ARGS)
{
	List	   *indexes = indexes_of(PG_GETARG_OID(0));
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, indexes)
	{
		BarqAdvised advised = {.result = (ReturnSetInfo *) fcinfo->resultinfo};

		CHECK_FOR_INTERRUPTS();
		advise_index(&advised, lfirst_oid(cell));
	}
	return (Datum) 0;
}
