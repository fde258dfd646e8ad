/*
 * hnsw_work.h
 *	  The work area in which a graph grows: one block of memory, mapped by
 *	  several processes at different addresses, hence offsets and no pointers.
 *	  README.md, "Work area", has the invariants that make concurrent inserts
 *	  safe.
 *
 * A row's version word guards its lists on all layers (a sequence lock): it is
 * odd while a process writes one of them, else twice the number of changes.
 */
#ifndef BARQ_HNSW_WORK_H
#define BARQ_HNSW_WORK_H

#include <sched.h>

#include "base/advise.h"
#include "base/bits.h"
#include "flat/hits.h"
#include "hnsw/hnsw_layout.h"
#include "port/atomics.h"
#include "port/pg_crc32c.h"

#define HNSW_WORK_MAGIC	0x344b5257	/* "WRK4" */

/* Processes that insert into an area at once, at most. */
#define HNSW_CLAIMANTS	160

/* How far the area is; see README.md, "Going on after an interruption". */
typedef enum HnswWorkPhase
{
	HNSW_PHASE_INSERTING,		/* also while rows are connected */
	HNSW_PHASE_ORDERING,		/* rows are being moved, as `ordering` says */
	HNSW_PHASE_COMPLETE			/* the area holds the body, of body_bytes */
} HnswWorkPhase;

/* Inputs whose rows keep their lists, at most, and one for the rows of none. */
#define HNSW_SOURCES	256

/*
 * Windows: to which rows the search for neighbours of rows by place is confined on
 * layer 0, a bit for each block of so many rows.
 */
#define HNSW_WINDOWS	128		/* at most */
#define HNSW_BLOCK_ROWS 64

struct BarqHnswWork
{
	uint32		magic;
	int32		m;
	int32		ef_construction;
	uint32		rows;
	uint32		kept;			/* rows 0 .. kept-1 have lists of a kept graph */
	uint32		upper_used;		/* upper lists handed out */
	uint32		upper_size;		/* upper lists in the area */
	uint32		list_bytes;		/* from one row's layer-0 list to the next */
	bool		by_place;		/* rows from `kept` on are in order of place */
	BarqCodec	codec;

	/*
	 * Offsets from the start of the area; first of sections of the body, in the
	 * order in which they lie in it
	 */
	uint64		codes_off;
	uint64		tids_off;
	uint64		refine_off;		/* refinements, or 0 */
	uint64		lists_off;		/* layer 0, as in a body */
	uint64		rows_off;		/* whole rows, where codes are heads */
	uint64		graph_off;		/* header and upper layers, written last */
	uint64		body_end;		/* the body ends there or before */

	/* only for the build */
	uint64		upper_off;		/* uint32[upper_size][m] */
	uint64		levels_off;		/* uint8[rows]: top layer of each row */
	uint64		versions_off;	/* pg_atomic_uint32[rows] */
	uint64		upper_of_off;	/* uint32[rows]: first upper list */
	uint64		first_off;		/* uint32[rows]: first row with the same code */
	uint64		sources_off;	/* uint8[rows]: see hnsw_work_sources() */
	uint64		rows_used;		/* bytes of whole rows so far */
	uint64		area_bytes;

	/*
	 * Window i serves rows from window_first[i] to below window_first[i + 1]. Behind
	 * HNSW_WINDOWS of them are the narrow ones.
	 */
	uint64		windows_off;
	uint32		window_bytes;
	uint32		nwindows;		/* 0: rows are not by place, or have no windows */
	uint32		window_first[HNSW_WINDOWS + 1];

	uint32		source_rows[HNSW_SOURCES];	/* rows of each input whose rows have lists */

	/* on cache lines of their own: all processes write them */
	pg_atomic_uint32 claimed pg_attribute_aligned(64);	/* next row to insert */
	pg_atomic_uint32 entry_lock pg_attribute_aligned(64);
	pg_atomic_uint64 entry;		/* level << 32 | row, or HNSW_NO_ENTRY */

