/*
 * tokenizer.c
 *	  Tokenizers: their configuration, their caches, and tokenising a text. See
 *	  tokenizer.h, README.md.
 *
 * Most of a text is not parsed: with PostgreSQL's default parser a piece between
 * white spaces gives the same terms at any place (README.md has the proof and its
 * conditions), so its terms are cached.
 */
#include "text/lexize.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "base/array.h"
#include "base/compat.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* Bytes of a tokenizer's caches, and of all tokenizers of a backend. */
#define WORDS_LIMIT		((Size) 8 * 1024 * 1024)
#define BETWEEN_LIMIT	((Size) 16 * 1024 * 1024)
#define CACHED_LIMIT	((Size) 32 * 1024 * 1024)

/* The default parser's token type of separators. */
#define BLANK			12

/* ---- the configuration ---- */

/* Incremented when text search objects change. */
static uint64 generation = 1;

/* Syscache callback. */
static void
objects_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

/* Register the callbacks, once. */
static void
register_callbacks(void)
{
	static const int caches[] = {TSCONFIGOID, TSCONFIGMAP, TSDICTOID, TSPARSEROID, TSTEMPLATEOID};
	static bool registered = false;

	if (registered)
		return;
	for (Size i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], objects_changed, (Datum) 0);
	registered = true;
}

void
barq_tokenizer_refresh(BarqTokenizer *tokenizer)
{
	TSConfigCacheEntry *config;
	TSParserCacheEntry *parser;
	uint64		now = generation;

	if (tokenizer->generation == now || tokenizer->busy)
		return;
	if (!SearchSysCacheExists1(TSCONFIGOID, ObjectIdGetDatum(tokenizer->config)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("text search configuration with OID %u does not exist",
						tokenizer->config)));
	barq_pieces_forget(&tokenizer->words);
	barq_pieces_forget(&tokenizer->between);
	tokenizer->ntypes = 0;
	MemoryContextReset(tokenizer->config_context);

	config = lookup_ts_config_cache(tokenizer->config);
	tokenizer->types = MemoryContextAllocZero(tokenizer->config_context,
											  Max(config->lenmap, 1) * sizeof(BarqDictionaries));
	for (int i = 0; i < config->lenmap; i++)
	{
		BarqDictionaries *to = &tokenizer->types[i];
		int			n = config->map[i].len;

		if (n == 0)
			continue;
		to->ids = MemoryContextAlloc(tokenizer->config_context, n * sizeof(Oid));
		memcpy(to->ids, config->map[i].dictIds, n * sizeof(Oid));
		to->n = n;
	}
	tokenizer->ntypes = config->lenmap;
	tokenizer->parser = config->prsId;
	parser = lookup_ts_parser_cache(tokenizer->parser);
	tokenizer->default_parser = parser->startOid == F_PRSD_START &&
		parser->tokenOid == F_PRSD_NEXTTOKEN && parser->endOid == F_PRSD_END;
	tokenizer->chunks = tokenizer->default_parser &&
		(tokenizer->ntypes <= BLANK || tokenizer->types[BLANK].n == 0);
	tokenizer->looks_ahead = false;
	tokenizer->ngram_types[0] = -1;
	tokenizer->generation = now;
}

/* ---- tokenizers ---- */

BarqTokenizer *
barq_tokenizer_create(Oid config, BarqTokenizerKind kind, MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "barq tokenizer",
												  ALLOCSET_DEFAULT_SIZES);
	BarqTokenizer *tokenizer = MemoryContextAllocZero(context, sizeof(BarqTokenizer));

	register_callbacks();
	tokenizer->context = context;
	tokenizer->config = config;
	tokenizer->kind = kind;
	tokenizer->config_context = AllocSetContextCreate(context, "barq tokenizer configuration",
													  ALLOCSET_SMALL_SIZES);
	tokenizer->parse_context = AllocSetContextCreate(context, "barq tokenizer parser",
													 ALLOCSET_DEFAULT_SIZES);
	tokenizer->dictionary_context = AllocSetContextCreate(context, "barq tokenizer dictionaries",
														  ALLOCSET_DEFAULT_SIZES);
	tokenizer->terms_context = AllocSetContextCreate(context, "barq terms",
													 ALLOCSET_DEFAULT_SIZES);
	barq_pieces_init(&tokenizer->words, context, WORDS_LIMIT);
	barq_pieces_init(&tokenizer->between, context, BETWEEN_LIMIT);
	tokenizer->terms = barq_terms_create(tokenizer->terms_context);
	barq_tokenizer_refresh(tokenizer);
	return tokenizer;
}

