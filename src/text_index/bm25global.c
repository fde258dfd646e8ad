/*
 * bm25global.c
 *	  The type bm25global. See bm25global.h.
 *
 * Stored as jsonb, whose text form is its own:
 *
 *	{"query": "vector data*", "config": "pg_catalog.english", "tokenizer": "config",
 *	 "k1": 1.2, "b": 0.75, "documents": 1000, "tokens": 20000,
 *	 "terms": {"vector": 12},
 *	 "prefixes": {"data": {"df": 40, "terms": ["data", "databas"]}}}
 *
 * Numbers are decimals that give the same float8 again, so a score is the same to
 * the last bit wherever it is computed.
 */
#include "postgres.h"

#include "text_index/bm25global.h"

#include "common/shortest_dec.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25global_in);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25global_out);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25global_recv);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25global_send);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_to_bm25global);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25global_merge);

/* ---- reading ---- */

/* Raise the error that a member is missing or no such value. */
pg_noreturn static void
raise_member(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("a bm25global has no valid \"%s\"", name),
			 errhint("Take it from to_bm25global() or barq_global_query().")));
}

/* A member of an object, of this type. Raises raise_member()'s error. */
static JsonbValue *
member(JsonbContainer *object, const char *name, enum jbvType type)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, name, strlen(name), NULL);

	if (value == NULL || value->type != type)
		raise_member(name);
	return value;
}

/* A string with a zero byte after it, palloc'd. */
static char *
string_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A finite number between 0 and `most`. Raises raise_member()'s error. */
static double
number_of(const JsonbValue *value, const char *name, double most)
{
	double		number;

	if (value->type != jbvNumeric)
		raise_member(name);
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
	if (!(number >= 0 && number <= most))
		raise_member(name);
	return number;
}

/* Most documents or tokens: beyond, a float8 does not count by ones. */
#define MOST_COUNTED	9007199254740992.0

static uint64
count_of(const JsonbValue *value, const char *name)
{
	return (uint64) number_of(value, name, MOST_COUNTED);
}

static int
compare_texts(const void *a, const void *b)
{
	const BarqBm25Text *x = a;
	const BarqBm25Text *y = b;

	return barq_compare_terms(x->text, x->length, y->text, y->length);
}

/* Read the frequency and the expansions of a prefix. */
static void
read_prefix(const JsonbValue *value, BarqGlobalTerm *term)
{
	JsonbContainer *object = value->val.binary.data;
	JsonbValue *list;
	uint32		n;

	if (value->type != jbvBinary || !JsonContainerIsObject(object))
		raise_member("prefixes");
	term->df = count_of(member(object, "df", jbvNumeric), "df");
	list = member(object, "terms", jbvBinary);
	if (!JsonContainerIsArray(list->val.binary.data))
		raise_member("terms");
	n = JsonContainerSize(list->val.binary.data);
	if (n > BARQ_BM25_EXPANSIONS)
		raise_member("terms");
	term->expansions = palloc(sizeof(BarqBm25Text) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		JsonbValue *text = getIthJsonbValueFromContainer(list->val.binary.data, i);

		if (text->type != jbvString)
			raise_member("terms");
		term->expansions[i] = (BarqBm25Text) {.text = string_of(text), .length = text->val.string.len};
	}
	qsort(term->expansions, n, sizeof(BarqBm25Text), compare_texts);
	for (uint32 i = 0; i < n; i++)
		if (i == 0 || compare_texts(&term->expansions[i], &term->expansions[i - 1]) != 0)
			term->expansions[term->nexpansions++] = term->expansions[i];
}

/* Append the terms, or the prefixes, of an object to global->terms, which has room. */
static void
read_terms(BarqGlobal *global, JsonbContainer *object, bool prefix)
{
	JsonbIterator *iterator = JsonbIteratorInit(object);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		BarqGlobalTerm *term = &global->terms[global->nterms];

		if (token == WJB_KEY)
		{
			memset(term, 0, sizeof(*term));
			term->prefix = prefix;
			term->text.text = string_of(&value);
			term->text.length = value.val.string.len;
		}
		else if (token == WJB_VALUE)
		{
			if (prefix)
				read_prefix(&value, term);
			else
				term->df = count_of(&value, "terms");
			term->df = Min(term->df, global->totals.documents);
			global->nterms++;
		}
	}
}

