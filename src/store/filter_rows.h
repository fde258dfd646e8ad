/*
 * filter_rows.h
 *	  Conditions on filter columns, and the rows of a segment that satisfy them: how
 *	  many there are, which, and whether one does.
 *
 * The section of a body has the values in the order of the rows,
 * and for each column the rows in the order of the values: so the number of matches of
 * one column is found in O(log n), and they are listed without looking at others.
 */
#ifndef BARQ_FILTER_ROWS_H
#define BARQ_FILTER_ROWS_H

#include "store/filters.h"
#include "store/row_filter.h"

#define BARQ_FILTERS_MAGIC		0x544C4642	/* "BFLT" */
#define BARQ_FILTERS_VERSION	1

/*
 * The section: arrays of the columns, a BarqFilterColumn each, and this header, which is
 * the last. Offsets count from the start of the section and are multiples of
 * BARQ_BODY_ALIGN.
 */
typedef struct BarqFilterHeader
{
	uint32		magic;			/* BARQ_FILTERS_MAGIC */
	uint16		version;		/* BARQ_FILTERS_VERSION */
	uint16		columns;
	uint32		rows;			/* that have a key */
	uint32		all_rows;		/* those without too, which follow */
	uint64		bytes;			/* of the section before this header */
	uint64		reserved[5];
} BarqFilterHeader;

StaticAssertDecl(sizeof(BarqFilterHeader) == 64, "BarqFilterHeader is on disk");

#define BARQ_FILTER_SCALAR	0
#define BARQ_FILTER_SET		1

typedef struct BarqFilterColumn
{
	uint16		kind;			/* BARQ_FILTER_* */
	uint16		reserved16;
	uint32		nulls;			/* rows with a key and without a value */
	uint32		ordered;		/* entries of the order: values that are not NULL, or
								 * words of sets, of rows with a key */
	uint32		empty;			/* sets: rows with a key whose set has no word */
	uint64		words;			/* of sets, of all rows */
	uint64		values_off;		/* uint64[all_rows]; sets: uint64[words] */
	uint64		starts_off;		/* sets: uint32[all_rows + 1], into the words */
	uint64		nulls_off;		/* a bit for each of all rows; 0: no row is NULL */
	uint64		sorted_off;		/* sets: uint64[ordered], the words, ascending */
	uint64		order_off;		/* uint32[ordered + nulls + empty]: rows by value, then
								 * by number; behind them the rows that are NULL, then
								 * those whose set is empty */
} BarqFilterColumn;

StaticAssertDecl(sizeof(BarqFilterColumn) == 64, "BarqFilterColumn is on disk");

/* The section of one body, opened. */
typedef struct BarqFilterView
{
	BarqView	body;			/* which ends with the section */
	uint64		off;			/* of the section */
	uint32		rows;
	uint32		all_rows;
	int			columns;
	BarqFilterColumn column[BARQ_MAX_FILTERS];
} BarqFilterView;

/*
 * Open the section of a body. False if it has none. ERRCODE_INDEX_CORRUPTED if it is
 * damaged: afterwards every array lies inside of it. ERRCODE_BARQ_SEGMENT_GONE.
 */
extern bool barq_filter_open(BarqView *view, BarqFilterView *filters);

/*
 * The value of a row, with or without a key; of a set, how many words it has, which
 * *words receives, valid until the view is read again. False for NULL.
 * ERRCODE_INDEX_CORRUPTED, ERRCODE_BARQ_SEGMENT_GONE.
 */
extern bool barq_filter_value(BarqFilterView *filters, uint32 row, int column,
							  uint64 *value, const uint64 **words);

/*
 * The values of n rows, with or without a key, of a column that is not of sets, in the
 * order of rows[] and without NULLs; returns how many. at[] receives the places of their rows
 * in rows[]. Both arrays have room for n. The same errors.
 */
