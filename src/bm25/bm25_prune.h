/*
 * bm25_prune.h
 *	  Shared by bm25_prune.c, which divides a search into windows and its terms into light
 *	  and heavy ones, and bm25_candidates.c, which tries the rows of a block. The first
 *	  comment of bm25_prune.c explains both.
 */
#ifndef BARQ_BM25_PRUNE_H
#define BARQ_BM25_PRUNE_H

#include <float.h>

#include "bm25/bm25_search.h"

#define BUCKETS			2048	/* at most; a power of two */
#define BOUNDS			64		/* blocks whose bounds are computed at once */

/* A sum of a few bounds in single precision may be too small by this factor. */
#define BUCKET_SLACK	(1 - 4e-6)

/*
 * A form of a term: the term itself, or a member of a pool. Of a pool, what bounds say of a
 * form is its weighted frequency: x, where x / (x + p->saturation) times the weight is the
 * share. That of the pool in a row is the sum of its forms', so its share is at most that of
 * the sum of their bounds.
 */
typedef struct Form
{
	struct Scorer *scorer;
	Bm25Cursor *cursor;
	uint32		number;			/* among all forms, in the order of the query */
	float		all;			/* bound over all its postings */
	float		local;			/* bound over those in the window */
	uint32		first;			/* its first block in the window */

	/* bounds of blocks, cached: bounds[i] are those from block bounds_from[i] on */
	uint32		bounds_from[2]; /* BM25_NO_ROW: none */
	float		bounds[2][BOUNDS];

	uint32		shared;			/* block that shares are of; BM25_NO_ROW: none */
	uint32		begin;			/* of a heavy term: its postings in the window: [begin, end) */
	uint32		end;
	float		shares[BARQ_BM25_BLOCK];	/* bounds, raised */
	uint32		(*lengths)[BARQ_BM25_BLOCK];	/* by field; of several: stored ones */
	float		(*by_norm)[BARQ_BM25_BLOCK];	/* of several fields: barq_bm25_block_shares() */
} Form;

/* A term of the search. */
typedef struct Scorer
{
	uint32		number;			/* in the order of the query */
	uint32		nforms;			/* above 1: a pool */
	Form	   *forms;
	float		weight;			/* raised */
	double		bound;			/* bound of all its postings */
	double		local;			/* bound of its postings in the window */
	bool		required;		/* rows must hold the term */
	bool		heavy;			/* in the window: blocks of its forms are decoded, shares set */
} Scorer;

/*
 * Candidates, ascending, from one block of one heavy form, the taker. A candidate's number
 * is that of its posting in the block, so the taker has its length and norms.
 */
typedef struct Candidates
{
	uint32		n;
	const Form *taker;
	uint32		rows[BARQ_BM25_BLOCK];
	float		sums[BARQ_BM25_BLOCK];	/* of the shares found so far */
	uint8		numbers[BARQ_BM25_BLOCK];

	/* by number */
	uint32		forms[BARQ_BM25_BLOCK]; /* a bit for each form found */
	float		pooled[BARQ_BM25_BLOCK];	/* weighted frequency of the light pool that is
											 * looked up; below 0: not found */
	uint8		places[BM25_MANY_FORMS][BARQ_BM25_BLOCK];	/* of heavy forms: its posting */
	uint32		(*frequencies)[BARQ_BM25_BLOCK];	/* of light forms: a row for each form
													 * and field */
} Candidates;

typedef struct Pruner
{
	Bm25Search *s;
	uint32		n;				/* scorers */
	float		base;			/* norms are at least base + slope · length */
	float		slope;
	float		saturation;		/* of weighted frequencies: k1 with several fields, else 1 */
	uint32		nfields;
	bool		fields;			/* there are several: scales in place of base and slope */
	bool		pools;			/* there are scorers of several forms */
	Bm25FieldScale scales[BARQ_BM25_FIELDS];
	Scorer	   *scorers;		/* in the order of the query */
	Scorer	   *by_bound[BM25_MANY_TERMS];	/* by their bound of all postings */
	uint32		light;			/* by_bound[0 .. light-1] are light in any window */
	double		rest;			/* sum of their bounds */
	Scorer	   *leader;			/* the rarest required term, or NULL */

	/* in the window: light terms first, by their local bounds */
	Scorer	   *order[BM25_MANY_TERMS];
	double		below[BM25_MANY_TERMS + 1]; /* below[i]: sum of the local bounds of
											 * order[0 .. i-1] */

	Candidates	candidates;
	float		buckets[BUCKETS];
	uint32		found[BARQ_BM25_BLOCK + 16];	/* as find_at_least() needs */
	uint8		at[BARQ_BM25_BLOCK];
} Pruner;

/*
 * The least sum of shares, in single precision, with which a row can reach the
 * threshold if terms not yet looked up add `rest` at most. Above 0.
 */
static inline float
barq_bm25_limit(const Pruner *p, double rest)
{
	return Max((float) ((barq_bm25_threshold(p->s) - rest) * BUCKET_SLACK), FLT_MIN);
}

/*
 * bm25_prune.c: compute the bounds of the blocks [from, from + BOUNDS) of a form, as many
 * as there are; from is a multiple of BOUNDS.
 */
extern void barq_bm25_load_bounds(Pruner *p, Form *form, uint32 from);

/* Bound of a block's shares; of a form of a pool: of their weighted frequencies. */
static inline float
barq_bm25_bound_of(Pruner *p, Form *form, uint32 block)
{
	uint32		from = block - block % BOUNDS;
	uint32		slot = block / BOUNDS % 2;

	if (unlikely(form->bounds_from[slot] != from))
		barq_bm25_load_bounds(p, form, from);
	return form->bounds[slot][block - from];
}

/* Bound of a pool's share by that of its weighted frequency. */
static inline double
barq_bm25_pool_share(const Pruner *p, const Scorer *scorer, double bound)
{
	return scorer->weight * (bound / (bound + p->saturation));
}

/*
 * Bound of the weighted frequency that the forms of a pool behind the i-th add in the window.
 * Summed, for a difference of sums would lose small bounds beside ANY_FREQUENCY.
 */
static inline double
barq_bm25_later_forms(const Scorer *scorer, uint32 i)
{
	double		later = 0;

	while (++i < scorer->nforms)
		later += scorer->forms[i].local;
	return later;
}

/*
 * ---- bm25_candidates.c ----
 *
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */

/*
 * Make candidates of the postings p->found[0 .. n-1], counted from
 * form->begin, of a heavy form.
 */
extern void barq_bm25_take_candidates(Pruner *p, const Form *form, uint32 n);

/*
 * Add another heavy form, whose rows are decoded, to the candidates that hold it. earlier: it
 * had its candidates before; then drop these.
 */
extern void barq_bm25_add_heavy(Pruner *p, const Form *form, bool earlier);

/* Lower the sums of candidates that hold several forms of a heavy pool to its share. */
extern void barq_bm25_join_forms(Pruner *p);

/*
 * Look the candidates up in the light terms, p->order[0 .. light-1], the heaviest
 * first; score those that remain and add them to the best rows.
 */
extern void barq_bm25_try_candidates(Pruner *p, uint32 light);

#endif							/* BARQ_BM25_PRUNE_H */