BarqGlobal *
barq_global_read(Datum value)
{
	JsonbContainer *root = &DatumGetJsonbP(value)->root;
	BarqGlobal *global = palloc0(sizeof(BarqGlobal));
	JsonbContainer *terms;
	JsonbContainer *prefixes;
	char	   *tokenizer;

	if (!JsonContainerIsObject(root))
		raise_member("query");
	global->query = string_of(member(root, "query", jbvString));
	global->config = string_of(member(root, "config", jbvString));
	tokenizer = string_of(member(root, "tokenizer", jbvString));
	if (strcmp(tokenizer, "ngram") == 0)
		global->tokenizer = BARQ_TOKENIZER_NGRAM;
	else if (strcmp(tokenizer, "config") == 0)
		global->tokenizer = BARQ_TOKENIZER_CONFIG;
	else
		raise_member("tokenizer");
	global->k1 = number_of(member(root, "k1", jbvNumeric), "k1", 10);
	global->b = number_of(member(root, "b", jbvNumeric), "b", 1);
	global->totals.documents = count_of(member(root, "documents", jbvNumeric), "documents");
	global->totals.tokens = count_of(member(root, "tokens", jbvNumeric), "tokens");
	terms = member(root, "terms", jbvBinary)->val.binary.data;
	prefixes = member(root, "prefixes", jbvBinary)->val.binary.data;
	if (!JsonContainerIsObject(terms))
		raise_member("terms");
	if (!JsonContainerIsObject(prefixes))
		raise_member("prefixes");
	global->terms = palloc(sizeof(BarqGlobalTerm) *
						   Max((Size) JsonContainerSize(terms) + JsonContainerSize(prefixes), 1));
	read_terms(global, terms, false);
	read_terms(global, prefixes, true);
	return global;
}

BarqTextAnalysis
barq_global_analysis(const BarqGlobal *global)
{
	return (BarqTextAnalysis) {
		.config = barq_text_config_named(global->config, false),
		.tokenizer = global->tokenizer
	};
}

bool
barq_global_fits(const BarqGlobal *global, Relation index)
{
	BarqTextOptions options = *barq_text_options(&barq_meta_cached(index, false)->options);
	Oid			config = barq_text_config_of(RelationGetRelid(index), &options);

	/* an index whose configuration was dropped fits no query */
	return barq_text_nfields(&options) == 1 && options.language == 0 &&
		options.tokenizer == global->tokenizer && OidIsValid(config) &&
		config == barq_text_config_named(global->config, true);
}

BarqQueryValue *
barq_global_words(const BarqGlobal *global)
{
	return barq_query_value_make(global->query, strlen(global->query), InvalidOid);
}

/* ---- writing ---- */

/* Append a key, with a comma before it unless it is an object's first. */
static void
append_key(StringInfo json, const char *key)
{
	if (json->data[json->len - 1] != '{')
		appendStringInfoString(json, ", ");
	escape_json(json, key);
	appendStringInfoString(json, ": ");
}

static void
append_string(StringInfo json, const char *key, const char *value)
{
	append_key(json, key);
	escape_json(json, value);
}

/* Append a number, in the shortest decimal that gives the same float8. */
static void
append_number(StringInfo json, const char *key, double number)
{
	append_key(json, key);
	appendStringInfoString(json, double_to_shortest_decimal(number));
}

/* Append the terms, or the prefixes, as an object. Their texts end in zero bytes. */
static void
append_terms(StringInfo json, const BarqGlobal *global, bool prefix)
{
	append_key(json, prefix ? "prefixes" : "terms");
	appendStringInfoChar(json, '{');
	for (uint32 i = 0; i < global->nterms; i++)
	{
		const BarqGlobalTerm *term = &global->terms[i];

		if (term->prefix != prefix)
			continue;
		if (!prefix)
		{
			append_number(json, term->text.text, (double) term->df);
			continue;
		}
		append_key(json, term->text.text);
		appendStringInfoChar(json, '{');
		append_number(json, "df", (double) term->df);
		append_key(json, "terms");
		appendStringInfoChar(json, '[');
		for (uint32 j = 0; j < term->nexpansions; j++)
		{
			if (j > 0)
				appendStringInfoString(json, ", ");
			escape_json(json, term->expansions[j].text);
		}
		appendStringInfoString(json, "]}");
	}
	appendStringInfoChar(json, '}');
}

