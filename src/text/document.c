/*
 * document.c
 *	  A tokenised document as a string of bytes. See document.h.
 *
 * The header is followed, for each term, by its length, its bytes, its frequency
 * and, with positions, the first position and the differences between successive
 * ones. With several fields there is a frequency for each field, and each field with
 * positions begins with its first one. Numbers are in groups of seven bits, the lowest first.
 */
#include "text/document.h"

#include "base/compat.h"
#include "base/varint.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"

#define VERSION			1
#define VERSION_FIELDS	2		/* of several fields */
#define NUMBER_BYTES	5		/* of a uint32 at most */

/* ---- writing ---- */

/* A token to be sorted: most terms differ in their first eight bytes. */
typedef struct SortedToken
{
	uint64		key;			/* the term's first bytes, the first highest */
	uint32		term;
	uint32		position;		/* with several fields: the token's number */
} SortedToken;

static inline int
compare_tokens(const SortedToken *a, const SortedToken *b, const BarqTermTable *terms)
{
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->term != b->term)
	{
		uint32		a_length;
		uint32		b_length;
		const char *a_text = barq_terms_text(terms, a->term, &a_length);
		const char *b_text = barq_terms_text(terms, b->term, &b_length);

		return barq_compare_terms(a_text, a_length, b_text, b_length);
	}
	return a->position < b->position ? -1 : a->position > b->position;
}

#define ST_SORT sort_tokens
#define ST_ELEMENT_TYPE SortedToken
#define ST_COMPARE(a, b, terms) compare_tokens(a, b, terms)
#define ST_COMPARE_ARG_TYPE const BarqTermTable
#define ST_CHECK_FOR_INTERRUPTS
#define ST_SCOPE static
#define ST_DEFINE
#include "lib/sort_template.h"

/* The first eight bytes of a term as a number of the same order. */
static inline uint64
sort_key(const char *text, uint32 length)
{
	uint64		key = 0;

	memcpy(&key, text, Min(length, sizeof(key)));
#ifndef WORDS_BIGENDIAN
	key = pg_bswap64(key);
#endif
	return key;
}

/* Bytes that barq_varint_put() writes. */
static inline Size
number_bytes(uint32 number)
{
	Size		bytes = 1;

	while (number >= 0x80)
	{
		number >>= 7;
		bytes++;
	}
	return bytes;
}

/* The field of a token by its number. */
static inline uint32
field_of(const BarqTokens *tokens, uint32 token)
{
	uint32		field = 0;

	while (token >= tokens->field_ends[field])
		field++;
	return field;
}

/* Write a number to *at, unless that is NULL; returns the bytes that it takes. */
static inline Size
put_number(uint8 **at, uint32 number)
{
	if (*at != NULL)
		*at = barq_varint_put(*at, number);
	return number_bytes(number);
}

/* put_terms() for a document of several fields. */
static Size
put_field_terms(const SortedToken *sorted, const BarqTokens *tokens, const BarqTermTable *terms,
				bool positions, uint8 *at, uint32 *nterms)
{
	uint32		n = tokens->ntokens;
	Size		bytes = 0;

	*nterms = 0;
	for (uint32 first = 0, next; first < n; first = next)
	{
		uint32		frequencies[BARQ_MOST_FIELDS] = {0};
		uint32		field = tokens->nfields;
		uint32		last = 0;
		uint32		length;
		const char *text = barq_terms_text(terms, sorted[first].term, &length);

		for (next = first; next < n && sorted[next].term == sorted[first].term; next++)
			frequencies[field_of(tokens, sorted[next].position)]++;
		(*nterms)++;
		bytes += put_number(&at, length) + length;
		if (at != NULL)
		{
			memcpy(at, text, length);
			at += length;
		}
		for (uint32 i = 0; i < tokens->nfields; i++)
			bytes += put_number(&at, frequencies[i]);
		for (uint32 i = first; positions && i < next; i++)
		{
			uint32		position = tokens->tokens[sorted[i].position].position;
			uint32		here = field_of(tokens, sorted[i].position);

			bytes += put_number(&at, here == field ? position - last : position);
			field = here;
			last = position;
		}
	}
	return bytes;
}

