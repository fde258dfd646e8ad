/*
 * filter_section.c
 *	  Opening, reading and checking the section of filter columns. Calls view.c.
 */
#include "postgres.h"

#include "base/bits.h"
#include "miscadmin.h"
#include "store/filter_section.h"

void
barq_filter_corrupted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("a segment has damaged values of filter columns"),
			 errhint("Please REINDEX the index.")));
}

/* Does an array of count * width bytes lie inside of a section of so many bytes? */
static bool
array_fits(uint64 bytes, uint64 off, uint64 count, uint64 width)
{
	return off % BARQ_BODY_ALIGN == 0 && off <= bytes && count <= (bytes - off) / width;
}

bool
barq_filter_open(BarqView *view, BarqFilterView *filters)
{
	BarqFilterHeader header;
	uint64		bytes = view->filters_bytes;

	if (view->filters_off == 0)
		return false;
	filters->body = *view;
	filters->body.size = view->filters_off + bytes;
	filters->off = view->filters_off;
	if (bytes < sizeof(header))
		barq_filter_corrupted();
	memcpy(&header, read_section(filters, bytes - sizeof(header), sizeof(header)),
		   sizeof(header));
	if (header.magic != BARQ_FILTERS_MAGIC || header.version != BARQ_FILTERS_VERSION ||
		header.columns == 0 || header.columns > BARQ_MAX_FILTERS ||
		header.rows != view->rows || header.all_rows != barq_view_all_rows(view) ||
		header.bytes != bytes - sizeof(header) ||
		header.bytes < sizeof(BarqFilterColumn) * header.columns)
		barq_filter_corrupted();
	filters->rows = header.rows;
	filters->all_rows = header.all_rows;
	filters->columns = header.columns;
	memcpy(filters->column,
		   read_section(filters, header.bytes - sizeof(BarqFilterColumn) * header.columns,
						sizeof(BarqFilterColumn) * header.columns),
		   sizeof(BarqFilterColumn) * header.columns);
	for (int i = 0; i < filters->columns; i++)
	{
		BarqFilterColumn *column = &filters->column[i];
		bool		sets = column->kind == BARQ_FILTER_SET;

		if (column->kind > BARQ_FILTER_SET || column->nulls > header.rows ||
			(!sets && column->ordered != header.rows - column->nulls) ||
			column->ordered > (sets ? column->words : header.rows) ||
			!array_fits(bytes, column->values_off, sets ? column->words : header.all_rows, 8) ||
			!array_fits(bytes, column->order_off,
						(uint64) column->ordered + column->nulls + column->empty, 4) ||
			column->empty > header.rows || (!sets && column->empty > 0) ||
			!array_fits(bytes, column->nulls_off, barq_bits_bytes(header.all_rows), 1) ||
			(sets && (!array_fits(bytes, column->starts_off, (uint64) header.all_rows + 1, 4) ||
					  !array_fits(bytes, column->sorted_off, column->ordered, 8))))
			barq_filter_corrupted();
	}
	return true;
}

/* The words of a row's set: the range [*start, *end) of the column's. */
static void
set_extent(BarqFilterView *filters, const BarqFilterColumn *column, uint32 row,
		   uint32 *start, uint32 *end)
{
	*start = read_number(filters, column->starts_off, row);
	*end = read_number(filters, column->starts_off, (uint64) row + 1);
	if (*start > *end || *end > column->words)
		barq_filter_corrupted();
}

bool
barq_filter_value(BarqFilterView *filters, uint32 row, int column, uint64 *value,
				  const uint64 **words)
{
	const BarqFilterColumn *of = &filters->column[column];
	uint32		start;
	uint32		end;

	Assert(row < filters->all_rows && column < filters->columns);
	if (is_null(filters, of, row))
		return false;
	if (of->kind == BARQ_FILTER_SCALAR)
	{
		*value = read_word(filters, of->values_off, row);
		return true;
	}
	set_extent(filters, of, row, &start, &end);
	*value = end - start;
	*words = read_section(filters, of->values_off + start * sizeof(uint64),
						  (end - start) * sizeof(uint64));
	return true;
}

uint32
barq_filter_values(BarqFilterView *filters, const uint32 *rows, uint32 n, int column,
				   uint64 *values, uint32 *at)
{
	const BarqFilterColumn *of = &filters->column[column];
	const char *section = filters->body.base == NULL ? NULL : filters->body.base + filters->off;
	uint32		given = 0;

	if (of->kind != BARQ_FILTER_SCALAR)
		barq_filter_corrupted();
	for (uint32 i = 0; i < n; i++)
	{
		Assert(rows[i] < filters->all_rows);
		at[given] = i;
		if (section == NULL)
		{
			if (!is_null(filters, of, rows[i]))
				values[given++] = read_word(filters, of->values_off, rows[i]);
			continue;
		}
		values[given] = ((const uint64 *) (section + of->values_off))[rows[i]];
		given += of->nulls_off == 0 ||
			!barq_bit_is_set((const uint8 *) (section + of->nulls_off), rows[i]);
	}
	return given;
}

uint32
barq_filter_row_in_order(BarqFilterView *filters, int column, uint32 place)
{
	const BarqFilterColumn *of = &filters->column[column];
	uint32		row;

	Assert(of->kind == BARQ_FILTER_SCALAR && place < of->ordered + of->nulls);
	row = read_number(filters, of->order_off, place);
	if (row >= filters->rows)
		barq_filter_corrupted();
	return row;
}

void
barq_filter_check(BarqView *view, int columns, BarqCheckReport report, void *arg)
{
	BarqFilterView filters;

	if (columns == 0)
		return;
	if (!barq_filter_open(view, &filters) || filters.columns != columns)
	{
		report(arg, "filter columns", "the segment lacks their values");
		return;
	}
	for (int i = 0; i < columns; i++)
	{
		const BarqFilterColumn *column = &filters.column[i];
		uint64		before = 0;
		uint32		before_row = 0;

		for (uint32 j = 0; j < column->ordered; j++)
		{
			uint32		row = read_number(&filters, column->order_off, j);
			uint64		value;

			CHECK_FOR_INTERRUPTS();
			if (row >= filters.rows)
			{
				report(arg, psprintf("filter column %d", i + 1),
					   "its order refers to a row that does not exist");
				break;
			}
			value = column->kind == BARQ_FILTER_SET ?
				read_word(&filters, column->sorted_off, j) :
				read_word(&filters, column->values_off, row);
			if (j > 0 && (value < before || (value == before && row <= before_row)))
			{
				report(arg, psprintf("filter column %d", i + 1), "its rows are out of order");
				break;
			}
			before = value;
			before_row = row;
		}
	}
}
