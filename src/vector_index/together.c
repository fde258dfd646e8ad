/*
 * together.c
 *	  The first step of searches, made together for the queries that a call has
 *	  announced (am/upcoming.h).
 *
 * When a scan begins to search a segment for one of these queries, the first step is
 * made for it and for those that follow, as many as fit into work_mem: a *slice*. The
 * scans of the others find theirs by the segment's id. A body never changes, and rows
 * that die later are invisible to the statement's snapshot; so a scan whose snapshot of
 * the index has the segment may use its starts, and searches other segments by itself.
 */
#include "postgres.h"

#include "am/upcoming.h"
#include "base/array.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "vector_index/scan_rounds.h"

/* The starts of a slice's queries in one segment. */
typedef struct SegmentStarts
{
	uint8		id[BARQ_ID_BYTES];
	BarqSearchStart *starts;	/* by the number in TogetherSlice.queries */
} SegmentStarts;

/* What determines the first step of a search beside its query and the segment. */
typedef struct TogetherKey
{
	Oid			index;
	int			want;
	int			breadth;
	int			probes;
	bool		probes_only;
	bool		beside_graphs;
} TogetherKey;

/* A slice of the announced queries, for one index. In `context`, a child of the call's. */
typedef struct TogetherSlice
{
	TogetherKey key;
	MemoryContext context;
	int			from;			/* the first announced query of the slice */
	int			n;				/* announced queries in it; 0: none */
	int		   *numbers;		/* for each of them, its number below; -1: left out */
	const BarqQuery **queries;
	int			nqueries;
	SegmentStarts *segments;
	int			nsegments;
	int			space;
	struct TogetherSlice *next;
} TogetherSlice;

/* Whether the scan searches for the announced query that is searched for now. */
static bool
is_current(const BarqUpcoming *upcoming, IndexScanDesc scan, const VectorScan *vs)
{
	const BarqVectorSpace *space;
	const void *value;
	void	   *copy;
	int			dims;
	bool		same;

	if (upcoming->type != scan->indexRelation->rd_opcintype[0] || vs->query.is_null ||
		vs->query.is_zero || upcoming->current >= upcoming->n)
		return false;
	space = barq_vector_space(scan->indexRelation);
	value = space->elements(upcoming->queries[upcoming->current], &dims, &copy);
	same = dims == vs->rounds.codec.dims &&
		memcmp(value, vs->query.value, barq_value_bytes(&vs->rounds.codec, value)) == 0;
	if (copy != NULL)
		pfree(copy);
	return same;
}

/* Whether two keys stand for the same step. */
static bool
same_key(const TogetherKey *a, const TogetherKey *b)
{
	return a->index == b->index && a->want == b->want && a->breadth == b->breadth &&
		a->probes == b->probes && a->probes_only == b->probes_only &&
		a->beside_graphs == b->beside_graphs;
}

/* The slice of an index, made if there is none; its key may have changed. */
static TogetherSlice *
slice_of(BarqUpcoming *upcoming, const TogetherKey *key)
{
	TogetherSlice *slice = upcoming->scans;

	while (slice != NULL && slice->key.index != key->index)
		slice = slice->next;
	if (slice == NULL)
	{
		slice = MemoryContextAllocZero(upcoming->context, sizeof(TogetherSlice));
		slice->context = AllocSetContextCreate(upcoming->context, "barq slice", ALLOCSET_DEFAULT_SIZES);
		slice->next = upcoming->scans;
		upcoming->scans = slice;
	}
	if (!same_key(&slice->key, key))
	{
		slice->key = *key;
		slice->n = 0;
	}
	return slice;
}

/* Add an announced query to a slice, unless a search for it has no such step. */
static void
add_query(TogetherSlice *slice, const BarqUpcoming *upcoming, Relation index,
		  const BarqCodec *codec)
{
	const BarqVectorSpace *space = barq_vector_space(index);
	int			dims;
	void	   *copy;
	const void *value = space->elements(upcoming->queries[slice->from + slice->n], &dims, &copy);

	slice->numbers[slice->n] = -1;
	if (dims == codec->dims &&
		!(codec->metric == BARQ_METRIC_COSINE && barq_value_is_zero(codec, value)))
	{
		slice->numbers[slice->n] = slice->nqueries;
		slice->queries[slice->nqueries++] = barq_query_prepare(palloc(barq_query_bytes(codec)),
															   codec, value);
	}
	if (copy != NULL)
		pfree(copy);
	slice->n++;
}

