/*
 * hybrid_select.c
 *	  Which of the fused candidates are the result, and in which order: by group, and
 *	  by maximal marginal relevance.
 *
 * Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998) chooses one row after
 * the other, each time the one with the highest (1 - diversity) * relevance -
 * diversity * similarity to the most similar row chosen. Relevance and similarity are
 * on the same scale: 1 is the best score and 0 the worst among the candidates;
 * similarity is 1 at distance 0 (of inner products: at the smallest one) and 0 at the
 * greatest distance of a candidate from the first row chosen.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "hybrid/hybrid.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"

/* What has been chosen of each group. */
typedef struct Chosen
{
	int		   *of_group;		/* rows of each group; NULL: no groups */
	int			ngroups;		/* groups that have a row */
	int			nrows;
} Chosen;

/* A candidate that is not chosen yet. */
typedef struct Candidate
{
	int			at;				/* in the sorted list */
	double		relevance;
	double		nearest;		/* distance to the nearest row chosen */
} Candidate;

/* Distances of candidates. */
typedef struct Distances
{
	FmgrInfo	function;		/* of the index's operator */
	double		low;			/* similarity 1 … */
	double		high;			/* … and 0 */
	bool		scaled;			/* both are set */
} Distances;

/* Whether a hit may be chosen. No side effects. */
static bool
may_choose(const BarqHybridArgs *args, const Chosen *chosen, const BarqFusedHit *hit)
{
	if (chosen->of_group == NULL)
		return chosen->nrows < args->k;
	return chosen->of_group[hit->group] < args->per_group &&
		(chosen->of_group[hit->group] > 0 || chosen->ngroups < args->k);
}

/* Count a hit that is chosen. */
static void
choose(Chosen *chosen, const BarqFusedHit *hit)
{
	chosen->nrows++;
	if (chosen->of_group != NULL && chosen->of_group[hit->group]++ == 0)
		chosen->ngroups++;
}

/*
 * The distance of two hits, finite; infinity if one has no vector or the distance is
 * no number.
 */
static double
distance_between(Distances *distances, const BarqFusedHit *a, const BarqFusedHit *b)
{
	double		distance;

	if (a->details->vector == (Datum) 0 || b->details->vector == (Datum) 0)
		return INFINITY;
	distance = DatumGetFloat8(FunctionCall2(&distances->function, a->details->vector,
											b->details->vector));
	return isnan(distance) ? INFINITY : Min(Max(distance, -DBL_MAX / 4), DBL_MAX / 4);
}

/* Update the candidates after a row has been chosen. */
static void
compare_with(Distances *distances, const BarqFusedHit *fused, const BarqFusedHit *chosen,
			 Candidate *candidates, int n)
{
	double		low = 0;
	double		high = -DBL_MAX;

	for (int i = 0; i < n; i++)
	{
		double		distance = distance_between(distances, chosen, &fused[candidates[i].at]);

		if ((i & 1023) == 0)
			CHECK_FOR_INTERRUPTS();
		candidates[i].nearest = Min(candidates[i].nearest, distance);
		if (distance < INFINITY)
		{
			low = Min(low, distance);
			high = Max(high, distance);
		}
	}
	if (!distances->scaled && high > -DBL_MAX)
	{
		distances->low = low;
		distances->high = high;
		distances->scaled = true;
	}
}

/* The marginal relevance of a candidate. */
static double
value_of(const Distances *distances, double diversity, const Candidate *candidate)
{
	double		similarity = 0;

	if (candidate->nearest < INFINITY)
		similarity = distances->high > distances->low ?
			(distances->high - candidate->nearest) / (distances->high - distances->low) : 1;
	return (1 - diversity) * candidate->relevance - diversity * similarity;
}

/*
 * The candidate with the highest marginal relevance, the first of several; -1: none.
 * Candidates that cannot be chosen any more are removed: *n shrinks.
 */
static int
find_best(const BarqHybridArgs *args, const Chosen *chosen, const BarqFusedHit *fused,
		  const Distances *distances, Candidate *candidates, int *n)
{
	int			kept = 0;
	int			best = -1;
	double		highest = 0;

	for (int i = 0; i < *n; i++)
	{
		double		value;

		if (!may_choose(args, chosen, &fused[candidates[i].at]))
			continue;
		candidates[kept] = candidates[i];
		value = value_of(distances, args->diversity, &candidates[kept]);
		if (best < 0 || value > highest)
		{
			best = kept;
			highest = value;
		}
		kept++;
	}
	*n = kept;
	return best;
}

/* Choose by maximal marginal relevance; returns the hits chosen, palloc'd. */
static BarqFusedHit *
choose_diverse(const BarqHybridEntry *entry, const BarqHybridArgs *args, Chosen *chosen,
			   const BarqFusedHit *fused, int n)
{
	BarqFusedHit *result = palloc_extended(sizeof(BarqFusedHit) * Max(n, 1), MCXT_ALLOC_HUGE);
	Candidate  *candidates = palloc_extended(sizeof(Candidate) * Max(n, 1), MCXT_ALLOC_HUGE);
	Distances	distances = {0};
	double		worst = n == 0 ? 0 : fused[n - 1].score;
	double		range = n == 0 ? 0 : fused[0].score - worst;
	int			best;

	fmgr_info(get_opcode(entry->legs[BARQ_LEG_VECTOR].column.op), &distances.function);
	for (int i = 0; i < n; i++)
	{
		candidates[i].at = i;
		candidates[i].relevance = range > 0 ? (fused[i].score - worst) / range : 1;
		candidates[i].nearest = INFINITY;
	}
	while ((best = find_best(args, chosen, fused, &distances, candidates, &n)) >= 0)
	{
		const BarqFusedHit *hit = &fused[candidates[best].at];

		CHECK_FOR_INTERRUPTS();
		result[chosen->nrows] = *hit;
		choose(chosen, hit);
		memmove(&candidates[best], &candidates[best + 1], sizeof(Candidate) * (n - best - 1));
		compare_with(&distances, fused, hit, candidates, --n);
	}
	return result;
}

int
barq_hybrid_select(const BarqHybridEntry *entry, const BarqHybridArgs *args, int ngroups,
				   BarqFusedHit *fused, int nfused)
{
	Chosen		chosen = {0};

	if (args->group_by != NULL)
		chosen.of_group = palloc0_array(int, Max(ngroups, 1));
	if (args->diversity > 0)
	{
		BarqFusedHit *result = choose_diverse(entry, args, &chosen, fused, nfused);

		memcpy(fused, result, sizeof(BarqFusedHit) * chosen.nrows);
		pfree(result);
		return chosen.nrows;
	}
	for (int i = 0; i < nfused; i++)
		if (may_choose(args, &chosen, &fused[i]))
		{
			BarqFusedHit hit = fused[i];

			fused[chosen.nrows] = hit;
			choose(&chosen, &hit);
		}
	return chosen.nrows;
}
