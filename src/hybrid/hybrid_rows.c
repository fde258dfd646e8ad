/*
 * hybrid_rows.c
 *	  The rows of barq_hybrid()'s result: fetched by their addresses, BATCH at a
 *	  time, so that memory does not grow with k.
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
#define COLUMNS		4			/* of the result */

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

/* DestReceiver callbacks with nothing to do. */
static void
rows_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
rows_nothing(DestReceiver *self)
{
}

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
	MemoryContext old;

	slot_getallattrs(slot);
	if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2])
		return true;
	sought.at.table = DatumGetObjectId(slot->tts_values[0]);
	sought.at.tid = *(ItemPointer) DatumGetPointer(slot->tts_values[1]);
	found = bsearch(&sought, receiver->rows, receiver->nrows, sizeof(FetchedRow),
					compare_rows);
	if (found == NULL)
		return true;
	old = MemoryContextSwitchTo(receiver->context);
	found->row = DatumGetHeapTupleHeaderCopy(slot->tts_values[2]);
	MemoryContextSwitchTo(old);
	return true;
}

/* The rows of n hits, in the order of these; palloc'd. Some may be NULL. */
static FetchedRow *
fetch_rows(Relation table, BarqHybridEntry *entry, const BarqFusedHit *hits, int n)
{
	FetchedRow *rows = palloc0(sizeof(FetchedRow) * n);
	Datum	   *tids = palloc(sizeof(Datum) * n);
	Datum	   *tables = palloc(sizeof(Datum) * n);
	RowReceiver receiver = {
		{rows_receive, rows_startup, rows_nothing, rows_nothing, DestNone},
		rows,
		n,
		CurrentMemoryContext};
	ParamListInfo params = makeParamList(entry->has_children ? 2 : 1);
	SPIExecuteOptions options = {0};
	int			ntables = 0;
	int			result;

	for (int i = 0; i < n; i++)
	{
		rows[i].at = hits[i].at;
		rows[i].hit = i;
	}
	qsort(rows, n, sizeof(FetchedRow), compare_rows);
	for (int i = 0; i < n; i++)
	{
		tids[i] = PointerGetDatum(&rows[i].at.tid);
		if (i == 0 || rows[i].at.table != rows[i - 1].at.table)
			tables[ntables++] = ObjectIdGetDatum(rows[i].at.table);
	}
	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	for (int i = 0; i < params->numParams; i++)
		params->params[i].pflags = PARAM_FLAG_CONST;
	params->params[0].ptype = TIDARRAYOID;
	params->params[0].value =
		PointerGetDatum(construct_array(tids, n, TIDOID, sizeof(ItemPointerData),
										false, TYPALIGN_SHORT));
	if (entry->has_children)
	{
		params->params[1].ptype = OIDARRAYOID;
		params->params[1].value =
			PointerGetDatum(construct_array(tables, ntables, OIDOID, sizeof(Oid),
											true, TYPALIGN_INT));
	}

	options.params = params;
	options.read_only = true;
	options.dest = (DestReceiver *) &receiver;
	result = SPI_execute_plan_extended(barq_hybrid_rows_plan(table, entry), &options);
	if (result < 0)
		elog(ERROR, "could not fetch rows: %s", SPI_result_code_string(result));
	qsort(rows, n, sizeof(FetchedRow), compare_hits);
	return rows;
}

/* Whether the primary key puts row b before row a. */
static bool
key_is_descending(Relation key, TupleDesc desc, const FetchedRow *a, const FetchedRow *b)
{
	HeapTupleData tuples[2];
	const FetchedRow *both[2] = {a, b};

	for (int i = 0; i < 2; i++)
	{
		memset(&tuples[i], 0, sizeof(HeapTupleData));
		tuples[i].t_len = HeapTupleHeaderGetDatumLength(both[i]->row);
		tuples[i].t_data = both[i]->row;
	}
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(key); i++)
	{
		AttrNumber	attnum = key->rd_index->indkey.values[i];
		bool		isnull;
		Datum		x = heap_getattr(&tuples[0], attnum, desc, &isnull);
		Datum		y = heap_getattr(&tuples[1], attnum, desc, &isnull);
		int32		order = DatumGetInt32(FunctionCall2Coll(index_getprocinfo(key, i + 1, BTORDER_PROC),
															key->rd_indcollation[i], x, y));

		if (order != 0)
			return order > 0;
	}
	return false;
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
barq_hybrid_put_rows(Relation table, BarqHybridEntry *entry,
					 const BarqHybridArgs *args, BarqFusedHit *fused, int nfused,
					 Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "barq_hybrid rows",
												  ALLOCSET_DEFAULT_SIZES);
	int			put = 0;

	for (int from = 0, n; from < nfused && put < args->k; from += n)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		FetchedRow *rows;

		CHECK_FOR_INTERRUPTS();
		n = Min(Min(nfused - from, BATCH), args->k - put);
		while (from + n < nfused && barq_hybrid_tied(&fused[from + n - 1], &fused[from + n]))
			n++;
		rows = fetch_rows(table, entry, fused + from, n);
		break_ties(table, entry->key_index, fused + from, rows, n);
		for (int i = 0; i < n && put < args->k; i++)
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
