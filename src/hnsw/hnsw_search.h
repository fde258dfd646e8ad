/*
 * hnsw_search.h
 *	  The state of a search, shared by its files: hnsw_search.c, hnsw_beams.c, and
 *	  hnsw_filter.c for searches within a condition.
 */
#ifndef BARQ_HNSW_SEARCH_H
#define BARQ_HNSW_SEARCH_H

#include "base/array.h"
#include "base/bits.h"
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

/* Does a search begin at rows from all over the segment, too? */
typedef enum HnswAfar
{
	HNSW_AFAR_NOT,
	HNSW_AFAR_WANTED,			/* not done yet */
	HNSW_AFAR_MET
} HnswAfar;

typedef struct HnswSearch
{
	HnswGraph	graph;
	const BarqQuery *query;
	const uint8 *skip;			/* NULL with a filter */
	const BarqRowFilter *filter;	/* rows that may be returned; or NULL */
	bool		through;		/* with a filter: the walk meets all rows, not only those
								 * that it admits */
	bool		excluded;		/* a walk through all rows met hardly any that is admitted */
	uint8	   *closed;			/* with a filter of bits, unless through: a bit for each
								 * row, set: not admitted, or met; NULL: `visited` */
	HnswVisited *visited;		/* NULL after search_end */
	MemoryContext context;

	const char *lists;			/* layer 0 of a mapped body; NULL: pages are read */
	uint32		list_bytes;
	int			degree;

	int			ef;				/* rows that the beam holds, those of skip aside:
								 * a quarter more than `breadth` */
	int			breadth;		/* ef at first */
	double		factor;			/* ef beside that */
	bool		lesser;			/* as in BarqSearchParams; false with a filter */
	int			whole;			/* while the first beam of a lesser graph is narrow: ef of
								 * the whole one; else 0 */
	double		recall;			/* as in BarqSearchParams */
	HnswAfar	afar;
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
	float		more;			/* see barq_hnsw_gather_admitted() */
	int			most_fresh;		/* rows that it adds to fresh */
	float		asked;			/* neighbours looked at lately */
	float		admitted;		/* those of them that the filter admits */
	bool		uncounted;		/* lists of rows that are not admitted do not count there;
								 * `closed` is set */
	uint32	   *list;			/* degree rows */
	uint32	   *fresh;			/* most_fresh and a list more; their keys */
	float	   *keys;
} HnswSearch;

/* Rows that an expansion may find within a condition, in units of the degree. */
#define HNSW_MOST_FRESH 2

#define HNSW_MOST_EF	4096	/* rows to which later beams grow */

static inline bool
hnsw_is_skipped(const HnswSearch *search, uint32 row)
{
	return search->skip != NULL && barq_bit_is_set(search->skip, row);
}

/* Append a row to rest; hnsw_rest_reserve() has made room. */
static inline void
hnsw_rest_append(HnswSearch *search, float key, uint32 row)
{
	search->visited->rest[search->nrest].key = key;
	search->visited->rest[search->nrest].row = row;
	search->nrest++;
}

/* Make room for `more` further hits in rest; it may move. */
static inline void
hnsw_rest_reserve(HnswSearch *search, Size more)
{
	if (unlikely(search->nrest + more > search->visited->rest_size))
		barq_hnsw_rest_grow(search->visited, search->nrest, search->nrest + more);
}

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
 * May a row of the beam be returned? Errors of barq_view_read().
 */
static inline bool
hnsw_is_wanted(const HnswSearch *search, uint32 row)
{
	if (search->through)
		return barq_row_filter_admits(search->filter, row);
	return search->skip == NULL || !barq_bit_is_set(search->skip, row);
}

/* Mark a row as met; false if it was already, or if a filter of bits does not admit it. */
static inline bool
hnsw_meet(HnswSearch *search, uint32 row)
{
	if (search->closed == NULL)
		return barq_hnsw_visit(search->visited, row);
	if (barq_bit_is_set(search->closed, row))
		return false;
	barq_bit_set(search->closed, row);
	return true;
}

/*
 * With a filter, unless search->through: write the rows that it admits among the neighbours
 * of a row and, if these are few, among the neighbours of the nearest of those that it does
 * not admit, to search->fresh and mark them as met (ACORN-1: Patel et al., SIGMOD 2024).
 * Returns the number of rows. ERRCODE_INDEX_CORRUPTED where a neighbour is out of range.
 */
extern int	barq_hnsw_gather_admitted(HnswSearch *search, uint32 row);

/*
 * Score rows from all over the segment that the filter admits, 2,048 or, where a recall is
 * wanted, up to 16,384 by its size, and mark the nearest of them as met, at most `degree`; writes those that were not met
 * before. Returns their number. Where rows lie in clusters, no list may lead from where a query far
 * from them comes out of the upper layers to the nearest cluster.
 */
extern int	barq_hnsw_nearest_afar(HnswSearch *search, BarqHit *nearest);

/* Expand rows of the beam until all are expanded or the bound ends the beam. */
extern void barq_hnsw_advance(HnswSearch *search, float bound);

/*
 * Make a beam of the best rows of rest, after all rows of the last beam were returned; it
 * holds `max` of them, if there are as many. False if no row is left below bound.
 */
extern bool barq_hnsw_next_beam(HnswSearch *search, float bound, int max);

/*
 * Let the first beam, no row of which has left it, grow to search->ef rows, by the best rows
 * of rest; the walk goes on from those that are not expanded.
 */
extern void barq_hnsw_widen_beam(HnswSearch *search);

/* Score all rows that are neither visited nor in skip and append them to rest. */
extern void barq_hnsw_sweep(HnswSearch *search);

/* Ways in which a search with a filter goes on. */
typedef enum HnswWay
{
	HNSW_WALK_ALL,				/* walk through all rows, from `row` on */
	HNSW_WALK_ADMITTED,			/* walk through admitted rows; the first beam is made */
	HNSW_SCORE_ADMITTED			/* score all admitted rows */
} HnswWay;

/*
 * Begin a search with a filter; `row`: where the upper layers lead. If all rows
 * are to be walked through, search->ef is as broad as that needs, and nothing is marked
 * as met; it is not the answer where search->excluded.
 */
extern HnswWay barq_hnsw_begin_filtered(HnswSearch *search, uint32 row);

#endif							/* BARQ_HNSW_SEARCH_H */
