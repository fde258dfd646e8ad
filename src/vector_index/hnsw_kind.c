/*
 * hnsw_kind.c
 *	  The table of barq_hnsw: its options, and how a merge makes a graph in a
 *	  work area (hnsw/hnsw.h).
 */
#include "postgres.h"

#include "lifecycle/policy.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "am/filters.h"
#include "vector_index/recall_measure.h"
#include "vector_index/vector_build.h"

/*
 * From this many bytes of codes (barq_scan_cost) and rows on a search of a graph
 * is faster than a scan of the codes at equal recall. Measured, see
 * docs/performance.md ("Where a graph begins to pay").
 */
#ifndef BARQ_CRASH_POINTS
#define GRAPH_PAYS_BYTES	(UINT64CONST(1) * 1024 * 1024)
#define GRAPH_PAYS_ROWS		1000
#define GRAPH_PAYS_SPARSE_ROWS	2000	/* scoring costs so much that bytes do not matter */
#else							/* tests of crashes need small graphs */
#define GRAPH_PAYS_BYTES	1
#define GRAPH_PAYS_ROWS		100
#define GRAPH_PAYS_SPARSE_ROWS	100
#endif

/* Reloptions as parsed. */
typedef struct HnswReloptions
{
	BarqPolicyReloptions policy;
	int			m;
	int			ef_construction;
	int			quantization;	/* BarqQuantization, or BARQ_QUANT_DEFAULT */
	int			refine;			/* BarqRefine */
} HnswReloptions;

static relopt_kind hnsw_relopt_kind;

void
barq_define_hnsw_reloptions(void)
{
	hnsw_relopt_kind = add_reloption_kind();
	add_int_reloption(hnsw_relopt_kind, "m",
					  "Neighbours of a row in each layer of the graph",
					  BARQ_HNSW_DEFAULT_M, 2, 100, ShareUpdateExclusiveLock);
	add_int_reloption(hnsw_relopt_kind, "ef_construction",
					  "Breadth of the search for neighbours while building",
					  BARQ_HNSW_DEFAULT_EF_CONSTRUCTION, 4, 1000,
					  ShareUpdateExclusiveLock);
	barq_add_quantization(hnsw_relopt_kind);
	barq_add_refine(hnsw_relopt_kind);
	barq_add_policy_options(hnsw_relopt_kind);
}

bytea *
barq_hnsw_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"m", RELOPT_TYPE_INT, offsetof(HnswReloptions, m)},
		{"ef_construction", RELOPT_TYPE_INT, offsetof(HnswReloptions, ef_construction)},
		{"quantization", RELOPT_TYPE_ENUM, offsetof(HnswReloptions, quantization)},
		{"refine", RELOPT_TYPE_ENUM, offsetof(HnswReloptions, refine)},
		BARQ_POLICY_PARSE_TABLE
	};

	return (bytea *) build_reloptions(reloptions, validate, hnsw_relopt_kind,
									  sizeof(HnswReloptions),
									  table, lengthof(table));
}

/* BarqIndexKind.freeze of barq_hnsw. */
static void
freeze_hnsw(Relation index, const void *reloptions, BarqFrozenOptions *frozen)
{
	const HnswReloptions *given = reloptions;
	BarqVectorOptions options;

	barq_vector_freeze_options(index, given ? given->quantization : BARQ_QUANT_DEFAULT,
							   given ? given->refine : BARQ_REFINE_AUTO, &options);
	options.m = given ? given->m : BARQ_HNSW_DEFAULT_M;
	options.ef_construction = given ? given->ef_construction :
		BARQ_HNSW_DEFAULT_EF_CONSTRUCTION;

	if (options.ef_construction < 2 * options.m)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ef_construction must be greater than or equal to 2 * m")));
	barq_vector_store_options(BARQ_KIND_HNSW, &options, frozen);
	frozen->filter_columns = index->rd_index->indnkeyatts - 1;
}

/* BarqIndexKind.show of barq_hnsw. */
static int
show_hnsw(Relation index, const BarqFrozenOptions *frozen, BarqShownOption *shown)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	shown[0] = (BarqShownOption) {"dimensions", psprintf("%u", options->dims), false};
	shown[1] = (BarqShownOption) {"m", psprintf("%u", options->m), false};
	shown[2] = (BarqShownOption) {"ef_construction", psprintf("%u", options->ef_construction), false};
	shown[3] = (BarqShownOption) {"quantization",
								 pstrdup(barq_quantization_name(options->quantization)), false};
	shown[4] = barq_show_refine(options);
	return 5;
}

/* BarqVectorIndexKind.pays of barq_hnsw. */
static bool
graph_pays(const BarqCodec *codec, uint64 rows)
{
	if (barq_codec_has_heads(codec))
		return rows >= GRAPH_PAYS_SPARSE_ROWS;
	return rows >= GRAPH_PAYS_ROWS && barq_scan_cost(codec, rows) >= GRAPH_PAYS_BYTES;
}

