/*
 * advise_table.c
 *	  Rules of barq_advise() about the table: whether queries use the index, and which
 *	  columns their conditions name.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/advice.h"
#include "base/names.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"
#include "nodes/bitmapset.h"
#include "optimizer/optimizer.h"
#include "pgstat.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* A filter column pays where a value is that of at most this share of the rows. */
#define MOST_SHARE		0.5

/* Scans of an index since the statistics were last reset, as pg_stat_all_indexes has them. */
static uint64
scans_of(Oid index)
{
	return (uint64) DatumGetInt64(DirectFunctionCall1(pg_stat_get_numscans,
													  ObjectIdGetDatum(index)));
}

void
barq_advise_use(BarqAdvised *advised)
{
	AttrNumber	column = advised->index->rd_index->indkey.values[0];

	if (advised->rows < FEW_ROWS || !advised->index->rd_index->indisvalid)
		return;
	if (column > 0 && !SearchSysCacheExists3(STATRELATTINH,
											 ObjectIdGetDatum(RelationGetRelid(advised->heap)),
											 Int16GetDatum(column), BoolGetDatum(false)))
		barq_advise_that(advised, "analyze",
						 "ANALYZE %s: the planner knows nothing of its rows yet.",
						 barq_qualified_name(advised->heap));
	if (scans_of(RelationGetRelid(advised->index)) == 0 &&
		advised->counts.counters[BARQ_COUNT_SEARCHES] == 0)
		barq_advise_that(advised, "unused",
						 "Write queries that use %s (ORDER BY column operator value LIMIT n; EXPLAIN shows it), or drop it: no scan of it was counted since the statistics were reset, and every insert pays for it.",
						 advised->name);
}

/* Is a column of the table one of the index's? */
static bool
is_indexed(Relation index, AttrNumber column)
{
	for (int i = 0; i < index->rd_index->indnatts; i++)
		if (index->rd_index->indkey.values[i] == column)
			return true;
	return false;
}

/*
 * Could a column be a filter column of the index, and be worth it? Its type has an
 * operator class, and there are statistics that say that a value is that of half of the
 * rows at most.
 */
static bool
may_filter(const BarqAdvised *advised, AttrNumber column)
{
	Oid			type = get_atttype(RelationGetRelid(advised->heap), column);
	HeapTuple	tuple;
	bool		worth = false;

	if (column <= 0 || is_indexed(advised->index, column) ||
		!OidIsValid(GetDefaultOpClass(type, advised->index->rd_rel->relam)))
		return false;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(advised->heap)),
							Int16GetDatum(column), BoolGetDatum(false));
	if (HeapTupleIsValid(tuple))
	{
		float4		distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;

		worth = distinct < 0 || distinct >= 1 / MOST_SHARE;
		ReleaseSysCache(tuple);
	}
	return worth;
}

/* Say that a column should be a filter column, and why. */
static void
advise_column(BarqAdvised *advised, AttrNumber column, const char *why)
{
	barq_advise_that(advised, "filter_columns",
					 "Build %s anew with the filter column %s: %s, and a search within a condition on a filter column reads only rows that meet it.",
					 advised->name,
					 quote_identifier(get_attname(RelationGetRelid(advised->heap), column, false)),
					 why);
}

/* Columns that the policies of the table name. */
static Bitmapset *
policy_columns(Relation heap)
{
	Bitmapset  *columns = NULL;
	ListCell   *cell;

	if (!heap->rd_rel->relrowsecurity || heap->rd_rsdesc == NULL)
		return NULL;
	foreach(cell, heap->rd_rsdesc->policies)
		pull_varattnos((Node *) ((RowSecurityPolicy *) lfirst(cell))->qual, 1, &columns);
	return columns;
}

/* The first column of another index that queries use; 0 if there is none. */
static AttrNumber
searched_column(const BarqAdvised *advised, Oid oid, char **why)
{
	Relation	index;
	AttrNumber	column = 0;

	if (oid == RelationGetRelid(advised->index) || scans_of(oid) == 0)
		return 0;
	index = relation_open(oid, AccessShareLock);
	if ((index->rd_rel->relam == BTREE_AM_OID || index->rd_rel->relam == HASH_AM_OID) &&
		!index->rd_index->indisunique && index->rd_index->indisvalid)
	{
		column = index->rd_index->indkey.values[0];
		*why = psprintf("queries use its index %s",
						quote_identifier(RelationGetRelationName(index)));
	}
	relation_close(index, AccessShareLock);
	return column;
}

void
barq_advise_filter_columns(BarqAdvised *advised)
{
	Bitmapset  *policies = policy_columns(advised->heap);
	Bitmapset  *advised_columns = NULL;
	ListCell   *cell;
	int			member = -1;

	if (advised->rows < FEW_ROWS)
		return;
	while ((member = bms_next_member(policies, member)) >= 0)
	{
		AttrNumber	column = member + FirstLowInvalidHeapAttributeNumber;

		if (!may_filter(advised, column))
			continue;
		advised_columns = bms_add_member(advised_columns, column);
		advise_column(advised, column, "a policy of the table names it");
	}
	foreach(cell, RelationGetIndexList(advised->heap))
	{
		char	   *why = NULL;
		AttrNumber	column = searched_column(advised, lfirst_oid(cell), &why);

		if (column <= 0 || bms_is_member(column, advised_columns) ||
			!may_filter(advised, column))
			continue;
		advised_columns = bms_add_member(advised_columns, column);
		advise_column(advised, column, why);
	}
}
