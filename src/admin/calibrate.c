/*
 * calibrate.c
 *	  barq_calibrate(): the breadth that barq.target_recall needs for the queries of a
 *	  user.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "bm25/bm25.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "vector_index/recall_calibrate.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_calibrate);

#define MOST_QUERIES	100000

/* ERROR where an array is not one of queries for the index. */
static void
check_queries(Relation index, ArrayType *array)
{
	Oid			type = index->rd_opcintype[0];
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_ELEMTYPE(array) != type &&
		!(type == BITOID && ARR_ELEMTYPE(array) == VARBITOID))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("queries are of type %s, index \"%s\" is of type %s",
						format_type_be(ARR_ELEMTYPE(array)), RelationGetRelationName(index),
						format_type_be(type)),
				 errhint("Cast the queries to %s[].", format_type_be(type))));
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a query must not be null")));
	if (n > MOST_QUERIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("at most %d queries can be used, not %d", MOST_QUERIES, n),
				 errhint("A thousand queries drawn at random suffice.")));
}

/*
 * barq_calibrate(index regclass, queries vector[]) -> number of queries used. Opened
 * with RowExclusiveLock: searches, inserts and maintenance go on. Errors:
 * barq_admin_open(), check_queries(), barq_calibrate_index(),
 * ERRCODE_WRONG_OBJECT_TYPE for an index of text, ERRCODE_INVALID_PARAMETER_VALUE where
 * no query has a neighbour.
 */
Datum
barq_calibrate(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	Relation	index;
	BarqMeta	meta;
	Datum	   *queries;
	int			n;
	uint32		used;
	int16		length;
	bool		by_value;
	char		align;

	PreventCommandDuringRecovery("barq_calibrate()");
	index = barq_admin_open(PG_GETARG_OID(0), RowExclusiveLock, BARQ_RIGHT_STEER);
	barq_meta_read(index, &meta);
	if (meta.options.index_kind == BARQ_KIND_BM25)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not an index of vectors", RelationGetRelationName(index)),
				 errdetail("Searches of access method %s are exact.", "barq_bm25")));
	check_queries(index, array);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &queries, NULL, &n);
	used = barq_calibrate_index(index, queries, n);
	if (n > 0 && used == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("no query has a neighbour in index \"%s\"",
						RelationGetRelationName(index)),
				 errdetail("The index has no sealed segment, or all queries are zero vectors.")));

	/* a transaction without an id does not wait for its WAL, but the user was told */
	ForceSyncCommit();
	relation_close(index, RowExclusiveLock);
	PG_RETURN_INT64((int64) used);
}
