/*
 * ivf_kind.c
 *	  The table of barq_ivf: its options, and how a merge makes lists in a work
 *	  area (ivf/ivf.h).
 */
#include "postgres.h"

#include "am/filters.h"
#include "vector_index/recall_measure.h"
#include "vector_index/vector_build.h"
#include "commands/progress.h"
#include "lifecycle/policy.h"
#include "utils/backend_progress.h"
#include "utils/rel.h"

/*
 * Below this cost (barq_scan_cost) a scan of all rows takes hardly longer than one
 * of some lists, and misses none. Measured, see docs/performance.md ("IVF").
 */
#ifndef BARQ_CRASH_POINTS
#define LISTS_PAY_BYTES	(UINT64CONST(1) * 1024 * 1024)
#define LISTS_PAY_ROWS	1000
#else							/* tests of crashes need small segments with lists */
#define LISTS_PAY_BYTES	1
#define LISTS_PAY_ROWS	100
#endif

/* Reloptions as parsed. */
typedef struct IvfReloptions
{
	BarqPolicyReloptions policy;
	int			lists;
	int			quantization;	/* BarqQuantization, or BARQ_QUANT_DEFAULT */
	int			refine;			/* BarqRefine */
} IvfReloptions;

static relopt_kind ivf_relopt_kind;

void
barq_define_ivf_reloptions(void)
{
	ivf_relopt_kind = add_reloption_kind();
	add_int_reloption(ivf_relopt_kind, "lists",
					  "Number of lists that rows are sorted into; 0: chosen from the number of rows",
					  0, 0, BARQ_IVF_MAX_LISTS, ShareUpdateExclusiveLock);
	barq_add_quantization(ivf_relopt_kind);
	barq_add_refine(ivf_relopt_kind);
	barq_add_policy_options(ivf_relopt_kind);
}

bytea *
barq_ivf_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"lists", RELOPT_TYPE_INT, offsetof(IvfReloptions, lists)},
		{"quantization", RELOPT_TYPE_ENUM, offsetof(IvfReloptions, quantization)},
		{"refine", RELOPT_TYPE_ENUM, offsetof(IvfReloptions, refine)},
		BARQ_POLICY_PARSE_TABLE
	};

	return (bytea *) build_reloptions(reloptions, validate, ivf_relopt_kind,
									  sizeof(IvfReloptions), table, lengthof(table));
}

uint32
barq_ivf_built_lists(Relation index)
{
	return barq_vector_options(&barq_meta_cached(index, false)->options)->lists;
}

/* BarqIndexKind.freeze of barq_ivf. */
static void
freeze_ivf(Relation index, const void *reloptions, BarqFrozenOptions *frozen)
{
	const IvfReloptions *given = reloptions;
	BarqVectorOptions options;

	barq_vector_freeze_options(index, given ? given->quantization : BARQ_QUANT_DEFAULT,
							   given ? given->refine : BARQ_REFINE_AUTO, &options);
	options.lists = given ? (uint32) given->lists : 0;
	barq_vector_store_options(BARQ_KIND_IVF, &options, frozen);
	frozen->filter_columns = index->rd_index->indnkeyatts - 1;
}

/* BarqIndexKind.show of barq_ivf. */
static int
show_ivf(Relation index, const BarqFrozenOptions *frozen, BarqShownOption *shown)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	shown[0] = (BarqShownOption) {"dimensions", psprintf("%u", options->dims), false};
	shown[1] = (BarqShownOption) {"lists", psprintf("%u", options->lists), false};
	shown[2] = (BarqShownOption) {"quantization",
								 pstrdup(barq_quantization_name(options->quantization)), false};
	shown[3] = barq_show_refine(options);
	return 4;
}

uint32
barq_usual_lists(double rows)
{
	return barq_ivf_choose_lists(rows);
}

/* BarqVectorIndexKind.pays of barq_ivf. */
static bool
lists_pay(const BarqCodec *codec, uint64 rows)
{
	return rows >= LISTS_PAY_ROWS && barq_scan_cost(codec, rows) >= LISTS_PAY_BYTES;
}

