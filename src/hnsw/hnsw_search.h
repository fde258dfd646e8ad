/*
 * hnsw_search.h
 *	  The state of a search, shared by its files: hnsw_search.c, and
 *	  hnsw_filter.c for searches within a condition.
 */
#ifndef BARQ_HNSW_SEARCH_H
#define BARQ_HNSW_SEARCH_H

#include "base/array.h"
#include "hnsw/hnsw_beam.h"
#include "hnsw/hnsw_layout.h"
#include "hnsw/hnsw_visited.h"

/* Is the image of a search in memory? */
typedef enum HnswMemory
{
	HNSW_UNKNOWN,				/* asked about the first rows to be scored */
	HNSW_WARM,
	HNSW_COLD
} HnswMemory;

typedef struct HnswSearch
{
	HnswGraph	graph;
	const BarqQuery *query;
	const uint8 *skip;			/* NULL with a filter */
	const BarqRowFilter *filter;	/* the walk meets only rows that it admits */
	HnswVisited *visited;		/* NULL after search_end */
	MemoryContext context;

	const char *lists;			/* layer 0 of a mapped body; NULL: pages are read */
	uint32		list_bytes;
	int			degree;

	int			ef;				/* rows that the beam holds, those of skip aside:
								 * a quarter more than `breadth` */
	int			batch;			/* beams made so far */

	/*
	 * The beam is beam[start .. n-1]; rows before start were returned or are
	 * in skip. Rows before `next` are expanded. `count`: rows of beam[0 ..
	 * n-1] not in skip.
	 */
	BarqHit    *beam;
	Size		beam_size;
	int			start;
	int			n;
	int			next;
	int			count;
	bool		opening;		/* expanding a copy that is due to be returned */
	int			copies;			/* without skip: copies in the beam, for which it
								 * holds as many rows beyond ef */

	int			stale;			/* expansions since the last progress */
	float		bound;			/* of the last call */
	Size		nrest;			/* hits in visited->rest */
	bool		swept;			/* whether rest got the rows never reached */
	HnswMemory	cold;			/* whether the image is read from disk */
	bool		asks;			/* or else it is taken to be in memory: barq_view_asks() */

	uint32	   *hops;			/* with a filter: neighbours that it does not admit */
	uint32	   *near;			/* of one list: not visited */
	float		asked;			/* rows that the filter was asked about lately */
	float		admitted;		/* those of them that it admits */
	uint32	   *list;			/* degree each */
	uint32	   *fresh;
	float	   *keys;
} HnswSearch;

/* Write the keys of n rows to search->keys. */
static inline void
hnsw_score(HnswSearch *search, const uint32 *rows, int n)
{
	HnswGraph  *graph = &search->graph;

	barq_vector_keys(graph->view, &graph->vector, &graph->codec, search->query,
					 rows, 0, n, search->keys);
}

/* Elements of a beam of ef rows with all the neighbours of an expansion. */
static inline Size
hnsw_beam_room(const HnswSearch *search)
{
	return 2 * (Size) search->ef + search->degree + 1;
}

/* Make room in the beam; it may move. */
static inline void
hnsw_beam_reserve(HnswSearch *search, Size size)
{
	/* allocated by begin, so this reallocates it in the search's context */
	Assert(search->beam != NULL);
	BARQ_ARRAY_RESERVE(search->beam, search->beam_size, size, 0);
}

/* The list of a row on layer 0, of *n rows at most; it may end with HNSW_NONE. */
static inline const uint32 *
hnsw_search_list(HnswSearch *search, uint32 row, int *n)
{
	if (likely(search->lists != NULL))
	{
		*n = search->degree;
		return (const uint32 *) (search->lists + (uint64) row * search->list_bytes);
	}
	*n = barq_hnsw_read_list(&search->graph, 0, row, search->list);
	return search->list;
}

/*
 * With a filter: write the rows that it admits among the neighbours of a row and, if
 * these are few, among the neighbours of the nearest of those that it does not admit, to
 * search->fresh and mark them as visited (ACORN-1: Patel et al., SIGMOD 2024). Returns the
 * number of rows. ERRCODE_INDEX_CORRUPTED where a neighbour is out of range.
 */
extern int	barq_hnsw_gather_admitted(HnswSearch *search, uint32 row);

/*
 * Make the first beam of a search with a filter; `row`: where the upper layers lead. False
 * if all rows that the filter admits should be scored instead, those in the beam too.
 */
extern bool barq_hnsw_begin_filtered(HnswSearch *search, uint32 row);

#endif							/* BARQ_HNSW_SEARCH_H */
