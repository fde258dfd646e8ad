/*
 * filter_section.h
 *	  Reading the section of filter columns of a body: what filter_section.c and
 *	  filter_rows.c share.
 */
#ifndef BARQ_FILTER_SECTION_H
#define BARQ_FILTER_SECTION_H

#include "store/filter_rows.h"
#include "store/view.h"

/* Raise ERRCODE_INDEX_CORRUPTED. */
extern void barq_filter_corrupted(void);

/* `len` bytes of the section, as barq_view_read() gives them. */
static inline const void *
read_section(BarqFilterView *filters, uint64 off, Size len)
{
	return barq_view_read(&filters->body, filters->off + off, len);
}

/* An element of an array of the section. */
static inline uint64
read_word(BarqFilterView *filters, uint64 off, uint64 number)
{
	return *(const uint64 *) read_section(filters, off + number * sizeof(uint64),
										  sizeof(uint64));
}

/* The same of numbers of 32 bits. */
static inline uint32
read_number(BarqFilterView *filters, uint64 off, uint64 number)
{
	uint32		value;

	memcpy(&value, read_section(filters, off + number * sizeof(uint32), sizeof(uint32)),
		   sizeof(value));
	return value;
}

/* Whether a row's value is NULL. */
static inline bool
is_null(BarqFilterView *filters, const BarqFilterColumn *column, uint32 row)
{
	const uint8 *byte;

	if (column->nulls_off == 0)
		return false;
	byte = read_section(filters, column->nulls_off + row / 8, 1);
	return (*byte >> (row % 8)) & 1;
}

#endif							/* BARQ_FILTER_SECTION_H */
