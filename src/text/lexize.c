/*
 * lexize.c
 *	  The parser and the dictionaries of a text search configuration at work:
 *	  the same words, terms and positions as to_tsvector's, without a tsvector.
 *
 * The rules are those of PostgreSQL's parsetext(). A type of token without
 * dictionaries is passed over. A word goes through its dictionaries in turn:
 * one that filters changes it for the next, one that knows it (if only as a
 * stop word) ends the matter, and a word that none knows counts for no
 * position. A dictionary may ask for the next word (a thesaurus does); it is
 * then given words as long as it asks for more, and answers for all of them,
 * or for fewer (what it knew on the way), or not at all, and the words that it
 * leaves go on from where they were.
 *
 * The answer for a word that no dictionary looks beyond is remembered.
 */
#include "text/lexize.h"

#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/memutils.h"

/* A parser may need four bytes a byte: more at once is more than palloc has. */
#define MOST_AT_ONCE	((Size) 128 * 1024 * 1024)

typedef struct Word
{
	const char *text;
	int			length;
	int			type;			/* 0: the end of the text */
} Word;

typedef struct Lexizer
{
	BarqTokenizer *tokenizer;
	BarqWordSink sink;
	void	   *arg;
	const char *text;			/* all of it, which places are counted from */
	Size		length;

	/* words that have no answer yet */
	Word	   *words;
	int			head;
	int			count;			/* of the array in use: head … count - 1 wait */
	int			space;

	/* the first of them: where it stands among its dictionaries */
	int			dictionary;

	/* a dictionary that has asked for the next word; InvalidOid: none */
	Oid			asking;
	DictSubState state;
	int			next;			/* the word to give it */
	TSLexeme   *known;			/* what it knew on the way … */
	int			known_upto;		/* … and the last word of that */

	BarqPiece	answer;
	BarqPieceTerm *terms;		/* of answer */
	uint32		terms_space;
} Lexizer;

static const BarqDictionaries *
dictionaries_of(const BarqTokenizer *tokenizer, int type)
{
	if (type <= 0 || type >= tokenizer->ntypes || tokenizer->types[type].n == 0)
		return NULL;
	return &tokenizer->types[type];
}

/* Ask a dictionary for a word; its answer lives in dictionary_context. */
static TSLexeme *
ask(Lexizer *lexizer, Oid id, const char *text, int length)
{
	TSDictionaryCacheEntry *dictionary = lookup_ts_dictionary_cache(id);
	MemoryContext old = MemoryContextSwitchTo(lexizer->tokenizer->dictionary_context);
	Datum		answer;

	lexizer->state.getnext = false;
	answer = FunctionCall4(&dictionary->lexize,
						   PointerGetDatum(dictionary->dictData),
						   PointerGetDatum(text),
						   Int32GetDatum(length),
						   PointerGetDatum(&lexizer->state));
	MemoryContextSwitchTo(old);
	if (lexizer->state.getnext)
		lexizer->tokenizer->looks_ahead = true;
	return (TSLexeme *) DatumGetPointer(answer);
}

/*
 * lexizer->answer from a dictionary's; NULL: none knows the word. Lexemes that
 * follow each other with one nvariant are a variant, as in PostgreSQL's
 * pushval_morph().
 */
static void
make_answer(Lexizer *lexizer, const TSLexeme *lexemes)
{
	BarqPiece  *answer = &lexizer->answer;
	const TSLexeme *last = lexemes;
	uint32		variant = 0;

	memset(answer, 0, sizeof(*answer));
	if (lexemes == NULL)
		return;
	answer->advance = 1;
	for (; lexemes->lexeme != NULL; last = lexemes++)
	{
		Size		length = strlen(lexemes->lexeme);
		uint32		term;
		bool		again = false;
		bool		same = false;

		if ((lexemes->flags & TSL_ADDPOS) && answer->advance < BARQ_PIECE_POSITIONS)
		{
			answer->advance++;
			variant = 0;
		}
		else if (lexemes->nvariant != last->nvariant)
			variant = Min(variant + 1, BARQ_PIECE_VARIANTS - 1);
		if (length == 0 || length > BARQ_WORD_LONGEST)
			continue;
		term = barq_terms_intern(lexizer->tokenizer->terms, lexemes->lexeme, length);
		for (int64 i = (int64) answer->nterms - 1;
			 i >= 0 && lexizer->terms[i].position == answer->advance; i--)
			if (lexizer->terms[i].term == term)
			{
				again = true;
				same |= lexizer->terms[i].variant == variant;
			}
		if (same)
			continue;
		if (answer->nterms == lexizer->terms_space)
		{
			uint32		space = Max(lexizer->terms_space * 2, 16);
			BarqPieceTerm *terms = MemoryContextAlloc(lexizer->tokenizer->parse_context,
													  space * sizeof(BarqPieceTerm));

			if (answer->nterms > 0)
				memcpy(terms, lexizer->terms, answer->nterms * sizeof(BarqPieceTerm));
			lexizer->terms = terms;
			lexizer->terms_space = space;
		}
		lexizer->terms[answer->nterms++] = (BarqPieceTerm) {
			.term = term,
			.position = answer->advance,
			.variant = variant,
			.prefix = (lexemes->flags & TSL_PREFIX) != 0,
			.again = again
		};
	}
	answer->terms = lexizer->terms;
	answer->words = answer->nterms > 0;
}

