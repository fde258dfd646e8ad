/*
 * hnsw_merge.c
 *	  Keeping the graph of one input of a merge, in which some rows are dead.
 *
 * Live rows keep their levels and their live neighbours. A row that lost more than
 * an eighth of its neighbours is joined as at an insertion (at a quarter, graphs that
 * lose rows again and again get worse with each merge: docs/performance.md, "Two
 * million rows, loaded and updated"). Before, a row that lost more than three fifths
 * gets others from among the live neighbours of the dead ones, so that the searches of
 * the joins get through regions of dead rows; the heuristic selects them beside the
 * neighbours it kept.
 */
#include "postgres.h"

#include "flat/hits.h"
#include "hnsw/hnsw_merge.h"
#include "hnsw/hnsw_visited.h"
#include "base/interrupts.h"

/*
 * A graph with a larger share of dead rows is not kept: building a new one takes less
 * processor time (measured, docs/performance.md). Up to there nearly each row is joined
 * anew, but into a graph that is complete from the start, so its links are better too.
 */
#define MOST_DEAD	0.5

/* dead rows whose lists are read for one row: its neighbours and some beyond */
#define MERGE_MAX_DEAD	(2 * HNSW_MAX_DEGREE)

typedef struct Keep
{
	BarqHnswWork *work;
	BarqMergePoints *points;	/* or NULL */
	HnswGraph	graph;
	uint32	   *number;			/* new row of each old row; HNSW_NONE: dead */
	HnswBuilder builder;
	HnswVisited *seen;			/* entries met for the current row */
	uint8	   *rejoin;			/* a bit for each new row: join it on this layer */
	uint32		list[HNSW_MAX_DEGREE];	/* the list read last */
	uint32		kept[HNSW_MAX_DEGREE];	/* new list of the current row */
	uint32		dead[MERGE_MAX_DEAD];	/* entries to look beyond */
} Keep;

bool
barq_hnsw_merge_can_keep(BarqHnswWork *work, BarqMergeInput *input)
{
	HnswGraph	graph;

	if (input->view->kind != BARQ_KIND_HNSW || input->live == 0 ||
		input->live < (1 - MOST_DEAD) * input->view->rows)
		return false;
	barq_hnsw_open(input->view, &graph);
	barq_vector_same_codec(&work->codec, &graph.codec);
	return graph.header.m == work->m;
}

int
barq_hnsw_merge_choose(BarqHnswWork *work, BarqMergeInput *inputs, int ninputs)
{
	int			best = -1;

	for (int i = 0; i < ninputs; i++)
	{
		if ((best < 0 || inputs[i].live > inputs[best].live) &&
			barq_hnsw_merge_can_keep(work, &inputs[i]))
			best = i;
	}
	return best;
}

/*
 * New row number of an entry; HNSW_NONE where its row is dead or, because upper
 * lists ran out, is no longer on the layer.
 */
static uint32
live_number(Keep *keep, int layer, uint32 entry)
{
	uint32		row = layer == 0 ? entry : barq_hnsw_entry_row(&keep->graph, layer, entry);
	uint32		number = keep->number[row];

	if (number != HNSW_NONE && hnsw_work_levels(keep->work)[number] < layer)
		return HNSW_NONE;
	return number;
}

/*
 * Sort the n entries of keep->list: append new row numbers of live ones to
 * rows[*nrows .. max-1], and dead ones to keep->dead, which has *ndead. Copies
 * of other rows count as dead, so that their first row is found through them.
 * Entries met before and copies of the row `of` are ignored. Returns the number
 * of entries not ignored, also of those for which there was no room.
 */
