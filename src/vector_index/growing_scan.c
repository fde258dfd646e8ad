/*
 * growing_scan.c
 *	  Search of the growing log: every record is scored, the best are kept.
 *
 * Full pages of the log do not change any more, so a backend keeps their rows
 * (store/log_cache.h) and scores them without reading a page; only pages added since
 * are walked. Records of one page lie at equal distances, so a page is scored with
 * one batched call too. For rows that differ in length heads are made, and these
 * are scored.
 */
#include "postgres.h"

#include <math.h>

#include "vector_index/growing_scan.h"
#include "flat/hits.h"
#include "miscadmin.h"
#include "store/log_cache.h"
#include "utils/memutils.h"

/* largest number of records of a page */
#define PAGE_RECORDS (BARQ_PAGE_BYTES / sizeof(BarqItemHeader))

/* cached rows are scored this many at a time */
#define SCORE_BATCH	1024

#define NOT_CACHED	PG_UINT32_MAX

/* The state of one barq_growing_search(). */
typedef struct GrowingSearch
{
	Relation	index;
	BarqLogCache *cache;		/* NULL: further pages cannot be cached */
	const BarqCodec *codec;
	const BarqQuery *query;
	float		after_key;
	const ItemPointerData *after_tid;
	float		bound;
	BarqRowSource *source;		/* or NULL */
	int			columns;		/* filter columns of the index */
	BarqGrowingRow visit;		/* receives every row in place of the heap; or NULL */
	void	   *arg;

	/* a heap, the worst of the best on top */
	BarqGrowingHit *hits;
	int			count;
	int			max;

	/*
	 * Records of the current page that are pending, to be scored together: the
	 * i-th lies ids[i] strides from base. If codes are heads, base points to
	 * `heads`, and a row that was assembled from several pages is kept in
	 * long_row until the page's end.
	 */
	const char *base;
	Size		stride;
	int			pending;
	bool		keyless;		/* the page has records without a key too */
	bool		apart;			/* these lie between the pending records */
	uint32		ids[PAGE_RECORDS];
	char	   *heads;
	char	   *cached_heads;	/* of rows of the cache that are scored */
	char	   *long_row;
	ItemPointerData tids[PAGE_RECORDS];
	const uint64 *filters[PAGE_RECORDS];
	uint32		filter_bytes[PAGE_RECORDS];
	bool		dead[PAGE_RECORDS];
	float		keys[Max(PAGE_RECORDS, SCORE_BATCH)];
} GrowingSearch;

/* Order of hits: by key, then by TID. */
static int
compare_hits(float key, const ItemPointerData *tid,
			 float other_key, const ItemPointerData *other_tid)
{
	if (key != other_key)
		return key < other_key ? -1 : 1;
	return ItemPointerCompare((ItemPointer) tid, (ItemPointer) other_tid);
}

/* qsort comparator: best hit first. */
static int
compare_growing_hits(const void *a, const void *b)
{
	const BarqGrowingHit *x = a;
	const BarqGrowingHit *y = b;

	return compare_hits(x->key, &x->tid, y->key, &y->tid);
}

/* The worst of the best rows is on top. */
#define BARQ_HEAP_NAME	hit_heap
#define BARQ_HEAP_ITEM	BarqGrowingHit
#define BARQ_HEAP_ABOVE(a, b)	(compare_growing_hits(a, b) > 0)
#include "base/heap.h"

/* The interval of a whole row or a head: a whole row's refinement lies behind its code. */
static void
score_exactly(const GrowingSearch *search, const char *row, BarqInterval *interval)
{
	const BarqCodec *codec = search->codec;

	barq_query_interval(search->query, row,
						codec->refine_bytes > 0 ? row + codec->row_bytes : NULL, interval);
}

/* Set the interval and the bound of a hit, whose row is given. */
static void
score_hit(const GrowingSearch *search, const char *row, BarqGrowingHit *hit)
{
	double		distance;

	score_exactly(search, row, &hit->interval);
	hit->code_bound = hit->interval.low;
	if (search->codec->refine_bytes > 0)
		barq_query_rescore(search->query, row, &distance, &hit->code_bound);
}

/* The i-th row of the cache, or a head of it in cached_heads[0]. */
static const char *cached_rows(GrowingSearch *search, uint32 first, int n);

