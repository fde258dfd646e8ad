/*
 * word_counts.h
 *	  How many rows have each of many words (store/filters.h): words are gathered as they
 *	  come, and sorted once there are many or their counts are asked for.
 */
#ifndef BARQ_WORD_COUNTS_H
#define BARQ_WORD_COUNTS_H

#include "postgres.h"

typedef struct BarqWordCounts
{
	MemoryContext context;		/* of the arrays */
	uint64	   *gathered;		/* words, each of one row, in no order */
	Size		ngathered;
	Size		space;

	/* counts of all words that were gathered before */
	uint64	   *words;			/* ascending, each once */
	uint64	   *counts;			/* of these */
	Size		n;
} BarqWordCounts;

/* No words; arrays will be in `context`. Allocates nothing. */
extern void barq_words_init(BarqWordCounts *counts, MemoryContext context);

/*
 * Room for n more gathered words: the caller writes up to so many there, and adds their
 * number to ngathered. Memory is bounded by the number of different words, as what was
 * gathered is counted now and then. Checks for interrupts.
 */
extern uint64 *barq_words_room(BarqWordCounts *counts, Size n);

/* Count what is gathered. Afterwards words, counts and n are complete. Checks for interrupts. */
extern void barq_words_settle(BarqWordCounts *counts);

/* Forget all words. */
extern void barq_words_forget(BarqWordCounts *counts);

/* Add the words of another, which is of the same context and has none afterwards. */
extern void barq_words_add(BarqWordCounts *counts, BarqWordCounts *other);

/*
 * Sort n words. Returns `words` or `scratch`, which has room for n: the one where they are
 * then. Checks for interrupts.
 */
extern uint64 *barq_words_sort(uint64 *words, Size n, uint64 *scratch);

#endif							/* BARQ_WORD_COUNTS_H */
