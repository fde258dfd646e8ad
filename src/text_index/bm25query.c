/*
 * bm25query.c
 *	  The type bm25query. See bm25query.h.
 *
 * Its text form is "index:query" or the bare query. The text before the first
 * colon is an index if it is written like a name (plain or quoted identifiers,
 * separated by dots; none begins with a digit), or if it is the OID of an existing
 * barq_bm25 index: "12:30" is a time. So a bare query that begins like an index, or
 * with a colon, is written with a colon before it (":http://x"). Parameters in braces
 * (query_parameters.h) come between the index and the colon, or begin the text if there is
 * no index: "index{k1=2}:query", "{k1=2}:query".
 *
 * A name is kept as it was written and looked up when the query is used, so it
 * survives REINDEX CONCURRENTLY, DROP and CREATE, and a dump. An OID is shown as
 * the index's name. The OID of an index that no longer exists is shown as a quoted
 * name of digits, so that reading it again gives an unknown index, not words.
 */
#include "text_index/bm25query.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/script.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "libpq/pqformat.h"
#include "text/text_query.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The zero byte and the fields before the words of a query for fields. */
#define FIELDS_BYTES	2

/* The zero bytes before the parameters of a query. */
#define PARAMETERS_BYTES	2

/* What a value is made of. */
typedef struct Parts
{
	Oid			index;			/* or InvalidOid */
	const char *name;			/* of an index without an OID; or NULL */
	uint8		fields;			/* of an index by its OID; 0: not said */
	const char *parameters;		/* text form without braces; NULL: none */
	const char *words;
	Size		length;			/* bytes of the words */
} Parts;

/* A value of these parts; palloc'd. */
static BarqQueryValue *
make(const Parts *parts)
{
	Size		parameters = parts->parameters == NULL ? 0 :
		PARAMETERS_BYTES + strlen(parts->parameters) + 1;
	Size		before = parts->name != NULL ? strlen(parts->name) + 1 :
		parts->fields != 0 ? FIELDS_BYTES : 0;
	Size		bytes = offsetof(BarqQueryValue, query) + parameters + before + parts->length;
	BarqQueryValue *value = palloc(bytes);
	char	   *to = value->query;

	Assert(parts->name == NULL || (!OidIsValid(parts->index) && parts->name[0] != '\0'));
	Assert(parts->fields == 0 || OidIsValid(parts->index));
	SET_VARSIZE(value, bytes);
	value->index = parts->index;
	if (parts->parameters != NULL)
	{
		memset(to, 0, PARAMETERS_BYTES);
		strcpy(to + PARAMETERS_BYTES, parts->parameters);
		to += parameters;
	}
	if (parts->name != NULL)
		strcpy(to, parts->name);
	else if (parts->fields != 0)
	{
		to[0] = '\0';
		to[1] = (char) parts->fields;
	}
	memcpy(to + before, parts->words, parts->length);
	return value;
}

BarqQueryValue *
barq_query_value_make(const char *query, Size length, Oid index)
{
	return make(&(Parts) {.index = index, .words = query, .length = length});
}

/*
 * Whether an identifier without quotes may have this character. True for all
 * non-ASCII ones.
 */
