/*
 * text_kind.c
 *	  The index kind of barq_bm25 (lifecycle/index_kind.h): seals and merges both
 *	  give segments of kind BM25.
 */
#include "postgres.h"

#include "text_index/text_index.h"
#include "common/shortest_dec.h"
#include "text_index/text_build.h"
#include "utils/builtins.h"

/* BarqIndexKind.quick_bytes and .join_bytes: they take 6 and 15 ms of a processor. */
#define TEXT_QUICK_BYTES	(UINT64CONST(256) * 1024)
#define TEXT_JOIN_BYTES		(UINT64CONST(1) * 1024 * 1024)

/* BarqIndexKind.seal: any body of this kind costs the same. */
static void
seal_text(const BarqFrozenOptions *frozen, const BarqSealRow *rows, uint32 n, bool quick,
		  BarqBodyWriter *writer)
{
	BarqTermTable *terms = barq_terms_create(CurrentMemoryContext);
	BarqBm25Builder *builder =
		barq_bm25_builder_create(terms, barq_text_nfields(barq_text_options(frozen)),
								 barq_text_options(frozen)->positions != 0,
								 CurrentMemoryContext);

	for (uint32 i = 0; i < n; i++)
		barq_bm25_builder_add_document(builder, (ItemPointer) &rows[i].tid,
									   rows[i].payload, rows[i].length);
	barq_bm25_builder_write(builder, writer);
}

/* BarqIndexKind.join */
static void
join_text(const BarqFrozenOptions *frozen, BarqMergeInput *inputs, int ninputs,
		  BarqBodyWriter *writer)
{
	barq_bm25_merge(writer, inputs, ninputs, NULL);
}

/* BarqIndexKind.merge */
static BarqBodyWriter *
merge_text(Relation index, const BarqFrozenOptions *frozen, const uint8 *id,
		   BarqMergeInput *inputs, int ninputs, uint64 live, BarqMergePoints *points,
		   char **reason)
{
	uint64		bytes = 0;
	BarqBodyWriter *writer;

	for (int i = 0; i < ninputs; i++)
		bytes += inputs[i].view->size;
	writer = barq_body_begin_file(index, id, bytes, reason);
	if (writer != NULL)
	{
		barq_body_set_points(writer, points);
		barq_text_merge(index, writer, inputs, ninputs, (Size) maintenance_work_mem * 1024);
		barq_maintenance_bytes += bytes;
	}
	return writer;
}

/* BarqIndexKind.is_provisional, .is_urgent: seals give the final kind of segment. */
static bool
never_provisional(const BarqFrozenOptions *frozen, uint16 segment_kind, uint64 rows)
{
	return false;
}

/* BarqIndexKind.has_key: a text without terms is a document, too. */
static bool
text_has_key(Relation index, const BarqFrozenOptions *frozen, Datum value)
{
	return true;
}

/* The weights of fields, or (b) what their lengths count, as the text of an array, palloc'd. */
static char *
field_values(const BarqTextOptions *options, bool b)
{
	StringInfoData text;

	initStringInfo(&text);
	for (uint32 i = 0; i < options->nfields; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? "," : "{",
						 double_to_shortest_decimal((b ? options->fields[i].b : options->fields[i].weight) /
													BARQ_MILLIONTHS));
	appendStringInfoChar(&text, '}');
	return text.data;
}

/* The configurations that fields have of their own, as the text of an array, palloc'd. */
static char *
field_configs(Relation index, uint32 n)
{
	Oid			configs[BARQ_BM25_FIELDS];
	StringInfoData text;
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	(void) barq_text_field_configs(index, configs);
	initStringInfo(&text);
	for (uint32 i = 0; i < n; i++)
	{
		bool		own = OidIsValid(configs[i]) && barq_text_config_names(configs[i], schema, name);

		appendStringInfo(&text, "%s%s", i > 0 ? "," : "{",
						 own ? quote_qualified_identifier(schema, name) : "NULL");
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

/* BarqIndexKind.show: the configuration has its present name. */
static int
show_text(Relation index, const BarqFrozenOptions *frozen, BarqShownOption *shown)
{
	static const char *const combine[] = {"bm25f", "best_fields", "most_fields"};
	BarqTextOptions options = *barq_text_options(frozen);
	BarqTextColumns columns;

	barq_text_config_names(barq_text_config_of(RelationGetRelid(index), &options),
						   options.config_schema, options.config_name);
	shown[0] = (BarqShownOption) {"text_config",
								 pstrdup(quote_qualified_identifier(options.config_schema, options.config_name)), false};
	shown[1] = (BarqShownOption) {"tokenizer",
								 pstrdup(options.tokenizer == BARQ_TOKENIZER_NGRAM ? "ngram" : "config"), false};
	shown[2] = (BarqShownOption) {"k1", double_to_shortest_decimal(options.k1), false};
	shown[3] = (BarqShownOption) {"b", double_to_shortest_decimal(options.b + 0.0), false};
	shown[4] = (BarqShownOption) {"positions", pstrdup(options.positions ? "on" : "off"), false};

	/* an index of before there were fields is compared as one of its first column */
	barq_text_columns_of_classes(index, &columns);
	if (options.nfields == 0 && columns.fields > 1)
		return 5;
	shown[5] = (BarqShownOption) {"field_weight", options.nfields > 0 ? field_values(&options, false) : NULL, false};
	if (options.nfields <= 1)
		return 6;
	shown[6] = (BarqShownOption) {"field_b", field_values(&options, true), false};
	shown[7] = (BarqShownOption) {"combine", pstrdup(combine[Min(options.combine, lengthof(combine) - 1)]), false};
	shown[8] = (BarqShownOption) {"field_text_config",
								 options.configs_fingerprint != 0 ? field_configs(index, options.nfields) : NULL, false};
	return 9;
}

StaticAssertDecl(BARQ_TEXT_MOST_FIELDS + 1 <= BARQ_MOST_RANKED, "all fields rank, by a language");

/* BarqIndexKind.ranked */
static int
ranked_columns(Relation index, uint8 *columns)
{
	BarqTextColumns all;

	barq_text_columns(index, &all);
	memcpy(columns, all.field_columns, all.fields);
	if (all.language < 0)
		return all.fields;
	columns[all.fields] = all.language;
	return all.fields + 1;
}

const BarqIndexKind barq_bm25_index_kind = {
	.id = BARQ_KIND_BM25,
	.name = "barq_bm25",
	.seal = seal_text,
	.quick_bytes = TEXT_QUICK_BYTES,
	.join_kind = BARQ_KIND_BM25,
	.join_bytes = TEXT_JOIN_BYTES,
	.join = join_text,
	.merge = merge_text,
	.is_provisional = never_provisional,
	.is_urgent = never_provisional,
	.has_key = text_has_key,
	.reloptions = barq_text_reloptions,
	.freeze = barq_text_freeze_options,
	.show = show_text,
	.ranked = ranked_columns
};
