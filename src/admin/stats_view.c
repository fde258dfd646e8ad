/*
 * stats_view.c
 *	  barq_stats() and barq_stats_reset(): counters of the indexes of this database.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/admin.h"
#include "base/script.h"
#include "catalog/index.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "base/stats.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_stats);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_stats_reset);

#define STATS_COLUMNS	(BARQ_COUNTERS + 2)	/* index, counters, lock waits */

/* Whether a counter is a time in microseconds. */
static bool
is_time(BarqCounter counter)
{
	return counter == BARQ_COUNT_SEAL_US || counter == BARQ_COUNT_COMPACTION_US ||
		counter == BARQ_COUNT_WAIT_US;
}

/*
 * barq_stats() → a row for each index of this database that the user may see and
 * that was used since the server (without shared_preload_libraries: the session)
 * started. Times in milliseconds.
 */
Datum
barq_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BarqIndexCounts *counts;
	int			n;

	barq_begin_rows(fcinfo, STATS_COLUMNS);
	counts = barq_stats_read(&n);
	for (int i = 0; i < n; i++)
	{
		Datum		values[STATS_COLUMNS];
		bool		nulls[STATS_COLUMNS] = {0};
		Datum		waits[BARQ_WAIT_BUCKETS];
		Oid			table;

		table = IndexGetRelation(counts[i].index, true);
		if (!OidIsValid(table) || !barq_may_see(table))
			continue;

		values[0] = ObjectIdGetDatum(counts[i].index);
		for (int c = 0; c < BARQ_COUNTERS; c++)
		{
			uint64		count = counts[i].counters[c];

			values[c + 1] = is_time(c) ? Float8GetDatum(count / 1000.0) : Int64GetDatum((int64) count);
		}
		for (int b = 0; b < BARQ_WAIT_BUCKETS; b++)
			waits[b] = Int64GetDatum((int64) counts[i].lock_waits[b]);
		values[STATS_COLUMNS - 1] = PointerGetDatum(construct_array(waits, BARQ_WAIT_BUCKETS,
																	INT8OID, 8, true, TYPALIGN_DOUBLE));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * barq_stats_reset(index regclass DEFAULT NULL): sets the counters of an index to zero,
 * or of all indexes of this database that the user may control. Errors of one index:
 * barq_admin_open().
 */
Datum
barq_stats_reset(PG_FUNCTION_ARGS)
{
	BarqIndexCounts *counts;
	int			n;

	if (!PG_ARGISNULL(0))
	{
		relation_close(barq_admin_open(PG_GETARG_OID(0), AccessShareLock, BARQ_RIGHT_STEER),
					   AccessShareLock);
		barq_stats_reset_index(PG_GETARG_OID(0));
		PG_RETURN_VOID();
	}
	counts = barq_stats_read(&n);
	for (int i = 0; i < n; i++)
	{
		Oid			table = IndexGetRelation(counts[i].index, true);

		if (OidIsValid(table) && barq_may_steer(table))
			barq_stats_reset_index(counts[i].index);
	}
	PG_RETURN_VOID();
}
