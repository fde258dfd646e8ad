/*
 * hnsw_breadth.c
 *	  How broad a search has to be to find given rows, by one walk; and how far a row lies
 *	  from others, by its links.
 *
 * A beam of ef rows ends when its first ef rows are expanded. A broader one expands
 * the same rows in the same order until then: a row for which the smaller beam has no
 * room lies behind its ef-th row, and is expanded only when all of those are. So of one
 * broad walk, the rows met before its first expansion at place ef or behind are those
 * that a beam of ef rows meets.
 *
 * Most walks end after some dozens of rows, long before the broadest beam is full, and each
 * insertion moves half of a beam. So the beam is short at first. Rows for which it has no room
 * wait in no order, until all rows of the beam are expanded and it becomes longer.
 */
#include "postgres.h"

#include <math.h>

#include "flat/hits.h"
#include "hnsw/hnsw_beam.h"
#include "hnsw/hnsw_descend.h"
#include "miscadmin.h"

/* Rows of the beam of a search of this breadth (hnsw_search_begin). */
#define BEAM_OF(breadth)	((breadth) + (breadth) / 4)

/* The rows looked for, in a hash table of row numbers with open addresses. */
typedef struct Wanted
{
	uint32	   *rows;			/* HNSW_NONE: free */
	int		   *places;			/* in the caller's arrays */
	uint32		mask;
	int			left;			/* not yet met */
} Wanted;

static void
want_rows(Wanted *wanted, const uint32 *rows, int n)
{
	uint32		size = 64;

	while (size < (uint32) n * 4)
		size *= 2;
	wanted->mask = size - 1;
	wanted->left = n;
	wanted->rows = palloc(sizeof(uint32) * size);
	wanted->places = palloc(sizeof(int) * size);
	memset(wanted->rows, 0xff, sizeof(uint32) * size);
	for (int i = 0; i < n; i++)
	{
		uint32		at = rows[i] * 0x9e3779b1u & wanted->mask;

		while (wanted->rows[at] != HNSW_NONE)
			at = (at + 1) & wanted->mask;
		wanted->rows[at] = rows[i];
		wanted->places[at] = i;
	}
}

/* If this row is wanted, say that it was met by a beam of so many rows. */
static inline void
meet(Wanted *wanted, uint32 row, int beam, int *breadths)
{
	uint32		at = row * 0x9e3779b1u & wanted->mask;

	for (; wanted->rows[at] != HNSW_NONE; at = (at + 1) & wanted->mask)
		if (wanted->rows[at] == row)
		{
			/* the least breadth whose beam is that long */
			breadths[wanted->places[at]] = (beam * 4 + 4) / 5;
			wanted->left--;
			return;
		}
}

#define FIRST_BEAM	80			/* rows of a beam at first */
#define BEAM_GROWTH	2

/* A beam, and the rows behind it. */
typedef struct Growing
{
	BarqHit    *beam;			/* sorted; one more than `most` are allocated */
	int			filled;
	int			room;			/* for so many now, */
	int			most;			/* and at last */
	BarqHit    *rest;			/* no row of it is nearer than the last of a full beam */
	Size		nrest;
	Size		rest_size;
} Growing;

/* Have a row wait for more room, unless there will be none. */
static void
wait_for_room(Growing *growing, BarqHit hit)
{
	if (growing->room == growing->most)
		return;
	if (growing->nrest == growing->rest_size)
	{
		growing->rest_size *= 2;
		growing->rest = repalloc_huge(growing->rest, sizeof(BarqHit) * growing->rest_size);
	}
	growing->rest[growing->nrest++] = hit;
}

/* Make room for more of the rows that wait; false if there is none, or no row waits. */
static bool
grow(Growing *growing)
{
	Size		taken;

	if (growing->room == growing->most || growing->nrest == 0)
		return false;
	Assert(growing->filled == growing->room);
	growing->room = Min(growing->room * BEAM_GROWTH, growing->most);
	taken = Min((Size) (growing->room - growing->filled), growing->nrest);
	barq_hits_select(growing->rest, growing->nrest, taken);
	barq_hits_sort(growing->rest, taken);
	memcpy(growing->beam + growing->filled, growing->rest, sizeof(BarqHit) * taken);
	growing->filled += (int) taken;
	growing->nrest -= taken;
	memmove(growing->rest, growing->rest + taken, sizeof(BarqHit) * growing->nrest);
	return true;
}