void
barq_tokenizer_reset(BarqTokenizer *tokenizer)
{
	Assert(!tokenizer->busy);
	barq_pieces_forget(&tokenizer->words);
	barq_pieces_forget(&tokenizer->between);
	MemoryContextReset(tokenizer->terms_context);
	tokenizer->terms = barq_terms_create(tokenizer->terms_context);
}

BarqTermTable *
barq_tokenizer_terms(BarqTokenizer *tokenizer)
{
	return tokenizer->terms;
}

Size
barq_tokenizer_bytes(const BarqTokenizer *tokenizer)
{
	return barq_pieces_bytes(&tokenizer->words) + barq_pieces_bytes(&tokenizer->between) +
		barq_terms_bytes(tokenizer->terms);
}

/*
 * There is one tokenizer for each configuration that the backend has used, so
 * their number is small. When they exceed CACHED_LIMIT together, all but the one
 * returned are emptied, and that one, too, if it takes more than half of the limit.
 */
BarqTokenizer *
barq_tokenizer_cached(Oid config, BarqTokenizerKind kind)
{
	static BarqTokenizer **kept = NULL;
	static int	nkept = 0;
	static int	space = 0;
	BarqTokenizer *found = NULL;
	Size		bytes = 0;

	for (int i = 0; i < nkept; i++)
	{
		if (kept[i]->config == config && kept[i]->kind == kind)
			found = kept[i];
		bytes += barq_tokenizer_bytes(kept[i]);
	}
	if (found == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		BARQ_ARRAY_RESERVE(kept, space, nkept + 1, 4);
		MemoryContextSwitchTo(old);
		/* in the current context first, which frees it after an error */
		found = barq_tokenizer_create(config, kind, CurrentMemoryContext);
		MemoryContextSetParent(found->context, TopMemoryContext);
		kept[nkept++] = found;
	}
	/* called by a dictionary that this tokenizer runs */
	if (found->busy)
		return barq_tokenizer_create(config, kind, CurrentMemoryContext);
	barq_tokenizer_refresh(found);
	for (int i = 0; i < nkept && bytes > CACHED_LIMIT; i++)
		if (!kept[i]->busy &&
			(kept[i] != found || barq_tokenizer_bytes(found) > CACHED_LIMIT / 2))
			barq_tokenizer_reset(kept[i]);
	return found;
}

/* ---- tokens ---- */

/* The destination of a text's terms. */
typedef struct Target
{
	const BarqTokenizer *tokenizer;
	BarqTokens *tokens;
	uint64		position;		/* of the last word */
} Target;

/*
 * Make room for n more tokens. Raises ERRCODE_PROGRAM_LIMIT_EXCEEDED above 2^32
 * - 1.
 */
