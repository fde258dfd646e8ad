/*
 * hybrid_fusion.c
 *	  The fused score of a row: the sum, over the rankings that have it, of the
 *	  ranking's weight times a term in [0, …).
 *
 * rrf: reciprocal rank fusion, 1/(rrf_k + rank) (Cormack, Clarke & Büttcher, SIGIR
 * 2009). linear: the score's place between the worst (0) and the best (1) of the
 * ranking. linear_zscore: the standard deviations by which the score exceeds the
 * worst of the ranking; sums of z-scores differ from it by the same number for all
 * rows of a call, if a row that a ranking lacks counts as its worst one. Counted in
 * this way no term is negative, so scores can be multiplied. (Terms of the last two as
 * in Lee, SIGIR 1997, and Montague & Aslam, CIKM 2001.)
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "hybrid/hybrid.h"
#include "utils/memutils.h"

double
barq_rrf_score(int64 rank, double rrf_k, double weight)
{
	Assert(rank >= 1);
	return weight / (rrf_k + (double) rank);
}

int
barq_address_compare(const BarqRowAddress *a, const BarqRowAddress *b)
{
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return ItemPointerCompare(unconstify(ItemPointerData *, &a->tid),
							  unconstify(ItemPointerData *, &b->tid));
}

static int
compare_addresses(const void *a, const void *b)
{
	return barq_address_compare(&((const BarqFusedHit *) a)->at,
								&((const BarqFusedHit *) b)->at);
}

/* The better of both ranks. */
static int
best_rank(const BarqFusedHit *hit)
{
	int			vector = hit->rank[BARQ_LEG_VECTOR];
	int			words = hit->rank[BARQ_LEG_TEXT];

	if (vector == 0 || words == 0)
		return vector + words;
	return Min(vector, words);
}

/* The order of the result; ties by address. */
static int
compare_scores(const void *a, const void *b)
{
	const BarqFusedHit *x = a;
	const BarqFusedHit *y = b;
	int			p = best_rank(x);
	int			q = best_rank(y);

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (p != q)
		return p < q ? -1 : 1;

	/* hybrid_rows.c breaks ties by the primary key */
	return compare_addresses(a, b);
}

bool
barq_hybrid_tied(const BarqFusedHit *a, const BarqFusedHit *b)
{
	return a->score == b->score && best_rank(a) == best_rank(b);
}

void
barq_hybrid_sort(BarqFusedHit *fused, int nfused)
{
	qsort(fused, nfused, sizeof(BarqFusedHit), compare_scores);
}

/*
 * The score of a distance: higher is better. Finite, since inner products of float4
 * may be infinite, and differences of scores must not be.
 */
static double
finite_score(double distance)
{
	return Min(Max(-distance, -DBL_MAX / 4), DBL_MAX / 4);
}

/*
 * The terms of a ranking's hits, palloc'd. All are 1 where all scores are the same.
 */
static double *
linear_terms(const BarqRanking *ranking, BarqFusion fusion)
{
	double	   *terms = palloc(sizeof(double) * Max(ranking->nhits, 1));
	double		low = DBL_MAX;
	double		high = -DBL_MAX;
	double		mean = 0;
	double		squares = 0;
	int			n = ranking->nhits;

	for (int i = 0; i < n; i++)
	{
		terms[i] = finite_score(ranking->hits[i].distance);
		low = Min(low, terms[i]);
		high = Max(high, terms[i]);
	}
	for (int i = 0; i < n; i++)
	{
		terms[i] = high > low ? (terms[i] - low) / (high - low) : 1;
		mean += terms[i] / n;
	}
	if (fusion == BARQ_FUSION_LINEAR || !(high > low))
		return terms;

	/* of terms in [0, 1], so that squares are finite; the deviation is above 0 */
	for (int i = 0; i < n; i++)
		squares += (terms[i] - mean) * (terms[i] - mean) / n;
	for (int i = 0; i < n; i++)
		terms[i] /= sqrt(squares);
	return terms;
}

/* Set the scores of fused hits by their ranks. */
static void
score_by_rank(BarqFusedHit *fused, int nfused, const BarqHybridArgs *args)
{
	for (int i = 0; i < nfused; i++)
		for (int kind = 0; kind < BARQ_LEGS; kind++)
			if (fused[i].rank[kind] > 0)
				fused[i].score += barq_rrf_score(fused[i].rank[kind], args->rrf_k,
												 args->weight[kind]);
}

BarqFusedHit *
barq_hybrid_fuse(const BarqRanking *rankings, const BarqHybridArgs *args,
				 int *nfused)
{
	Size		most = (Size) rankings[0].nhits + rankings[1].nhits;
	BarqFusedHit *fused = MemoryContextAllocHuge(CurrentMemoryContext,
												 sizeof(BarqFusedHit) * Max(most, 1));
	int			n = 0;
	int			kept = 0;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
	{
		const BarqRanking *ranking = &rankings[kind];
		double	   *terms = args->fusion == BARQ_FUSION_RRF ? NULL :
			linear_terms(ranking, args->fusion);

		for (int i = 0; i < ranking->nhits; i++)
		{
			BarqFusedHit *hit = &fused[n++];

			memset(hit, 0, sizeof(*hit));
			hit->at = ranking->hits[i].at;
			hit->group = ranking->hits[i].group;
			hit->rank[kind] = ranking->hits[i].rank;
			if (terms != NULL)
				hit->score = terms[i] * args->weight[kind];
		}
	}

	/* merge the two hits of a row that is in both rankings */
	qsort(fused, n, sizeof(BarqFusedHit), compare_addresses);
	for (int i = 0; i < n; i++)
	{
		if (kept > 0 && compare_addresses(&fused[kept - 1], &fused[i]) == 0)
		{
			for (int kind = 0; kind < BARQ_LEGS; kind++)
			{
				/* no ranking has a row twice */
				Assert(fused[kept - 1].rank[kind] == 0 || fused[i].rank[kind] == 0);
				fused[kept - 1].rank[kind] += fused[i].rank[kind];
			}
			fused[kept - 1].score += fused[i].score;
		}
		else
			fused[kept++] = fused[i];
	}

	if (args->fusion == BARQ_FUSION_RRF)
		score_by_rank(fused, kept, args);
	barq_hybrid_sort(fused, kept);
	*nfused = kept;
	return fused;
}
