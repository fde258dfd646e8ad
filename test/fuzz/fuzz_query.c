/*
 * fuzz_query.c
 *	  libFuzzer's entry into fuzz_query.h. See the Makefile here; make test
 *	  runs the same for a moment, by test/unit/test_text_query.c.
 */
#include "fuzz_query.h"

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	const char *wrong;
	int			items;

	if (TopMemoryContext == NULL)
		shim_init();
	wrong = fuzz_query(data, size, &items);
	if (wrong != NULL)
	{
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	return 0;
}