/*
 * A value of what was read or gathered; palloc'd. By way of text, since the functions
 * that build a jsonb differ between versions.
 */
static Datum
write_global(const BarqGlobal *global)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	append_string(&json, "query", global->query);
	append_string(&json, "config", global->config);
	append_string(&json, "tokenizer", global->tokenizer == BARQ_TOKENIZER_NGRAM ? "ngram" : "config");
	append_number(&json, "k1", global->k1);
	append_number(&json, "b", global->b);
	append_number(&json, "documents", (double) global->totals.documents);
	append_number(&json, "tokens", (double) global->totals.tokens);
	append_terms(&json, global, false);
	append_terms(&json, global, true);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* cstring → bm25global. Raises jsonb_in()'s errors and those of barq_global_read(). */
Datum
barq_bm25global_in(PG_FUNCTION_ARGS)
{
	Datum		value = DirectFunctionCall1(jsonb_in, PG_GETARG_DATUM(0));

	(void) barq_global_read(value);
	PG_RETURN_DATUM(value);
}

/* bm25global → cstring */
Datum
barq_bm25global_out(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(jsonb_out, PG_GETARG_DATUM(0));
}

/* bm25global from the wire, as jsonb. */
Datum
barq_bm25global_recv(PG_FUNCTION_ARGS)
{
	Datum		value = DirectFunctionCall1(jsonb_recv, PG_GETARG_DATUM(0));

	(void) barq_global_read(value);
	PG_RETURN_DATUM(value);
}

/* bm25global to the wire, as jsonb. */
Datum
barq_bm25global_send(PG_FUNCTION_ARGS)
{
	return DirectFunctionCall1(jsonb_send, PG_GETARG_DATUM(0));
}

/* ---- gathering ---- */

/* Terms whose frequencies are known, while they are collected. */
typedef struct Collection
{
	BarqGlobal *global;
	uint32		space;
} Collection;

/* BarqFrequencyVisitor: append a term, which stays the statistics'. */
static void
collect(void *arg, const BarqGlobalTerm *term)
{
	Collection *collection = arg;
	BarqGlobal *global = collection->global;

	if (global->nterms == collection->space)
	{
		collection->space = collection->space * 2 + 16;
		global->terms = global->terms == NULL ?
			palloc(sizeof(BarqGlobalTerm) * (Size) collection->space) :
			repalloc(global->terms, sizeof(BarqGlobalTerm) * (Size) collection->space);
	}
	global->terms[global->nterms++] = *term;
}

Datum
barq_global_of_index(const char *query, Oid index)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "barq global statistics",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];
	BarqGlobal	global = {0};
	Collection	collection = {&global, 0};
	BarqTextStatistics *statistics;
	Datum		value;

	barq_check_index_content_rights(index);
	statistics = barq_text_statistics(index, context);
	if (barq_text_nfields(barq_text_statistics_options(statistics)) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has several fields, and the statistics of shards are those of one",
						get_rel_name(index)),
				 errhint("Search the shards by an index of one field.")));
	if (barq_text_statistics_languages(statistics) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has a language for each row, and the statistics of shards are those of one language",
						get_rel_name(index)),
				 errhint("Search the shards by an index without a language column.")));
	if (!barq_text_config_names(barq_text_statistics_analysis(statistics)->config, schema, name))
		elog(ERROR, "text search configuration of index %u was dropped", index);
	global.query = unconstify(char *, query);
	global.config = quote_qualified_identifier(schema, name);
	global.tokenizer = barq_text_statistics_analysis(statistics)->tokenizer;
	global.k1 = barq_text_statistics_options(statistics)->k1;
	global.b = barq_text_statistics_options(statistics)->b;
	barq_text_statistics_totals(statistics, &global.totals);

	/* binding the query looks up the frequencies of the terms that score */
	(void) barq_text_bind(statistics, barq_global_words(&global), NULL, 0);
	barq_text_statistics_each(statistics, collect, &collection);
	MemoryContextSwitchTo(old);
	value = write_global(&global);
	MemoryContextDelete(context);
	return value;
}

/*
 * to_bm25global(query text, index regclass) → bm25global: a query with the statistics
 * of an index of this server, as they are now. Raises ERRCODE_INSUFFICIENT_PRIVILEGE
 * without the right to the index's content, and the errors of barq_text_statistics().
 */
