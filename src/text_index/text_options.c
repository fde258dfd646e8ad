/*
 * text_options.c
 *	  Options of barq_bm25: reloptions, and the options frozen on the metapage
 *	  when an index is built.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "am/filters.h"
#include "text_index/text_index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

StaticAssertDecl(sizeof(BarqTextOptions) <= sizeof(((BarqFrozenOptions *) 0)->bytes),
				 "text options must fit the metapage");

#define DEFAULT_K1	1.2
#define DEFAULT_B	0.75

static relopt_kind text_relopt_kind;

static relopt_enum_elt_def tokenizer_values[] = {
	{"config", BARQ_TOKENIZER_CONFIG},
	{"ngram", BARQ_TOKENIZER_NGRAM},
	{(const char *) NULL, 0}
};

static relopt_enum_elt_def combine_values[] = {
	{"bm25f", BARQ_COMBINE_BM25F},
	{"best_fields", BARQ_COMBINE_BEST},
	{"most_fields", BARQ_COMBINE_MOST},
	{(const char *) NULL, 0}
};

void
barq_define_text_reloptions(void)
{
	text_relopt_kind = add_reloption_kind();
	add_string_reloption(text_relopt_kind, "text_config",
						 "Text search configuration that makes terms of texts",
						 NULL, NULL, ShareUpdateExclusiveLock);
	add_enum_reloption(text_relopt_kind, "tokenizer",
					   "How texts are cut into words", tokenizer_values,
					   BARQ_TOKENIZER_CONFIG,
					   "Valid values are \"config\" and \"ngram\".",
					   ShareUpdateExclusiveLock);
	add_real_reloption(text_relopt_kind, "k1",
					   "How much a term's repetition counts", DEFAULT_K1, 0.1, 10,
					   ShareUpdateExclusiveLock);
	add_real_reloption(text_relopt_kind, "b",
					   "How much a document's length counts", DEFAULT_B, 0, 1,
					   ShareUpdateExclusiveLock);
	add_bool_reloption(text_relopt_kind, "positions",
					   "Keep positions, for phrases", true,
					   ShareUpdateExclusiveLock);
	add_enum_reloption(text_relopt_kind, "combine",
					   "How scores of several fields are combined", combine_values,
					   BARQ_COMBINE_BM25F,
					   "Valid values are \"bm25f\", \"best_fields\" and \"most_fields\".",
					   ShareUpdateExclusiveLock);
	barq_add_policy_options(text_relopt_kind);
}

bytea *
barq_text_reloptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{"text_config", RELOPT_TYPE_STRING, offsetof(BarqTextReloptions, text_config)},
		{"tokenizer", RELOPT_TYPE_ENUM, offsetof(BarqTextReloptions, tokenizer)},
		{"k1", RELOPT_TYPE_REAL, offsetof(BarqTextReloptions, k1)},
		{"b", RELOPT_TYPE_REAL, offsetof(BarqTextReloptions, b)},
		{"positions", RELOPT_TYPE_BOOL, offsetof(BarqTextReloptions, positions)},
		{"combine", RELOPT_TYPE_ENUM, offsetof(BarqTextReloptions, combine)},
		BARQ_POLICY_PARSE_TABLE
	};

	return (bytea *) build_reloptions(reloptions, validate, text_relopt_kind,
									  sizeof(BarqTextReloptions),
									  table, lengthof(table));
}

/*
 * Set the fields of options from the parameters of their operator classes. One field of
 * weight 1 is what it was before there were fields.
 */
