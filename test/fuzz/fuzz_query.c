/*
 * fuzz_query.c
 *	  libFuzzer's entry for the targets of fuzz_query.h and fuzz_bm25query.h. See
 *	  the Makefile here; test/unit/test_text_query.c runs the targets of
 *	  fuzz_query.h without libFuzzer.
 */
#include "fuzz_bm25query.h"

#include "fuzz_target.h"

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	int			items;
	bool		accepted;
	bool		strict;

	if (strcmp(fuzz_target_name, "text_query") == 0)
		return fuzz_verdict(fuzz_query(data, size, &items, &strict));
	if (strcmp(fuzz_target_name, "bm25query_in") == 0)
		return fuzz_verdict(fuzz_bm25query(false, data, size, &accepted));
	if (strcmp(fuzz_target_name, "bm25query_recv") == 0)
		return fuzz_verdict(fuzz_bm25query(true, data, size, &accepted));
	return fuzz_verdict("there is no such target");
}
