/*
 * ivf_search.h
 *	  The state of a search of a body, shared by ivf_search.c, which runs it, and
 *	  ivf_together.c, which begins several searches at once.
 */
#ifndef BARQ_IVF_SEARCH_H
#define BARQ_IVF_SEARCH_H

#include "flat/hits.h"
#include "ivf/ivf_layout.h"
#include "kernels/kernels.h"

#define IVF_CHUNK	256			/* rows scored, then compared with the limit */
#define IVF_TOGETHER	16		/* queries scored together */
#define IVF_FIRST	64			/* rows selected by the first refill, at least */
#define IVF_SPREADS	2.0			/* of a list, added to the product with its centroid */

/* Beside graphs: the breadth for which the chosen number of probes is doubled, tripled, ... */
#define IVF_BREADTH_PER_PROBES	80

/* A probed list: its rows, and the place of the first of them. */
typedef struct Probe
{
	uint32		first;
	uint32		rows;
	uint32		place;
	uint32		list;
} Probe;

typedef struct IvfSearch
{
	MemoryContext context;
	IvfLists	lists;
	const BarqQuery *query;
	const uint8 *skip;			/* NULL with a filter */
	const BarqRowFilter *filter;
	bool		probes_only;
	uint32		at_once;		/* lists probed at a time */
	uint32		least_rows;		/* rows to score before the first selection */
	uint32		ahead;			/* rows scored for each row wanted */

	BarqHit    *ranking;		/* lists by their centroids' keys; NULL at first */
	uint32		ranked;			/* ranking[0 .. ranked-1] is in order */

	Probe	   *probes;
	uint32		nprobes;
	uint32		probes_room;
	uint32		nstarted;		/* the first of them, whose best rows came from a start */
	uint32		nscored;		/* probes whose rows have keys */
	float	   *keys;			/* by place; NaN: returned. Room for keys_room */
	uint32		keys_room;
	uint32		places;			/* rows in all probes */
	uint32		admitted;		/* those that the filter admits; all without one */

	/* best rows, by place, sorted; ready[0 .. next-1] have been returned */
	BarqHit    *ready;
	Size		ready_size;
	int			nready;
	int			next;
	int			want;			/* rows to select at the next refill */
	float		bound;			/* bound of the last refill */
	bool		complete;		/* whether ready has all rows below that bound */
	uint64		returned;		/* rows returned so far */
	bool		unmarked;		/* ready came from a start or from half codes: rows
								 * returned of it have no NaN yet */
	bool		halved;			/* the first selection may be made by half codes */
	BarqHalfTerms halves;		/* then: of the query */
} IvfSearch;

/* A selection of the best rows, in search->ready. */
typedef struct Selection
{
	Size		n;				/* rows in ready */
	Size		room;			/* elements of ready */
	float		bound;			/* of the caller */
	float		limit;			/* keys of further rows must be below it */
	bool		complete;		/* whether no row below the bound was dropped */
} Selection;

/*
 * Add a row to the selection, unless search->skip has the row's bit. The caller has
 * checked that its key is below s->limit. `place` identifies the row in
 * search->keys and is kept in the hit; `row` is its number in the segment, which
 * skip uses. When search->ready becomes full, keeps the best search->want rows,
 * lowers s->limit to the worst of their keys and clears s->complete.
 */
extern void barq_ivf_select_row(IvfSearch *search, Selection *s, float key, uint32 place,
								uint32 row);

/* BarqVectorSearchOps.begin */
extern BarqSearch *barq_ivf_begin(BarqView *view, const BarqSearchParams *params);

/*
 * Choose the first lists of a search, or those that a broader one has before the others:
 * search->probes, nearest first. Makes the ranking
 * of lists if there is none. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_ivf_probe_first(IvfSearch *search);

/*
 * Keys of the n codes that lie from offset `off` on, for each of the queries:
 * keys[j * n + i], not cleaned (barq_keys_clean).
 */
extern void barq_ivf_score(const IvfLists *lists, const BarqQuery *const *queries,
						   int nqueries, uint64 off, uint32 n, float *keys);

/*
 * Allocate the rankings of all lists for at most IVF_TOGETHER searches of a body, with
 * their keys, not yet in order. Checks for interrupts.
 */
extern void barq_ivf_rank_lists(IvfSearch *const *searches, int nsearches);

/* BarqVectorSearchOps.breadths: ivf_breadth.c */
extern void barq_ivf_breadths(BarqView *view, const BarqSearchParams *params, uint32 absent,
							  const uint32 *rows, int n, int *breadths);

/* BarqVectorSearchOps.isolation: the same file */
extern float barq_ivf_isolation(BarqView *view, const BarqQuery *query, uint32 row);

/*
 * ivf_halves.c. Whether the first selection of a search is to be made by half codes: where
 * there are some and a bound. Then make it, without keys of the other rows: afterwards
 * the search is as one that has begun with a start.
 */
extern bool barq_ivf_begins_halved(IvfSearch *search, float bound);
extern void barq_ivf_select_halved(IvfSearch *search, Selection *selection);

/* BarqVectorSearchOps.begin_together and together_bytes: ivf_together.c */
extern void barq_ivf_begin_together(BarqView *view, const BarqSearchParams *params,
									const BarqQuery *const *queries, int n, int want,
									BarqSearchStart *starts);
extern Size barq_ivf_together_bytes(BarqView *view, const BarqSearchParams *params, int want);

#endif							/* BARQ_IVF_SEARCH_H */
