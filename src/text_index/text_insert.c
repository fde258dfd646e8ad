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
 * BarqRowAppender: append the texts of a row. arg: the index's BarqTextColumns. Returns as
 * BarqRowAppender says; allocates in the current memory context. Raises
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED for a document that is too large,
 * ERRCODE_UNDEFINED_OBJECT if the index's configuration was dropped, and errors of
 * dictionaries.
 */
static uint32
append_text(Relation index, const Datum *values, const bool *isnull, ItemPointer heap_tid,
			const BarqFilterValues *filters, void *arg)
{
	/* copied: dictionaries read catalogs, which may invalidate the relcache */
	BarqTextOptions options = *barq_text_options(&barq_meta_cached(index, false)->options);
	BarqTextAnalysis analysis;
	BarqTextRow row;
	char	   *document;
	uint32		bytes;

	barq_text_row_from_index(index, arg, values, isnull, &row);
	if (barq_text_row_is_null(&row))
		return barq_growing_append_keyless(index, heap_tid, filters, BARQ_KEYLESS_NULL);
	analysis = barq_text_analysis(RelationGetRelid(index), &options);
	document = barq_text_document(&analysis, &row, options.positions != 0, &bytes);
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
	BarqTextColumns columns;
	BarqFilterColumns filters;

	barq_text_columns(index, &columns);
	filters = barq_text_filters(&columns);
	barq_am_insert(index, info, &filters, values, isnull, heap_tid, append_text, &columns);
	return false;
}
