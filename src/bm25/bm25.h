/*
 * bm25.h
 *	  The BM25 kind, segments of text: a sorted dictionary, postings in blocks of
 *	  128, lengths of documents, positions. Bodies are written from documents,
 *	  merged, and searched for the best rows with block-max pruning.
 *
 * Rows of a segment are in TID order, so that rows of equal score are found in
 * TID order, and a later row of equal score can be skipped.
 *
 * The formula of one field is Lucene's BM25: idf = ln(1 + (N - df + 0.5) / (df + 0.5)); a
 * term's share is idf · tf · (k1 + 1) / (tf + k1 · (1 - b + b · len / avglen));
 * a score is the sum of shares in float8, in the order of the query's terms.
 *
 * With several fields it is BM25F (Zaragoza et al., "Microsoft Cambridge at TREC-13",
 * 2004): wtf = Σ w_f · tf_f / (1 - b_f + b_f · len_f / avglen_f) over the fields in which
 * the term counts, and the term's share is idf · wtf · (k1 + 1) / (wtf + k1).
 *
 * Two other ways to combine fields score each by itself. Their queries have a term for
 * each word and field, of which the weight includes the field's; w_f of the formula is 1.
 * The score is the sum of the shares as above, or the largest sum of those of one field.
 *
 * Functions that read a body raise ERRCODE_INDEX_CORRUPTED where it is damaged,
 * check for interrupts, and allocate in the current memory context, which the
 * caller resets.
 */
#ifndef BARQ_BM25_H
#define BARQ_BM25_H

#include "postgres.h"

#include <math.h>

#include "port/pg_bitutils.h"
#include "store/row_filter.h"
#include "store/segment.h"
#include "text/document.h"
#include "text/text_query.h"

#define BARQ_BM25_BLOCK			128 /* postings of a block */
#define BARQ_BM25_FIELDS		BARQ_MOST_FIELDS	/* of an index at most */
#define BARQ_BM25_EXPANSIONS	1024	/* terms of a scoring prefix at most */

/* Number of the kind, as stored. */
#define BARQ_KIND_BM25	4

extern const BarqSegmentKind barq_bm25_kind;

/* ---- writing ---- */

/* An inverted index in memory of documents added in any order of TIDs. */
typedef struct BarqBm25Builder BarqBm25Builder;

/*
 * Create an empty builder; all its memory is in `context`. Terms are numbers of
 * `terms`, which the caller owns, fills and keeps until the body is written. nfields: of
 * each document; with 1 tokens and documents have no fields.
 */
extern BarqBm25Builder *barq_bm25_builder_create(BarqTermTable *terms, uint32 nfields,
												 bool positions, MemoryContext context);

/*
 * Add a row of tokens, whose positions ascend and whose terms are in the table.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above 2^32 - 2 rows.
 */
extern void barq_bm25_builder_add(BarqBm25Builder *builder, ItemPointer tid,
								  const BarqTokens *tokens);

/*
 * Add a row from an encoded document (text/document.h) of `length` bytes, which
 * adds its terms to the table. ERRCODE_INDEX_CORRUPTED where the bytes are no
 * document or lack positions that the builder keeps.
 */
extern void barq_bm25_builder_add_document(BarqBm25Builder *builder, ItemPointer tid,
										   const char *document, uint32 length);

/* Rows added; bytes of memory used, the table of terms aside. */
extern uint32 barq_bm25_builder_rows(const BarqBm25Builder *builder);
extern Size barq_bm25_builder_bytes(const BarqBm25Builder *builder);

/*
 * Write the body; the writer is at its start. The builder can then only be
 * freed, with its context. Temporary memory is in the current memory context.
 */
extern void barq_bm25_builder_write(BarqBm25Builder *builder, BarqBodyWriter *writer);

/*
 * Bytes for the numbers, TIDs and lengths of the rows of a merge: 14 for each row of
 * the inputs, dead ones included, and 4 for each field but the first.
 */
