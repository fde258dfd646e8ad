/*
 * insert.c
 *	  Adding a row to an index: encode or tokenise, append, seal when it is time.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/text.h"
#include "lifecycle/stats.h"
#include "nodes/execnodes.h"
#include "store/growing.h"
#include "types/vector.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/*
 * Append a value that is not NULL; how many pages the log has then, 0 where no
 * page was added. What it allocates is freed by its caller.
 */
typedef uint32 (*RowAppender) (Relation index, Datum value, ItemPointer heap_tid);

static void
insert_row(Relation index, IndexInfo *info, Datum value, bool isnull,
		   ItemPointer heap_tid, RowAppender append)
{
	MemoryContext context = info->ii_AmCache;
	MemoryContext old;
	uint32		pages;

	/* one context for the statement's inserts, reset by each */
	if (context == NULL)
	{
		context = AllocSetContextCreate(info->ii_Context, "barq insert",
										ALLOCSET_DEFAULT_SIZES);
		info->ii_AmCache = context;
	}
	old = MemoryContextSwitchTo(context);
	pages = isnull ?
		barq_growing_append_keyless(index, heap_tid, BARQ_KEYLESS_NULL) :
		append(index, value, heap_tid);
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_INSERTS, 1);

	if (pages > 0)
		barq_after_append(index, pages);
}

static uint32
append_vector(Relation index, Datum value, ItemPointer heap_tid)
{
	const BarqVectorSpace *space = barq_vector_space(index);
	BarqCodec	codec;
	const void *elements;
	void	   *copy;
	char	   *row;
	Size		bytes;
	int			dims;

	barq_vector_codec(&barq_meta_cached(index, false)->options, &codec);
	elements = space->elements(value, &dims, &copy);
	barq_check_expected_dim(codec.dims, dims);

	bytes = barq_value_row_bytes(&codec, elements);
	row = palloc(bytes);
	if (!barq_codec_encode(&codec, elements, row))
		return barq_growing_append_keyless(index, heap_tid, BARQ_KEYLESS_UNDEFINED);
	return barq_growing_append(index, heap_tid, row, (uint32) bytes);
}

static uint32
append_text(Relation index, Datum value, ItemPointer heap_tid)
{
	Oid			type = index->rd_opcintype[0];

	/* copied: dictionaries look things up, which may invalidate the relcache */
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
	return barq_growing_append(index, heap_tid, document, bytes);
}

bool
barq_vector_insert(Relation index, Datum *values, bool *isnull,
				   ItemPointer heap_tid, Relation heap,
				   IndexUniqueCheck check_unique, bool index_unchanged,
				   IndexInfo *info)
{
	insert_row(index, info, values[0], isnull[0], heap_tid, append_vector);
	return false;
}

bool
barq_text_insert(Relation index, Datum *values, bool *isnull,
				 ItemPointer heap_tid, Relation heap,
				 IndexUniqueCheck check_unique, bool index_unchanged,
				 IndexInfo *info)
{
	insert_row(index, info, values[0], isnull[0], heap_tid, append_text);
	return false;
}
