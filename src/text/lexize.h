/*
 * lexize.h
 *	  What the files of src/text share of a tokenizer: the parser and the
 *	  dictionaries at work, word by word.
 */
#ifndef BARQ_LEXIZE_H
#define BARQ_LEXIZE_H

#include "text/pieces.h"
#include "text/tokenizer.h"

/*
 * Longer words (of the parser) and terms are left out, as to_tsvector leaves
 * them out with a notice: bytes.
 */
#define BARQ_WORD_LONGEST	2046

/* The dictionaries of one type of token. */
typedef struct BarqDictionaries
{
	int			n;
	Oid		   *ids;
} BarqDictionaries;

/* A piece that is put together from others. */
typedef struct BarqDraft
{
	BarqPiece	piece;
	BarqPieceTerm *terms;		/* of piece, in the tokenizer's context */
	uint32		space;
} BarqDraft;

struct BarqTokenizer
{
	Oid			config;
	BarqTokenizerKind kind;
	MemoryContext context;		/* its own: all of it */

	/* of the configuration; read again where `generation` is an old one */
	uint64		generation;
	MemoryContext config_context;
	Oid			parser;
	bool		default_parser; /* by its functions, whatever its name */
	bool		chunks;			/* pieces between white spaces are independent */
	bool		looks_ahead;	/* a dictionary has asked for a word's successors */
	int			ntypes;
	BarqDictionaries *types;	/* by the parser's types of token */
	int			ngram_types[4]; /* see ngram.c; the first -1: not looked up */

	/* what is remembered */
	MemoryContext terms_context;
	BarqTermTable *terms;
	BarqPieces	words;
	BarqPieces	between;		/* between white spaces */

	/* while at work */
	bool		busy;			/* a dictionary may come back to us */
	MemoryContext parse_context;
	MemoryContext dictionary_context;
	BarqDraft	draft;
};


typedef void (*BarqWordSink) (void *arg, const BarqPiece *piece, Size start, Size end);

/*
 * Run the parser and the dictionaries over a text, and tell of each word, in
 * order, what it gives and that it is [start, end) of the text. Words that count for no
 * position are not told of. Called with tokenizer->busy set.
 */
extern void barq_lexize(BarqTokenizer *tokenizer, const char *text, Size length,
						BarqWordSink sink, void *arg);

/*
 * What one word of a type gives, by dictionaries that do not look ahead; good
 * until the next call.
 */
extern void barq_lexize_word(BarqTokenizer *tokenizer, int type,
							 const char *text, uint32 length, BarqPiece *piece);

/* Begin the tokenizer's draft; go on with what a word gives. */
extern BarqPiece *barq_draft_begin(BarqTokenizer *tokenizer);
extern void barq_draft_add(BarqTokenizer *tokenizer, const BarqPiece *word);

/* Read the configuration again where it has changed. */
extern void barq_tokenizer_refresh(BarqTokenizer *tokenizer);

/*
 * What words are wanted for, which makes a difference to an ngram tokenizer:
 * all that a document holds; the terms that find a word; or, to mark them, each
 * character of a run of grams without terms, and behind it, without an advance
 * and at position 0, each gram that begins with it and where that ends.
 */
typedef enum BarqWordsFor
{
	BARQ_WORDS_DOCUMENT,
	BARQ_WORDS_QUERY,
	BARQ_WORDS_PLACES
} BarqWordsFor;

/* ngram.c: the same for the ngram tokenizer. */
extern void barq_ngram(BarqTokenizer *tokenizer, const char *text, Size length,
					   BarqWordsFor purpose, BarqWordSink sink, void *arg);

/*
 * The last word of a text for an ngram tokenizer, where it is one of a script
 * with spaces: *start, its first byte. False where the text ends in grams.
 */
extern bool barq_ngram_last_word(const char *text, Size length, Size *start);

/* Tell of a text's words as barq_tokenize takes them, or as the purpose says. */
extern void barq_tokenize_words(BarqTokenizer *tokenizer, const char *text, Size length,
								BarqWordsFor purpose, BarqWordSink sink, void *arg);

#endif							/* BARQ_LEXIZE_H */