extern uint64 barq_bm25_merge_bytes(const BarqMergeInput *inputs, int ninputs);

/*
 * Merge the live rows of bodies into one body; the writer is at its start. `memory`:
 * barq_bm25_merge_bytes() bytes, aligned to 8, of any content; NULL: they are
 * allocated. Else the merge allocates the dictionary of the new body and little more,
 * in the current memory context. Checks for interrupts. ERRCODE_PROGRAM_LIMIT_EXCEEDED above 2^32 - 2
 * rows of all inputs, ERRCODE_INDEX_CORRUPTED for a damaged input, errors of
 * barq_body_write().
 */
extern void barq_bm25_merge(BarqBodyWriter *writer, BarqMergeInput *inputs, int ninputs,
							void *memory);

/* ---- statistics ---- */

typedef struct BarqBm25Totals
{
	uint64		documents;
	uint64		tokens;			/* sum of lengths */
	uint64		field_tokens[BARQ_BM25_FIELDS]; /* likewise, by field */
} BarqBm25Totals;

/*
 * Totals of a segment, dead rows included. ERRCODE_INDEX_CORRUPTED for a damaged
 * body.
 */
extern void barq_bm25_totals(BarqView *view, BarqBm25Totals *totals);

/*
 * Number of rows, dead ones included, that hold a term in any of some fields (a bit each;
 * 0: any). ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_df(BarqView *view, const char *text, uint32 length, uint32 fields);

/*
 * Call visit(arg, ...) for the terms of the dictionary that begin with a prefix and that
 * occur in any of some fields (a bit each; 0: any), dead rows included,
 * in dictionary order, for at most `max` of them. The text is valid during the
 * call only. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
typedef void (*BarqTermVisitor) (void *arg, const char *text, uint32 length, uint32 df);
extern void barq_bm25_expand(BarqView *view, const char *prefix, uint32 length, uint32 fields,
							 uint32 max, BarqTermVisitor visit, void *arg);

typedef struct BarqBm25Text
{
	const char *text;
	uint32		length;			/* bytes */
	uint32		fields;			/* of an expansion of a pool: those in which it counts, a bit
								 * each; 0: all. Elsewhere 0 */
} BarqBm25Text;

/*
 * Number of rows, dead ones included, that hold any of n terms in any of some fields (as
 * above). Checks for interrupts. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint32 barq_bm25_df_any(BarqView *view, const BarqBm25Text *terms, uint32 n,
							   uint32 fields);

/* ---- searching ---- */

/* One of the terms that a pool stands for; the text has the fields in which it counts. */
typedef struct BarqBm25Alternative
{
	BarqBm25Text text;
	bool		prefix;
} BarqBm25Alternative;

/* A term of a query, the pooled expansions of a prefix, or a pool of other terms. */
typedef struct BarqBm25Term
{
	BarqBm25Text text;			/* of a prefix: the prefix */
	double		weight;			/* idf · (k1 + 1); 0: does not score */
	uint64		df;				/* of a term that scores: documents with it */
	uint32		fields;			/* in which the term counts, a bit each; 0: all */
	uint32		df_fields;		/* of which its frequency is; with others of weight 0 */
	bool		prefix;
	uint32		nexpansions;	/* of a scoring prefix; a prefix of weight 0 (of a
								 * condition) stands for all terms it begins */
	BarqBm25Text *expansions;	/* sorted */
	uint32		nalternatives;	/* > 0: a pool, which scores: a prefix whose text is a key of
								 * its alternatives, and whose expansions are theirs */
	const BarqBm25Alternative *alternatives;
	uint32		nvariants;		/* 0: the term scores wherever it occurs; */
	uint32	   *variants;		/* else where one of these variants is complete;
								 * numbers of the query's variants */
} BarqBm25Term;

