/*
 * ivf_kind.c
 *	  What a barq_ivf index does with rows: as one of barq_hnsw, but that merges
 *	  become lists where those pay. Its options.
 */
#include "postgres.h"

#include "vector_index/vector_build.h"
#include "commands/progress.h"
#include "utils/backend_progress.h"
#include "utils/rel.h"

/*
 * Below this cost (barq_scan_cost) a scan of all takes hardly longer than one of
 * some lists, and it finds all. Measured, see docs/performance.md ("IVF").
 */
#ifndef BARQ_CRASH_POINTS
#define LISTS_PAY_BYTES	(UINT64CONST(1) * 1024 * 1024)
#define LISTS_PAY_ROWS	1000
#else							/* tests of crashes want small segments with lists */
#define LISTS_PAY_BYTES	1
#define LISTS_PAY_ROWS	100
#endif

/* Reloptions as parsed. */
typedef struct IvfReloptions
{
	int32		vl_len_;
	int			lists;
	int			quantization;	/* BarqQuantization, or BARQ_QUANT_DEFAULT */
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
}

bytea *
barq_ivf_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"lists", RELOPT_TYPE_INT, offsetof(IvfReloptions, lists)},
		{"quantization", RELOPT_TYPE_ENUM, offsetof(IvfReloptions, quantization)},
	};

	return (bytea *) build_reloptions(reloptions, validate, ivf_relopt_kind,
									  sizeof(IvfReloptions), table, lengthof(table));
}

uint32
barq_ivf_built_lists(Relation index)
{
	return barq_vector_options(&barq_meta_cached(index, false)->options)->lists;
}

static void
ivf_freeze_options(Relation index, const void *reloptions, BarqFrozenOptions *frozen)
{
	const IvfReloptions *given = reloptions;
	BarqVectorOptions options;

	barq_vector_freeze_options(index, "barq_ivf",
							   given ? given->quantization : BARQ_QUANT_DEFAULT, &options);
	options.lists = given ? (uint32) given->lists : 0;

	memset(frozen, 0, sizeof(*frozen));
	frozen->index_kind = BARQ_KIND_IVF;
	frozen->version = BARQ_VECTOR_OPTIONS_VERSION;
	memcpy(frozen->bytes, &options, sizeof(options));
}

static bool
lists_pay(const BarqCodec *codec, uint64 rows)
{
	return rows >= LISTS_PAY_ROWS && barq_scan_cost(codec, rows) >= LISTS_PAY_BYTES;
}

static uint64
ivf_work_bytes(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	return barq_ivf_work_bytes(&codec, barq_vector_options(frozen)->lists, inputs, ninputs);
}

static void
ivf_load(void *area, const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs)
{
	BarqCodec	codec;

	barq_vector_codec(frozen, &codec);
	(void) barq_ivf_work_load(area, &codec, barq_vector_options(frozen)->lists,
							  inputs, ninputs);
}

static void
ivf_lead(void *area, BarqBuildProgress progress, void *arg)
{
	BarqIvfWork *work = barq_ivf_work_attach(area);

	barq_ivf_work_train(work, progress, arg);
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, BARQ_PHASE_ASSIGN);
	barq_ivf_work_assign(work, progress, arg);
}

static void
ivf_help(void *area, BarqBuildProgress progress, void *arg)
{
	barq_ivf_work_help(barq_ivf_work_attach(area), progress, arg);
}

static void
ivf_write(void *area, BarqBodyWriter *writer)
{
	barq_ivf_work_write(barq_ivf_work_attach(area), writer);
}

static int
show_ivf(Relation index, const BarqFrozenOptions *frozen, BarqShownOption *shown)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	shown[0] = (BarqShownOption) {"dimensions", psprintf("%u", options->dims)};
	shown[1] = (BarqShownOption) {"lists", psprintf("%u", options->lists)};
	shown[2] = (BarqShownOption) {"quantization",
								 pstrdup(barq_quantization_name(options->quantization))};
	return 3;
}

const BarqIndexKind barq_ivf_index_kind = {
	.id = BARQ_KIND_IVF,
	.name = "barq_ivf",
	.seal = barq_vector_seal,
	.merge = barq_vector_merge,
	.is_provisional = barq_vector_is_provisional,
	.is_urgent = barq_vector_is_urgent,
	.has_key = barq_vector_has_key,
	.reloptions = barq_ivf_reloptions,
	.freeze = ivf_freeze_options,
	.show = show_ivf
};

const BarqVectorMethod barq_ivf_method = {
	.index_kind = &barq_ivf_index_kind,
	.pays = lists_pay,
	.work_bytes = ivf_work_bytes,
	.load = ivf_load,
	.lead = ivf_lead,
	.help = ivf_help,
	.write_body = ivf_write,
	.first_phase = BARQ_PHASE_TRAIN
};
