/*
 * vector_kind.c
 *	  What an index of vectors does with rows: sealed logs become flat
 *	  segments or quickly made lists, merges become graphs (or lists:
 *	  ivf_kind.c) where those pay.
 */
#include "postgres.h"

#include <math.h>

#include "vector_index/vector_build.h"
#include "miscadmin.h"
#include "base/interrupts.h"
#include "store/work.h"

/*
 * A scan of codes reads all of them, a graph walk a few hundred: below this
 * many bytes of codes the scan is faster at equal recall. A row of bits, or of
 * rabitq, is so short that scoring it costs more than reading it, which counts
 * as some bytes more; a row of a sparse vector costs so much that its bytes do
 * not matter. Measured, see docs/performance.md ("Where a graph begins to pay").
 */
#define SCAN_SHORT_ROW		64
#ifndef BARQ_CRASH_POINTS
#define GRAPH_PAYS_BYTES	(UINT64CONST(1) * 1024 * 1024)
#define GRAPH_PAYS_ROWS		1000
#define GRAPH_PAYS_SPARSE_ROWS	2000
#else							/* tests of crashes want small graphs */
#define GRAPH_PAYS_BYTES	1
#define GRAPH_PAYS_ROWS		100
#define GRAPH_PAYS_SPARSE_ROWS	100
#endif

uint64
barq_scan_cost(const BarqCodec *codec, uint64 rows)
{
	bool		is_short = codec->quant == BARQ_QUANT_BITS ||
		codec->quant == BARQ_QUANT_RABITQ;

	return rows * (codec->row_bytes + (is_short ? SCAN_SHORT_ROW : 0));
}

static bool
graph_pays(const BarqCodec *codec, uint64 rows)
{
	if (barq_codec_has_heads(codec))
		return rows >= GRAPH_PAYS_SPARSE_ROWS;
	return rows >= GRAPH_PAYS_ROWS && barq_scan_cost(codec, rows) >= GRAPH_PAYS_BYTES;
}

static void
seal_flat(const BarqCodec *codec, const BarqSealRow *rows, uint32 n,
		  BarqBodyWriter *writer)
{
	char	   *codes;			/* of rows, or heads of them */
	ItemPointerData *tids;

	codes = palloc_extended((Size) codec->row_bytes * n, MCXT_ALLOC_HUGE);
	tids = palloc_extended(sizeof(ItemPointerData) * (Size) n, MCXT_ALLOC_HUGE);
	for (uint32 i = 0; i < n; i++)
	{
		char	   *code = codes + (Size) i * codec->row_bytes;

		if (!barq_row_is_whole(codec, rows[i].payload, rows[i].length))
			ereport(ERROR,
					(errcode(ERRCODE_INDEX_CORRUPTED),
					 errmsg("a growing record of %u bytes is no row of the index",
							rows[i].length),
					 errhint("Please REINDEX the index.")));
		if (barq_codec_has_heads(codec))
			barq_row_head(code, rows[i].payload, rows[i].payload - code);
		else
			memcpy(code, rows[i].payload, codec->row_bytes);
		tids[i] = rows[i].tid;
	}
	barq_flat_write(writer, codec, codes, codec->row_bytes, tids, n);
	pfree(codes);
	pfree(tids);
}

/* Progress of a merge that nobody watches. */
static void
only_interrupts(void *arg, uint32 rows)
{
	barq_check_interrupts();
}

/*
 * Whether a sealed log of a barq_hnsw index is worth lists until a merge makes
 * a graph of it: they cost a tenth of one, and a search that meets a dozen such
 * segments beside a merge reads a tenth of their rows. (Those of barq_ivf wait
 * for their merge, which has their lists already.)
 */
static bool
seals_lists(const BarqFrozenOptions *frozen, const BarqCodec *codec, uint32 rows)
{
	return frozen->index_kind == BARQ_KIND_HNSW &&
		!barq_codec_has_heads(codec) &&
		codec->metric != BARQ_METRIC_L1 && codec->metric != BARQ_METRIC_JACCARD &&
		barq_ivf_method.pays(codec, rows);
}

void
barq_vector_seal(const BarqFrozenOptions *frozen, const BarqSealRow *rows, uint32 n,
				 BarqBodyWriter *writer)
{
	BarqCodec	codec;
	BarqBodyWriter *flat;
	BarqView	view;
	BarqMergeInput input = {&view, NULL, n};
	BarqWork   *work;
	BarqIvfWork *lists;
	const char *body;
	uint64		bytes;
	uint32		wanted = (uint32) sqrt(n);

	barq_vector_codec(frozen, &codec);
	if (!seals_lists(frozen, &codec, n))
	{
		seal_flat(&codec, rows, n, writer);
		return;
	}
	flat = barq_body_begin_memory((Size) n * codec.stride);
	seal_flat(&codec, rows, n, flat);
	body = barq_body_finish(flat, &bytes);
	barq_view_init_memory(&view, body, bytes);
	work = barq_work_create_private(barq_ivf_work_bytes(&codec, wanted, &input, 1));
	lists = barq_ivf_work_load(work->address, &codec, wanted, &input, 1);
	barq_body_release(flat);
	barq_ivf_work_train(lists, only_interrupts, NULL);
	barq_ivf_work_assign(lists, only_interrupts, NULL);
	barq_ivf_work_write(lists, writer);
	barq_work_release(work);
}

