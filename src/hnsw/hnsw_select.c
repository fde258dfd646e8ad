/*
 * hnsw_select.c
 *	  Which of the candidates become neighbours: Malkov & Yashunin's heuristic
 *	  (algorithm 4, https://arxiv.org/abs/1603.09320), as hnswlib uses it: a
 *	  candidate nearer to a neighbour already chosen than to the row itself is
 *	  left out, and the list is not filled up with what was left out.
 */
#include "postgres.h"

#include "hnsw/hnsw_work.h"

/*
 * Once a candidate is chosen, all that remain are compared with it in one
 * batch, instead of each with all chosen before it: the same comparisons or a
 * few more, but many at a time from one row.
 *
 * Of rows with the very same code one suffices as a neighbour. Without this
 * rule a row with 2 m copies would have no other neighbours than those, and
 * the copies would be an island.
 */
int
barq_hnsw_select(BarqHnswWork *work, BarqHit *candidates, int n, int max,
				 uint32 *selected, HnswSelectScratch *scratch)
{
	BarqHit    *alive = scratch->alive;
	const char *codes = hnsw_work_codes(work);
	Size		stride = work->codec.stride;
	int			nselected = 0;
	bool		sorted = true;

	/* a beam comes sorted */
	for (int i = 1; i < n; i++)
		sorted &= (candidates[i - 1].key <= candidates[i].key);
	if (!sorted)
		barq_hits_sort(candidates, n);
	memcpy(alive, candidates, n * sizeof(BarqHit));

	while (n > 0 && nselected < max)
	{
		BarqHit		best = alive[0];
		const char *code = codes + (uint64) best.row * stride;
		int			left = 0;

		selected[nselected++] = best.row;
		if (n == 1 || nselected == max)
			break;
		for (int i = 1; i < n; i++)
			scratch->rows[i - 1] = alive[i].row;
		barq_code_keys(&work->codec, code, codes, stride,
					   scratch->rows, n - 1, scratch->keys);
		for (int i = 1; i < n; i++)
		{
			if (scratch->keys[i - 1] < alive[i].key)
				continue;
			if (alive[i].key == best.key &&
				memcmp(code, codes + (uint64) alive[i].row * stride,
					   work->codec.row_bytes) == 0)
				continue;
			alive[left++] = alive[i];
		}
		n = left;
	}
	return nselected;
}
