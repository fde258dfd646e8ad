/*
 * index_kinds.c
 *	  The registry of index kinds, and which of them a relation is.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "catalog/pg_class.h"
#include "lifecycle/index_kind.h"
#include "utils/rel.h"

#define MAX_INDEX_KINDS	16

static const BarqIndexKind *kinds[MAX_INDEX_KINDS];
static int	nkinds = 0;

void
barq_register_index_kind(const BarqIndexKind *kind)
{
	for (int i = 0; i < nkinds; i++)
		if (kinds[i]->id == kind->id)
			elog(ERROR, "index kinds \"%s\" and \"%s\" have the same number",
				 kinds[i]->name, kind->name);
	if (nkinds == MAX_INDEX_KINDS)
		elog(ERROR, "too many kinds of indexes");
	kinds[nkinds++] = kind;
}

const BarqIndexKind *
barq_index_kind(uint16 id)
{
	for (int i = 0; i < nkinds; i++)
		if (kinds[i]->id == id)
			return kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("unknown kind of index: %u", id),
			 errhint("The index was written by a newer version of barq, or is corrupted.")));
}

const BarqIndexKind *
barq_kind_of_method(const IndexAmRoutine *method)
{
	for (int i = 0; i < nkinds; i++)
		if (method != NULL && method->amoptions == kinds[i]->reloptions)
			return kinds[i];
	return NULL;
}

bool
barq_has_barq_method(Relation index)
{
	return barq_kind_of_method(index->rd_indam) != NULL;
}

bool
barq_is_barq_index(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_INDEX && barq_has_barq_method(rel);
}