/* Scoring terms that make up a word together, such as a compound's parts. */
typedef struct BarqBm25Variant
{
	uint32		nterms;
	uint32	   *terms;			/* numbers of the query's terms */
} BarqBm25Variant;

typedef enum BarqBm25ConditionKind
{
	BARQ_BM25_TERMS,			/* a word or a phrase */
	BARQ_BM25_ALL,				/* all of other conditions */
	BARQ_BM25_SOME				/* at least so many of other conditions */
} BarqBm25ConditionKind;

/*
 * A condition that rows must satisfy, or must not. A row holds a word if it holds
 * all terms of one of the word's variants, at any position. It holds a phrase if
 * at some position, for each offset of the phrase, it holds all terms of one of
 * the offset's variants there.
 */
typedef struct BarqBm25Condition
{
	BarqOccur	occur;			/* MUST or MUST_NOT */
	BarqBm25ConditionKind kind;
	bool		phrase;
	uint32		nterms;
	uint32	   *terms;			/* numbers of the query's terms */
	uint32	   *offsets;		/* of a phrase: by term, ascending */
	uint32	   *variants;		/* by term, ascending within an offset; NULL: each
								 * term is a variant */
	uint32		least;			/* of SOME: how many; 0 as 1 */
	uint32		nconditions;	/* of ALL and SOME */
	struct BarqBm25Condition *conditions;
} BarqBm25Condition;

/* How a field of several counts. */
typedef struct BarqBm25Field
{
	double		weight;
	double		b;
	double		avglen;			/* tokens / documents; 0 where there are none */
} BarqBm25Field;

typedef struct BarqBm25Query
{
	double		k1;
	double		b;
	double		avglen;			/* tokens / documents; 0 where there are none */
	uint32		nfields;		/* 0 or 1: one, for which b and avglen are; else: */
	const BarqBm25Field *fields;
	bool		best;			/* of several fields: each term that scores counts in one, as
								 * do its variants, and the score is the best field's */
	uint32		not_null;		/* fields, a bit each, that must not be NULL */
	uint32		nterms;
	BarqBm25Term *terms;		/* distinct, in dictionary order, in which their
								 * shares are added */
	uint32		nvariants;		/* of several terms each */
	BarqBm25Variant *variants;
	uint32		nconditions;	/* rows must satisfy all of them */
	BarqBm25Condition *conditions;
	bool		scored;			/* false: of @@@, conditions alone decide */
	bool		nothing;		/* of @@@ with stop words only: finds no row */
} BarqBm25Query;

/* A row found. One is better than another by a higher score, then a lower TID. */
typedef struct BarqBm25Hit
{
	double		score;
	ItemPointerData tid;
	bool		unsure;			/* of a row of score 0: a phrase without positions
								 * leaves open whether it belongs there */
} BarqBm25Hit;

/*
 * The best `max` rows of those that are worse than (after_score, after_tid),
 * collected over all segments and the growing log of an index.
 */
typedef struct BarqBm25Top
{
	uint32		max;
	uint32		count;
	BarqBm25Hit *hits;			/* sorted: best first; else a heap, worst on top */
	bool		sorted;
	bool		resumed;		/* whether after_score and after_tid are set */
	double		after_score;
	ItemPointerData after_tid;
	BarqRowSource *source;		/* adds only rows that it admits; NULL: all */
} BarqBm25Top;

/*
 * Make top empty, with room for max >= 1 rows, palloc'd in the current memory
 * context. To resume, the caller sets resumed and after_*.
 */
extern void barq_bm25_top_init(BarqBm25Top *top, uint32 max);

/* Add a row, unless it comes before after_* or max rows are better. */
extern void barq_bm25_top_add(BarqBm25Top *top, double score, ItemPointer tid);

/*
 * Add a row of score 0, unless it comes before after_tid or max rows have an earlier
 * TID. unsure: see BarqBm25Hit. A top has rows of this function or of
 * barq_bm25_top_add(), never of both.
 */
