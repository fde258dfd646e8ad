/*
 * term_table.h
 *	  A table of distinct terms: bytes ↔ a small number. Lives in the memory
 *	  context it was created in.
 */
#ifndef BARQ_TERM_TABLE_H
#define BARQ_TERM_TABLE_H

#include "postgres.h"

typedef struct BarqTermTable BarqTermTable;

extern BarqTermTable *barq_terms_create(MemoryContext context);

/* The number of a term, given one where it is new: 0, 1, 2 … */
extern uint32 barq_terms_intern(BarqTermTable *table, const char *text, uint32 length);

/* Its number, or PG_UINT32_MAX where it is not in the table. */
extern uint32 barq_terms_find(const BarqTermTable *table, const char *text, uint32 length);

/* Its bytes (not terminated), valid as long as the table. */
extern const char *barq_terms_text(const BarqTermTable *table, uint32 term, uint32 *length);

extern uint32 barq_terms_count(const BarqTermTable *table);
extern Size barq_terms_bytes(const BarqTermTable *table);	/* memory used */

/*
 * The order of terms in a dictionary: by their bytes as unsigned numbers, the
 * shorter first where one begins the other. No collation has a say in it.
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
