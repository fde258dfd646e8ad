/*
 * growing_scan.c
 *	  Searching the growing log: every record is scored, the best are kept.
 *
 * Records of one page lie at equal distances, so a page is scored with one
 * batched call.
 */
#include "postgres.h"

#include "am/growing_scan.h"

/* most records a page can hold */
#define PAGE_RECORDS (BARQ_PAGE_BYTES / sizeof(BarqItemHeader))

typedef struct GrowingSearch
{
	Relation	index;
	const BarqCodec *codec;
	const BarqQuery *query;
	float		after_key;
	const ItemPointerData *after_tid;

	/* a heap, the worst of the best on top */
	BarqGrowingHit *hits;
	int			count;
	int			max;

	/* records of the page under way that wait to be scored together */
	const char *base;
	Size		stride;
	int			pending;
	ItemPointerData tids[PAGE_RECORDS];
	bool		dead[PAGE_RECORDS];
	float		keys[PAGE_RECORDS];
} GrowingSearch;

static int
compare_hits(float key, const ItemPointerData *tid,
			 float other_key, const ItemPointerData *other_tid)
{
	if (key != other_key)
		return key < other_key ? -1 : 1;
	return ItemPointerCompare((ItemPointer) tid, (ItemPointer) other_tid);
}

static int
compare_growing_hits(const void *a, const void *b)
{
	const BarqGrowingHit *x = a;
	const BarqGrowingHit *y = b;

	return compare_hits(x->key, &x->tid, y->key, &y->tid);
}

static void
sift_down(BarqGrowingHit *heap, int count, int at)
{
	BarqGrowingHit moving = heap[at];

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= count)
			break;
		if (child + 1 < count &&
			compare_growing_hits(&heap[child], &heap[child + 1]) < 0)
			child++;
		if (compare_growing_hits(&moving, &heap[child]) >= 0)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moving;
}

static void
offer(GrowingSearch *search, float key, const ItemPointerData *tid, const char *row)
{
	BarqGrowingHit hit;

	if (search->count == search->max &&
		compare_hits(key, tid, search->hits[0].key, &search->hits[0].tid) >= 0)
		return;
	if (search->after_tid != NULL &&
		compare_hits(key, tid, search->after_key, search->after_tid) <= 0)
		return;

	/* the row is at hand now and will not be later */
	hit.key = key;
	hit.tid = *tid;
	barq_query_rescore(search->query, row, &hit.distance, &hit.lower_bound);

	if (search->count < search->max)
	{
		search->hits[search->count++] = hit;
		if (search->count == search->max)
			for (int i = search->max / 2; i-- > 0;)
				sift_down(search->hits, search->max, i);
	}
	else
	{
		search->hits[0] = hit;
		sift_down(search->hits, search->max, 0);
	}
}

static void
score_pending(void *arg)
{
	GrowingSearch *search = arg;

	if (search->pending == 0)
		return;
	barq_query_keys(search->query, search->base, search->stride, NULL,
					search->pending, search->keys);
	for (int i = 0; i < search->pending; i++)
		if (!search->dead[i])
			offer(search, search->keys[i], &search->tids[i],
				  search->base + i * search->stride);
	search->pending = 0;
}

static void
add_record(void *arg, const BarqRecord *record)
{
	GrowingSearch *search = arg;

	if (record->length != search->codec->row_bytes)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("index \"%s\" contains a growing record of %u bytes instead of %u",
						RelationGetRelationName(search->index), record->length,
						search->codec->row_bytes),
				 errhint("Please REINDEX it.")));

	/* a record put together from pieces is gone after this call */
	if (record->length > BARQ_ITEM_MAX_PAYLOAD)
	{
		if (!record->dead)
			offer(search, barq_query_key(search->query, record->payload),
				  &record->tid, record->payload);
		return;
	}

	if (search->pending == 0)
		search->base = record->payload;
	Assert(record->payload == search->base + search->pending * search->stride);
	search->tids[search->pending] = record->tid;
	search->dead[search->pending] = record->dead;
	search->pending++;
}

int
barq_growing_search(Relation index, const BarqMeta *meta, const BarqCodec *codec,
					const BarqQuery *query, float after_key,
					const ItemPointerData *after_tid,
					BarqGrowingHit *hits, int max)
{
	GrowingSearch search;
	BarqGrowingVisitor visitor = {NULL, add_record, score_pending, &search};

	if (meta->growing_head == InvalidBlockNumber)
		return 0;

	search.index = index;
	search.codec = codec;
	search.query = query;
	search.after_key = after_key;
	search.after_tid = after_tid;
	search.hits = hits;
	search.count = 0;
	search.max = max;
	search.base = NULL;
	search.stride = MAXALIGN(sizeof(BarqItemHeader) + codec->row_bytes);
	search.pending = 0;
	if (!barq_growing_walk(index, meta, InvalidBlockNumber, &visitor))
		return -1;
	qsort(hits, search.count, sizeof(BarqGrowingHit), compare_growing_hits);
	return search.count;
}