static inline bool
is_name_char(char c)
{
	return IS_HIGHBIT_SET(c) || c == '_' || c == '$' || (c >= '0' && c <= '9') ||
		(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether an identifier without quotes may begin with this character. */
static inline bool
is_name_start(char c)
{
	return is_name_char(c) && c != '$' && !(c >= '0' && c <= '9');
}

/* The colon at `text`, before `end`, or behind parameters that begin there; NULL: none. */
static const char *
colon_after_parameters(const char *text, const char *end)
{
	const char *colon = text < end && *text == '{' ? barq_query_parameters_end(text, end) : text;

	return colon != NULL && colon < end && *colon == ':' ? colon : NULL;
}

/*
 * The end of a name at the start of a text that ends at `end`, if a colon follows, or
 * parameters and a colon; NULL: there is no such name.
 */
static const char *
name_before_colon(const char *text, const char *end)
{
	const char *p = text;

	/* catalog.schema.name has the most parts */
	for (int parts = 0; parts < 3; parts++)
	{
		const char *part = p;

		if (p < end && *p == '"')
		{
			/* a quote within it is doubled: two quoted strings in a row */
			while (p < end && *p == '"')
			{
				p = memchr(p + 1, '"', end - p - 1);
				if (p == NULL)
					return NULL;
				p++;
			}
		}
		else if (p < end && is_name_start(*p))
			while (p < end && is_name_char(*p))
				p++;
		if (p == part || p == end)
			return NULL;
		if (colon_after_parameters(p, end) != NULL)
			return p;
		if (*p++ != '.')
			return NULL;
	}
	return NULL;
}

/* The parameters of a value, terminated, without braces; NULL: it has none. */
static const char *
parameters_of(const BarqQueryValue *value)
{
	Size		length = barq_query_value_length(value);

	return length > PARAMETERS_BYTES && value->query[0] == '\0' && value->query[1] == '\0' &&
		memchr(value->query + PARAMETERS_BYTES, '\0', length - PARAMETERS_BYTES) != NULL ?
		value->query + PARAMETERS_BYTES : NULL;
}

/* What follows the parameters of a value, and its bytes. */
static const char *
after_parameters(const BarqQueryValue *value, Size *length)
{
	const char *parameters = parameters_of(value);
	const char *after = parameters == NULL ? value->query : parameters + strlen(parameters) + 1;

	*length = value->query + barq_query_value_length(value) - after;
	return after;
}

const char *
barq_query_value_name(const BarqQueryValue *value)
{
	Size		length;
	const char *after = after_parameters(value, &length);

	/* words have no zero byte */
	return !OidIsValid(value->index) && memchr(after, '\0', length) != NULL ? after : NULL;
}

uint8
barq_query_value_fields(const BarqQueryValue *value)
{
	Size		length;
	const char *after = after_parameters(value, &length);

	return OidIsValid(value->index) && length >= FIELDS_BYTES && after[0] == '\0' ?
		(uint8) after[1] : 0;
}

const char *
barq_query_value_words(const BarqQueryValue *value, Size *length)
{
	const char *name = barq_query_value_name(value);
	Size		bytes;
	const char *words = after_parameters(value, &bytes);

	if (name != NULL)
		words += strlen(name) + 1;
	else if (barq_query_value_fields(value) != 0)
		words += FIELDS_BYTES;
	*length = value->query + barq_query_value_length(value) - words;
	return words;
}

void
barq_query_value_parameters(const BarqQueryValue *value, BarqQueryParameters *parameters)
{
	const char *given = parameters_of(value);

	if (given == NULL)
		barq_query_parameters_init(parameters);
	else
		barq_query_parameters_read(given, strlen(given), parameters);
}

BarqQueryValue *
barq_query_value_of_fields(const BarqQueryValue *value, Oid index, uint8 fields)
{
	Parts		parts = {.index = index, .fields = fields, .parameters = parameters_of(value)};

	parts.words = barq_query_value_words(value, &parts.length);
	return make(&parts);
}

/* Whether this is a number (of an index by OID); the empty string is none. */
static bool
is_digits(const char *name)
{
	return *name != '\0' && name[strspn(name, "0123456789")] == '\0';
}

/*
 * Whether this is the OID of an existing index of access method barq_bm25. Takes
 * no lock.
 */
static bool
is_text_index_oid(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			method;
	char	   *name;

	if (!HeapTupleIsValid(tuple))
		return false;
	method = ((Form_pg_class) GETSTRUCT(tuple))->relam;
	ReleaseSysCache(tuple);
	name = OidIsValid(method) ? get_am_name(method) : NULL;
	return name != NULL && strcmp(name, "barq_bm25") == 0;
}

/*
 * The end of the OID of a barq_bm25 index at the start of a text, if a colon follows, or
 * parameters and a colon; NULL: there is none. Takes no lock: values may refer to indexes
 * that are dropped later anyway.
 */
static const char *
index_oid_before_colon(const char *text, const char *end)
{
	const char *after = text + strspn(text, "0123456789");
	uint64		number;

	/* no OID has more digits */
	if (after == text || after - text > 10 || colon_after_parameters(after, end) == NULL)
		return NULL;
	number = strtoull(text, NULL, 10);
	return number <= OID_MAX && is_text_index_oid((Oid) number) ? after : NULL;
}

/*
 * A value with an index by its name, or by its OID if `name` is a number, or with none
 * (NULL); palloc'd. `name` is one for which is_index_reference() is true; parameters:
 * as in Parts. Raises ERRCODE_INVALID_NAME for a malformed name, and oidin()'s errors for a
 * number that is no OID.
 */
static BarqQueryValue *
make_named(const char *name, const char *parameters, const char *query, Size length)
{
	Parts		parts = {.parameters = parameters, .words = query, .length = length};

	if (name != NULL && is_digits(name))
		parts.index = DatumGetObjectId(DirectFunctionCall1(oidin, CStringGetDatum(name)));
	else if (name != NULL)
	{
		(void) BarqQualifiedNames(name);
		parts.name = name;
	}
	return make(&parts);
}

BarqQueryValue *
barq_query_value_named(const char *name, const char *query, Size length)
{
	return make_named(name, NULL, query, length);
}

/*
 * The parameters in braces at `text`, up to `end`, in the form that a value keeps; palloc'd.
 * NULL: there are none. Raises the errors of barq_query_parameters_read().
 */
static const char *
read_parameters(const char *text, const char *end)
{
	BarqQueryParameters parameters;

	if (text == end)
		return NULL;
	barq_query_parameters_read(text + 1, end - text - 2, &parameters);
	return barq_query_parameters_write(&parameters);
}

/*
 * Whether this is a name as it is written before a colon, or an OID. Leaves a
 * copy of it in the current memory context.
 */
static bool
is_index_reference(const char *name)
{
	const char *with_colon = psprintf("%s:", name);
	const char *end = with_colon + strlen(with_colon);

	return is_digits(name) || name_before_colon(with_colon, end) == end - 1;
}

BarqQueryValue *
barq_query_value_for(const BarqQueryValue *value, Oid index)
{
	Parts		parts = {.index = index, .parameters = parameters_of(value)};

	parts.words = barq_query_value_words(value, &parts.length);
	return make(&parts);
}

Oid
barq_query_value_find_index(const BarqQueryValue *value)
{
	const char *name = barq_query_value_name(value);
	Oid			index;

	if (name == NULL)
		return value->index;
	index = RangeVarGetRelid(makeRangeVarFromNameList(BarqQualifiedNames(name)), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index \"%s\" of a bm25query does not exist",
						NameListToString(BarqQualifiedNames(name))),
				 errhint("Put a colon before a query that begins with a word and a colon but names no index.")));
	return index;
}

