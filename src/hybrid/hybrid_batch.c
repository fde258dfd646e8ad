/*
 * hybrid_batch.c
 *	  barq_search_batch(): the nearest rows of many vectors in one call.
 *
 * Each vector is a ranking like those of barq_hybrid(), with the plan of the first one
 * and the snapshot of the statement, so the rows are those of as many ordered scans. One
 * executor runs the plan for all of them where it can (hybrid_repeat.c). The
 * vectors are announced to the scans, so that those of lists read each list once for
 * all of them (am/upcoming.h). A call that takes some time has parallel workers
 * (hybrid_workers.c).
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "am/upcoming.h"
#include "base/array.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "hybrid/hybrid_batch.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "portability/instr_time.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_search_batch);

/* Rows are fetched and put into the result when there are as many hits. */
#define MOST_HITS	10000

/*
 * Workers start if the vectors left would take the leader alone as long as this, by the
 * time that those before took; the first is left out, since it makes the plans.
 */
#define SHARE_AFTER		3		/* vectors */
#define SHARE_SECONDS	0.010
#define SHARE_EVERY		16		/* vectors, then it is asked again */

void
barq_batch_set_vectors(BarqBatch *batch, Datum value, Oid type)
{
	ArrayType  *array;
	int16		length;
	bool		by_value;
	char		align;

	type = getBaseType(type);
	if (type == TEXTOID)
		value = OidInputFunctionCall(F_ARRAY_IN, TextDatumGetCString(value), TEXTOID, -1);
	else if (!OidIsValid(get_element_type(type)) || type == OIDVECTOROID || type == INT2VECTOROID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("embeddings must be an array of vectors, not of type %s",
						format_type_be(type)),
				 errhint("Write one vector as ARRAY[...] too.")));
	array = DatumGetArrayTypeP(value);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("embeddings must be an array of one dimension"),
				 errhint("Cast arrays of numbers to vectors: ARRAY[...]::vector[].")));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("embeddings must not contain NULL"),
				 errhint("Leave NULLs out, as in array_agg(...) FILTER (WHERE ... IS NOT NULL).")));

	batch->embeddings = array;
	batch->args.embedding_type = ARR_ELEMTYPE(array);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &batch->vectors,
					  NULL, &batch->nvectors);
}

/* The order of a query's hits. */
static int
compare_hits(const void *a, const void *b)
{
	const BarqLegHit *x = a;
	const BarqLegHit *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return barq_address_compare(&x->at, &y->at);
}

/*
 * Keep the hits of the first k groups, at most per_group of each. rows: how many each
 * group has, by number, zeroed at first.
 */
static void
keep_groups(const BarqHybridArgs *args, BarqRanking *ranking, int *rows)
{
	int			ngroups = 0;
	int			kept = 0;

	for (int i = 0; i < ranking->nhits; i++)
	{
		BarqLegHit	hit = ranking->hits[i];

		if (rows[hit.group] == args->per_group || (rows[hit.group] == 0 && ngroups == args->k))
			continue;
		if (rows[hit.group]++ == 0)
			ngroups++;
		ranking->hits[kept++] = hit;
	}
	ranking->nhits = kept;
}

/*
 * Add the rows that the groups of a ranking have beyond the rows that were read. rows:
 * how many of each group there are, by number.
 */
static void
complete_groups(BarqBatch *batch, BarqGroups *groups, BarqRanking *ranking, const int *rows)
{
	int			n = barq_groups_count(groups);
	int		   *wanted = palloc_array(int, n);
	int			nwanted = 0;
	int			kept = 0;
	BarqRanking members = {0};

	for (int i = 0; i < n; i++)
		if (rows[i] > 0 && rows[i] < batch->args.per_group)
			wanted[nwanted++] = i;
	if (ranking->complete || nwanted == 0)
		return;
	barq_hybrid_run_members(batch->table, batch->entry, &batch->args, groups, wanted, nwanted,
							&members);

	/* all rows of these groups come from there */
	for (int i = 0; i < ranking->nhits; i++)
		if (rows[ranking->hits[i].group] == batch->args.per_group)
			ranking->hits[kept++] = ranking->hits[i];
	ranking->nhits = kept;
	BARQ_ARRAY_RESERVE(ranking->hits, ranking->space, ranking->nhits + members.nhits, 128);
	if (members.nhits > 0)
		memcpy(ranking->hits + kept, members.hits, sizeof(BarqLegHit) * members.nhits);
	ranking->nhits += members.nhits;
	qsort(ranking->hits, ranking->nhits, sizeof(BarqLegHit), compare_hits);
}

