/*
 * bm25query.h
 *	  The type bm25query: a text query and the index that it is for, if it says
 *	  one.
 */
#ifndef BARQ_BM25QUERY_H
#define BARQ_BM25QUERY_H

#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"

/*
 * On disk. An index is known by its OID, or by a name as it was written: then
 * the OID is InvalidOid, and the name and a zero byte stand before the query.
 */
typedef struct BarqQueryValue
{
	int32		vl_len_;
	Oid			index;			/* InvalidOid: none, or by name; may be gone */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* not terminated */
} BarqQueryValue;

StaticAssertDecl(offsetof(BarqQueryValue, query) == 8, "bm25query is on disk");

#define DatumGetBarqQueryValue(datum) ((BarqQueryValue *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_BARQ_QUERY(n) DatumGetBarqQueryValue(PG_GETARG_DATUM(n))

/* Bytes of what stands in `query`: a name, if there is one, and the words. */
static inline Size
barq_query_value_length(const BarqQueryValue *value)
{
	return VARSIZE(value) - offsetof(BarqQueryValue, query);
}

/* A value for an index by its OID, or for none. */
extern BarqQueryValue *barq_query_value_make(const char *query, Size length, Oid index);

/* The words of a value, within it, not terminated; *length in bytes. */
extern const char *barq_query_value_words(const BarqQueryValue *value, Size *length);

/* The name that a value has of its index, as written, within it; or NULL. */
extern const char *barq_query_value_name(const BarqQueryValue *value);

/* The last part of that name, palloc'd: the index's own, without its schema. */
extern char *barq_query_value_last_name(const BarqQueryValue *value);

/*
 * The same of a name as to_bm25query() takes it, palloc'd; NULL where it is an
 * OID, which *index receives, or is not written as a name (*index is InvalidOid).
 */
extern char *barq_query_index_name(const char *name, Oid *index);

/* The same query for an index by its OID, palloc'd. */
extern BarqQueryValue *barq_query_value_for(const BarqQueryValue *value, Oid index);

/*
 * The index that a value says, InvalidOid where it says none; a name is looked
 * for by the search path, as where no column tells the table.
 * ERRCODE_UNDEFINED_TABLE, naming it, where there is no such relation.
 */
extern Oid	barq_query_value_find_index(const BarqQueryValue *value);

#endif							/* BARQ_BM25QUERY_H */
