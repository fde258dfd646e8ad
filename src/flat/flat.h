/*
 * flat.h
 *	  The flat kind: codes of rows, scored one after the other. Also the header
 *	  that bodies of all vector kinds share, and the interface through which
 *	  access methods search a segment of any vector kind.
 *
 * Body: BarqBodyHeader, BarqVectorHeader, sections of the kind, codes (stride
 * bytes a row), TIDs, refinements of the rows or none (refine_bytes a row), and whole
 * rows where the codes are heads (codec.h).
 */
#ifndef BARQ_FLAT_H
#define BARQ_FLAT_H

#include <limits.h>

#include "kernels/codec.h"
#include "store/image.h"
#include "store/row_filter.h"
#include "store/segment.h"

/* At BarqBodyHeader.kind_off in every body of a vector kind. */
typedef struct BarqVectorHeader
{
	uint16		metric;			/* BarqMetric */
	uint16		quantization;	/* BarqQuantization */
	uint32		dims;
	uint32		row_bytes;
	uint32		stride;			/* bytes from one code to the next, 64-aligned */
	uint64		codes_off;		/* start of the codes */
	uint64		graph_off;		/* the kind's own sections; 0 for flat */
	uint64		refine_off;		/* refinements of the rows; 0: they have none */
	uint64		halves_off;		/* half codes of the rows; 0: none */
	uint64		rows_off;		/* whole rows, where codes are heads; else 0 */
	uint64		rows_bytes;
} BarqVectorHeader;

StaticAssertDecl(sizeof(BarqVectorHeader) == 64, "BarqVectorHeader is on disk");
StaticAssertDecl(offsetof(BarqVectorHeader, halves_off) == 40, "BarqVectorHeader is on disk");
StaticAssertDecl(offsetof(BarqVectorHeader, rows_off) == 48, "BarqVectorHeader is on disk");

/* Number of the kind, as stored. */
#define BARQ_KIND_FLAT	1

extern const BarqSegmentKind barq_flat_kind;

/* A row found by a search. */
typedef struct BarqHit
{
	float		key;			/* grows with the distance; comparable over all
								 * segments of an index; never NaN */
	uint32		row;			/* row number in its segment */
} BarqHit;

/*
 * What the first step of a search finds, made for several searches together
 * (BarqVectorSearchOps.begin_together). Of use to the kind only.
 */
typedef struct BarqSearchStart
{
	uint32	   *lists;			/* searched, nearest first */
	uint32		nlists;
	BarqHit    *hits;			/* the best rows of these, sorted, at most `want` */
	int			nhits;
	int			want;
	bool		complete;		/* they are all rows of these */
} BarqSearchStart;

/*
 * Parameters of a search. `probes` and the two after it concern segments that keep
 * rows in lists (ivf), `rows` only a flat search; others ignore them.
 */
typedef struct BarqSearchParams
{
	const void *query;			/* BarqQuery prepared for the index's codec; must
								 * outlive the search */
	int			breadth;		/* ef_search: rows that a graph's beam holds */
	const uint8 *skip;			/* a bit for each row, set: do not return it; NULL:
								 * return all; must outlive the search */
	int			probes;			/* lists to score first; 0: the kind chooses */
	bool		probes_only;	/* never score further lists after those */
	bool		beside_graphs;	/* the index's other segments are graphs: derive
								 * the number of lists from breadth if probes is 0 */
	const BarqRowFilter *filter;	/* for graphs and lists: the rows to return, in
									 * place of `skip`; lists none. NULL: by `skip` */
	double		recall;			/* with a filter, for graphs: the recall for which `breadth`
								 * was chosen, as if it admitted all rows; 0: none */
	bool		afar;			/* for graphs: begin also at the nearest of rows from all over
								 * the segment, for the query is far from its rows */
	bool		lesser;			/* for graphs: one of at least twice the rows was searched
								 * before, whose rows set the bound */
	const uint32 *rows;			/* the rows to search, ascending; NULL: all of them.
								 * Must outlive the search */
	uint32		nrows;
	const BarqSearchStart *start;	/* where to begin; NULL: at the beginning. Made
									 * with the same parameters for this query and a body
									 * of the same bytes; is copied */
} BarqSearchParams;

/*
 * A search for all rows of a segment within a radius. None is missed: rows are left out
 * only where a proven bound of their distance is beyond `limit`.
 */
