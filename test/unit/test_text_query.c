/*
 * test_text_query.c
 *	  A short, repeatable run of the fuzz target of text queries (see
 *	  test/fuzz/fuzz_query.h) over valid queries that are changed at random.
 *
 *	  test_text_query [RUNS]
 */
#include "../fuzz/fuzz_query.h"

#include "tap.h"

int
main(int argc, char **argv)
{
	static const char *const pieces[] = {
		"\"", "\"", "\\", "+", "-", "*", " ", " ", "\t", "word", "a", "e-mail", "\"two words\"",
		"+must", "-not", "pre*", "\\\"", "\\\\", "\xc3\xa9", "\x80", "\xff", "\n", "(", "*\"", "+\"",
		"(", ")", ")", "-(", " OR ", "OR", "^2", "^", ".5", "-5", "5", "word", "two words", "\xc2\xa0", "\xe3\x80\x80",
		"title:", "b:", "b:("
	};
	int			runs = argc > 1 ? atoi(argv[1]) : 200000;
	const char *wrong = NULL;
	uint8		query[512];
	Size		size = 0;
	int			good = 0;
	int			with_items = 0;
	bool		strict;

	shim_init();
	for (int run = 0; run < runs && wrong == NULL; run++)
	{
		int			items;

		size = 0;
		for (int n = (int) (random_bits() % 20); n > 0; n--)
		{
			const char *piece = pieces[random_bits() % lengthof(pieces)];

			memcpy(query + size, piece, strlen(piece));
			size += strlen(piece);
		}
		wrong = fuzz_query(query, size, &items, &strict);
		good += strict;
		with_items += items > 3;
	}
	tap_ok(wrong == NULL, "lenient reading gives items without error, strict reading the same items or an error, escaped text its words");
	if (wrong != NULL)
		printf("# %s, for \"%.*s\"\n", wrong, (int) size, (char *) query);
	/* neither all nor none, so that the inputs test both */
	tap_ok(good > runs / 20 && good < runs * 19 / 20 && with_items > runs / 20,
		   "%d of %d queries are valid in strict syntax, %d have more than three items", good, runs, with_items);
	return tap_done();
}
