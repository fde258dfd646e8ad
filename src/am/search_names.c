/*
 * search_names.c
 *	  Settings of a search by other names than barq's (search_names.h).
 */
#include "postgres.h"

#include "access/genam.h"
#include "am/search_names.h"
#include "base/settings.h"
#include "utils/guc.h"
#include "utils/rel.h"

static struct
{
	amvalidate_function method;
	const BarqSearchNames *names;
} registered[2];
static int	nregistered = 0;

const BarqSearchValues *
barq_register_search_names(const char *version, amvalidate_function method,
						   const BarqSearchNames *names)
{
	static const BarqSearchValues values = {
		barq_breadth_for, barq_iterative_scan_for, barq_max_scan_tuples_for
	};
	int			i = 0;

	if (strcmp(version, BARQ_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("library \"barq_names\" is of version %s, and barq of version %s",
						version, BARQ_VERSION),
				 errhint("Install both from the same sources (make install install-vector-names), then connect again.")));

	/* it may be here already, if loading the library failed after that */
	while (i < nregistered && registered[i].method != method)
		i++;
	if (i == lengthof(registered))
		elog(ERROR, "too many access methods with settings of their own");
	registered[i].method = method;
	registered[i].names = names;
	nregistered = Max(nregistered, i + 1);
	return &values;
}

const BarqSearchNames *
barq_search_names(const IndexAmRoutine *method)
{
	for (int i = 0; i < nregistered; i++)
		if (method->amvalidate == registered[i].method)
			return registered[i].names;
	return NULL;
}

const BarqSearchNames *
barq_search_names_of(Oid index)
{
	const BarqSearchNames *names;
	Relation	relation;

	if (nregistered == 0)
		return NULL;
	relation = index_open(index, NoLock);
	names = barq_search_names(relation->rd_indam);
	index_close(relation, NoLock);
	return names;
}

int
barq_breadth_for(const BarqSearchNames *names, bool of_lists)
{
	if (names != NULL && *names->breadth != BARQ_NAME_UNSET)
		return *names->breadth;
	return of_lists ? barq_probes : barq_ef_search;
}

int
barq_iterative_scan_for(const BarqSearchNames *names)
{
	return names != NULL && *names->iterative_scan != BARQ_NAME_UNSET_ENUM ?
		*names->iterative_scan : barq_iterative_scan;
}

int
barq_max_scan_tuples_for(const BarqSearchNames *names)
{
	return names != NULL && names->max_scan_tuples != NULL &&
		*names->max_scan_tuples != BARQ_NAME_UNSET ?
		*names->max_scan_tuples : barq_max_scan_tuples;
}

/* Set a setting, of the prefix given, to strict order in the current nest level. */
static void
set_strict_order(const char *prefix)
{
	char	   *name = psprintf("%s.iterative_scan", prefix);

	(void) set_config_option(name, "strict_order", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	pfree(name);
}

int
barq_require_strict_order(void)
{
	bool		strict = barq_iterative_scan == BARQ_ITERATIVE_STRICT;
	int			nest_level;

	for (int i = 0; i < nregistered; i++)
		strict &= barq_iterative_scan_for(registered[i].names) == BARQ_ITERATIVE_STRICT;
	if (strict)
		return -1;
	nest_level = NewGUCNestLevel();
	set_strict_order("barq");
	for (int i = 0; i < nregistered; i++)
		set_strict_order(registered[i].names->prefix);
	return nest_level;
}