BarqBodyWriter *
barq_vector_build(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
				  BarqMergeInput *inputs, int ninputs, const BarqBuildTeam *team,
				  char **reason)
{
	const BarqVectorMethod *method = barq_vector_method(frozen);
	BarqWork   *work;
	BarqBodyWriter *writer;
	uint64		bytes;

	bytes = method->work_bytes(frozen, inputs, ninputs);
	work = barq_work_create_shared(index, bytes, reason);
	if (work == NULL)
	{
		/* a build must succeed; a merge can wait for room */
		if (team == NULL)
			return NULL;
		work = barq_work_create_private(bytes);
	}

	method->load(work->address, frozen, inputs, ninputs);
	if (team != NULL && work->path != NULL)
		team->begin(team->arg, work->path, bytes);
	method->lead(work->address, team ? team->progress : only_interrupts,
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
	method->write_body(work->address, writer);
	barq_work_release(work);
	return writer;
}

BarqBodyWriter *
barq_vector_merge(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
				  BarqMergeInput *inputs, int ninputs, uint64 live, char **reason)
{
	const BarqVectorMethod *method = barq_vector_method(frozen);
	BarqCodec	codec;
	BarqBodyWriter *writer;

	barq_vector_codec(frozen, &codec);
	if (method->pays(&codec, live))
		return barq_vector_build(index, frozen, id, inputs, ninputs, NULL, reason);

	writer = barq_body_begin_memory(live * codec.stride);
	barq_flat_merge(writer, &codec, inputs, ninputs);
	return writer;
}

bool
barq_vector_is_provisional(const BarqFrozenOptions *frozen, uint16 segment_kind,
						   uint64 rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return segment_kind != frozen->index_kind &&
		barq_vector_method(frozen)->pays(&codec, rows);
}

/* Scoring a sparse row takes as long as thirty rows of dense codes. */
bool
barq_vector_is_urgent(const BarqFrozenOptions *frozen, uint16 segment_kind, uint64 rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return barq_codec_has_heads(&codec) &&
		barq_vector_is_provisional(frozen, segment_kind, rows);
}

bool
barq_vector_has_key(Relation index, const BarqFrozenOptions *frozen, Datum value)
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

static int
show_hnsw(Relation index, const BarqFrozenOptions *frozen, BarqShownOption *shown)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	shown[0] = (BarqShownOption) {"dimensions", psprintf("%u", options->dims)};
	shown[1] = (BarqShownOption) {"m", psprintf("%u", options->m)};
	shown[2] = (BarqShownOption) {"ef_construction", psprintf("%u", options->ef_construction)};
	shown[3] = (BarqShownOption) {"quantization",
								 pstrdup(barq_quantization_name(options->quantization))};
	return 4;
}

const BarqIndexKind barq_hnsw_index_kind = {
	.id = BARQ_KIND_HNSW,
	.name = "barq_hnsw",
	.seal = barq_vector_seal,
	.merge = barq_vector_merge,
	.is_provisional = barq_vector_is_provisional,
	.is_urgent = barq_vector_is_urgent,
	.has_key = barq_vector_has_key,
	.reloptions = barq_hnsw_reloptions,
	.freeze = barq_hnsw_freeze_options,
	.show = show_hnsw
};

static BarqHnswOptions
hnsw_options(const BarqFrozenOptions *frozen)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	return (BarqHnswOptions) {options->m, options->ef_construction};
}

static uint64
hnsw_work_bytes(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqHnswOptions options = hnsw_options(frozen);
	BarqCodec	codec;
	uint64		live = 0;
	uint64		rows_bytes = 0;

	for (int i = 0; i < ninputs; i++)
	{
		live += inputs[i].live;
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	}
	barq_vector_codec(frozen, &codec);
	return barq_hnsw_work_bytes(&codec, &options, (uint32) live, rows_bytes);
}

static void
hnsw_load(void *area, const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqHnswOptions options = hnsw_options(frozen);
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_hnsw_work_load(area, &codec, &options, inputs, ninputs);
}

/* Who leads and who helps do the same. */
static void
hnsw_insert(void *area, BarqBuildProgress progress, void *arg)
{
	barq_hnsw_work_insert(barq_hnsw_work_attach(area), progress, arg);
}

static void
hnsw_write(void *area, BarqBodyWriter *writer)
{
	barq_hnsw_work_write(barq_hnsw_work_attach(area), writer);
}

const BarqVectorMethod barq_hnsw_method = {
	.index_kind = &barq_hnsw_index_kind,
	.pays = graph_pays,
	.work_bytes = hnsw_work_bytes,
	.load = hnsw_load,
	.lead = hnsw_insert,
	.help = hnsw_insert,
	.write_body = hnsw_write,
	.first_phase = BARQ_PHASE_GRAPH
};

const BarqVectorMethod *
barq_vector_method(const BarqFrozenOptions *frozen)
{
	return frozen->index_kind == BARQ_KIND_IVF ? &barq_ivf_method : &barq_hnsw_method;
}
