/*
 * filters.c
 *	  Values of filter columns as words; writing the section of a body.
 *
 * A kind writes its rows in an order of its own. So values are not carried through
 * seals, builds and merges: when the kind's part is complete, its TIDs are read, and
 * the values are looked up by them. Calls filter_rows.c, view.c and writer.c.
 */
#include "postgres.h"

#include "base/array.h"
#include "base/bits.h"
#include "base/interrupts.h"
#include "store/filter_rows.h"
#include "store/view.h"

#define ROW_BATCH	1024

uint32
barq_filter_words(const uint64 *words, int columns, uint64 most)
{
	uint64		n = 1 + columns;

	if (most < n)
		return 0;
	for (int i = 0; i < columns; i++)
	{
		if (!barq_filter_is_set(words, i))
			continue;
		if (words[1 + i] > most - n)
			return 0;
		n += words[1 + i];
	}
	return (uint32) n;
}

const uint64 *
barq_filter_elements(const uint64 *words, int columns, int column, uint32 *n)
{
	const uint64 *at = words + 1 + columns;

	for (int i = 0; i < column; i++)
		if (barq_filter_is_set(words, i))
			at += words[1 + i];
	*n = (uint32) words[1 + column];
	return at;
}

void
barq_filters_add(BarqFilterRows *rows, MemoryContext context, const ItemPointerData *tid,
				 const uint64 *words, int columns, bool copy)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	BarqFilterRow *row;

	if (copy)
	{
		Size		bytes = sizeof(uint64) *
			(Size) barq_filter_words(words, columns, PG_UINT64_MAX);

		words = memcpy(palloc_extended(bytes, MCXT_ALLOC_HUGE), words, bytes);
	}
	BARQ_ARRAY_RESERVE(rows->rows, rows->space, rows->n + 1, 256);
	MemoryContextSwitchTo(old);
	row = &rows->rows[rows->n++];
	row->tid = *tid;
	row->input = BARQ_FILTER_WORDS;
	row->at.words = words;
}

static inline uint64
tid_word(const ItemPointerData *tid)
{
	return ((uint64) ItemPointerGetBlockNumberNoCheck(tid) << 16) |
		ItemPointerGetOffsetNumberNoCheck(tid);
}

static inline int
compare_rows(const BarqFilterRow *a, const BarqFilterRow *b)
{
	uint64		x = tid_word(&a->tid);
	uint64		y = tid_word(&b->tid);

	if (x == y && a->input != BARQ_FILTER_WORDS && b->input != BARQ_FILTER_WORDS)
	{
		/* a dead row's TID may be another row's now: that comes first */
		x = a->at.row & BARQ_FILTER_DEAD;
		y = b->at.row & BARQ_FILTER_DEAD;
	}
	return x < y ? -1 : x > y;
}

#define ST_SORT sort_rows
#define ST_ELEMENT_TYPE BarqFilterRow
#define ST_COMPARE(a, b) compare_rows(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* A value and its row. */
typedef struct Entry
{
	uint64		value;
	uint32		row;
} Entry;