void
barq_hnsw_breadths(BarqView *view, const BarqSearchParams *params, uint32 absent,
				   const uint32 *rows, int n, int *breadths)
{
	HnswGraph	graph;
	HnswVisited *visited;
	Wanted		wanted;
	Growing		growing = {.most = BEAM_OF(params->breadth), .rest_size = 1024};
	int			deepest = 0;
	uint32		fresh[HNSW_MAX_DEGREE];
	float		keys[HNSW_MAX_DEGREE];

	for (int i = 0; i < n; i++)
		breadths[i] = BARQ_BREADTH_NEVER;
	barq_hnsw_open(view, &graph);
	if (graph.body.rows == 0 || n == 0)
		return;
	want_rows(&wanted, rows, n);
	growing.room = Min(Max(FIRST_BEAM, HNSW_DESCENT), growing.most);
	growing.beam = palloc(sizeof(BarqHit) * (Max(growing.most, HNSW_DESCENT) + 1));
	growing.rest = palloc(sizeof(BarqHit) * growing.rest_size);
	visited = barq_hnsw_visited_borrow(graph.body.rows, HNSW_VISITS(HNSW_DESCENT));
	growing.filled = barq_hnsw_descend(&(HnswDescent) {.graph = &graph, .query = params->query,
													  .visited = visited,
													  .absent = absent},
									   growing.beam);
	barq_hnsw_visited_expect(visited, HNSW_VISITS(growing.room));
	for (int i = 0; i < growing.filled; i++)
	{
		(void) barq_hnsw_visit(visited, growing.beam[i].row);
		meet(&wanted, growing.beam[i].row, 1, breadths);
	}
	if (absent < graph.body.rows)
		(void) barq_hnsw_visit(visited, absent);

	for (int next = 0; wanted.left > 0 && (next < growing.filled || grow(&growing));)
	{
		BarqHit    *beam = growing.beam;
		uint32		row = beam[next].row;
		int			nfresh = 0;
		int			degree;

		if (row & HNSW_EXPANDED)
		{
			next++;
			continue;
		}
		CHECK_FOR_INTERRUPTS();
		deepest = Max(deepest, next + 1);
		beam[next++].row = row | HNSW_EXPANDED;
		degree = barq_hnsw_read_list(&graph, 0, row, fresh);
		for (int i = 0; i < degree; i++)
		{
			fresh[nfresh] = fresh[i];
			nfresh += barq_hnsw_visit(visited, fresh[i]);
		}
		barq_vector_keys(view, &graph.vector, &graph.codec, params->query, fresh, 0, nfresh, keys);
		for (int i = 0; i < nfresh; i++)
		{
			bool		full = growing.filled >= growing.room;
			bool		behind = full && !(keys[i] < beam[growing.filled - 1].key);
			int			place;

			if (behind && growing.room == growing.most)
				continue;
			meet(&wanted, fresh[i], deepest, breadths);
			if (behind)
			{
				wait_for_room(&growing, (BarqHit) {keys[i], fresh[i]});
				continue;
			}
			if (full)
				wait_for_room(&growing, beam[--growing.filled]);
			place = hnsw_beam_insert(beam, 0, growing.filled++, keys[i], fresh[i]);
			next = Min(next, place);
		}
	}
	barq_hnsw_visited_return(visited);
	pfree(growing.beam);
	pfree(growing.rest);
	pfree(wanted.rows);
	pfree(wanted.places);
}

float
barq_hnsw_isolation(BarqView *view, const BarqQuery *query, uint32 row)
{
	HnswGraph	graph;
	uint32		list[HNSW_MAX_DEGREE];
	float		keys[HNSW_MAX_DEGREE];
	float		nearest = INFINITY;
	int			degree;

	barq_hnsw_open(view, &graph);
	degree = barq_hnsw_read_list(&graph, 0, row, list);
	barq_vector_keys(view, &graph.vector, &graph.codec, query, list, 0, degree, keys);
	for (int i = 0; i < degree; i++)
		nearest = Min(nearest, keys[i]);
	return nearest;
}
