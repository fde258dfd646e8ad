/*
 * word_counts.c
 *	  Words counted by sorting them. Of 100,000 words that differ a hash takes some ten
 *	  times as long, for its entries lie apart and are moved whenever it grows.
 */
#include "postgres.h"

#include "count/word_counts.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define LEAST_SPACE		4096	/* words */
#define SETTLE_ABOVE	(1024 * 1024)	/* words gathered before they are counted */
#define FEW				256		/* words that are sorted without passes */

#define ST_SORT sort_few
#define ST_ELEMENT_TYPE uint64
#define ST_COMPARE(a, b) (*(a) < *(b) ? -1 : *(a) > *(b))
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

#define RADIX_SORT	sort_many
#define RADIX_TYPE	uint64
#define RADIX_KEY(e) (e)
#include "base/radix.h"

uint64 *
barq_words_sort(uint64 *words, Size n, uint64 *scratch)
{
	if (n > FEW)
		return sort_many(words, scratch, n);
	sort_few(words, n);
	return words;
}

void
barq_words_init(BarqWordCounts *counts, MemoryContext context)
{
	memset(counts, 0, sizeof(*counts));
	counts->context = context;
}

static uint64 *
allocate(const BarqWordCounts *counts, Size n)
{
	return MemoryContextAllocHuge(counts->context, sizeof(uint64) * Max(n, 1));
}

uint64 *
barq_words_room(BarqWordCounts *counts, Size n)
{
	if (counts->ngathered + n > counts->space)
	{
		Size		space = Max(counts->space, LEAST_SPACE);

		if (counts->ngathered >= SETTLE_ABOVE && counts->ngathered >= counts->n)
			barq_words_settle(counts);
		while (space < counts->ngathered + n)
			space *= 2;
		if (counts->gathered == NULL)
			counts->gathered = allocate(counts, space);
		else if (space > counts->space)
			counts->gathered = repalloc_huge(counts->gathered, sizeof(uint64) * space);
		counts->space = space;
	}
	return counts->gathered + counts->ngathered;
}

/* How many words of a sorted array differ from the one before. */
static Size
count_distinct(const uint64 *words, Size n)
{
	Size		distinct = n > 0;

	for (Size i = 1; i < n; i++)
		distinct += words[i] != words[i - 1];
	return distinct;
}

/*
 * Merge n sorted words into those that are counted. each: how many rows have each; NULL: a word
 * stands for one row, and may come several times.
 */
static void
merge(BarqWordCounts *counts, const uint64 *sorted, const uint64 *each, Size n)
{
	Size		most = counts->n + (each != NULL ? n : count_distinct(sorted, n));
	uint64	   *words = allocate(counts, most);
	uint64	   *sums = allocate(counts, most);
	Size		merged = 0;
	Size		old = 0;

	for (Size i = 0; i < n || old < counts->n; merged++)
	{
		uint64		word = i < n ? sorted[i] : PG_UINT64_MAX;
		uint64		sum = 0;

		if ((merged & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		if (old < counts->n && counts->words[old] <= word)
		{
			word = counts->words[old];
			sum = counts->counts[old++];
		}
		for (; i < n && sorted[i] == word; i++)
			sum += each == NULL ? 1 : each[i];
		words[merged] = word;
		sums[merged] = sum;
	}
	if (counts->words != NULL)
	{
		pfree(counts->words);
		pfree(counts->counts);
	}
	counts->words = words;
	counts->counts = sums;
	counts->n = merged;
}

void
barq_words_settle(BarqWordCounts *counts)
{
	uint64	   *scratch;

	if (counts->ngathered == 0)
		return;
	scratch = allocate(counts, counts->ngathered);
	merge(counts, barq_words_sort(counts->gathered, counts->ngathered, scratch), NULL,
		  counts->ngathered);
	pfree(scratch);
	counts->ngathered = 0;
}

void
barq_words_forget(BarqWordCounts *counts)
{
	counts->ngathered = counts->n = 0;
}

void
barq_words_add(BarqWordCounts *counts, BarqWordCounts *other)
{
	BarqWordCounts empty = *counts;

	if (counts->ngathered == 0 && counts->n == 0)
	{
		*counts = *other;
		*other = empty;
		return;
	}
	if (other->n > 0)
		merge(counts, other->words, other->counts, other->n);
	if (other->ngathered > 0)
		memcpy(barq_words_room(counts, other->ngathered), other->gathered,
			   sizeof(uint64) * other->ngathered);
	counts->ngathered += other->ngathered;
	barq_words_forget(other);
}
