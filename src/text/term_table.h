/*
 * term_table.h
 *	  A table of distinct terms: bytes ↔ a small number.
 */
#ifndef BARQ_TERM_TABLE_H
#define BARQ_TERM_TABLE_H

#include "postgres.h"

typedef struct BarqTermTable BarqTermTable;

/* An empty table in `context`. */
extern BarqTermTable *barq_terms_create(MemoryContext context);

/*
 * The number of a term; a new term gets the next one: 0, 1, 2 … Copies the bytes
 * into the table's memory context. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED if the
 * table has no number left.
 */
extern uint32 barq_terms_intern(BarqTermTable *table, const char *text, uint32 length);

/* The number of a term, or PG_UINT32_MAX if it is not in the table. */
extern uint32 barq_terms_find(const BarqTermTable *table, const char *text, uint32 length);

/* The bytes of a term (not terminated), valid as long as the table. */
extern const char *barq_terms_text(const BarqTermTable *table, uint32 term, uint32 *length);

/* The number of terms. */
extern uint32 barq_terms_count(const BarqTermTable *table);

/* Bytes of memory that the table takes. */
extern Size barq_terms_bytes(const BarqTermTable *table);

/*
 * The order of terms in a dictionary: by their bytes as unsigned numbers, a term
 * before longer ones that begin with it. Independent of collations.
 */
static inline int
barq_compare_terms(const char *a, uint32 a_length, const char *b, uint32 b_length)
{
	int			order = memcmp(a, b, Min(a_length, b_length));

	if (order != 0)
		return order;
	return a_length < b_length ? -1 : a_length > b_length;
}

#endif							/* BARQ_TERM_TABLE_H */