static int
sort_neighbours(Keep *keep, int layer, uint32 of, int n, uint32 *rows, int *nrows,
				int max, int *ndead)
{
	const uint32 *first = hnsw_work_first(keep->work);
	int			counting = 0;

	for (int i = 0; i < n; i++)
	{
		uint32		number;

		if (!barq_hnsw_visit(keep->seen, keep->list[i]))
			continue;
		number = live_number(keep, layer, keep->list[i]);
		if (number != HNSW_NONE && first[number] == of)
			continue;
		counting++;
		if (number == HNSW_NONE || first[number] != number)
		{
			if (*ndead < MERGE_MAX_DEAD)
				keep->dead[(*ndead)++] = keep->list[i];
		}
		else if (*nrows < max)
			rows[(*nrows)++] = number;
	}
	return counting;
}

/*
 * Write the list of a live entry, whose new row is `number`, to the work area;
 * mark the row for joining where it lost more than an eighth of its neighbours.
 */
static void
keep_list(Keep *keep, int layer, uint32 entry, uint32 number)
{
	BarqHnswWork *work = keep->work;
	HnswBuilder *builder = &keep->builder;
	HnswSelectScratch *scratch = &builder->scratch;
	const char *code = hnsw_work_code(work, number);
	int			degree = hnsw_work_degree(work, layer);
	int			n = barq_hnsw_read_list(&keep->graph, layer, entry, keep->list);
	int			had;
	int			nkept = 0;
	int			ndead = 0;
	int			lost;
	uint32		first = hnsw_work_first(work)[number];

	if (first != number)
	{
		/* a copy: until it is linked, a search that meets it finds its first row */
		if (layer == 0)
			*hnsw_work_list(work, layer, number) = first;
		return;
	}
	barq_hnsw_visited_clear(keep->seen);
	barq_hnsw_visit(keep->seen, entry);
	had = sort_neighbours(keep, layer, number, n, keep->kept, &nkept, HNSW_MAX_DEGREE,
						  &ndead);
	lost = ndead;

	if (lost * 5 > 3 * had)
	{
		uint32	   *rows = scratch->rows;
		int			nrows = 0;

		/* dead[] grows in this loop: look beyond the dead where most are dead */
		for (int i = 0; i < ndead && (i < lost || nrows < 2 * lost); i++)
		{
			n = barq_hnsw_read_list(&keep->graph, layer, keep->dead[i], keep->list);
			(void) sort_neighbours(keep, layer, number, n, rows, &nrows, HNSW_CANDIDATES,
								   &ndead);
		}
		barq_code_keys(&work->codec, code, hnsw_work_codes(work), work->codec.stride,
					   rows, nrows, scratch->keys);
		barq_keys_clean(scratch->keys, nrows);
		for (int i = 0; i < nrows; i++)
		{
			builder->candidates[i].key = scratch->keys[i];
			builder->candidates[i].row = rows[i];
		}

		/* the nearest suffice: the heuristic leaves out most of the others */
		if (nrows > 2 * degree)
		{
			barq_hits_select(builder->candidates, nrows, 2 * degree);
			nrows = 2 * degree;
		}
		nkept = barq_hnsw_select(work, builder->candidates, nrows, nkept,
								 nkept + Min(lost, degree - nkept), 0,
								 keep->kept, NULL, scratch);
	}
	memcpy(hnsw_work_list(work, layer, number), keep->kept, nkept * sizeof(uint32));
	if (lost * 8 > had)
		barq_bit_set(keep->rejoin, number);
}

/*
 * Copy the live rows with their levels, in their order; sets keep->number and
 * work->kept. ERRCODE_INDEX_CORRUPTED where layers disagree about a row.
 */
