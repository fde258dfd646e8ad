/*
 * ivf_breadth.c
 *	  How broad a search has to be to find given rows: of each row the rank of its list, and
 *	  the number of rows in the lists before it; how far a row lies from its centroid.
 */
#include "postgres.h"

#include <math.h>

#include "ivf/ivf.h"
#include "ivf/ivf_search.h"
#include "miscadmin.h"

void
barq_ivf_breadths(BarqView *view, const BarqSearchParams *params, uint32 absent,
				  const uint32 *rows, int n, int *breadths)
{
	IvfSearch  *search = (IvfSearch *) barq_ivf_begin(view, params);
	uint32		lists = search->lists.header.lists;
	uint32		chosen = barq_ivf_choose_probes(lists);
	uint64		before = 0;

	for (int i = 0; i < n; i++)
		breadths[i] = BARQ_BREADTH_NEVER;
	search->at_once = 0;
	barq_ivf_rank_lists(&search, 1);
	barq_hits_sort(search->ranking, lists);
	for (uint32 rank = 0; rank < lists; rank++)
	{
		uint32		first;
		uint32		end;

		CHECK_FOR_INTERRUPTS();
		barq_ivf_list(&search->lists, search->ranking[rank].row, &first, &end);
		for (int i = 0; i < n; i++)
		{
			if (rows[i] < first || rows[i] >= end)
				continue;
			if (!params->beside_graphs)
				breadths[i] = before < search->least_rows ? 1 : (int) rank + 1;
			else
				breadths[i] = rank < chosen ? 1 :
					(int) Min((uint64) (rank / chosen + 1) * IVF_BREADTH_PER_PROBES,
							  before / BARQ_IVF_AHEAD_BESIDE + 1);
		}
		before += end - first;
	}
	pfree(search->ranking);
	pfree(search);
}

/* The list that has a row. ERRCODE_INDEX_CORRUPTED for a damaged body. */
static uint32
list_of(IvfLists *lists, uint32 row)
{
	uint32		low = 0;
	uint32		high = lists->header.lists;

	while (high - low > 1)
	{
		uint32		middle = low + (high - low) / 2;
		uint32		first;
		uint32		end;

		barq_ivf_list(lists, middle, &first, &end);
		if (first <= row)
			low = middle;
		else
			high = middle;
	}
	return low;
}

float
barq_ivf_isolation(BarqView *view, const BarqQuery *query, uint32 row)
{
	IvfLists	lists;
	float		key;

	barq_ivf_open(view, &lists);
	if (lists.header.lists == 0)
		return INFINITY;
	barq_ivf_score(&lists, &query, 1, ivf_centroid_off(&lists, list_of(&lists, row)), 1, &key);
	barq_keys_clean(&key, 1);
	return key;
}
