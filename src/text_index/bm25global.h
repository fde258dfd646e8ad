/*
 * bm25global.h
 *	  The type bm25global: a text query with all that its scores are computed from,
 *	  a text search configuration, k1, b and statistics. So operators on it are
 *	  immutable, and give the same scores on every server.
 */
#ifndef BARQ_BM25GLOBAL_H
#define BARQ_BM25GLOBAL_H

#include "fmgr.h"
#include "text_index/text_index.h"

/* A term, or a prefix, that scores. */
typedef struct BarqGlobalTerm
{
	BarqBm25Text text;
	bool		prefix;
	uint64		df;				/* documents with the term, or any expansion */
	uint32		nexpansions;	/* of a prefix */
	BarqBm25Text *expansions;	/* sorted (barq_compare_terms) */
} BarqGlobalTerm;

/* A value as read: everything is palloc'd. */
typedef struct BarqGlobal
{
	char	   *query;
	char	   *config;			/* qualified name of the text search configuration */
	BarqTokenizerKind tokenizer;
	double		k1;
	double		b;
	BarqBm25Totals totals;
	uint32		nterms;
	BarqGlobalTerm *terms;		/* terms before prefixes */
} BarqGlobal;

/*
 * Read a value; palloc'd. Raises ERRCODE_INVALID_TEXT_REPRESENTATION where a member
 * is missing or of another type. Looks nothing up.
 */
extern BarqGlobal *barq_global_read(Datum value);

/*
 * The settings by which its query is turned into terms. Raises the errors of
 * barq_text_config_named().
 */
extern BarqTextAnalysis barq_global_analysis(const BarqGlobal *global);

/*
 * Whether an open index turns texts into terms as the value's query is: then a scan
 * of it gives the value's matches and scores.
 */
extern bool barq_global_fits(const BarqGlobal *global, Relation index);

/* The query without its statistics; palloc'd. */
extern BarqQueryValue *barq_global_words(const BarqGlobal *global);

/*
 * A query with the statistics of an index (of all partitions of a partitioned one),
 * as a bm25global; palloc'd. Raises ERRCODE_INSUFFICIENT_PRIVILEGE without the right
 * to the index's content, and the errors of barq_text_statistics().
 */
extern Datum barq_global_of_index(const char *query, Oid index);

/* ---- text_global.c ---- */

/* What tells this session from all others of all servers; palloc'd. */
extern char *barq_global_caller(void);

/* ---- text_statistics.c, text_frequencies.c ---- */

/*
 * Statistics that a value carries, in the current memory context. They are those of
 * no index: a term whose frequency they lack is an error
 * (ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE). Raises the errors of
 * barq_global_analysis(). The caller keeps `global`.
 */
extern BarqTextStatistics *barq_text_statistics_given(const BarqGlobal *global);

/* Call visit(arg, term) for the terms and prefixes whose frequencies are known. */
typedef void (*BarqFrequencyVisitor) (void *arg, const BarqGlobalTerm *term);
extern void barq_text_statistics_each(BarqTextStatistics *statistics,
									  BarqFrequencyVisitor visit, void *arg);

#endif							/* BARQ_BM25GLOBAL_H */
