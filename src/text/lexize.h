/*
 * lexize.h
 *	  The inside of a tokenizer, for files of src/text: its state, and the parser
 *	  and dictionaries that it calls, word by word.
 */
#ifndef BARQ_LEXIZE_H
#define BARQ_LEXIZE_H

#include "text/pieces.h"
#include "text/tokenizer.h"

/* Bytes; longer words and terms are left out, as by to_tsvector. */
#define BARQ_WORD_LONGEST	2046

/*
 * Whether a byte is ASCII white space, which ends words in all encodings of a
 * server.
 */
static inline bool
barq_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The dictionaries of one token type. */
typedef struct BarqDictionaries
{
	int			n;
	Oid		   *ids;
} BarqDictionaries;

/* A piece under construction: the concatenation of words. */
typedef struct BarqDraft
{
	BarqPiece	piece;
	BarqPieceTerm *terms;		/* of the piece; in the tokenizer's context */
	uint32		space;
} BarqDraft;

struct BarqTokenizer
{
	Oid			config;
	BarqTokenizerKind kind;
	MemoryContext context;		/* of the tokenizer and all that it owns */

	/* from the configuration; read again when `generation` is outdated */
	uint64		generation;
	MemoryContext config_context;
	Oid			parser;
	bool		default_parser; /* the parser has the default parser's functions */
	bool		chunks;			/* pieces between white spaces are independent */
	bool		looks_ahead;	/* a dictionary has asked for a word's successors */
	int			ntypes;
	BarqDictionaries *types;	/* by the parser's token type */
	int			ngram_types[4]; /* see ngram.c; [0] is -1: not looked up yet */

	/* caches */
	MemoryContext terms_context;
	BarqTermTable *terms;
	BarqPieces	words;			/* of the parser, by token type */
	BarqPieces	between;		/* pieces between white spaces */

	/* during a call */
	bool		busy;			/* dictionaries are running: not reentrant */
	MemoryContext parse_context;	/* of the parser; reset after a text */
	MemoryContext dictionary_context;	/* of dictionaries; reset now and then */
	BarqDraft	draft;
};

/*
 * Called for each word of a text, in order, with its terms and its bytes [start,
 * end) of the text (both 0: unknown). The piece is valid during the call.
 */
typedef void (*BarqWordSink) (void *arg, const BarqPiece *piece, Size start, Size end);

/*
 * Run the parser and the dictionaries over a text and call `sink` for each word
 * that counts for a position. The caller has set tokenizer->busy. Raises errors
 * of the parser and the dictionaries.
 */
extern void barq_lexize(BarqTokenizer *tokenizer, const char *text, Size length,
						BarqWordSink sink, void *arg);

/*
 * Set *piece to the terms of one word of a token type; dictionaries that look
 * ahead are passed over. *piece is valid until the next call. The caller has set
 * tokenizer->busy. Raises errors of dictionaries.
 */
extern void barq_lexize_word(BarqTokenizer *tokenizer, int type,
							 const char *text, uint32 length, BarqPiece *piece);

/*
 * Begin the tokenizer's draft, which is returned; append a word to it. The draft
 * belongs to the tokenizer and is valid until the next one is begun.
 */
extern BarqPiece *barq_draft_begin(BarqTokenizer *tokenizer);
extern void barq_draft_add(BarqTokenizer *tokenizer, const BarqPiece *word);

/*
 * Read the configuration again if it has changed, and forget all pieces then.
 * Raises ERRCODE_UNDEFINED_OBJECT if it does not exist.
 */
extern void barq_tokenizer_refresh(BarqTokenizer *tokenizer);

/* The purpose of tokenising, which makes a difference to an ngram tokenizer. */
typedef enum BarqWordsFor
{
	BARQ_WORDS_DOCUMENT,		/* all terms of each word */
	BARQ_WORDS_QUERY,			/* only the terms that are needed to find a word */

	/*
	 * To highlight: each character of a run of grams as a word without terms, and
	 * after it each gram that begins with it, as a word with advance 0, position 0
	 * and the bytes of the whole gram.
	 */
	BARQ_WORDS_PLACES
} BarqWordsFor;

/*
 * ngram.c: what barq_lexize() does, for the ngram tokenizer: call `sink` for
 * each word and gram of a text, for a purpose. The caller has set
 * tokenizer->busy. Raises errors of dictionaries.
 */
extern void barq_ngram(BarqTokenizer *tokenizer, const char *text, Size length,
					   BarqWordsFor purpose, BarqWordSink sink, void *arg);

/*
 * Find the last word of a text for an ngram tokenizer: *start, its first byte.
 * False if the text ends with grams, not a word of a script with spaces.
 */
extern bool barq_ngram_last_word(const char *text, Size length, Size *start);

/*
 * tokenizer.c: call `sink` for the words of a text, for a purpose. Must not be
 * called by a dictionary that this tokenizer runs. Raises errors of
 * dictionaries.
 */
extern void barq_tokenize_words(BarqTokenizer *tokenizer, const char *text, Size length,
								BarqWordsFor purpose, BarqWordSink sink, void *arg);

#endif							/* BARQ_LEXIZE_H */
