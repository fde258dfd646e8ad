/*
 * options.c
 *	  Options that both access methods of vectors have: the reloption
 *	  "quantization", and the options that an index freezes on its metapage when
 *	  it is created.
 */
#include "postgres.h"

#include "vector_index/vector_index.h"
#include "access/heaptoast.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "types/dense.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

StaticAssertDecl(sizeof(BarqVectorOptions) <= sizeof(((BarqFrozenOptions *) 0)->bytes),
				 "vector options must fit the metapage");

/* Metrics for which a type has several forms. */
static const char *const metric_names[] = {
	[BARQ_METRIC_L2] = "L2 distance",
	[BARQ_METRIC_IP] = "inner product",
	[BARQ_METRIC_COSINE] = "cosine distance",
	[BARQ_METRIC_L1] = "L1 distance"
};

/*
 * The values of "quantization" that serve all these metrics (BARQ_METRIC_BIT),
 * quoted, as a list whose last comma is `last`. Palloc'd in the current memory
 * context.
 */
static char *
form_names(unsigned metrics, const char *last)
{
	StringInfoData names;
	const char *before = NULL;

	initStringInfo(&names);
	for (int i = 0; i < BARQ_NQUANTS; i++)
	{
		const BarqCodecForm *form = barq_codec_form(i);

		if (form->only_form || (form->metrics & metrics) != metrics)
			continue;
		if (before != NULL)
			appendStringInfo(&names, "%s\"%s\"", names.len > 0 ? ", " : "", before);
		before = form->name;
	}
	appendStringInfo(&names, "%s\"%s\"", last, before);
	return names.data;
}

void
barq_add_quantization(relopt_kind kind)
{
	/* reloptions refer to these as long as the process lives */
	static relopt_enum_elt_def quantization_values[BARQ_NQUANTS + 1];
	static const char *detail;

	if (detail == NULL)
	{
		int			n = 0;

		for (int i = 0; i < BARQ_NQUANTS; i++)
		{
			const BarqCodecForm *form = barq_codec_form(i);

			if (form->only_form)
				continue;
			quantization_values[n].string_val = form->name;
			quantization_values[n++].symbol_val = i;
		}
		detail = MemoryContextStrdup(TopMemoryContext,
									 psprintf("Valid values are %s.", form_names(0, " and ")));
	}
	add_enum_reloption(kind, "quantization",
					   "How vectors are kept in the index",
					   quantization_values, BARQ_QUANT_DEFAULT,
					   detail,
					   ShareUpdateExclusiveLock);
}

void
barq_add_refine(relopt_kind kind)
{
	/* reloptions refer to these as long as the process lives */
	static relopt_enum_elt_def values[] = {
		{"on", BARQ_REFINE_ON},
		{"off", BARQ_REFINE_OFF},
		{"auto", BARQ_REFINE_AUTO},
		{(const char *) NULL, 0}
	};

	add_enum_reloption(kind, "refine",
					   "Keep second codes, by which most rows are put in order without their vectors",
					   values, BARQ_REFINE_AUTO,
					   "Valid values are \"on\", \"off\" and \"auto\".",
					   ShareUpdateExclusiveLock);
}

BarqShownOption
barq_show_refine(const BarqVectorOptions *options)
{
	return (BarqShownOption) {"refine", options->refine != BARQ_REFINED_NO ? "on" : "off",
							 options->refine == BARQ_REFINED_CHOSEN};
}

/*
 * Whether the rows of an index get refinements. With `auto` they do where a tuple
 * that has nothing but the value would be TOASTed: putting rows in order by their
 * vectors then costs more than the search. Raises ERRCODE_FEATURE_NOT_SUPPORTED for
 * `on` if rows have none.
 */
static BarqRefined
choose_refine(const BarqVectorSpace *space, int refine, BarqQuantization quantization, int dims)
{
	Size		element = space->unquantized == BARQ_QUANT_F16 ? sizeof(uint16) : sizeof(float);

	if (refine == BARQ_REFINE_OFF)
		return BARQ_REFINED_NO;
	if (barq_codec_form(quantization)->refine_bytes == NULL)
	{
		if (refine == BARQ_REFINE_ON)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("refine is not supported for quantization \"%s\"",
							barq_quantization_name(quantization)),
					 errhint("Use quantization \"sq8\" or \"rabitq\", or refine \"auto\".")));
		return BARQ_REFINED_NO;
	}
	if (refine == BARQ_REFINE_ON)
		return BARQ_REFINED_ASKED;
	/* they are eight times as long as the codes, which were chosen for being short */
	if (quantization == BARQ_QUANT_RABITQ)
		return BARQ_REFINED_NO;
	return MAXALIGN(SizeofHeapTupleHeader) + offsetof(BarqDense, x) + (Size) dims * element >
		TOAST_TUPLE_THRESHOLD ? BARQ_REFINED_CHOSEN : BARQ_REFINED_NO;
}