static void
keep_rows(Keep *keep, BarqMergeInput *input, HnswCopies *copies)
{
	HnswGraph  *graph = &keep->graph;
	BarqHnswWork *work = keep->work;
	uint8	   *levels = MemoryContextAllocHuge(CurrentMemoryContext, graph->body.rows);
	uint32		next = 0;

	memset(levels, 0, graph->body.rows);
	for (int layer = 1; layer <= graph->header.layers; layer++)
	{
		for (uint32 entry = 0; entry < graph->layer[layer].entries; entry++)
		{
			uint32		row = barq_hnsw_entry_row(graph, layer, entry);

			if (levels[row] != layer - 1)
				barq_vector_corrupted("layers disagree about a row");
			levels[row] = layer;
		}
	}
	for (uint32 row = 0; row < graph->body.rows; row++)
	{
		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (input->dead != NULL && barq_bit_is_set(input->dead, row))
		{
			keep->number[row] = HNSW_NONE;
			continue;
		}
		barq_hnsw_work_copy_row(work, next, graph->view, &graph->body,
								&graph->vector, row);
		barq_hnsw_copies_add(copies, next);
		barq_hnsw_work_set_level(work, next, levels[row]);
		keep->number[row] = next++;
	}
	work->kept = next;
	pfree(levels);
}

/*
 * Set the area's entry point: the old one if its row is live and has the
 * highest level, else the first row of the highest level.
 */
static void
keep_entry(Keep *keep)
{
	HnswGraph  *graph = &keep->graph;
	BarqHnswWork *work = keep->work;
	const uint8 *levels = hnsw_work_levels(work);
	uint32		row = graph->header.entry;
	uint32		best;

	if (graph->header.layers > 0)
		row = barq_hnsw_entry_row(graph, graph->header.layers, row);
	best = keep->number[row] != HNSW_NONE ? keep->number[row] : 0;
	for (uint32 i = 0; i < work->kept; i++)
	{
		if (levels[i] > levels[best])
			best = i;
	}
	pg_atomic_write_u64(&work->entry, HNSW_ENTRY(levels[best], best));
}

/* Write the lists of all live entries of a layer. */
static void
keep_layer(Keep *keep, int layer)
{
	uint32		entries = hnsw_entries(&keep->graph, layer);

	memset(keep->rejoin, 0, barq_bits_bytes(keep->work->kept));
	for (uint32 entry = 0; entry < entries; entry++)
	{
		uint32		number = live_number(keep, layer, entry);

		if ((entry & 0x3ff) == 0)
			barq_merge_point(keep->points, BARQ_POINT_MENDING);
		if (number != HNSW_NONE)
			keep_list(keep, layer, entry, number);
	}
}

/* Join the rows of a layer that keep_layer() has marked. */
static void
rejoin_layer(Keep *keep, int layer)
{
	for (uint32 row = 0; row < keep->work->kept; row++)
	{
		if ((row & 0x3f) == 0)
			barq_merge_point(keep->points, BARQ_POINT_MENDING);
		if (barq_bit_is_set(keep->rejoin, row))
			barq_hnsw_work_join(&keep->builder, layer, row);
	}
}

void
barq_hnsw_merge_keep(BarqHnswWork *work, BarqMergeInput *input, HnswCopies *copies,
					 BarqMergePoints *points)
{
	Keep	   *keep = palloc0(sizeof(Keep));
	HnswGraph  *graph = &keep->graph;

	keep->work = work;
	keep->points = points;
	barq_hnsw_open(input->view, graph);
	keep->number = MemoryContextAllocHuge(CurrentMemoryContext,
										  (Size) graph->body.rows * sizeof(uint32));
	keep_rows(keep, input, copies);
	keep_entry(keep);

	barq_hnsw_builder_init(&keep->builder, work);
	keep->seen = barq_hnsw_visited_borrow(graph->body.rows, HNSW_MAX_DEGREE);
	keep->rejoin = MemoryContextAllocHuge(CurrentMemoryContext,
										  Max(barq_bits_bytes(work->kept), 1));

	/* from the top, so that joins descend through mended layers */
	for (int layer = graph->header.layers; layer >= 0; layer--)
	{
		keep_layer(keep, layer);
		if (HNSW_ENTRY_LEVEL(pg_atomic_read_u64(&work->entry)) >= layer)
			rejoin_layer(keep, layer);
	}
	barq_hnsw_visited_return(keep->seen);
	barq_hnsw_builder_end(&keep->builder);
	pfree(keep->rejoin);
	pfree(keep->number);
	pfree(keep);
}