/* Put the rows of the hits into the result. */
static void
put_rows(BarqBatch *batch)
{
	barq_batch_put_rows(batch->table, batch->entry, batch->hits, batch->nhits, batch->store,
						batch->desc);
	batch->nhits = 0;
}

/* The rows nearest to a vector, palloc'd in the current memory context. */
static void
search_one(BarqBatch *batch, Datum vector, BarqRanking *ranking)
{
	BarqRanking rankings[BARQ_LEGS] = {{0}};
	BarqGroups *groups = batch->args.group_by == NULL ? NULL : barq_groups_create(batch->entry);

	batch->args.embedding = vector;
	barq_hybrid_run_legs(batch->table, batch->entry, &batch->args, groups, rankings);
	*ranking = rankings[BARQ_LEG_VECTOR];
	if (groups != NULL)
	{
		int		   *rows = palloc0_array(int, Max(barq_groups_count(groups), 1));

		keep_groups(&batch->args, ranking, rows);
		complete_groups(batch, groups, ranking, rows);
	}
}

/*
 * Convert vectors[from …] to the type of the parameter, detoasted, until the results
 * take work_mem; the first in any case. Returns the number of the first not converted.
 */
static int
convert_vectors(BarqBatch *batch, int from, int end, Datum *queries)
{
	BarqConversion *conversion = &batch->entry->legs[BARQ_LEG_VECTOR].conversion;
	Size		bytes = 0;

	while (from < end && bytes <= work_mem * (Size) 1024)
	{
		Datum		value = barq_convert(conversion, batch->vectors[from++]);

		*queries = PointerGetDatum(PG_DETOAST_DATUM(value));
		bytes += VARSIZE(DatumGetPointer(*queries++));
	}
	return from;
}

/* Start the rankings' statement, to be run for each vector, unless that was tried before. */
static void
begin_repeat(BarqBatch *batch, Datum vector, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	batch->args.embedding = vector;
	if (batch->args.repeat == NULL && !batch->no_repeat)
		batch->args.repeat = barq_repeat_begin(batch->table, batch->entry, &batch->args);
	batch->no_repeat = batch->args.repeat == NULL;
	MemoryContextSwitchTo(old);
}

void
barq_batch_end_search(BarqBatch *batch)
{
	if (batch->args.repeat != NULL)
		barq_repeat_end(batch->args.repeat);
	batch->args.repeat = NULL;
}

