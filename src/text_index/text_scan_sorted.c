/*
 * text_scan_sorted.c
 *	  Index scans over text whose matching rows come in the order of a filter column, for
 *	  `WHERE body @@@ 'words' ORDER BY price LIMIT 10`.
 *
 * Rows are found in batches, each larger than the one before, as in a ranking
 * (text_scan_ranked.c): a batch is one search of all segments and of the log for the first
 * rows after the last row of the batch before, in the order of (value, TID). A segment keeps
 * its rows in the order of each filter column. Where many rows match, that order is walked
 * from the row returned last, and each row is looked for in the postings, until the batch is
 * full of rows that come before the rest. Where few match, or where the walk has met few
 * matches for its length, all matches are found and compared.
 */
#include "postgres.h"

#include "base/bits.h"
#include "base/interrupts.h"
#include "base/settings.h"
#include "miscadmin.h"
#include "store/filter_rows.h"
#include "store/view.h"
#include "text_index/text_scan.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define BATCH_GROWTH	4
#define FIRST_CHUNK		64		/* rows of the order looked for at once */
#define LAST_CHUNK		4096

/* To look for a row in the postings costs as much as to find so many matches in turn. */
#define LOOK_COST		8

/* To pass over a row that a condition leaves out costs this part of looking for one. */
#define SKIP_SHARE		16

/* A row and its place in the order: rows compare by (second, key, TID). */
typedef struct SortedRow
{
	uint64		key;			/* the value's word, inverted for descending order; 0: NULL */
	ItemPointerData tid;		/* descending where values are */
	bool		second;			/* NULLs come last and it is NULL, or first and it is not */
	bool		recheck;		/* the index does not decide whether it matches */
} SortedRow;

typedef struct BarqTextSort
{
	int			column;			/* of the filter columns, from 0 */
	bool		descending;
	bool		nulls_first;

	/* the batch: a heap, the last row first, while it is being filled */
	SortedRow  *rows;
	uint32		n;
	uint32		most;
	uint32		next;			/* to return; then the rows are in order */
	bool		last;			/* there is no row after the batch */
	bool		resumed;		/* rows begin after the one below */
	SortedRow	after;			/* returned last */
	MemoryContext context;		/* of a batch */

	uint64		looked;			/* rows of orders looked for in postings */
	uint64		compared;		/* matching rows compared */
} BarqTextSort;

/* A segment, or the log, that is searched. */
typedef struct Source
{
	BarqTextScan *ts;
	BarqTextSort *sort;
	BarqView   *view;			/* of `filters`; NULL: none is open */
	BarqFilterView filters;
	bool		resumed;		/* only rows after the one below */
	SortedRow	after;
} Source;

static inline int
compare(const BarqTextSort *sort, const SortedRow *a, const SortedRow *b)
{
	int			tids;

	if (a->second != b->second)
		return a->second ? 1 : -1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	tids = ItemPointerCompare(unconstify(ItemPointerData *, &a->tid),
							  unconstify(ItemPointerData *, &b->tid));
	return sort->descending ? -tids : tids;
}

/* qsort_arg comparator. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	return compare(arg, a, b);
}

/* The place of a row; given: it has a value. */
static inline SortedRow
place_of(const BarqTextSort *sort, bool given, uint64 word, const ItemPointerData *tid)
{
	SortedRow	row = {.tid = *tid, .second = given == sort->nulls_first};

	if (given)
		row.key = sort->descending ? ~word : word;
	return row;
}

/* ---- the batch ---- */

/* Is the batch full of rows that come before this one? */
static inline bool
is_late(const BarqTextSort *sort, const SortedRow *row)
{
	return sort->n == sort->most && compare(sort, row, &sort->rows[0]) > 0;
}

/* Put a row into the heap, for its last row if it is full. */
static void
keep(BarqTextSort *sort, const SortedRow *row)
{
	SortedRow  *heap = sort->rows;
	uint32		at;

	if (sort->n < sort->most)
	{
		for (at = sort->n++; at > 0 && compare(sort, row, &heap[(at - 1) / 2]) > 0; at = (at - 1) / 2)
			heap[at] = heap[(at - 1) / 2];
		heap[at] = *row;
		return;
	}
	for (at = 0; 2 * at + 1 < sort->n;)
	{
		uint32		child = 2 * at + 1;

		if (child + 1 < sort->n && compare(sort, &heap[child + 1], &heap[child]) > 0)
			child++;
		if (compare(sort, row, &heap[child]) >= 0)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = *row;
}

/* Add a matching row unless it was returned or comes too late. */
static inline void
add(Source *source, SortedRow *row, bool recheck)
{
	source->sort->compared++;
	if ((source->resumed && compare(source->sort, row, &source->after) <= 0) ||
		is_late(source->sort, row))
		return;
	row->recheck = recheck;
	keep(source->sort, row);
}

/* Open the values of a segment. */
static void
open_values(Source *source, BarqView *view)
{
	if (source->view == view)
		return;
	source->view = NULL;
	if (!barq_filter_open(view, &source->filters) ||
		source->sort->column >= source->filters.columns ||
		source->filters.column[source->sort->column].kind != BARQ_FILTER_SCALAR)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("a segment has no values of the filter columns"),
				 errhint("Please REINDEX the index.")));
	source->view = view;
}

