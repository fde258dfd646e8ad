/*
 * lexize.c
 *	  Runs the parser and the dictionaries of a text search configuration: the
 *	  same words, terms and positions as to_tsvector's, without a tsvector.
 *
 * The rules are those of PostgreSQL's parsetext(). Tokens of a type without
 * dictionaries are skipped. A word is passed to its dictionaries in turn: a
 * filtering dictionary changes it for the next one; the first dictionary that
 * knows it (if only as a stop word) gives its lexemes; a word that none knows
 * counts for no position. A dictionary may ask for the next word (a thesaurus
 * does). It then gets words as long as it asks for more, and answers for all of
 * them, for the first ones only (by an answer that it gave earlier), or for none;
 * the remaining words continue with their next dictionary.
 *
 * The answer for a word is cached if no dictionary asked for more words.
 */
#include "text/lexize.h"

#include "base/array.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "utils/memutils.h"

/* Bytes of one parser run: it may palloc four bytes a byte, at most 1 GB. */
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
	const char *text;			/* the whole text */
	Size		length;

	/* the queue of words without an answer: head … count - 1 */
	Word	   *words;			/* in parse_context */
	int			head;
	int			count;
	int			space;

	int			dictionary;		/* the next one of the first word in the queue */

	/* a dictionary that has asked for more words; InvalidOid: none */
	Oid			asking;
	DictSubState state;
	int			next;			/* the word to pass to it next */
	TSLexeme   *known;			/* its last answer, or NULL … */
	int			known_upto;		/* … and the last word that this covers */

	BarqPiece	answer;
	BarqPieceTerm *terms;		/* of answer */
	uint32		terms_space;
} Lexizer;

/* The dictionaries of a token type; NULL: none. */
static const BarqDictionaries *
dictionaries_of(const BarqTokenizer *tokenizer, int type)
{
	if (type <= 0 || type >= tokenizer->ntypes || tokenizer->types[type].n == 0)
		return NULL;
	return &tokenizer->types[type];
}

/*
 * Pass a word to a dictionary. Returns its lexemes, in dictionary_context; NULL: it
 * does not know the word. state.getnext: it asks for the next word.
 */
static TSLexeme *
call_dictionary(Lexizer *lexizer, Oid id, const char *text, int length)
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
 * Set lexizer->answer to a dictionary's lexemes (NULL: no dictionary knows the
 * word). Successive lexemes with the same nvariant form a variant, as in
 * PostgreSQL's pushval_morph(). The terms are valid until the next answer.
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
		MemoryContext old;
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
		old = MemoryContextSwitchTo(lexizer->tokenizer->parse_context);
		BARQ_ARRAY_RESERVE(lexizer->terms, lexizer->terms_space, answer->nterms + 1, 16);
		MemoryContextSwitchTo(old);
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

/*
 * Free lexemes that are no longer needed, if dictionaries look ahead: then the
 * reset of dictionary_context may be long in coming.
 */
static void
free_lexemes(const Lexizer *lexizer, TSLexeme *lexemes)
{
	if (lexemes == NULL || !lexizer->tokenizer->looks_ahead)
		return;
	for (TSLexeme *l = lexemes; l->lexeme != NULL; l++)
		pfree(l->lexeme);
	pfree(lexemes);
}

/* Pass the answer for words first … last of the queue to the sink. */
static void
emit_word(Lexizer *lexizer, int first, int last)
{
	const Word *from = &lexizer->words[first];
	const Word *to = &lexizer->words[last];
	Size		start = 0;
	Size		end = 0;

	Assert(first <= last && last < lexizer->count);
	if (lexizer->answer.advance == 0)
		return;
	/* the parser may return words in memory of its own: their place is unknown */
	if (from->text >= lexizer->text && to->text >= from->text &&
		to->text + to->length <= lexizer->text + lexizer->length)
	{
		start = from->text - lexizer->text;
		end = to->text + to->length - lexizer->text;
	}
	lexizer->sink(lexizer->arg, &lexizer->answer, start, end);
}

