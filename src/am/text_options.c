/*
 * text_options.c
 *	  Options of barq_bm25, and how they are frozen on the metapage when an
 *	  index is created.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "am/text.h"
#include "catalog/namespace.h"
#include "catalog/pg_ts_config.h"
#include "compat.h"
#include "nodes/value.h"
#include "tsearch/ts_cache.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

StaticAssertDecl(sizeof(BarqTextOptions) <= sizeof(((BarqFrozenOptions *) 0)->bytes),
				 "text options must fit the metapage");

#define DEFAULT_K1	1.2
#define DEFAULT_B	0.75

static relopt_kind text_relopt_kind;

static relopt_enum_elt_def tokenizer_values[] = {
	{"config", BARQ_TOKENIZER_CONFIG},
	{"ngram", BARQ_TOKENIZER_NGRAM},
	{(const char *) NULL}
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
	};

	return (bytea *) build_reloptions(reloptions, validate, text_relopt_kind,
									  sizeof(BarqTextReloptions),
									  table, lengthof(table));
}

/*
 * A configuration by its name. Without a schema it is one of PostgreSQL's: a
 * dump is restored with an empty search_path, and from version 17 on indexes
 * are made with one.
 */
static Oid
config_named(const char *name)
{
	List	   *parts = BarqQualifiedNames(name);
	bool		qualified = list_length(parts) > 1;
	Oid			config;

	if (!qualified)
		parts = lcons(makeString("pg_catalog"), parts);
	config = get_ts_config_oid(parts, true);
	if (!OidIsValid(config))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration \"%s\" does not exist", name),
				 qualified ? 0 : errhint("Name one that is not PostgreSQL's own with its schema: text_config = 'public.%s'.", name)));
	return config;
}

void
barq_text_freeze_options(Relation index, BarqFrozenOptions *frozen)
{
	BarqTextReloptions *given = (BarqTextReloptions *) index->rd_options;
	const char *name = given == NULL ? NULL : GET_STRING_RELOPTION(given, text_config);
	BarqTextOptions options = {0};
	Oid			config;
	HeapTuple	tuple;
	Form_pg_ts_config form;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index \"%s\" needs a text search configuration",
						RelationGetRelationName(index)),
				 errhint("Say which, for instance WITH (text_config = 'english'); \\dF lists them.")));
	config = config_named(name);
	tuple = SearchSysCache1(TSCONFIGOID, ObjectIdGetDatum(config));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for text search configuration %u", config);
	form = (Form_pg_ts_config) GETSTRUCT(tuple);
	strlcpy(options.config_name, NameStr(form->cfgname), NAMEDATALEN);
	strlcpy(options.config_schema, get_namespace_name(form->cfgnamespace), NAMEDATALEN);
	ReleaseSysCache(tuple);

	options.k1 = given->k1;
	options.b = given->b;
	options.tokenizer = given->tokenizer;
	options.positions = given->positions;

	memset(frozen, 0, sizeof(*frozen));
	frozen->index_kind = BARQ_KIND_BM25;
	frozen->version = BARQ_TEXT_OPTIONS_VERSION;
	memcpy(frozen->bytes, &options, sizeof(options));
}

const BarqTextOptions *
barq_text_options(const BarqFrozenOptions *frozen)
{
	if (frozen->index_kind != BARQ_KIND_BM25 || frozen->version != BARQ_TEXT_OPTIONS_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index options have version %u, this library reads version %u",
						frozen->version, BARQ_TEXT_OPTIONS_VERSION),
				 errhint("Please REINDEX the index.")));
	return (const BarqTextOptions *) frozen->bytes;
}

BarqTokenizer *
barq_text_tokenizer(const BarqTextOptions *options)
{
	Oid			config = barq_text_config_oid(quote_qualified_identifier(options->config_schema,
																		 options->config_name));

	return barq_tokenizer_cached(config, options->tokenizer);
}
