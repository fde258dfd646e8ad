/*
 * tokenizer.c
 *	  Tokenizers: what they know of their configuration, what they remember,
 *	  and the way of a text through them. See tokenizer.h, README.md.
 *
 * Most of a text never gets to the parser: with PostgreSQL's default parser a
 * piece between white spaces gives the same terms wherever it stands (README.md
 * has the proof and its conditions), so that what it gave is remembered.
 */
#include "text/lexize.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "base/compat.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#define WORDS_LIMIT		((Size) 8 * 1024 * 1024)
#define BETWEEN_LIMIT	((Size) 16 * 1024 * 1024)
#define CACHED_LIMIT	((Size) 32 * 1024 * 1024)

/* The default parser's type of what is between words. */
#define BLANK			12

/* ---- the configuration ---- */

/* Counts changes of text search objects, as far as this backend hears of them. */
static uint64 generation = 1;

static void
objects_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	generation++;
}

static void
hear_of_changes(void)
{
	static const int caches[] = {TSCONFIGOID, TSCONFIGMAP, TSDICTOID, TSPARSEROID, TSTEMPLATEOID};
	static bool heard = false;

	if (heard)
		return;
	for (Size i = 0; i < lengthof(caches); i++)
		CacheRegisterSyscacheCallback(caches[i], objects_changed, (Datum) 0);
	heard = true;
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

	hear_of_changes();
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
 * Few in practice: as many as a backend has seen configurations. They share
 * CACHED_LIMIT; when that is used up, all but the one asked for are emptied,
 * and that one too if it takes more than half of it.
 */
BarqTokenizer *
barq_tokenizer_cached(Oid config, BarqTokenizerKind kind)
{
	static BarqTokenizer **kept = NULL;
	static int	nkept = 0;
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

		if (kept == NULL)
			kept = palloc(sizeof(BarqTokenizer *));
		else
			kept = repalloc(kept, (nkept + 1) * sizeof(BarqTokenizer *));
		MemoryContextSwitchTo(old);
		/* (one that fails is left to be collected with what it was made in) */
		found = barq_tokenizer_create(config, kind, CurrentMemoryContext);
		MemoryContextSetParent(found->context, TopMemoryContext);
		kept[nkept++] = found;
	}
	/* a dictionary that it runs has come back to us: leave it alone */
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

/* Where the words of a text go. */
typedef struct Target
{
	const BarqTokenizer *tokenizer;
	BarqTokens *tokens;
	uint64		position;		/* of the last word */
} Target;

static void
make_room(BarqTokens *tokens, uint32 n)
{
	uint64		space = Max((uint64) tokens->space * 2, 64);

	while (space < (uint64) tokens->ntokens + n)
		space *= 2;
	if (space > PG_UINT32_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a document has too many words")));
	if (tokens->tokens == NULL)
		tokens->tokens = MemoryContextAllocHuge(CurrentMemoryContext,
												space * sizeof(BarqToken));
	else
		tokens->tokens = repalloc_huge(tokens->tokens, space * sizeof(BarqToken));
	tokens->space = space;
}

static inline void
add_piece(Target *target, const BarqPiece *piece)
{
	BarqTokens *tokens = target->tokens;
	BarqToken  *to;

	if (tokens->space - tokens->ntokens < piece->nterms)
		make_room(tokens, piece->nterms);
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

static void
add_word(void *arg, const BarqPiece *piece, Size start, Size end)
{
	add_piece(arg, piece);
}

/* What the parser and the dictionaries make of a text. */
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

static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

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
		if (is_space(*p))
			return p;
		p++;
	}
#endif
	while (p < end && !is_space(*p))
		p++;
	return p;
}

static void
draft_word(void *arg, const BarqPiece *word, Size start, Size end)
{
	barq_draft_add(arg, word);
}

/*
 * Have the parser look at a piece, with a space before it as in the text, and
 * remember what it gives.
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

/* A piece that is on its way. */
typedef struct Coming
{
	const char *start;
	Size		length;
	uint64		group;
	uint64		hash;
} Coming;

/*
 * So many pieces are looked for at a time: the memory that one needs comes
 * while others are hashed.
 */
#define MANY	32

/*
 * Find the next pieces between p and end, and have the processor fetch what is
 * remembered of them. Returns how many.
 */
static int
coming_pieces(const BarqPieces *between, Coming *coming, const char **from, const char *end)
{
	const char *p = *from;
	int			n = 0;

	for (; n < MANY; n++)
	{
		Coming	   *c = &coming[n];

		while (p < end && is_space(*p))
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
		if (coming[i].length <= BARQ_PIECE_LONGEST)
			__builtin_prefetch(barq_pieces_guess(between, coming[i].hash));
	*from = p;
	return n;
}

/* Where the first tag may begin: '<' and what the parser takes for its start. */
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
 * The pieces of a text without tags. Stops early when a dictionary has asked
 * for more than a piece.
 */
static void
add_pieces(BarqTokenizer *tokenizer, Target *target, const char *text, const char *end)
{
	const char *p = text;
	Coming		coming[MANY];
	int			n;

	while ((n = coming_pieces(&tokenizer->between, coming, &p, end)) > 0)
	{
		for (int i = 0; i < n; i++)
		{
			Coming	   *c = &coming[i];
			BarqPiece	piece;

			if (c->length > BARQ_PIECE_LONGEST ||
				(c->start == text && (*text == '.' || *text == '~')))
			{
				/* with the white space before it, if there is some */
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

		/* a tag may hold white space: the parser reads on from before it */
		while (stop < end && stop > text && !is_space(*stop))
			stop--;
		add_pieces(tokenizer, &target, text, stop);
		if (!tokenizer->looks_ahead)
			text = stop;
		else
		{
			/* from the start again, word by word */
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
