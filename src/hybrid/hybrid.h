/*
 * hybrid.h
 *	  barq_hybrid(): declarations for its files. README.md lists them.
 *
 * A call runs up to three statements through SPI, with the caller's rights: a
 * ranking of the vectors, a ranking of the texts, and one that fetches the rows of
 * the result. Rankings return only addresses (tableoid, ctid) and distances, so
 * that candidates are cheap. All three statements see the same snapshot, so each
 * row is still at its address when it is fetched.
 */
#ifndef BARQ_HYBRID_H
#define BARQ_HYBRID_H

#include "base/compat.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

/* Upper limit of k and of candidates. */
#define BARQ_HYBRID_MOST_ROWS	100000

/* The rankings ("legs"). */
typedef enum BarqLegKind
{
	BARQ_LEG_VECTOR,
	BARQ_LEG_TEXT
} BarqLegKind;

#define BARQ_LEGS	2

/* The arguments of a call, checked as far as possible without the table. */
typedef struct BarqHybridArgs
{
	Oid			schema;			/* of the extension */
	Oid			table;
	Oid			row_type;		/* of the table; the type of `item` */
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
	const char *column[BARQ_LEGS];	/* NULL: not named */
	const char *index[BARQ_LEGS];	/* NULL: not named */
} BarqHybridArgs;

/* The column, or expression of an index, by which a ranking is made. */
typedef struct BarqHybridColumn
{
	AttrNumber	attnum;			/* 0: an expression */
	Oid			type;			/* of the column; base type of a domain */
	int32		typmod;
	Oid			index;			/* gives the operator, or the statistics of texts */
	bool		partial;		/* the index has a predicate */
	bool		by_filter;		/* the choice of the index depends on the filter */
	bool		by_index;		/* no other index on the column may serve */
	Oid			op;				/* column operator query → float8 */
	Oid			left_type;		/* left operand of the operator */
	Oid			query_type;		/* right operand of the operator */
} BarqHybridColumn;

/* A conversion of values of one type to another. */
typedef struct BarqConversion
{
	enum
	{
		BARQ_CONVERT_NOT,		/* the same value */
		BARQ_CONVERT_TEXT,		/* of text: by the input function */
		BARQ_CONVERT_IO,		/* by the output and the input function */
		BARQ_CONVERT_FLOAT4,	/* float4 to numeric: its shortest decimal */
		BARQ_CONVERT_FLOAT8,	/* float8 to numeric: its shortest decimal */
		BARQ_CONVERT_CAST		/* by a cast function */
	}			how;
	FmgrInfo	function;		/* input function, or cast */
	FmgrInfo	output;			/* output function */
	int			cast_nargs;
	Oid			io_param;		/* of the input function */
	int32		typmod;
	bool		to_length;		/* apply the type modifier afterwards … */
	FmgrInfo	length_function;	/* … by this function */
} BarqConversion;

/* The lossless conversion of an element of filter_args to its parameter's type. */
typedef struct BarqArgument
{
	int			number;			/* of the parameter, from 1 */
	Oid			from;			/* the element's type; base type of a domain */
	char	   *from_name;		/* types for messages */
	char	   *to_name;
	BarqConversion forth;
	bool		checked;		/* converting forth and back must give the same value */
	BarqConversion back;
	FmgrInfo	equal;			/* equality of `from` … */
	bool		has_equal;		/* … if it has one; else bytes are compared */
	Oid			domain;			/* domain to check, or InvalidOid */
	void	   *domain_extra;	/* cache of domain_check() */
	MemoryContext context;		/* of all of this */
} BarqArgument;

typedef struct BarqHybridLeg
{
	BarqHybridColumn column;
	SPIPlanPtr	plan;			/* may use the index */
	SPIPlanPtr	exact;			/* cannot use the index; NULL until needed */
	BarqConversion conversion;	/* of the embedding */
} BarqHybridLeg;

/*
 * Columns, filter and plans, cached for calls with the same key. They depend on the
 * key, on the table and on the objects that the filter refers to; the entry is
 * stale after a change of any of these.
 */
typedef struct BarqHybridEntry
{
	char	   *key;
	Size		key_length;
	uint64		hash;
	MemoryContext context;		/* of the entry, below CacheMemoryContext */
	Oid			table;
	bool		stale;			/* not to be used by further calls */
	int			pins;			/* calls that use it now */
	uint64		last_used;		/* number of the last call */

	Oid			schema;			/* of the extension */
	bool		has_children;	/* several tables: partitions, inheritance */
	int			candidates;
	char	   *filter;			/* NULL: none */
	int			nparams;		/* $1 … of the filter */
	Oid		   *param_types;
	Node	   *expression;		/* the analysed filter */
	bool		moving;			/* it has literals whose meaning may change */
	BarqArgument *arguments;	/* one for each parameter */
	BarqHybridLeg legs[BARQ_LEGS];
	SPIPlanPtr	rows;			/* NULL until needed */

	Oid			key_index;		/* btree of the primary key, or InvalidOid */
} BarqHybridEntry;

