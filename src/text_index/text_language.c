/*
 * text_language.c
 *	  The language of a row, where a column of the index names it: the text search
 *	  configuration that makes terms of the row's texts.
 *
 * A document of such an index has one term more than its words give, its mark: a zero
 * byte, which no word has, the fingerprint of the configuration and its name. So the
 * languages in use are the terms that begin with a zero byte, of the segments and of the
 * log; they come and go with the documents, without any record of their own.
 */
#include "postgres.h"

#include "access/genam.h"
#include "base/array.h"
#include "base/compat.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/rel.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_language);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_bm25_language_named);

#define FINGERPRINT_DIGITS	8
#define MARK_START			(1 + FINGERPRINT_DIGITS)	/* of the name in a mark */

/* A name and its quotes, twice, and a dot; before it the digits of a mark. */
#define LONGEST_NAME		(4 * NAMEDATALEN + 16)
#define MOST_NAMES			1024

/* ---- a row's configuration ---- */

/* A configuration by the name in a column, or by a mark without its zero byte. */
typedef struct Named
{
	char		name[LONGEST_NAME]; /* key */
	Oid			config;			/* of a mark: may be InvalidOid */
	bool		altered;		/* of a mark: since it was written */
} Named;

/* What was looked up; it is forgotten when configurations change. */
typedef struct Known
{
	HTAB	   *table;
	uint64		generation;
} Known;

static Known known_names;
static Known known_marks;

/* The table, made, or emptied if it is out of date or full. */
static HTAB *
table_of(Known *known)
{
	HASHCTL		control = {.keysize = LONGEST_NAME, .entrysize = sizeof(Named)};
	uint64		now = barq_text_config_generation();

	if (known->table != NULL && known->generation == now &&
		hash_get_num_entries(known->table) < MOST_NAMES)
		return known->table;
	if (known->table != NULL)
		hash_destroy(known->table);
	known->table = NULL;
	control.hcxt = TopMemoryContext;
	known->table = hash_create("barq languages", 64, &control,
							   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	known->generation = now;
	return known->table;
}

/* Raise the error of a language that does not exist, as it is in the column. */
pg_noreturn static void
raise_no_language(const char *language)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("text search configuration \"%s\" does not exist", language),
			 errdetail("It is the language of a row."),
			 errhint("\\dF *.* lists them; one that is not PostgreSQL's own is named with its schema.")));
}

/* The configuration that a text names. Raises the errors of barq_text_language(). */
static Oid
config_of_name(Datum value)
{
	char	   *name = text_to_cstring(DatumGetTextPP(value));
	Named	   *named;
	Oid			config;

	if (strlen(name) >= LONGEST_NAME)
		raise_no_language(name);
	named = hash_search(table_of(&known_names), name, HASH_FIND, NULL);
	if (named == NULL)
	{
		config = barq_text_config_recorded(name);
		if (!OidIsValid(config))
			raise_no_language(name);
		named = hash_search(table_of(&known_names), name, HASH_ENTER, NULL);
		named->config = config;
	}
	pfree(name);
	return named->config;
}

static const char *mark_of(Oid config, uint32 *length);

Oid
barq_text_language(const BarqTextRow *row, Oid otherwise)
{
	uint32		length;
	Oid			config;

	if (!OidIsValid(row->language_type) || row->language_is_null)
		return otherwise;
	if (row->language_type != REGCONFIGOID)
		return config_of_name(row->language);
	config = DatumGetObjectId(row->language);
	if (mark_of(config, &length) == NULL)
		raise_no_language(psprintf("%u", config));
	return config;
}

void
barq_text_set_language(Oid index, const char *language, BarqTextAnalysis *analysis)
{
	if (language == NULL)
		return;
	if (!analysis->by_row)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("index \"%s\" has no language for each row", get_rel_name(index)),
				 errhint("Leave the language out: its texts are read by text_config.")));
	analysis->config = get_ts_config_oid(BarqQualifiedNames(language), false);
}

