/*
 * slow_log.c
 *	  barq.log_slow_maintenance: messages about seals, merges and VACUUM that took long.
 */
#include "postgres.h"

#include "base/settings.h"
#include "lifecycle/lifecycle.h"
#include "utils/rel.h"

void
barq_log_if_slow(Relation index, const char *step, instr_time start, uint64 rows,
				 uint64 bytes)
{
	uint64		us = barq_elapsed_us(start);
	double		seconds = Max(us, 1) / 1e6;

	if (barq_log_slow_maintenance < 0 || us / 1000 < (uint64) barq_log_slow_maintenance)
		return;
	if (bytes > 0)
		ereport(LOG,
				(errmsg("%s of index \"%s\" took %.3f ms: " UINT64_FORMAT " rows, " UINT64_FORMAT " bytes, %.0f rows/s, %.2f MB/s",
						step, RelationGetRelationName(index), us / 1000.0, rows, bytes,
						rows / seconds, bytes / seconds / (1024 * 1024)),
				 errhidestmt(true)));
	else
		ereport(LOG,
				(errmsg("%s of index \"%s\" took %.3f ms: " UINT64_FORMAT " rows, %.0f rows/s",
						step, RelationGetRelationName(index), us / 1000.0, rows,
						rows / seconds),
				 errhidestmt(true)));
}