/* BarqRowsVisitor: rows that match. */
static void
add_matches(void *arg, BarqMatchedRows *rows)
{
	Source	   *source = arg;
	BarqTextSort *sort = source->sort;
	bool		recheck = rows->recheck || source->ts->recheck || source->ts->foreign;

	if (rows->view != NULL)
		open_values(source, rows->view);
	for (uint32 i = 0; i < rows->n; i++)
	{
		uint64		word = 0;
		const uint64 *words;
		bool		given;
		SortedRow	row;

		if (rows->view != NULL)
			given = barq_filter_value(&source->filters, rows->rows[i], sort->column, &word, &words);
		else
		{
			given = !barq_filter_is_null(rows->words, sort->column);
			word = rows->words[1 + sort->column];
		}
		row = place_of(sort, given, word, &rows->tids[i]);
		add(source, &row, recheck);
	}
}

/* ---- the order of a segment ---- */

/* The row at a place of the wanted order, from 0. */
static uint32
row_at(Source *source, uint32 place)
{
	const BarqTextSort *sort = source->sort;
	const BarqFilterColumn *column = &source->filters.column[sort->column];
	uint32		first = sort->nulls_first ? column->nulls : column->ordered;
	bool		null = (place < first) == sort->nulls_first;
	uint32		within = place < first ? place : place - first;

	if (sort->descending)
		within = (null ? column->nulls : column->ordered) - 1 - within;
	return barq_filter_row_in_order(&source->filters, sort->column,
									null ? column->ordered + within : within);
}

/* Its place among the rows of all segments. */
static SortedRow
sorted_row_at(Source *source, uint32 place)
{
	uint32		row = row_at(source, place);
	ItemPointerData tid = barq_view_tid(source->view, row);
	uint64		word = 0;
	const uint64 *words;
	bool		given = barq_filter_value(&source->filters, row, source->sort->column, &word, &words);

	return place_of(source->sort, given, word, &tid);
}

