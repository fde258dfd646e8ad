/*
 * filters.h
 *	  Filter columns: the values of further columns of an index, which the store keeps
 *	  beside the rows of every kind. Values as words, in records of the log and in
 *	  memory; writing those of a body.
 *
 * A value is one word of 8 bytes, whose order is that of the column's type where 8
 * bytes keep it, else a hash or a prefix. The value of an array is a set of words.
 * filter_rows.h reads and compares them; am/filters.h makes them.
 */
#ifndef BARQ_FILTERS_H
#define BARQ_FILTERS_H

#include "store/segment.h"
#include "store/writer.h"

/* Filter columns of an index: all its columns but the first. */
#define BARQ_MAX_FILTERS	31

/*
 * The values of one row, as in a record of the log:
 *
 *	words[0]		bit i: column i is NULL; bit 32 + i: column i is a set
 *	words[1 + i]	the value of column i (0 if NULL); of a set: how many words it has
 *	then			the words of the sets, ascending and distinct, column after column
 */
static inline bool
barq_filter_is_null(const uint64 *words, int column)
{
	return (words[0] >> column) & 1;
}

static inline bool
barq_filter_is_set(const uint64 *words, int column)
{
	return (words[0] >> (32 + column)) & 1;
}

/*
 * How many words the values of a row take, of at most `most` words from `words` on.
 * 0 if they do not fit: the record is damaged.
 */
extern uint32 barq_filter_words(const uint64 *words, int columns, uint64 most);

/* The words of a set; *n receives their number, 0 if it is NULL. */
extern const uint64 *barq_filter_elements(const uint64 *words, int columns, int column,
										  uint32 *n);

/*
 * Values of rows, found by the rows' TIDs: a body's rows get an order that its kind
 * chooses, and no two live rows of an index have the same TID but equal values.
 */
typedef struct BarqFilterRow
{
	ItemPointerData tid;
	uint16		input;			/* of a merge; BARQ_FILTER_WORDS: `words` is set */
	union
	{
		const uint64 *words;
		uint64		row;		/* of the input; with BARQ_FILTER_DEAD: it is dead */
	}			at;
} BarqFilterRow;

#define BARQ_FILTER_WORDS	PG_UINT16_MAX
#define BARQ_FILTER_DEAD	(UINT64CONST(1) << 32)

typedef struct BarqFilterRows
{
	BarqFilterRow *rows;		/* palloc'd, or NULL */
	uint64		n;
	uint64		space;
} BarqFilterRows;

/*
 * Add the values of a row to an array in `context`. The words are not copied, unless
 * `copy`: then they are, to that context.
 */
extern void barq_filters_add(BarqFilterRows *rows, MemoryContext context,
							 const ItemPointerData *tid, const uint64 *words,
							 int columns, bool copy);

/*
 * Write the values of all rows of a body, with and without a key, whose kind has
 * finished its part and whose rows without a key are written. Sorts *rows, which has
 * each of its rows. Nothing without columns. Checks for interrupts; temporary memory
 * of 28 bytes a row. Errors of barq_body_write(); ERRCODE_INDEX_CORRUPTED if a row has
 * no values.
 */
extern void barq_filters_write(BarqBodyWriter *writer, int columns, BarqFilterRows *rows);

/*
 * The same with the values of the rows of the inputs of a merge. The body may hold rows
 * that have died since it was begun. Errors of barq_view_read() too.
 */
extern void barq_filters_merge(BarqBodyWriter *writer, int columns, BarqMergeInput *inputs,
							   uint32 ninputs);

#endif							/* BARQ_FILTERS_H */
