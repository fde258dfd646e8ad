/*
 * facets.h
 *	  barq_facets(): values of filter columns of the rows that match, counted as words
 *	  (store/filters.h), and what is made of the counts.
 */
#ifndef BARQ_FACETS_H
#define BARQ_FACETS_H

#include "am/filters.h"
#include "count/count.h"
#include "count/count_call.h"
#include "count/word_counts.h"
#include "nodes/execnodes.h"
#include "utils/tuplestore.h"

/* A text of a column, whose word is a hash, and how many rows have it. */
typedef struct BarqFacetGroup
{
	uint64		word;
	uint64		count;
	union
	{
		ItemPointerData tid;	/* of one of them, where the value is not `known` */
		Datum		value;
	}			at;
	int			leaf;			/* number of that row's table in BarqFacets.leaves */
	bool		known;
	char		status;			/* of the hash table */
} BarqFacetGroup;

/* Many of them are read in no order: they share few cache lines. */
StaticAssertDecl(sizeof(BarqFacetGroup) == 32, "BarqFacetGroup has no padding");

/* A column of the index whose values are counted. */
typedef struct BarqFacetColumn
{
	int			column;			/* of the filter columns, from 0 */
	char	   *name;
	BarqFilterForm form;
	Oid			type;			/* of a value; of arrays, of an element */
	Oid			word_type;		/* as barq_filter_word() takes it */
	Oid			collation;
	bool		set;			/* an array */
	bool		hashed;			/* words are hashes of texts: there are groups */
	struct barq_facet_groups_hash *groups;
	BarqWordCounts words;		/* of other types */
	uint64		nulls;

	/* of the table under way */
	struct barq_facet_groups_hash *leaf_groups;
	BarqWordCounts leaf_words;
	uint64		leaf_nulls;
} BarqFacetColumn;

/* A table of which rows were counted: a partition, or the only one. */
typedef struct BarqFacetLeaf
{
	Relation	table;
	Relation	index;
} BarqFacetLeaf;

typedef struct BarqFacets
{
	BarqCountCall call;
	MemoryContext context;		/* of all groups */
	int			ncolumns;
	BarqFacetColumn *columns;
	int			nleaves;
	BarqFacetLeaf *leaves;

	BarqView   *view;			/* of the rows passed last, and its values */
	BarqFilterView filters;
	struct QueryDesc *query;	/* the count's; keeps the tables open */
	struct CachedPlan *plan;
} BarqFacets;

typedef enum BarqFacetKind
{
	BARQ_FACET_TERM,
	BARQ_FACET_RANGE,
	BARQ_FACET_HISTOGRAM,
	BARQ_FACET_STATS
} BarqFacetKind;

/* A facet that the caller wants. */
typedef struct BarqFacet
{
	BarqFacetKind kind;
	int			column;			/* of BarqFacets.columns */

	/* a range */
	int			nbounds;
	uint64	   *bounds;			/* words, ascending */
	char	  **shown;			/* as their type shows them */

	/* a histogram: a unit of date_trunc(), or a width */
	text	   *unit;
	double		width;
} BarqFacet;

typedef struct BarqFacetCall
{
	BarqFacets	facets;
	BarqFacet  *wanted;
	uint32		nwanted;
	uint32		space;
	int64		size;			/* terms of a column at most */
	ReturnSetInfo *result;
} BarqFacetCall;

/* Whether a column has numbers. */
static inline bool
barq_facet_is_number(const BarqFacetColumn *column)
{
	return column->form == BARQ_FILTER_INTEGER || column->form == BARQ_FILTER_FLOAT;
}

/* ---- facet_results.c ---- */

/* Add the rows of a facet to the call's result, from the groups of its column. */
extern void barq_facet_put(BarqFacetCall *call, const BarqFacet *facet);

/* ---- facet_rows.c ---- */

/*
 * Count the values of the columns, over all rows of the call that the caller may see. SPI
 * is connected. Errors of the statement.
 */
extern void barq_facets_collect(BarqFacets *facets);

/* End what collect has begun; groups stay. */
extern void barq_facets_end(BarqFacets *facets);

/* The groups of a column of texts in no order, palloc'd; *n receives their number. */
extern BarqFacetGroup **barq_facets_groups(const BarqFacetColumn *column, uint32 *n);

/*
 * Find the values of n groups of a column, in the facets' context: afterwards they are
 * `known`. Reads rows; reorders groups[]. Checks for interrupts.
 */
extern void barq_facets_read(BarqFacets *facets, const BarqFacetColumn *column,
							 BarqFacetGroup **groups, uint32 n);

#endif							/* BARQ_FACETS_H */