/*
 * Write n sorted tokens to `at`. NULL: only measure them; returns the bytes that
 * they take. *nterms: the number of distinct terms.
 */
static Size
put_terms(const SortedToken *sorted, uint32 n, const BarqTermTable *terms,
		  bool positions, uint8 *at, uint32 *nterms)
{
	Size		bytes = 0;

	*nterms = 0;
	for (uint32 first = 0, next; first < n; first = next)
	{
		uint32		length;
		const char *text = barq_terms_text(terms, sorted[first].term, &length);

		for (next = first + 1; next < n && sorted[next].term == sorted[first].term; next++)
			;
		(*nterms)++;
		if (at != NULL)
		{
			at = barq_varint_put(at, length);
			memcpy(at, text, length);
			at = barq_varint_put(at + length, next - first);
		}
		else
			bytes += number_bytes(length) + length + number_bytes(next - first);
		for (uint32 i = first; positions && i < next; i++)
		{
			uint32		delta = sorted[i].position - (i > first ? sorted[i - 1].position : 0);

			Assert(i == first || delta > 0);
			if (at != NULL)
				at = barq_varint_put(at, delta);
			else
				bytes += number_bytes(delta);
		}
	}
	return bytes;
}

char *
barq_document_encode(BarqTermTable *terms, const BarqTokens *tokens,
					 bool positions, uint32 *bytes)
{
	SortedToken few[256];
	SortedToken *sorted = few;
	uint32		n = tokens->ntokens;
	BarqDocumentHeader *header;
	uint8	   *at;
	Size		size;
	uint32		nterms;

	if (n > lengthof(few))
		sorted = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(SortedToken));
	for (uint32 i = 0; i < n; i++)
	{
		uint32		length;
		const char *text = barq_terms_text(terms, tokens->tokens[i].term, &length);

		sorted[i].key = sort_key(text, length);
		sorted[i].term = tokens->tokens[i].term;
		sorted[i].position = tokens->nfields > 0 ? i : tokens->tokens[i].position;
	}
	sort_tokens(sorted, n, terms);

	size = sizeof(BarqDocumentHeader) + tokens->nfields * sizeof(uint32);
	size += tokens->nfields > 0 ?
		put_field_terms(sorted, tokens, terms, positions, NULL, &nterms) :
		put_terms(sorted, n, terms, positions, NULL, &nterms);
	if (size > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the terms of a document take %zu bytes, more than the limit of %zu",
						size, (Size) MaxAllocSize)));
	header = palloc(size);
	*header = (BarqDocumentHeader) {
		.version = tokens->nfields > 0 ? VERSION_FIELDS : VERSION,
		.flags = positions ? BARQ_DOCUMENT_POSITIONS : 0,
		.terms = nterms,
		.length = tokens->length,
		.fields = tokens->nfields
	};
	at = (uint8 *) (header + 1);
	if (tokens->nfields > 0)
	{
		memcpy(at, tokens->field_lengths, tokens->nfields * sizeof(uint32));
		at += tokens->nfields * sizeof(uint32);
		put_field_terms(sorted, tokens, terms, positions, at, &nterms);
	}
	else
		put_terms(sorted, n, terms, positions, at, &nterms);
	if (sorted != few)
		pfree(sorted);
	*bytes = size;
	return (char *) header;
}

/* ---- reading ---- */

/* Raise ERRCODE_INDEX_CORRUPTED. */
pg_noreturn static void
corrupt(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INDEX_CORRUPTED),
			 errmsg("a tokenised document is damaged: %s", detail)));
}

