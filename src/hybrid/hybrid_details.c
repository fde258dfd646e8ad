/*
 * hybrid_details.c
 *	  What the order of candidates depends on besides their ranks: boost, vector and
 *	  primary key, read by their addresses, BATCH at a time.
 *
 * Only calls with a boost, groups or diversity need it. Other calls fetch nothing but
 * the rows of their result.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "hybrid/hybrid.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/lsyscache.h"

#define BATCH		1000
#define FIXED		4			/* columns before those of the key */

/* DestReceiver that sets the details of a batch of hits. */
typedef struct DetailsReceiver
{
	DestReceiver pub;
	BarqFusedHit **hits;		/* sorted by address */
	int			nhits;
	MemoryContext context;		/* of the details */
	bool		vectors;		/* wanted */
} DetailsReceiver;

static int
compare_pointers(const void *a, const void *b)
{
	return barq_address_compare(&(*(BarqFusedHit *const *) a)->at,
								&(*(BarqFusedHit *const *) b)->at);
}

/*
 * The boost of a row. NULL is 1: a row without the values that the expression needs
 * keeps its score. Raises ERRCODE_INVALID_PARAMETER_VALUE for a value that is
 * negative or not finite.
 */
static double
boost_of(Datum value, bool isnull)
{
	double		boost = isnull ? 1 : DatumGetFloat8(value);

	if (!isfinite(boost) || boost < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("boost is %g, but must be a finite number and not negative", boost),
				 errhint("Bound it in the expression, as in greatest(..., 0).")));
	return boost;
}

/* A column of the row, copied and detoasted. */
static Datum
copy_column(TupleTableSlot *slot, int at)
{
	Form_pg_attribute attribute = TupleDescAttr(slot->tts_tupleDescriptor, at);

	return attribute->attlen == -1 ?
		PointerGetDatum(PG_DETOAST_DATUM_COPY(slot->tts_values[at])) :
		datumCopy(slot->tts_values[at], attribute->attbyval, attribute->attlen);
}

/* Set the details of a row (tableoid, ctid, boost, vector, columns of the key). */
static bool
details_receive(TupleTableSlot *slot, DestReceiver *self)
{
	DetailsReceiver *receiver = (DetailsReceiver *) self;
	BarqFusedHit sought;
	BarqFusedHit *pointer = &sought;
	BarqFusedHit **found;
	BarqRowDetails *details;
	int			nkeys;
	MemoryContext old;

	slot_getallattrs(slot);
	if (!barq_hybrid_slot_address(slot, &sought.at))
		return true;
	found = bsearch(&pointer, receiver->hits, receiver->nhits, sizeof(BarqFusedHit *),
					compare_pointers);
	if (found == NULL)
		return true;

	details = (*found)->details;
	details->found = true;
	details->boost = boost_of(slot->tts_values[2], slot->tts_isnull[2]);
	old = MemoryContextSwitchTo(receiver->context);
	if (receiver->vectors && !slot->tts_isnull[3])
		details->vector = copy_column(slot, 3);
	nkeys = slot->tts_tupleDescriptor->natts - FIXED;
	if (nkeys > 0)
		details->key = palloc(sizeof(Datum) * nkeys);
	for (int i = 0; i < nkeys && details->key != NULL; i++)
	{
		/* columns of a primary key are not NULL, but children may lack its constraint */
		if (slot->tts_isnull[FIXED + i])
			details->key = NULL;
		else
			details->key[i] = copy_column(slot, FIXED + i);
	}
	MemoryContextSwitchTo(old);
	return true;
}

/* Read the details of n hits, at most BATCH, into details[0 …]. */
static void
read_details(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args,
			 BarqFusedHit *hits, int n, BarqRowDetails *details)
{
	DetailsReceiver receiver = {
		barq_hybrid_receiver(details_receive),
		palloc(sizeof(BarqFusedHit *) * n),
		n,
		CurrentMemoryContext,
		entry->diverse};
	ParamListInfo params = makeParamList(entry->nparams + (entry->has_children ? 2 : 1));
	BarqRowAddress *at = palloc(sizeof(BarqRowAddress) * n);

	for (int i = 0; i < n; i++)
	{
		hits[i].details = &details[i];
		details[i].boost = 1;
		receiver.hits[i] = &hits[i];
	}
	qsort(receiver.hits, n, sizeof(BarqFusedHit *), compare_pointers);
	for (int i = 0; i < n; i++)
		at[i] = receiver.hits[i]->at;

	memset(params->params, 0, sizeof(ParamExternData) * params->numParams);
	if (entry->nparams > 0)
		barq_hybrid_bind_args(entry, args, params);
	barq_hybrid_bind_addresses(params, entry->nparams, at, n);

	barq_hybrid_execute(barq_hybrid_details_plan(table, entry), params, (DestReceiver *) &receiver);
	pfree(receiver.hits);
	pfree(at);
}

/* Order tied hits, which are pairs, by the primary key. */
static void
break_ties(Oid key_index, BarqFusedHit *hits, int n)
{
	Relation	key;

	if (!OidIsValid(key_index))
		return;
	key = index_open(key_index, AccessShareLock);
	for (int i = 1; i < n; i++)
		if (barq_hybrid_tied(&hits[i - 1], &hits[i]) &&
			hits[i - 1].details->key != NULL && hits[i].details->key != NULL &&
			barq_hybrid_compare_keys(key, hits[i - 1].details->key, hits[i].details->key) > 0)
		{
			BarqFusedHit hit = hits[i];

			hits[i] = hits[i - 1];
			hits[i - 1] = hit;
		}
	index_close(key, AccessShareLock);
}

void
barq_hybrid_boost(Relation table, BarqHybridEntry *entry, const BarqHybridArgs *args,
				  BarqFusedHit *fused, int *nfused)
{
	BarqRowDetails *details = MemoryContextAllocExtended(CurrentMemoryContext,
														 sizeof(BarqRowDetails) * Max(*nfused, 1),
														 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	int			kept = 0;

	for (int from = 0; from < *nfused; from += BATCH)
	{
		CHECK_FOR_INTERRUPTS();
		read_details(table, entry, args, fused + from, Min(*nfused - from, BATCH),
					 details + from);
	}
	for (int i = 0; i < *nfused; i++)
	{
		if (!fused[i].details->found)
			continue;
		fused[i].score *= fused[i].details->boost;
		if (!isfinite(fused[i].score))
			float_overflow_error();
		fused[kept++] = fused[i];
	}
	*nfused = kept;
	barq_hybrid_sort(fused, kept);
	break_ties(entry->key_index, fused, kept);
}