/* Of a dictionary's answer that is done with, where others are still needed. */
static void
free_lexemes(const Lexizer *lexizer, TSLexeme *lexemes)
{
	if (lexemes == NULL || !lexizer->tokenizer->looks_ahead)
		return;
	for (TSLexeme *l = lexemes; l->lexeme != NULL; l++)
		pfree(l->lexeme);
	pfree(lexemes);
}

/* Tell of the answer, which is that for words first … last of the queue. */
static void
tell(Lexizer *lexizer, int first, int last)
{
	const Word *from = &lexizer->words[first];
	const Word *to = &lexizer->words[last];
	Size		start = 0;
	Size		end = 0;

	if (lexizer->answer.advance == 0)
		return;
	/* a parser may hand out text of its own, which has no place in ours */
	if (from->text >= lexizer->text && to->text >= from->text &&
		to->text + to->length <= lexizer->text + lexizer->length)
	{
		start = from->text - lexizer->text;
		end = to->text + to->length - lexizer->text;
	}
	lexizer->sink(lexizer->arg, &lexizer->answer, start, end);
}

/* The queue's words up to `last` are done with. */
static void
drop_words(Lexizer *lexizer, int last)
{
	lexizer->head = last + 1;
	lexizer->dictionary = 0;
}

/*
 * The first word of the queue, by the dictionaries it has not been to.
 * Returns whether it has its answer; else one of them asks for the next word.
 */
static bool
first_word(Lexizer *lexizer)
{
	BarqTokenizer *tokenizer = lexizer->tokenizer;
	int			index = lexizer->head;
	Word		word = lexizer->words[index];
	const BarqDictionaries *dictionaries = dictionaries_of(tokenizer, word.type);
	bool		remember = lexizer->dictionary == 0 && word.length <= BARQ_PIECE_LONGEST;
	TSLexeme   *lexemes = NULL;
	const char *text = word.text;
	int			length = word.length;

	if (dictionaries == NULL)
	{
		drop_words(lexizer, index);
		return true;
	}
	if (remember &&
		barq_pieces_find(&tokenizer->words, text, length, word.type, &lexizer->answer))
	{
		if (!lexizer->answer.looks_ahead)
		{
			tell(lexizer, index, index);
			drop_words(lexizer, index);
			return true;
		}
		remember = false;
	}

	for (int i = lexizer->dictionary; i < dictionaries->n; i++)
	{
		lexizer->state.isend = false;
		lexizer->state.private_state = NULL;
		lexemes = ask(lexizer, dictionaries->ids[i], text, length);
		if (lexizer->state.getnext)
		{
			if (remember)
			{
				BarqPiece	asks = {.looks_ahead = true};

				barq_pieces_add(&tokenizer->words, &asks, word.text, word.length, word.type);
			}
			lexizer->asking = dictionaries->ids[i];
			lexizer->dictionary = i + 1;
			lexizer->next = index + 1;
			lexizer->known = lexemes;
			lexizer->known_upto = index;
			return false;
		}
		if (lexemes == NULL)
			continue;
		if (lexemes->flags & TSL_FILTER)
		{
			text = lexemes->lexeme;
			length = strlen(text);
			lexemes = NULL;
			continue;
		}
		break;
	}
	make_answer(lexizer, lexemes);
	free_lexemes(lexizer, lexemes);
	if (remember)
		barq_pieces_add(&tokenizer->words, &lexizer->answer, word.text, word.length, word.type);
	tell(lexizer, index, index);
	drop_words(lexizer, index);
	return true;
}

