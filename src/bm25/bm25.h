/*
 * bm25.h
 *	  Segments of text: a sorted dictionary, postings in blocks of 128, lengths
 *	  of documents, positions; written from documents, merged, searched for the
 *	  best rows by BM25 with block-max pruning.
 *
 * Rows of a segment are in TID order, so that rows of equal score come in TID
 * order by themselves and a later row of equal score can be skipped.
 *
 * Formula (Lucene's BM25): idf = ln(1 + (N - df + 0.5) / (df + 0.5)); a term
 * adds idf · tf · (k1 + 1) / (tf + k1 · (1 - b + b · len / avglen)); float8,
 * summed in the order of the query's terms.
 */
#ifndef BARQ_BM25_H
#define BARQ_BM25_H

#include "postgres.h"

#include <math.h>

#include "store/segment.h"
#include "text/document.h"
#include "text/text_query.h"

#define BARQ_BM25_BLOCK			128 /* postings a block */
#define BARQ_BM25_EXPANSIONS	1024	/* terms that a prefix stands for at most */

/* Number of the kind, as stored. */
#define BARQ_KIND_BM25	4

extern const BarqSegmentKind barq_bm25_kind;	/* check only: search is below */

/* ---- writing ---- */

/* An inverted index in memory, of documents added in any order of TIDs. */
typedef struct BarqBm25Builder BarqBm25Builder;

/*
 * Terms are numbers of `terms`, a table that the caller owns and may go on
 * filling. Lives in the current memory context, or `context`.
 */
extern BarqBm25Builder *barq_bm25_builder_create(BarqTermTable *terms, bool positions,
												 MemoryContext context);
extern void barq_bm25_builder_add(BarqBm25Builder *builder, ItemPointer tid,
								  const BarqTokens *tokens);
extern void barq_bm25_builder_add_document(BarqBm25Builder *builder, ItemPointer tid,
										   const char *document, uint32 length);
extern uint32 barq_bm25_builder_rows(const BarqBm25Builder *builder);
extern Size barq_bm25_builder_bytes(const BarqBm25Builder *builder);
extern void barq_bm25_builder_write(BarqBm25Builder *builder, BarqBodyWriter *writer);

/*
 * Merge the live rows of bodies into one, sequentially, with memory for the
 * row maps (4 bytes a row) and little else. Interruptible.
 */
extern void barq_bm25_merge(BarqBodyWriter *writer, BarqMergeInput *inputs, int ninputs);

/* ---- statistics ---- */

typedef struct BarqBm25Totals
{
	uint64		documents;
	uint64		tokens;			/* sum of lengths */
} BarqBm25Totals;

extern void barq_bm25_totals(BarqView *view, BarqBm25Totals *totals);

/* Rows that hold a term, dead ones included; 0 where there is no such term. */
extern uint32 barq_bm25_df(BarqView *view, const char *text, uint32 length);

/* Calls back for the dictionary's terms that begin with prefix, in order, at most `max`. */
typedef void (*BarqTermVisitor) (void *arg, const char *text, uint32 length, uint32 df);
extern void barq_bm25_expand(BarqView *view, const char *prefix, uint32 length,
							 uint32 max, BarqTermVisitor visit, void *arg);

/* Rows that hold any of some terms (a prefix's expansions). */
typedef struct BarqBm25Text
{
	const char *text;
	uint32		length;
} BarqBm25Text;

extern uint32 barq_bm25_df_any(BarqView *view, const BarqBm25Text *terms, uint32 n);

/* ---- searching ---- */

/* A term of a query, or the pooled expansions of a prefix. */
typedef struct BarqBm25Term
{
	BarqBm25Text text;			/* of a prefix: the prefix */
	double		weight;			/* idf · (k1 + 1); 0: does not score */
	bool		prefix;
	uint32		nexpansions;	/* a scoring prefix's, sorted, pooled. One that is
								 * a condition (weight 0) stands for all terms */
	BarqBm25Text *expansions;
	uint32		nvariants;		/* it scores where one of these is complete; 0: */
	uint32	   *variants;		/* wherever it is. Numbers of the query's */
} BarqBm25Term;

/* Scoring terms that stand for a word together: a compound's parts. */
typedef struct BarqBm25Variant
{
	uint32		nterms;
	uint32	   *terms;			/* numbers of the query's terms */
} BarqBm25Variant;

typedef enum BarqBm25ConditionKind
{
	BARQ_BM25_TERMS,			/* a word or a phrase */
	BARQ_BM25_ALL,				/* of other conditions */
	BARQ_BM25_SOME				/* of them: one at least */
} BarqBm25ConditionKind;

/*
 * What a row must or must not hold. A word is there where all terms of one of
 * its variants are (anywhere in the document), a phrase where that is so at
 * each of its offsets (there).
 */
