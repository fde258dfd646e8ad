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

/*
 * On disk. A literal may name an index that is not there (a dump is restored
 * before its indexes are): index is InvalidOid then, and the name and a zero
 * byte stand before the query. What DatumGetBarqQueryValue gives has no such
 * name.
 */
typedef struct BarqQueryValue
{
	int32		vl_len_;
	Oid			index;			/* InvalidOid: none; may have been dropped since */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* not terminated; its syntax is right */
} BarqQueryValue;

StaticAssertDecl(offsetof(BarqQueryValue, query) == 8, "bm25query is on disk");

#define DatumGetBarqQueryValue(datum) \
	barq_query_value_resolve((BarqQueryValue *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_BARQ_QUERY(n) DatumGetBarqQueryValue(PG_GETARG_DATUM(n))

static inline Size
barq_query_value_length(const BarqQueryValue *value)
{
	return VARSIZE(value) - offsetof(BarqQueryValue, query);
}

/* ERRCODE_SYNTAX_ERROR for a query whose syntax is wrong. */
extern BarqQueryValue *barq_query_value_make(const char *query, Size length, Oid index);

/*
 * A value whose index is known by its OID: the same one, or a copy where it is
 * named. ERRCODE_UNDEFINED_TABLE, naming it, where it does not exist.
 */
extern BarqQueryValue *barq_query_value_resolve(BarqQueryValue *value);

/* The query alone, palloc'd. */
extern text *barq_query_value_text(const BarqQueryValue *value);

#endif							/* BARQ_BM25QUERY_H */