/* Read a number and advance *at. */
static inline uint32
get_number(const uint8 **at, const uint8 *end)
{
	const uint8 *p = *at;
	uint64		number = 0;

	if (p < end && *p < 0x80)
	{
		*at = p + 1;
		return *p;
	}
	for (int shift = 0; shift < 7 * NUMBER_BYTES && p < end; shift += 7, p++)
	{
		number |= (uint64) (*p & 0x7f) << shift;
		if (*p < 0x80)
		{
			if (number > PG_UINT32_MAX)
				break;
			*at = p + 1;
			return number;
		}
	}
	corrupt("a number is too long");
}

void
barq_document_open(BarqDocumentReader *reader, const char *bytes, uint32 length)
{
	const BarqDocumentHeader *header = (const BarqDocumentHeader *) bytes;

	Assert(((uintptr_t) bytes & (sizeof(uint32) - 1)) == 0);
	if (length < sizeof(BarqDocumentHeader))
		corrupt("it is shorter than its header");
	if ((header->version != VERSION && header->version != VERSION_FIELDS) ||
		(header->flags & ~BARQ_DOCUMENT_POSITIONS) != 0)
		corrupt("its version is unknown");
	if (header->fields > BARQ_MOST_FIELDS || (header->fields > 1) != (header->version == VERSION_FIELDS) ||
		length - sizeof(BarqDocumentHeader) < header->fields * sizeof(uint32))
		corrupt("it has an impossible number of fields");
	if (header->terms > (length - sizeof(BarqDocumentHeader)) / 2)
		corrupt("it has more terms than bytes");
	memset(reader, 0, sizeof(*reader));
	reader->header = header;
	reader->nfields = Max(header->fields, 1);
	reader->lengths = (const uint32 *) (header + 1);
	reader->at = (const uint8 *) (reader->lengths + header->fields);
	reader->end = (const uint8 *) bytes + length;
	reader->left = header->terms;
}

/* The place after `count` numbers. */
static inline const uint8 *
skip_numbers(const uint8 *at, const uint8 *end, uint32 count)
{
	if (count > end - at)
		corrupt("positions are missing");
	for (; count > 0 && at < end; at++)
		count -= *at < 0x80;
	if (count > 0)
		corrupt("positions are missing");
	return at;
}

bool
barq_document_next(BarqDocumentReader *reader)
{
	const uint8 *at = reader->at;

	if (reader->left == 0)
	{
		if (at != reader->end)
			corrupt("bytes follow its last term");
		return false;
	}
	reader->left--;
	reader->term_length = get_number(&at, reader->end);
	if (reader->term_length > reader->end - at)
		corrupt("a term is longer than what is left");
	reader->term = (const char *) at;
	at += reader->term_length;
	reader->frequency = get_number(&at, reader->end);
	if (reader->nfields > 1)
	{
		uint64		sum = reader->frequencies[0] = reader->frequency;

		for (uint32 i = 1; i < reader->nfields; i++)
			sum += reader->frequencies[i] = get_number(&at, reader->end);
		if (sum > PG_UINT32_MAX)
			corrupt("a term occurs too often");
		reader->frequency = (uint32) sum;
	}
	if (reader->frequency == 0)
		corrupt("a term does not occur");
	reader->positions = NULL;
	if (reader->header->flags & BARQ_DOCUMENT_POSITIONS)
	{
		reader->positions = at;
		at = skip_numbers(at, reader->end, reader->frequency);
	}
	reader->at = at;
	return true;
}

void
barq_document_positions(const BarqDocumentReader *reader, uint32 *out)
{
	const uint8 *at = reader->positions;
	uint64		position = 0;

	uint32		field = 0;
	uint32		field_end = reader->nfields > 1 ? reader->frequencies[0] : reader->frequency;

	Assert(at != NULL);
	for (uint32 i = 0; i < reader->frequency; i++)
	{
		uint32		delta = get_number(&at, reader->at);

		while (i == field_end)
		{
			field_end += reader->frequencies[++field];
			position = 0;
		}

		position += delta;
		if (delta == 0 || position > PG_UINT32_MAX)
			corrupt("its positions do not ascend");
		out[i] = position;
	}
}