typedef struct BarqBm25Condition
{
	BarqOccur	occur;			/* MUST or MUST_NOT */
	BarqBm25ConditionKind kind;
	bool		phrase;
	uint32		nterms;
	uint32	   *terms;			/* numbers of the query's terms */
	uint32	   *offsets;		/* of a phrase, ascending */
	uint32	   *variants;		/* of one offset, ascending; NULL: each term is one */
	uint32		nconditions;	/* of ALL and SOME */
	struct BarqBm25Condition *conditions;
} BarqBm25Condition;

typedef struct BarqBm25Query
{
	double		k1;
	double		b;
	double		avglen;			/* tokens / documents; 0 where there are none */
	uint32		nterms;
	BarqBm25Term *terms;		/* distinct, in dictionary order: the order of summing */
	uint32		nvariants;		/* of several terms each */
	BarqBm25Variant *variants;
	uint32		nconditions;	/* all of them count */
	BarqBm25Condition *conditions;
	bool		scored;			/* false: @@@, conditions alone decide */
	bool		nothing;		/* a @@@ of nothing but stop words: no row */
} BarqBm25Query;

/* A row found. Better: higher score, then lower TID. */
typedef struct BarqBm25Hit
{
	double		score;
	ItemPointerData tid;
	bool		unsure;			/* of a row of barq_bm25_rest() */
} BarqBm25Hit;

/*
 * The best `max` rows that come after (after_score, after_tid), collected over
 * all segments and the growing log of an index.
 */
typedef struct BarqBm25Top
{
	uint32		max;
	uint32		count;
	BarqBm25Hit *hits;			/* a heap, the worst on top, until sorted */
	bool		sorted;			/* rows of score 0 came the best first so far */
	bool		resumed;		/* after_* count */
	double		after_score;
	ItemPointerData after_tid;
} BarqBm25Top;

extern void barq_bm25_top_init(BarqBm25Top *top, uint32 max);
extern void barq_bm25_top_add(BarqBm25Top *top, double score, ItemPointer tid);
extern void barq_bm25_top_add_rest(BarqBm25Top *top, ItemPointer tid, bool unsure);
extern void barq_bm25_top_sort(BarqBm25Top *top);	/* best first */

/*
 * Add a segment's rows of positive score that satisfy the conditions to top.
 * skip: a bit a row, set where dead; or NULL. Phrases are decided by positions
 * where the segment has them; without, rows that hold all their terms pass
 * and *recheck is set.
 */
extern void barq_bm25_search(BarqView *view, const BarqBm25Query *query,
							 const uint8 *skip, BarqBm25Top *top, bool *recheck);

/*
 * All rows that satisfy the conditions and, where the query is scored, hold a
 * scoring term; in TID order, in batches.
 */
typedef void (*BarqRowsVisitor) (void *arg, ItemPointer tids, uint32 n, bool recheck);
extern void barq_bm25_match(BarqView *view, const BarqBm25Query *query,
							const uint8 *skip, BarqRowsVisitor visit, void *arg);

/*
 * The rows that a ranking ends with, those of score 0: all that `ranking`
 * (scored; NULL: none is) does not find and that all of `matching` do.
 */
typedef struct BarqBm25Rest
{
	const BarqBm25Query *ranking;
	const BarqBm25Query **matching;
	uint32		nmatching;
} BarqBm25Rest;

/*
 * Add to top, with score 0, the first of them in TID order that come after
 * top->after_tid. A row that phrases without positions leave open is added as
 * unsure.
 */
extern void barq_bm25_rest(BarqView *view, const BarqBm25Rest *rest,
						   const uint8 *skip, BarqBm25Top *top);

/*
 * The same for one document, bit by bit the same score. Returns whether it
 * satisfies the conditions (and, where scored, holds a scoring term).
 */
extern bool barq_bm25_score_document(const BarqBm25Query *query, const char *document,
									 uint32 length, double *score, bool *recheck);

/*
 * Does a term that a row holds score? held: by the query's terms, whether the
 * row holds them.
 */
static inline bool
barq_bm25_term_counts(const BarqBm25Query *query, uint32 term, const bool *held)
{
	const BarqBm25Term *t = &query->terms[term];

	for (uint32 i = 0; i < t->nvariants; i++)
	{
		const BarqBm25Variant *variant = &query->variants[t->variants[i]];
		uint32		j = 0;

		while (j < variant->nterms && held[variant->terms[j]])
			j++;
		if (j == variant->nterms)
			return true;
	}
	return t->nvariants == 0;
}

/* A term's share; the one place where the formula stands. */
static inline double
barq_bm25_share(double weight, double tf, double norm)
{
	return weight * tf / (tf + norm);
}

static inline double
barq_bm25_norm(double k1, double b, double length, double avglen)
{
	return k1 * (1 - b + b * length / avglen);
}

static inline double
barq_bm25_idf(double documents, double df)
{
	return log(1 + (documents - df + 0.5) / (df + 0.5));
}

#endif							/* BARQ_BM25_H */
