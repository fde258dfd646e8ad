/*
 * ngram.c
 *	  The tokenizer for text without spaces between words (Chinese, Japanese,
 *	  Thai …): grams of two and three characters.
 *
 * A text consists of runs of letters of a script without spaces, runs of other
 * letters and digits (words, which stay whole), and separators. Each character of
 * the former runs, and each word, counts for one position. The terms at the
 * position of a character are the trigram and the bigram that begin with it and,
 * if it is the last of its run, the character itself: hence at each position some
 * term begins with its character.
 *
 * A query's run of three or more characters gives its trigrams as a phrase (they
 * cover the run and are rarer than its bigrams), a run of two gives the bigram, a
 * lone character the prefix of all terms that begin with it.
 *
 * Grams are passed to the dictionaries of the configuration's token type "word",
 * words to those of "asciiword", "word", "numword" or "uint", as by the default
 * parser. Dictionaries that ask for the next word are passed over.
 */
#include "text/lexize.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_cache.h"
#include "tsearch/ts_public.h"
#include "tsearch/ts_utils.h"
#include "utils/memutils.h"

/* ---- characters ---- */

typedef enum CharClass
{
	SEPARATOR,
	WORD,						/* a letter of a script with spaces, or a digit */
	GRAM						/* a letter of a script without spaces */
} CharClass;

/*
 * Ranges of Unicode by their first code point, each up to the next range. The
 * locale is not consulted, so that an index is the same on every machine.
 */
static const struct
{
	uint32		first;
	CharClass	class;
} blocks[] =
	{
		{0x0080, SEPARATOR}, {0x00AA, WORD}, {0x00AB, SEPARATOR}, {0x00B5, WORD}, {0x00B6, SEPARATOR}, {0x00BA, WORD}, {0x00BB, SEPARATOR}, {0x00C0, WORD}, {0x00D7, SEPARATOR}, {0x00D8, WORD}, {0x00F7, SEPARATOR}, {0x00F8, WORD}, {0x055A, SEPARATOR}, {0x0560, WORD}, {0x0589, SEPARATOR}, {0x0591, WORD}, {0x0600, SEPARATOR}, {0x0610, WORD}, {0x061B, SEPARATOR}, {0x0620, WORD}, {0x066A, SEPARATOR}, {0x066E, WORD}, {0x06D4, SEPARATOR}, {0x06D5, WORD}, {0x0964, SEPARATOR}, {0x0966, WORD},
		/* Thai, Lao, Tibetan, Myanmar */
		{0x0E00, GRAM},
		{0x0E2F, SEPARATOR},
		{0x0E30, GRAM},
		{0x0E3F, SEPARATOR},
		{0x0E40, GRAM},
		{0x0E4F, SEPARATOR},
		{0x0E50, GRAM},
		{0x0E5A, SEPARATOR},
		{0x0E80, GRAM},
		{0x0F01, SEPARATOR},
		{0x0F18, GRAM},
		{0x0F3A, SEPARATOR},
		{0x0F3E, GRAM},
		{0x0F85, SEPARATOR},
		{0x0F86, GRAM},
		{0x0FBE, SEPARATOR},
		{0x1000, GRAM},
		{0x104A, SEPARATOR},
		{0x1050, GRAM},
		{0x10A0, WORD},
		/* Hangul jamo; Ethiopic … */
		{0x1100, GRAM},
		{0x1200, WORD},
		{0x1361, SEPARATOR},
		{0x1369, WORD},
		/* Khmer; Mongolian … Tai Le, New Tai Lue; Tai Tham */
		{0x1780, GRAM},
		{0x17D4, SEPARATOR},
		{0x17D7, GRAM},
		{0x17D8, SEPARATOR},
		{0x17DC, GRAM},
		{0x1800, SEPARATOR},
		{0x1810, WORD},
		{0x1950, GRAM},
		{0x19E0, WORD},
		{0x1A20, GRAM},
		{0x1AB0, WORD},
		/* punctuation, signs */
		{0x2000, SEPARATOR},
		{0x200C, WORD},
		{0x200E, SEPARATOR},
		{0x20D0, WORD},
		{0x2100, SEPARATOR},
		{0x2150, WORD},
		{0x2190, SEPARATOR},
		{0x2C00, WORD},
		{0x2E00, SEPARATOR},
		/* radicals, kana, bopomofo, ideographs, Yi */
		{0x2E80, GRAM},
		{0x2FF0, SEPARATOR},
		{0x3005, GRAM},
		{0x3008, SEPARATOR},
		{0x3021, GRAM},
		{0x3030, SEPARATOR},
		{0x3031, GRAM},
		{0x3036, SEPARATOR},
		{0x3038, GRAM},
		{0x303D, SEPARATOR},
		{0x3040, GRAM},
		{0x309B, SEPARATOR},
		{0x309D, GRAM},
		{0x30A0, SEPARATOR},
		{0x30A1, GRAM},
		{0x30FB, SEPARATOR},
		{0x30FC, GRAM},
		{0x31C0, SEPARATOR},
		{0x31F0, GRAM},
		{0x4DC0, SEPARATOR},
		{0x4E00, GRAM},
		{0xA490, SEPARATOR},
		{0xA4D0, WORD},
		/* Hangul, Myanmar extended, Tai Viet; Hangul syllables; private use */
		{0xA960, GRAM},
		{0xA980, WORD},
		{0xA9E0, GRAM},
		{0xAA00, WORD},
		{0xAA60, GRAM},
		{0xAAE0, WORD},
		{0xAC00, GRAM},
		{0xFB00, WORD},
		{0xFD3E, SEPARATOR},
		{0xFD50, WORD},
		/* presentation forms, half and full width */
		{0xFE00, GRAM},
		{0xFE10, SEPARATOR},
		{0xFE20, WORD},
		{0xFE30, SEPARATOR},
		{0xFE70, WORD},
		{0xFEFF, SEPARATOR},
		{0xFF10, WORD},
		{0xFF1A, SEPARATOR},
		{0xFF21, WORD},
		{0xFF3B, SEPARATOR},
		{0xFF41, WORD},
		{0xFF5B, SEPARATOR},
		{0xFF66, GRAM},
		{0xFFE0, SEPARATOR},
		/* the other planes: Tangut, kana, emoji, ideographs, selectors */
		{0x10000, WORD},
		{0x17000, GRAM},
		{0x18E00, WORD},
		{0x1AFF0, GRAM},
		{0x1B300, WORD},
		{0x1F000, SEPARATOR},
		{0x1FB00, WORD},
		{0x20000, GRAM},
		{0xE0000, SEPARATOR},
		{0xE0100, GRAM},
		{0xF0000, GRAM}
};