/* ---- marks ---- */

typedef struct Mark
{
	Oid			config;			/* key */
	uint32		length;
	uint64		generation;
	char		text[MARK_START + LONGEST_NAME];
} Mark;

static HTAB *marks = NULL;

/*
 * The mark of a configuration's documents; NULL if it does not exist. Valid until
 * configurations change, *length bytes long.
 */
static const char *
mark_of(Oid config, uint32 *length)
{
	uint64		now = barq_text_config_generation();
	Mark	   *mark;
	uint32		fingerprint;
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	if (marks == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Mark)};

		control.hcxt = TopMemoryContext;
		marks = hash_create("barq marks of languages", 64, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	mark = hash_search(marks, &config, HASH_FIND, NULL);
	if (mark == NULL || mark->generation != now)
	{
		if (!barq_text_config_names(config, schema, name))
			return NULL;
		fingerprint = barq_text_config_fingerprint(config);
		mark = hash_search(marks, &config, HASH_ENTER, NULL);
		mark->text[0] = '\0';
		mark->length = MARK_START +
			snprintf(mark->text + 1, sizeof(mark->text) - 1, "%08x%s", fingerprint,
					 quote_qualified_identifier(schema, name)) - FINGERPRINT_DIGITS;
		mark->generation = now;
	}
	*length = mark->length;
	return mark->text;
}

/* The fingerprint in a mark; false if it is none. */
static bool
read_mark(const BarqBm25Text *mark, uint32 *fingerprint, char **name)
{
	char		digits[FINGERPRINT_DIGITS + 1];
	char	   *end;

	if (mark->length <= MARK_START || mark->text[0] != '\0')
		return false;
	strlcpy(digits, mark->text + 1, sizeof(digits));
	*fingerprint = (uint32) strtoul(digits, &end, 16);
	*name = pnstrdup(mark->text + MARK_START, mark->length - MARK_START);
	return *end == '\0';
}

/* language_of_mark() by the catalogs. */
static Oid
find_language(const BarqBm25Text *mark, bool *altered)
{
	uint32		fingerprint;
	char	   *name;
	Oid			named;
	Oid			same;

	*altered = false;
	if (!read_mark(mark, &fingerprint, &name))
		return InvalidOid;
	named = barq_text_config_recorded(name);
	if (OidIsValid(named) && barq_text_config_fingerprint(named) == fingerprint)
		return named;

	/* altered, or renamed, perhaps while another one got the name */
	*altered = OidIsValid(named);
	same = barq_text_config_with_fingerprint(fingerprint);
	return OidIsValid(same) ? same : named;
}

/*
 * The configuration that a mark means: one that makes the terms that it stands for, by its
 * fingerprint, else the one of its name; InvalidOid if there is none. *altered: the one of
 * that name makes other terms now.
 */
static Oid
language_of_mark(const BarqBm25Text *mark, bool *altered)
{
	char		key[LONGEST_NAME];
	Named	   *known;
	Oid			config;

	if (mark->length - 1 >= sizeof(key))
		return find_language(mark, altered);
	memcpy(key, mark->text + 1, mark->length - 1);
	key[mark->length - 1] = '\0';
	known = hash_search(table_of(&known_marks), key, HASH_FIND, NULL);
	if (known == NULL)
	{
		config = find_language(mark, altered);
		known = hash_search(table_of(&known_marks), key, HASH_ENTER, NULL);
		known->config = config;
		known->altered = *altered;
	}
	*altered = known->altered;
	return known->config;
}

void
barq_text_add_mark(BarqTokenizer *tokenizer, Oid config, BarqTokens *tokens)
{
	uint32		length;
	const char *mark = mark_of(config, &length);

	if (mark == NULL)
		raise_no_language(psprintf("%u", config));
	BARQ_ARRAY_RESERVE(tokens->tokens, tokens->space, tokens->ntokens + 1, 64);
	tokens->tokens[tokens->ntokens++] = (BarqToken) {
		.term = barq_terms_intern(barq_tokenizer_terms(tokenizer), mark, length),
		.position = 1
	};
}