/* Remove the words up to `last` from the queue. */
static void
drop_words(Lexizer *lexizer, int last)
{
	lexizer->head = last + 1;
	lexizer->dictionary = 0;
}

/*
 * Pass the first word of the queue to its remaining dictionaries. True: it has got
 * its answer, which was emitted. False: a dictionary asks for the next word.
 */
static bool
process_first_word(Lexizer *lexizer)
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
			emit_word(lexizer, index, index);
			drop_words(lexizer, index);
			return true;
		}
		remember = false;
	}

	for (int i = lexizer->dictionary; i < dictionaries->n; i++)
	{
		lexizer->state.isend = false;
		lexizer->state.private_state = NULL;
		lexemes = call_dictionary(lexizer, dictionaries->ids[i], text, length);
		if (lexizer->state.getnext)
		{
			if (remember)
			{
				BarqPiece	looks_ahead = {.looks_ahead = true};

				barq_pieces_add(&tokenizer->words, &looks_ahead, word.text, word.length, word.type);
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
	emit_word(lexizer, index, index);
	drop_words(lexizer, index);
	return true;
}

/* Drop the last answer of the dictionary that looks ahead. */
static void
forget_known(Lexizer *lexizer)
{
	free_lexemes(lexizer, lexizer->known);
	lexizer->known = NULL;
}

/*
 * Pass the queue's next words to the dictionary that asks for more. True: it asks
 * no longer; its answer was emitted, or the first word is left to its next
 * dictionary. False: it asks for words beyond the end of the queue.
 */
static bool
process_next_words(Lexizer *lexizer)
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
		lexemes = call_dictionary(lexizer, lexizer->asking, word->text, word->length);
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
			emit_word(lexizer, lexizer->head, lexizer->known_upto);
			drop_words(lexizer, lexizer->known_upto);
		}
		forget_known(lexizer);
		return true;
	}
	return false;
}

/* Append a word to the queue. */
static void
add_word(Lexizer *lexizer, const char *text, int length, int type)
{
	MemoryContext old;

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
	old = MemoryContextSwitchTo(lexizer->tokenizer->parse_context);
	BARQ_ARRAY_RESERVE(lexizer->words, lexizer->space, lexizer->count + 1, 64);
	MemoryContextSwitchTo(old);
	lexizer->words[lexizer->count++] = (Word) {text, length, type};
}

/* Process the queue until it is empty or a dictionary asks for further words. */
static void
process_words(Lexizer *lexizer)
{
	while (lexizer->head < lexizer->count)
	{
		if (OidIsValid(lexizer->asking) ? !process_next_words(lexizer) :
			(!process_first_word(lexizer) && lexizer->next == lexizer->count))
			return;
	}
	lexizer->head = lexizer->count = 0;
	MemoryContextReset(lexizer->tokenizer->dictionary_context);
}

/*
 * Run the parser over a text, or a part of it; last: the last part. Words in the
 * queue stay there for the next part.
 */
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

		/* the cache entry may have been rebuilt meanwhile, but stays in place */
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
		process_words(lexizer);
		CHECK_FOR_INTERRUPTS();
	} while (type > 0);
	FunctionCall1(&parser->prsend, state);
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

		while (part > MOST_AT_ONCE / 2 && !barq_is_space(text[part]))
			part--;
		parse(&lexizer, text, part, false);
		/* words in the queue point into the text, not into the parser's memory */
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
		lexemes = call_dictionary(&lexizer, dictionaries->ids[i], word, word_length);
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
	MemoryContext old = MemoryContextSwitchTo(tokenizer->context);
	uint32		shift = 0;

	BARQ_ARRAY_RESERVE(draft->terms, draft->space, piece->nterms + word->nterms, 64);
	piece->terms = draft->terms;
	MemoryContextSwitchTo(old);
	/* terms at a position that the draft already has are further variants there */
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
