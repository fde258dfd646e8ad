/*
 * hybrid.h
 *	  barq_hybrid(): what its files share.
 *
 * hybrid.c			arguments, the order of the steps
 * hybrid_table.c	which table
 * hybrid_columns.c	which columns, indexes and operators
 * hybrid_convert.c	arguments as values of other types
 * hybrid_filter.c	the filter: one boolean expression, and its arguments
 * hybrid_sql.c		the statements
 * hybrid_cache.c	what is kept between calls
 * hybrid_legs.c	running a ranking
 * hybrid_fusion.c	two rankings into one
 * hybrid_rows.c	the rows of the result
 *
 * A call runs up to three statements through SPI, with the caller's rights: a
 * ranking of the vectors, one of the texts, and one that fetches the winners'
 * rows. A ranking returns where rows lie (tableoid, ctid) and nothing else, so
 * that a hundred candidates cost no more than they must; all three see the
 * same snapshot, so a row is still where the ranking found it.
 */
#ifndef BARQ_HYBRID_H
#define BARQ_HYBRID_H

#include "base/compat.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

#define BARQ_HYBRID_MOST_ROWS	100000	/* of k and of candidates */

/* The rankings. */
typedef enum BarqLegKind
{
	BARQ_LEG_VECTOR,
	BARQ_LEG_TEXT
} BarqLegKind;

#define BARQ_LEGS	2

/* The arguments of a call, checked as far as they can be by themselves. */
typedef struct BarqHybridArgs
{
	Oid			schema;			/* barq's */
	Oid			table;
	Oid			row_type;		/* of the item, the table's */
	bool		wanted[BARQ_LEGS];
	Datum		embedding;
	Oid			embedding_type;
	text	   *query;
	int			k;
	int			candidates;		/* at least k */
	double		rrf_k;
	double		weight[BARQ_LEGS];
	char	   *filter;			/* NULL: none */
	ArrayType  *filter_args;	/* NULL: none */
	const char *column[BARQ_LEGS];	/* NULL: to be found */
	const char *index[BARQ_LEGS];	/* likewise */
} BarqHybridArgs;

/* A column, or an index's expression, that a ranking is by. */
typedef struct BarqHybridColumn
{
	AttrNumber	attnum;			/* 0: an expression */
	Oid			type;			/* of the column, below its domains */
	int32		typmod;
	Oid			index;			/* whose distance, or statistics, it is */
	bool		partial;		/* the index has a predicate */
	bool		by_filter;		/* chosen as the one that the filter implies */
	bool		by_index;		/* of several alike, the named one must serve */
	Oid			op;				/* column operator query → float8 */
	Oid			left_type;		/* what the operator takes the column as */
	Oid			query_type;
} BarqHybridColumn;

/* How a value becomes one of another type. */
typedef struct BarqConversion
{
	enum
	{
		BARQ_CONVERT_NOT,
		BARQ_CONVERT_TEXT,		/* text, through the type's input function */
		BARQ_CONVERT_IO,		/* what the type's output function says, likewise */
		BARQ_CONVERT_FLOAT4,	/* to the numeric that is its shortest decimal */
		BARQ_CONVERT_FLOAT8,	/* likewise */
		BARQ_CONVERT_CAST
	}			how;
	FmgrInfo	function;		/* input function, or cast */
	FmgrInfo	output;
	int			cast_nargs;
	Oid			io_param;
	int32		typmod;
	bool		to_length;		/* apply the type modifier, too */
	FmgrInfo	length_function;
} BarqConversion;

/* How an element of filter_args becomes its parameter's, without loss. */
typedef struct BarqArgument
{
	int			number;			/* of the parameter, from 1 */
	Oid			from;			/* the element's type, below its domains */
	char	   *from_name;
	char	   *to_name;
	BarqConversion forth;
	bool		checked;		/* what comes back must be what was given */
	BarqConversion back;
	FmgrInfo	equal;			/* of `from`, if it has one, else the images are */
	bool		has_equal;
	Oid			domain;			/* whose constraints hold, or none */
	void	   *domain_extra;	/* domain_check()'s */
	MemoryContext context;		/* where that is */
} BarqArgument;

