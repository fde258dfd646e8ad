/*
 * hybrid_batch.h
 *	  A call of barq_search_batch(), shared by hybrid_batch.c and hybrid_workers.c.
 */
#ifndef BARQ_HYBRID_BATCH_H
#define BARQ_HYBRID_BATCH_H

#include "hybrid/hybrid.h"

typedef struct BarqBatch
{
	Relation	table;
	BarqHybridArgs args;		/* args.embedding: the vector searched for now */
	BarqHybridEntry *entry;
	ArrayType  *embeddings;
	Datum	   *vectors;		/* their elements */
	int			nvectors;
	bool		no_repeat;		/* the plan cannot be run for one vector after the other */

	/* of the leader only */
	BarqBatchHit *hits;			/* whose rows are not in the result yet */
	int64		nhits;
	int64		space;
	Tuplestorestate *store;		/* the result */
	TupleDesc	desc;
} BarqBatch;

/* ---- hybrid_batch.c ---- */

/*
 * Set embeddings, vectors and nvectors, palloc'd or parts of the value: an array of any
 * type, or the text of one. Raises ERRCODE_DATATYPE_MISMATCH for another type,
 * ERRCODE_ARRAY_SUBSCRIPT_ERROR for several dimensions, ERRCODE_NULL_VALUE_NOT_ALLOWED
 * for NULL among them.
 */
extern void barq_batch_set_vectors(BarqBatch *batch, Datum value, Oid type);

/*
 * Receives the rows nearest to vectors[number], which live until it returns; at most
 * args.k * args.per_group.
 */
typedef void (*BarqBatchReceive) (void *arg, int number, const BarqRanking *ranking);

/*
 * Search for vectors[from … end - 1], one after the other, so that their searches can
 * share work (am/upcoming.h). Checks for interrupts. What searches keep for the next
 * ones lives in the current memory context, until barq_batch_end_search().
 */
extern void barq_batch_search(BarqBatch *batch, int from, int end,
							  BarqBatchReceive receive, void *arg);

/* End what searches have started. The next one starts it again. */
extern void barq_batch_end_search(BarqBatch *batch);

/* Most vectors that one call of barq_batch_search() should get: all of them share. */
#define BARQ_BATCH_TOGETHER	1024

/* Add the hits of vectors[number] to the result. */
extern void barq_batch_add(BarqBatch *batch, int number, const BarqLegHit *hits, int nhits);

/* ---- hybrid_workers.c ---- */

/*
 * Whether parallel workers can take part in a call: all that they would run is parallel
 * safe, and this process may start workers. No side effects.
 */
extern bool barq_batch_can_share(const BarqBatch *batch);

/*
 * Search for vectors[from …] together with parallel workers, and add the hits to the
 * result. False if there are no workers: nothing was done.
 */
extern bool barq_batch_share(BarqBatch *batch, int from);

#endif							/* BARQ_HYBRID_BATCH_H */