static inline int
compare_entries(const Entry *a, const Entry *b)
{
	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

#define ST_SORT sort_entries
#define ST_ELEMENT_TYPE Entry
#define ST_COMPARE(a, b) compare_entries(a, b)
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The state of writing a section. */
typedef struct Writing
{
	BarqBodyWriter *writer;
	uint64		start;			/* of the section, in the body */
	int			columns;
	uint32		rows;
	uint32		all_rows;
	const BarqFilterRow **at;	/* the values of each row */
	BarqFilterView *inputs;		/* of a merge */
	uint64		buffer[ROW_BATCH];
	int			filled;
} Writing;

/*
 * The value of a row in a column; of a set, how many words it has, and *words receives
 * them, valid until the next call. False for NULL.
 */
static bool
value_of(Writing *w, uint32 row, int column, uint64 *value, const uint64 **words)
{
	const BarqFilterRow *from = w->at[row];
	uint32		n;

	if (from->input != BARQ_FILTER_WORDS)
		return barq_filter_value(&w->inputs[from->input], (uint32) from->at.row, column,
								 value, words);
	if (barq_filter_is_null(from->at.words, column))
		return false;
	*value = from->at.words[1 + column];
	if (barq_filter_is_set(from->at.words, column))
		*words = barq_filter_elements(from->at.words, w->columns, column, &n);
	return true;
}

/* Is a column of sets? By the first row's values. */
static bool
holds_sets(const Writing *w, int column)
{
	const BarqFilterRow *from = w->all_rows == 0 ? NULL : w->at[0];

	if (from == NULL)
		return false;
	return from->input == BARQ_FILTER_WORDS ? barq_filter_is_set(from->at.words, column) :
		w->inputs[from->input].column[column].kind == BARQ_FILTER_SET;
}

/* Append to the section. */
static void
put(Writing *w, const void *data, Size bytes)
{
	barq_body_append(w->writer, data, bytes);
}

/* The offset, in the section, of an array that begins now. */
static uint64
begin_array(Writing *w)
{
	barq_body_append_align(w->writer);
	return barq_body_offset(w->writer) - w->start;
}

/* Append a word, by way of the buffer, which end_words() empties. */
static void
put_word(Writing *w, uint64 word)
{
	w->buffer[w->filled++] = word;
	if (w->filled == ROW_BATCH)
	{
		barq_check_interrupts();
		put(w, w->buffer, sizeof(w->buffer));
		w->filled = 0;
	}
}

static void
end_words(Writing *w)
{
	put(w, w->buffer, w->filled * sizeof(uint64));
	w->filled = 0;
}

/* Write the values of a column, or the words of its sets; fills kind and words. */
static void
write_values(Writing *w, int number, BarqFilterColumn *column)
{
	uint64		value;
	const uint64 *words;

	column->kind = holds_sets(w, number) ? BARQ_FILTER_SET : BARQ_FILTER_SCALAR;
	column->values_off = begin_array(w);
	for (uint32 row = 0; row < w->all_rows; row++)
	{
		bool		given = value_of(w, row, number, &value, &words);

		if (column->kind == BARQ_FILTER_SCALAR)
			put_word(w, given ? value : 0);
		for (uint64 i = 0; column->kind == BARQ_FILTER_SET && given && i < value; i++)
		{
			put_word(w, words[i]);
			column->words++;
		}
	}
	end_words(w);
	if (column->words >= PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a segment cannot hold more than %u elements of arrays in a filter column",
						PG_UINT32_MAX - 1)));
}

/* Write where the sets of a column begin. */
static void
write_starts(Writing *w, int number, BarqFilterColumn *column)
{
	uint32		start = 0;
	uint64		value;
	const uint64 *words;

	column->starts_off = begin_array(w);
	for (uint32 row = 0; row <= w->all_rows; row++)
	{
		put(w, &start, sizeof(start));
		if (row < w->all_rows && value_of(w, row, number, &value, &words))
			start += (uint32) value;
	}
}

/* Write the bits of rows that are NULL, if there are any, and the order. */
static void
write_order(Writing *w, int number, BarqFilterColumn *column)
{
	bool		sets = column->kind == BARQ_FILTER_SET;
	uint64		space = Max(sets ? column->words : w->rows, 1);
	Entry	   *entries = MemoryContextAllocHuge(CurrentMemoryContext, space * sizeof(Entry));
	Size		bytes = barq_bits_bytes(w->all_rows);
	uint8	   *nulls = MemoryContextAllocHuge(CurrentMemoryContext, Max(bytes, 1));
	bool		some = false;
	uint64		n = 0;
	uint64		value;
	const uint64 *words;

	memset(nulls, 0, bytes);
	for (uint32 row = 0; row < w->all_rows; row++)
	{
		if ((row & 0xfff) == 0)
			barq_check_interrupts();
		if (!value_of(w, row, number, &value, &words))
		{
			barq_bit_set(nulls, row);
			some = true;
			column->nulls += row < w->rows;
		}
		else if (row < w->rows && !sets)
			entries[n++] = (Entry) {value, row};
		else if (row < w->rows)
		{
			column->empty += value == 0;
			for (uint64 i = 0; i < value; i++)
				entries[n++] = (Entry) {words[i], row};
		}
	}
	Assert(n <= space);
	column->ordered = (uint32) n;
	sort_entries(entries, n);
	if (some)
	{
		column->nulls_off = begin_array(w);
		put(w, nulls, bytes);
	}
	if (sets)
	{
		column->sorted_off = begin_array(w);
		for (uint64 i = 0; i < n; i++)
			put_word(w, entries[i].value);
		end_words(w);
	}
	column->order_off = begin_array(w);
	for (uint64 i = 0; i < n; i++)
		put(w, &entries[i].row, sizeof(uint32));
	for (uint32 row = 0; column->nulls > 0 && row < w->rows; row++)
		if (barq_bit_is_set(nulls, row))
			put(w, &row, sizeof(uint32));
	for (uint32 row = 0; column->empty > 0 && row < w->rows; row++)
		if (value_of(w, row, number, &value, &words) && value == 0)
			put(w, &row, sizeof(uint32));
	pfree(entries);
	pfree(nulls);
}

