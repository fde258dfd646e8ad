/*
 * fuzz_document.c
 *	  libFuzzer's entry for tokenised documents, of one field and of several, as log pages
 *	  hold them: any bytes are read to their end, or are an error with the SQLSTATE of a
 *	  damaged index. test/unit/test_document.c reads written documents back.
 */
#include "../unit/pgshim.h"

#undef printf
#undef vprintf
#undef fprintf
#undef sprintf
#undef snprintf

#include "fuzz_server.h"

#include "../../src/text/document.c"
#include "../../src/text/term_table.c"

#include "fuzz_target.h"

/* Read all of a document. NULL, or a description of the fault. */
static const char *
read_document(const char *bytes, uint32 size)
{
	BarqDocumentReader reader;
	const char *wrong = NULL;

	barq_document_open(&reader, bytes, size);
	while (barq_document_next(&reader))
	{
		uint64		sum = 0;

		for (uint32 i = 0; i < reader.nfields && reader.nfields > 1; i++)
			sum += reader.frequencies[i];
		if (reader.nfields > 1 && sum != reader.frequency)
			wrong = "the frequencies of fields do not add up";
		if (reader.term < bytes || reader.term + reader.term_length > bytes + size)
			wrong = "a term is not in the document";
		if (reader.positions != NULL)
		{
			uint32	   *positions;

			if (reader.frequency > size)
				return "more positions than bytes";
			positions = palloc(sizeof(uint32) * reader.frequency);
			barq_document_positions(&reader, positions);
			pfree(positions);
		}
	}
	return wrong;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static const char *wrong;
	char	   *copy = malloc(Max(size, 1));	/* of its size, so that reads beyond it show */

	memcpy(copy, data, size);
	wrong = NULL;
	shim_context_push();
	if (SHIM_TRY())
	{
		wrong = read_document(copy, size);
		SHIM_END();
	}
	else if (shim_sqlstate != ERRCODE_INDEX_CORRUPTED)
		wrong = "an error of another kind";
	shim_context_pop();
	free(copy);
	return fuzz_verdict(wrong);
}
