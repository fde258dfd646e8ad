/*
 * test_document.c
 *	  Term tables and tokenised documents (src/text) without a server, in
 *	  TAP: documents are read as they were written, damaged bytes are errors.
 */
#include "pgshim.h"

#undef printf
#undef vprintf
#undef sprintf

#include "tap.h"

#include "../../src/text/document.c"
#include "../../src/text/term_table.c"

static char *
random_term(uint32 *length)
{
	static char text[3000];
	uint32		n = random_bits() % 50 == 0 ? random_bits() % 2048 : random_bits() % 12;

	/* few letters, so that terms recur; also bytes 0 and above 127 */
	for (uint32 i = 0; i < n; i++)
		text[i] = "ab\xff\x7f\0z"[random_bits() % (n > 4 ? 6 : 3)];
	*length = n;
	return text;
}

static void
test_terms(void)
{
	MemoryContext context = shim_context_push();
	BarqTermTable *table = barq_terms_create(context);
	bool		distinct = true;
	bool		same = true;
	bool		found = true;
	bool		absent = true;
	char		text[32];
	uint32		length;

	for (uint32 i = 0; i < 200000; i++)
	{
		int			n = sprintf(text, "%u", i * 7919);

		absent &= i % 97 != 0 || barq_terms_find(table, text, n) == PG_UINT32_MAX;
		distinct &= barq_terms_intern(table, text, n) == i;
	}
	tap_ok(distinct && barq_terms_count(table) == 200000, "distinct terms are numbered from 0");
	tap_ok(absent, "a term not interned is not found");
	for (uint32 i = 0; i < 200000; i++)
	{
		int			n = sprintf(text, "%u", i * 7919);
		const char *kept = barq_terms_text(table, i, &length);

		found &= barq_terms_find(table, text, n) == i && barq_terms_intern(table, text, n) == i;
		same &= length == (uint32) n && memcmp(kept, text, n) == 0;
	}
	tap_ok(found, "a term interned is found, and has its number when interned again");
	tap_ok(same, "a table keeps a term's bytes");
	tap_ok(barq_terms_bytes(table) > 200000 * 20 && barq_terms_bytes(table) < 200000 * 60,
		   "bytes used are counted: %zu", barq_terms_bytes(table));
	shim_context_pop();
}

/* Append tokens in the order of a text; each pair of term and position occurs once. */
static void
append_tokens(BarqTermTable *table, BarqTokens *tokens, uint32 n)
{
	uint32		position = 0;
	uint32		first = 0;		/* at this position */

	for (uint32 i = 0; i < n; i++)
	{
		uint32		length;
		const char *text = random_term(&length);
		uint32		term = barq_terms_intern(table, text, length);
		bool		again = false;

		if (i == 0 || random_bits() % 5 > 0)
		{
			position += 1 + (random_bits() % 20 == 0 ? random_bits() % 100000 : 0);
			first = tokens->ntokens;
			tokens->length++;
		}
		for (uint32 j = first; j < tokens->ntokens; j++)
			again |= tokens->tokens[j].term == term;
		if (!again)
			tokens->tokens[tokens->ntokens++] = (BarqToken) {term, position};
	}
	tokens->last_position = position;
}

/* At most n tokens of a document of `fields` fields, some of them NULL; 0: of none. */
static void
random_tokens(BarqTermTable *table, BarqTokens *tokens, uint32 n, uint32 fields)
{
	memset(tokens, 0, sizeof(*tokens));
	tokens->tokens = palloc(sizeof(BarqToken) * Max(n, 1));
	if (fields == 0)
		append_tokens(table, tokens, n);
	for (uint32 i = 0; i < fields; i++)
	{
		bool		null = random_bits() % 4 == 0;

		if (!null && random_bits() % 4 > 0)
			append_tokens(table, tokens, n / fields);
		barq_tokens_end_field(tokens, null);
	}
}

/* Whether the reader has the frequencies by field of a term, and the fields' lengths. */
static bool
same_fields(const BarqDocumentReader *reader, const BarqTokens *tokens, uint32 term)
{
	uint32		first = 0;

	for (uint32 f = 0; f < tokens->nfields; f++)
	{
		uint32		n = 0;

		for (uint32 i = first; i < tokens->field_ends[f]; i++)
			n += tokens->tokens[i].term == term;
		if (reader->frequencies[f] != n || reader->lengths[f] != tokens->field_lengths[f])
			return false;
		first = tokens->field_ends[f];
	}
	return true;
}