/* Pass a row to search->visit with an interval that is proven. */
static void
visit_row(GrowingSearch *search, float key, const ItemPointerData *tid, const char *row)
{
	BarqInterval interval = {0, -INFINITY, INFINITY};
	BarqInterval exact;

	if (barq_query_encloses(search->query))
		barq_query_enclose(search->query, row, key, &interval);
	if (barq_codec_proves(search->codec) || search->codec->refine_bytes > 0)
	{
		score_exactly(search, row, &exact);
		interval.distance = exact.distance;
		interval.low = Max(interval.low, exact.low);
		interval.high = Min(interval.high, exact.high);
	}
	search->visit(search->arg, tid, &interval);
}

/*
 * Put a row into the heap if it is among the best, comes after (after_key, after_tid)
 * and is admitted. A row of the cache (number `cached`) is re-scored when the heap is
 * final; any other row (cached = NOT_CACHED) is re-scored now from `row`.
 */
static void
offer(GrowingSearch *search, float key, const ItemPointerData *tid, const uint64 *filters,
	  uint32 cached, const char *row)
{
	BarqGrowingHit hit;

	if (search->visit != NULL)
	{
		visit_row(search, key, tid,
				  cached == NOT_CACHED ? row : cached_rows(search, cached, 1));
		return;
	}

	/* rows whose sums overflow come last, as in segments */
	barq_keys_clean(&key, 1);
	if (!barq_key_below(key, search->bound))
		return;
	if (search->count == search->max &&
		compare_hits(key, tid, search->hits[0].key, &search->hits[0].tid) >= 0)
		return;
	if (search->after_tid != NULL &&
		compare_hits(key, tid, search->after_key, search->after_tid) <= 0)
		return;
	if (search->source != NULL && !search->source->row(search->source, tid, filters))
		return;

	hit.key = key;
	hit.tid = *tid;
	hit.cached = cached;
	hit.interval = (BarqInterval) {0, 0, 0};
	hit.code_bound = 0;
	if (cached == NOT_CACHED)
		score_hit(search, row, &hit);

	if (search->count < search->max)
	{
		search->hits[search->count++] = hit;
		if (search->count == search->max)
			hit_heap_make(search->hits, search->max);
	}
	else
	{
		hit_heap_replace_top(search->hits, search->max, hit);
	}
}

/* The row of the i-th pending record, or its head. */
static const char *
pending_row(const GrowingSearch *search, int i)
{
	return search->base + search->ids[i] * search->stride;
}

/*
 * Add the pending records of a full page to the cache. `next` is the page after it.
 * False if the cache has no room.
 */
static bool
cache_page(GrowingSearch *search, BlockNumber next, uint64 next_generation)
{
	const BarqCodec *codec = search->codec;
	BarqLogRow	rows[PAGE_RECORDS];

	for (int i = 0; i < search->pending; i++)
	{
		const char *row = pending_row(search, i);

		rows[i].tid = search->tids[i];
		rows[i].dead = search->dead[i];
		rows[i].length = barq_row_bytes(codec, row);
		rows[i].filters = search->filters[i];
		rows[i].filter_bytes = search->filter_bytes[i];
		rows[i].payload = barq_codec_has_heads(codec) ? barq_row_whole(codec, row) : row;
	}
	return barq_log_cache_add(search->cache, rows, search->pending, next, next_generation);
}

/* The n rows of the cache from `first` on, which are of one chunk, or heads of them. */
static const char *
cached_rows(GrowingSearch *search, uint32 first, int n)
{
	const BarqLogCache *cache = search->cache;
	const BarqCodec *codec = search->codec;

	if (!barq_codec_has_heads(codec))
		return barq_log_cache_row(cache, first);
	for (int i = 0; i < n; i++)
	{
		char	   *head = search->cached_heads + i * codec->stride;
		const char *whole = cache->rows[first + i].payload;

		barq_row_head(codec, head, whole, whole - head);
	}
	return search->cached_heads;
}

/* The TID of a row of the cache. */
static const ItemPointerData *
cached_tid(const BarqLogCache *cache, uint32 row)
{
	return cache->stride > 0 ? &cache->tids[row] : &cache->rows[row].tid;
}

