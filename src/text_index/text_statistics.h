/*
 * text_statistics.h
 *	  A statement's statistics of an index, shared by text_statistics.c (totals,
 *	  leaves) and text_frequencies.c (frequencies of terms). Other files access
 *	  them through the functions in text_index.h.
 */
#ifndef BARQ_TEXT_STATISTICS_H
#define BARQ_TEXT_STATISTICS_H

#include "text_index/bm25global.h"
#include "text_index/text_index.h"

#define BARQ_FREQUENCY_BUCKETS 256

struct BarqTextStatistics
{
	Oid			index;			/* an index, or a partitioned one; InvalidOid: given ones */
	MemoryContext owner;		/* the executor's context */
	MemoryContext context;		/* of these statistics; a child of owner */
	List	   *leaves;			/* OIDs of the indexes that have documents */
	BarqTextOptions options;	/* the options of all leaves; an error is raised if they differ */
	BarqTextAnalysis analysis;
	BarqBm25Totals totals;		/* of all leaves */
	BarqBm25Field fields[BARQ_BM25_FIELDS]; /* options.nfields of them */
	BarqTextLanguages languages;	/* if analysis.by_row */
	BarqQueryFields names;		/* by which a query names them; none of a single field */
	struct BarqTermFrequency *buckets[BARQ_FREQUENCY_BUCKETS];	/* text_frequencies.c */
	MemoryContextCallback callback; /* removes these statistics from the list (`next`) */
	BarqTextStatistics *next;
};

/* Make the frequency of a term known, which is not yet; `term` stays the caller's. */
extern void barq_text_statistics_know(BarqTextStatistics *statistics, const BarqGlobalTerm *term);

/* Look at one leaf; may be called several times for it, each time from the start. */
typedef void (*BarqLeafVisitor) (BarqTextStatistics *statistics, BarqTextState *state,
								 void *arg);

/*
 * Call `visit` for each built leaf, as barq_text_with_state() does, and, if not
 * NULL, `add_leaf` once per leaf, after its last visit, to take over its final
 * result. Locks a leaf with AccessShareLock while it is visited.
 */
extern void barq_text_each_leaf(BarqTextStatistics *statistics, BarqLeafVisitor visit,
								void (*add_leaf) (void *arg), void *arg);

#endif							/* BARQ_TEXT_STATISTICS_H */
