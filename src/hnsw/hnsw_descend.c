/*
 * hnsw_descend.c
 *	  The way of a search through the upper layers of a body, with a beam of
 *	  HNSW_DESCENT rows on each.
 *
 * A greedy descent (Malkov & Yashunin, algorithm 5) often ends in another cluster than
 * the query's, and in tight clusters no list of layer 0 leads out of it. Some rows more
 * on the upper layers cost a twentieth of a search and are worth more there than three
 * times its breadth on layer 0 (docs/performance.md, "Clusters").
 */
#include "postgres.h"

#include "hnsw/hnsw_beam.h"
#include "hnsw/hnsw_descend.h"
#include "miscadmin.h"

/*
 * Walk on a layer from the n entries of the beam, best first, until its best are
 * expanded; returns how many the beam has then. `visited` has none of the layer.
 */
static int
walk_layer(const HnswDescent *descent, int layer, BarqHit *beam, int n)
{
	HnswGraph  *graph = descent->graph;
	uint32		list[HNSW_MAX_DEGREE];
	uint32		rows[HNSW_MAX_DEGREE];
	float		keys[HNSW_MAX_DEGREE];

	for (int i = 0; i < n; i++)
		barq_hnsw_visit(descent->visited, beam[i].row);
	for (int next = 0; next < n;)
	{
		uint32		entry = beam[next].row;
		int			degree;
		int			nfresh = 0;

		if (entry & HNSW_EXPANDED)
		{
			next++;
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		beam[next++].row = entry | HNSW_EXPANDED;
		degree = barq_hnsw_read_list(graph, layer, entry, list);
		for (int i = 0; i < degree; i++)
		{
			if (!barq_hnsw_visit(descent->visited, list[i]))
				continue;
			list[nfresh] = list[i];
			rows[nfresh] = barq_hnsw_entry_row(graph, layer, list[i]);
			nfresh += rows[nfresh] != descent->absent;
		}
		if (descent->ahead != NULL)
			descent->ahead(descent->arg, rows, nfresh);
		barq_vector_keys(graph->view, &graph->vector, &graph->codec, descent->query,
						 rows, 0, nfresh, keys);
		for (int i = 0; i < nfresh; i++)
		{
			int			place;

			if (n == HNSW_DESCENT && !(keys[i] < beam[n - 1].key))
				continue;
			n -= n == HNSW_DESCENT;
			place = hnsw_beam_insert(beam, 0, n++, keys[i], list[i]);
			next = Min(next, place);
		}
	}
	return n;
}

int
barq_hnsw_descend(const HnswDescent *descent, BarqHit *beam)
{
	HnswGraph  *graph = descent->graph;
	int			layer = graph->header.layers;
	uint32		row = graph->header.entry;
	int			n = 1;

	beam[0].row = row;
	if (layer > 0)
		row = barq_hnsw_entry_row(graph, layer, row);
	barq_vector_keys(graph->view, &graph->vector, &graph->codec, descent->query,
					 &row, 0, 1, &beam[0].key);
	for (; layer > 0; layer--)
	{
		n = walk_layer(descent, layer, beam, n);
		barq_hnsw_visited_clear(descent->visited);
		for (int i = 0; i < n; i++)
		{
			uint32		entry = HNSW_ROW(beam[i].row);

			row = barq_hnsw_entry_row(graph, layer, entry);
			beam[i].row = barq_hnsw_entry_below(graph, layer, entry);
			if (row != (layer == 1 ? beam[i].row :
						barq_hnsw_entry_row(graph, layer - 1, beam[i].row)))
				barq_vector_corrupted("layers disagree about a row");
		}
	}
	return n;
}