static void
forget_known(Lexizer *lexizer)
{
	free_lexemes(lexizer, lexizer->known);
	lexizer->known = NULL;
}

/*
 * Give the dictionary that asks the words that wait. Returns whether it is
 * done (it has answered, or left the first word to the next dictionary).
 */
static bool
next_words(Lexizer *lexizer)
{
	for (; lexizer->next < lexizer->count; lexizer->next++)
	{
		const Word *word = &lexizer->words[lexizer->next];
		TSLexeme   *lexemes;
		int			last = lexizer->next;

		if (word->type != 0)
		{
			const BarqDictionaries *dictionaries =
				dictionaries_of(lexizer->tokenizer, word->type);
			bool		handles = false;

			if (dictionaries == NULL)
				continue;
			for (int i = 0; i < dictionaries->n; i++)
				handles |= dictionaries->ids[i] == lexizer->asking;
			if (!handles)
			{
				lexizer->asking = InvalidOid;
				forget_known(lexizer);
				return true;
			}
		}
		lexizer->state.isend = word->type == 0;
		lexemes = ask(lexizer, lexizer->asking, word->text, word->length);
		if (lexizer->state.getnext)
		{
			if (lexemes != NULL)
			{
				forget_known(lexizer);
				lexizer->known = lexemes;
				lexizer->known_upto = last;
			}
			continue;
		}
		lexizer->asking = InvalidOid;
		if (lexemes != NULL)
		{
			forget_known(lexizer);
			lexizer->known = lexemes;
			lexizer->known_upto = last;
		}
		if (lexizer->known != NULL)
		{
			make_answer(lexizer, lexizer->known);
			tell(lexizer, lexizer->head, lexizer->known_upto);
			drop_words(lexizer, lexizer->known_upto);
		}
		forget_known(lexizer);
		return true;
	}
	return false;
}

static void
add_word(Lexizer *lexizer, const char *text, int length, int type)
{
	if (lexizer->head > 64 && lexizer->head > lexizer->count / 2)
	{
		int			done = lexizer->head;

		memmove(lexizer->words, lexizer->words + done,
				(lexizer->count - done) * sizeof(Word));
		lexizer->head = 0;
		lexizer->count -= done;
		lexizer->next -= done;
		lexizer->known_upto -= done;
	}
	if (lexizer->count == lexizer->space)
	{
		if (lexizer->words == NULL)
		{
			lexizer->space = 64;
			lexizer->words = MemoryContextAlloc(lexizer->tokenizer->parse_context,
												lexizer->space * sizeof(Word));
		}
		else
		{
			lexizer->space *= 2;
			lexizer->words = repalloc_huge(lexizer->words, lexizer->space * sizeof(Word));
		}
	}
	lexizer->words[lexizer->count++] = (Word) {text, length, type};
}

/* As far as the words that have come allow. */
static void
work(Lexizer *lexizer)
{
	while (lexizer->head < lexizer->count)
	{
		if (OidIsValid(lexizer->asking) ? !next_words(lexizer) :
			(!first_word(lexizer) && lexizer->next == lexizer->count))
			return;
	}
	lexizer->head = lexizer->count = 0;
	MemoryContextReset(lexizer->tokenizer->dictionary_context);
}

/* One run of the parser; words that wait are kept for the next one. */
static void
parse(Lexizer *lexizer, const char *text, Size length, bool last)
{
	BarqTokenizer *tokenizer = lexizer->tokenizer;
	TSParserCacheEntry *parser = lookup_ts_parser_cache(tokenizer->parser);
	MemoryContext old = MemoryContextSwitchTo(tokenizer->parse_context);
	Datum		state = FunctionCall2(&parser->prsstart, PointerGetDatum(text),
									  Int32GetDatum(length));
	int			type;

	MemoryContextSwitchTo(old);
	do
	{
		char	   *word = NULL;
		int			word_length = 0;

		MemoryContextSwitchTo(tokenizer->parse_context);

		/* the entry may have been read again meanwhile, at the same place */
		type = DatumGetInt32(FunctionCall3(&parser->prstoken, state,
										   PointerGetDatum(&word),
										   PointerGetDatum(&word_length)));
		MemoryContextSwitchTo(old);
		if (type > 0 &&
			(word_length > BARQ_WORD_LONGEST || dictionaries_of(tokenizer, type) == NULL))
			continue;
		if (type > 0)
			add_word(lexizer, word, word_length, type);
		else if (last)
			add_word(lexizer, "", 0, 0);
		work(lexizer);
		CHECK_FOR_INTERRUPTS();
	} while (type > 0);
	FunctionCall1(&parser->prsend, state);
}

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

