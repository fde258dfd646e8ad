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

typedef struct Scorer
{
	Bm25Cursor *cursor;
	uint32		number;			/* in the order of the query */
	float		weight;			/* raised */
	double		bound;			/* bound of all its postings */
	double		local;			/* bound of its postings in the window */
	uint32		first;			/* its first block in the window */
	bool		required;		/* rows must hold the term */

	/* bounds of blocks, cached: bounds[i] are those from block bounds_from[i] on */
	uint32		bounds_from[2]; /* BM25_NO_ROW: none */
	float		bounds[2][BOUNDS];

	bool		heavy;			/* in the window: its block is decoded, its shares are set */
	uint32		shared;			/* block that shares are of; BM25_NO_ROW: none */
	uint32		begin;			/* its postings in the window: [begin, end) */
	uint32		end;
	float		shares[BARQ_BM25_BLOCK];	/* bounds, raised */
	uint32		(*lengths)[BARQ_BM25_BLOCK];	/* by field; of several: stored ones */
	float		(*by_norm)[BARQ_BM25_BLOCK];	/* of several fields: barq_bm25_block_shares() */
} Scorer;

/*
 * Candidates, ascending, from one block of one heavy term, the taker. A candidate's number
 * is that of its posting in the block, so the taker has its length and norms.
 */
typedef struct Candidates
{
	uint32		n;
	const Scorer *taker;
	uint32		rows[BARQ_BM25_BLOCK];
	float		sums[BARQ_BM25_BLOCK];	/* of the shares found so far */
	uint8		numbers[BARQ_BM25_BLOCK];

	/* by number */
	uint32		terms[BARQ_BM25_BLOCK]; /* a bit for each term found */
	uint8		places[BM25_MANY_TERMS][BARQ_BM25_BLOCK];	/* of heavy terms: its posting */
	uint32		(*frequencies)[BARQ_BM25_BLOCK];	/* of light terms: a row for each term
													 * and field */
} Candidates;

typedef struct Pruner
{
	Bm25Search *s;
	uint32		n;				/* scorers */
	float		base;			/* norms are at least base + slope · length */
	float		slope;
	uint32		nfields;
	bool		fields;			/* there are several: scales in place of base and slope */
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
 * bm25_prune.c: compute the bounds of the blocks [from, from + BOUNDS) of a term, as many
 * as there are; from is a multiple of BOUNDS.
 */
extern void barq_bm25_load_bounds(Pruner *p, Scorer *scorer, uint32 from);

/* Bound of a block's shares. */
static inline float
barq_bm25_bound_of(Pruner *p, Scorer *scorer, uint32 block)
{
	uint32		from = block - block % BOUNDS;
	uint32		slot = block / BOUNDS % 2;

	if (unlikely(scorer->bounds_from[slot] != from))
		barq_bm25_load_bounds(p, scorer, from);
	return scorer->bounds[slot][block - from];
}

/*
 * ---- bm25_candidates.c ----
 *
 * ERRCODE_INDEX_CORRUPTED for a damaged body.
 */

/*
 * Make candidates of the postings p->found[0 .. n-1], counted from
 * scorer->begin, of a heavy term.
 */
extern void barq_bm25_take_candidates(Pruner *p, const Scorer *scorer, uint32 n);

/*
 * Add another heavy term to the candidates that hold it. earlier: it had its candidates
 * before; then drop these.
 */
extern void barq_bm25_add_heavy(Pruner *p, const Scorer *scorer, bool earlier);

/*
 * Look the candidates up in the light terms, p->order[0 .. light-1], the heaviest
 * first; score those that remain and add them to the best rows.
 */
extern void barq_bm25_try_candidates(Pruner *p, uint32 light);

#endif							/* BARQ_BM25_PRUNE_H */