/* The class of a code point from 0x80 on. */
static CharClass
unicode_class(uint32 code)
{
	int			low = 0;
	int			high = lengthof(blocks) - 1;

	while (low < high)
	{
		int			middle = (low + high + 1) / 2;

		if (blocks[middle].first <= code)
			low = middle;
		else
			high = middle - 1;
	}
	return blocks[low].class;
}

/*
 * The class of a character of two bytes in an EUC encoding. The first two rows of
 * each set are punctuation and symbols, the third has digits and Latin letters.
 */
static CharClass
euc_class(const uint8 *c, int encoding)
{
	if (c[0] == 0xA1 && (encoding == PG_EUC_JP || encoding == PG_EUC_JIS_2004) &&
		((c[1] >= 0xB3 && c[1] <= 0xB6) || (c[1] >= 0xB8 && c[1] <= 0xBC)))
		return GRAM;			/* marks that repeat or lengthen a kana */
	if (c[0] == 0xA1 || c[0] == 0xA2)
		return SEPARATOR;
	return c[0] == 0xA3 ? WORD : GRAM;
}

/* The class of the character at p, and its length in bytes. */
static CharClass
char_at(const char *p, const char *end, int encoding, int *length)
{
	uint8		c = (uint8) *p;

	*length = 1;
	if (c < 0x80)
		return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
			? WORD : SEPARATOR;
	if (pg_encoding_max_length(encoding) == 1)
	{
		/* SQL_ASCII: unknown; WIN874: Thai; the others have mostly letters */
		if (encoding == PG_SQL_ASCII)
			return GRAM;
		return c <= 0xA0 ? SEPARATOR : encoding == PG_WIN874 ? GRAM : WORD;
	}
	*length = Min(pg_encoding_mblen(encoding, p), end - p);
	if (encoding == PG_UTF8)
		return *length < pg_encoding_mblen(encoding, p) ? SEPARATOR :
			unicode_class(utf8_to_unicode((const unsigned char *) p));
	return *length == 2 ? euc_class((const uint8 *) p, encoding) : GRAM;
}

