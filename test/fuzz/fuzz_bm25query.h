/*
 * fuzz_bm25query.h
 *	  Fuzz target: the text and the binary input function of bm25query, outside
 *	  of a server. Each input must give an error with one of the expected
 *	  SQLSTATEs, or a value that converts to text and binary form and back.
 *
 * One C file includes this together with the sources under test. The simulated
 * server has two indexes, known and "K:n", whose OIDs are 42 and 43.
 */
#ifndef BARQ_FUZZ_BM25QUERY_H
#define BARQ_FUZZ_BM25QUERY_H

#include "fuzz_query.h"

#include "../../src/text_index/query_parameters.c"
#include "../../src/text_index/bm25query.c"

/* There is no older script here. */
void
barq_expect_arguments(FunctionCallInfo fcinfo, int arguments)
{
}

/* --- names: a list is the text of its parts, each followed by a newline --- */

static const char *const fuzz_indexes[] = {"known", "\"K:n\""};

#define FUZZ_INDEX_OID 42
#define FUZZ_SPACE	" \t\n\r\f\v"

static List *
fuzz_names(const char *name)
{
	char	   *names = palloc(2 * strlen(name) + 2);
	char	   *to = names;

	for (const char *p = name;; p++)
	{
		const char *part = to;

		/* like the server, skip white space around a part */
		p += strspn(p, FUZZ_SPACE);
		if (*p == '"')
		{
			for (p++; *p != '"' || p[1] == '"'; *to++ = *p++)
			{
				if (*p == '\0')
					ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("invalid name syntax")));
				p += *p == '"';
			}
			p++;
		}
		else
			for (; is_name_char(*p); p++)
				*to++ = *p >= 'A' && *p <= 'Z' ? *p + 'a' - 'A' : *p;
		p += strspn(p, FUZZ_SPACE);
		if (to == part || (*p != '.' && *p != '\0'))
			ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("invalid name syntax")));
		*to++ = '\n';
		if (*p == '\0')
			break;
	}
	*to = '\0';
	return (List *) names;
}

/* differences of prototypes between versions */
#if PG_VERSION_NUM >= 160000
#define NAMES_ARGS	const char *string, Node *escontext
#define BYTES		const void
#else
#define NAMES_ARGS	const char *string
#define BYTES		const char
#endif
#if PG_VERSION_NUM >= 170000
#define NAMES		const List
#else
#define NAMES		List
#endif

List *
stringToQualifiedNameList(NAMES_ARGS)
{
	return fuzz_names(string);
}

char *
NameListToString(NAMES *names)
{
	return (char *) names;
}

RangeVar *
makeRangeVarFromNameList(NAMES *names)
{
	return (RangeVar *) names;
}

Oid
RangeVarGetRelidExtended(const RangeVar *relation, LOCKMODE lockmode, uint32 flags,
						 RangeVarGetRelidCallback callback, void *callback_arg)
{
	if (strcmp((const char *) relation, "known\n") == 0)
		return FUZZ_INDEX_OID;
	if (strcmp((const char *) relation, "K:n\n") == 0)
		return FUZZ_INDEX_OID + 1;
	return InvalidOid;
}

/* --- the catalog: the indexes are of access method 1, OID 44 is a table --- */

HeapTuple
SearchSysCache1(int cache, Datum key)
{
	static union
	{
		HeapTupleHeaderData header;
		char		bytes[MAXALIGN(SizeofHeapTupleHeader) + sizeof(FormData_pg_class)];
	}			row;
	static HeapTupleData tuple;
	Oid			oid = DatumGetObjectId(key);

	if (oid < FUZZ_INDEX_OID || oid > FUZZ_INDEX_OID + lengthof(fuzz_indexes))
		return NULL;
	tuple.t_data = &row.header;
	row.header.t_hoff = MAXALIGN(SizeofHeapTupleHeader);
	((Form_pg_class) GETSTRUCT(&tuple))->relam = oid < FUZZ_INDEX_OID + lengthof(fuzz_indexes);
	return &tuple;
}

void
ReleaseSysCache(HeapTuple tuple)
{
}

char *
get_am_name(Oid method)
{
	return pstrdup("barq_bm25");
}

Datum
oidin(PG_FUNCTION_ARGS)
{
	unsigned long value = strtoul(PG_GETARG_CSTRING(0), NULL, 10);

	if (value > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value is out of range for type oid")));
	PG_RETURN_OID((Oid) value);
}

Datum
regclassout(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);

	if (oid >= FUZZ_INDEX_OID && oid < FUZZ_INDEX_OID + lengthof(fuzz_indexes))
		PG_RETURN_CSTRING(pstrdup(fuzz_indexes[oid - FUZZ_INDEX_OID]));
	PG_RETURN_CSTRING(psprintf("%u", oid));
}

Datum
DirectFunctionCall1Coll(PGFunction function, Oid collation, Datum argument)
{
	LOCAL_FCINFO(fcinfo, 1);

	InitFunctionCallInfoData(*fcinfo, NULL, 1, collation, NULL, NULL);
	fcinfo->args[0].value = argument;
	fcinfo->args[0].isnull = false;
	return function(fcinfo);
}

