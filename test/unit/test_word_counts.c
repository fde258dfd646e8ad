/*
 * test_word_counts.c
 *	  Counts of words (count/word_counts.h) without a server, in TAP: beside a plain sort, for
 *	  words of many shapes, gathered at once, in parts, and from other counts.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf
#undef snprintf

#include "tap.h"

#include "count/word_counts.h"

static int
compare(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return x < y ? -1 : x > y;
}

/* A word of a shape: small numbers, of both signs, floats, hashes, high and low bits, extremes. */
static uint64
make_word(int shape)
{
	double		number;
	uint64		word;

	switch (shape)
	{
		case 0:
			return random_bits() % 41;
		case 1:
			return (random_bits() % 100001 - 50000) ^ (UINT64CONST(1) << 63);
		case 2:
			number = (double) (random_bits() % 4096) / 8 - 100;
			memcpy(&word, &number, sizeof(word));
			return word;
		case 3:
			return random_bits();
		case 4:
			return (random_bits() & 7) << 61 | (random_bits() & 3);
		case 5:
			return random_bits() % 2 == 0 ? PG_UINT64_MAX : random_bits() % 2;
		default:
			return 7;
	}
}

/* Whether counts are those of n words, which are sorted afterwards. */
static bool
agree(BarqWordCounts *counts, uint64 *words, Size n)
{
	Size		at = 0;

	barq_words_settle(counts);
	qsort(words, n, sizeof(uint64), compare);
	for (Size i = 0; i < n; at++)
	{
		Size		first = i;

		while (i < n && words[i] == words[first])
			i++;
		if (at >= counts->n || counts->words[at] != words[first] || counts->counts[at] != i - first)
			return false;
	}
	return at == counts->n && counts->ngathered == 0;
}

/* n words of a shape, given in batches; `parts`: each part is settled, or counted by another. */
static bool
count_words(int shape, Size n, Size batch, int parts, bool others)
{
	MemoryContext context = shim_context_push();
	uint64	   *words = palloc(sizeof(uint64) * (n + 1));
	BarqWordCounts counts;
	BarqWordCounts part;
	bool		right;

	barq_words_init(&counts, context);
	barq_words_init(&part, context);
	for (Size i = 0; i < n; i++)
		words[i] = make_word(shape);

	/* what is forgotten does not count */
	*barq_words_room(&part, 1) = 5;
	part.ngathered = 1;
	if (n % 2 == 0)
		barq_words_settle(&part);
	barq_words_forget(&part);
	for (int p = 0; p < parts; p++)
	{
		BarqWordCounts *to = others ? &part : &counts;
		Size		end = n * (p + 1) / parts;

		for (Size i = n * p / parts; i < end; i += batch)
		{
			Size		more = Min(batch, end - i);

			memcpy(barq_words_room(to, more), words + i, sizeof(uint64) * more);
			to->ngathered += more;
		}
		if (p % 3 == 0)
			barq_words_settle(to);
		if (others)
			barq_words_add(&counts, &part);
	}
	right = agree(&counts, words, n) && part.n == 0 && part.ngathered == 0;
	shim_context_pop();
	return right;
}

int
main(void)
{
	static const Size sizes[] = {0, 1, 2, 255, 256, 257, 5000, 100000};

	for (int shape = 0; shape <= 6; shape++)
	{
		bool		right = true;

		for (int s = 0; s < (int) lengthof(sizes); s++)
			for (int parts = 1; parts <= 7; parts += 3)
				right &= count_words(shape, sizes[s], 512, parts, false) &&
					count_words(shape, sizes[s], 77, parts, true);
		tap_ok(right, "words of shape %d are counted", shape);
	}
	tap_ok(count_words(3, 2500000, 512, 1, false), "millions of words that differ");
	tap_ok(count_words(0, 2500000, 512, 1, false), "millions of words of which few differ");
	tap_ok(count_words(1, 3000000, 512, 2, true), "millions of words of two tables");
	return tap_done();
}
