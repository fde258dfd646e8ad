/*
 * script.c
 *	  Calls through the script of another version of the extension.
 */
#include "postgres.h"

#include "base/script.h"
#include "funcapi.h"
#include "utils/lsyscache.h"

void
barq_raise_other_script(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("%s is of another version of the extension barq than its library", what),
			 errdetail("The library has version %s.", BARQ_VERSION),
			 errhint("Run ALTER EXTENSION barq UPDATE in this database.")));
	pg_unreachable();
}

/* The name of the calling function, for a message; palloc'd. */
static const char *
caller(FunctionCallInfo fcinfo)
{
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);

	return psprintf("function %s()", name != NULL ? name : "barq");
}

void
barq_expect_arguments(FunctionCallInfo fcinfo, int arguments)
{
	if (PG_NARGS() != arguments)
		barq_raise_other_script(caller(fcinfo));
}

void
barq_begin_rows(FunctionCallInfo fcinfo, int columns)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (rsinfo->setDesc->natts != columns)
		barq_raise_other_script(caller(fcinfo));
}