Datum
barq_to_bm25global(PG_FUNCTION_ARGS)
{
	return barq_global_of_index(text_to_cstring(PG_GETARG_TEXT_PP(0)), PG_GETARG_OID(1));
}

/* ---- merging ---- */

/* Raise the error that two servers' values do not go together. */
pg_noreturn static void
raise_differing(const char *what, const char *a, const char *b)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the text indexes of two shards differ in %s", what),
			 errdetail("One has %s, another %s.", a, b),
			 errhint("Create the indexes of all shards with the same options, and REINDEX those that differ.")));
}

/* The term of a value that another has; NULL: none. */
static BarqGlobalTerm *
find_term(const BarqGlobal *global, const BarqGlobalTerm *wanted)
{
	for (uint32 i = 0; i < global->nterms; i++)
	{
		BarqGlobalTerm *term = &global->terms[i];

		if (term->prefix == wanted->prefix &&
			barq_compare_terms(term->text.text, term->text.length,
							   wanted->text.text, wanted->text.length) == 0)
			return term;
	}
	return NULL;
}

/*
 * Add the expansions of a prefix on another shard. A shard lists no more than the
 * first BARQ_BM25_EXPANSIONS; as long as all of them together are not more, each
 * frequency covers exactly the shard's documents with one of them. Raises
 * ERRCODE_PROGRAM_LIMIT_EXCEEDED beyond.
 */
static void
merge_expansions(BarqGlobalTerm *into, const BarqGlobalTerm *from)
{
	BarqBm25Text *all = palloc(sizeof(BarqBm25Text) * Max(into->nexpansions + from->nexpansions, 1));
	uint32		n = 0;

	for (uint32 i = 0, j = 0; i < into->nexpansions || j < from->nexpansions;)
	{
		int			order = i == into->nexpansions ? 1 : j == from->nexpansions ? -1 :
			compare_texts(&into->expansions[i], &from->expansions[j]);

		all[n++] = order <= 0 ? into->expansions[i] : from->expansions[j];
		i += order <= 0;
		j += order >= 0;
	}
	if (n > BARQ_BM25_EXPANSIONS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("prefix \"%s*\" begins more than %d terms of all shards together",
						into->text.text, BARQ_BM25_EXPANSIONS),
				 errhint("Search for a longer prefix.")));
	into->expansions = all;
	into->nexpansions = n;
}

/*
 * bm25global_merge(bm25global, bm25global) → bm25global: the same query with the
 * statistics of both. Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if they differ
 * in anything else, and the error of merge_expansions().
 */
Datum
barq_bm25global_merge(PG_FUNCTION_ARGS)
{
	BarqGlobal *a = barq_global_read(PG_GETARG_DATUM(0));
	BarqGlobal *b = barq_global_read(PG_GETARG_DATUM(1));

	if (strcmp(a->query, b->query) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot merge the statistics of two different queries")));
	if (strcmp(a->config, b->config) != 0)
		raise_differing("text_config", a->config, b->config);
	if (a->tokenizer != b->tokenizer)
		raise_differing("tokenizer", a->tokenizer == BARQ_TOKENIZER_NGRAM ? "ngram" : "config",
						b->tokenizer == BARQ_TOKENIZER_NGRAM ? "ngram" : "config");
	if (a->k1 != b->k1)
		raise_differing("k1", float8out_internal(a->k1), float8out_internal(b->k1));
	if (a->b != b->b)
		raise_differing("b", float8out_internal(a->b), float8out_internal(b->b));
	if (a->nterms != b->nterms)
		raise_differing("the terms of a query", psprintf("%u terms", a->nterms),
						psprintf("%u", b->nterms));
	a->totals.documents += b->totals.documents;
	a->totals.tokens += b->totals.tokens;
	for (uint32 i = 0; i < a->nterms; i++)
	{
		BarqGlobalTerm *term = &a->terms[i];
		const BarqGlobalTerm *other = find_term(b, term);

		CHECK_FOR_INTERRUPTS();
		if (other == NULL)
			raise_differing("the terms of a query", psprintf("\"%s\"", term->text.text), "not");
		term->df += other->df;
		if (term->prefix)
			merge_expansions(term, other);
	}
	PG_RETURN_DATUM(write_global(a));
}