/* ---- the languages in use ---- */

/* BarqTermVisitor: add a mark to the table; arg: BarqTermTable. */
static void
add_mark(void *arg, const char *text, uint32 length, uint32 df)
{
	(void) barq_terms_intern(arg, text, length);
}

void
barq_text_languages_collect(BarqTextState *state, BarqTermTable *table)
{
	const char	prefix = '\0';

	barq_text_log_expand(state->log, &prefix, 1, 0, PG_UINT32_MAX, add_mark, table);
	for (uint32 i = 0; i < state->snapshot->nsegments; i++)
		barq_bm25_expand(&state->views[i], &prefix, 1, 0, PG_UINT32_MAX, add_mark, table);
}

/* BarqTextWork: collect the marks of languages; arg: BarqTermTable. */
static void
collect_marks(BarqTextState *state, void *arg)
{
	barq_text_languages_collect(state, arg);
}

void
barq_text_languages_visit(Relation index, BarqLanguageVisitor visit, void *arg)
{
	BarqTermTable *found = barq_terms_create(CurrentMemoryContext);

	barq_text_with_state(index, collect_marks, found);
	for (uint32 i = 0; i < barq_terms_count(found); i++)
	{
		BarqBm25Text mark = {0};
		uint32		fingerprint;
		char	   *name;
		Oid			config;
		bool		altered;

		CHECK_FOR_INTERRUPTS();
		mark.text = barq_terms_text(found, i, &mark.length);
		config = language_of_mark(&mark, &altered);
		if (read_mark(&mark, &fingerprint, &name))
			visit(arg, name, config, altered);
	}
}

void
barq_text_raise_languages(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("rows and fields of an index have more than %d languages", BARQ_QUERY_MOST_LANGUAGES),
			 errhint("Read the query in one: to_bm25query(..., search_config => 'english').")));
}

void
barq_text_languages_resolve(const BarqTermTable *table, Oid otherwise, BarqTextLanguages *languages)
{
	uint32		n = barq_terms_count(table);

	memset(languages, 0, sizeof(*languages));
	languages->marks = palloc(sizeof(BarqLanguageMark) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		BarqLanguageMark mark;
		uint32		language = 0;
		Oid			config;
		bool		altered;

		mark.text.text = barq_terms_text(table, i, &mark.text.length);
		config = language_of_mark(&mark.text, &altered);
		if (!OidIsValid(config))
			continue;
		while (language < languages->n && languages->configs[language] != config)
			language++;
		if (language == BARQ_QUERY_MOST_LANGUAGES)
			barq_text_raise_languages();
		if (language == languages->n)
			languages->configs[languages->n++] = config;
		mark.text.text = memcpy(palloc(mark.text.length), mark.text.text, mark.text.length);
		mark.language = language;
		languages->marks[languages->nmarks++] = mark;
	}
	if (languages->n == 0)
		languages->configs[languages->n++] = otherwise;
}

/* ---- operator classes ---- */

bool
barq_text_is_language(Relation index, int column)
{
	return OidIsValid(index_getprocid(index, column + 1, BARQ_TEXT_LANGUAGE_PROC));
}

void
barq_text_raise_no_row(Oid index)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("index \"%s\" has a language for each row, which a text alone does not tell",
					get_rel_name(index)),
			 errhint("Use the operator on a row of the table (items <@> 'words'), or on ROW() of the index's fields and its language.")));
}

/*
 * bm25_language(regconfig) and bm25_language(text) → regconfig: the configuration that a
 * value of a language column means. Support functions of the operator classes, which
 * barq does not call: they mark the column as a language.
 */
Datum
barq_bm25_language(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(PG_GETARG_OID(0));
}

Datum
barq_bm25_language_named(PG_FUNCTION_ARGS)
{
	PG_RETURN_OID(config_of_name(PG_GETARG_DATUM(0)));
}
