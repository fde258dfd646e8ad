/*
 * filter_rows.c
 *	  The rows of a segment that satisfy a condition on filter columns. Calls
 *	  filter_section.c, kept_rows.c, view.c.
 */
#include "postgres.h"

#include "base/bits.h"
#include "miscadmin.h"
#include "store/filter_section.h"
#include "store/kept_rows.h"

/*
 * A walk of a graph that asks about rows one by one costs as much as to set
 * BITS_PAY · rows / matches bits: it asks about some 1,600 · rows / matches rows, and each
 * answer costs as much as a dozen bits. Of more matches it asks about few rows
 * (hnsw_filter.c).
 */
#define BITS_PAY	20000.0

#define ST_SORT sort_numbers
#define ST_ELEMENT_TYPE uint32
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/*
 * Rows are put in order by way of bits, not by sorting, unless so few are listed that
 * the bits of all rows cost more.
 */
#define ROWS_A_SORT	1024

/* Is a value in one of the ranges of a test? */
static inline bool
in_ranges(const BarqFilterTest *test, uint64 value)
{
	uint32		low = 0;
	uint32		high = test->nranges;

	/* the first range that does not end below the value */
	while (low < high)
	{
		uint32		middle = (low + high) / 2;

		if (test->ranges[middle].high < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < test->nranges && test->ranges[low].low <= value;
}

static bool
any_in_ranges(const BarqFilterTest *test, const uint64 *words, uint64 n)
{
	if (test->any)
		return true;
	for (uint64 i = 0; i < n; i++)
		if (in_ranges(test, words[i]))
			return true;
	return false;
}

bool
barq_filter_admits_words(const BarqFilterCondition *condition, const uint64 *words)
{
	if (condition->never)
		return false;
	for (int i = 0; i < condition->ntests; i++)
	{
		const BarqFilterTest *test = &condition->tests[i];
		uint32		n = 1;
		const uint64 *values = &words[1 + test->column];

		if (barq_filter_is_null(words, test->column))
		{
			if (!test->null)
				return false;
			continue;
		}
		if (barq_filter_is_set(words, test->column))
			values = barq_filter_elements(words, condition->columns, test->column, &n);
		if (!any_in_ranges(test, values, n))
			return false;
	}
	return true;
}

/* Does a row pass one test? */
static inline bool
passes(const BarqFilterTest *test, BarqFilterView *filters, uint32 row)
{
	const BarqFilterColumn *column = &filters->column[test->column];
	uint64		n;
	const uint64 *words;

	if (is_null(filters, column, row))
		return test->null;
	if (test->any)
		return true;
	if (column->kind == BARQ_FILTER_SCALAR)
		return in_ranges(test, read_word(filters, column->values_off, row));
	(void) barq_filter_value(filters, row, test->column, &n, &words);
	return any_in_ranges(test, words, n);
}

bool
barq_filter_admits(const BarqFilterCondition *condition, BarqFilterView *filters, uint32 row)
{
	if (condition->never)
		return false;
	for (int i = 0; i < condition->ntests; i++)
		if (!passes(&condition->tests[i], filters, row))
			return false;
	return true;
}

/* Entries of a column's order whose values are below `value`, or (`through`) equal. */
static uint32
entries_below(BarqFilterView *filters, const BarqFilterColumn *column, uint64 value,
			  bool through)
{
	uint32		low = 0;
	uint32		high = column->ordered;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		uint64		here;

		if (column->kind == BARQ_FILTER_SET)
			here = read_word(filters, column->sorted_off, middle);
		else
		{
			uint32		row = read_number(filters, column->order_off, middle);

			if (row >= filters->rows)
				barq_filter_corrupted();
			here = read_word(filters, column->values_off, row);
		}
		if (here < value || (through && here == value))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A part of a column's order. */
typedef struct Slice
{
	uint32		first;
	uint32		n;
} Slice;

/*
 * The parts of a column's order that a test admits, palloc'd; *nslices receives their
 * number. Returns how many entries they have. Sets have an entry for each word: rows
 * may occur more than once.
 */
static uint64
slices_of(const BarqFilterTest *test, BarqFilterView *filters, Slice **slices, int *nslices)
{
	const BarqFilterColumn *column = &filters->column[test->column];
	uint64		total = 0;

	*slices = palloc(sizeof(Slice) * (test->nranges + 3));
	*nslices = 0;
	for (uint32 i = 0; i < test->nranges; i++)
	{
		uint32		first = entries_below(filters, column, test->ranges[i].low, false);
		uint32		end = entries_below(filters, column, test->ranges[i].high, true);

		if (end > first)
			(*slices)[(*nslices)++] = (Slice) {first, end - first};
		total += end - first;
	}
	if (test->any)
	{
		(*slices)[(*nslices)++] = (Slice) {0, column->ordered};
		(*slices)[(*nslices)++] = (Slice) {column->ordered + column->nulls, column->empty};
		total = (uint64) column->ordered + column->empty;
	}
	if (test->null && column->nulls > 0)
	{
		(*slices)[(*nslices)++] = (Slice) {column->ordered, column->nulls};
		total += column->nulls;
	}
	return total;
}

/* A condition on one segment: the argument of admits(). */
typedef struct Matching
{
	const BarqFilterCondition *condition;
	BarqFilterView filters;
	int			best;			/* the test that the fewest rows pass */
	Slice	   *slices;			/* of its column */
	int			nslices;
} Matching;

/* BarqRowFilter.admits */
static bool
admits(void *arg, uint32 row)
{
	Matching   *m = arg;

	return barq_filter_admits(m->condition, &m->filters, row);
}

/* The row of an entry of the order of the best test's column. */
static inline uint32
row_of_order(Matching *m, uint64 entry)
{
	const BarqFilterColumn *column = &m->filters.column[m->condition->tests[m->best].column];
	uint32		row;

	if ((entry & 0xfff) == 0)
		CHECK_FOR_INTERRUPTS();
	row = read_number(&m->filters, column->order_off, entry);
	if (row >= m->filters.rows)
		barq_filter_corrupted();
	return row;
}

/* Does a row that the best test admits pass the others too, and is it not dead? */
static inline bool
passes_others(Matching *m, const uint8 *dead, uint32 row)
{
	if (dead != NULL && barq_bit_is_set(dead, row))
		return false;
	for (int i = 0; i < m->condition->ntests; i++)
		if (i != m->best && !passes(&m->condition->tests[i], &m->filters, row))
			return false;
	return true;
}

/*
 * The rows of a slice if they are mapped and each of them is admitted: one test, none
 * dead. NULL otherwise.
 */
static const uint32 *
plain_slice(Matching *m, const uint8 *dead, int slice)
{
	const BarqFilterColumn *column = &m->filters.column[m->condition->tests[m->best].column];

	if (m->condition->ntests != 1 || dead != NULL || m->filters.body.base == NULL)
		return NULL;
	return (const uint32 *) (m->filters.body.base + m->filters.off + column->order_off) +
		m->slices[slice].first;
}

/* Clear a bit for each row admitted; the others stay set. Rows may come twice. */
static void
clear_admitted(Matching *m, const uint8 *dead, uint8 *bits)
{
	for (int s = 0; s < m->nslices; s++)
	{
		const uint32 *rows = plain_slice(m, dead, s);

		for (uint32 i = 0; i < m->slices[s].n; i++)
		{
			uint32		row;

			if (rows == NULL)
			{
				row = row_of_order(m, m->slices[s].first + i);
				if (!passes_others(m, dead, row))
					continue;
			}
			else
				row = rows[i];
			if (unlikely(row >= m->filters.rows))
				barq_filter_corrupted();
			if ((i & 0xffff) == 0)
				CHECK_FOR_INTERRUPTS();
			barq_bit_clear(bits, row);
		}
	}
}

/* A bit for each row, set: it is dead or not admitted. Palloc'd. */
static uint8 *
refused_bits(Matching *m, const uint8 *dead)
{
	Size		bytes = Max(barq_bits_bytes(m->filters.rows), 1);
	uint8	   *bits = palloc_extended(bytes, MCXT_ALLOC_HUGE);

	memset(bits, 0xff, bytes);
	clear_admitted(m, dead, bits);
	return bits;
}

/*
 * Whether bits cost less than what searches have spent, this one by asking included; than
 * this one alone, if they cannot be kept.
 */
static bool
bits_pay(const BarqKept *kept, uint64 matches, uint32 rows)
{
	double		spent = BITS_PAY * rows / matches;

	if (kept != NULL && kept->entry != NULL)
		kept->entry->spent += spent;
	if (matches <= spent)
		return true;
	return kept != NULL && kept->entry != NULL && matches <= kept->entry->spent &&
		(kept->entry->refused != NULL || barq_kept_may_keep(kept, barq_bits_bytes(rows)));
}

/* Have *filter leave out rows by bits, which are kept or made now, and dead rows. */
static void
skip_by_bits(Matching *m, const BarqKept *kept, const uint8 *dead, BarqRowFilter *filter)
{
	Size		bytes = barq_bits_bytes(m->filters.rows);
	const uint8 *refused = kept != NULL && kept->entry != NULL ? kept->entry->refused : NULL;
	uint8	   *bits;

	filter->skip = refused;
	if (refused != NULL && dead == NULL)
		return;
	if (refused != NULL)
	{
		bits = palloc_extended(Max(bytes, 1), MCXT_ALLOC_HUGE);
		memcpy(bits, refused, bytes);
	}
	else
	{
		bits = refused_bits(m, NULL);
		if (kept != NULL)
			barq_kept_keep_refused(kept, bits, bytes);
	}
	for (Size i = 0; dead != NULL && i < bytes; i++)
		bits[i] |= dead[i];
	filter->skip = bits;
}

/* List the rows admitted, at most `most`, which is the number of entries of the slices. */
static void
list_all(Matching *m, uint64 most, BarqRowFilter *filter)
{
	uint32		total = m->filters.rows;
	uint32	   *rows = MemoryContextAllocHuge(CurrentMemoryContext,
											  (Min(most, total) + BARQ_BITS_LIST_SPARE) * sizeof(uint32));
	uint32		n = 0;

	if (most * ROWS_A_SORT < total)
	{
		/* entries of sets may come twice */
		uint32		kept = 0;

		for (int s = 0; s < m->nslices; s++)
			for (uint32 i = 0; i < m->slices[s].n; i++)
			{
				uint32		row = row_of_order(m, m->slices[s].first + i);

				if (passes_others(m, NULL, row))
					rows[n++] = row;
			}
		sort_numbers(rows, n);
		for (uint32 i = 0; i < n; i++)
			if (i == 0 || rows[i] != rows[kept - 1])
				rows[kept++] = rows[i];
		n = kept;
	}
	else
	{
		uint8	   *bits = refused_bits(m, NULL);

		n = barq_bits_list_clear(bits, total, rows);
		pfree(bits);
	}
	filter->rows = rows;
	filter->count = n;
}

/* List the rows admitted that are not dead: of those kept, or of the slices' `most` entries. */
static void
list_rows(Matching *m, const BarqKept *kept, const uint8 *dead, uint64 most, BarqRowFilter *filter)
{
	uint32	   *rows;
	uint32		n = 0;

	filter->skip = NULL;
	if (kept != NULL && kept->entry != NULL && kept->entry->rows != NULL)
	{
		filter->rows = kept->entry->rows;
		filter->count = kept->entry->nrows;
	}
	else
	{
		list_all(m, most, filter);
		if (kept != NULL)
			barq_kept_keep_rows(kept, filter->rows, filter->count);
	}
	if (dead == NULL)
		return;
	rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * Max((Size) filter->count, 1));
	for (uint32 i = 0; i < filter->count; i++)
	{
		rows[n] = filter->rows[i];
		n += !barq_bit_is_set(dead, rows[n]);
	}
	filter->rows = rows;
	filter->count = n;
}

/* Note rows from all over the slices. */
static void
note_seeds(Matching *m, const uint8 *dead, uint64 total, BarqRowFilter *filter)
{
	uint32	   *seeds = palloc(sizeof(uint32) * BARQ_FILTER_SEEDS);
	uint64		step = Max(total / BARQ_FILTER_SEEDS, 1);
	uint64		at = step / 2;
	uint64		before = 0;

	for (int s = 0; s < m->nslices; s++)
	{
		for (; at < before + m->slices[s].n && filter->nseeds < BARQ_FILTER_SEEDS; at += step)
		{
			uint32		row = row_of_order(m, m->slices[s].first + (at - before));

			if (passes_others(m, dead, row))
				seeds[filter->nseeds++] = row;
		}
		before += m->slices[s].n;
	}
	filter->seeds = seeds;
}

/*
 * For a condition of one test of one range, whose column has no NULL and is mapped: have
 * the filter compare words. False for others.
 */
static bool
compare_words(const Matching *m, BarqRowFilter *filter)
{
	const BarqFilterTest *test = &m->condition->tests[0];
	const BarqFilterColumn *column = &m->filters.column[test->column];

	if (m->condition->ntests != 1 || test->nranges != 1 || test->any ||
		m->filters.body.base == NULL || column->nulls_off != 0 ||
		column->kind != BARQ_FILTER_SCALAR)
		return false;
	filter->words = (const uint64 *) (m->filters.body.base + m->filters.off + column->values_off);
	filter->low = test->ranges[0].low;
	filter->high = test->ranges[0].high;
	return true;
}

void
barq_filter_open_for(const BarqFilterCondition *condition, BarqView *view, BarqFilterView *filters)
{
	if (!barq_filter_open(view, filters) || filters->columns != condition->columns)
		barq_filter_corrupted();
}

void
barq_filter_rows(const BarqFilterCondition *condition, BarqView *view, const BarqKept *kept,
				 const uint8 *dead, uint32 list_below, bool bits, BarqRowFilter *filter)
{
	static const uint32 none = 0;
	Matching   *m = palloc0(sizeof(Matching));
	uint64		fewest = PG_UINT64_MAX;

	memset(filter, 0, sizeof(*filter));
	filter->rows = &none;
	if (condition->never || view->rows == 0)
		return;
	barq_filter_open_for(condition, view, &m->filters);
	m->condition = condition;
	Assert(condition->ntests > 0);
	for (int i = 0; i < condition->ntests; i++)
	{
		Slice	   *slices;
		int			nslices;
		uint64		n = slices_of(&condition->tests[i], &m->filters, &slices, &nslices);

		if (n >= fewest)
			continue;
		fewest = n;
		m->best = i;
		m->slices = slices;
		m->nslices = nslices;
	}
	if (fewest == 0)
		return;
	filter->count = (uint32) Min(fewest, view->rows);
	/* kept rows must not decide: the same search would find other rows later */
	if (filter->count <= list_below)
	{
		list_rows(m, kept, dead, fewest, filter);
		return;
	}
	filter->rows = NULL;
	note_seeds(m, dead, fewest, filter);
	if (bits_pay(kept, fewest, view->rows) || bits)
	{
		skip_by_bits(m, kept, dead, filter);
		return;
	}
	filter->skip = dead;
	if (compare_words(m, filter))
		return;
	filter->admits = admits;
	filter->arg = m;
}
