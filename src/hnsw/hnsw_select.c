/*
 * hnsw_select.c
 *	  Selection of neighbours from candidates by Malkov & Yashunin's heuristic
 *	  (algorithm 4, https://arxiv.org/abs/1603.09320): a candidate nearer to a
 *	  neighbour already chosen than to the row itself is left out. Candidates
 *	  left out may fill up the list, nearest first.
 */
#include "postgres.h"

#include "hnsw/hnsw_work.h"

/*
 * Remove from alive[0 .. n-1] the candidates that are nearer to the chosen row
 * than to the selecting row (whose keys alive[] has); returns how many remain,
 * in the same order. One batch compares the chosen row with all of them: a few
 * more comparisons than one candidate at a time would need, but in one kernel
 * call.
 */
static int
leave_out(BarqHnswWork *work, uint32 chosen, BarqHit *alive, int n,
		  HnswSelectScratch *scratch)
{
	const char *codes = hnsw_work_codes(work);
	Size		stride = work->codec.stride;
	int			left = 0;

	for (int i = 0; i < n; i++)
		scratch->rows[i] = alive[i].row;
	barq_code_keys(&work->codec, codes + (uint64) chosen * stride, codes, stride,
				   scratch->rows, n, scratch->keys);
	for (int i = 0; i < n; i++)
	{
		if (!(scratch->keys[i] < alive[i].key))
			alive[left++] = alive[i];
	}
	return left;
}

/*
 * Append sorted candidates that were not chosen to list[0 .. nlist-1] until it
 * has `fill`; returns its length. The chosen candidates appear among the
 * others in the order of chosen[].
 */
static int
fill_up(const BarqHit *candidates, int n, const uint32 *chosen, int nchosen,
		uint32 *list, int nlist, int fill)
{
	int			next = 0;

	for (int i = 0; i < n && nlist < fill; i++)
	{
		if (next < nchosen && chosen[next] == candidates[i].row)
			next++;
		else
			list[nlist++] = candidates[i].row;
	}
	return nlist;
}

int
barq_hnsw_select(BarqHnswWork *work, BarqHit *candidates, int n, int nselected,
				 int max, int fill, uint32 *selected, int *apart,
				 HnswSelectScratch *scratch)
{
	BarqHit    *alive = scratch->alive;
	int			nalive = n;
	int			first = nselected;
	bool		sorted = true;

	Assert(nselected <= max);

	/* a beam is sorted already */
	for (int i = 1; i < n; i++)
		sorted &= (candidates[i - 1].key <= candidates[i].key);
	if (!sorted)
		barq_hits_sort(candidates, n);
	memcpy(alive, candidates, n * sizeof(BarqHit));

	for (int i = 0; i < first && nalive > 0; i++)
		nalive = leave_out(work, selected[i], alive, nalive, scratch);
	while (nalive > 0 && nselected < max)
	{
		uint32		best = alive[0].row;

		selected[nselected++] = best;
		alive++;
		nalive--;
		if (nselected < max)
			nalive = leave_out(work, best, alive, nalive, scratch);
	}
	if (apart != NULL)
		*apart = nselected;
	if (nselected < fill)
		nselected = fill_up(candidates, n, selected + first,
							nselected - first, selected, nselected, fill);
	return nselected;
}
