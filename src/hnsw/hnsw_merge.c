#include "postgres.h"

#include "hnsw/hnsw_merge.h"

int
barq_hnsw_merge_choose(BarqHnswWork *work, BarqMergeInput *inputs, int ninputs)
{
	return -1;
}

void
barq_hnsw_merge_keep(BarqHnswWork *work, BarqMergeInput *input)
{
}
