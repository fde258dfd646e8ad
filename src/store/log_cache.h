/*
 * log_cache.h
 *	  What a backend keeps of the growing log of an index: copies of the rows of its
 *	  full pages, and bodies of segments that the access method made of them.
 *
 * Full pages of the log do not change while its head and its dead flags do not, and
 * a change of either ends the snapshot, which owns the cache. A search walks only
 * the pages behind `next`.
 */
#ifndef BARQ_LOG_CACHE_H
#define BARQ_LOG_CACHE_H

#include "store/snapshot.h"

#define BARQ_LOG_BODIES	24

/* A row with a key, of a record of the log. */
typedef struct BarqLogRow
{
	ItemPointerData tid;
	bool		dead;
	uint32		length;			/* of the payload, in bytes */
	const char *payload;
	uint32		filter_bytes;
	const uint64 *filters;		/* its filter values, or NULL */
} BarqLogRow;

/* The body of a segment made of rows of the cache, aligned as a mapping. */
typedef struct BarqLogBody
{
	char	   *body;
	uint64		bytes;
	uint32		end;			/* it is of the rows before this one */
} BarqLogBody;

struct BarqLogCache
{
	BarqSnapshot *snapshot;		/* the owner */
	uint64		head_generation;	/* of the log that this is of */
	BlockNumber next;			/* the first page that is not in the cache */
	uint64		next_generation;
	MemoryContext context;		/* of all that follows; NULL: none yet */
	uint32		nrows;			/* live rows, in the order of the log */

	/*
	 * With a stride all payloads have this size at most, and those of chunk_rows
	 * rows lie that far from each other in one chunk.
	 */
	Size		stride;
	uint32		chunk_rows;
	uint32		space;
	ItemPointerData *tids;
	const uint64 **filters;		/* of each row; NULL: the index has no filter columns */
	uint32		filters_space;
	char	  **chunks;
	uint32		nchunks;
	uint32		chunk_space;

	/* Without a stride: rows as they come, dead ones too. */
	BarqLogRow *rows;
	uint32		rows_space;
	BarqLogRow *dead;
	uint32		ndead;
	uint32		dead_space;

	/* Bodies of rows that follow each other, from the first row on. */
	BarqLogBody bodies[BARQ_LOG_BODIES];
	int			nbodies;
};

/*
 * The cache of a snapshot's log, emptied if it is of an earlier log than that of
 * *meta. stride: bytes from one row to the next, or 0 for rows of any length; it
 * is the same in all calls for an index. Owned by the snapshot.
 */
extern BarqLogCache *barq_log_cache_get(BarqSnapshot *snapshot, const BarqMeta *meta,
										Size stride);

/*
 * Add copies of the rows of the page at `next`, which must be full; the page after
 * it becomes the new `next`. With a stride dead rows are left out. Returns false,
 * adding nothing, if that would pass barq.backend_cache: then no later page may be
 * added by this search. After an error the cache is as before.
 */
extern bool barq_log_cache_add(BarqLogCache *cache, const BarqLogRow *rows, uint32 n,
							   BlockNumber next, uint64 next_generation);

/* The first row that is not in the first n bodies. */
static inline uint32
barq_log_cache_end(const BarqLogCache *cache, int n)
{
	return n == 0 ? 0 : cache->bodies[n - 1].end;
}

/* Whether a body of so many bytes has room within barq.backend_cache. */
extern bool barq_log_cache_has_room(const BarqLogCache *cache, uint64 bytes);

/*
 * Make a copy of a body number n (at most nbodies), of all rows behind the bodies before it.
 * It takes the place of those from n on, whose memory stays, because searches that are open
 * may read them.
 */
extern void barq_log_cache_set_body(BarqLogCache *cache, int n, const char *body,
									uint64 bytes);

/* The payload of live row number `row` of a cache with a stride. */
static inline const char *
barq_log_cache_row(const BarqLogCache *cache, uint32 row)
{
	return cache->chunks[row / cache->chunk_rows] +
		(Size) (row % cache->chunk_rows) * cache->stride;
}

#endif							/* BARQ_LOG_CACHE_H */