extern void barq_bm25_top_add_rest(BarqBm25Top *top, ItemPointer tid, bool unsure);

/* Sort the rows, best first; none may be added afterwards. */
extern void barq_bm25_top_sort(BarqBm25Top *top);

/*
 * Add a segment's rows with a positive score that satisfy the conditions to top.
 * skip: a bit for each row, set: leave it out; NULL: none is. rows: search only these
 * nrows rows, ascending, of which `skip` has none; NULL: all rows. *recheck: whether rows were
 * added that hold all terms of a phrase which the segment, having no positions,
 * leaves undecided. Checks for interrupts; allocates in the current memory context
 * and frees little. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_search(BarqView *view, const BarqBm25Query *query,
							 const uint8 *skip, const uint32 *rows, uint32 nrows,
							 BarqBm25Top *top, bool *recheck);

/*
 * Rows that match, up to 512, and where their values of filter columns are. The visitor
 * may overwrite the arrays.
 */
typedef struct BarqMatchedRows
{
	uint32		n;
	bool		recheck;		/* the conditions are undecided for them */
	ItemPointerData *tids;
	BarqView   *view;			/* of their segment; NULL: one document of the log */
	uint32	   *rows;			/* their numbers in the segment */
	const uint64 *words;		/* of that document: its values (filters.h); or NULL */
} BarqMatchedRows;

typedef void (*BarqRowsVisitor) (void *arg, BarqMatchedRows *rows);

/*
 * Call visit(arg, ...) for all rows that satisfy the conditions and, where the
 * query is scored, hold a scoring term (query NULL: all rows, undecided); in TID order. skip: a bit
 * for each row, set: dead; NULL: none is. Checks for interrupts; allocates in the
 * current memory context and frees little. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_bm25_match(BarqView *view, const BarqBm25Query *query,
							const uint8 *skip, BarqRowsVisitor visit, void *arg);

/*
 * The same for those of n listed rows, ascending, that match; of a query that is not scored.
 * For few rows: each is looked for in the postings.
 */
extern void barq_bm25_match_listed(BarqView *view, const BarqBm25Query *query,
								   const uint32 *rows, uint32 n,
								   BarqRowsVisitor visit, void *arg);

/* At most so many rows of a segment match a query that is not scored. */
extern uint64 barq_bm25_match_most(BarqView *view, const BarqBm25Query *query);

/*
 * The rows of score 0, with which a ranking ends: those that `ranking` (scored;
 * NULL: no query) does not find and that all queries of `matching` find.
 */
typedef struct BarqBm25Rest
{
	const BarqBm25Query *ranking;
	const BarqBm25Query **matching;
	uint32		nmatching;
	uint32		field;			/* only rows in which this field (a bit) is not NULL, */
	bool		nulls;			/* or, if set, is; 0: all rows */
} BarqBm25Rest;

/*
 * Add the rows of score 0 of a segment whose TIDs are after top->after_tid to
 * top. Rows that are undecided, as a phrase has no positions, are added as
 * unsure. skip: a bit for each row, set: dead; NULL: none is. Checks for interrupts;
 * allocates in the current memory context and frees little. ERRCODE_INDEX_CORRUPTED
 * for a damaged body.
 */
extern void barq_bm25_rest(BarqView *view, const BarqBm25Rest *rest,
						   const uint8 *skip, BarqBm25Top *top);

/*
 * Score one encoded document of `length` bytes, 4-byte aligned: the score is
 * bit-identical to the one computed for a row of a segment. Returns whether the
 * document satisfies the conditions and, where the query is scored, holds a scoring
 * term; *recheck receives whether that is undecided, which means nothing where the
 * result is false. Allocates in the current memory context and frees nothing: the
 * caller resets it. ERRCODE_INDEX_CORRUPTED for a damaged document.
 */
extern bool barq_bm25_score_document(const BarqBm25Query *query, const char *document,
									 uint32 length, double *score, bool *recheck);

