/*
 * bm25query.h
 *	  The type bm25query: a text query and, optionally, the index it is for.
 */
#ifndef BARQ_BM25QUERY_H
#define BARQ_BM25QUERY_H

#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "text_index/query_parameters.h"

/*
 * On disk. The index is given by its OID, or by a name as it was written: then
 * `index` is InvalidOid, and the name and a zero byte precede the query. A query that
 * the planner has bound to fields of an index of several has the OID, and before the
 * query a zero byte and a byte with a bit for each field (never on disk). A query with
 * parameters begins with two zero bytes, their text form without braces and a zero byte;
 * neither a name nor fields begin so.
 */
typedef struct BarqQueryValue
{
	int32		vl_len_;
	Oid			index;			/* InvalidOid: none, or by name; may not exist */
	char		query[FLEXIBLE_ARRAY_MEMBER];	/* not terminated */
} BarqQueryValue;

StaticAssertDecl(offsetof(BarqQueryValue, query) == 8, "bm25query is on disk");

#define DatumGetBarqQueryValue(datum) ((BarqQueryValue *) PG_DETOAST_DATUM(datum))
#define PG_GETARG_BARQ_QUERY(n) DatumGetBarqQueryValue(PG_GETARG_DATUM(n))

/* Bytes of `query`: of all that precedes the words, and the words. */
static inline Size
barq_query_value_length(const BarqQueryValue *value)
{
	return VARSIZE(value) - offsetof(BarqQueryValue, query);
}

/* A value with an index by its OID, or InvalidOid for none, without parameters; palloc'd. */
extern BarqQueryValue *barq_query_value_make(const char *query, Size length, Oid index);

/*
 * A value with an index by its name, as in an SQL statement, without parameters; palloc'd.
 * Raises ERRCODE_INVALID_NAME if the name is malformed.
 */
extern BarqQueryValue *barq_query_value_named(const char *name, const char *query, Size length);

/* BarqQueryValue: bits of all fields of an index, for a query over a row. */
#define BARQ_ALL_FIELDS		0xff

/*
 * The fields of its index that a value is for, a bit each; 0: not said, as in a query for
 * an index of one field. No side effects.
 */
extern uint8 barq_query_value_fields(const BarqQueryValue *value);

/* A value with the words and parameters of `value` and an index (by OID), for these fields; palloc'd. */
extern BarqQueryValue *barq_query_value_of_fields(const BarqQueryValue *value, Oid index,
												  uint8 fields);

/* The words of a value: a pointer into it, not terminated; *length in bytes. */
extern const char *barq_query_value_words(const BarqQueryValue *value, Size *length);

/*
 * The parameters of a value, none of which may be given. Raises the errors of
 * barq_query_parameters_read() for a damaged value.
 */
extern void barq_query_value_parameters(const BarqQueryValue *value,
										BarqQueryParameters *parameters);

/* The name of a value's index as written: a pointer into it; NULL without a name. */
extern const char *barq_query_value_name(const BarqQueryValue *value);

/*
 * The last part, without a schema, of the name of a value's index, which the
 * value has; palloc'd. Raises ERRCODE_INVALID_NAME if it is malformed.
 */
extern char *barq_query_value_last_name(const BarqQueryValue *value);

/*
 * The last part, without a schema, of the index's name that the second argument
 * of to_bm25query() gives; palloc'd. NULL if that argument is an OID, which
 * *index receives, or no name (*index is InvalidOid). Raises
 * ERRCODE_INVALID_NAME if the name is malformed, and oidin()'s errors for a
 * number that is no OID.
 */
extern char *barq_query_index_name(const char *name, Oid *index);

/*
 * A value with the words and parameters of `value` and an index by its OID, in place of
 * the index that `value` has; palloc'd.
 */
extern BarqQueryValue *barq_query_value_for(const BarqQueryValue *value, Oid index);

/*
 * The OID of a value's index; InvalidOid if it has none. A name is resolved by
 * the search path, without a lock: for queries that are bound to no column,
 * whose table would tell. Raises ERRCODE_UNDEFINED_TABLE if there is no such
 * relation.
 */
extern Oid	barq_query_value_find_index(const BarqQueryValue *value);

#endif							/* BARQ_BM25QUERY_H */
