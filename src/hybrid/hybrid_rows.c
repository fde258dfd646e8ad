/*
 * hybrid_rows.c
 *	  The rows of the results of barq_hybrid() and barq_search_batch(): fetched by
 *	  their addresses, BATCH at a time, so that memory does not grow with k.
 *
 * The statement that fetches them reads whole rows of the table. So it converts rows
 * of partitions and children to the table's row type, requires SELECT on every
 * column, and applies row security again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "hybrid/hybrid.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#define BATCH		1000
#define COLUMNS		4			/* of the result of barq_hybrid() */
#define BATCH_COLUMNS	3		/* of barq_search_batch() */

/* A row of a batch. */
typedef struct FetchedRow
{
	BarqRowAddress at;
	int			hit;			/* its number in the batch */
	HeapTupleHeader row;		/* NULL: not visible */
} FetchedRow;

/* DestReceiver that sets the rows of a batch. */
typedef struct RowReceiver
{
	DestReceiver pub;
	FetchedRow *rows;			/* sorted by address */
	int			nrows;
	MemoryContext context;		/* of the copied rows */
} RowReceiver;

static int
compare_rows(const void *a, const void *b)
{
	return barq_address_compare(&((const FetchedRow *) a)->at,
								&((const FetchedRow *) b)->at);
}

static int
compare_hits(const void *a, const void *b)
{
	return ((const FetchedRow *) a)->hit - ((const FetchedRow *) b)->hit;
}

/* Copy a row (tableoid, ctid, row) to its place in the batch. */
static bool
rows_receive(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	FetchedRow	sought;
	FetchedRow *found;
	HeapTupleHeader row;
	MemoryContext old;

	slot_getallattrs(slot);
	if (!barq_hybrid_slot_address(slot, &sought.at) || slot->tts_isnull[2])
		return true;
	found = bsearch(&sought, receiver->rows, receiver->nrows, sizeof(FetchedRow),
					compare_rows);
	if (found == NULL)
		return true;
	old = MemoryContextSwitchTo(receiver->context);
	row = DatumGetHeapTupleHeaderCopy(slot->tts_values[2]);
	MemoryContextSwitchTo(old);

	/* several queries of a batch may have the row */
	while (found > receiver->rows && compare_rows(found - 1, &sought) == 0)
		found--;
	for (; found < receiver->rows + receiver->nrows && compare_rows(found, &sought) == 0; found++)
		found->row = row;
	return true;
}

/* The rows of n hits, in the order of these; palloc'd. Some may be NULL. */
static FetchedRow *
fetch_rows(Relation table, BarqHybridEntry *entry, const BarqFusedHit *hits, int n)
{
	FetchedRow *rows = palloc0(sizeof(FetchedRow) * n);
	BarqRowAddress *at = palloc(sizeof(BarqRowAddress) * n);
	RowReceiver receiver = {
		barq_hybrid_receiver(rows_receive),
		rows,
		n,
		CurrentMemoryContext};
	ParamListInfo params = makeParamList(entry->has_children ? 2 : 1);

	for (int i = 0; i < n; i++)
	{
		rows[i].at = hits[i].at;
		rows[i].hit = i;
	}
	qsort(rows, n, sizeof(FetchedRow), compare_rows);
	for (int i = 0; i < n; i++)
		at[i] = rows[i].at;
	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	barq_hybrid_bind_addresses(params, 0, at, n);

	barq_hybrid_execute(barq_hybrid_rows_plan(table, entry), params, (DestReceiver *) &receiver);
	qsort(rows, n, sizeof(FetchedRow), compare_hits);
	return rows;
}

int
barq_hybrid_compare_keys(Relation key, const Datum *a, const Datum *b)
{
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(key); i++)
	{
		int32		order = DatumGetInt32(FunctionCall2Coll(index_getprocinfo(key, i + 1, BTORDER_PROC),
															key->rd_indcollation[i], a[i], b[i]));

		if (order != 0)
			return order;
	}
	return 0;
}

/* The columns of a row's primary key. */
static void
get_key(Relation key, TupleDesc desc, HeapTupleHeader row, Datum *values)
{
	HeapTupleData tuple = {0};
	bool		isnull;

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	tuple.t_data = row;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(key); i++)
		values[i] = heap_getattr(&tuple, key->rd_index->indkey.values[i], desc, &isnull);
}