/* The values of the row with a TID; ERRCODE_INDEX_CORRUPTED if there are none. */
static const BarqFilterRow *
find_row(const BarqFilterRows *rows, const ItemPointerData *tid)
{
	uint64		wanted = tid_word(tid);
	uint64		low = 0;
	uint64		high = rows->n;

	while (low < high)
	{
		uint64		middle = low + (high - low) / 2;

		if (tid_word(&rows->rows[middle].tid) < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == rows->n || tid_word(&rows->rows[low].tid) != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_INDEX_CORRUPTED),
				 errmsg("a row has no values of the filter columns"),
				 errhint("Please REINDEX the index.")));
	return &rows->rows[low];
}

/* Find the values of all rows of a body, by the TIDs that its writer has. */
static void
find_rows(Writing *w, BarqFilterRows *rows)
{
	ItemPointerData tids[ROW_BATCH];

	sort_rows(rows->rows, rows->n);
	w->at = MemoryContextAllocHuge(CurrentMemoryContext,
								   Max((Size) w->all_rows, 1) * sizeof(BarqFilterRow *));
	for (uint32 first = 0; first < w->all_rows; first += ROW_BATCH)
	{
		uint32		n = Min(ROW_BATCH, w->all_rows - first);

		barq_check_interrupts();
		barq_body_read_tids(w->writer, first, n, tids);
		for (uint32 i = 0; i < n; i++)
			w->at[first + i] = find_row(rows, &tids[i]);
	}
}

/*
 * Write the section. The header comes last, for the writer is sequential: the footer
 * leads to it.
 */
static void
write_section(BarqBodyWriter *writer, int columns, BarqFilterRows *rows,
			  BarqFilterView *inputs)
{
	Writing    *w = palloc0(sizeof(Writing));
	BarqFilterHeader header = {.magic = BARQ_FILTERS_MAGIC, .version = BARQ_FILTERS_VERSION};
	BarqFilterColumn *all = palloc0(sizeof(BarqFilterColumn) * columns);

	w->writer = writer;
	w->columns = columns;
	w->inputs = inputs;
	barq_body_rows(writer, &w->rows, &w->all_rows);
	find_rows(w, rows);
	w->start = barq_body_begin_filters(writer);
	for (int i = 0; i < columns; i++)
	{
		write_values(w, i, &all[i]);
		if (all[i].kind == BARQ_FILTER_SET)
			write_starts(w, i, &all[i]);
		write_order(w, i, &all[i]);
	}
	header.columns = columns;
	header.rows = w->rows;
	header.all_rows = w->all_rows;
	header.bytes = begin_array(w) + sizeof(BarqFilterColumn) * columns;
	put(w, all, sizeof(BarqFilterColumn) * columns);
	put(w, &header, sizeof(header));
	pfree(unconstify(BarqFilterRow **, w->at));
	pfree(all);
	pfree(w);
}

void
barq_filters_write(BarqBodyWriter *writer, int columns, BarqFilterRows *rows)
{
	if (columns > 0)
		write_section(writer, columns, rows, NULL);
}

void
barq_filters_merge(BarqBodyWriter *writer, int columns, BarqMergeInput *inputs,
				   uint32 ninputs)
{
	BarqFilterRows rows = {0};
	BarqFilterView *filters;
	uint64		live = 0;

	if (columns == 0)
		return;
	Assert(ninputs < BARQ_FILTER_WORDS);
	filters = palloc0(sizeof(BarqFilterView) * ninputs);
	for (uint32 i = 0; i < ninputs; i++)
		live += barq_view_all_rows(inputs[i].view);
	rows.rows = MemoryContextAllocHuge(CurrentMemoryContext,
									   Max(live, 1) * sizeof(BarqFilterRow));
	for (uint32 i = 0; i < ninputs; i++)
	{
		uint32		n = barq_view_all_rows(inputs[i].view);
		ItemPointerData tids[ROW_BATCH];

		if (n == 0)
			continue;
		if (!barq_filter_open(inputs[i].view, &filters[i]) || filters[i].columns != columns)
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("a segment has no values of the filter columns"),
					 errhint("Please REINDEX the index.")));
		for (uint32 row = 0; row < n; row++)
		{
			BarqFilterRow *to = &rows.rows[rows.n];

			if (row % ROW_BATCH == 0)
			{
				barq_check_interrupts();
				barq_view_tids(inputs[i].view, row, Min(ROW_BATCH, n - row), tids);
			}
			to->tid = tids[row % ROW_BATCH];
			to->input = (uint16) i;
			to->at.row = row;
			if (inputs[i].dead != NULL && barq_bit_is_set(inputs[i].dead, row))
				to->at.row |= BARQ_FILTER_DEAD;
			rows.n++;
		}
	}
	write_section(writer, columns, &rows, filters);
	pfree(rows.rows);
	pfree(filters);
}
