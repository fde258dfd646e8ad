/*
 * distance_memo.h
 *	  Distances between the query of an open scan and values in TOAST tables.
 *
 * A statement computes such a distance twice: once to put a row in order, once
 * when the row is projected with its sort key. Each time the value is detoasted,
 * which at 768 dimensions costs more than the search. So a scan announces its
 * query, and the distance functions remember what they computed for it.
 *
 * A TOAST pointer names one value as long as a snapshot is held that was taken
 * before the value could die: VACUUM cannot remove it, so its number is not given
 * to another value. The scan that announced the query holds such a snapshot. The
 * exception is a value inserted by a subtransaction that is rolled back meanwhile;
 * therefore a memo serves only the subtransaction in which it was made.
 */
#ifndef BARQ_DISTANCE_MEMO_H
#define BARQ_DISTANCE_MEMO_H

#include "postgres.h"

/* A query and the distances to it that are known. */
typedef struct BarqDistanceMemo BarqDistanceMemo;

/* A function that computes distances, of whatever type: only its address is used. */
typedef void (*BarqMemoMeasure) (void);

/* One call of a distance function, between barq_memo_find() and barq_memo_add(). */
typedef struct BarqMemoCall
{
	BarqDistanceMemo *memo;		/* NULL: the call is not remembered */
	BarqMemoMeasure measure;
	Oid			relation;		/* the TOAST table of the row's value */
	Oid			value;			/* its number there */
	double		distance;		/* the result of barq_memo_find() */
} BarqMemoCall;

/*
 * Announce the query of a scan whose snapshot is held as long as the current memory
 * context lives: a varlena. The reset of the context ends the memo. Returns the
 * query, detoasted; the context owns it.
 */
extern Datum barq_memo_begin(Datum query);

/*
 * Replace an argument that is the toasted query of an open scan by the detoasted
 * copy that the memo has, then look for a distance by `measure`. True with call->distance if it is known. May
 * detoast an argument to learn whether it is the query.
 */
extern bool barq_memo_find(BarqMemoCall *call, Datum *a, Datum *b,
						   BarqMemoMeasure measure);

/* Remember the distance of a call for which barq_memo_find() returned false. */
extern void barq_memo_add(const BarqMemoCall *call, double distance);

#endif							/* BARQ_DISTANCE_MEMO_H */