void
barq_lexize(BarqTokenizer *tokenizer, const char *text, Size length,
			BarqWordSink sink, void *arg)
{
	Lexizer		lexizer = {
		.tokenizer = tokenizer,
		.sink = sink,
		.arg = arg,
		.text = text,
		.length = length
	};

	Assert(tokenizer->busy);
	while (tokenizer->default_parser && length > MOST_AT_ONCE)
	{
		Size		part = MOST_AT_ONCE;

		while (part > MOST_AT_ONCE / 2 && !is_space(text[part]))
			part--;
		parse(&lexizer, text, part, false);
		/* words that wait point into the text, not into what the parser had */
		text += part;
		length -= part;
	}
	parse(&lexizer, text, length, true);
	MemoryContextReset(tokenizer->dictionary_context);
	MemoryContextReset(tokenizer->parse_context);
}

void
barq_lexize_word(BarqTokenizer *tokenizer, int type, const char *text, uint32 length,
				 BarqPiece *piece)
{
	const BarqDictionaries *dictionaries = dictionaries_of(tokenizer, type);
	Lexizer		lexizer = {.tokenizer = tokenizer};
	TSLexeme   *lexemes = NULL;
	const char *word = text;
	uint32		word_length = length;

	Assert(tokenizer->busy);
	memset(piece, 0, sizeof(*piece));
	if (dictionaries == NULL || length > BARQ_WORD_LONGEST)
		return;
	if (length <= BARQ_PIECE_LONGEST &&
		barq_pieces_find(&tokenizer->words, text, length, type, piece))
		return;
	MemoryContextReset(tokenizer->dictionary_context);
	MemoryContextReset(tokenizer->parse_context);
	for (int i = 0; i < dictionaries->n; i++)
	{
		lexizer.state.isend = false;
		lexizer.state.private_state = NULL;
		lexemes = ask(&lexizer, dictionaries->ids[i], word, word_length);
		if (lexizer.state.getnext)
			lexemes = NULL;
		if (lexemes == NULL)
			continue;
		if ((lexemes->flags & TSL_FILTER) == 0)
			break;
		word = lexemes->lexeme;
		word_length = strlen(word);
		lexemes = NULL;
	}
	make_answer(&lexizer, lexemes);
	if (length <= BARQ_PIECE_LONGEST)
		barq_pieces_add(&tokenizer->words, &lexizer.answer, text, length, type);
	*piece = lexizer.answer;
}

BarqPiece *
barq_draft_begin(BarqTokenizer *tokenizer)
{
	BarqPiece  *piece = &tokenizer->draft.piece;

	piece->nterms = piece->advance = piece->words = 0;
	return piece;
}

void
barq_draft_add(BarqTokenizer *tokenizer, const BarqPiece *word)
{
	BarqDraft  *draft = &tokenizer->draft;
	BarqPiece  *piece = &draft->piece;
	uint32		shift = 0;

	while (piece->nterms + word->nterms > draft->space)
	{
		uint32		space = Max(draft->space * 2, 64);

		draft->terms = draft->terms == NULL ?
			MemoryContextAlloc(tokenizer->context, space * sizeof(BarqPieceTerm)) :
			repalloc(draft->terms, space * sizeof(BarqPieceTerm));
		draft->space = space;
		piece->terms = draft->terms;
	}
	/* what has the same position as words before are further variants there */
	for (int64 j = (int64) piece->nterms - 1;
		 j >= 0 && draft->terms[j].position > piece->advance; j--)
		shift = Max(shift, draft->terms[j].variant + 1);
	for (uint32 i = 0; i < word->nterms; i++)
	{
		BarqPieceTerm term = word->terms[i];

		term.position = Min(term.position + piece->advance, BARQ_PIECE_POSITIONS);
		term.variant = Min(term.variant + shift, BARQ_PIECE_VARIANTS - 1);
		for (int64 j = (int64) piece->nterms - 1;
			 j >= 0 && draft->terms[j].position >= term.position && !term.again; j--)
			term.again = draft->terms[j].position == term.position &&
				draft->terms[j].term == term.term;
		draft->terms[piece->nterms++] = term;
	}
	piece->advance += word->advance;
	piece->words += word->words;
}