typedef struct BarqHybridLeg
{
	BarqHybridColumn column;
	SPIPlanPtr	plan;			/* through the index, if the planner likes */
	SPIPlanPtr	exact;			/* never through it; NULL until needed */
	BarqConversion conversion;	/* of the embedding */
} BarqHybridLeg;

/*
 * What is kept between calls alike. Everything here depends on the key, on the
 * table and on what the filter's names mean; a change of any makes it stale.
 */
typedef struct BarqHybridEntry
{
	char	   *key;
	Size		key_length;
	uint64		hash;
	MemoryContext context;
	Oid			table;
	bool		stale;			/* the table has changed */
	int			pins;			/* calls under way */
	uint64		last_used;

	Oid			schema;			/* barq's */
	bool		has_children;	/* several tables: partitions, inheritance */
	int			candidates;
	char	   *filter;			/* NULL: none */
	int			nparams;		/* $1 … of the filter */
	Oid		   *param_types;
	Node	   *expression;		/* the filter's */
	bool		moving;			/* its literals may come to mean another */
	BarqArgument *arguments;	/* one a parameter */
	BarqHybridLeg legs[BARQ_LEGS];
	SPIPlanPtr	rows;			/* NULL until needed */

	Oid			key_index;		/* primary key's btree, or none */
} BarqHybridEntry;

/* Where a row lies. */
typedef struct BarqRowAddress
{
	Oid			table;
	ItemPointerData tid;
} BarqRowAddress;

/* A row of a ranking, best first. */
typedef struct BarqLegHit
{
	BarqRowAddress at;
	double		distance;
} BarqLegHit;

typedef struct BarqRanking
{
	BarqLegHit *hits;
	int			nhits;
	int			space;
} BarqRanking;

/* A row of the fused ranking. */
typedef struct BarqFusedHit
{
	BarqRowAddress at;
	double		score;
	int			rank[BARQ_LEGS];	/* from 1; 0: not in that ranking */
} BarqFusedHit;

/* hybrid_table.c */

/*
 * The table of a row type. ERRCODE_WRONG_OBJECT_TYPE for any other type, and
 * for the row type of what is no table or materialized view.
 */
extern Oid	barq_hybrid_table(Oid type);

/* Whether a table, which is locked, is one that can be ranked; ERROR if not. */
extern void barq_hybrid_check_table(Relation table);

/*
 * Whether a table has partitions or children, which are locked; ERROR if one is
 * a foreign table, whose rows have no place that could be fetched from.
 */
extern bool barq_hybrid_lock_children(Relation table);

/* The primary key's btree index, or InvalidOid. */
extern Oid	barq_hybrid_key_index(Relation table);

/* hybrid_columns.c */

/*
 * The column to rank by, and the index by which it is, found from the table's
 * indexes as far as the arguments do not name them. `quals`: what the filter
 * says, with its parameters' values, for it may imply the predicate of one of
 * several partial indexes. ERROR if there is none, or several, or if it is
 * unclear how to rank by it.
 */
extern void barq_hybrid_find_column(Relation table, BarqLegKind kind,
									const BarqHybridArgs *args, List *quals,
									BarqHybridColumn *column);

/* ERROR if the table lacks a column or an index that the arguments name. */
extern void barq_hybrid_check_names(Relation table, BarqLegKind kind,
									const BarqHybridArgs *args);

/* hybrid_convert.c */

/*
 * From a type to a type with a modifier. A text is read by the type's input
 * function, another value goes through a cast that an assignment would use;
 * ERROR if there is none.
 */
extern void barq_conversion_find(BarqConversion *conversion, Oid from, Oid to,
								 int32 typmod, const char *what,
								 MemoryContext context);

extern Datum barq_convert(BarqConversion *conversion, Datum value);