	/*
	 * For each process that inserts: the rows first << 32 | end that it has claimed,
	 * or is about to claim; 0: none
	 */
	pg_atomic_uint32 claimants;
	pg_atomic_uint64 claims[HNSW_CLAIMANTS];

	/* for a process that goes on with the area of another one */
	uint32		phase;			/* HnswWorkPhase */
	pg_crc32c	loaded_crc;		/* of what does not change after loading */
	uint64		body_bytes;
	BarqAreaProgress ordering;
};

StaticAssertDecl(sizeof(BarqHnswWork) <= BARQ_AREA_BODY, "the body follows BarqHnswWork");

#define HNSW_NO_ENTRY	PG_UINT64_MAX
#define HNSW_ENTRY(level, row)	(((uint64) (level) << 32) | (row))
#define HNSW_ENTRY_ROW(entry)	((uint32) (entry))
#define HNSW_ENTRY_LEVEL(entry) ((int) ((entry) >> 32))

static inline char *
hnsw_work_at(BarqHnswWork *work, uint64 off)
{
	return (char *) work + off;
}

static inline uint8 *
hnsw_work_levels(BarqHnswWork *work)
{
	return (uint8 *) hnsw_work_at(work, work->levels_off);
}

static inline pg_atomic_uint32 *
hnsw_work_version(BarqHnswWork *work, uint32 row)
{
	return (pg_atomic_uint32 *) hnsw_work_at(work, work->versions_off) + row;
}

static inline char *
hnsw_work_codes(BarqHnswWork *work)
{
	return hnsw_work_at(work, work->codes_off);
}

static inline char *
hnsw_work_code(BarqHnswWork *work, uint32 row)
{
	return hnsw_work_codes(work) + (uint64) row * work->codec.stride;
}

static inline uint8 *
hnsw_work_window(BarqHnswWork *work, uint32 window, bool narrow)
{
	return (uint8 *) hnsw_work_at(work, work->windows_off +
								  ((uint64) narrow * HNSW_WINDOWS + window) * work->window_bytes);
}

static inline bool
hnsw_in_window(const uint8 *window, uint32 row)
{
	return barq_bit_is_set(window, row / HNSW_BLOCK_ROWS);
}

/* the sections of the rows, as area.c works with them */
static inline BarqAreaRows
hnsw_work_rows(BarqHnswWork *work)
{
	return (BarqAreaRows) {
		&work->codec, work->rows, hnsw_work_codes(work),
		(ItemPointerData *) hnsw_work_at(work, work->tids_off),
		(uint32 *) hnsw_work_at(work, work->lists_off), work->list_bytes,
		work->refine_off != 0 ? hnsw_work_at(work, work->refine_off) : NULL
	};
}

static inline ItemPointerData *
hnsw_work_tids(BarqHnswWork *work)
{
	return (ItemPointerData *) hnsw_work_at(work, work->tids_off);
}

/* for each row the first row with the same code; a row in the graph: itself */
static inline uint32 *
hnsw_work_first(BarqHnswWork *work)
{
	return (uint32 *) hnsw_work_at(work, work->first_off);
}

/*
 * For each row the number of the input in whose graph it has all neighbours that its
 * list on layer 0 had there; 0: none
 */
static inline uint8 *
hnsw_work_sources(BarqHnswWork *work)
{
	return (uint8 *) hnsw_work_at(work, work->sources_off);
}

/* the list of a row on one of its layers; read and written by version, below */
static inline uint32 *
hnsw_work_list(BarqHnswWork *work, int layer, uint32 row)
{
	uint32		first;

	if (layer == 0)
		return (uint32 *) hnsw_work_at(work, work->lists_off +
									   (uint64) row * work->list_bytes);
	first = ((uint32 *) hnsw_work_at(work, work->upper_of_off))[row];
	return (uint32 *) hnsw_work_at(work, work->upper_off) +
		(uint64) (first + layer - 1) * work->m;
}

