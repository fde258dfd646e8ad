/*
 * hybrid_fusion.c
 *	  Reciprocal rank fusion (Cormack, Clarke & Büttcher, SIGIR 2009): a row's
 *	  score is the sum, over the rankings that have it, of weight/(rrf_k + rank).
 */
#include "postgres.h"

#include "hybrid/hybrid.h"

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

BarqFusedHit *
barq_hybrid_fuse(const BarqRanking *rankings, const BarqHybridArgs *args,
				 int *nfused)
{
	int			most = rankings[0].nhits + rankings[1].nhits;
	BarqFusedHit *fused = palloc0(sizeof(BarqFusedHit) * Max(most, 1));
	int			n = 0;
	int			kept = 0;

	for (int kind = 0; kind < BARQ_LEGS; kind++)
		for (int i = 0; i < rankings[kind].nhits; i++)
		{
			fused[n].at = rankings[kind].hits[i].at;
			fused[n++].rank[kind] = i + 1;
		}

	/* merge the two hits of a row that is in both rankings */
	qsort(fused, n, sizeof(BarqFusedHit), compare_addresses);
	for (int i = 0; i < n; i++)
	{
		if (kept > 0 && compare_addresses(&fused[kept - 1], &fused[i]) == 0)
			for (int kind = 0; kind < BARQ_LEGS; kind++)
			{
				/* no ranking has a row twice */
				Assert(fused[kept - 1].rank[kind] == 0 || fused[i].rank[kind] == 0);
				fused[kept - 1].rank[kind] += fused[i].rank[kind];
			}
		else
			fused[kept++] = fused[i];
	}

	for (int i = 0; i < kept; i++)
		for (int kind = 0; kind < BARQ_LEGS; kind++)
			if (fused[i].rank[kind] > 0)
				fused[i].score += barq_rrf_score(fused[i].rank[kind], args->rrf_k,
												 args->weight[kind]);
	qsort(fused, kept, sizeof(BarqFusedHit), compare_scores);
	*nfused = kept;
	return fused;
}