/* BarqVectorIndexKind.area_bytes of barq_ivf. */
static uint64
lists_area_bytes(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return barq_ivf_work_bytes(&codec, barq_vector_options(frozen)->lists, inputs, ninputs);
}

/* BarqVectorIndexKind.load of barq_ivf. */
static void
load_lists(void *area, const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs,
		   BarqMergePoints *points)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_ivf_work_load(area, &codec, barq_vector_options(frozen)->lists,
							  inputs, ninputs);
}

/* BarqVectorIndexKind.note_loaded of barq_ivf. */
static void
note_lists_loaded(void *area)
{
	barq_ivf_work_note_loaded(barq_ivf_work_attach(area));
}

/* BarqVectorIndexKind.resume of barq_ivf. */
static bool
resume_lists(void *area, uint64 bytes, BarqMergeInput *inputs, int ninputs,
			 uint64 *body_bytes)
{
	uint64		live = 0;
	uint64		left;

	for (int i = 0; i < ninputs; i++)
		live += inputs[i].live;
	if (!barq_ivf_work_resume(area, bytes, live, body_bytes, &left))
		return false;
	ereport(DEBUG1,
			(errmsg_internal("a merge goes on: of " UINT64_FORMAT " rows " UINT64_FORMAT
							 " are left, 0 were inserted again",
							 live, left)));
	return true;
}

/* BarqVectorIndexKind.rows_area_bytes of barq_ivf. */
static uint64
lists_rows_area_bytes(const BarqFrozenOptions *frozen, const BarqBuildRows *rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return barq_ivf_rows_bytes(&codec, barq_vector_options(frozen)->lists, rows->n);
}

/* BarqVectorIndexKind.load_rows of barq_ivf. */
static void
load_lists_rows(void *area, const BarqFrozenOptions *frozen, const BarqBuildRows *rows)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_ivf_work_load_rows(area, &codec, barq_vector_options(frozen)->lists, rows);
}

/* BarqVectorIndexKind.lead of barq_ivf. */
static void
train_and_assign(void *area, BarqBuildProgress progress, void *arg)
{
	BarqIvfWork *work = barq_ivf_work_attach(area);

	barq_ivf_work_train(work, progress, arg);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, BARQ_PHASE_ASSIGN);
	barq_ivf_work_assign(work, progress, arg);
}

/* BarqVectorIndexKind.help of barq_ivf. */
static void
help_with_lists(void *area, BarqBuildProgress progress, void *arg)
{
	barq_ivf_work_help(barq_ivf_work_attach(area), progress, arg);
}

/* BarqVectorIndexKind.finish of barq_ivf. */
static uint64
finish_lists(void *area)
{
	return barq_ivf_work_finish(barq_ivf_work_attach(area));
}

const BarqVectorIndexKind barq_ivf_index_kind = {
	.base = {
		.id = BARQ_KIND_IVF,
		.name = "barq_ivf",
		.seal = barq_vector_seal,
		.quick_bytes = BARQ_VECTOR_QUICK_BYTES,
		.join_kind = BARQ_KIND_FLAT,
		.join_bytes = BARQ_VECTOR_JOIN_BYTES,
		.join = barq_vector_join,
		.merge = barq_vector_merge,
		.is_provisional = barq_vector_is_provisional,
		.is_urgent = barq_vector_is_urgent,
		.measure = barq_measure_curve,
		.has_key = barq_vector_has_key,
		.reloptions = barq_ivf_reloptions,
		.freeze = freeze_ivf,
		.show = show_ivf
	},
	.pays = lists_pay,
	.area_bytes = lists_area_bytes,
	.load = load_lists,
	.note_loaded = note_lists_loaded,
	.resume = resume_lists,
	.rows_area_bytes = lists_rows_area_bytes,
	.load_rows = load_lists_rows,
	.lead = train_and_assign,
	.help = help_with_lists,
	.finish = finish_lists,
	.first_phase = BARQ_PHASE_TRAIN
};