const char *
barq_quantization_name(int quantization)
{
	const BarqCodecForm *form = barq_codec_form(quantization);

	return form != NULL ? form->name : "unknown";
}

const BarqVectorSpace *
barq_vector_space(Relation index)
{
	FmgrInfo   *proc = index_getprocinfo(index, 1, BARQ_SPACE_PROC);

	return (const BarqVectorSpace *)
		DatumGetPointer(FunctionCall1(proc, PointerGetDatum(NULL)));
}

/*
 * How rows of a space are kept if the option's value is `quantization`. A type
 * whose rows have only one form accepts "none" and the default; raises
 * ERRCODE_INVALID_PARAMETER_VALUE for others.
 */
static BarqQuantization
choose_quantization(const BarqVectorSpace *space, int quantization)
{
	bool		one_form = barq_codec_form(space->unquantized)->only_form;

	if (quantization == BARQ_QUANT_NONE ||
		(one_form && quantization == BARQ_QUANT_DEFAULT))
		return space->unquantized;
	if (one_form)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantization \"%s\" is not supported for type %s",
						barq_quantization_name(quantization), space->type_name),
				 errhint("Use \"none\", its default.")));
	return quantization == BARQ_QUANT_DEFAULT ? BARQ_QUANT_SQ8 : quantization;
}

void
barq_vector_freeze_options(Relation index, int quantization, int refine,
						   BarqVectorOptions *options)
{
	const BarqVectorSpace *space = barq_vector_space(index);
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(index), 0);
	int			dims = column->atttypmod;
	Oid			type = getBaseTypeAndTypmod(column->atttypid, &dims);

	/* values of bit varying(n) may be shorter than n */
	if (type == VARBITOID)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("type not supported for %s index",
						get_am_name(index->rd_rel->relam)),
				 errhint("Use a column, or an expression, of type bit(n) instead of bit varying.")));
	if (dims < 0 && type != column->atttypid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions"),
				 errdetail("Its type is a domain, %s, over %s without a number of dimensions.",
						   barq_type_name(column->atttypid), space->type_name),
				 errhint("Index the expression (column::%s(3)), with your number, and order by the same expression; or make the domain over such a type.",
						 space->type_name)));
	if (dims < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column does not have dimensions"),
				 errhint("Give the column's type a number of dimensions, for instance %s(3), or index an expression that is cast to one.",
						 space->type_name)));
	if (dims > space->max_dims)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column cannot have more than %d dimensions for %s index",
						space->max_dims, get_am_name(index->rd_rel->relam))));
	quantization = choose_quantization(space, quantization);
	if (!(barq_codec_form(quantization)->metrics & BARQ_METRIC_BIT(space->metric)))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("quantization \"%s\" does not support the %s",
						barq_quantization_name(quantization), metric_names[space->metric]),
				 errhint("Use %s.", form_names(BARQ_METRIC_BIT(space->metric), " or "))));

	memset(options, 0, sizeof(*options));
	options->metric = space->metric;
	options->dims = dims;
	options->quantization = quantization;
	options->refine = choose_refine(space, refine, quantization, dims);
}

void
barq_vector_store_options(uint16 index_kind, const BarqVectorOptions *options,
						  BarqFrozenOptions *frozen)
{
	memset(frozen, 0, sizeof(*frozen));
	frozen->index_kind = index_kind;
	frozen->version = options->refine != BARQ_REFINED_NO ? BARQ_VECTOR_OPTIONS_VERSION : 1;
	memcpy(frozen->bytes, options, sizeof(*options));
}

const BarqVectorOptions *
barq_vector_options(const BarqFrozenOptions *frozen)
{
	Assert(barq_index_kind(frozen->index_kind)->seal == barq_vector_seal);
	if (frozen->version < 1 || frozen->version > BARQ_VECTOR_OPTIONS_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index options have version %u, this library reads version %u",
						frozen->version, BARQ_VECTOR_OPTIONS_VERSION),
				 errhint("Please REINDEX the index.")));
	return (const BarqVectorOptions *) frozen->bytes;
}

void
barq_vector_codec(const BarqFrozenOptions *frozen, BarqCodec *codec)
{
	const BarqVectorOptions *options = barq_vector_options(frozen);

	barq_codec_init(codec, options->metric, options->quantization, options->dims);
	if (options->refine != BARQ_REFINED_NO)
		(void) barq_codec_refine(codec);
}