/* The filter values of a row of the cache, or NULL. */
static const uint64 *
cached_filters(const BarqLogCache *cache, uint32 row)
{
	if (cache->stride == 0)
		return cache->rows[row].filters;
	return cache->filters == NULL ? NULL : cache->filters[row];
}

/* Score all rows of the cache. */
static void
score_cache(GrowingSearch *search)
{
	const BarqLogCache *cache = search->cache;
	int			batch = Min(SCORE_BATCH, cache->chunk_rows);

	for (uint32 base = 0; base < cache->nrows; base += batch)
	{
		int			n = Min((uint32) batch, cache->nrows - base);
		const char *codes = cached_rows(search, base, n);

		CHECK_FOR_INTERRUPTS();
		barq_query_keys(search->query, codes,
						cache->stride > 0 ? cache->stride : search->codec->stride, NULL, n,
						search->keys);
		for (int i = 0; i < n; i++)
			if (search->count < search->max || search->visit != NULL ||
				search->keys[i] <= search->hits[0].key)
				offer(search, search->keys[i], cached_tid(cache, base + i),
					  cached_filters(cache, base + i), base + i, NULL);
	}
}

/*
 * Bytes from one row to the next on a page, where no row has sets of filter values, or
 * from one head to the next.
 */
static Size
row_distance(const GrowingSearch *search)
{
	const BarqCodec *codec = search->codec;
	Size		filters = search->columns > 0 ? (1 + search->columns) * sizeof(uint64) : 0;

	return barq_codec_has_heads(codec) ? codec->stride :
		MAXALIGN(sizeof(BarqItemHeader) + filters + barq_codec_whole_bytes(codec));
}

/* Bytes from one row of the cache to the next; 0 for rows that differ in length. */
static Size
cache_stride(const BarqCodec *codec)
{
	if (barq_codec_has_heads(codec))
		return 0;
	return codec->refine_bytes == 0 ? codec->stride :
		TYPEALIGN(BARQ_BODY_ALIGN, barq_codec_whole_bytes(codec));
}

/* BarqGrowingVisitor: score the pending records of a page, and cache a full page. */
static void
end_page(void *arg, BlockNumber next, uint64 next_generation)
{
	GrowingSearch *search = arg;

	/* the page ends within a long record: a walk cannot begin after it */
	if (search->pending == 0 && !search->keyless)
		return;
	if (search->pending > 0)
		barq_query_keys(search->query, search->base, search->stride,
						search->apart ? search->ids : NULL, search->pending, search->keys);
	for (int i = 0; i < search->pending; i++)
		if (!search->dead[i])
			offer(search, search->keys[i], &search->tids[i], search->filters[i], NOT_CACHED,
				  pending_row(search, i));
	if (search->cache != NULL &&
		(next == InvalidBlockNumber || !cache_page(search, next, next_generation)))
		search->cache = NULL;	/* the cache must have no gap */
	search->pending = 0;
	search->apart = search->keyless = false;
	search->stride = row_distance(search);
	if (search->long_row != NULL)
		pfree(search->long_row);
	search->long_row = NULL;
}

/* Add a record, whose row has its place, to the pending ones. */
static void
add_pending(GrowingSearch *search, const BarqRecord *record)
{
	search->tids[search->pending] = record->tid;
	search->dead[search->pending] = record->dead;
	search->filters[search->pending] = record->filters;
	search->filter_bytes[search->pending] = record->filter_bytes;
	search->pending++;
}

/* Make a head for a record's row; the record becomes pending. */
static void
add_head(GrowingSearch *search, const BarqRecord *record)
{
	const char *row = record->payload;
	char	   *head = search->heads + search->pending * search->stride;

	search->ids[search->pending] = search->pending;

	if (record->pieces)
	{
		/* only one record of a page can have begun on an earlier page */
		Assert(search->long_row == NULL);
		search->long_row = palloc(record->filter_bytes + record->length);
		memcpy(search->long_row, record->filters, record->filter_bytes);
		memcpy(search->long_row + record->filter_bytes, row, record->length);
		row = search->long_row + record->filter_bytes;
	}
	barq_row_head(search->codec, head, row, row - head);
	add_pending(search, record);
	if (record->pieces && record->filters != NULL)
		search->filters[search->pending - 1] = (const uint64 *) search->long_row;
}

