/*
 * text_similar.c
 *	  barq_similar(): the best words of a text, as a query for texts like it.
 *
 * As Lucene's MoreLikeThis chooses them: by the frequency in the text times idf. The query
 * has the words as the text writes them, so that they become the same terms again.
 */
#include "postgres.h"

#include "base/array.h"
#include "miscadmin.h"
#include "text/lexize.h"
#include "text_index/text_index.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_similar);

#define MOST_WORDS	1024

/* A term of the text; its number in Words.terms is its place in Words.list. */
typedef struct Word
{
	Size		start;			/* bytes of the first word that gave it */
	Size		end;			/* 0: not known */
	uint32		number;			/* of the term */
	double		frequency;		/* by the configuration that gives most */
	double		value;			/* frequency · idf; 0: not in the index */
	uint32		pass;			/* the last that gave it */
	uint32		count;			/* in that pass */
} Word;

typedef struct Words
{
	BarqTokenizer *tokenizer;
	BarqTermTable *terms;
	Word	   *list;
	uint32		space;
	uint32		pass;			/* one for each configuration */
} Words;

/* BarqWordSink: count the terms of a word. */
static void
add_word(void *arg, const BarqPiece *piece, Size start, Size end)
{
	Words	   *words = arg;

	for (uint32 i = 0; i < piece->nterms; i++)
	{
		uint32		before = barq_terms_count(words->terms);
		uint32		length;
		const char *text;
		uint32		number;
		Word	   *word;

		if (piece->terms[i].again)
			continue;
		text = barq_terms_text(barq_tokenizer_terms(words->tokenizer), piece->terms[i].term,
							   &length);
		number = barq_terms_intern(words->terms, text, length);
		if (number == before)
		{
			BARQ_ARRAY_RESERVE(words->list, words->space, before + 1, 64);
			words->list[number] = (Word) {.start = start, .end = end, .number = number};
		}
		word = &words->list[number];
		word->count = word->pass == words->pass ? word->count + 1 : 1;
		word->pass = words->pass;
		word->frequency = Max(word->frequency, word->count);
	}
}

/* qsort comparator of Word: best first, then in the order of the text. */
static int
compare_words(const void *a, const void *b)
{
	const Word *x = a;
	const Word *y = b;

	if (x->value != y->value)
		return x->value > y->value ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Set the values of the words by the frequencies of their terms. */
static void
weigh_words(BarqTextStatistics *statistics, Words *words)
{
	uint32		n = barq_terms_count(words->terms);
	BarqBm25Term *terms = palloc_extended(sizeof(BarqBm25Term) * (Size) Max(n, 1),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double	   *boosts = palloc_extended(sizeof(double) * (Size) Max(n, 1), MCXT_ALLOC_HUGE);

	for (uint32 i = 0; i < n; i++)
	{
		terms[i].text.text = barq_terms_text(words->terms, i, &terms[i].text.length);
		boosts[i] = 1;
	}
	barq_text_statistics_weigh(statistics, terms, boosts, n, 0);
	for (uint32 i = 0; i < n; i++)
		words->list[i].value = terms[i].df == 0 ? 0 : words->list[i].frequency * terms[i].weight;
}

/* Append a word as the text writes it, or else its term, without marks. */
static void
append_word(StringInfo query, const Words *words, const Word *word, const char *body)
{
	uint32		length;
	const char *text = barq_terms_text(words->terms, word->number, &length);
	Size		escaped;

	if (word->end > word->start)
	{
		text = body + word->start;
		length = word->end - word->start;
	}
	text = barq_text_query_escape(text, length, &escaped);
	if (query->len > 0)
		appendStringInfoChar(query, ' ');
	appendBinaryStringInfo(query, text, escaped);
}

/* Add the words of a text, by a configuration. */
static void
add_words(Words *words, Oid config, BarqTokenizerKind kind, const char *body, Size length)
{
	words->tokenizer = barq_tokenizer_cached(config, kind);
	words->pass++;
	barq_tokenize_words(words->tokenizer, body, length,
						kind == BARQ_TOKENIZER_NGRAM ? BARQ_WORDS_QUERY : BARQ_WORDS_DOCUMENT,
						add_word, words);
}

/* The words of a query for texts like `body`: at most `most`, best first. */
static void
best_words(BarqTextStatistics *statistics, const BarqTextAnalysis *analysis, const char *body,
		   Size length, int most, StringInfo query)
{
	Words		words = {0};
	uint32		n;
	Size	   *chosen = palloc(sizeof(Size) * most);
	int			nchosen = 0;

	words.terms = barq_terms_create(CurrentMemoryContext);
	add_words(&words, analysis->config, analysis->tokenizer, body, length);
	for (int i = 0; i < BARQ_BM25_FIELDS; i++)
		if (OidIsValid(analysis->configs[i]) && analysis->configs[i] != analysis->config)
			add_words(&words, analysis->configs[i], analysis->tokenizer, body, length);
	n = barq_terms_count(words.terms);
	weigh_words(statistics, &words);
	if (n > 0)
		qsort(words.list, n, sizeof(Word), compare_words);
	for (uint32 i = 0; i < n && nchosen < most && words.list[i].value > 0; i++)
	{
		const Word *word = &words.list[i];
		bool		again = false;

		/* a word of several terms is written once */
		for (int j = 0; j < nchosen && word->end > word->start && !again; j++)
			again = chosen[j] == word->start;
		if (again)
			continue;
		chosen[nchosen++] = word->end > word->start ? word->start : SIZE_MAX;
		append_word(query, &words, word, body);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * barq_similar(index regclass, body text, max_terms int, language text) → bm25query: the best
 * words of a text, read in a language of the index ('': by text_config), by frequency · idf, as
 * a query for the index by its name. Raises ERRCODE_INVALID_PARAMETER_VALUE for max_terms out of range,
 * ERRCODE_INSUFFICIENT_PRIVILEGE without the right to the index's content, and the errors
 * of barq_text_statistics() and barq_text_set_language().
 */
Datum
barq_similar(PG_FUNCTION_ARGS)
{
	Oid			index = PG_GETARG_OID(0);
	text	   *body = PG_GETARG_TEXT_PP(1);
	int			most = PG_GETARG_INT32(2);
	BarqTextStatistics *statistics;
	BarqTextAnalysis analysis;
	MemoryContext context;
	MemoryContext old;
	StringInfoData query;
	char	   *name;

	if (most < 1 || most > MOST_WORDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_terms is %d, which is not between 1 and %d", most, MOST_WORDS),
				 errhint("25 are enough for most texts.")));
	barq_check_index_content_rights(index);
	statistics = barq_text_statistics(index, fcinfo->flinfo->fn_mcxt);
	analysis = *barq_text_statistics_analysis(statistics);
	if (PG_NARGS() > 3 && VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(3)) > 0)
		barq_text_set_language(index, text_to_cstring(PG_GETARG_TEXT_PP(3)), &analysis);
	initStringInfo(&query);
	context = AllocSetContextCreate(CurrentMemoryContext, "barq similar", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	best_words(statistics, &analysis, VARDATA_ANY(body), VARSIZE_ANY_EXHDR(body), most, &query);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(index)),
									  get_rel_name(index));
	PG_RETURN_POINTER(barq_query_value_named(name, query.data, query.len));
}
