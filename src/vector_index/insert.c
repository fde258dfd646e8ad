/*
 * insert.c
 *	  Inserting a row into an index of vectors: encode it and append it to the
 *	  growing log.
 */
#include "postgres.h"

#include "am/filters.h"
#include "nodes/execnodes.h"
#include "store/growing.h"
#include "types/vector.h"
#include "vector_index/vector_index.h"

/*
 * BarqRowAppender: append a vector, or a row without a key if it has none (NULL, a
 * zero vector under cosine). Returns as BarqRowAppender says; allocates in the
 * current memory context. Raises ERRCODE_DATA_EXCEPTION if the number of
 * dimensions is not the index's, ERRCODE_PROGRAM_LIMIT_EXCEEDED for a sparsevec
 * with too many elements.
 */
static uint32
append_vector(Relation index, const Datum *values, const bool *isnull,
			  ItemPointer heap_tid, const BarqFilterValues *filters, void *arg)
{
	const BarqVectorSpace *space = barq_vector_space(index);
	BarqCodec	codec;
	const void *elements;
	void	   *copy;
	char	   *row;
	Size		bytes;
	int			dims;

	if (isnull[0])
		return barq_growing_append_keyless(index, heap_tid, filters, BARQ_KEYLESS_NULL);
	barq_vector_codec(&barq_meta_cached(index, false)->options, &codec);
	elements = space->elements(values[0], &dims, &copy);
	barq_check_expected_dim(codec.dims, dims);

	bytes = barq_value_row_bytes(&codec, elements);
	row = palloc(bytes);
	if (!barq_codec_encode(&codec, elements, row))
		return barq_growing_append_keyless(index, heap_tid, filters, BARQ_KEYLESS_UNDEFINED);
	return barq_growing_append(index, heap_tid, filters, row, (uint32) bytes);
}

bool
barq_vector_insert(Relation index, Datum *values, bool *isnull,
				   ItemPointer heap_tid, Relation heap,
				   IndexUniqueCheck check_unique, bool index_unchanged,
				   IndexInfo *info)
{
	BarqFilterColumns columns = barq_filters_behind_first(index);

	barq_am_insert(index, info, &columns, values, isnull, heap_tid, append_vector, NULL);
	return false;
}