static inline int
hnsw_work_degree(const BarqHnswWork *work, int layer)
{
	return layer == 0 ? 2 * work->m : work->m;
}

/* neighbours that a new row selects (README.md, "Neighbours") */
static inline int
hnsw_work_choice(const BarqHnswWork *work, int layer)
{
	return layer == 0 ? work->m + work->m / 4 : work->m;
}

/* neighbours to which a full list is filled up when it is selected anew; 0: not */
static inline int
hnsw_work_refill(const BarqHnswWork *work, int layer)
{
	return layer == 0 ? 2 * work->m - work->m / 4 : 0;
}

/* Neighbours in a list: it ends at HNSW_NONE or at its degree. */
static inline int
hnsw_list_length(const uint32 *list, int degree)
{
	int			n = 0;

	while (n < degree && list[n] != HNSW_NONE)
		n++;
	return n;
}

/*
 * Wait a moment for a lock that a process holds only while it copies one list;
 * *spins counts the waits. Yields the CPU after 200, as the process may have
 * lost its own.
 */
static inline void
hnsw_spin(int *spins)
{
	if (++*spins < 200)
		pg_compiler_barrier();
	else
		sched_yield();
}

/*
 * Has a row a list on layer 0, by a glance without its version? A row that has one keeps
 * one.
 */
static inline bool
hnsw_work_is_listed(BarqHnswWork *work, uint32 row)
{
	return *hnsw_work_list(work, 0, row) != HNSW_NONE;
}

/*
 * Copy a row's list on a layer to copy[], which has room for the layer's
 * degree; returns the number of neighbours. *version: the row's version then.
 */
static inline int
hnsw_work_read_list(BarqHnswWork *work, int layer, uint32 row, uint32 *copy,
					uint32 *version)
{
	pg_atomic_uint32 *word = hnsw_work_version(work, row);
	int			degree = hnsw_work_degree(work, layer);
	const uint32 *list = hnsw_work_list(work, layer, row);
	int			spins = 0;

	for (;;)
	{
		uint32		before = pg_atomic_read_u32(word);

		if ((before & 1) == 0)
		{
			pg_read_barrier();
			memcpy(copy, list, degree * sizeof(uint32));
			pg_read_barrier();
			if (pg_atomic_read_u32(word) == before)
			{
				*version = before;
				return hnsw_list_length(copy, degree);
			}
		}
		hnsw_spin(&spins);
	}
}

/*
 * Replace a row's list on a layer unless any of the row's lists has changed
 * since `version`; false if one has. The version word is odd only while the
 * list is copied (README.md, invariant 1).
 */
static inline bool
hnsw_work_write_list(BarqHnswWork *work, int layer, uint32 row,
					 const uint32 *list, int n, uint32 version)
{
	pg_atomic_uint32 *word = hnsw_work_version(work, row);
	uint32	   *dst = hnsw_work_list(work, layer, row);
	int			places = layer == 0 ? (int) (work->list_bytes / sizeof(uint32)) : work->m;

	Assert((version & 1) == 0 && n <= hnsw_work_degree(work, layer));
	if (!pg_atomic_compare_exchange_u32(word, &version, version + 1))
		return false;
	memcpy(dst, list, n * sizeof(uint32));
	if (n < places)
		memset(dst + n, 0xff, (places - n) * sizeof(uint32));
	pg_write_barrier();
	pg_atomic_write_u32(word, version + 2);
	return true;
}

/* Say how this process will read the area from now on (barq_advise()). */
static inline void
hnsw_work_advise(BarqHnswWork *work, bool any_order)
{
	if (work->by_place)
		barq_advise(work, work->area_bytes, any_order);
}

/* Temporary arrays of barq_hnsw_select(), one element for each candidate. */
typedef struct HnswSelectScratch
{
	uint32	   *rows;
	float	   *keys;
	BarqHit    *alive;
} HnswSelectScratch;