char *
barq_query_value_last_name(const BarqQueryValue *value)
{
	return strVal(llast(BarqQualifiedNames(barq_query_value_name(value))));
}

char *
barq_query_index_name(const char *name, Oid *index)
{
	*index = InvalidOid;
	if (is_digits(name))
		*index = DatumGetObjectId(DirectFunctionCall1(oidin, CStringGetDatum(name)));
	else if (is_index_reference(name))
		return strVal(llast(BarqQualifiedNames(name)));
	return NULL;
}

/* Whether these words might be read as an index, or parameters, and a query. Takes no lock. */
static bool
begins_like_index(const char *query, Size length)
{
	Size		digits = 0;

	while (digits < length && query[digits] >= '0' && query[digits] <= '9')
		digits++;
	return colon_after_parameters(query + digits, query + length) != NULL ||
		name_before_colon(query, query + length) != NULL;
}

/*
 * The name of a value's index, as in the text form; NULL: it has none. Palloc'd or
 * within the value.
 */
static const char *
shown_name(const BarqQueryValue *value)
{
	const char *name;

	if (!OidIsValid(value->index))
		return barq_query_value_name(value);
	name = DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(value->index)));
	return is_digits(name) ? psprintf("\"%s\"", name) : name;
}

/* cstring → bm25query. Raises the errors of make_named() and read_parameters(). */
PG_FUNCTION_INFO_V1(barq_bm25query_in);
Datum
barq_bm25query_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *end = text + strlen(text);
	const char *name_end = name_before_colon(text, end);
	const char *colon;

	if (name_end == NULL)
		name_end = index_oid_before_colon(text, end);
	if (name_end == NULL)
		name_end = text;
	colon = colon_after_parameters(name_end, end);
	if (colon == NULL)
		PG_RETURN_POINTER(barq_query_value_make(text, end - text, InvalidOid));
	PG_RETURN_POINTER(make_named(name_end > text ? pnstrdup(text, name_end - text) : NULL,
								 read_parameters(name_end, colon), colon + 1, end - colon - 1));
}

