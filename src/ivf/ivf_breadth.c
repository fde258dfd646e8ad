/*
 * ivf_breadth.c
 *	  How broad a search has to be to find given rows: of each row the rank of its list, and
 *	  the number of rows in the lists before it.
 */
#include "postgres.h"

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
