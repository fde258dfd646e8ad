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

	BARQ_ARRAY_RESERVE(cache->rows, cache->rows_space, cache->nrows + n, 64);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *payload = palloc_extended(Max(rows[i].length, 1), MCXT_ALLOC_HUGE);
		BarqLogRow *to;

		memcpy(payload, rows[i].payload, rows[i].length);
		if (rows[i].dead)
		{
			BARQ_ARRAY_RESERVE(cache->dead, cache->dead_space, dead + 1, 64);
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

	if (!barq_snapshot_may_grow(cache->snapshot))
		return false;

	/* most logs of many small indexes have no full page */
	if (cache->context == NULL)
		cache->context = AllocSetContextCreate(cache->snapshot->context, "barq log",
											   ALLOCSET_START_SMALL_SIZES);
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