typedef struct BarqWithin
{
	const BarqQuery *query;
	const void *value;			/* of which the query was made (codec.h) */
	double		limit;			/* of the operator's distance; infinity: all rows */
	const uint8 *skip;			/* as in BarqSearchParams */

	/* receives a row that may be within the limit, and its interval, proven */
	void		(*visit) (void *arg, uint32 row, const BarqInterval *interval);
	void	   *arg;

	/* counted by the search */
	uint64		rows_scored;
	uint64		lists;
	uint64		lists_skipped;	/* those of them whose rows were not read */
} BarqWithin;

/* State of a search of one segment. */
typedef struct BarqSearch BarqSearch;

/*
 * How segments of a vector kind are searched (BarqSegmentKind.vectors). All
 * functions raise ERRCODE_INDEX_CORRUPTED for a damaged body; begin and next
 * check for interrupts.
 */
typedef struct BarqVectorSearchOps
{
	/*
	 * Begin a search. Its state is allocated in the current memory context,
	 * which later calls use too. The view, and query and skip of *params,
	 * must outlive the search; *params itself need not. Checks for
	 * interrupts. ERRCODE_INDEX_CORRUPTED for a damaged body.
	 */
	BarqSearch *(*begin) (BarqView *view, const BarqSearchParams *params);

	/*
	 * Write up to max further hits to hits[], best first, and return their
	 * number; 0 means that no row is left below the bound. Rows with a key >=
	 * bound are held back: a later call with a larger bound can return them.
	 * A bound of infinity holds back no row. No row is returned twice.
	 * Checks for interrupts. ERRCODE_INDEX_CORRUPTED for a damaged body.
	 */
	int			(*next) (BarqSearch *search, float bound,
						 BarqHit *hits, int max);

	/*
	 * Begin searches for several queries together, so that parts of the body are read
	 * once for all that need them. A search with starts[i] as its start returns the
	 * same rows as one without. want: rows that a search's first calls are
	 * expected to want. params->query, rows and start are not used. Starts
	 * are palloc'd; temporary memory is freed. Checks for interrupts.
	 * ERRCODE_INDEX_CORRUPTED for a damaged body. NULL: the kind gains nothing.
	 *
	 * together_bytes: memory that each query takes, about.
	 */
	void		(*begin_together) (BarqView *view, const BarqSearchParams *params,
								   const BarqQuery *const *queries, int n, int want,
								   BarqSearchStart *starts);
	Size		(*together_bytes) (BarqView *view, const BarqSearchParams *params, int want);

	/*
	 * Release resources that the backend lends to searches. Memory stays until
	 * its context is reset; a search without end() then releases them as well.
	 */
	void		(*end) (BarqSearch *search);

	/*
	 * Code of a row for exact scoring, whole also where the body keeps heads
	 * of rows; valid until the view is read again. ERRCODE_INDEX_CORRUPTED
	 * for a damaged body.
	 */
	const void *(*row_code) (BarqView *view, uint32 row);

	/*
	 * After the first calls of a search that all had the same max and bound: make it
	 * one that was begun with this larger breadth, which returns the rows of these
	 * calls again. What it has walked counts, so it takes only the rest of the broader
	 * walk. `probes` and `afar` as in BarqSearchParams. False, and nothing is changed,
	 * where that cannot be done; NULL: never.
	 */
	bool		(*broaden) (BarqSearch *search, int breadth, int probes, bool afar);

	/*
	 * For each of n rows, breadths[i]: the least breadth at which the first call of
	 * a search for params->query meets the row, if the row `absent` (BARQ_NO_ROW:
	 * none) were not in the body; BARQ_BREADTH_NEVER if none up to params->breadth
	 * does. Breadth is that of beams, but for lists that are not beside graphs: the
	 * number of probes, while params->breadth is that of the search. NULL: every
	 * search meets every row. Checks for interrupts.
	 */
	void		(*breadths) (BarqView *view, const BarqSearchParams *params, uint32 absent,
							 const uint32 *rows, int n, int *breadths);

	/*
	 * How far a row of the body, which `query` is, lies from others, without a search: the
	 * key of the nearest row that it is linked with, infinity if there is none, or of the
	 * centroid of its list. NULL: the kind cannot tell. ERRCODE_INDEX_CORRUPTED for a
	 * damaged body.
	 */
	float		(*isolation) (BarqView *view, const BarqQuery *query, uint32 row);

	/*
	 * Visit the rows within a radius, in no order. `id`: of the segment
	 * (BarqSegmentDesc), BARQ_ID_BYTES long. Checks for interrupts.
	 * ERRCODE_INDEX_CORRUPTED for a damaged body.
	 */
	void		(*within) (BarqView *view, const uint8 *id, BarqWithin *within);
} BarqVectorSearchOps;