/*
 * What precedes the colon of the text form of a value, or the zero byte of its binary form:
 * the name of its index and its parameters in braces; empty if it has neither. Palloc'd.
 */
static const char *
shown_head(const BarqQueryValue *value)
{
	const char *name = shown_name(value);
	const char *parameters = parameters_of(value);

	return psprintf("%s%s%s%s", name != NULL ? name : "", parameters != NULL ? "{" : "",
					parameters != NULL ? parameters : "", parameters != NULL ? "}" : "");
}

/* bm25query → cstring */
PG_FUNCTION_INFO_V1(barq_bm25query_out);
Datum
barq_bm25query_out(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	const char *head = shown_head(value);
	Size		length;
	const char *query = barq_query_value_words(value, &length);
	StringInfoData buf;

	initStringInfo(&buf);
	appendStringInfoString(&buf, head);
	if (head[0] != '\0' || begins_like_index(query, length))
		appendStringInfoChar(&buf, ':');
	appendBinaryStringInfo(&buf, query, length);
	PG_RETURN_CSTRING(buf.data);
}

/*
 * bm25query from the wire: name of the index and parameters in braces, both of which may be
 * missing, zero byte, query
 */
PG_FUNCTION_INFO_V1(barq_bm25query_recv);
Datum
barq_bm25query_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	const char *head = psprintf("%s:", pq_getmsgstring(buf));
	const char *end = head + strlen(head);
	const char *name_end = name_before_colon(head, end);
	int			length;
	char	   *query = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	if (name_end == NULL)
		name_end = head + strspn(head, "0123456789");
	if (colon_after_parameters(name_end, end) != end - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("\"%s\" in a bm25query is not the name of an index",
						pnstrdup(head, end - head - 1))));
	PG_RETURN_POINTER(make_named(name_end > head ? pnstrdup(head, name_end - head) : NULL,
								 read_parameters(name_end, end - 1), query, length));
}

/* bm25query to the wire */
PG_FUNCTION_INFO_V1(barq_bm25query_send);
Datum
barq_bm25query_send(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	Size		length;
	const char *query = barq_query_value_words(value, &length);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendstring(&buf, shown_head(value));
	pq_sendtext(&buf, query, length);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The words of a query written in a syntax, by its name: bytes as a bm25query
 * keeps them, within `query` or palloc'd. Raises ERRCODE_INVALID_PARAMETER_VALUE
 * for an unknown syntax, and in strict syntax the errors of
 * barq_text_query_check_strict(). *names: whether a strict query names fields, which are
 * not known here.
 */
static const char *
read_query(text *query, text *syntax, Size *length, bool *names)
{
	const char *bytes = VARDATA_ANY(query);

	*length = VARSIZE_ANY_EXHDR(query);
	*names = false;
	switch (barq_query_syntax_by_name(text_to_cstring(syntax)))
	{
		case BARQ_SYNTAX_LENIENT:
			break;
		case BARQ_SYNTAX_STRICT:
			*names = barq_text_query_check_strict(bytes, *length, NULL);
			break;
		case BARQ_SYNTAX_PLAIN:
			return barq_text_query_escape(bytes, *length, length);
	}
	return bytes;
}

/* Arguments of to_bm25query(). */
enum
{
	ARG_QUERY,
	ARG_INDEX,
	ARG_SYNTAX,
	ARG_K1,
	ARG_B,
	ARG_MINIMUM,
	ARG_CONFIG,
	ARGUMENTS
};

/* The result is NULL if the query or the syntax is; other arguments that are NULL mean none. */
#define TO_BM25QUERY_IS_NULL(fcinfo) (PG_ARGISNULL(ARG_QUERY) || PG_ARGISNULL(ARG_SYNTAX))

/*
 * The name of a configuration with its schema, palloc'd. Raises ERRCODE_UNDEFINED_OBJECT if
 * it does not exist.
 */
static char *
config_name(Oid config)
{
	char		schema[NAMEDATALEN];
	char		name[NAMEDATALEN];

	if (!barq_text_config_names(config, schema, name))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration %u does not exist", config),
				 errhint("\\dF lists them.")));
	return quote_qualified_identifier(schema, name);
}