/*
 * BarqGrowingVisitor: add a record to the pending ones of its page, or score it now
 * if it was assembled from several pages.
 */
static void
add_record(void *arg, const BarqRecord *record)
{
	GrowingSearch *search = arg;
	Size		distance;

	if (!record->keyed)
	{
		search->keyless = true;
		return;
	}
	if (!barq_row_is_whole(search->codec, record->payload, record->length))
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" contains a growing record of %u bytes that is no row of it",
						RelationGetRelationName(search->index), record->length),
				 errhint("Please REINDEX it.")));

	if (barq_codec_has_heads(search->codec))
	{
		add_head(search, record);
		return;
	}

	/* a record assembled from several pages is freed after this call */
	if (record->pieces)
	{
		search->cache = NULL;	/* it is not pending, so its page cannot be cached */
		if (!record->dead)
			offer(search, barq_query_key(search->query, record->payload),
				  &record->tid, record->filters, NOT_CACHED, record->payload);
		return;
	}

	/*
	 * Rows lie at equal distances unless records without a key lie between
	 * them. In that case distances are counted in units of the alignment.
	 */
	if (search->pending == 0)
		search->base = record->payload;
	distance = record->payload - search->base;
	if (!search->apart && distance != search->pending * search->stride)
	{
		search->apart = true;
		for (int i = 0; i < search->pending; i++)
			search->ids[i] *= search->stride / MAXIMUM_ALIGNOF;
		search->stride = MAXIMUM_ALIGNOF;
	}
	search->ids[search->pending] = distance / search->stride;
	add_pending(search, record);
}

/*
 * Offer every row of the log. Fills in the members of *search that the caller has not
 * set. Returns false if the log was sealed meanwhile.
 */
static bool
search_log(GrowingSearch *search, BarqSnapshot *snapshot, const BarqMeta *meta)
{
	BarqGrowingVisitor visitor = {NULL, add_record, end_page, search, NULL};
	const BarqCodec *codec = search->codec;
	BarqMeta	rest = *meta;
	BarqLogCache *cache = NULL;

	search->columns = meta->options.filter_columns;
	search->stride = row_distance(search);
	if (barq_codec_has_heads(codec))
	{
		search->heads = palloc(search->stride * PAGE_RECORDS);
		search->base = search->heads;
		search->cached_heads = palloc(search->stride * SCORE_BATCH);
	}

	/* records that span pages are not cached */
	if (barq_codec_whole_bytes(codec) <= BARQ_ITEM_MAX_PAYLOAD)
	{
		cache = search->cache = barq_log_cache_get(snapshot, meta, cache_stride(codec));
		score_cache(search);
		rest.growing_head = search->cache->next;
		rest.growing_head_generation = search->cache->next_generation;
	}
	if (!barq_growing_walk(search->index, &rest, InvalidBlockNumber, &visitor))
		return false;
	search->cache = cache;		/* for what was read of it at first */
	return true;
}

int
barq_growing_search(Relation index, BarqSnapshot *snapshot, const BarqMeta *meta,
					const BarqCodec *codec, const BarqQuery *query,
					float after_key, const ItemPointerData *after_tid,
					float bound, BarqRowSource *source, BarqGrowingHit *hits, int max)
{
	GrowingSearch search = {
		.index = index, .codec = codec, .query = query,
		.after_key = after_key,
		.after_tid = after_tid,
		.bound = bound,
		.source = source,
		.hits = hits,
		.max = max
	};

	if (meta->growing_head == InvalidBlockNumber)
		return 0;
	if (!search_log(&search, snapshot, meta))
		return -1;
	for (int i = 0; i < search.count; i++)
		if (hits[i].cached != NOT_CACHED)
			score_hit(&search, cached_rows(&search, hits[i].cached, 1), &hits[i]);
	qsort(hits, search.count, sizeof(BarqGrowingHit), compare_growing_hits);
	return search.count;
}

bool
barq_growing_rows(Relation index, BarqSnapshot *snapshot, const BarqMeta *meta,
				  const BarqCodec *codec, const BarqQuery *query, BarqGrowingRow visit,
				  void *arg)
{
	GrowingSearch search = {
		.index = index, .codec = codec, .query = query, .visit = visit, .arg = arg
	};

	return meta->growing_head == InvalidBlockNumber || search_log(&search, snapshot, meta);
}