/* A term's frequency in a document and, with positions, its positions. */
static bool
same_as_tokens(BarqTermTable *table, const BarqTokens *tokens, bool positions,
			   const char *bytes, uint32 size)
{
	BarqDocumentReader reader;
	uint32		seen = 0;
	const char *last = NULL;
	uint32		last_length = 0;

	barq_document_open(&reader, bytes, size);
	if (reader.header->length != tokens->length || reader.nfields != Max(tokens->nfields, 1))
		return false;
	while (barq_document_next(&reader))
	{
		uint32		term = barq_terms_find(table, reader.term, reader.term_length);
		uint32	   *where = palloc(sizeof(uint32) * reader.frequency);
		uint32		n = 0;

		if (last != NULL &&
			barq_compare_terms(last, last_length, reader.term, reader.term_length) >= 0)
			return false;
		last = reader.term;
		last_length = reader.term_length;
		if ((reader.positions != NULL) != positions || !same_fields(&reader, tokens, term))
			return false;
		if (positions)
			barq_document_positions(&reader, where);
		for (uint32 i = 0; i < tokens->ntokens; i++)
			if (tokens->tokens[i].term == term)
			{
				if (n == reader.frequency ||
					(positions && where[n] != tokens->tokens[i].position))
					return false;
				n++;
			}
		if (n != reader.frequency)
			return false;
		seen += n;
		pfree(where);
	}
	return seen == tokens->ntokens;
}

static void
test_documents(bool fields)
{
	const char *what = fields ? "of several fields " : "";
	int			good[2] = {0, 0};
	int			runs = 400;

	for (int run = 0; run < runs; run++)
		for (int positions = 0; positions < 2; positions++)
		{
			MemoryContext context = shim_context_push();
			BarqTermTable *table = barq_terms_create(context);
			BarqTokens	tokens;
			uint32		size;
			char	   *bytes;

			random_tokens(table, &tokens, run < 3 ? run : random_bits() % 1500,
						  fields ? 2 + random_bits() % (BARQ_MOST_FIELDS - 1) : 0);
			bytes = barq_document_encode(table, &tokens, positions, &size);
			good[positions] += same_as_tokens(table, &tokens, positions, bytes, size);
			shim_context_pop();
		}
	tap_ok(good[0] == runs, "documents %swithout positions come back: %d of %d", what, good[0], runs);
	tap_ok(good[1] == runs, "documents %swith positions come back: %d of %d", what, good[1], runs);
}

/* Read all of a document; returns a sum, so that no read is optimised away. */
static uint64
read_all(const char *bytes, uint32 size)
{
	BarqDocumentReader reader;
	volatile uint64 sum = 0;

	barq_document_open(&reader, bytes, size);
	while (barq_document_next(&reader))
	{
		uint32	   *where;

		for (uint32 i = 0; i < reader.term_length; i++)
			sum += (uint8) reader.term[i];
		if (reader.positions == NULL)
			continue;
		where = palloc(sizeof(uint32) * reader.frequency);
		barq_document_positions(&reader, where);
		sum += where[reader.frequency - 1];
		pfree(where);
	}
	return sum;
}

static void
test_damage(uint32 fields)
{
	MemoryContext context = shim_context_push();
	BarqTermTable *table = barq_terms_create(context);
	BarqTokens	tokens;
	uint32		size;
	char	   *bytes;
	volatile int cut_errors = 0;
	volatile int errors = 0;
	volatile int other = 0;

	do
		random_tokens(table, &tokens, 200, fields);
	while (tokens.ntokens < 50);
	bytes = barq_document_encode(table, &tokens, true, &size);
	for (volatile uint32 cut = 0; cut < size; cut++)
	{
		/* a block of its own, so that sanitizers find reads beyond it */
		char	   *copy = malloc(Max(cut, 1));

		memcpy(copy, bytes, cut);
		if (SHIM_TRY())
		{
			read_all(copy, cut);
			SHIM_END();
		}
		else
			cut_errors += shim_sqlstate == ERRCODE_INDEX_CORRUPTED;
		free(copy);
	}
	tap_ok(cut_errors == (int) size, "a document of %u fields cut short at any byte is an error: %d of %u",
		   Max(fields, 1), cut_errors, size);
	for (volatile int run = 0; run < 20000; run++)
	{
		char	   *copy = malloc(size);
		int			changes = 1 + random_bits() % 3;

		memcpy(copy, bytes, size);
		while (changes-- > 0)
			copy[random_bits() % size] = random_bits();
		if (SHIM_TRY())
		{
			read_all(copy, size);
			SHIM_END();
		}
		else if (shim_sqlstate == ERRCODE_INDEX_CORRUPTED)
			errors++;
		else
			other++;
		free(copy);
	}
	tap_ok(errors > 0 && other == 0,
		   "changed bytes of %u fields are read within the document or are an error: %d errors",
		   Max(fields, 1), errors);
	shim_context_pop();
}

int
main(void)
{
	shim_init();
	test_terms();
	test_documents(false);
	test_documents(true);
	test_damage(0);
	test_damage(2);
	test_damage(5);
	return tap_done();
}
