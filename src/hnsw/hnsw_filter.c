/*
 * hnsw_filter.c
 *	  The parts of a search that meet only rows which a filter admits.
 */
#include "postgres.h"

#include "hnsw/hnsw_search.h"

#define FAR_BREADTH		3		/* see barq_hnsw_begin_filtered() */
#define FAR_SCORED		1024
#define ASKED_LATELY	2048
#define PREFETCH_HOPS	16
#define PRIOR			64		/* rows for which the filter's own share counts */

/*
 * Add to search->fresh the rows of a list that the filter admits and that were not
 * visited, and mark them, until there are `degree`; *nfresh is their number. hops, unless NULL,
 * receives those that it does not admit and that were not expanded, *nhops of them.
 * ERRCODE_INDEX_CORRUPTED where a neighbour is out of range.
 */
static void
gather_list(HnswSearch *search, uint32 row, int *nfresh, uint32 *hops, int *nhops)
{
	HnswVisited *visited = search->visited;
	uint32		rows = search->graph.body.rows;
	int			degree;
	const uint32 *list = hnsw_search_list(search, row, &degree);
	int			n = 0;

	for (int i = 0; i < degree; i++)
	{
		uint32		neighbour = list[i];

		if (unlikely(neighbour >= rows))
		{
			if (neighbour == HNSW_NONE)
				break;
			barq_vector_corrupted("neighbour outside of the graph");
		}
		search->near[n] = neighbour;
		if (barq_hnsw_is_visited(visited, neighbour))
			continue;
		barq_row_filter_prefetch(search->filter, neighbour);
		n++;
	}
	search->asked += n;
	for (int i = 0; i < n && *nfresh < search->degree; i++)
	{
		uint32		neighbour = search->near[i];

		if (barq_row_filter_admits(search->filter, neighbour))
		{
			barq_hnsw_visit(visited, neighbour);
			search->fresh[(*nfresh)++] = neighbour;
			search->admitted++;
		}
		else if (hops != NULL)
		{
			hops[(*nhops)++] = neighbour;
			if (search->lists != NULL && *nhops <= PREFETCH_HOPS)
			{
				const char *its = search->lists + (uint64) neighbour * search->list_bytes;

				__builtin_prefetch(its);
				__builtin_prefetch(its + 64);
			}
		}
	}
}

/* barq_hnsw_gather_admitted() with so many lists of rows that are not admitted at most. */
static int
gather(HnswSearch *search, uint32 row, int most)
{
	int			nfresh = 0;
	int			nhops = 0;

	gather_list(search, row, &nfresh, search->hops, &nhops);
	for (int i = 0; i < Min(nhops, most) && nfresh < search->degree; i++)
		if (barq_hnsw_visit(search->visited, search->hops[i]))
			gather_list(search, search->hops[i], &nfresh, NULL, NULL);
	return nfresh;
}

/*
 * A row that is not admitted is marked when its list is read. As many lists are read as
 * have `degree` admitted rows, by what share of the rows asked about was admitted
 * lately: where they have fewer new ones, the others were met before.
 */
int
barq_hnsw_gather_admitted(HnswSearch *search, uint32 row)
{
	float		of_list = search->admitted / search->asked * search->degree;
	float		most = search->degree / Max(of_list, 0.01f) + 1;

	if (search->asked > ASKED_LATELY)
	{
		search->asked /= 2;
		search->admitted /= 2;
	}
	return gather(search, row, (int) Min(most, (float) search->degree));
}

/* Score the n rows in search->fresh, which are visited, and add them to the first beam. */
static void
seed(HnswSearch *search, int n)
{
	hnsw_score(search, search->fresh, n);
	hnsw_beam_reserve(search, (Size) search->n + n + hnsw_beam_room(search));
	for (int i = 0; i < n; i++)
		hnsw_beam_insert(search->beam, 0, search->n++, search->keys[i], search->fresh[i]);
	search->count = search->n;
}

/*
 * The beam begins with that row if it is admitted, with admitted rows around it, and
 * with rows from all over those that are admitted, for these may lie elsewhere, where no
 * list leads from there. If there are fewer around it than elsewhere, the nearest
 * admitted rows are far from the query and hardly nearer than others, which makes them
 * hard to find: up to FAR_SCORED rows for each of the beam are scored without a walk, and
 * the beam of a walk is wider (docs/performance.md, "Filter columns").
 */
bool
barq_hnsw_begin_filtered(HnswSearch *search, uint32 row)
{
	const BarqRowFilter *filter = search->filter;
	float		share = (float) filter->count / Max(search->graph.body.rows, 1);
	int			n;

	search->n = 0;
	if (barq_row_filter_admits(filter, row))
	{
		search->fresh[0] = row;
		seed(search, barq_hnsw_visit(search->visited, row));
	}
	n = gather(search, row, search->degree);
	seed(search, n);

	/* fewer rows are admitted around the query than elsewhere */
	if (search->admitted < search->asked * share / 2)
	{
		if (filter->count / FAR_SCORED <= (uint32) search->ef)
			return false;
		search->ef *= FAR_BREADTH;
	}
	search->asked += PRIOR;
	search->admitted += PRIOR * share;
	n = 0;
	for (int i = 0; i < filter->nseeds && n < search->degree; i++)
		if (filter->seeds[i] < search->graph.body.rows &&
			barq_hnsw_visit(search->visited, filter->seeds[i]))
			search->fresh[n++] = filter->seeds[i];
	seed(search, n);
	return true;
}