/*
 * The parameters among the arguments, and `strict`, in the form that a value keeps; palloc'd.
 * NULL: none are given. Raises ERRCODE_INVALID_PARAMETER_VALUE for one out of range,
 * ERRCODE_UNDEFINED_OBJECT if the configuration does not exist.
 */
static const char *
parameters_given(FunctionCallInfo fcinfo, bool strict)
{
	BarqQueryParameters parameters;

	barq_query_parameters_init(&parameters);
	parameters.strict = strict;
	if (!PG_ARGISNULL(ARG_K1))
		barq_query_parameters_set_k1(&parameters, PG_GETARG_FLOAT8(ARG_K1));
	if (!PG_ARGISNULL(ARG_B))
		barq_query_parameters_set_b(&parameters, PG_GETARG_FLOAT8(ARG_B));
	if (!PG_ARGISNULL(ARG_MINIMUM))
		barq_query_parameters_set_minimum(&parameters,
										  text_to_cstring(PG_GETARG_TEXT_PP(ARG_MINIMUM)));
	if (!PG_ARGISNULL(ARG_CONFIG))
		parameters.config = config_name(PG_GETARG_OID(ARG_CONFIG));
	return barq_query_parameters_any(&parameters) ? barq_query_parameters_write(&parameters) : NULL;
}

/*
 * to_bm25query(query text, index text, syntax text, k1 float8, b float8,
 * minimum_should_match text, search_config regconfig) → bm25query: the index by its name,
 * looked up when the value is used, as that of the configuration is. Raises
 * ERRCODE_INVALID_NAME if the index's name is malformed, ERRCODE_SYNTAX_ERROR for a
 * malformed query in strict syntax, ERRCODE_INVALID_PARAMETER_VALUE for an unknown syntax,
 * and the errors of parameters_given().
 */
PG_FUNCTION_INFO_V1(barq_to_bm25query);
Datum
barq_to_bm25query(PG_FUNCTION_ARGS)
{
	const char *query;
	const char *name = NULL;
	Size		length;
	bool		strict;

	barq_expect_arguments(fcinfo, ARGUMENTS);
	if (TO_BM25QUERY_IS_NULL(fcinfo))
		PG_RETURN_NULL();
	query = read_query(PG_GETARG_TEXT_PP(ARG_QUERY), PG_GETARG_TEXT_PP(ARG_SYNTAX), &length, &strict);
	if (!PG_ARGISNULL(ARG_INDEX))
		name = text_to_cstring(PG_GETARG_TEXT_PP(ARG_INDEX));
	if (name != NULL && !is_index_reference(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of an index", name),
				 errhint("Write it as in an SQL statement: in double quotes if it has capital letters or special characters.")));
	PG_RETURN_POINTER(make_named(name, parameters_given(fcinfo, strict), query, length));
}

/*
 * to_bm25query(query text, index regclass, …) → bm25query: the index by its OID, whose
 * catalog it does not read. Otherwise as above.
 */
PG_FUNCTION_INFO_V1(barq_to_bm25query_regclass);
Datum
barq_to_bm25query_regclass(PG_FUNCTION_ARGS)
{
	Parts		parts = {0};
	bool		strict;

	barq_expect_arguments(fcinfo, ARGUMENTS);
	if (TO_BM25QUERY_IS_NULL(fcinfo))
		PG_RETURN_NULL();
	parts.words = read_query(PG_GETARG_TEXT_PP(ARG_QUERY), PG_GETARG_TEXT_PP(ARG_SYNTAX),
							 &parts.length, &strict);
	parts.parameters = parameters_given(fcinfo, strict);
	parts.index = PG_ARGISNULL(ARG_INDEX) ? InvalidOid : PG_GETARG_OID(ARG_INDEX);
	PG_RETURN_POINTER(make(&parts));
}
