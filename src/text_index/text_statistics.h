/*
 * text_statistics.h
 *	  A statement's statistics of an index, as text_statistics.c (totals, leaves)
 *	  and text_frequencies.c (frequencies of terms) share them. Other files take
 *	  them through the functions in text_index.h.
 */
#ifndef BARQ_TEXT_STATISTICS_H
#define BARQ_TEXT_STATISTICS_H

#include "text_index/text_index.h"

#define BARQ_FREQUENCY_BUCKETS 256

struct BarqTextStatistics
{
	Oid			index;			/* an index, or a partitioned one */
	MemoryContext owner;		/* of the executor's state */
	MemoryContext context;		/* of these statistics; a child of owner */
	List	   *leaves;			/* OIDs of the indexes that have documents */
	BarqTextOptions options;	/* of a leaf; leaves that differ are an error */
	BarqTextAnalysis analysis;
	BarqBm25Totals totals;		/* of all leaves */
	struct BarqTermFrequency *buckets[BARQ_FREQUENCY_BUCKETS];	/* text_frequencies.c */
	MemoryContextCallback callback; /* drops them from the list below */
	BarqTextStatistics *next;
};

/* Look at one leaf; may be called several times for it, each time from the start. */
typedef void (*BarqLeafVisitor) (BarqTextStatistics *statistics, BarqTextState *state,
								 void *arg);

/*
 * Call `visit` for each built leaf, as barq_text_with_state() does, and
 * `add_leaf` (NULL: none) once after each, to take over its final result. Locks
 * a leaf with AccessShareLock while it is looked at.
 */
extern void barq_text_each_leaf(BarqTextStatistics *statistics, BarqLeafVisitor visit,
								void (*add_leaf) (void *arg), void *arg);

#endif							/* BARQ_TEXT_STATISTICS_H */