/*
 * From an element of filter_args to parameter $number. A string is read by the
 * input function of a type that is no string. Another value goes through a cast
 * that an assignment would use, to a string as its text; ERROR
 * (ERRCODE_DATATYPE_MISMATCH) if there is none, or none back. What is kept is in
 * `context`.
 */
extern void barq_argument_find(BarqArgument *argument, int number, Oid from,
							   Oid to, MemoryContext context);

/*
 * The value of the parameter, palloc'd. ERRCODE_INVALID_PARAMETER_VALUE for one
 * that, converted back, would be another; what the cast, the input function or a
 * domain's constraints raise.
 */
extern Datum barq_argument_convert(BarqArgument *argument, Datum value,
								   bool isnull);

/* hybrid_filter.c */

/*
 * Check that a filter is one boolean expression over the table's columns,
 * without subqueries and volatile functions. The expression, and the types of
 * its parameters as it gives them, are palloc'd. `args` (NULL: none) must have
 * an element for each. `fixed`: it means the same
 * later, unless names or the session's syntax settings come to mean another.
 */
extern Node *barq_hybrid_check_filter(Relation table, const char *filter,
									  ArrayType *args, int *nparams, Oid **param_types,
									  bool *fixed);

/*
 * The filter's arguments (NULL: none) as values of its parameters' types. The
 * list has room for them.
 */
extern void barq_hybrid_bind_filter(BarqHybridEntry *entry, ArrayType *args,
									ParamListInfo params);

/* What a filter with its arguments says, as predicate_implied_by() takes it. */
extern List *barq_hybrid_filter_quals(BarqHybridEntry *entry, ArrayType *args);

/* hybrid_sql.c; palloc'd */
extern char *barq_hybrid_leg_sql(Relation table, const BarqHybridEntry *entry,
								 BarqLegKind kind, bool exact);
extern Oid	barq_hybrid_parameter_type(const BarqHybridColumn *column,
									   BarqLegKind kind);
extern char *barq_hybrid_rows_sql(Relation table, bool has_children);

/* hybrid_cache.c; within SPI_connect */

/*
 * What belongs to a call, pinned: barq_hybrid_release() it, whatever happens.
 * The table is locked.
 */
extern BarqHybridEntry *barq_hybrid_prepare(Relation table,
											const BarqHybridArgs *args);
extern void barq_hybrid_release(BarqHybridEntry *entry);
extern SPIPlanPtr barq_hybrid_exact_plan(Relation table, BarqHybridEntry *entry,
										 BarqLegKind kind);
extern SPIPlanPtr barq_hybrid_rows_plan(Relation table, BarqHybridEntry *entry);

/* Called when a table (InvalidOid: any) has changed. */
extern void barq_hybrid_forget(Oid table);

/* hybrid_legs.c: the ranking is palloc'd in the current context */
extern void barq_hybrid_run_leg(Relation table, BarqHybridEntry *entry,
								const BarqHybridArgs *args, BarqLegKind kind,
								BarqRanking *ranking);

/*
 * hybrid_fusion.c: the union of the rankings, best score first, then best
 * single rank. Not more than two rows agree in both, for each rank of a ranking
 * is one row's. rank ≥ 1.
 */
extern double barq_rrf_score(int64 rank, double rrf_k, double weight);
extern BarqFusedHit *barq_hybrid_fuse(const BarqRanking *rankings,
									  const BarqHybridArgs *args, int *nfused);
extern bool barq_hybrid_tied(const BarqFusedHit *a, const BarqFusedHit *b);
extern int	barq_address_compare(const BarqRowAddress *a, const BarqRowAddress *b);

/* hybrid_rows.c: the first k, ties broken, with their rows */
extern void barq_hybrid_put_rows(Relation table, BarqHybridEntry *entry,
								 const BarqHybridArgs *args, BarqFusedHit *fused,
								 int nfused, Tuplestorestate *store,
								 TupleDesc desc);

#endif							/* BARQ_HYBRID_H */