/* The options of the graph among those of the index. */
static BarqHnswOptions
graph_options(const BarqFrozenOptions *frozen)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	return (BarqHnswOptions) {
		.m = options->m, .ef_construction = options->ef_construction,
		.memory = maintenance_work_mem * UINT64CONST(1024),
		.find_places = barq_find_places
	};
}

/* BarqVectorIndexKind.area_bytes of barq_hnsw. */
static uint64
graph_area_bytes(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqHnswOptions options = graph_options(frozen);
	BarqCodec	codec;
	uint64		live = 0;
	uint64		rows_bytes = 0;

	for (int i = 0; i < ninputs; i++)
	{
		live += inputs[i].live;
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	}
	barq_vector_codec(frozen, &codec);

	/* which refuses more rows than a segment can have */
	return barq_hnsw_work_bytes(&codec, &options, (uint32) Min(live, PG_UINT32_MAX),
								rows_bytes);
}

/* BarqVectorIndexKind.load of barq_hnsw. */
static void
load_graph(void *area, const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs,
		   BarqMergePoints *points)
{
	BarqHnswOptions options = graph_options(frozen);
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_hnsw_work_load(area, &codec, &options, inputs, ninputs, points);
}

/* BarqVectorIndexKind.note_loaded of barq_hnsw. */
static void
note_graph_loaded(void *area)
{
	barq_hnsw_work_note_loaded(barq_hnsw_work_attach(area));
}

/* BarqVectorIndexKind.resume of barq_hnsw. */
static bool
resume_graph(void *area, uint64 bytes, BarqMergeInput *inputs, int ninputs,
			 uint64 *body_bytes)
{
	uint64		live = 0;
	uint64		rows_bytes = 0;
	BarqHnswResumed resumed;

	for (int i = 0; i < ninputs; i++)
	{
		live += inputs[i].live;
		rows_bytes += barq_vector_rows_bytes(&inputs[i]);
	}
	if (!barq_hnsw_work_resume(area, bytes, live, rows_bytes, &resumed))
		return false;
	ereport(DEBUG1,
			(errmsg_internal("a merge goes on: of " UINT64_FORMAT " rows %u are left, "
							 UINT64_FORMAT " were inserted again",
							 live, resumed.left, resumed.again)));
	*body_bytes = resumed.body_bytes;
	return true;
}

/* BarqVectorIndexKind.rows_area_bytes of barq_hnsw. */
static uint64
graph_rows_area_bytes(const BarqFrozenOptions *frozen, const BarqBuildRows *rows)
{
	BarqHnswOptions options = graph_options(frozen);
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return barq_hnsw_work_bytes(&codec, &options, rows->n, rows->whole_bytes);
}

/* BarqVectorIndexKind.load_rows of barq_hnsw. */
static void
load_graph_rows(void *area, const BarqFrozenOptions *frozen, const BarqBuildRows *rows)
{
	BarqHnswOptions options = graph_options(frozen);
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_hnsw_work_load_rows(area, &codec, &options, rows);
}

/* BarqVectorIndexKind.lead and .help of barq_hnsw: leader and helpers do the same. */
static void
insert_into_graph(void *area, BarqBuildProgress progress, void *arg)
{
	barq_hnsw_work_insert(barq_hnsw_work_attach(area), progress, arg);
}

/* BarqVectorIndexKind.finish of barq_hnsw. */
static uint64
finish_graph(void *area)
{
	return barq_hnsw_work_finish(barq_hnsw_work_attach(area));
}

const BarqVectorIndexKind barq_hnsw_index_kind = {
	.base = {
		.id = BARQ_KIND_HNSW,
		.name = "barq_hnsw",
		.seal = barq_vector_seal,
		.quick_bytes = BARQ_VECTOR_QUICK_BYTES,
		.join_kind = BARQ_KIND_FLAT,
		.join_bytes = BARQ_VECTOR_JOIN_BYTES,
		.join = barq_vector_join,
		.merge = barq_vector_merge,
		.collect_kind = BARQ_KIND_IVF,
		.collect = barq_vector_collect,
		.is_provisional = barq_vector_is_provisional,
		.is_urgent = barq_vector_is_urgent,
		.measure = barq_measure_curve,
		.has_key = barq_vector_has_key,
		.reloptions = barq_hnsw_reloptions,
		.freeze = freeze_hnsw,
		.show = show_hnsw
	},
	.pays = graph_pays,
	.area_bytes = graph_area_bytes,
	.load = load_graph,
	.rows_area_bytes = graph_rows_area_bytes,
	.load_rows = load_graph_rows,
	.lead = insert_into_graph,
	.help = insert_into_graph,
	.finish = finish_graph,
	.note_loaded = note_graph_loaded,
	.resume = resume_graph,
	.first_phase = BARQ_PHASE_GRAPH
};
