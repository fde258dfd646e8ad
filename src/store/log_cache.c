/*
 * log_cache.c
 *	  The backend's copy of the growing log of an index. Calls snapshot.c, which
 *	  bounds all caches of the backend together.
 */
#include "postgres.h"

#include "base/array.h"
#include "store/log_cache.h"
#include "store/segment.h"
#include "utils/memutils.h"

/* Rows of a chunk: enough for one call of a kernel, in some 100 kB. */
#define CHUNK_BYTES		(Size) (128 * 1024)
#define CHUNK_MIN_ROWS	64
#define CHUNK_MAX_ROWS	1024

/* Rows of any length for which there is room at first. */
#define ROWS_LEAST		64

/*
 * The largest block of the context. Beside the pieces that are asked for, each of which is at
 * most doubled, it takes no more than this.
 */
#define BLOCK_BYTES		(Size) (64 * 1024)

BarqLogCache *
barq_log_cache_get(BarqSnapshot *snapshot, const BarqMeta *meta, Size stride)
{
	BarqLogCache *cache = snapshot->log_cache;
	MemoryContext context;

	if (cache == NULL)
		cache = snapshot->log_cache =
			MemoryContextAllocZero(snapshot->context, sizeof(BarqLogCache));
	Assert(cache->chunk_rows == 0 || cache->stride == stride);
	if (cache->chunk_rows != 0 && cache->head_generation == meta->growing_head_generation)
		return cache;

	context = cache->context;
	if (context != NULL)
		MemoryContextReset(context);
	memset(cache, 0, sizeof(*cache));
	cache->snapshot = snapshot;
	cache->context = context;
	cache->head_generation = meta->growing_head_generation;
	cache->next = meta->growing_head;
	cache->next_generation = meta->growing_head_generation;
	cache->stride = stride;
	cache->chunk_rows = stride == 0 ? CHUNK_MIN_ROWS :
		Min(Max(CHUNK_BYTES / stride, CHUNK_MIN_ROWS), CHUNK_MAX_ROWS);
	return cache;
}

/* Bytes that an array of `space` elements grows by so that it holds `needed` (array.h). */
static Size
array_growth(Size space, Size needed, Size least, Size width)
{
	return needed <= space ? 0 : (Max(Max(needed, least), 2 * space) - space) * width;
}

/* Bytes that the context grows by, at most, when n rows are copied. */
static Size
growth(const BarqLogCache *cache, const BarqLogRow *rows, uint32 n)
{
	const Size	needed = (Size) cache->nrows + n;
	Size		pieces = 0;

	for (uint32 i = 0; i < n; i++)
		pieces += MAXALIGN(rows[i].filter_bytes) +
			(cache->stride > 0 ? 0 : MAXALIGN(rows[i].length));
	if (cache->stride == 0)
		return BLOCK_BYTES + 2 * pieces +
			array_growth(cache->rows_space, needed, ROWS_LEAST, sizeof(BarqLogRow)) +
			array_growth(cache->dead_space, (Size) cache->ndead + n, ROWS_LEAST, sizeof(BarqLogRow));
	return BLOCK_BYTES + 2 * pieces +
		((needed + cache->chunk_rows - 1) / cache->chunk_rows - cache->nchunks) *
		cache->stride * cache->chunk_rows +
		array_growth(cache->space, needed, CHUNK_MAX_ROWS, sizeof(ItemPointerData)) +
		array_growth(cache->filters_space, pieces > 0 ? needed : 0, CHUNK_MAX_ROWS, sizeof(uint64 *));
}

/* A copy of a row's filter values in the current memory context; NULL for none. */
static const uint64 *
copy_filters(const BarqLogRow *row)
{
	return row->filters == NULL ? NULL :
		memcpy(palloc_extended(row->filter_bytes, MCXT_ALLOC_HUGE), row->filters,
			   row->filter_bytes);
}

/*
 * Copy live rows behind those of a cache with a stride, whose memory context is the
 * current one. Returns how many; does not count them.
 */
