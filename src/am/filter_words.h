/*
 * filter_words.h
 *	  Values of filter columns as words. Shared by filter_values.c and filter_keys.c.
 */
#ifndef BARQ_FILTER_WORDS_H
#define BARQ_FILTER_WORDS_H

#include "postgres.h"

/* The word of an integer: words have the order of the numbers. */
static inline uint64
barq_integer_word(int64 value)
{
	return (uint64) value ^ (UINT64CONST(1) << 63);
}

/*
 * The word of a value of a type, which is an operator class's or of the same form. May
 * detoast it in the current memory context. An internal error for other types.
 */
extern uint64 barq_filter_word(Oid type, Datum value, Oid collation);

/*
 * The words of an array of such a type, palloc'd, ascending and distinct; *n receives
 * their number, *has_null whether the array has a NULL.
 */
extern uint64 *barq_filter_set_words(Oid type, Datum value, Oid collation, uint32 *n,
									 bool *has_null);

#endif							/* BARQ_FILTER_WORDS_H */
