/*
 * control.c
 *	  barq_seal(), barq_compact(), barq_version().
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/admin.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_version);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_seal);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_compact);

Datum
barq_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(BARQ_VERSION));
}

/*
 * barq_seal(index regclass) → rows sealed. The index is opened with the maintenance
 * lock. Errors: barq_admin_open().
 */
Datum
barq_seal(PG_FUNCTION_ARGS)
{
	Relation	index;
	uint64		rows;

	PreventCommandDuringRecovery("barq_seal()");
	index = barq_admin_open(PG_GETARG_OID(0), ShareUpdateExclusiveLock,
							BARQ_RIGHT_STEER);
	barq_begin_maintenance(index);
	rows = barq_seal_log(index);
	relation_close(index, ShareUpdateExclusiveLock);
	PG_RETURN_INT64((int64) rows);
}

/*
 * barq_compact(index regclass) → rows of the one segment that the index then
 * consists of; 0 if it was one already, whose pages are then all moved down as far as
 * they can be. Shortens the file. Errors:
 * barq_admin_open(), barq_compact_segments().
 */
Datum
barq_compact(PG_FUNCTION_ARGS)
{
	Relation	index;
	uint64		rows;

	PreventCommandDuringRecovery("barq_compact()");
	index = barq_admin_open(PG_GETARG_OID(0), ShareUpdateExclusiveLock,
							BARQ_RIGHT_STEER);
	barq_begin_maintenance(index);
	barq_seal_log(index);
	rows = barq_compact_segments(index, BARQ_CHOOSE_ALL);
	if (barq_shrink(index, BARQ_FREE_SHARE_AT_REST, BARQ_LENGTH_AT_REST(rows)))
		barq_cut_end(index);
	relation_close(index, ShareUpdateExclusiveLock);
	PG_RETURN_INT64((int64) rows);
}