void
barq_batch_search(BarqBatch *batch, int from, int end, BarqBatchReceive receive, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq_search_batch queries",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext each = AllocSetContextCreate(context, "barq_search_batch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Oid			type = barq_hybrid_parameter_type(&batch->entry->legs[BARQ_LEG_VECTOR].column, BARQ_LEG_VECTOR);

	batch->args.converted = true;
	for (int next; from < end; from = next)
	{
		Datum	   *queries = palloc_array(Datum, end - from);
		BarqUpcoming *upcoming;

		next = convert_vectors(batch, from, end, queries);
		begin_repeat(batch, queries[0], old);
		upcoming = barq_upcoming_begin(type, queries, next - from);
		MemoryContextSwitchTo(each);
		for (int i = from; i < next; i++)
		{
			BarqRanking ranking;

			CHECK_FOR_INTERRUPTS();
			upcoming->current = i - from;
			search_one(batch, queries[i - from], &ranking);
			receive(arg, i, &ranking);
			MemoryContextReset(each);
		}
		barq_upcoming_end(upcoming);
		MemoryContextSwitchTo(context);
		MemoryContextResetOnly(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* BarqBatchReceive: add the hits, or their rows if it has them, to the result. */
static void
add_ranking(void *arg, int number, const BarqRanking *ranking)
{
	BarqBatch  *batch = arg;

	if (ranking->nhits > 0 && ranking->hits[0].row != NULL)
	{
		put_rows(batch);		/* of the vectors before */
		barq_batch_put_ranking(ranking, number + 1, batch->store, batch->desc);
	}
	else
		barq_batch_add(arg, number, ranking->hits, ranking->nhits);
}

void
barq_batch_add(BarqBatch *batch, int number, const BarqLegHit *hits, int nhits)
{
	BARQ_ARRAY_RESERVE(batch->hits, batch->space, batch->nhits + nhits, 1024);
	for (int i = 0; i < nhits; i++)
	{
		BarqBatchHit *hit = &batch->hits[batch->nhits++];

		hit->at = hits[i].at;
		hit->distance = hits[i].distance;
		hit->query = number + 1;
	}
	if (batch->nhits >= MOST_HITS)
		put_rows(batch);
}

/*
 * Whether to start workers now that `done` vectors are searched for, of them
 * `done_first` at `first`, the others since. parallel_setup_cost = 0: at once.
 */
static bool
worth_sharing(const BarqBatch *batch, int done, int done_first, instr_time first)
{
	instr_time	now;

	if (parallel_setup_cost == 0)
		return true;
	if (done < SHARE_AFTER || done == done_first)
		return false;
	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, first);
	return INSTR_TIME_GET_DOUBLE(now) / (done - done_first) * (batch->nvectors - done) >= SHARE_SECONDS;
}

/*
 * Search for each vector. In lists, where vectors share most of the work, workers take
 * part only if there are more than BARQ_BATCH_TOGETHER vectors.
 */
static void
search_all(BarqBatch *batch)
{
	bool		of_lists = batch->entry->legs[BARQ_LEG_VECTOR].column.of_lists;
	bool		can_share = (!of_lists || batch->nvectors > BARQ_BATCH_TOGETHER || parallel_setup_cost == 0) &&
		barq_batch_can_share(batch);
	int			done_first = 0;
	instr_time	first = {0};

	batch->hits = palloc_array(BarqBatchHit, 1024);
	batch->space = 1024;
	for (int from = 0, end; from < batch->nvectors; from = end)
	{
		if (can_share && worth_sharing(batch, from, done_first, first))
		{
			barq_batch_end_search(batch);
			if (barq_batch_share(batch, from))
				break;
			can_share = false;
		}
		end = !can_share ? batch->nvectors :
			from + (of_lists ? BARQ_BATCH_TOGETHER / 4 : from < SHARE_AFTER ? 1 : SHARE_EVERY);
		end = Min(end, batch->nvectors);
		barq_batch_search(batch, from, end, add_ranking, batch);
		if (from == 0)
		{
			done_first = end;
			INSTR_TIME_SET_CURRENT(first);
		}
	}
	barq_batch_end_search(batch);
	put_rows(batch);
}

/*
 * barq_search_batch(item anyelement, embeddings vector[], k int, vector_column name,
 * filter text, filter_args text[], group_by name, per_group int)
 * → TABLE(query int, doc anyelement, distance float8): the k nearest rows of each
 * vector, in the order of the vectors (query: from 1), nearest first. The vectors may
 * be of any type with an assignment cast to the column's.
 */
Datum
barq_search_batch(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BarqBatch	batch = {0};
	Datum		value;
	Oid			type;

	barq_batch_read_args(fcinfo, &batch.args, &value, &type);
	barq_batch_set_vectors(&batch, value, type);
	InitMaterializedSRF(fcinfo, 0);
	batch.store = rsinfo->setResult;
	batch.desc = rsinfo->setDesc;

	/* the lock is kept until the end of the transaction, like a statement's locks */
	batch.table = relation_open(batch.args.table, AccessShareLock);
	SPI_connect();
	batch.entry = barq_hybrid_prepare(batch.table, &batch.args);
	PG_TRY();
	{
		search_all(&batch);
	}
	PG_FINALLY();
	{
		barq_hybrid_release(batch.entry);
	}
	PG_END_TRY();
	SPI_finish();
	relation_close(batch.table, NoLock);
	return (Datum) 0;
}