/* Begin a slice at the current query: as many queries as fit into work_mem. */
static void
begin_slice(TogetherSlice *slice, const BarqUpcoming *upcoming, Relation index, VectorScan *vs,
			const BarqSearchParams *params)
{
	const BarqCodec *codec = &vs->rounds.codec;
	MemoryContext old;
	Size		each = barq_query_bytes(codec);
	int			most;

	for (uint32 i = 0; i < vs->rounds.snapshot->nsegments; i++)
	{
		BarqView   *view = &vs->rounds.views[i];
		const BarqSegmentKind *kind = barq_segment_kind(view->kind);

		if (kind->vectors != NULL && kind->vectors->together_bytes != NULL)
			each += kind->vectors->together_bytes(view, params, slice->key.want);
	}
	MemoryContextReset(slice->context);
	old = MemoryContextSwitchTo(slice->context);
	slice->from = upcoming->current;
	slice->n = slice->nqueries = slice->nsegments = slice->space = 0;
	slice->segments = NULL;
	most = (int) Min((Size) (upcoming->n - slice->from), work_mem * (Size) 1024 / each);
	slice->numbers = palloc_array(int, Max(most, 1));
	slice->queries = palloc_array(const BarqQuery *, Max(most, 1));
	while (slice->n < most)
	{
		CHECK_FOR_INTERRUPTS();
		add_query(slice, upcoming, index, codec);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Whether a segment is searched by half codes (flat/README.md): bounded by the keys of
 * larger ones, that costs less than a part of a search for several queries together,
 * which has no bound.
 */
static bool
searches_halves(const BarqSearchParams *params, uint32 segment, const BarqSegmentDesc *desc,
				const BarqView *view)
{
	return segment > 0 && desc->passing_bytes > 0 && view->base != NULL && params->recall == 0;
}

const BarqSearchStart *
barq_together_start(IndexScanDesc scan, VectorScan *vs, uint32 segment,
					const BarqSearchParams *params)
{
	BarqUpcoming *upcoming = barq_upcoming();
	const BarqSegmentDesc *desc = &vs->rounds.snapshot->segments[segment].desc;
	BarqView   *view = &vs->rounds.views[segment];
	const BarqVectorSearchOps *ops = barq_segment_kind(view->kind)->vectors;
	TogetherKey key;
	TogetherSlice *slice;
	SegmentStarts *found = NULL;
	MemoryContext old;
	int			number;

	if (upcoming == NULL || ops->begin_together == NULL || upcoming->n < 2 ||
		searches_halves(params, segment, desc, view) || !is_current(upcoming, scan, vs))
		return NULL;
	memset(&key, 0, sizeof(key));
	key.index = RelationGetRelid(scan->indexRelation);
	key.want = barq_scan_rows_asked(vs);
	key.breadth = params->breadth;
	key.probes = params->probes;
	key.probes_only = params->probes_only;
	key.beside_graphs = params->beside_graphs;
	slice = slice_of(upcoming, &key);
	if (upcoming->current < slice->from || upcoming->current >= slice->from + slice->n)
		begin_slice(slice, upcoming, scan->indexRelation, vs, params);
	if (slice->nqueries < 2)
		return NULL;
	number = slice->numbers[upcoming->current - slice->from];
	Assert(number >= 0);

	for (int i = 0; i < slice->nsegments && found == NULL; i++)
		if (memcmp(slice->segments[i].id, desc->id, BARQ_ID_BYTES) == 0)
			found = &slice->segments[i];
	if (found == NULL)
	{
		BarqSearchStart *starts;

		old = MemoryContextSwitchTo(slice->context);
		starts = palloc_array(BarqSearchStart, slice->nqueries);
		ops->begin_together(view, params, slice->queries, slice->nqueries, key.want, starts);
		BARQ_ARRAY_RESERVE(slice->segments, slice->space, slice->nsegments + 1, 8);
		found = &slice->segments[slice->nsegments++];
		memcpy(found->id, desc->id, BARQ_ID_BYTES);
		found->starts = starts;
		MemoryContextSwitchTo(old);
	}
	return &found->starts[number];
}