/* ---- token types ---- */

enum
{
	ASCIIWORD,
	ANYWORD,
	NUMWORD,
	UINT,
	NTYPES
};

static const char *const aliases[NTYPES] = {"asciiword", "word", "numword", "uint"};

/*
 * Look up the parser's numbers of these token types, into
 * tokenizer->ngram_types. Raises ERRCODE_FEATURE_NOT_SUPPORTED if the parser has
 * no type "word".
 */
static void
find_types(BarqTokenizer *tokenizer)
{
	TSParserCacheEntry *parser = lookup_ts_parser_cache(tokenizer->parser);
	int			types[NTYPES] = {0};
	LexDescr   *described;

	StaticAssertStmt(NTYPES == lengthof(tokenizer->ngram_types), "a slot for each type");
	if (!OidIsValid(parser->lextypeOid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("text search parser %u has no lextypes method", tokenizer->parser)));
	described = (LexDescr *) DatumGetPointer(OidFunctionCall1(parser->lextypeOid, (Datum) 0));
	for (; described != NULL && described->lexid != 0; described++)
		for (int i = 0; i < NTYPES; i++)
			if (strcmp(described->alias, aliases[i]) == 0)
				types[i] = described->lexid;
	if (types[ANYWORD] == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the ngram tokenizer needs a text search parser with tokens of type \"word\""),
				 errhint("Use a text search configuration of the default parser.")));
	for (int i = 0; i < NTYPES; i++)
		tokenizer->ngram_types[i] = types[i] != 0 ? types[i] : types[ANYWORD];
}

/* The token type of a word: its index in aliases[]. */
static int
word_type(const char *p, const char *end)
{
	bool		ascii = true;
	bool		letters = false;
	bool		digits = false;

	for (; p < end; p++)
	{
		digits |= *p >= '0' && *p <= '9';
		letters |= !(*p >= '0' && *p <= '9');
		ascii &= (uint8) *p < 0x80;
	}
	return !digits ? (ascii ? ASCIIWORD : ANYWORD) : letters ? NUMWORD : UINT;
}

/* ---- runs ---- */

/* Arguments of barq_ngram(). */
typedef struct Ngram
{
	BarqTokenizer *tokenizer;
	const char *text;
	BarqWordsFor purpose;
	BarqWordSink sink;
	void	   *arg;
} Ngram;

/* Add the terms of [start, end), a word or a gram, at the draft's position. */
static void
add_gram(Ngram *ngram, int type, const char *start, const char *end)
{
	BarqPiece	gram;

	barq_lexize_word(ngram->tokenizer, ngram->tokenizer->ngram_types[type],
					 start, end - start, &gram);
	gram.advance = 0;
	barq_draft_add(ngram->tokenizer, &gram);
}

/* Pass the draft to the sink: all terms of one position. */
static void
emit_position(Ngram *ngram, const char *start, const char *end)
{
	BarqPiece  *draft = &ngram->tokenizer->draft.piece;

	draft->advance = 1;
	draft->words = draft->nterms > 0;
	ngram->sink(ngram->arg, draft, start - ngram->text, end - ngram->text);
}

/* Pass a gram to the sink, for BARQ_WORDS_PLACES. */
static void
emit_gram(Ngram *ngram, const char *start, const char *end)
{
	BarqDraft  *draft = &ngram->tokenizer->draft;

	barq_draft_begin(ngram->tokenizer);
	add_gram(ngram, ANYWORD, start, end);
	for (uint32 i = 0; i < draft->piece.nterms; i++)
		draft->terms[i].position = 0;
	ngram->sink(ngram->arg, &draft->piece, start - ngram->text, end - ngram->text);
}

