/*
 * bm25query.c
 *	  The type bm25query. See bm25query.h.
 *
 * Its text form is "index:query" or the bare query. What stands before the
 * first colon is an index if it is written as a name is (plain or quoted
 * identifiers with points between, or an OID); so a bare query that begins
 * like that, or with a colon, is written with a colon before it (":http://x").
 * An index that does not exist is kept by its name, and looked for again when
 * the query is used.
 */
#include "types/bm25query.h"

#include "catalog/namespace.h"
#include "compat.h"
#include "libpq/pqformat.h"
#include "text/text_query.h"
#include "utils/builtins.h"
#include "utils/regproc.h"

BarqQueryValue *
barq_query_value_make(const char *query, Size length, Oid index)
{
	BarqQueryValue *value = palloc(offsetof(BarqQueryValue, query) + length);

	SET_VARSIZE(value, offsetof(BarqQueryValue, query) + length);
	value->index = index;
	memcpy(value->query, query, length);
	return value;
}

text *
barq_query_value_text(const BarqQueryValue *value)
{
	return cstring_to_text_with_len(value->query, barq_query_value_length(value));
}

/* A character of an identifier that needs no quotes (any that is not ASCII). */
static inline bool
is_name_char(char c)
{
	return IS_HIGHBIT_SET(c) || c == '_' || c == '$' || (c >= '0' && c <= '9') ||
		(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The colon behind a name at the start of a text, or NULL. */
static const char *
colon_after_name(const char *text, const char *end)
{
	const char *p = text;

	for (;;)
	{
		const char *part = p;

		if (p < end && *p == '"')
		{
			/* a quote in it is doubled, which looks like two parts */
			while (p < end && *p == '"')
			{
				p = memchr(p + 1, '"', end - p - 1);
				if (p == NULL)
					return NULL;
				p++;
			}
		}
		else
			while (p < end && is_name_char(*p))
				p++;
		if (p == part || p == end)
			return NULL;
		if (*p == ':')
			return p;
		if (*p++ != '.')
			return NULL;
	}
}

/* An index's OID by what stands before the colon; InvalidOid: there is none. */
static Oid
index_by_name(const char *name)
{
	if (strspn(name, "0123456789") == strlen(name))
		return DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name)));
	return RangeVarGetRelid(makeRangeVarFromNameList(BarqQualifiedNames(name)), NoLock, true);
}

/* The end of the name in a value, or NULL. */
static const char *
end_of_name(const BarqQueryValue *value)
{
	if (OidIsValid(value->index))
		return NULL;
	return memchr(value->query, '\0', barq_query_value_length(value));
}

/* A value for an index that a name says. */
static BarqQueryValue *
make_named(const char *name, const char *query, Size length)
{
	Oid			index = index_by_name(name);
	Size		name_length = strlen(name);
	BarqQueryValue *value = barq_query_value_make(query, length, index);
	BarqQueryValue *named;

	if (OidIsValid(index))
		return value;
	named = palloc(VARSIZE(value) + name_length + 1);
	SET_VARSIZE(named, VARSIZE(value) + name_length + 1);
	named->index = InvalidOid;
	memcpy(named->query, name, name_length + 1);
	memcpy(named->query + name_length + 1, query, length);
	return named;
}

BarqQueryValue *
barq_query_value_resolve(BarqQueryValue *value)
{
	const char *end = end_of_name(value);
	Oid			index;

	if (end == NULL)
		return value;
	index = index_by_name(value->query);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index \"%s\" of a bm25query does not exist",
						NameListToString(BarqQualifiedNames(value->query))),
				 errhint("Put a colon before a query that begins with a word and a colon.")));
	return barq_query_value_make(end + 1, value->query + barq_query_value_length(value) - end - 1,
								 index);
}

/* The name of a value's index, NULL where it has none; and its query. */
static const char *
parts_of(const BarqQueryValue *value, const char **query, Size *length)
{
	const char *end = end_of_name(value);
	Oid			index = value->index;

	*query = end != NULL ? end + 1 : value->query;
	*length = value->query + barq_query_value_length(value) - *query;
	if (end != NULL)
		index = index_by_name(value->query);
	if (!OidIsValid(index))
		return end != NULL ? value->query : NULL;
	return DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(index)));
}

PG_FUNCTION_INFO_V1(barq_bm25query_in);
Datum
barq_bm25query_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *end = text + strlen(text);
	const char *colon = *text == ':' ? text : colon_after_name(text, end);

	if (colon != NULL && colon > text)
		PG_RETURN_POINTER(make_named(pnstrdup(text, colon - text), colon + 1, end - colon - 1));
	if (colon != NULL)
		text = colon + 1;
	PG_RETURN_POINTER(barq_query_value_make(text, end - text, InvalidOid));
}

PG_FUNCTION_INFO_V1(barq_bm25query_out);
Datum
barq_bm25query_out(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	const char *query;
	Size		length;
	const char *name = parts_of(value, &query, &length);
	StringInfoData buf;

	initStringInfo(&buf);
	if (name != NULL)
		appendStringInfoString(&buf, name);
	if (name != NULL || (length > 0 && query[0] == ':') ||
		colon_after_name(query, query + length) != NULL)
		appendStringInfoChar(&buf, ':');
	appendBinaryStringInfo(&buf, query, length);
	PG_RETURN_CSTRING(buf.data);
}

/* The index's name (empty: none) and a zero byte, then the query. */
PG_FUNCTION_INFO_V1(barq_bm25query_recv);
Datum
barq_bm25query_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	const char *name = pstrdup(pq_getmsgstring(buf));
	int			length;
	char	   *query = pq_getmsgtext(buf, buf->len - buf->cursor, &length);
	const char *with_colon;
	const char *end;

	if (name[0] == '\0')
		PG_RETURN_POINTER(barq_query_value_make(query, length, InvalidOid));
	with_colon = psprintf("%s:", name);
	end = with_colon + strlen(with_colon);
	if (colon_after_name(with_colon, end) != end - 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("\"%s\" in a bm25query is no name of an index", name)));
	PG_RETURN_POINTER(make_named(name, query, length));
}

PG_FUNCTION_INFO_V1(barq_bm25query_send);
Datum
barq_bm25query_send(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = (BarqQueryValue *) PG_GETARG_VARLENA_P(0);
	const char *query;
	Size		length;
	const char *name = parts_of(value, &query, &length);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendstring(&buf, name != NULL ? name : "");
	pq_sendtext(&buf, query, length);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* to_bm25query(query text, index regclass): looks at no catalog. */
PG_FUNCTION_INFO_V1(barq_to_bm25query);
Datum
barq_to_bm25query(PG_FUNCTION_ARGS)
{
	text	   *query;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	query = PG_GETARG_TEXT_PP(0);
	PG_RETURN_POINTER(barq_query_value_make(VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
											PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1)));
}