/* The first place of the wanted order behind the row returned last. */
static uint32
first_place(Source *source)
{
	uint32		low = 0;
	uint32		high = source->filters.rows;

	while (source->resumed && low < high)
	{
		uint32		middle = low + (high - low) / 2;
		SortedRow	row = sorted_row_at(source, middle);

		if (compare(source->sort, &row, &source->after) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/*
 * Walk the order of a segment, of whose rows at most `matches` match. False if that took as
 * long as to find all matches: then source->after is the last row walked over.
 */
static bool
walk(Source *source, const uint8 *skip, uint64 matches)
{
	BarqTextSort *sort = source->sort;
	const BarqBm25Query *query = source->ts->query;
	MemoryContext chunk = AllocSetContextCreate(CurrentMemoryContext, "barq sorted rows",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(chunk);
	uint32		total = source->filters.rows;
	uint32		place = first_place(source);
	uint32		length = FIRST_CHUNK;
	uint64		spent = 0;
	bool		found_all = true;

	while (place < total)
	{
		SortedRow	next = sorted_row_at(source, place);
		uint32	   *rows;
		uint32		n = 0;
		uint32		end = (uint32) Min((uint64) place + length, total);
		uint32		passed = end - place;

		barq_check_interrupts();
		if (is_late(sort, &next))
			break;
		if (spent > matches)
		{
			found_all = false;
			break;
		}
		rows = palloc(sizeof(uint32) * length);
		for (; place < end; place++)
		{
			uint32		row = row_at(source, place);

			if (!(skip != NULL && barq_bit_is_set(skip, row)))
				rows[n++] = row;
		}
		qsort(rows, n, sizeof(uint32), compare_numbers);
		barq_bm25_match_listed(source->view, query, rows, n, add_matches, source);
		sort->looked += n;
		spent += n * LOOK_COST + (passed - n) * LOOK_COST / SKIP_SHARE;
		source->after = sorted_row_at(source, place - 1);
		source->resumed = true;
		length = Min(length * 2, LAST_CHUNK);
		MemoryContextReset(chunk);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(chunk);
	return found_all;
}

/* Add the first rows of a segment. */
static void
search_segment(Source *source, BarqView *view, const uint8 *skip)
{
	BarqTextSort *sort = source->sort;
	const BarqBm25Query *query = source->ts->query;
	uint64		matches = query == NULL ? 0 : barq_bm25_match_most(view, query);

	if (query != NULL && matches == 0)
		return;
	open_values(source, view);

	/* a walk looks for most * rows / matches rows */
	if ((double) matches * matches > (double) LOOK_COST * sort->most * view->rows &&
		walk(source, skip, matches))
		return;
	barq_bm25_match(view, query, skip, add_matches, source);
}

/* BarqTextWork: find the next batch. */
static void
search(BarqTextState *state, void *arg)
{
	BarqTextScan *ts = arg;
	BarqTextSort *sort = ts->sort;
	Source		source = {.ts = ts, .sort = sort};

	barq_scan_report_segments(ts->report, state->index, state->snapshot);
	sort->n = 0;
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
	{
		BarqRowFilter filter;

		source.resumed = sort->resumed;
		source.after = sort->after;
		if (barq_text_scan_rows(state, ts, i, 0, &filter))
			search_segment(&source, &state->views[i], filter.skip);
	}
	source.resumed = sort->resumed;
	source.after = sort->after;
	if (barq_consistency != BARQ_CONSISTENCY_SEALED)
		barq_text_log_match(state->log, ts->query, ts->condition, add_matches, &source);
}

static void
next_batch(IndexScanDesc scan, BarqTextScan *ts)
{
	BarqTextSort *sort = ts->sort;
	MemoryContext old;

	MemoryContextReset(sort->context);
	old = MemoryContextSwitchTo(sort->context);
	sort->most = ts->batch;
	sort->rows = palloc_extended(sizeof(SortedRow) * (Size) sort->most, MCXT_ALLOC_HUGE);
	barq_text_with_state(scan->indexRelation, search, ts);
	qsort_arg(sort->rows, sort->n, sizeof(SortedRow), compare_rows, sort);
	sort->last = sort->n < sort->most;
	sort->next = 0;
	ts->batch = Min(ts->batch * BATCH_GROWTH, barq_text_largest_batch());
	MemoryContextSwitchTo(old);
}

/* ---- the scan ---- */

void
barq_text_scan_sort(IndexScanDesc scan, int column, bool descending, bool nulls_first)
{
	BarqTextScan *ts = scan->opaque;
	BarqTextColumns columns;

	Assert(!ts->started && scan->numberOfOrderBys == 0);
	barq_text_columns(scan->indexRelation, &columns);
	ts->sort = MemoryContextAllocZero(ts->context, sizeof(BarqTextSort));
	while (ts->sort->column < columns.filters && columns.filter_columns[ts->sort->column] != column)
		ts->sort->column++;
	if (ts->sort->column == columns.filters)
		elog(ERROR, "column %d of index \"%s\" is not a filter column", column + 1,
			 RelationGetRelationName(scan->indexRelation));
	ts->sort->descending = descending;
	ts->sort->nulls_first = nulls_first;
	ts->sort->context = AllocSetContextCreate(ts->context, "barq sorted batch",
											  ALLOCSET_DEFAULT_SIZES);
}

void
barq_text_scan_sorted_rows(IndexScanDesc scan, uint64 *looked, uint64 *compared)
{
	const BarqTextSort *sort = ((BarqTextScan *) scan->opaque)->sort;

	*looked = sort == NULL ? 0 : sort->looked;
	*compared = sort == NULL ? 0 : sort->compared;
}

bool
barq_text_scan_next_sorted(IndexScanDesc scan, BarqTextScan *ts)
{
	BarqTextSort *sort = ts->sort;
	const SortedRow *row;

	if (sort->next == sort->n)
	{
		if (sort->last)
			return false;
		next_batch(scan, ts);
		if (sort->n == 0)
			return false;
	}
	row = &sort->rows[sort->next++];

	/* nothing else prevents a row from coming twice */
	Assert(!sort->resumed || compare(sort, row, &sort->after) > 0);
	sort->after = *row;
	sort->resumed = true;
	scan->xs_heaptid = row->tid;
	scan->xs_recheck = row->recheck;
	scan->xs_recheckorderby = false;
	return true;
}
