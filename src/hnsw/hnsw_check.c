/*
 * hnsw_check.c
 *	  The check of a graph: ids in range, no row in its own list or twice in a
 *	  list, layers that agree about rows, every row reachable on layer 0.
 *
 * A body that cannot be opened raises ERRCODE_INDEX_CORRUPTED; faults inside of
 * it are reported and the check continues.
 */
#include "postgres.h"

#include "hnsw/hnsw_layout.h"
#include "miscadmin.h"

typedef struct Check
{
	HnswGraph	graph;
	BarqCheckReport report;
	void	   *arg;
	uint32	   *seen;			/* by row: the last entry whose list had it */
	uint32		list[HNSW_MAX_DEGREE];
} Check;

/* Report a fault of an entry of a layer. */
static void
found(Check *check, int layer, uint32 entry, const char *message)
{
	char		place[64];

	if (layer == 0)
		snprintf(place, sizeof(place), "row %u", entry);
	else
		snprintf(place, sizeof(place), "layer %d, entry %u", layer, entry);
	check->report(check->arg, place, message);
}

static uint32
read_u32(Check *check, uint64 off)
{
	uint32		value;

	memcpy(&value, barq_view_read(check->graph.view, off, sizeof(value)), sizeof(value));
	return value;
}

/* Report the faults of one entry's list. */
static void
check_list(Check *check, int layer, uint32 entry)
{
	HnswGraph  *graph = &check->graph;
	int			degree = hnsw_degree(graph, layer);
	uint64		width = layer == 0 ? graph->header.list_bytes : degree * sizeof(uint32);
	uint64		off = layer == 0 ? graph->header.lists_off : graph->layer[layer].lists_off;
	uint32		entries = hnsw_entries(graph, layer);
	bool		ended = false;

	memcpy(check->list,
		   barq_view_read(graph->view, off + (uint64) entry * width,
						  degree * sizeof(uint32)),
		   degree * sizeof(uint32));
	for (int i = 0; i < degree; i++)
	{
		uint32		id = check->list[i];

		if (id == HNSW_NONE)
			ended = true;
		else if (ended)
			found(check, layer, entry, "neighbour after the end of the list");
		else if (id >= entries)
			found(check, layer, entry, "neighbour out of range");
		else if (id == entry)
			found(check, layer, entry, "neighbour of itself");
		else if (check->seen[id] == entry)
			found(check, layer, entry, "neighbour twice");
		else
			check->seen[id] = entry;
	}
}

/* Report the faults of a layer's lists, entries and links to the layer below. */
static void
check_layer(Check *check, int layer)
{
	HnswGraph  *graph = &check->graph;
	uint32		entries = hnsw_entries(graph, layer);
	uint32		below_entries = hnsw_entries(graph, Max(layer - 1, 0));
	uint32		last = 0;

	memset(check->seen, 0xff, (Size) graph->body.rows * sizeof(uint32));
	for (uint32 entry = 0; entry < entries; entry++)
	{
		if ((entry & 0x3ff) == 0)
			CHECK_FOR_INTERRUPTS();
		check_list(check, layer, entry);
		if (layer > 0)
		{
			uint64		place = (uint64) entry * sizeof(uint32);
			uint32		row = read_u32(check, graph->layer[layer].rows_off + place);
			uint32		below = read_u32(check, graph->layer[layer].below_off + place);

			if (row >= graph->body.rows)
				found(check, layer, entry, "row out of range");
			else if (entry > 0 && row <= last)
				found(check, layer, entry, "entries not in the order of rows");
			last = row;
			if (below >= below_entries)
				found(check, layer, entry, "link to the layer below out of range");
			else if ((layer == 1 ? below :
					  read_u32(check, graph->layer[layer - 1].rows_off +
							   (uint64) below * sizeof(uint32))) != row)
				found(check, layer, entry, "layers disagree about the row");
		}
	}
}

/* Report how many rows the links of layer 0 do not reach from the entry point. */
static void
check_reachability(Check *check)
{
	HnswGraph  *graph = &check->graph;
	uint32		rows = graph->body.rows;
	uint8	   *reached = MemoryContextAllocHuge(CurrentMemoryContext, rows);
	uint32	   *queue = MemoryContextAllocHuge(CurrentMemoryContext,
											   (Size) rows * sizeof(uint32));
	uint32		head = 0;
	uint32		tail = 0;
	uint32		row = graph->header.entry;

	memset(reached, 0, rows);
	if (graph->header.layers > 0)
		row = barq_hnsw_entry_row(graph, graph->header.layers, row);
	reached[row] = 1;
	queue[tail++] = row;
	while (head < tail)
	{
		int			n;

		if ((head & 0x3ff) == 0)
			CHECK_FOR_INTERRUPTS();
		memcpy(check->list,
			   barq_view_read(graph->view,
							  graph->header.lists_off +
							  (uint64) queue[head++] * graph->header.list_bytes,
							  2 * graph->header.m * sizeof(uint32)),
			   2 * graph->header.m * sizeof(uint32));
		n = 2 * graph->header.m;
		for (int i = 0; i < n && check->list[i] != HNSW_NONE; i++)
		{
			if (check->list[i] < rows && !reached[check->list[i]])
			{
				reached[check->list[i]] = 1;
				queue[tail++] = check->list[i];
			}
		}
	}
	if (tail < rows)
	{
		char		message[64];

		snprintf(message, sizeof(message), "%u rows cannot be reached", rows - tail);
		check->report(check->arg, "layer 0", message);
	}
	pfree(queue);
	pfree(reached);
}

void
barq_hnsw_check(BarqView *view, BarqCheckReport report, void *arg)
{
	Check	   *check = palloc0(sizeof(Check));

	barq_vector_check(view, report, arg);
	barq_hnsw_open(view, &check->graph);
	check->report = report;
	check->arg = arg;
	if (check->graph.body.rows > 0)
	{
		check->seen = MemoryContextAllocHuge(CurrentMemoryContext,
											 (Size) check->graph.body.rows * sizeof(uint32));
		for (int layer = 0; layer <= check->graph.header.layers; layer++)
			check_layer(check, layer);
		check_reachability(check);
		pfree(check->seen);
	}
	pfree(check);
}
