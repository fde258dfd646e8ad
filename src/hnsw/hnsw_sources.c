/*
 * hnsw_sources.c
 *	  Lists that rows of a merge are loaded with: those on layer 0 in the graph of their
 *	  input, where another graph is kept.
 *
 * Such a row has its neighbours in its own input. What it lacks are those among the other
 * rows, and its neighbours that were inserted before it know where these are: its insertion
 * begins there, and looks for rows of other inputs only. Lists that lost many of their rows
 * do not say all of their input, so these rows are inserted after a search everywhere.
 *
 * A row that any list names has a list itself, from the start (README.md, invariant 2).
 */
#include "postgres.h"

#include "base/interrupts.h"
#include "hnsw/hnsw_sources.h"

/*
 * A row that lost more than one in so many of its neighbours is searched everywhere
 * (measured: docs/performance.md, "Joining graphs").
 */
#define MOST_LOST	2

/* The list of a row that has lost all its neighbours: it is searched like a row without one. */
static void
list_entry(BarqHnswWork *work, uint32 row)
{
	*hnsw_work_list(work, 0, row) = HNSW_ENTRY_ROW(pg_atomic_read_u64(&work->entry));
	hnsw_work_sources(work)[row] = 0;
}

void
barq_hnsw_sources_load(BarqHnswWork *work, BarqMergeInput *input, const uint32 *number,
					   uint8 source)
{
	HnswGraph	graph;
	uint32		list[HNSW_MAX_DEGREE];

	barq_hnsw_open(input->view, &graph);
	work->source_rows[source] = input->live;
	for (uint32 row = 0; row < graph.body.rows; row++)
	{
		uint32	   *to;
		int			had;
		int			n = 0;

		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (number[row] == HNSW_NONE)
			continue;
		to = hnsw_work_list(work, 0, number[row]);
		had = barq_hnsw_read_list(&graph, 0, row, list);
		for (int i = 0; i < had; i++)
			if (number[list[i]] != HNSW_NONE)
				to[n++] = number[list[i]];
		if ((had - n) * MOST_LOST <= had)
			hnsw_work_sources(work)[number[row]] = source;
		if (n == 0)
			list_entry(work, number[row]);
	}
}

/* Name the first row with the same code in place of a copy, each row once. */
static void
settle_list(BarqHnswWork *work, uint32 row)
{
	const uint32 *first = hnsw_work_first(work);
	uint32	   *list = hnsw_work_list(work, 0, row);
	int			had = hnsw_list_length(list, hnsw_work_degree(work, 0));
	int			n = 0;

	for (int i = 0; i < had; i++)
	{
		uint32		neighbour = first[list[i]];
		bool		leave = neighbour == row || !hnsw_work_is_listed(work, neighbour);

		for (int j = 0; j < n && !leave; j++)
			leave = list[j] == neighbour;
		if (!leave)
			list[n++] = neighbour;
	}
	memset(list + n, 0xff, (had - n) * sizeof(uint32));
	if (n == 0)
		list_entry(work, row);
}

void
barq_hnsw_sources_settle(BarqHnswWork *work)
{
	const uint32 *first = hnsw_work_first(work);

	for (uint32 row = work->kept; row < work->rows; row++)
	{
		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (first[row] == row && hnsw_work_is_listed(work, row))
			settle_list(work, row);
	}
	for (uint32 row = work->kept; row < work->rows; row++)
	{
		if (first[row] != row)
		{
			memset(hnsw_work_list(work, 0, row), 0xff, work->list_bytes);
			hnsw_work_sources(work)[row] = 0;
		}
	}
}
