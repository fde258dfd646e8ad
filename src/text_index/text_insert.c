/*
 * text_insert.c
 *	  aminsert: tokenise a text and append it to the growing log.
 */
#include "postgres.h"

#include "nodes/execnodes.h"
#include "store/growing.h"
#include "text_index/text_index.h"
#include "utils/rel.h"

/*
 * BarqRowAppender: append a text. Returns as BarqRowAppender says; allocates in
 * the current memory context. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED for a
 * document that is too large, ERRCODE_UNDEFINED_OBJECT if the index's
 * configuration was dropped, and errors of dictionaries.
 */
static uint32
append_text(Relation index, Datum value, ItemPointer heap_tid,
			const BarqFilterValues *filters)
{
	Oid			type = index->rd_opcintype[0];

	/* copied: dictionaries read catalogs, which may invalidate the relcache */
	BarqTextOptions options = *barq_text_options(&barq_meta_cached(index, false)->options);
	BarqTextAnalysis analysis = barq_text_analysis(RelationGetRelid(index), &options);
	char	   *document;
	uint32		bytes;

	document = barq_text_document(&analysis, type, value, options.positions != 0, &bytes);
	if (bytes > BARQ_RECORD_MAX_PAYLOAD)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document of %u bytes of terms is too large for index \"%s\"",
						bytes, RelationGetRelationName(index)),
				 errdetail("The largest has %u.", BARQ_RECORD_MAX_PAYLOAD)));
	return barq_growing_append(index, heap_tid, filters, document, bytes);
}

bool
barq_text_insert(Relation index, Datum *values, bool *isnull,
				 ItemPointer heap_tid, Relation heap,
				 IndexUniqueCheck check_unique, bool index_unchanged,
				 IndexInfo *info)
{
	barq_am_insert(index, info, values, isnull, heap_tid, append_text);
	return false;
}
