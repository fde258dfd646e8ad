/*
 * last_scan.c
 *	  barq_last_scan(): counters of the last index scan of this session.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/scan_report.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_last_scan);

/*
 * barq_last_scan() → one row: the index, then the counters of BarqScanReport. All
 * columns are NULL if no scan has ended yet. The counters are NULL for a role that
 * may not see the index's content: the scan may have run in a SECURITY DEFINER
 * function.
 */
Datum
barq_last_scan(PG_FUNCTION_ARGS)
{
	Oid			index = InvalidOid;
	const BarqScanReport *report = barq_last_scan_report(&index);
	TupleDesc	desc;
	Datum		values[9] = {0};
	bool		nulls[9];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	if (report != NULL)
	{
		values[0] = ObjectIdGetDatum(index);
		nulls[0] = false;
	}
	if (report != NULL && barq_may_see_index_content(index, GetUserId()))
	{
		values[1] = Int64GetDatum((int64) report->searches);
		values[2] = Int64GetDatum((int64) report->segments);
		values[3] = Int64GetDatum((int64) report->images);
		values[4] = Int64GetDatum((int64) report->pages);
		values[5] = Int64GetDatum((int64) report->rows_scored);
		values[6] = Int64GetDatum((int64) report->heap_rows);
		values[7] = Int64GetDatum((int64) report->cut);
		values[8] = Int64GetDatum((int64) report->scored_all);
		memset(nulls, false, sizeof(nulls));
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