/* Whether the primary key puts row b before row a. */
static bool
key_is_descending(Relation key, TupleDesc desc, const FetchedRow *a, const FetchedRow *b)
{
	Datum		keys[2][INDEX_MAX_KEYS];

	get_key(key, desc, a->row, keys[0]);
	get_key(key, desc, b->row, keys[1]);
	return barq_hybrid_compare_keys(key, keys[0], keys[1]) > 0;
}

/* Order tied hits by the primary key. Ties are pairs, and both are in the batch. */
static void
break_ties(Relation table, Oid key_index, BarqFusedHit *hits, FetchedRow *rows, int n)
{
	Relation	key;

	if (!OidIsValid(key_index))
		return;
	key = index_open(key_index, AccessShareLock);
	for (int i = 1; i < n; i++)
		if (barq_hybrid_tied(&hits[i - 1], &hits[i]) &&
			rows[i - 1].row != NULL && rows[i].row != NULL &&
			key_is_descending(key, RelationGetDescr(table), &rows[i - 1], &rows[i]))
		{
			BarqFusedHit hit = hits[i];
			FetchedRow	row = rows[i];

			hits[i] = hits[i - 1];
			rows[i] = rows[i - 1];
			hits[i - 1] = hit;
			rows[i - 1] = row;
		}
	index_close(key, AccessShareLock);
}

/* Add a row to the result. */
static void
put_row(const BarqFusedHit *hit, HeapTupleHeader row, Tuplestorestate *store,
		TupleDesc desc)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};

	values[0] = PointerGetDatum(row);
	values[1] = Float8GetDatum(hit->score);
	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		values[2 + kind] = Int32GetDatum(hit->rank[kind]);
		nulls[2 + kind] = hit->rank[kind] == 0;
	}
	tuplestore_putvalues(store, desc, values, nulls);
}

void
barq_hybrid_put_rows(Relation table, BarqHybridEntry *entry, BarqFusedHit *fused,
					 int nfused, int most, bool sorted, Tuplestorestate *store,
					 TupleDesc desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barq_hybrid rows",
												  ALLOCSET_DEFAULT_SIZES);
	int			put = 0;

	for (int from = 0, n; from < nfused && put < most; from += n)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		FetchedRow *rows;

		CHECK_FOR_INTERRUPTS();
		n = Min(Min(nfused - from, BATCH), most - put);
		while (!sorted && from + n < nfused &&
			   barq_hybrid_tied(&fused[from + n - 1], &fused[from + n]))
			n++;
		rows = fetch_rows(table, entry, fused + from, n);
		if (!sorted)
			break_ties(table, entry->key_index, fused + from, rows, n);
		for (int i = 0; i < n && put < most; i++)
			if (rows[i].row != NULL)
			{
				put_row(&fused[from + i], rows[i].row, store, desc);
				put++;
			}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}

/* Add a row to the result of barq_search_batch(). */
static void
put_batch_row(int query, HeapTupleHeader row, double distance, Tuplestorestate *store,
			  TupleDesc desc)
{
	Datum		values[BATCH_COLUMNS];
	bool		nulls[BATCH_COLUMNS] = {0};

	values[0] = Int32GetDatum(query);
	values[1] = PointerGetDatum(row);
	values[2] = Float8GetDatum(distance);
	tuplestore_putvalues(store, desc, values, nulls);
}

void
barq_batch_put_ranking(const BarqRanking *ranking, int query, Tuplestorestate *store,
					   TupleDesc desc)
{
	for (int i = 0; i < ranking->nhits; i++)
		put_batch_row(query, ranking->hits[i].row, ranking->hits[i].distance, store, desc);
}

void
barq_batch_put_rows(Relation table, BarqHybridEntry *entry, const BarqBatchHit *hits,
					int64 nhits, Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barq_search_batch rows",
												  ALLOCSET_DEFAULT_SIZES);

	for (int64 from = 0; from < nhits; from += BATCH)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		int			n = (int) Min(nhits - from, BATCH);
		BarqFusedHit *wanted = palloc0(sizeof(BarqFusedHit) * n);
		FetchedRow *rows;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			wanted[i].at = hits[from + i].at;
		rows = fetch_rows(table, entry, wanted, n);
		for (int i = 0; i < n; i++)
			if (rows[i].row != NULL)
				put_batch_row(hits[from + i].query, rows[i].row, hits[from + i].distance,
							  store, desc);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
}
