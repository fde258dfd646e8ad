/*
 * fuzz_types.c
 *	  libFuzzer's entry for the targets of fuzz_types.h. See the Makefile here;
 *	  test/unit/test_types.c runs the same targets without libFuzzer.
 */
#include "fuzz_types.h"

#include "fuzz_target.h"

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	for (int i = 0; i < (int) lengthof(fuzz_targets); i++)
	{
		bool		accepted;

		if (strcmp(fuzz_targets[i].name, fuzz_target_name) == 0)
			return fuzz_verdict(fuzz_one(&fuzz_targets[i], data, size, &accepted));
	}
	return fuzz_verdict("there is no such target");
}
