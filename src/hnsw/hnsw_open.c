/*
 * hnsw_open.c
 *	  Opening a body and reading its lists: offsets are validated once, ids when
 *	  they are read.
 *
 * Promise: whatever the bytes of a body are, these functions read only bytes
 * inside of it and return only ids in range, or raise ERRCODE_INDEX_CORRUPTED.
 */
#include "postgres.h"

#include "hnsw/hnsw_layout.h"


void
barq_hnsw_open(BarqView *view, HnswGraph *graph)
{
	HnswHeader *h = &graph->header;
	uint64		below;

	barq_vector_open(view, &graph->body, &graph->vector, &graph->codec);
	graph->view = view;

	if (!barq_section_fits(view->size, graph->vector.graph_off, 1, sizeof(*h)))
		barq_vector_corrupted("graph header outside of the body");
	memcpy(h, barq_view_read(view, graph->vector.graph_off, sizeof(*h)), sizeof(*h));
	if (h->magic != HNSW_MAGIC || h->version != HNSW_VERSION)
		barq_vector_corrupted("wrong magic number or version of the graph");
	if (h->m < HNSW_MIN_M || h->m > HNSW_MAX_M ||
		h->list_bytes != hnsw_list_bytes(h->m) ||
		h->layers > HNSW_MAX_LAYERS)
		barq_vector_corrupted("wrong parameters of the graph");
	if (!barq_section_fits(view->size, h->lists_off, graph->body.rows, h->list_bytes))
		barq_vector_corrupted("neighbour lists outside of the body");
	if (!barq_section_fits(view->size, h->layers_off, h->layers, sizeof(HnswLayer)))
		barq_vector_corrupted("layer table outside of the body");

	below = graph->body.rows;
	for (int l = 1; l <= h->layers; l++)
	{
		HnswLayer  *layer = &graph->layer[l];

		memcpy(layer,
			   barq_view_read(view,
							  h->layers_off + (uint64) (l - 1) * sizeof(HnswLayer),
							  sizeof(HnswLayer)),
			   sizeof(HnswLayer));
		if (layer->entries < 1 || layer->entries > below ||
			!barq_section_fits(view->size, layer->rows_off,
							   layer->entries, sizeof(uint32)) ||
			!barq_section_fits(view->size, layer->below_off,
							   layer->entries, sizeof(uint32)) ||
			!barq_section_fits(view->size, layer->lists_off, layer->entries,
							   h->m * sizeof(uint32)))
			barq_vector_corrupted("layer outside of the body");
		below = layer->entries;
	}
	if (h->entry >= below && graph->body.rows > 0)
		barq_vector_corrupted("entry point outside of the graph");
}

int
barq_hnsw_read_list(HnswGraph *graph, int layer, uint32 entry, uint32 *list)
{
	uint32		entries = hnsw_entries(graph, layer);
	int			degree = hnsw_degree(graph, layer);
	uint64		off = layer == 0 ?
		graph->header.lists_off + (uint64) entry * graph->header.list_bytes :
		graph->layer[layer].lists_off + (uint64) entry * degree * sizeof(uint32);
	int			n;

	Assert(entry < entries);
	memcpy(list, barq_view_read(graph->view, off, degree * sizeof(uint32)),
		   degree * sizeof(uint32));
	for (n = 0; n < degree && list[n] != HNSW_NONE; n++)
	{
		if (list[n] >= entries)
			barq_vector_corrupted("neighbour outside of the graph");
	}
	return n;
}

uint32
barq_hnsw_entry_row(HnswGraph *graph, int layer, uint32 entry)
{
	uint32		row;

	memcpy(&row,
		   barq_view_read(graph->view,
						  graph->layer[layer].rows_off + (uint64) entry * sizeof(uint32),
						  sizeof(uint32)),
		   sizeof(uint32));
	if (row >= graph->body.rows)
		barq_vector_corrupted("row of an upper layer outside of the graph");
	return row;
}

uint32
barq_hnsw_entry_below(HnswGraph *graph, int layer, uint32 entry)
{
	uint32		below;

	memcpy(&below,
		   barq_view_read(graph->view,
						  graph->layer[layer].below_off + (uint64) entry * sizeof(uint32),
						  sizeof(uint32)),
		   sizeof(uint32));
	if (below >= hnsw_entries(graph, layer - 1))
		barq_vector_corrupted("link between layers outside of the graph");
	return below;
}