/*
 * hnsw_select.c: select neighbours by Malkov & Yashunin's algorithm 4.
 * selected[] has nselected rows already. From n candidates, whose keys are
 * their distances from the selecting row, append those that are nearer to the
 * selecting row than to each row selected before, nearest first, until
 * selected[] has max; then the nearest candidates left out, until it has fill
 * (0: none). Sorts candidates[]. Returns the number of selected rows; *apart: of those
 * before the ones left out (NULL: not wanted).
 */
extern int	barq_hnsw_select(BarqHnswWork *work, BarqHit *candidates, int n,
							 int nselected, int max, int fill,
							 uint32 *selected, int *apart, HnswSelectScratch *scratch);

/* candidates for which a builder has room, even if ef_construction is less */
#define HNSW_CANDIDATES	512

/* One process's state while it searches the work area. */
typedef struct HnswBuilder
{
	BarqHnswWork *work;
	struct HnswVisited *visited;
	int			ef;				/* ef_construction, at least m */
	const uint8 *window;		/* rows that are searched on layer 0; NULL: all */
	uint8		source;			/* rows of this input are not searched; 0: none */
	uint32		window_number;
	uint32		narrow_end;		/* windows before this one are narrow */
	uint32		unwatched;		/* rows since the page faults were counted */
	long		faults;			/* page faults by then */
	BarqHit    *beam;			/* ef + 1 */
	uint32	   *list;			/* HNSW_MAX_DEGREE, as is fresh */
	uint32	   *fresh;
	uint32	   *starts;			/* HNSW_CANDIDATES, as has keys */
	float	   *keys;
	BarqHit    *candidates;		/* for barq_hnsw_select() */
	HnswSelectScratch scratch;
} HnswBuilder;

/*
 * hnsw_work_search.c: allocate a builder's arrays in the current memory context
 * and borrow visited marks; end releases both.
 */
extern void barq_hnsw_builder_init(HnswBuilder *builder, BarqHnswWork *work);
extern void barq_hnsw_builder_end(HnswBuilder *builder);

/*
 * Find the rows on a layer that are nearest to a code, starting from rows on that layer,
 * HNSW_CANDIDATES at most. Writes at most ef of them, which is not more than builder->ef, to
 * builder->beam, best first, and returns their number, which is at least 1.
 */
extern int	barq_hnsw_work_search(HnswBuilder *builder, const void *code,
								  const uint32 *starts, int nstarts, int ef, int layer);

/*
 * Descend greedily from an entry point to `layer`; returns the nearest row
 * found on the layer above it, or the entry point if that is not higher.
 */
extern uint32 barq_hnsw_work_descend(HnswBuilder *builder, const void *code,
									 uint64 entry, int layer);

/*
 * hnsw_insert.c: select neighbours on a layer for a row that is in the graph
 * already, and link both ways.
 */
extern void barq_hnsw_work_join(HnswBuilder *builder, int layer, uint32 row);

/*
 * hnsw_insert.c: insert a row again whose insertion may have been cut off anywhere, in
 * an area that no other process uses. Rows that are in the graph already keep their
 * links. Does nothing for a copy.
 */
extern void barq_hnsw_work_insert_again(HnswBuilder *builder, uint32 row);

/*
 * hnsw_load.c: the offsets of an area, whose codec, m and rows are set, with so many
 * bytes of whole rows; returns its size in bytes.
 */
extern uint64 barq_hnsw_work_lay_out(BarqHnswWork *work, uint64 rows_bytes);

/*
 * hnsw_connect.c: link copies, make every row reachable on layer 0, and write
 * the rows in breadth-first order to order[], which has room for work->rows (where they
 * are by place, in any order). Called by one process after all inserts. Checks for
 * interrupts.
 */
extern void barq_hnsw_work_order(BarqHnswWork *work, uint32 *order);

/*
 * hnsw_insert.c: the level of a row number, the same in all processes. A share
 * of m^-l of the rows has a level of at least l.
 */
extern int	barq_hnsw_draw_level(uint32 row, int m);

#endif							/* BARQ_HNSW_WORK_H */
