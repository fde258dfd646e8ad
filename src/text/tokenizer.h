/*
 * tokenizer.h
 *	  Text to terms, by a text search configuration's parser and dictionaries
 *	  directly: no tsvector, hence none of its limits (1 MB of lexemes,
 *	  positions up to 16,383, 256 positions a lexeme).
 */
#ifndef BARQ_TOKENIZER_H
#define BARQ_TOKENIZER_H

#include "postgres.h"

#include "text/term_table.h"

typedef enum BarqTokenizerKind
{
	BARQ_TOKENIZER_CONFIG = 0,	/* as stored: never renumber */
	BARQ_TOKENIZER_NGRAM = 1
} BarqTokenizerKind;

typedef struct BarqTokenizer BarqTokenizer;

/* A term of a text and where it stands. */
typedef struct BarqToken
{
	uint32		term;			/* in the tokenizer's table */
	uint32		position;		/* counts the text's words from 1, stop words too */
} BarqToken;

typedef struct BarqTokens
{
	BarqToken  *tokens;			/* in the order of the text; a term once a position */
	uint32		ntokens;
	uint32		space;
	uint32		length;			/* words that gave at least one term: BM25's len */
	uint32		last_position;	/* where the next element of an array goes on from */
} BarqTokens;

/*
 * A tokenizer for a configuration (its OID must exist). It remembers which
 * terms a word gives; barq_tokenizer_reset forgets them and the table.
 */
extern BarqTokenizer *barq_tokenizer_create(Oid config, BarqTokenizerKind kind,
											MemoryContext context);
extern void barq_tokenizer_reset(BarqTokenizer *tokenizer);
extern BarqTermTable *barq_tokenizer_terms(BarqTokenizer *tokenizer);
extern Size barq_tokenizer_bytes(const BarqTokenizer *tokenizer);

/*
 * A tokenizer that this backend keeps for a configuration and kind, made again
 * when the configuration or a dictionary of it changes, and reset when it
 * grows past its share of memory. Term numbers are valid only until the next
 * call of this function.
 */
extern BarqTokenizer *barq_tokenizer_cached(Oid config, BarqTokenizerKind kind);

/*
 * Append a text's terms to tokens (zeroed by the caller at first; its array is
 * palloc'd in the current context and re-used over calls if the caller sets
 * ntokens, length and last_position to 0 in between). With last_position > 0
 * the text's first word comes at last_position + gap + 1.
 */
extern void barq_tokenize(BarqTokenizer *tokenizer, const char *text, Size length,
						  uint32 gap, BarqTokens *tokens);

#endif							/* BARQ_TOKENIZER_H */