/* What a term adds to a score by one field. */
typedef struct BarqBm25Part
{
	uint32		term;			/* number of the query's term */
	uint32		field;
	uint32		frequency;
	uint32		length;			/* of the field */
	double		part;
} BarqBm25Part;

/*
 * Explain the score that barq_bm25_score_document() gives: *parts, palloc'd, by the query's
 * terms and then by fields; returns how many. They sum up to the score, bit by bit, if they
 * are added in this order. None for a document that is not among the results.
 */
extern uint32 barq_bm25_explain_document(const BarqBm25Query *query, const char *document,
										 uint32 length, BarqBm25Part **parts);

/*
 * Does a term that a row holds score: has it no variants, or is one of them complete?
 * No side effects. held[i]: whether the row holds the query's i-th term.
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

/* The share of a term. All shares are computed here, so that they are equal. */
static inline double
barq_bm25_share(double weight, double tf, double norm)
{
	return weight * tf / (tf + norm);
}

/* The norm of a document of `length` tokens: k1 · (1 - b + b · len / avglen). */
static inline double
barq_bm25_norm(double k1, double b, double length, double avglen)
{
	return k1 * (1 - b + b * length / avglen);
}

/* Whether a set of fields, a bit each or 0 for all, has a field. */
static inline bool
barq_bm25_has_field(uint32 fields, uint32 field)
{
	return fields == 0 || (fields >> field & 1) != 0;
}

/* A bit of no field: a set of fields in which nothing counts. */
#define BARQ_BM25_NO_FIELDS	(1u << 31)

/* The fields that two sets, each a bit a field or 0 for all, have both. */
static inline uint32
barq_bm25_both_fields(uint32 a, uint32 b)
{
	if (a == 0 || b == 0)
		return a | b;
	return (a & b) != 0 ? a & b : BARQ_BM25_NO_FIELDS;
}

/* Bits of n fields. */
static inline uint32
barq_bm25_every_field(uint32 n)
{
	return (1u << n) - 1;
}

/* The norm of a field of `length` tokens; 0 where the field has no tokens in any document. */
static inline double
barq_bm25_field_norm(const BarqBm25Field *field, double length)
{
	return field->avglen > 0 ? 1 - field->b + field->b * length / field->avglen : 0;
}

/*
 * The weighted frequency of a term (wtf): frequencies[i * stride] is that in the i-th
 * field, norms[i] the field's norm. All of them are computed here, so that they are equal.
 */
static inline double
barq_bm25_wtf(const BarqBm25Query *query, uint32 fields, const uint32 *frequencies, Size stride,
			  const double *norms)
{
	double		wtf = 0;

	for (uint32 i = 0; i < query->nfields; i++)
		if (barq_bm25_has_field(fields, i) && frequencies[i * stride] > 0 && norms[i] > 0)
			wtf += query->fields[i].weight * frequencies[i * stride] / norms[i];
	return wtf;
}

/* The share of a term of several fields. */
static inline double
barq_bm25_fields_share(const BarqBm25Query *query, double weight, double wtf)
{
	return wtf > 0 ? barq_bm25_share(weight, wtf, query->k1) : 0;
}

/* Of a query of the best field: the number of the field of a term that scores. */
static inline uint32
barq_bm25_field_of(const BarqBm25Term *term)
{
	Assert(term->fields != 0 && (term->fields & (term->fields - 1)) == 0);
	return (uint32) pg_rightmost_one_pos32(term->fields);
}

/* The largest of the sums of fields. */
static inline double
barq_bm25_best_of(const BarqBm25Query *query, const double *sums)
{
	double		best = 0;

	for (uint32 f = 0; f < query->nfields; f++)
		best = Max(best, sums[f]);
	return best;
}

static inline double
barq_bm25_idf(double documents, double df)
{
	return log(1 + (documents - df + 0.5) / (df + 0.5));
}

#endif							/* BARQ_BM25_H */
