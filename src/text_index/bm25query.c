/*
 * bm25query.c
 *	  The type bm25query. See bm25query.h.
 *
 * Its text form is "index:query" or the bare query. The text before the first
 * colon is an index if it is written like a name (plain or quoted identifiers,
 * separated by dots; none begins with a digit), or if it is the OID of an existing
 * barq_bm25 index: "12:30" is a time. So a bare query that begins like an index, or
 * with a colon, is written with a colon before it (":http://x").
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
#include "utils/builtins.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* The zero byte and the fields before the words of a query for fields. */
#define FIELDS_BYTES	2

BarqQueryValue *
barq_query_value_make(const char *query, Size length, Oid index)
{
	BarqQueryValue *value = palloc(offsetof(BarqQueryValue, query) + length);

	SET_VARSIZE(value, offsetof(BarqQueryValue, query) + length);
	value->index = index;
	memcpy(value->query, query, length);
	return value;
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

/* The colon after a name at the start of a text that ends at `end`; NULL: none. */
static const char *
colon_after_name(const char *text, const char *end)
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
		if (*p == ':')
			return p;
		if (*p++ != '.')
			return NULL;
	}
	return NULL;
}

/* The zero byte after the name in a value; NULL: it has no name. */
static const char *
end_of_name(const BarqQueryValue *value)
{
	if (OidIsValid(value->index))
		return NULL;
	return memchr(value->query, '\0', barq_query_value_length(value));
}

const char *
barq_query_value_name(const BarqQueryValue *value)
{
	return end_of_name(value) != NULL ? value->query : NULL;
}

uint8
barq_query_value_fields(const BarqQueryValue *value)
{
	/* words have no zero byte */
	return OidIsValid(value->index) && barq_query_value_length(value) >= FIELDS_BYTES &&
		value->query[0] == '\0' ? (uint8) value->query[1] : 0;
}

BarqQueryValue *
barq_query_value_of_fields(const BarqQueryValue *value, Oid index, uint8 fields)
{
	Size		length;
	const char *words = barq_query_value_words(value, &length);
	BarqQueryValue *result = palloc(offsetof(BarqQueryValue, query) + FIELDS_BYTES + length);

	Assert(OidIsValid(index) && fields != 0);
	SET_VARSIZE(result, offsetof(BarqQueryValue, query) + FIELDS_BYTES + length);
	result->index = index;
	result->query[0] = '\0';
	result->query[1] = (char) fields;
	memcpy(result->query + FIELDS_BYTES, words, length);
	return result;
}

