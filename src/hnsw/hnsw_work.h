/*
 * hnsw_work.h
 *	  The work area in which a graph grows. See README.md for what may happen
 *	  in it at once and why that is safe.
 *
 * One block of memory, mapped by several processes at different addresses:
 * offsets, no pointers. A row's lists on all its layers are guarded by its
 * word in the array of versions (a sequence lock): odd while a writer changes
 * a list, else the number of changes times two.
 */
#ifndef BARQ_HNSW_WORK_H
#define BARQ_HNSW_WORK_H

#include <sched.h>

#include "flat/hits.h"
#include "hnsw/hnsw_layout.h"
#include "port/atomics.h"

#define HNSW_WORK_MAGIC	0x4b524f57	/* "WORK" */

struct BarqHnswWork
{
	uint32		magic;
	int32		m;
	int32		ef_construction;
	uint32		rows;
	uint32		kept;			/* rows 0 .. kept-1 came with their graph */
	uint32		upper_used;		/* upper lists handed out */
	uint32		upper_size;		/* ... and all there are */
	uint32		list_bytes;		/* from one row's layer-0 list to the next */
	BarqCodec	codec;

	/* all from the start of the area */
	uint64		levels_off;		/* uint8[rows]: top layer of each row */
	uint64		versions_off;	/* pg_atomic_uint32[rows] */
	uint64		upper_of_off;	/* uint32[rows]: first upper list */
	uint64		first_off;		/* uint32[rows]: the first row of the same code */
	uint64		upper_off;		/* uint32[upper_size][m] */
	uint64		lists_off;		/* layer 0, as in a body */
	uint64		codes_off;
	uint64		tids_off;
	uint64		rows_off;		/* whole rows, where codes are heads */
	uint64		rows_used;		/* bytes of them so far */

	/* on lines of their own: every process writes them */
	pg_atomic_uint32 claimed pg_attribute_aligned(64);	/* next row to insert */
	pg_atomic_uint32 entry_lock pg_attribute_aligned(64);
	pg_atomic_uint64 entry;		/* level << 32 | row, or HNSW_NO_ENTRY */
};

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

static inline ItemPointerData *
hnsw_work_tids(BarqHnswWork *work)
{
	return (ItemPointerData *) hnsw_work_at(work, work->tids_off);
}

/* for each row the first one of the very same code: itself, if in the graph */
static inline uint32 *
hnsw_work_first(BarqHnswWork *work)
{
	return (uint32 *) hnsw_work_at(work, work->first_off);
}

/* the row's list on a layer that it is on */
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

/* neighbours that a new row chooses (README.md, "Neighbours") */
static inline int
hnsw_work_choice(const BarqHnswWork *work, int layer)
{
	return layer == 0 ? work->m + work->m / 4 : work->m;
}

/* to what a list of layer 0 is filled up when it is chosen anew */
static inline int
hnsw_work_refill(const BarqHnswWork *work, int layer)
{
	return layer == 0 ? 2 * work->m - work->m / 4 : 0;
}

static inline int
hnsw_list_length(const uint32 *list, int degree)
{
	int			n = 0;

	while (n < degree && list[n] != HNSW_NONE)
		n++;
	return n;
}

/* Somebody holds a lock for the copy of one list: he is hardly ever off the CPU. */
static inline void
hnsw_spin(int *spins)
{
	if (++*spins < 200)
		pg_compiler_barrier();
	else
		sched_yield();
}

/* Copy a list out; *version is what it was. Returns the length. */
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
 * Replace a list unless it has changed since version. The lock is held for
 * the copy alone: whoever computes a list does so on a copy and comes here.
 */
static inline bool
hnsw_work_write_list(BarqHnswWork *work, int layer, uint32 row,
					 const uint32 *list, int n, uint32 version)
{
	pg_atomic_uint32 *word = hnsw_work_version(work, row);
	uint32	   *dst = hnsw_work_list(work, layer, row);
	int			degree = hnsw_work_degree(work, layer);

	Assert((version & 1) == 0 && n <= degree);
	if (!pg_atomic_compare_exchange_u32(word, &version, version + 1))
		return false;
	memcpy(dst, list, n * sizeof(uint32));
	if (n < degree)
		memset(dst + n, 0xff, (degree - n) * sizeof(uint32));
	pg_write_barrier();
	pg_atomic_write_u32(word, version + 2);
	return true;
}

/*
 * hnsw_select.c: Malkov & Yashunin's algorithm 4. Of n candidates (with their
 * keys to the row that selects; sorted by this call) those are added to the
 * nselected rows of selected[] that are not nearer to one of these than to
 * the selecting row, the best first, until it has max; then, until it has
 * fill (0: never), the nearest of those left out. Returns how many it has.
 * Scratch arrays hold n each.
 */
typedef struct HnswSelectScratch
{
	uint32	   *rows;
	float	   *keys;
	BarqHit    *alive;
} HnswSelectScratch;

extern int	barq_hnsw_select(BarqHnswWork *work, BarqHit *candidates, int n,
							 int nselected, int max, int fill,
							 uint32 *selected, HnswSelectScratch *scratch);

/* room for candidates in a builder, ef_construction aside */
#define HNSW_CANDIDATES	512

/* hnsw_work_search.c: one process's state while it searches the work area */
typedef struct HnswBuilder
{
	BarqHnswWork *work;
	struct HnswVisited *visited;
	int			ef;
	BarqHit    *beam;			/* ef + 1 */
	uint32	   *list;			/* HNSW_MAX_DEGREE each */
	uint32	   *fresh;
	float	   *keys;
	BarqHit    *candidates;		/* what select is given */
	HnswSelectScratch scratch;
} HnswBuilder;

extern void barq_hnsw_builder_init(HnswBuilder *builder, BarqHnswWork *work);
extern void barq_hnsw_builder_end(HnswBuilder *builder);

/*
 * The ef rows on a layer nearest to a code, starting from a row on it; in
 * builder->beam, best first. Returns how many.
 */
extern int	barq_hnsw_work_search(HnswBuilder *builder, const void *code,
								  uint32 start, int layer);

/* Greedy descent from the entry point to the nearest row found on `layer`. */
extern uint32 barq_hnsw_work_descend(HnswBuilder *builder, const void *code,
									 uint64 entry, int layer);

/*
 * hnsw_insert.c: give a row that is in the graph new neighbours on a layer,
 * and link them to it.
 */
extern void barq_hnsw_work_join(HnswBuilder *builder, int layer, uint32 row);

/* hnsw_connect.c: make every row reachable, and number rows breadth-first */
extern void barq_hnsw_work_order(BarqHnswWork *work, uint32 *order);

/* the level that a row number draws */
extern int	barq_hnsw_draw_level(uint32 row, int m);

#endif							/* BARQ_HNSW_WORK_H */
