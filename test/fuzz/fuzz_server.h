/*
 * fuzz_server.h
 *	  Functions of a server that input functions call, in addition to
 *	  test/unit/pgshim.h: messages, from which binary forms are read and to which
 *	  they are written.
 *
 * One C file includes this before the sources under test.
 */
#ifndef BARQ_FUZZ_SERVER_H
#define BARQ_FUZZ_SERVER_H

#include "../unit/pgshim.h"

#include "base/compat.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"

int
errdetail(const char *fmt,...)
{
	return 0;
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

struct varlena *
pg_detoast_datum_packed(struct varlena *datum)
{
	return datum;
}

static inline const char *
get_bytes(StringInfo msg, int n)
{
	if (n > msg->len - msg->cursor)
		ereport(ERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION),
				 errmsg("insufficient data left in message")));
	msg->cursor += n;
	return msg->data + msg->cursor - n;
}

unsigned int
pq_getmsgint(StringInfo msg, int b)
{
	const unsigned char *p = (const unsigned char *) get_bytes(msg, b);
	unsigned int value = 0;

	for (int i = 0; i < b; i++)
		value = value << 8 | p[i];
	return value;
}

void
enlargeStringInfo(StringInfo str, int needed)
{
	int			size = Max(str->maxlen, 64);
	char	   *bigger;

	while (size < str->len + needed)
		size *= 2;
	if (size == str->maxlen)
		return;
	bigger = palloc0(size);
	if (str->len > 0)
		memcpy(bigger, str->data, str->len);
	str->data = bigger;
	str->maxlen = size;
}

void
pq_begintypsend(StringInfo buf)
{
	memset(buf, 0, sizeof(*buf));
	enlargeStringInfo(buf, VARHDRSZ);
	buf->len = VARHDRSZ;
}

bytea *
pq_endtypsend(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

static inline Datum
fuzz_call(PGFunction function, const void *argument, int32 typmod)
{
	LOCAL_FCINFO(fcinfo, 3);

	InitFunctionCallInfoData(*fcinfo, NULL, 3, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = PointerGetDatum(argument);
	fcinfo->args[1].value = ObjectIdGetDatum(InvalidOid);
	fcinfo->args[2].value = Int32GetDatum(typmod);
	for (int i = 0; i < 3; i++)
		fcinfo->args[i].isnull = false;
	return function(fcinfo);
}

static inline Datum
fuzz_receive(PGFunction receive, const char *bytes, int len, int32 typmod)
{
	StringInfoData message = {0};

	/* (never written to) */
	message.data = (char *) bytes;
	message.len = len;
	return fuzz_call(receive, &message, typmod);
}

static inline bool
fuzz_same(void *a, void *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

#endif							/* BARQ_FUZZ_SERVER_H */
