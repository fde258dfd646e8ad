/*
 * vector_kind.c
 *	  What an index of vectors does with rows: sealed logs become flat
 *	  segments, merges become graphs where a graph pays.
 */
#include "postgres.h"

#include "am/am.h"
#include "miscadmin.h"
#include "store/interrupts.h"
#include "store/work.h"

/*
 * A scan of codes reads all of them, a graph walk a few hundred: below this
 * many bytes of codes the scan is faster at equal recall. A row of bits is so
 * short that scoring it costs more than reading it, which counts as some bytes
 * more; a row of a sparse vector costs so much that its bytes do not matter.
 * Measured, see docs/performance.md ("Where a graph begins to pay").
 */
#ifndef BARQ_CRASH_POINTS
#define GRAPH_PAYS_BYTES	(UINT64CONST(1) * 1024 * 1024)
#define GRAPH_PAYS_ROWS		1000
#define GRAPH_PAYS_SPARSE_ROWS	2000
#define GRAPH_PAYS_PER_BITS	64
#else							/* tests of crashes want small graphs */
#define GRAPH_PAYS_BYTES	1
#define GRAPH_PAYS_ROWS		100
#define GRAPH_PAYS_SPARSE_ROWS	100
#define GRAPH_PAYS_PER_BITS	64
#endif

bool
barq_graph_pays(const BarqCodec *codec, uint64 rows)
{
	uint64		row_bytes = codec->row_bytes;

	if (barq_codec_has_heads(codec))
		return rows >= GRAPH_PAYS_SPARSE_ROWS;
	if (codec->quant == BARQ_QUANT_BITS)
		row_bytes += GRAPH_PAYS_PER_BITS;
	return rows >= GRAPH_PAYS_ROWS && rows * row_bytes >= GRAPH_PAYS_BYTES;
}

static void
seal_vectors(const BarqFrozenOptions *frozen, const BarqSealRow *rows, uint32 n,
			 BarqBodyWriter *writer)
{
	BarqCodec	codec;
	char	   *codes;			/* of rows, or heads of them */
	ItemPointerData *tids;

	barq_vector_codec(frozen, &codec);
	codes = palloc_extended((Size) codec.row_bytes * n, MCXT_ALLOC_HUGE);
	tids = palloc_extended(sizeof(ItemPointerData) * (Size) n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *code = codes + (Size) i * codec.row_bytes;

		if (!barq_row_is_whole(&codec, rows[i].payload, rows[i].length))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("a growing record of %u bytes is no row of the index",
							rows[i].length),
					 errhint("Please REINDEX the index.")));
		if (barq_codec_has_heads(&codec))
			barq_row_head(code, rows[i].payload, rows[i].payload - code);
		else
			memcpy(code, rows[i].payload, codec.row_bytes);
		tids[i] = rows[i].tid;
	}
	barq_flat_write(writer, &codec, codes, codec.row_bytes, tids, n);
	pfree(codes);
	pfree(tids);
}

/* Progress of a merge that nobody watches. */
static void
only_interrupts(void *arg, uint32 rows)
{
	barq_check_interrupts();
}

BarqBodyWriter *
barq_hnsw_build_graph(Relation index, const BarqFrozenOptions *frozen,
					  const uint8 *id, BarqMergeInput *inputs, int ninputs,
					  uint64 live, const BarqBuildTeam *team, char **reason)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);
	BarqHnswOptions hnsw = {options->m, options->ef_construction};
	BarqCodec	codec;
	BarqWork   *work;
	BarqHnswWork *graph;
	BarqBodyWriter *writer;
	uint64		rows_bytes = 0;
	uint64		bytes;

	barq_vector_codec(frozen, &codec);
	for (int i = 0; i < ninputs; i++)
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	bytes = barq_hnsw_work_bytes(&codec, &hnsw, (uint32) live, rows_bytes);
	work = barq_work_create_shared(index, bytes, reason);
	if (work == NULL)
	{
		/* a build must succeed; a merge can wait for room */
		if (team == NULL)
			return NULL;
		work = barq_work_create_private(bytes);
	}

	graph = barq_hnsw_work_load(work->address, &codec, &hnsw, inputs, ninputs);
	if (team != NULL && work->path != NULL)
		team->begin(team->arg, work->path, bytes);
	barq_hnsw_work_insert(graph, team ? team->progress : only_interrupts,
						  team ? team->arg : NULL);
	if (team != NULL)
		team->finish(team->arg);

	writer = barq_body_begin_file(index, id, bytes, reason);
	if (writer == NULL)
	{
		if (team == NULL)
		{
			barq_work_release(work);
			return NULL;
		}
		writer = barq_body_begin_memory(bytes);
	}
	barq_hnsw_work_write(graph, writer);
	barq_work_release(work);
	return writer;
}

static BarqBodyWriter *
merge_vectors(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
			  BarqMergeInput *inputs, int ninputs, uint64 live, char **reason)
{
	BarqCodec	codec;
	BarqBodyWriter *writer;

	barq_vector_codec(frozen, &codec);
	if (barq_graph_pays(&codec, live))
		return barq_hnsw_build_graph(index, frozen, id, inputs, ninputs, live,
									 NULL, reason);

	writer = barq_body_begin_memory(live * codec.stride);
	barq_flat_merge(writer, &codec, inputs, ninputs);
	return writer;
}

static bool
is_provisional(const BarqFrozenOptions *frozen, uint16 segment_kind, uint64 rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return segment_kind == BARQ_KIND_FLAT && barq_graph_pays(&codec, rows);
}

static bool
indexes_vector(Relation index, const BarqFrozenOptions *frozen, Datum value)
{
	BarqCodec	codec;
	void	   *copy;
	void	   *row;
	int			dims;
	const void *elements;
	bool		encoded;

	barq_vector_codec(frozen, &codec);
	elements = barq_vector_space(index)->elements(value, &dims, &copy);
	row = palloc(barq_value_row_bytes(&codec, elements));
	encoded = dims == codec.dims && barq_codec_encode(&codec, elements, row);
	pfree(row);
	if (copy != NULL)
		pfree(copy);
	return encoded;
}

static char *
describe_hnsw(const BarqFrozenOptions *frozen)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	return psprintf("dimensions=%u, m=%u, ef_construction=%u, quantization=%s",
					options->dims, options->m, options->ef_construction,
					barq_quantization_name(options->quantization));
}

const BarqIndexKind barq_hnsw_index_kind = {
	.id = BARQ_KIND_HNSW,
	.name = "barq_hnsw",
	.seal = seal_vectors,
	.merge = merge_vectors,
	.is_provisional = is_provisional,
	.indexes_value = indexes_vector,
	.describe = describe_hnsw
};
