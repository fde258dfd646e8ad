/*
 * glosses.h
 *	  Documents of the micro-benchmark of ranked text: WordNet's glosses as numbers of
 *	  words. After pgshim.h.
 */
#ifndef BARQ_BENCH_GLOSSES_H
#define BARQ_BENCH_GLOSSES_H

#include <ctype.h>

#include "bm25/bm25_read.h"

#define MAX_WORD 64

static uint64 random_state = 42;

static uint32
random_below(uint32 n)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32) (((random_state * UINT64CONST(2685821657736338717)) >> 32) * n >> 32);
}

/* A gloss: numbers of its words in the vocabulary, stop words left out. */
typedef struct Gloss
{
	uint32		n;				/* words kept */
	uint32		words;			/* with stop words: where the next gloss goes on */
	BarqToken  *tokens;
} Gloss;

static BarqTermTable *vocabulary;
static Gloss *glosses;
static uint32 nglosses;

/* ---- words ---- */

static bool
ends_with(const char *word, uint32 length, const char *ending)
{
	uint32		n = strlen(ending);

	return length > n + 2 && memcmp(word + length - n, ending, n) == 0;
}

static uint32
stem(const char *word, uint32 length)
{
	static const char *const endings[] = {"ations", "ation", "ings", "ing", "edly", "ed",
										  "ness", "ions", "ion", "ies", "ly", "es", "s", "e"};

	for (int i = 0; i < lengthof(endings); i++)
		if (ends_with(word, length, endings[i]))
			return length - strlen(endings[i]);
	return length;
}

static void
read_glosses(const char *folder, const char *stop_file)
{
	static const char *const parts[] = {"adj", "adv", "noun", "verb"};
	BarqTermTable *stops = barq_terms_create(TopMemoryContext);
	char		line[65536];
	FILE	   *file = fopen(stop_file, "r");

	if (file != NULL)
	{
		while (fgets(line, sizeof(line), file))
			barq_terms_intern(stops, line, strcspn(line, "\n"));
		fclose(file);
	}
	vocabulary = barq_terms_create(TopMemoryContext);
	glosses = calloc(200000, sizeof(Gloss));
	for (int p = 0; p < lengthof(parts); p++)
	{
		snprintf(line, sizeof(line), "%s/data.%s", folder, parts[p]);
		file = fopen(line, "r");
		if (file == NULL)
		{
			perror(line);
			exit(1);
		}
		while (fgets(line, sizeof(line), file))
		{
			char	   *at = strstr(line, " | ");
			Gloss	   *gloss;
			BarqToken	tokens[4096];

			if (at == NULL || line[0] == ' ')
				continue;
			gloss = &glosses[nglosses++];
			while (*at != '\0')
			{
				char		word[MAX_WORD];
				uint32		length = 0;

				for (; isalnum((unsigned char) *at); at++)
					if (length < MAX_WORD)
						word[length++] = tolower((unsigned char) *at);
				if (length > 0)
				{
					gloss->words++;
					if (barq_terms_find(stops, word, length) == PG_UINT32_MAX)
					{
						tokens[gloss->n].term = barq_terms_intern(vocabulary, word,
																  stem(word, length));
						tokens[gloss->n++].position = gloss->words;
					}
				}
				else
					at++;
			}
			gloss->tokens = malloc(sizeof(BarqToken) * (gloss->n + 1));
			memcpy(gloss->tokens, tokens, sizeof(BarqToken) * gloss->n);
		}
		fclose(file);
	}
}

/* ---- documents ---- */

typedef struct Documents
{
	uint32		n;
	uint32		glosses;		/* of one document */
	uint32	   *chosen;
	uint64		tokens;
	uint32		title;			/* words of a first field; 0: there is one field */
} Documents;

static void
make_documents(Documents *d, uint32 n, uint32 per)
{
	d->n = per == 1 ? nglosses : n;
	d->glosses = per;
	d->chosen = malloc(sizeof(uint32) * (Size) d->n * per);
	d->tokens = 0;
	for (uint32 i = 0; i < d->n * per; i++)
	{
		d->chosen[i] = per == 1 ? i : random_below(nglosses);
		d->tokens += glosses[d->chosen[i]].n;
	}
}

static void
document_tokens(const Documents *d, uint32 document, BarqTokens *tokens)
{
	uint32		base = 0;

	tokens->ntokens = tokens->length = tokens->nfields = 0;
	for (uint32 i = 0; i < d->glosses; i++)
	{
		const Gloss *gloss = &glosses[d->chosen[(Size) document * d->glosses + i]];

		for (uint32 j = 0; j < gloss->n; j++)
		{
			if (d->title > 0 && tokens->ntokens == d->title && tokens->nfields == 0)
				barq_tokens_end_field(tokens, false);
			tokens->tokens[tokens->ntokens] = gloss->tokens[j];
			tokens->tokens[tokens->ntokens++].position += base;
			tokens->length = tokens->ntokens;
		}
		base += gloss->words;
	}
	tokens->last_position = base;
	while (d->title > 0 && tokens->nfields < 2)
		barq_tokens_end_field(tokens, false);
}

static void
document_tid(uint32 document, ItemPointerData *tid)
{
	ItemPointerSet(tid, document / 40, document % 40 + 1);
}

#endif							/* BARQ_BENCH_GLOSSES_H */
