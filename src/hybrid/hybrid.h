/*
 * hybrid.h
 *	  barq_hybrid() and barq_search_batch(): declarations for their files. README.md
 *	  lists them.
 *
 * A call runs statements through SPI, with the caller's rights: a ranking of the
 * vectors, a ranking of the texts, one that reads what else the order of the
 * candidates depends on (boost, vector, primary key), and one that fetches the rows
 * of the result. Rankings return only addresses (tableoid, ctid), distances and
 * groups, so that candidates are cheap. All statements see the same snapshot, so each
 * row is still at its address when it is fetched.
 */
#ifndef BARQ_HYBRID_H
#define BARQ_HYBRID_H

#include "base/compat.h"
#include "lifecycle/index_kind.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "storage/itemptr.h"
#include "utils/array.h"
#include "utils/tuplestore.h"

/* Upper limit of k, of candidates, and of the rows of a result. */
#define BARQ_HYBRID_MOST_ROWS	100000

/* Upper limit of candidates whose distances from each other are computed. */
#define BARQ_HYBRID_MOST_DIVERSE	10000

/* The rankings ("legs"). */
typedef enum BarqLegKind
{
	BARQ_LEG_VECTOR,
	BARQ_LEG_TEXT
} BarqLegKind;

#define BARQ_LEGS	2

/* BarqHybridArgs.caller of barq_search_batch(). */
#define BARQ_BATCH_CALLER	"barq_search_batch()"

/* How the scores of the rankings are fused. */
typedef enum BarqFusion
{
	BARQ_FUSION_RRF,			/* by ranks */
	BARQ_FUSION_LINEAR,			/* by scores, min-max normalised */
	BARQ_FUSION_LINEAR_ZSCORE	/* by scores, in standard deviations */
} BarqFusion;

/* The expressions that are arguments. They share their parameters. */
typedef enum BarqExprKind
{
	BARQ_EXPR_FILTER,
	BARQ_EXPR_BOOST
} BarqExprKind;

#define BARQ_EXPRS	2

/* The arguments of a call, checked as far as possible without the table. */
typedef struct BarqHybridArgs
{
	const char *caller;			/* name of the SQL function */
	Oid			schema;			/* of the extension */
	Oid			table;
	Oid			row_type;		/* of the table; the type of `item` */
	bool		wanted[BARQ_LEGS];
	Datum		embedding;
	Oid			embedding_type;
	bool		converted;		/* the embedding has the type of the parameter already */
	struct BarqRepeat *repeat;	/* runs the vectors' ranking; NULL: a statement for each */
	text	   *query;
	bool		strict;			/* the query names fields of the index only */
	int			k;
	int			candidates[BARQ_LEGS];
	bool		capped[BARQ_LEGS];	/* no more candidates, whatever k */
	BarqFusion	fusion;
	double		rrf_k;
	double		weight[BARQ_LEGS];
	char	   *expr[BARQ_EXPRS];	/* NULL: none */
	ArrayType  *filter_args;	/* NULL: none */
	const char *column[BARQ_LEGS];	/* NULL: not named */
	const char *index[BARQ_LEGS];	/* NULL: not named */
	const char *group_by;		/* column; NULL: no groups */
	int			per_group;		/* rows of a group, at least 1 */
	double		diversity;		/* 0 to 1; 0: none */
} BarqHybridArgs;