extern uint32 barq_filter_values(BarqFilterView *filters, const uint32 *rows, uint32 n,
								 int column, uint64 *values, uint32 *at);

/*
 * The row at a place of the order of a column that is not of sets: first the rows with a
 * value, ascending by it and then by number, then those that are NULL, by number. The same
 * errors.
 */
extern uint32 barq_filter_row_in_order(BarqFilterView *filters, int column, uint32 place);

/* Report faults of the section of a body that has `columns` filter columns. */
extern void barq_filter_check(BarqView *view, int columns, BarqCheckReport report, void *arg);

/* A closed range of values. */
typedef struct BarqFilterRange
{
	uint64		low;
	uint64		high;
} BarqFilterRange;

/*
 * What one column must be: in one of the ranges, or NULL. A set must have a word in one
 * of them.
 */
typedef struct BarqFilterTest
{
	int			column;
	bool		null;			/* NULL satisfies it */
	bool		any;			/* every value does; no ranges then */
	uint32		nranges;
	BarqFilterRange *ranges;	/* ascending and apart */
} BarqFilterTest;

/* Tests that a row must all pass. */
typedef struct BarqFilterCondition BarqFilterCondition;
struct BarqFilterCondition
{
	int			columns;		/* of the index */
	int			ntests;
	BarqFilterTest *tests;
	bool		never;			/* no row satisfies it */
	bool		recheck;		/* a row that does may yet not satisfy what the words
								 * stand for */
};

/* Does a row of the log, or of a merge's input, satisfy a condition? */
extern bool barq_filter_admits_words(const BarqFilterCondition *condition,
									 const uint64 *words);

/*
 * Does a row of a segment, with or without a key? ERRCODE_INDEX_CORRUPTED,
 * ERRCODE_BARQ_SEGMENT_GONE.
 */
extern bool barq_filter_admits(const BarqFilterCondition *condition,
							   BarqFilterView *filters, uint32 row);

/*
 * Open the section of a body of the condition's index, which has one: else, and if it is
 * damaged, ERRCODE_INDEX_CORRUPTED. ERRCODE_BARQ_SEGMENT_GONE.
 */
extern void barq_filter_open_for(const BarqFilterCondition *condition, BarqView *view,
								 BarqFilterView *filters);

typedef struct BarqKept BarqKept;	/* kept_rows.h */

/*
 * Fill in *filter: the rows with a key that satisfy a condition and are not in `dead`
 * (NULL: none is). They are listed if no more than `list_below` rows pass the most
 * selective test; else asked one by one, or a bit each if `bits` or if those take less
 * time, in this search or, if they are kept, in all of the condition that `kept` knows of
 * (NULL: of this one alone). Memory is in the current context, which must live as long as
 * *filter; condition and view too.
 */
extern void barq_filter_rows(const BarqFilterCondition *condition, BarqView *view,
							 const BarqKept *kept, const uint8 *dead, uint32 list_below,
							 bool bits, BarqRowFilter *filter);

/* ---- filter_source.c ---- */

/*
 * The source of a scan whose rows have to satisfy a condition and, where there is one, to
 * be admitted by another source.
 */
typedef struct BarqFilterSource
{
	BarqRowSource source;		/* the first member */
	const BarqFilterCondition *condition;	/* or NULL */
	BarqRowSource *outer;		/* or NULL; answers by rows or bits, not by `admits` */
	bool		bits;			/* answer by rows or bits only */
	bool		again;			/* set by a search that asks a second time: no further use
								 * of the condition (kept_rows.h) */
} BarqFilterSource;

/*
 * Set *both to leave out rows by a condition and an outer source, each of which may be
 * NULL, and must live as long as *both. Returns NULL if both are NULL: no row is left out.
 */
extern BarqRowSource *barq_filter_source(BarqFilterSource *both,
										 const BarqFilterCondition *condition,
										 BarqRowSource *outer, bool bits);

#endif							/* BARQ_FILTER_ROWS_H */
