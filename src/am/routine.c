/*
 * routine.c
 *	  The part of an IndexAmRoutine that all access methods share.
 */
#include "postgres.h"

#include "am/am.h"
#include "commands/vacuum.h"

IndexAmRoutine *
barq_am_routine(void)
{
	IndexAmRoutine *am = makeNode(IndexAmRoutine);

	am->amoptsprocnum = 0;
	am->amcanorder = false;
	am->amcanorderbyop = true;
	am->amcanbackward = false;
	am->amcanunique = false;
	am->amcanmulticol = true;	/* filter columns */
	am->amoptionalkey = true;	/* ORDER BY needs no WHERE */
	am->amsearcharray = true;
	am->amsearchnulls = true;
	am->amstorage = false;
	am->amclusterable = false;
	am->ampredlocks = false;
	am->amcanparallel = false;
	am->amcaninclude = false;
	am->amusemaintenanceworkmem = false;
	am->amparallelvacuumoptions = VACUUM_OPTION_PARALLEL_BULKDEL |
		VACUUM_OPTION_PARALLEL_COND_CLEANUP;
	am->amkeytype = InvalidOid;

	am->ambulkdelete = barq_bulk_delete;
	am->amvacuumcleanup = barq_vacuum_cleanup;
	am->amcanreturn = NULL;
	am->amproperty = NULL;
	am->amadjustmembers = NULL;
	am->amgetbitmap = NULL;
	am->ammarkpos = NULL;
	am->amrestrpos = NULL;
	am->amestimateparallelscan = NULL;
	am->aminitparallelscan = NULL;
	am->amparallelrescan = NULL;
	return am;
}