static uint32
copy_equal(BarqLogCache *cache, const BarqLogRow *rows, uint32 n)
{
	uint32		end = cache->nrows;

	BARQ_ARRAY_RESERVE(cache->tids, cache->space, cache->nrows + n, CHUNK_MAX_ROWS);
	if (n > 0 && rows[0].filters != NULL)
		BARQ_ARRAY_RESERVE(cache->filters, cache->filters_space, cache->nrows + n,
						   CHUNK_MAX_ROWS);
	for (uint32 i = 0; i < n; i++)
	{
		if (rows[i].dead)
			continue;
		Assert(rows[i].length <= cache->stride);
		if (end == cache->nchunks * cache->chunk_rows)
		{
			BARQ_ARRAY_RESERVE(cache->chunks, cache->chunk_space, cache->nchunks + 1, 16);
			cache->chunks[cache->nchunks] = palloc(cache->stride * cache->chunk_rows);
			cache->nchunks++;
		}
		memcpy(unconstify(char *, barq_log_cache_row(cache, end)), rows[i].payload,
			   rows[i].length);
		if (rows[i].filters != NULL)
			cache->filters[end] = copy_filters(&rows[i]);
		cache->tids[end++] = rows[i].tid;
	}
	return end - cache->nrows;
}

/*
 * Copy rows of any length behind those of the cache, whose memory context is the
 * current one. Returns the number of live ones; does not count any.
 */
static uint32
copy_any(BarqLogCache *cache, const BarqLogRow *rows, uint32 n)
{
	uint32		live = cache->nrows;
	uint32		dead = cache->ndead;

	BARQ_ARRAY_RESERVE(cache->rows, cache->rows_space, cache->nrows + n, ROWS_LEAST);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *payload = palloc_extended(Max(rows[i].length, 1), MCXT_ALLOC_HUGE);
		BarqLogRow *to;

		memcpy(payload, rows[i].payload, rows[i].length);
		if (rows[i].dead)
		{
			BARQ_ARRAY_RESERVE(cache->dead, cache->dead_space, dead + 1, ROWS_LEAST);
			to = &cache->dead[dead++];
		}
		else
			to = &cache->rows[live++];
		*to = rows[i];
		to->payload = payload;
		to->filters = copy_filters(&rows[i]);
	}
	return live - cache->nrows;
}

bool
barq_log_cache_add(BarqLogCache *cache, const BarqLogRow *rows, uint32 n,
				   BlockNumber next, uint64 next_generation)
{
	MemoryContext old;
	uint32		live;

	if (!barq_snapshot_may_grow(cache->snapshot, growth(cache, rows, n)))
		return false;

	/* most logs of many small indexes have no full page */
	if (cache->context == NULL)
		cache->context = AllocSetContextCreate(cache->snapshot->context, "barq log",
											   ALLOCSET_SMALL_MINSIZE, ALLOCSET_SMALL_INITSIZE,
											   BLOCK_BYTES);
	old = MemoryContextSwitchTo(cache->context);
	live = cache->stride > 0 ? copy_equal(cache, rows, n) : copy_any(cache, rows, n);
	MemoryContextSwitchTo(old);

	/* counted last, so that an error leaves the cache as it was */
	if (cache->stride == 0)
		cache->ndead += n - live;
	cache->nrows += live;
	cache->next = next;
	cache->next_generation = next_generation;
	return true;
}

bool
barq_log_cache_has_room(const BarqLogCache *cache, uint64 bytes)
{
	return barq_snapshot_may_grow(cache->snapshot, bytes + BARQ_BODY_ALIGN);
}

void
barq_log_cache_set_body(BarqLogCache *cache, int n, const char *body, uint64 bytes)
{
	char	   *copy;

	Assert(n <= cache->nbodies && n < BARQ_LOG_BODIES);

	copy = (char *) TYPEALIGN(BARQ_BODY_ALIGN,
							  MemoryContextAllocHuge(cache->context, bytes + BARQ_BODY_ALIGN));
	memcpy(copy, body, bytes);
	cache->bodies[n] = (BarqLogBody) {copy, bytes, cache->nrows};
	cache->nbodies = n + 1;
}