bool
barq_text_config_names(Oid config, char *schema, char *name)
{
	return false;
}

char *
quote_qualified_identifier(const char *qualifier, const char *ident)
{
	return psprintf("%s.%s", qualifier, ident);
}

/* --- strings and messages --- */

/* the shortest decimal that gives the same number again, as the server's */
char *
double_to_shortest_decimal(double number)
{
	for (int digits = 1;; digits++)
	{
		char	   *text = psprintf("%.*g", digits, number);

		if (digits == 17 || strtod(text, NULL) == number)
			return text;
	}
}

text *
cstring_to_text_with_len(const char *string, int length)
{
	text	   *result = palloc(length + VARHDRSZ);

	SET_VARSIZE(result, length + VARHDRSZ);
	memcpy(VARDATA(result), string, length);
	return result;
}

char *
text_to_cstring(const text *value)
{
	return pnstrdup(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

void
initStringInfo(StringInfo str)
{
	memset(str, 0, sizeof(*str));
	enlargeStringInfo(str, 1);
}

static void
append_bytes(StringInfo str, const void *data, int length)
{
	enlargeStringInfo(str, length + 1);
	memcpy(str->data + str->len, data, length);
	str->len += length;
	str->data[str->len] = '\0';
}

void
appendBinaryStringInfo(StringInfo str, BYTES *data, int length)
{
	append_bytes(str, data, length);
}

void
appendStringInfoString(StringInfo str, const char *string)
{
	append_bytes(str, string, strlen(string));
}

void
appendStringInfoChar(StringInfo str, char c)
{
	append_bytes(str, &c, 1);
}

const char *
pq_getmsgstring(StringInfo msg)
{
	const char *string = msg->data + msg->cursor;
	const char *end = memchr(string, '\0', msg->len - msg->cursor);

	if (end == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("invalid string in message")));
	msg->cursor += end - string + 1;
	return string;
}

char *
pq_getmsgtext(StringInfo msg, int length, int *nbytes)
{
	const char *bytes = get_bytes(msg, length);

	/* a server checks the encoding */
	if (memchr(bytes, '\0', length) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE), errmsg("invalid byte sequence")));
	*nbytes = length;
	return pnstrdup(bytes, length);
}

void
pq_sendstring(StringInfo buf, const char *string)
{
	append_bytes(buf, string, strlen(string) + 1);
}

void
pq_sendtext(StringInfo buf, const char *string, int length)
{
	append_bytes(buf, string, length);
}

/* --- the test --- */

/* Whether a text is that of a value. Bytes may differ: names replace OIDs. */
static bool
fuzz_writes(void *value, const char *text)
{
	return strcmp(DatumGetPointer(fuzz_call(barq_bm25query_out, value, -1)), text) == 0;
}

/* Test one input: NULL, or a description of the fault. *accepted: it gave a value. */
static const char *
fuzz_bm25query(bool binary, const uint8 *data, Size size, bool *accepted)
{
	static const char *wrong;
	static bool resolving;
	char	   *input = malloc(size + 1);

	memcpy(input, data, size);
	input[size] = '\0';
	wrong = NULL;
	resolving = false;
	*accepted = false;
	shim_context_push();
	if (SHIM_TRY())
	{
		void	   *value = DatumGetPointer(binary
											? fuzz_receive(barq_bm25query_recv, input, size, -1)
											: fuzz_call(barq_bm25query_in, input, -1));
		const char *text = DatumGetPointer(fuzz_call(barq_bm25query_out, value, -1));
		char	   *bytes = DatumGetPointer(fuzz_call(barq_bm25query_send, value, -1));

		*accepted = true;
		if (!fuzz_writes(DatumGetPointer(fuzz_call(barq_bm25query_in, text, -1)), text))
			wrong = "a value that differs when its text is read";
		else if (!fuzz_writes(DatumGetPointer(fuzz_receive(barq_bm25query_recv, VARDATA(bytes),
														   VARSIZE(bytes) - VARHDRSZ, -1)), text))
			wrong = "a value that differs when its bytes are received";
		resolving = true;
		if (barq_query_value_name(barq_query_value_for(value, barq_query_value_find_index(value))) != NULL)
			wrong = "a value that is for an index's OID and has a name";
	}
	else if (*accepted && !(resolving && shim_sqlstate == ERRCODE_UNDEFINED_TABLE))
		wrong = "a value whose own text or bytes are refused";
	else if (!*accepted && shim_sqlstate != ERRCODE_SYNTAX_ERROR &&
			 shim_sqlstate != ERRCODE_INVALID_NAME &&
			 shim_sqlstate != ERRCODE_INVALID_PARAMETER_VALUE &&
			 shim_sqlstate != ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE &&
			 shim_sqlstate != ERRCODE_INVALID_BINARY_REPRESENTATION &&
			 shim_sqlstate != ERRCODE_CHARACTER_NOT_IN_REPERTOIRE &&
			 shim_sqlstate != ERRCODE_PROTOCOL_VIOLATION)
		wrong = "an error of a kind that bad input does not have";
	SHIM_END();
	shim_context_pop();
	free(input);
	return wrong;
}

#endif							/* BARQ_FUZZ_BM25QUERY_H */
