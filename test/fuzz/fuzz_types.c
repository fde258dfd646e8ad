/*
 * fuzz_types.c
 *	  libFuzzer's entry into one target of fuzz_types.h, that which
 *	  FUZZ_TARGET names. See the Makefile here; make test runs the same
 *	  targets for a moment, by test/unit/test_types.c.
 */
#include "fuzz_types.h"

#include "utils/memutils.h"

int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	for (int i = 0; i < (int) lengthof(fuzz_targets); i++)
	{
		const char *wrong;
		bool		accepted;

		if (strcmp(fuzz_targets[i].name, FUZZ_TARGET) != 0)
			continue;
		if (TopMemoryContext == NULL)
			shim_init();
		wrong = fuzz_one(&fuzz_targets[i], data, size, &accepted);
		if (wrong != NULL)
		{
			fputs(wrong, stderr);
			abort();
		}
	}
	return 0;
}