#define BARQ_NO_ROW			PG_UINT32_MAX
#define BARQ_BREADTH_NEVER	INT_MAX

/*
 * A work area, in which a body of vectors is built, has the state of the build in
 * its first BARQ_AREA_BODY bytes, then the body, then what only the build needs. So
 * the file of a finished area becomes the image without being copied (store/writer.h,
 * barq_body_begin_work), and codes of CREATE INDEX are written to their place in it
 * before the number of rows is known.
 */
#define BARQ_AREA_BODY	BARQ_IMAGE_BODY
#define BARQ_AREA_CODES	(BARQ_AREA_BODY + sizeof(BarqBodyHeader) + sizeof(BarqVectorHeader))

/* Rows that CREATE INDEX has read. */
typedef struct BarqBuildRows
{
	uint32		n;
	const char *codes;			/* or heads, stride bytes each, with zeros behind them */
	const ItemPointerData *tids;
	bool		in_area;		/* the codes are in the work area already */
	const char *refinements;	/* refine_bytes each; not used if rows have none */

	/* where codes are heads, whose distances count from the first whole row */
	const char *whole;
	uint64		whole_bytes;
} BarqBuildRows;

/*
 * Finds places of rows: rows near each other have the same place or places with near
 * numbers. codes: n of them, stride bytes each; places[] receives the place of each, and
 * *centroids a code for each place, palloc'd. Returns the number of places; 0 where rows
 * of the codec have none. Checks for interrupts.
 */
typedef uint32 (*BarqFindPlaces) (const BarqCodec *codec, const char *codes, uint32 n,
								  uint32 *places, const char **centroids);

/*
 * Read and validate a vector body's headers; fills *body, *header and *codec.
 * Afterwards each code and TID lies inside the body (README.md, invariant 1).
 * ERRCODE_INDEX_CORRUPTED where sizes or offsets do not fit the body.
 */
extern void barq_vector_open(BarqView *view, BarqBodyHeader *body,
							 BarqVectorHeader *header, BarqCodec *codec);

/*
 * Write a flat body of rows in memory: the code of row i (or the head of a row
 * in memory) lies at rows + i * row_stride, its refinement, if the codec has any, at
 * refinements + i * refine_stride, its TID is tids[i]. halved: with half codes, where rows of
 * the codec have some. The writer is at its start.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS rows.
 */
extern void barq_flat_write(BarqBodyWriter *writer, const BarqCodec *codec,
							const char *rows, Size row_stride,
							const char *refinements, Size refine_stride,
							const ItemPointerData *tids, uint32 nrows, bool halved);

/*
 * The interval of a row of a body of vectors (barq_query_interval), with its refinement
 * if the body has any. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern void barq_vector_interval(BarqView *view, uint32 row, const BarqQuery *query,
								 BarqInterval *interval);

/*
 * BarqVectorSearchOps.within of kinds without lists: every code is scored; and the same
 * of the rows [first, end) only.
 */
extern void barq_vector_within(BarqView *view, const uint8 *id, BarqWithin *within);
extern void barq_vector_within_rows(BarqView *view, BarqWithin *within, uint32 first,
									uint32 end);

/*
 * The `want` best rows of each of n queries among all rows of a body of any vector kind, by one
 * scan of its codes, whose rows are scored for all queries at once: hits[j * want] and on, best
 * first, for queries[j]. Returns how many each query has: `want`, or all rows if these are fewer.
 * Allocates in the current memory context; checks for interrupts. ERRCODE_INDEX_CORRUPTED for
 * a damaged body.
 */
extern int	barq_flat_nearest(BarqView *view, const BarqQuery *const *queries, int n,
							  int want, BarqHit *hits);

/*
 * Total bytes of the whole rows of an input's live rows; 0 where the codec has
 * no heads. ERRCODE_INDEX_CORRUPTED for a damaged body.
 */
extern uint64 barq_vector_rows_bytes(BarqMergeInput *input);

/*
 * Write a flat body of the live rows of other vector bodies, input after input.
 * The writer is at its start; inputs[i].live must be the input's number of live
 * rows (an internal error, elog, if it is not). Checks for interrupts.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED above BARQ_MAX_ROWS live rows,
 * ERRCODE_INDEX_CORRUPTED where an input is damaged or has another codec, errors of
 * barq_body_write().
 */
extern void barq_flat_merge(BarqBodyWriter *writer, const BarqCodec *codec,
							BarqMergeInput *inputs, int ninputs);

#endif							/* BARQ_FLAT_H */
