/*
 * segment_kinds.c
 *	  The registry of segment kinds, local to the process. Calls nothing.
 */
#include "postgres.h"

#include "store/segment.h"

#define MAX_SEGMENT_KINDS	16

static const BarqSegmentKind *kinds[MAX_SEGMENT_KINDS];
static int	nkinds = 0;

void
barq_register_segment_kind(const BarqSegmentKind *kind)
{
	for (int i = 0; i < nkinds; i++)
		if (kinds[i]->id == kind->id)
			elog(ERROR, "segment kinds \"%s\" and \"%s\" have the same number",
				 kinds[i]->name, kind->name);
	if (nkinds == MAX_SEGMENT_KINDS)
		elog(ERROR, "too many segment kinds");
	kinds[nkinds++] = kind;
}

const BarqSegmentKind *
barq_segment_kind(uint16 id)
{
	for (int i = 0; i < nkinds; i++)
		if (kinds[i]->id == id)
			return kinds[i];
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("unknown segment kind: %u", id),
			 errhint("The index was written by a newer version of barq, or is corrupted.")));
}
