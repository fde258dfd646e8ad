/*
 * sharded.h
 *	  Searches of a partitioned table whose partitions are on several servers:
 *	  declarations of the folder. README.md tells how they work.
 */
#ifndef BARQ_SHARDED_H
#define BARQ_SHARDED_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/array.h"

/* Upper limit of k and of candidates. */
#define BARQ_SHARDED_MOST_ROWS	100000

/* A partition that has rows, or the table itself if it has no partitions. */
typedef struct BarqShard
{
	Oid			table;
	int			number;			/* from 1, in the order of OIDs */
	bool		foreign;		/* of postgres_fdw; else of this server */
	char	   *server;			/* its name; NULL: this server */
	bool		missing;		/* does not answer, and is left out */
} BarqShard;

/* The arguments of a search; strings are palloc'd or NULL. */
typedef struct BarqShardedArgs
{
	Oid			table;
	Oid			schema;			/* of the extension */
	char	   *embedding;		/* text form; NULL: no ranking of vectors */
	char	   *query;			/* words, or text form of a bm25global; NULL: no ranking
								 * of texts */
	int			k;
	int			candidates;
	double		rrf_k;
	double		vector_weight;
	double		text_weight;
	char	   *filter;			/* with the values of its parameters; NULL: none */
	char	   *distance;		/* name of the operator */
	char	   *vector_column;	/* set by barq_sharded_columns() */
	char	   *text_column;	/* the same */
	char	   *group_by;		/* a column; NULL: no groups */
} BarqShardedArgs;

/* ---- sharded_shards.c ---- */

/*
 * The shards of a table: BarqShard, palloc'd. Keeps AccessShareLock on the table and
 * all partitions. Raises ERRCODE_WRONG_OBJECT_TYPE for a relation that is no table and
 * for a foreign table that is not of postgres_fdw;
 * ERRCODE_FEATURE_NOT_SUPPORTED for a parent with row security.
 */
extern List *barq_sharded_shards(Oid table);

/*
 * Find the columns that the arguments do not name: the only one of a vector type, the
 * only one of text. Raises ERRCODE_UNDEFINED_COLUMN if there is none or a name is of
 * none, ERRCODE_AMBIGUOUS_COLUMN if there are several.
 */
extern void barq_sharded_columns(BarqShardedArgs *args);

/*
 * Check the column of args->group_by. Raises the errors of barq_groups_check_column().
 */
extern void barq_sharded_check_group(const BarqShardedArgs *args);

/*
 * The qualified and quoted name of a shard's table on its own server, and the name of
 * a column there; palloc'd.
 */
extern char *barq_sharded_remote_table(const BarqShard *shard);
extern char *barq_sharded_remote_column(const BarqShard *shard, const char *column);

/*
 * Ask each foreign shard for nothing, to see whether it answers, and set `missing` of
 * those that cannot be reached: a failure of the connection, or a server that is shut
 * down or starting up. Other errors are raised. Warns (ERRCODE_WARNING) of each, by
 * server. Returns their number. SPI is connected.
 */
extern int	barq_sharded_find_missing(List *shards);

/* ---- sharded_filter.c ---- */

/*
 * A filter of a table whose parameters $1 … are replaced by the elements of a text[]
 * (NULL: no elements), as literals of the types that the expression gives them, and in
 * which a column is qualified by the table's name alone, if at all; palloc'd. Raises the errors of barq_hybrid_check_expr(),
 * barq_hybrid_check_params() and of the types' input functions, and
 * ERRCODE_INVALID_PARAMETER_VALUE for elements without a parameter. Takes and releases
 * AccessShareLock on the table.
 */
extern char *barq_sharded_filter(Oid table, const char *filter, ArrayType *filter_args,
								 const char *caller);

/* ---- sharded_sql.c ---- */

/*
 * The statement that gathers a query's statistics from all shards that are not missing;
 * it returns one bm25global. caller: barq_global_caller() of the session that runs it.
 */
extern char *barq_sharded_statistics_sql(const BarqShardedArgs *args, List *shards, const char *caller);

/*
 * The statement of a search; args->query is the text form of a bm25global. It returns
 * doc, score, vector_rank, text_rank, vector_distance, text_score, the best row first; with
 * groups also `found`, the number of candidates of which these rows are the groups'. Raises
 * ERRCODE_UNDEFINED_FUNCTION if there is no such distance of the column's type.
 */
extern char *barq_sharded_search_sql(const BarqShardedArgs *args, List *shards);

#endif							/* BARQ_SHARDED_H */
