/*
 * bm25_search.h
 *	  Shared by the files of a search: its state, the threshold that a score must
 *	  reach, and the addition of a row to the best ones.
 */
#ifndef BARQ_BM25_SEARCH_H
#define BARQ_BM25_SEARCH_H

#include "bm25/bm25_conditions.h"

/* With more terms than this, shares are added up without pruning. */
#define BM25_MANY_TERMS		24

/* Forms of all terms of a pruned search at most: a bit each. */
#define BM25_MANY_FORMS		32

/* A search of one segment. */
typedef struct Bm25Search
{
	Bm25Body	body;
	const BarqBm25Query *query;
	const uint8 *skip;			/* a bit for each row, set: dead; or NULL */
	BarqBm25Top *top;			/* rows found so far, over all segments */
	Bm25Conditions *conditions; /* NULL: there are none */
	bool	   *recheck;

	uint32		n;				/* terms that score or are required and that the
								 * segment has */
	Bm25Cursor **cursors;		/* theirs, in the order of the query */
	uint32	   *numbers;		/* theirs in the query */
	bool	   *held;			/* by the query's terms: whether a row holds them;
								 * NULL: no variants */
	Bm25Cursor **again;			/* copies of cursors, of many terms with variants and of
								 * queries of the best field */
	bool	   *required;		/* by cursors: rows must hold the term; NULL: none */
	uint32		field;			/* the field (a bit) that is searched, of a query of the
								 * best field; 0: all at once */
	struct Bm25Search *whole;	/* then: the search of all fields */

	const void *lengths;		/* of all rows; NULL: read by pages */

	/* cache of tie_row(): the rows before tie_row have TIDs up to tie_tid */
	ItemPointerData tie_tid;
	uint32		tie_row;
} Bm25Search;

/* The first row whose TID is after that of the worst row in top, which is full. */
extern uint32 barq_bm25_tie_row(Bm25Search *s);

/*
 * Add a row with its exact score, which is positive, to top, if it is among the
 * best, not dead, not returned before and satisfies the conditions.
 */
extern void barq_bm25_keep(Bm25Search *s, double score, uint32 row);

/* The forms of the terms: members of pools, and terms that are none. */
static inline uint32
barq_bm25_count_forms(const Bm25Search *s)
{
	uint32		forms = 0;

	for (uint32 i = 0; i < s->n; i++)
		forms += Max(s->cursors[i]->nmembers, 1);
	return forms;
}

/*
 * bm25_prune.c: add the best rows of up to BM25_MANY_TERMS terms, of BM25_MANY_FORMS forms,
 * to top.
 */
extern void barq_bm25_search_few(Bm25Search *s);

/* Length of a row's document in tokens. */
static inline uint32
barq_bm25_length_of(const Bm25Search *s, uint32 row)
{
	if (s->lengths == NULL)
		return barq_bm25_length(&s->body, row);
	switch (s->body.header.length_width)
	{
		case 1:
			return ((const uint8 *) s->lengths)[row];
		case 2:
			return ((const uint16 *) s->lengths)[row];
		default:
			return ((const uint32 *) s->lengths)[row];
	}
}

/* In single precision, weights are raised and norms are lowered by these. */
#define BM25_RAISE		(1 + 0x1p-20)
#define BM25_LOWER		(1 - 0x1p-21)

/*
 * ---- bm25_fields.c: searches over several fields ----
 *
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */

/* How a field counts, in single precision; weight 0: not at all. */
typedef struct Bm25FieldScale
{
	float		weight;			/* raised */
	float		base;			/* a norm is at least base + slope · length */
	float		slope;
} Bm25FieldScale;

/* Is the query over several fields? */
static inline bool
barq_bm25_has_fields(const Bm25Search *s)
{
	return s->query->nfields > 1;
}

/* The norm of a field by its stored length. */
static inline double
barq_bm25_stored_norm(const BarqBm25Field *field, uint32 stored)
{
	return barq_bm25_field_norm(field, stored == 0 ? 0 : stored - 1);
}

/* The norms of the fields of a row. */
extern void barq_bm25_row_norms(const Bm25Search *s, uint32 row, double *norms);

/* The share of the current posting, by its row's norms. */
extern double barq_bm25_posting_share(const Bm25Search *s, Bm25Cursor *cursor,
									  const double *norms);

/* The scales of the query's fields. */
extern void barq_bm25_field_scales(const BarqBm25Query *query, Bm25FieldScale *scales);

/*
 * Upper bounds of the shares of the postings of n blocks from a block on; BM25_NO_ROW and 1:
 * of all postings. weight: the term's, raised; 0: bounds of weighted frequencies instead.
 */
extern void barq_bm25_block_bounds(const Bm25Cursor *cursor, uint32 from, uint32 n,
								   const BarqBm25Query *query, const Bm25FieldScale *scales,
								   float weight, float *bounds);

/* The same of a block in double precision, which bounds scores to the last bit. */
extern double barq_bm25_exact_block_bound(const Bm25Cursor *cursor, uint32 block,
										  const BarqBm25Query *query);

/* At most the query's k1, in single precision; above 0. */
static inline float
barq_bm25_least_k1(const BarqBm25Query *query)
{
	return Max((float) (query->k1 * BM25_LOWER), 1e-30f);
}

/*
 * Upper bound of a term's share with this weighted frequency, an upper bound itself; weight: the
 * term's, raised. 0 for 0, also where k1 is 0.
 */
static inline float
barq_bm25_share_bound(const BarqBm25Query *query, float weight, float wtf)
{
	return weight * (wtf / (wtf + barq_bm25_least_k1(query)));
}

/*
 * Upper bounds of the shares of the postings of the decoded block, whose frequencies are
 * decoded then, and of the weight of each field by its norm in each row: of all fields,
 * those also that the term is not asked of; 0 for one without a weight. lengths: the stored
 * lengths of each field.
 */
extern void barq_bm25_block_shares(const Bm25Search *s, Bm25Cursor *cursor,
								   const Bm25FieldScale *scales, float weight, float *shares,
								   float (*by_norm)[BARQ_BM25_BLOCK],
								   uint32 (*lengths)[BARQ_BM25_BLOCK]);

/* The query's norm for a document of this length. */
static inline double
barq_bm25_norm_of(const Bm25Search *s, uint32 length)
{
	return barq_bm25_norm(s->query->k1, s->query->b, length, s->query->avglen);
}

/* The least score of a row that may be kept: 0 while top is not full. */
static inline double
barq_bm25_threshold(const Bm25Search *s)
{
	return s->top->count < s->top->max ? 0 : s->top->hits[0].score;
}

/*
 * Can no row from `row` on with at most this score be kept? May look the row of the
 * worst kept TID up and remember it (barq_bm25_tie_row).
 */
static inline bool
barq_bm25_hopeless(Bm25Search *s, double bound, uint32 row)
{
	double		worst = barq_bm25_threshold(s);

	if (likely(bound != worst) || worst == 0)
		return bound < worst;
	return row >= barq_bm25_tie_row(s);
}

#endif							/* BARQ_BM25_SEARCH_H */