static void
freeze_fields(Relation index, int nfields, BarqTextOptions *options)
{
	for (int i = 0; i < nfields; i++)
	{
		BarqFieldParameters *given = barq_text_field_parameters(index, i);

		options->fields[i].weight = (uint32) rint(given->weight * BARQ_MILLIONTHS);
		options->fields[i].b = (uint32) rint((given->b < 0 ? options->b : given->b) * BARQ_MILLIONTHS);
	}
	options->nfields = nfields;
	if (nfields > 1)
		return;
	if (barq_text_field_parameters(index, 0)->b >= 0)
		options->b = options->fields[0].b / BARQ_MILLIONTHS;
	if (options->fields[0].weight == (uint32) BARQ_MILLIONTHS)
	{
		options->nfields = 0;
		memset(options->fields, 0, sizeof(options->fields));
	}
}

/*
 * Raise ERRCODE_INVALID_OBJECT_DEFINITION if a configuration, by its schema and the name that
 * was given, is temporary, and the index is not.
 */
static void
check_lives(Relation index, const char *schema, const char *given)
{
	if (index->rd_rel->relpersistence != RELPERSISTENCE_TEMP &&
		isAnyTempNamespace(get_namespace_oid(schema, false)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("text search configuration \"%s\" is temporary, and index \"%s\" is not",
						given, RelationGetRelationName(index)),
				 errhint("The index would be dropped at the end of the session. Create the configuration in another schema.")));
}

/*
 * The name of the configuration of an index of n fields: the option's (of reloptions, or
 * NULL), but that of a single field if it has one, or that of the first field if there is no
 * option and every field has its own; NULL: none is given.
 */
static const char *
config_name(Relation index, int n, const BarqTextReloptions *given)
{
	const char *name = given == NULL ? NULL : GET_STRING_RELOPTION(given, text_config);
	const BarqFieldParameters *first = barq_text_field_parameters(index, 0);

	for (int i = 0; i < n; i++)
		if (barq_text_field_parameters(index, i)->text_config == 0)
			return name;
	return name == NULL || n == 1 ? GET_STRING_RELOPTION(first, text_config) : name;
}

/*
 * Set the fingerprint of the configurations that fields have of their own. Raises the errors
 * of barq_text_field_configs() and check_lives().
 */
static void
freeze_field_configs(Relation index, BarqTextOptions *options)
{
	Oid			configs[BARQ_BM25_FIELDS];
	char		name[NAMEDATALEN];
	char		schema[NAMEDATALEN];

	if (!barq_text_field_configs(index, configs))
		return;
	for (int i = 0; i < BARQ_BM25_FIELDS; i++)
		if (OidIsValid(configs[i]) && barq_text_config_names(configs[i], schema, name))
			check_lives(index, schema, name);
	options->configs_fingerprint = barq_text_field_configs_fingerprint(configs);
}

void
barq_text_freeze_options(Relation index, const void *reloptions, BarqFrozenOptions *frozen)
{
	const BarqTextReloptions *given = reloptions;
	const char *name;
	BarqTextOptions options = {0};
	BarqTextColumns columns;

	barq_text_columns_of_classes(index, &columns);
	name = config_name(index, columns.fields, given);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index \"%s\" needs a text search configuration",
						RelationGetRelationName(index)),
				 errhint("Name one, for example WITH (text_config = 'english'); \\dF lists them.")));
	options.config = barq_text_config_named(name, false);
	if (!barq_text_config_names(options.config, options.config_schema, options.config_name))
		elog(ERROR, "cache lookup failed for text search configuration %u", options.config);
	check_lives(index, options.config_schema, name);
	options.k1 = given != NULL ? given->k1 : DEFAULT_K1;
	options.b = given != NULL ? given->b : DEFAULT_B;
	options.tokenizer = given != NULL ? given->tokenizer : BARQ_TOKENIZER_CONFIG;
	options.positions = given == NULL || given->positions;
	if (columns.fields > 1)
		options.combine = given != NULL ? given->combine : BARQ_COMBINE_BM25F;
	freeze_fields(index, columns.fields, &options);
	options.language = columns.language + 1;
	freeze_field_configs(index, &options);

	memset(frozen, 0, sizeof(*frozen));
	frozen->index_kind = BARQ_KIND_BM25;
	frozen->version = options.configs_fingerprint != 0 ? BARQ_TEXT_OPTIONS_CONFIGS :
		options.language > 0 ? BARQ_TEXT_OPTIONS_LANGUAGE :
		options.combine != BARQ_COMBINE_BM25F ? BARQ_TEXT_OPTIONS_COMBINE :
		options.nfields > 0 ? BARQ_TEXT_OPTIONS_FIELDS : BARQ_TEXT_OPTIONS_VERSION;
	frozen->filter_columns = columns.filters;
	memcpy(frozen->bytes, &options, sizeof(options));
}

