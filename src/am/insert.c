/*
 * insert.c
 *	  Adding a row to an index of vectors: encode, append, seal when it is time.
 */
#include "postgres.h"

#include "am/am.h"
#include "lifecycle/stats.h"
#include "nodes/execnodes.h"
#include "store/growing.h"
#include "types/vector.h"
#include "utils/memutils.h"

bool
barq_vector_insert(Relation index, Datum *values, bool *isnull,
				   ItemPointer heap_tid, Relation heap,
				   IndexUniqueCheck check_unique, bool index_unchanged,
				   IndexInfo *info)
{
	MemoryContext context;
	MemoryContext old;
	const BarqVectorSpace *space;
	BarqCodec	codec;
	const void *elements;
	void	   *copy;
	char	   *row;
	Size		bytes;
	int			dims;
	uint32		pages = 0;

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

	space = barq_vector_space(index);
	barq_vector_codec(&barq_meta_cached(index, false)->options, &codec);
	elements = space->elements(values[0], &dims, &copy);
	barq_check_expected_dim(codec.dims, dims);

	bytes = barq_value_row_bytes(&codec, elements);
	row = palloc(bytes);
	if (barq_codec_encode(&codec, elements, row))
		pages = barq_growing_append(index, heap_tid, row, (uint32) bytes);

	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
	barq_count(barq_stats_of(RelationGetRelid(index)), BARQ_COUNT_INSERTS, 1);

	if (pages > 0)
		barq_after_append(index, pages);
	return false;
}
