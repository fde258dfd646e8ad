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