const char *
barq_query_value_words(const BarqQueryValue *value, Size *length)
{
	const char *end = end_of_name(value);
	const char *words = end != NULL ? end + 1 :
		value->query + (barq_query_value_fields(value) != 0 ? FIELDS_BYTES : 0);

	*length = value->query + barq_query_value_length(value) - words;
	return words;
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
 * The colon after the OID of a barq_bm25 index at the start of a text; NULL: none.
 * Takes no lock: values may refer to indexes that are dropped later anyway.
 */
static const char *
colon_after_index_oid(const char *text)
{
	const char *colon = text + strspn(text, "0123456789");
	uint64		number;

	/* no OID has more digits */
	if (*colon != ':' || colon == text || colon - text > 10)
		return NULL;
	number = strtoull(text, NULL, 10);
	return number <= OID_MAX && is_text_index_oid((Oid) number) ? colon : NULL;
}

/*
 * A value with an index by its name, or by its OID if `name` is a number;
 * palloc'd. `name` is one for which is_index_reference() is true. Raises
 * ERRCODE_INVALID_NAME for a malformed name, and oidin()'s errors for a number
 * that is no OID.
 */
static BarqQueryValue *
make_named(const char *name, const char *query, Size length)
{
	Size		name_length = strlen(name);
	BarqQueryValue *named;

	if (is_digits(name))
		return barq_query_value_make(query, length,
									 DatumGetObjectId(DirectFunctionCall1(oidin,
																		  CStringGetDatum(name))));
	(void) BarqQualifiedNames(name);
	named = palloc(offsetof(BarqQueryValue, query) + name_length + 1 + length);
	SET_VARSIZE(named, offsetof(BarqQueryValue, query) + name_length + 1 + length);
	named->index = InvalidOid;
	memcpy(named->query, name, name_length + 1);
	memcpy(named->query + name_length + 1, query, length);
	return named;
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

	return is_digits(name) || colon_after_name(with_colon, end) == end - 1;
}

BarqQueryValue *
barq_query_value_for(const BarqQueryValue *value, Oid index)
{
	Size		length;
	const char *words = barq_query_value_words(value, &length);

	return barq_query_value_make(words, length, index);
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

/* Whether these words might be read as an index and its query. Takes no lock. */
static bool
begins_like_index(const char *query, Size length)
{
	Size		digits = 0;

	while (digits < length && query[digits] >= '0' && query[digits] <= '9')
		digits++;
	if (digits < length && query[digits] == ':')
		return true;
	return colon_after_name(query, query + length) != NULL;
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

/* cstring → bm25query */
PG_FUNCTION_INFO_V1(barq_bm25query_in);
Datum
barq_bm25query_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *end = text + strlen(text);
	const char *colon = *text == ':' ? text : colon_after_name(text, end);

	if (colon == NULL)
		colon = colon_after_index_oid(text);
	if (colon != NULL && colon > text)
		PG_RETURN_POINTER(make_named(pnstrdup(text, colon - text), colon + 1, end - colon - 1));
	if (colon != NULL)
		text = colon + 1;
	PG_RETURN_POINTER(barq_query_value_make(text, end - text, InvalidOid));
}

/* bm25query → cstring */
PG_FUNCTION_INFO_V1(barq_bm25query_out);
Datum
barq_bm25query_out(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	const char *name = shown_name(value);
	Size		length;
	const char *query = barq_query_value_words(value, &length);
	StringInfoData buf;

	initStringInfo(&buf);
	if (name != NULL)
		appendStringInfoString(&buf, name);
	if (name != NULL || begins_like_index(query, length))
		appendStringInfoChar(&buf, ':');
	appendBinaryStringInfo(&buf, query, length);
	PG_RETURN_CSTRING(buf.data);
}

/* bm25query from the wire: name of the index (empty: none), zero byte, query */
PG_FUNCTION_INFO_V1(barq_bm25query_recv);
Datum
barq_bm25query_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	const char *name = pstrdup(pq_getmsgstring(buf));
	int			length;
	char	   *query = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	if (name[0] == '\0')
		PG_RETURN_POINTER(barq_query_value_make(query, length, InvalidOid));
	if (!is_index_reference(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("\"%s\" in a bm25query is not the name of an index", name)));
	PG_RETURN_POINTER(make_named(name, query, length));
}

/* bm25query to the wire */
PG_FUNCTION_INFO_V1(barq_bm25query_send);
Datum
barq_bm25query_send(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	const char *name = shown_name(value);
	Size		length;
	const char *query = barq_query_value_words(value, &length);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendstring(&buf, name != NULL ? name : "");
	pq_sendtext(&buf, query, length);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * The words of a query written in a syntax, by its name: bytes as a bm25query
 * keeps them, within `query` or palloc'd. Raises ERRCODE_INVALID_PARAMETER_VALUE
 * for an unknown syntax, and in strict syntax the errors of
 * barq_text_query_check_strict().
 */
static const char *
read_query(text *query, text *syntax, Size *length)
{
	const char *bytes = VARDATA_ANY(query);

	*length = VARSIZE_ANY_EXHDR(query);
	switch (barq_query_syntax_by_name(text_to_cstring(syntax)))
	{
		case BARQ_SYNTAX_LENIENT:
			break;
		case BARQ_SYNTAX_STRICT:
			barq_text_query_check_strict(bytes, *length);
			break;
		case BARQ_SYNTAX_PLAIN:
			return barq_text_query_escape(bytes, *length, length);
	}
	return bytes;
}

/* The result is NULL if the query or the syntax is; a NULL index means none. */
#define TO_BM25QUERY_IS_NULL(fcinfo) (PG_ARGISNULL(0) || PG_ARGISNULL(2))

/*
 * to_bm25query(query text, index text, syntax text) → bm25query: the index by
 * its name, looked up when the value is used. Raises ERRCODE_INVALID_NAME if the
 * index's name is malformed, ERRCODE_SYNTAX_ERROR for a malformed query in
 * strict syntax, ERRCODE_INVALID_PARAMETER_VALUE for an unknown syntax.
 */
PG_FUNCTION_INFO_V1(barq_to_bm25query);
Datum
barq_to_bm25query(PG_FUNCTION_ARGS)
{
	const char *query;
	const char *name;
	Size		length;

	barq_expect_arguments(fcinfo, 3);
	if (TO_BM25QUERY_IS_NULL(fcinfo))
		PG_RETURN_NULL();
	query = read_query(PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(2), &length);
	if (PG_ARGISNULL(1))
		PG_RETURN_POINTER(barq_query_value_make(query, length, InvalidOid));
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (!is_index_reference(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("\"%s\" is not the name of an index", name),
				 errhint("Write it as in an SQL statement: in double quotes if it has capital letters or special characters.")));
	PG_RETURN_POINTER(make_named(name, query, length));
}

/*
 * to_bm25query(query text, index regclass, syntax text) → bm25query: the index
 * by its OID. Reads no catalog. Raises ERRCODE_SYNTAX_ERROR for a malformed
 * query in strict syntax, ERRCODE_INVALID_PARAMETER_VALUE for an unknown syntax.
 */
PG_FUNCTION_INFO_V1(barq_to_bm25query_regclass);
Datum
barq_to_bm25query_regclass(PG_FUNCTION_ARGS)
{
	const char *query;
	Size		length;

	barq_expect_arguments(fcinfo, 3);
	if (TO_BM25QUERY_IS_NULL(fcinfo))
		PG_RETURN_NULL();
	query = read_query(PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(2), &length);
	PG_RETURN_POINTER(barq_query_value_make(query, length,
											PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1)));
}
