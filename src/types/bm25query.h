/*
 * bm25query.h
 *	  The type bm25query: a text query and the index that it is for, if it says
 *	  one.
 */
#ifndef BARQ_BM25QUERY_H
#define BARQ_BM25QUERY_H

#include "postgres.h"

#include "compat.h"
#include "fmgr.h"

/* On disk. */
typedef struct BarqQueryValue
{
	int32		vl_len_;
	Oid			index;			/* InvalidOid: none; may have been dropped */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* not terminated; its syntax is right */
} BarqQueryValue;

StaticAssertDecl(offsetof(BarqQueryValue, query) == 8, "bm25query is on disk");

#define DatumGetBarqQueryValue(datum) ((BarqQueryValue *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_BARQ_QUERY(n) DatumGetBarqQueryValue(PG_GETARG_DATUM(n))

static inline Size
barq_query_value_length(const BarqQueryValue *value)
{
	return VARSIZE(value) - offsetof(BarqQueryValue, query);
}

/* ERRCODE_SYNTAX_ERROR for a query whose syntax is wrong. */
extern BarqQueryValue *barq_query_value_make(const char *query, Size length, Oid index);

/* The query alone, palloc'd. */
extern text *barq_query_value_text(const BarqQueryValue *value);

#endif							/* BARQ_BM25QUERY_H */
