/*
 * text_insert.c
 *	  Adding a row to an index of text: tokenise, append, seal when it is time.
 */
#include "postgres.h"

#include "am/text.h"
#include "lifecycle/stats.h"
#include "nodes/execnodes.h"
#include "store/growing.h"
#include "utils/memutils.h"
#include "utils/rel.h"

bool
barq_text_insert(Relation index, Datum *values, bool *isnull,
				 ItemPointer heap_tid, Relation heap,
				 IndexUniqueCheck check_unique, bool index_unchanged,
				 IndexInfo *info)
{
	Oid			type = TupleDescAttr(RelationGetDescr(index), 0)->atttypid;
	MemoryContext context;
	MemoryContext old;
	BarqTextOptions options;
	char	   *document;
	uint32		bytes;
	uint32		pages;

	/* NULLs are not indexed */
	if (isnull[0])
		return false;

	/* one context for the statement's inserts, reset by each */
	context = info->ii_AmCache;
	if (context == NULL)
	{
		context = AllocSetContextCreate(info->ii_Context, "barq insert",
										ALLOCSET_DEFAULT_SIZES);
		info->ii_AmCache = context;
	}
	old = MemoryContextSwitchTo(context);

	/* copied: dictionaries look things up, which may invalidate the relcache */
	options = *barq_text_options(&barq_meta_cached(index, false)->options);
	document = barq_text_document(&options, type, values[0], options.positions != 0, &bytes);
	if (bytes > BARQ_RECORD_MAX_PAYLOAD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document of %u bytes of terms is too large for index \"%s\"",
						bytes, RelationGetRelationName(index)),
				 errdetail("The largest has %u.", BARQ_RECORD_MAX_PAYLOAD)));
	pages = barq_growing_append(index, heap_tid, document, bytes);

	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_INSERTS, 1);

	if (pages > 0)
		barq_after_append(index, pages);
	return false;
}
