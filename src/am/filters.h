/*
 * filters.h
 *	  Filter columns of all access methods: which types they can have, their values as
 *	  words (store/filters.h), and conditions from scan keys.
 */
#ifndef BARQ_AM_FILTERS_H
#define BARQ_AM_FILTERS_H

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "nodes/pathnodes.h"
#include "store/filter_rows.h"
#include "store/growing.h"
#include "utils/relcache.h"

/*
 * Strategies of operators of filter columns. Search classes have lower ones, so that
 * bm25_ops can be both.
 */
#define BARQ_FILTER_LESS			11
#define BARQ_FILTER_LESS_EQUAL		12
#define BARQ_FILTER_EQUAL			13
#define BARQ_FILTER_GREATER_EQUAL	14
#define BARQ_FILTER_GREATER			15
#define BARQ_FILTER_OVERLAPS		16
#define BARQ_FILTER_CONTAINS		17

/* How values of a filter column become words. */
typedef enum BarqFilterForm
{
	BARQ_FILTER_NONE,			/* no filter column has this type */
	BARQ_FILTER_INTEGER,		/* smallint, int, bigint: one order */
	BARQ_FILTER_OID,
	BARQ_FILTER_FLOAT,			/* real, float8: one order, -0 is 0, NaN the last */
	BARQ_FILTER_BOOL,
	BARQ_FILTER_DATE,			/* days */
	BARQ_FILTER_TIMESTAMP,		/* with or without time zone: microseconds */
	BARQ_FILTER_UUID,			/* its first 8 bytes */
	BARQ_FILTER_TEXT,			/* a hash under the column's collation */
	BARQ_FILTER_ENUM,			/* OID of the value, whose order is another */
	BARQ_FILTER_INTEGERS,		/* arrays */
	BARQ_FILTER_TEXTS
} BarqFilterForm;

/* The form of an operator class's input type. No side effects. */
extern BarqFilterForm barq_filter_form(Oid type);

/* Do the words of values of a form have the order of its types? No side effects. */
static inline bool
barq_filter_is_sortable(BarqFilterForm form)
{
	return form >= BARQ_FILTER_INTEGER && form <= BARQ_FILTER_TIMESTAMP;
}

/* The types of filter columns as a list for messages; constant. */
extern const char *barq_filter_types(void);

/* The filter columns of an index, as numbers from 0 of its columns. */
typedef struct BarqFilterColumns
{
	int			n;
	uint8		columns[INDEX_MAX_KEYS];
} BarqFilterColumns;

/* The filter columns of an index in which all columns but the first are filter columns. */
static inline BarqFilterColumns
barq_filters_behind_first(Relation index)
{
	BarqFilterColumns filters = {.n = index->rd_index->indnkeyatts - 1};

	for (int i = 0; i < filters.n; i++)
		filters.columns[i] = i + 1;
	return filters;
}

/*
 * The words of a row's filter columns, from all its values as aminsert gets them. Palloc'd; may leave detoasted values in the current memory context.
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED for arrays with too many elements.
 */
extern void barq_filter_encode(Relation index, const BarqFilterColumns *columns,
							   const Datum *values, const bool *isnull,
							   BarqFilterValues *filters);

/*
 * The condition of the scan keys on filter columns, palloc'd; NULL if there are none.
 * Keys on other columns are left out.
 */
extern BarqFilterCondition *barq_filter_of_keys(IndexScanDesc scan,
												const BarqFilterColumns *columns);

/* filter_paths.c. Called once, when the library is loaded: offers more index paths. */
extern void barq_filter_init(void);

/*
 * An ordered path of an index of barq with the conditions on filter columns that the planner
 * does not give it: before version 17 `= ANY (array)`, before 16 boolean columns. The path
 * itself if there are none.
 */
extern IndexPath *barq_filter_whole_path(PlannerInfo *root, RelOptInfo *rel,
										 IndexPath *path);

/*
 * filter_cost.c. The share of the table's rows that satisfy the index clauses of a path
 * on filter columns, and of the null tests of the first; 1 without any.
 */
extern double barq_filter_selectivity(struct PlannerInfo *root, struct IndexPath *path);

#endif							/* BARQ_AM_FILTERS_H */