/* The column or expression of an index, or all its fields, by which a ranking is made. */
typedef struct BarqHybridColumn
{
	int			nfields;		/* 1, or of a row of several */
	uint8		fields[BARQ_MOST_RANKED];	/* columns of the index, from 0 */
	AttrNumber	attnum;			/* 0: an expression, or a row */
	Oid			type;			/* of the column; base type of a domain */
	int32		typmod;
	Oid			index;			/* gives the operator, or the statistics of texts */
	bool		partial;		/* the index has a predicate */
	bool		by_filter;		/* the choice of the index depends on the filter */
	bool		one_of_several; /* a field of an index that has others */
	bool		by_index;		/* no other index on the column may serve */
	bool		of_lists;		/* the index is of barq_ivf */
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
	const char *caller;			/* name of the SQL function */
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

/* Forms of a ranking's statement; flags. */
#define BARQ_LEG_EXACT	1		/* cannot use the index */
#define BARQ_LEG_LIMIT	2		/* its LIMIT is the last parameter */
#define BARQ_LEG_ROWS	4		/* returns whole rows, too; without groups */
#define BARQ_LEG_FORMS	8

typedef struct BarqHybridLeg
{
	BarqHybridColumn column;
	SPIPlanPtr	plans[BARQ_LEG_FORMS];	/* by flags; NULL until needed, but for 0 */
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
	bool		strict;			/* the text query names fields of the index only */
	int			candidates[BARQ_LEGS];
	char	   *expr[BARQ_EXPRS];	/* NULL: none */
	int			nparams;		/* $1 … of the expressions */
	Oid		   *param_types;
	Node	   *analysed[BARQ_EXPRS];	/* the expressions; NULL: none */
	bool		moving;			/* they have literals whose meaning may change */
	BarqArgument *arguments;	/* one for each parameter */
	BarqHybridLeg legs[BARQ_LEGS];
	SPIPlanPtr	rows;			/* NULL until needed */
	SPIPlanPtr	details;		/* NULL until needed */
	SPIPlanPtr	members;		/* NULL until needed */

	AttrNumber	group_column;	/* 0: no groups */
	Oid			group_type;		/* of the column … */
	Oid			group_collation;	/* … and the order's collation */
	bool		diverse;		/* distances between candidates are needed */
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
	int			rank;			/* from 1 */
	int			group;			/* number of its group; 0 without groups */
	HeapTupleHeader row;		/* the whole row; NULL: not read */
} BarqLegHit;

typedef struct BarqRanking
{
	BarqLegHit *hits;			/* the best first */
	int			nhits;
	int			space;
	int64		limit;			/* rows asked for */
	int64		nrows;			/* rows that came; not all of them are hits */
	bool		complete;		/* there are no more rows */
} BarqRanking;

/* What the order of a row depends on besides its ranks; palloc'd. */
typedef struct BarqRowDetails
{
	bool		found;			/* the row is visible */
	double		boost;			/* 1 without a boost */
	Datum		vector;			/* 0: none, or not asked for */
	Datum	   *key;			/* columns of the primary key; NULL: none */
} BarqRowDetails;

/* A row of the fused ranking. */
typedef struct BarqFusedHit
{
	BarqRowAddress at;
	double		score;
	int			rank[BARQ_LEGS];	/* from 1; 0: not in that ranking */
	int			group;			/* number of its group; 0 without groups */
	BarqRowDetails *details;	/* NULL: not read */
} BarqFusedHit;

/* The groups of a call: numbers from 0 for the values of the column. */
typedef struct BarqGroups BarqGroups;

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
 * Parse and analyse the filter or the boost: one expression over the table's
 * columns, boolean or a number, without subqueries and volatile functions. Returns
 * the expression; it and the types of its parameters are palloc'd. *nparams and
 * *param_types may hold the types that another expression of the call has given to
 * the parameters, and get those of further ones; barq_hybrid_check_params() checks
 * them afterwards. *moving: set if the meaning of a literal may change ('today',
 * DateStyle), else left. Raises ERRCODE_SYNTAX_ERROR for another form,
 * ERRCODE_FEATURE_NOT_SUPPORTED for subqueries and volatile functions,
 * ERRCODE_DATATYPE_MISMATCH for another type, ERRCODE_INVALID_PARAMETER_VALUE if
 * args->filter_args has no element for a parameter, and PostgreSQL's errors of
 * parsing and analysis. The caller holds a lock on the table.
 */
extern Node *barq_hybrid_check_expr(Relation table, BarqExprKind kind,
									const BarqHybridArgs *args, int *nparams,
									Oid **param_types, bool *moving);

/*
 * Raise ERRCODE_INDETERMINATE_DATATYPE if a parameter is left out or has no type.
 */
extern void barq_hybrid_check_params(const BarqHybridArgs *args, int nparams,
									 const Oid *param_types);

/*
 * Convert the elements of args->filter_args to the parameters of the expressions,
 * into params->params[0 …], which has room for them; values are palloc'd. Raises the
 * errors of barq_argument_convert(), and ERRCODE_INVALID_PARAMETER_VALUE for a
 * wrong number of elements.
 */
extern void barq_hybrid_bind_args(BarqHybridEntry *entry, const BarqHybridArgs *args,
								  ParamListInfo params);

/*
 * The filter with its arguments as implicitly ANDed clauses; palloc'd. Raises the
 * errors of barq_hybrid_bind_args().
 */
extern List *barq_hybrid_filter_quals(BarqHybridEntry *entry,
									  const BarqHybridArgs *args);

/* ---- hybrid_sql.c ---- */

/*
 * The statement of a ranking, palloc'd, in the form that the flags give
 * (BARQ_LEG_EXACT, BARQ_LEG_LIMIT, BARQ_LEG_ROWS). It returns tableoid, ctid, distance
 * and the group's column, if there is one, or the row. Parameters: those of the
 * expressions, the query, and the limit.
 */
extern char *barq_hybrid_leg_sql(Relation table, const BarqHybridEntry *entry,
								 BarqLegKind kind, int form);

/* The type of a ranking's query parameter. */
extern Oid	barq_hybrid_parameter_type(const BarqHybridColumn *column,
									   BarqLegKind kind);

/*
 * The statement that fetches rows: parameters are their ctids (tid[]) and, with
 * children, their tables (oid[]); palloc'd.
 */
extern char *barq_hybrid_rows_sql(Relation table, bool has_children);

/*
 * The statement that reads details of rows, palloc'd: tableoid, ctid, boost, vector
 * and the columns of the primary key; NULL for what the call does not need.
 * Parameters: those of the expressions, then those of barq_hybrid_rows_sql().
 */
extern char *barq_hybrid_details_sql(Relation table, const BarqHybridEntry *entry);

/*
 * The statement that ranks the vectors of some groups, exactly and without a limit;
 * palloc'd. Parameters: those of the expressions, the query, an array of the
 * groups' values, and whether NULL is one of them.
 */
extern char *barq_hybrid_members_sql(Relation table, const BarqHybridEntry *entry);

/* ---- hybrid_cache.c: within SPI_connect() ---- */

/*
 * The entry for a call, from the cache or new; pinned, so the caller calls
 * barq_hybrid_release(), also after an error. The caller holds a lock on the
 * table. Raises ERRCODE_STATEMENT_TOO_COMPLEX if all entries are pinned, and the
 * errors of finding the columns (barq_hybrid_find_column), of checking the
 * expressions and their arguments (barq_hybrid_check_expr, barq_argument_find), and
 * of the group's column (barq_groups_check_column).
 */
extern BarqHybridEntry *barq_hybrid_prepare(Relation table,
											const BarqHybridArgs *args);
extern void barq_hybrid_release(BarqHybridEntry *entry);

/*
 * Plans that an entry has after the first use; owned by the entry, which the
 * caller has pinned.
 */
extern SPIPlanPtr barq_hybrid_leg_plan(Relation table, BarqHybridEntry *entry,
									   BarqLegKind kind, int form);
extern SPIPlanPtr barq_hybrid_rows_plan(Relation table, BarqHybridEntry *entry);
extern SPIPlanPtr barq_hybrid_details_plan(Relation table, BarqHybridEntry *entry);
extern SPIPlanPtr barq_hybrid_members_plan(Relation table, BarqHybridEntry *entry);

/* Relcache callback: entries of a table (InvalidOid: of all) are stale. */
extern void barq_hybrid_forget(Oid table);

/* ---- hybrid_args.c ---- */

/*
 * Set *args, palloc'd, from a call of barq_hybrid() or barq_search_batch(): what can
 * be checked without the table. Raises ERRCODE_NULL_VALUE_NOT_ALLOWED,
 * ERRCODE_INVALID_PARAMETER_VALUE, ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, and errors of
 * barq_hybrid_table().
 */
extern void barq_hybrid_read_args(FunctionCallInfo fcinfo, BarqHybridArgs *args);

/* The same for barq_search_batch(); *embeddings: the array, and its type. */
extern void barq_batch_read_args(FunctionCallInfo fcinfo, BarqHybridArgs *args,
								 Datum *embeddings, Oid *embeddings_type);

/*
 * A weight, or rrf_k. Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for NULL,
 * ERRCODE_INVALID_PARAMETER_VALUE for a number that is negative or not finite.
 */
extern double barq_hybrid_weight(Datum value, bool isnull, const char *name);

/* ---- hybrid_groups.c ---- */

/*
 * Set the members of an entry that belong to groups, from the column's name. Raises
 * ERRCODE_UNDEFINED_COLUMN if there is no such column, ERRCODE_UNDEFINED_FUNCTION if
 * its type has no order.
 */
extern void barq_groups_check_column(Relation table, const char *name,
									 BarqHybridEntry *entry);

/* The groups of a call, empty; they live in the current memory context. */
extern BarqGroups *barq_groups_create(const BarqHybridEntry *entry);

/* The number of the group with a value, from 0; a new one if there is none. */
extern int	barq_groups_number(BarqGroups *groups, Datum value, bool isnull);
extern int	barq_groups_count(const BarqGroups *groups);

/* The value of a group; owned by `groups`. */
extern Datum barq_groups_value(const BarqGroups *groups, int number, bool *isnull);

/* ---- hybrid_legs.c ---- */

/*
 * The nearest rows of some groups: at most args->per_group of each, ranking->hits in
 * the order of distance. Only for vectors.
 */
extern void barq_hybrid_run_members(Relation table, BarqHybridEntry *entry,
									const BarqHybridArgs *args, BarqGroups *groups,
									const int *wanted, int nwanted,
									BarqRanking *ranking);

/*
 * Run all rankings of a call, each into rankings[kind], zeroed at first, whose hits are
 * palloc'd in the current memory context. With groups (NULL: none) they are run again
 * with more rows until they have args->k groups or are complete or capped; of the rows
 * after the first entry->candidates a ranking keeps args->per_group of each group.
 * Raises errors of the filter and of the scans.
 */
extern void barq_hybrid_run_legs(Relation table, BarqHybridEntry *entry,
								 const BarqHybridArgs *args, BarqGroups *groups,
								 BarqRanking *rankings);

/*
 * The parameters of a ranking, palloc'd: those of the expressions, the query, and
 * room for `more` others. Raises the errors of barq_hybrid_bind_args() and of the
 * query's conversion.
 */
extern ParamListInfo barq_hybrid_bind_leg(BarqHybridEntry *entry, const BarqHybridArgs *args,
										  BarqLegKind kind, int more);

/* ---- hybrid_repeat.c: within SPI_connect() ---- */

/* The running statement of a batch's rankings. */
typedef struct BarqRepeat BarqRepeat;

/* Most rows of a ranking whose statement returns whole rows. */
#define BARQ_REPEAT_MOST_ROWS	1000

/*
 * Start the statement of the vectors' ranking, to be run for one vector after the other at
 * the active snapshot; the entry is pinned. args->embedding: any of the vectors. The
 * result, palloc'd, has to be ended by the same resource owner, except after an error.
 * NULL: such a plan cannot be repeated.
 */
extern BarqRepeat *barq_repeat_begin(Relation table, BarqHybridEntry *entry,
									 const BarqHybridArgs *args);
extern void barq_repeat_end(BarqRepeat *repeat);

/* Whether the statement has the form BARQ_LEG_ROWS. No side effects. */
extern bool barq_repeat_has_rows(const BarqRepeat *repeat);

/* Send the rows of a vector's ranking, of the parameter's type, to a receiver. */
extern void barq_repeat_run(BarqRepeat *repeat, Datum vector, DestReceiver *receiver);

/* ---- hybrid_fusion.c ---- */

/* The score of a rank (from 1) in one ranking. */
extern double barq_rrf_score(int64 rank, double rrf_k, double weight);

/*
 * The union of the rankings, sorted (barq_hybrid_sort()); palloc'd.
 */
extern BarqFusedHit *barq_hybrid_fuse(const BarqRanking *rankings,
									  const BarqHybridArgs *args, int *nfused);

/*
 * Sort by score, then by the better of both ranks, then by address. At most two
 * rows are equal in the first two (barq_hybrid_tied), since a rank is taken by one
 * row of each ranking.
 */
extern void barq_hybrid_sort(BarqFusedHit *fused, int nfused);
extern bool barq_hybrid_tied(const BarqFusedHit *a, const BarqFusedHit *b);

/* The order of addresses: by table, then by TID. */
extern int	barq_address_compare(const BarqRowAddress *a, const BarqRowAddress *b);

/* ---- hybrid_addresses.c ---- */

/* A DestReceiver that does nothing but call `receive` for each row. */
extern DestReceiver barq_hybrid_receiver(bool (*receive) (TupleTableSlot *slot, DestReceiver *self));

/*
 * Run a plan at the active snapshot, within SPI_connect(), and send its rows to a receiver.
 * Raises the errors of the statement.
 */
extern void barq_hybrid_execute(SPIPlanPtr plan, ParamListInfo params, DestReceiver *receiver);

/* The address in the first two columns (tableoid, ctid); false where one is NULL. */
extern bool barq_hybrid_slot_address(TupleTableSlot *slot, BarqRowAddress *at);

/*
 * Set parameter `first` (from 0) to an array of the TIDs of n addresses, in their
 * order, and the next one, if there is one, to an array of their tables, each once.
 * The arrays live in the current memory context.
 */
extern void barq_hybrid_bind_addresses(ParamListInfo params, int first,
									   BarqRowAddress *at, int n);

/* ---- hybrid_details.c ---- */

/*
 * Read the details of hits, multiply scores by their boosts, and sort, ties by the
 * primary key. Hits whose rows are not visible are dropped: *nfused shrinks. Raises
 * ERRCODE_INVALID_PARAMETER_VALUE for a boost that is negative or not finite,
 * ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for such a score.
 */
extern void barq_hybrid_boost(Relation table, BarqHybridEntry *entry,
							  const BarqHybridArgs *args, BarqFusedHit *fused,
							  int *nfused);

/* ---- hybrid_select.c ---- */

/*
 * Put the hits of the result, in its order, at the beginning of the array; returns
 * their number. Of each of the first args->k groups at most args->per_group rows are
 * taken; without groups args->k rows. ngroups: number of groups. With
 * args->diversity by maximal marginal relevance.
 */
extern int	barq_hybrid_select(const BarqHybridEntry *entry,
							   const BarqHybridArgs *args, int ngroups,
							   BarqFusedHit *fused, int nfused);

/* ---- hybrid_rows.c ---- */

/*
 * Fetch the rows of the first `most` hits and put them into the result, with the
 * columns of barq_hybrid(). `sorted`: ties are broken, else by the primary key here.
 * Hits whose rows are not visible are passed over.
 */
extern void barq_hybrid_put_rows(Relation table, BarqHybridEntry *entry,
								 BarqFusedHit *fused, int nfused, int most,
								 bool sorted, Tuplestorestate *store,
								 TupleDesc desc);

/* The order of two values of a btree index's key columns, none of them NULL. */
extern int	barq_hybrid_compare_keys(Relation key, const Datum *a, const Datum *b);

/* A row of barq_search_batch()'s result. */
typedef struct BarqBatchHit
{
	BarqRowAddress at;
	double		distance;
	int			query;			/* from 1 */
} BarqBatchHit;

/*
 * Put the rows of a ranking, which its hits have, into the result of barq_search_batch().
 * query: from 1.
 */
extern void barq_batch_put_ranking(const BarqRanking *ranking, int query,
								   Tuplestorestate *store, TupleDesc desc);

/* Fetch rows and put them into the result, with the columns of barq_search_batch(). */
extern void barq_batch_put_rows(Relation table, BarqHybridEntry *entry,
								const BarqBatchHit *hits, int64 nhits,
								Tuplestorestate *store, TupleDesc desc);

#endif							/* BARQ_HYBRID_H */