/* The address of a row. */
typedef struct BarqRowAddress
{
	Oid			table;
	ItemPointerData tid;
} BarqRowAddress;

/* A row of a ranking. */
typedef struct BarqLegHit
{
	BarqRowAddress at;
	double		distance;
} BarqLegHit;

typedef struct BarqRanking
{
	BarqLegHit *hits;			/* the best first */
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

/* ---- hybrid_table.c ---- */

/*
 * The relation of a row type. Raises ERRCODE_WRONG_OBJECT_TYPE for any other
 * type. Takes no lock.
 */
extern Oid	barq_hybrid_table(Oid type);

/*
 * Raise ERRCODE_WRONG_OBJECT_TYPE, with a hint, unless the relation is a table
 * or a materialized view. The caller holds a lock on it.
 */
extern void barq_hybrid_check_table(Relation table);

/*
 * Whether a table has partitions or children. Locks them with AccessShareLock,
 * until the end of the transaction. Raises ERRCODE_FEATURE_NOT_SUPPORTED if one
 * is a foreign table, whose rows cannot be fetched by address.
 */
extern bool barq_hybrid_lock_children(Relation table);

/* The btree index of the primary key, or InvalidOid. */
extern Oid	barq_hybrid_key_index(Relation table);

/* ---- hybrid_columns.c ---- */

/*
 * Find the column to rank by, its index and operator: named by the arguments, or
 * from the table's indexes. `quals`: the filter with the values of its
 * parameters, as barq_hybrid_filter_quals() returns it; it may imply the
 * predicate of a partial index. Raises ERRCODE_UNDEFINED_OBJECT if there is
 * none, ERRCODE_AMBIGUOUS_COLUMN for several columns, or several indexes that
 * rank differently; errors of barq_hybrid_check_names().
 */
extern void barq_hybrid_find_column(Relation table, BarqLegKind kind,
									const BarqHybridArgs *args, List *quals,
									BarqHybridColumn *column);

/*
 * Check the column and the index that the arguments name. Raises
 * ERRCODE_UNDEFINED_COLUMN if the table has no such column,
 * ERRCODE_UNDEFINED_OBJECT if it has no such index, ERRCODE_WRONG_OBJECT_TYPE
 * for another kind of index, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE for one
 * that is not valid.
 */
extern void barq_hybrid_check_names(Relation table, BarqLegKind kind,
									const BarqHybridArgs *args);

/* ---- hybrid_convert.c ---- */

/*
 * Find the conversion from a type to a type with a modifier: by the input
 * function from text, by an assignment cast from other types. Function data
 * lives in `context`. Raises ERRCODE_DATATYPE_MISMATCH, in which `what` names
 * the value, if there is none.
 */
extern void barq_conversion_find(BarqConversion *conversion, Oid from, Oid to,
								 int32 typmod, const char *what,
								 MemoryContext context);

/*
 * Convert a value that is not NULL; returns it palloc'd, or the value itself.
 * Raises errors of the cast or the input function.
 */
extern Datum barq_convert(BarqConversion *conversion, Datum value);

/*
 * Find the conversion of elements of filter_args, of type `from`, to parameter
 * $number of type `to`. Strings are read by the input function of a type that is
 * not a string type; other values use an assignment cast, or become strings by
 * their output function. *argument and its data live in `context`. Raises
 * ERRCODE_DATATYPE_MISMATCH if there is no such conversion, or none back.
 */
extern void barq_argument_find(BarqArgument *argument, int number, Oid from,
							   Oid to, MemoryContext context);

/*
 * The value of the parameter, palloc'd or the value itself. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE if converting it back gives another value;
 * errors of the cast, the input function or the domain's constraints.
 */
extern Datum barq_argument_convert(BarqArgument *argument, Datum value,
								   bool isnull);

/* ---- hybrid_filter.c ---- */

/*
 * Parse and analyse a filter: one boolean expression over the table's columns,
 * without subqueries and volatile functions. Returns the expression; it and the
 * types of its parameters are palloc'd. *fixed: none of its literals can change
 * its meaning ('today', DateStyle). Raises ERRCODE_SYNTAX_ERROR for another
 * form, ERRCODE_FEATURE_NOT_SUPPORTED for subqueries and volatile functions,
 * ERRCODE_INDETERMINATE_DATATYPE for a parameter that is left out or has no
 * type, ERRCODE_INVALID_PARAMETER_VALUE if `args` (NULL: none) has no element
 * for a parameter, and PostgreSQL's errors of parsing and analysis. The caller
 * holds a lock on the table.
 */
extern Node *barq_hybrid_check_filter(Relation table, const char *filter,
									  ArrayType *args, int *nparams, Oid **param_types,
									  bool *fixed);

/*
 * Convert the elements of `args` (NULL: none) to the filter's parameters, into
 * params->params[0 …], which has room for them; values are palloc'd. Raises the
 * errors of barq_argument_convert(), and ERRCODE_INVALID_PARAMETER_VALUE for a
 * wrong number of elements.
 */
extern void barq_hybrid_bind_filter(BarqHybridEntry *entry, ArrayType *args,
									ParamListInfo params);

/*
 * A filter with its arguments as implicitly ANDed clauses; palloc'd. Raises the
 * errors of barq_hybrid_bind_filter().
 */
extern List *barq_hybrid_filter_quals(BarqHybridEntry *entry, ArrayType *args);

/* ---- hybrid_sql.c ---- */

/*
 * The statement of a ranking, palloc'd. exact: in a form that no index can answer.
 * Parameters: those of the filter, then the query.
 */
extern char *barq_hybrid_leg_sql(Relation table, const BarqHybridEntry *entry,
								 BarqLegKind kind, bool exact);

/* The type of a ranking's query parameter. */
extern Oid	barq_hybrid_parameter_type(const BarqHybridColumn *column,
									   BarqLegKind kind);

/*
 * The statement that fetches rows: parameters are their ctids (tid[]) and, with
 * children, their tables (oid[]); palloc'd.
 */
extern char *barq_hybrid_rows_sql(Relation table, bool has_children);

/* ---- hybrid_cache.c: within SPI_connect() ---- */

/*
 * The entry for a call, from the cache or new; pinned, so the caller calls
 * barq_hybrid_release(), also after an error. The caller holds a lock on the
 * table. Raises ERRCODE_STATEMENT_TOO_COMPLEX if all entries are pinned, and the
 * errors of finding the columns (barq_hybrid_find_column) and of checking the
 * filter and its arguments (barq_hybrid_check_filter, barq_argument_find).
 */
extern BarqHybridEntry *barq_hybrid_prepare(Relation table,
											const BarqHybridArgs *args);
extern void barq_hybrid_release(BarqHybridEntry *entry);

/*
 * Plans that an entry has after the first use; owned by the entry, which the
 * caller has pinned.
 */
extern SPIPlanPtr barq_hybrid_exact_plan(Relation table, BarqHybridEntry *entry,
										 BarqLegKind kind);
extern SPIPlanPtr barq_hybrid_rows_plan(Relation table, BarqHybridEntry *entry);

/* Relcache callback: entries of a table (InvalidOid: of all) are stale. */
extern void barq_hybrid_forget(Oid table);

/* ---- hybrid_legs.c ---- */

/*
 * Run one ranking of a call: at most entry->candidates rows; ranking->hits is
 * palloc'd in the current memory context. Raises errors of the filter and of the
 * scan.
 */
extern void barq_hybrid_run_leg(Relation table, BarqHybridEntry *entry,
								const BarqHybridArgs *args, BarqLegKind kind,
								BarqRanking *ranking);

/* ---- hybrid_fusion.c ---- */

/* The score of a rank (from 1) in one ranking. */
extern double barq_rrf_score(int64 rank, double rrf_k, double weight);

/*
 * The union of the rankings, sorted by score, then by the better of both ranks;
 * palloc'd. At most two rows are equal in both (barq_hybrid_tied), since a rank is
 * taken by one row of each ranking.
 */
extern BarqFusedHit *barq_hybrid_fuse(const BarqRanking *rankings,
									  const BarqHybridArgs *args, int *nfused);
extern bool barq_hybrid_tied(const BarqFusedHit *a, const BarqFusedHit *b);

/* The order of addresses: by table, then by TID. */
extern int	barq_address_compare(const BarqRowAddress *a, const BarqRowAddress *b);

/* ---- hybrid_rows.c ---- */

/*
 * Fetch the rows of the first args->k hits and put them into the result. Ties are
 * broken by the primary key; hits whose rows are not visible are passed over.
 */
extern void barq_hybrid_put_rows(Relation table, BarqHybridEntry *entry,
								 const BarqHybridArgs *args, BarqFusedHit *fused,
								 int nfused, Tuplestorestate *store,
								 TupleDesc desc);

#endif							/* BARQ_HYBRID_H */