static void
reserve_tokens(BarqTokens *tokens, uint32 n)
{
	uint64		needed = (uint64) tokens->ntokens + n;

	if (needed > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document has too many words")));
	BARQ_ARRAY_RESERVE(tokens->tokens, tokens->space, needed, 64);
}

/* Append the terms of a piece. */
static inline void
add_piece(Target *target, const BarqPiece *piece)
{
	BarqTokens *tokens = target->tokens;
	BarqToken  *to;

	if (tokens->space - tokens->ntokens < piece->nterms)
		reserve_tokens(tokens, piece->nterms);
	to = tokens->tokens + tokens->ntokens;
	for (uint32 i = 0; i < piece->nterms; i++)
	{
		*to = (BarqToken) {piece->terms[i].term,
						  (uint32) target->position + piece->terms[i].position};
		to += !piece->terms[i].again;
	}
	tokens->ntokens = to - tokens->tokens;
	tokens->length += piece->words;
	target->position += piece->advance;
}

/* BarqWordSink: append to a Target. */
static void
add_word(void *arg, const BarqPiece *piece, Size start, Size end)
{
	add_piece(arg, piece);
}

/* Run the parser and the dictionaries over a text; the tokenizer is busy meanwhile. */
static void
run_parser(BarqTokenizer *tokenizer, const char *text, Size length,
		   BarqWordsFor purpose, BarqWordSink sink, void *arg)
{
	tokenizer->busy = true;
	PG_TRY();
	{
		if (tokenizer->kind == BARQ_TOKENIZER_NGRAM)
			barq_ngram(tokenizer, text, length, purpose, sink, arg);
		else
			barq_lexize(tokenizer, text, length, sink, arg);
	}
	PG_FINALLY();
	{
		tokenizer->busy = false;
	}
	PG_END_TRY();
}

/* ---- pieces between white spaces ---- */

/* The end of the piece that begins at p. */
static inline const char *
piece_end(const char *p, const char *end)
{
#ifndef WORDS_BIGENDIAN
	/* eight bytes at a time: the lowest that is at most a space */
	while (end - p >= 8)
	{
		uint64		bytes;
		uint64		low;

		memcpy(&bytes, p, 8);
		low = (bytes - UINT64CONST(0x2121212121212121)) & ~bytes &
			UINT64CONST(0x8080808080808080);
		if (low == 0)
		{
			p += 8;
			continue;
		}
		p += __builtin_ctzll(low) / 8;
		if (barq_is_space(*p))
			return p;
		p++;
	}
#endif
	while (p < end && !barq_is_space(*p))
		p++;
	return p;
}

/* BarqWordSink: append to the tokenizer's draft. */
static void
draft_word(void *arg, const BarqPiece *word, Size start, Size end)
{
	barq_draft_add(arg, word);
}

/*
 * Parse a piece, with a space before it as in the text, and cache its terms. They
 * are valid until the next piece is learnt.
 */
static void
learn_piece(BarqTokenizer *tokenizer, const char *text, uint32 length, BarqPiece *piece)
{
	char		with_space[BARQ_PIECE_LONGEST + 1];

	barq_draft_begin(tokenizer);
	with_space[0] = ' ';
	memcpy(with_space + 1, text, length);
	run_parser(tokenizer, with_space, length + 1, BARQ_WORDS_DOCUMENT, draft_word, tokenizer);
	*piece = tokenizer->draft.piece;
	barq_pieces_add(&tokenizer->between, piece, text, length, 0);
}

/* A piece to be looked up. */
typedef struct NextPiece
{
	const char *start;
	Size		length;
	uint64		group;
	uint64		hash;
} NextPiece;

/*
 * Number of pieces that are looked up together: the processor fetches the cache
 * entries of some while others are hashed.
 */
#define NEXT_PIECES	32

/*
 * Find the next pieces between *from and end, and prefetch their cache entries.
 * Returns their number and advances *from.
 */
static int
next_pieces(const BarqPieces *between, NextPiece *next, const char **from, const char *end)
{
	const char *p = *from;
	int			n = 0;

	for (; n < NEXT_PIECES; n++)
	{
		NextPiece  *c = &next[n];

		while (p < end && barq_is_space(*p))
			p++;
		if (p == end)
			break;
		c->start = p;
		p = piece_end(p, end);
		c->length = p - c->start;
		if (c->length > BARQ_PIECE_LONGEST)
			continue;
#ifndef WORDS_BIGENDIAN
		if (c->length < 8 && end - c->start >= 8)
		{
			memcpy(&c->group, c->start, 8);
			c->group &= (UINT64CONST(1) << (c->length * 8)) - 1;
		}
		else
#endif
			c->group = barq_hash_group(c->start, c->length);
		c->hash = barq_piece_hash(c->group, c->start, c->length, 0);
		__builtin_prefetch(&between->slots[c->hash & between->mask]);
	}
	for (int i = 0; i < n; i++)
		if (next[i].length <= BARQ_PIECE_LONGEST)
			__builtin_prefetch(barq_pieces_guess(between, next[i].hash));
	*from = p;
	return n;
}

/* The first '<' that the parser takes for the start of a tag; `end`: none. */
static const char *
first_tag(const char *text, const char *end)
{
	for (const char *p = text; (p = memchr(p, '<', end - p)) != NULL; p++)
	{
		char		next = p + 1 < end ? p[1] : ' ';

		if ((next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') ||
			strchr(":_/!?", next) != NULL)
			return p;
	}
	return end;
}

/*
 * Append the terms of a text without tags, piece by piece. Returns early, with
 * tokenizer->looks_ahead set, when a dictionary has asked for more than a piece:
 * then the terms so far are not valid.
 */
static void
add_pieces(BarqTokenizer *tokenizer, Target *target, const char *text, const char *end)
{
	const char *p = text;
	NextPiece	next[NEXT_PIECES];
	int			n;

	while ((n = next_pieces(&tokenizer->between, next, &p, end)) > 0)
	{
		for (int i = 0; i < n; i++)
		{
			NextPiece  *c = &next[i];
			BarqPiece	piece;

			if (c->length > BARQ_PIECE_LONGEST ||
				(c->start == text && (*text == '.' || *text == '~')))
			{
				/* with the white space before it, if any */
				const char *from = c->start > text ? c->start - 1 : c->start;

				run_parser(tokenizer, from, c->start + c->length - from, BARQ_WORDS_DOCUMENT,
						   add_word, target);
			}
			else
			{
				if (!barq_pieces_find_hashed(&tokenizer->between, c->group, c->hash,
											 c->start, c->length, 0, &piece))
					learn_piece(tokenizer, c->start, c->length, &piece);
				add_piece(target, &piece);
			}
			if (tokenizer->looks_ahead)
				return;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

void
barq_tokenize(BarqTokenizer *tokenizer, const char *text, Size length,
			  uint32 gap, BarqTokens *tokens)
{
	Target		target = {
		.tokenizer = tokenizer,
		.tokens = tokens,
		.position = tokens->last_position > 0 ? (uint64) tokens->last_position + gap : 0
	};
	uint64		first = target.position;
	const char *end = text + length;

	Assert(!tokenizer->busy);
	barq_tokenizer_refresh(tokenizer);
	if (tokenizer->kind == BARQ_TOKENIZER_CONFIG && tokenizer->chunks && !tokenizer->looks_ahead)
	{
		BarqTokens	before = *tokens;
		const char *stop = first_tag(text, end);

		/* a tag may contain white space: from the one before it on, parse */
		while (stop < end && stop > text && !barq_is_space(*stop))
			stop--;
		add_pieces(tokenizer, &target, text, stop);
		if (!tokenizer->looks_ahead)
			text = stop;
		else
		{
			/* start again, word by word */
			tokens->ntokens = before.ntokens;
			tokens->length = before.length;
			target.position = first;
		}
	}
	if (text < end)
		run_parser(tokenizer, text, end - text, BARQ_WORDS_DOCUMENT, add_word, &target);
	if (target.position > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document has too many words")));
	if (target.position > first)
		tokens->last_position = target.position;
}

/* ---- for queries and highlighting ---- */

void
barq_tokenize_words(BarqTokenizer *tokenizer, const char *text, Size length,
					BarqWordsFor purpose, BarqWordSink sink, void *arg)
{
	Assert(!tokenizer->busy);
	barq_tokenizer_refresh(tokenizer);
	run_parser(tokenizer, text, length, purpose, sink, arg);
}