Oid
barq_text_config_given(const void *reloptions)
{
	const BarqTextReloptions *given = reloptions;
	const char *name = given == NULL ? NULL : GET_STRING_RELOPTION(given, text_config);

	return name == NULL ? InvalidOid : barq_text_config_recorded(name);
}

void
barq_text_freeze_for_build(Relation index, BarqFrozenOptions *frozen)
{
	BarqTextOptions *options = (BarqTextOptions *) frozen->bytes;

	barq_text_freeze_options(index, index->rd_options, frozen);
	options->config_fingerprint = barq_text_config_fingerprint(options->config);
	options->system_identifier = GetSystemIdentifier();
	barq_text_config_depend(RelationGetRelid(index),
							lcons_oid(options->config, barq_text_own_configs(index)));
}

bool
barq_text_partition_differs(Relation leaf, const BarqFrozenOptions *built,
							Relation parent, const BarqFrozenOptions *wanted,
							char **differing, char **wanted_differing)
{
	const BarqTextOptions *options = barq_text_options(built);
	BarqFrozenOptions compared = *wanted;
	BarqTextOptions *parent_options = (BarqTextOptions *) compared.bytes;
	Oid			configs[BARQ_BM25_FIELDS] = {0};
	Oid			parent_configs[BARQ_BM25_FIELDS] = {0};

	/* each statement asks about each leaf: mostly no field has a configuration of its own */
	if (options->configs_fingerprint != 0 || parent_options->configs_fingerprint != 0)
	{
		(void) barq_text_field_configs(leaf, configs);
		(void) barq_text_field_configs(parent, parent_configs);
	}

	/* an index of before there were fields is taken as it is */
	if (options->nfields == 0 && parent_options->nfields > 1)
	{
		parent_options->nfields = 0;
		parent_options->combine = BARQ_COMBINE_BM25F;
		memset(parent_options->fields, 0, sizeof(parent_options->fields));
		memset(parent_configs, 0, sizeof(parent_configs));
		memset(configs, 0, sizeof(configs));
	}
	if (memcmp(configs, parent_configs, sizeof(configs)) == 0 &&
		options->nfields == parent_options->nfields &&
		memcmp(options->fields, parent_options->fields, sizeof(options->fields)) == 0 &&
		options->combine == parent_options->combine &&
		options->k1 == parent_options->k1 && options->b == parent_options->b &&
		options->tokenizer == parent_options->tokenizer &&
		barq_text_config_of(RelationGetRelid(leaf), options) == parent_options->config)
		return false;

	/* positions may differ: they change neither terms nor scores */
	parent_options->positions = options->positions;
	return barq_options_differ(leaf, built, parent, &compared, differing, wanted_differing);
}

const BarqTextOptions *
barq_text_options(const BarqFrozenOptions *frozen)
{
	if (frozen->index_kind != BARQ_KIND_BM25 || frozen->version < BARQ_TEXT_OPTIONS_VERSION ||
		frozen->version > BARQ_TEXT_OPTIONS_CONFIGS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index options have version %u, this library reads version %u",
						frozen->version, BARQ_TEXT_OPTIONS_CONFIGS),
				 errhint("Please REINDEX the index.")));
	return (const BarqTextOptions *) frozen->bytes;
}
