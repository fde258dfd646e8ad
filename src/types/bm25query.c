/*
 * bm25query.c
 *	  The type bm25query. See bm25query.h.
 *
 * Its text form is "index:query" or the bare query. What stands before the
 * first colon is an index if it is written as a name is (plain or quoted
 * identifiers with points between, or an OID); so a bare query that begins
 * like that, or with a colon, is written with a colon before it (":http://x").
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
	BarqQueryValue *value;

	barq_text_query_check(query, length);
	value = palloc(offsetof(BarqQueryValue, query) + length);
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

static Oid
index_by_name(char *name)
{
	List	   *names;
	Oid			index;

	if (strspn(name, "0123456789") == strlen(name))
		return DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name)));
	names = BarqQualifiedNames(name);
	index = RangeVarGetRelid(makeRangeVarFromNameList(names), NoLock, true);
	if (!OidIsValid(index))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("index \"%s\" of a bm25query does not exist", NameListToString(names)),
				 errhint("Put a colon before a query that begins with a word and a colon.")));
	return index;
}

static char *
name_of_index(Oid index)
{
	return DatumGetCString(DirectFunctionCall1(regclassout, ObjectIdGetDatum(index)));
}

PG_FUNCTION_INFO_V1(barq_bm25query_in);
Datum
barq_bm25query_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	const char *end = text + strlen(text);
	const char *colon = *text == ':' ? text : colon_after_name(text, end);
	Oid			index = InvalidOid;

	if (colon != NULL && colon > text)
		index = index_by_name(pnstrdup(text, colon - text));
	if (colon != NULL)
		text = colon + 1;
	PG_RETURN_POINTER(barq_query_value_make(text, end - text, index));
}

PG_FUNCTION_INFO_V1(barq_bm25query_out);
Datum
barq_bm25query_out(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	Size		length = barq_query_value_length(value);
	const char *query = value->query;
	StringInfoData buf;

	initStringInfo(&buf);
	if (OidIsValid(value->index))
	{
		appendStringInfoString(&buf, name_of_index(value->index));
		appendStringInfoChar(&buf, ':');
	}
	else if ((length > 0 && query[0] == ':') || colon_after_name(query, query + length) != NULL)
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
	char	   *name = pstrdup(pq_getmsgstring(buf));
	int			length;
	char	   *query = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_POINTER(barq_query_value_make(query, length, name[0] == '\0' ? InvalidOid :
											index_by_name(name)));
}

PG_FUNCTION_INFO_V1(barq_bm25query_send);
Datum
barq_bm25query_send(PG_FUNCTION_ARGS)
{
	BarqQueryValue *value = PG_GETARG_BARQ_QUERY(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendstring(&buf, OidIsValid(value->index) ? name_of_index(value->index) : "");
	pq_sendtext(&buf, value->query, barq_query_value_length(value));
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
