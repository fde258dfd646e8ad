/*
 * fuzz_target.h
 *	  Shared by the entries of libFuzzer: the program's name selects the target,
 *	  so that all targets of a source are compiled once.
 */
#ifndef BARQ_FUZZ_TARGET_H
#define BARQ_FUZZ_TARGET_H

#include "../unit/pgshim.h"

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *fuzz_target_name;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *slash = strrchr((*argv)[0], '/');

	fuzz_target_name = slash != NULL ? slash + 1 : (*argv)[0];
	shim_init();
	return 0;
}

/* Abort, which libFuzzer reports, if a fault was found. */
static int
fuzz_verdict(const char *wrong)
{
	if (wrong != NULL)
	{
		fputs(wrong, stderr);
		fputc('\n', stderr);
		abort();
	}
	return 0;
}

#endif							/* BARQ_FUZZ_TARGET_H */
