/*
 * tokenizer.h
 *	  Text to terms, by the parser and the dictionaries of a text search
 *	  configuration. No tsvector is made, so its limits do not apply (1 MB of
 *	  lexemes, positions up to 16,383, 256 positions a lexeme).
 */
#ifndef BARQ_TOKENIZER_H
#define BARQ_TOKENIZER_H

#include "postgres.h"

#include "text/term_table.h"

typedef enum BarqTokenizerKind
{
	BARQ_TOKENIZER_CONFIG = 0,	/* on disk: never renumber */
	BARQ_TOKENIZER_NGRAM = 1
} BarqTokenizerKind;

typedef struct BarqTokenizer BarqTokenizer;

#define BARQ_MOST_FIELDS	8	/* of a document */

/* A term of a text and its position. */
typedef struct BarqToken
{
	uint32		term;			/* in the tokenizer's table */
	uint32		position;		/* of its word, from 1; stop words count */
} BarqToken;

typedef struct BarqTokens
{
	BarqToken  *tokens;			/* in the order of the text; distinct at a position */
	uint32		ntokens;
	uint32		space;
	uint32		length;			/* number of words with terms: len of BM25 */
	uint32		last_position;	/* after which the next element of an array begins */

	/* of a document of several fields (barq_tokens_end_field); 0: of one */
	uint32		nfields;
	uint32		field_ends[BARQ_MOST_FIELDS];	/* tokens up to the end of each field */
	uint32		field_lengths[BARQ_MOST_FIELDS];	/* number of words with terms, plus
													 * 1; 0: the field is NULL */
} BarqTokens;

/*
 * A tokenizer for a configuration, with a memory context of its own below
 * `context`. Raises ERRCODE_UNDEFINED_OBJECT if the configuration does not
 * exist.
 */
extern BarqTokenizer *barq_tokenizer_create(Oid config, BarqTokenizerKind kind,
											MemoryContext context);

/*
 * Empty a tokenizer's caches and its table of terms, which invalidates term
 * numbers.
 */
extern void barq_tokenizer_reset(BarqTokenizer *tokenizer);

/* A tokenizer's table of terms; owned by the tokenizer, until it is reset. */
extern BarqTermTable *barq_tokenizer_terms(BarqTokenizer *tokenizer);

/* Bytes of a tokenizer's caches and of its table of terms. */
extern Size barq_tokenizer_bytes(const BarqTokenizer *tokenizer);

/*
 * The backend's tokenizer for a configuration and kind, which the backend keeps.
 * It reads a changed configuration again, and is reset when the backend's
 * tokenizers exceed their memory. Term numbers are valid until the next call. In
 * a call from a dictionary that this tokenizer runs, a new one in the current
 * memory context. Raises ERRCODE_UNDEFINED_OBJECT if the configuration does not
 * exist.
 */
extern BarqTokenizer *barq_tokenizer_cached(Oid config, BarqTokenizerKind kind);

/*
 * End a field of a document of several: what was appended since the last end is its text.
 * null: the field is NULL, not an empty text. Positions begin anew behind it.
 */
static inline void
barq_tokens_end_field(BarqTokens *tokens, bool null)
{
	uint32		field = tokens->nfields++;
	uint32		before = 0;

	for (uint32 i = 0; i < field; i++)
		before += tokens->field_lengths[i] == 0 ? 0 : tokens->field_lengths[i] - 1;
	tokens->field_ends[field] = tokens->ntokens;
	tokens->field_lengths[field] = null ? 0 : tokens->length - before + 1;
	tokens->last_position = 0;
}

/*
 * Append the terms of a text to *tokens, which the caller zeroes before the
 * first call. The array of tokens is palloc'd in the current memory context; to
 * reuse it for another document the caller sets ntokens, length and
 * last_position to 0. If last_position > 0, the first word has position
 * last_position + gap + 1. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED for more than
 * 2^32 - 1 terms or positions, and errors of dictionaries; the caller holds no
 * buffer lock.
 */
extern void barq_tokenize(BarqTokenizer *tokenizer, const char *text, Size length,
						  uint32 gap, BarqTokens *tokens);

#endif							/* BARQ_TOKENIZER_H */