/*
 * Emit the position of the character at p. at[k]: the end of the k-th character
 * from p on; NULL: beyond the run. first: p begins the run.
 */
static void
emit_char(Ngram *ngram, const char *p, const char *const at[3], bool first)
{
	BarqPiece  *draft = barq_draft_begin(ngram->tokenizer);
	const char *end = at[0];
	bool		for_query = ngram->purpose == BARQ_WORDS_QUERY;

	if (ngram->purpose == BARQ_WORDS_PLACES)
	{
		emit_position(ngram, p, at[0]);
		for (int i = 0; i < 3; i++)
			if (at[i] != NULL && (i > 0 || at[1] == NULL))
				emit_gram(ngram, p, at[i]);
		return;
	}
	if (at[2] != NULL)
		add_gram(ngram, ANYWORD, p, end = at[2]);
	if (at[1] != NULL && (!for_query || (first && at[2] == NULL)))
		add_gram(ngram, ANYWORD, p, at[1]);
	if (at[1] == NULL && (!for_query || first))
		add_gram(ngram, ANYWORD, p, at[0]);
	if (at[2] == NULL && at[1] != NULL)
		end = at[1];
	if (for_query && at[1] == NULL)
		for (uint32 i = 0; i < draft->nterms; i++)
			ngram->tokenizer->draft.terms[i].prefix = 1;
	emit_position(ngram, p, end);
}

/* Emit the positions of a run of grams. */
static void
emit_run(Ngram *ngram, const char *start, const char *end, int encoding)
{
	const char *at[4] = {start};	/* bounds of the next three characters */
	int			length;

	for (int i = 1; i < 4; i++)
	{
		at[i] = NULL;
		if (at[i - 1] != NULL && at[i - 1] < end)
		{
			char_at(at[i - 1], end, encoding, &length);
			at[i] = at[i - 1] + length;
		}
	}
	while (at[0] < end)
	{
		/* the last trigram covers the end of a query's run, so only the first
		 * position may give shorter grams */
		emit_char(ngram, at[0], at + 1, at[0] == start);
		memmove(at, at + 1, 3 * sizeof(at[0]));
		at[3] = NULL;
		if (at[2] != NULL && at[2] < end)
		{
			char_at(at[2], end, encoding, &length);
			at[3] = at[2] + length;
		}
		CHECK_FOR_INTERRUPTS();
	}
}

void
barq_ngram(BarqTokenizer *tokenizer, const char *text, Size length,
		   BarqWordsFor purpose, BarqWordSink sink, void *arg)
{
	Ngram		ngram = {tokenizer, text, purpose, sink, arg};
	const char *end = text + length;
	int			encoding = GetDatabaseEncoding();
	int			bytes;

	if (tokenizer->ngram_types[0] < 0)
		find_types(tokenizer);
	for (const char *p = text, *next; p < end; p = next)
	{
		CharClass	class = char_at(p, end, encoding, &bytes);

		next = p + bytes;
		if (class == SEPARATOR)
			continue;
		while (next < end && char_at(next, end, encoding, &bytes) == class)
			next += bytes;
		if (class == GRAM)
			emit_run(&ngram, p, next, encoding);
		else
		{
			barq_draft_begin(tokenizer);
			add_gram(&ngram, word_type(p, next), p, next);
			emit_position(&ngram, p, next);
		}
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextReset(tokenizer->dictionary_context);
	MemoryContextReset(tokenizer->parse_context);
}

bool
barq_ngram_last_word(const char *text, Size length, Size *start)
{
	const char *end = text + length;
	int			encoding = GetDatabaseEncoding();
	CharClass	class = SEPARATOR;
	int			bytes;

	for (const char *p = text, *next; p < end; p = next)
	{
		CharClass	c = char_at(p, end, encoding, &bytes);

		next = p + bytes;
		if (c == SEPARATOR)
			continue;
		while (next < end && char_at(next, end, encoding, &bytes) == c)
			next += bytes;
		*start = p - text;
		class = c;
	}
	return class == WORD;
}
