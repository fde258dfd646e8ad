/*
 * text_run_languages.c
 *	  The tokenizers of a participant of CREATE INDEX of text: one or, where each row has a
 *	  language or fields have configurations of their own, one for each configuration.
 *
 * Each tokenizer numbers its own terms. With languages, the inverted index has a table of
 * terms of its own, and the numbers are translated.
 */
#include "postgres.h"

#include "base/array.h"
#include "text_index/text_build.h"
#include "utils/memutils.h"

#define NO_NUMBER	PG_UINT32_MAX

void
barq_text_run_languages_begin(BarqTextRuns *runs)
{
	runs->language_context = AllocSetContextCreate(CurrentMemoryContext, "barq languages",
												   ALLOCSET_DEFAULT_SIZES);
	if (!runs->analysis.by_row && !runs->analysis.by_field)
		runs->tokenizer = barq_tokenizer_create(runs->options.config, runs->options.tokenizer,
												runs->language_context);
}

Size
barq_text_run_languages_bytes(const BarqTextRuns *runs)
{
	Size		bytes = 0;

	if (runs->tokenizer != NULL)
		return barq_tokenizer_bytes(runs->tokenizer);
	for (int i = 0; i < runs->nlanguages; i++)
		bytes += barq_tokenizer_bytes(runs->languages[i].tokenizer) +
			runs->languages[i].space * sizeof(uint32);
	if (runs->terms != NULL)
		bytes += barq_terms_bytes(runs->terms);
	return bytes;
}

void
barq_text_run_languages_reset(BarqTextRuns *runs)
{
	if (runs->tokenizer != NULL)
		barq_tokenizer_reset(runs->tokenizer);
	for (int i = 0; i < runs->nlanguages; i++)
		barq_tokenizer_reset(runs->languages[i].tokenizer);
}

BarqTermTable *
barq_text_run_languages_terms(BarqTextRuns *runs)
{
	if (runs->tokenizer != NULL)
		return barq_tokenizer_terms(runs->tokenizer);
	runs->terms = barq_terms_create(runs->builder_context);
	for (int i = 0; i < runs->nlanguages; i++)
		runs->languages[i].nnumbers = 0;
	return runs->terms;
}

/* The tokenizer of a configuration. */
static BarqBuildLanguage *
language_of(BarqTextRuns *runs, Oid config)
{
	MemoryContext old;
	BarqBuildLanguage *added;

	for (int i = 0; i < runs->nlanguages; i++)
		if (runs->languages[i].config == config)
			return &runs->languages[i];
	old = MemoryContextSwitchTo(runs->language_context);
	BARQ_ARRAY_RESERVE(runs->languages, runs->language_space, runs->nlanguages + 1, 8);
	added = &runs->languages[runs->nlanguages];
	memset(added, 0, sizeof(*added));
	added->config = config;
	added->tokenizer = barq_tokenizer_create(config, runs->options.tokenizer,
											 runs->language_context);
	runs->nlanguages++;
	MemoryContextSwitchTo(old);
	return added;
}

/* The number in the run's table of a term of a tokenizer. */
static uint32
number_of(BarqTextRuns *runs, BarqBuildLanguage *language, uint32 term)
{
	uint32		length;
	const char *text;

	if (term >= language->nnumbers)
	{
		MemoryContext old = MemoryContextSwitchTo(runs->language_context);

		BARQ_ARRAY_RESERVE(language->numbers, language->space, term + 1, 1024);
		MemoryContextSwitchTo(old);
		while (language->nnumbers < language->space)
			language->numbers[language->nnumbers++] = NO_NUMBER;
	}
	if (language->numbers[term] == NO_NUMBER)
	{
		text = barq_terms_text(barq_tokenizer_terms(language->tokenizer), term, &length);
		language->numbers[term] = barq_terms_intern(runs->terms, text, length);
	}
	return language->numbers[term];
}

void
barq_text_run_tokens(BarqTextRuns *runs, const BarqTextRow *row, BarqTokens *tokens)
{
	const BarqTextAnalysis *analysis = &runs->analysis;
	int			marked;
	Oid			config;

	if (runs->tokenizer != NULL)
	{
		barq_text_row_tokens(runs->tokenizer, InvalidOid, row, tokens);
		return;
	}
	marked = barq_text_marked_field(row);
	config = barq_text_language(row, analysis->config);
	for (int i = 0; i < row->nfields; i++)
	{
		Oid			own = analysis->configs[i];
		BarqBuildLanguage *language = language_of(runs, OidIsValid(own) ? own : config);
		uint32		before = tokens->ntokens;

		barq_text_field_tokens(language->tokenizer, row, i, i == marked ? config : InvalidOid, tokens);
		for (uint32 j = before; j < tokens->ntokens; j++)
			tokens->tokens[j].term = number_of(runs, language, tokens->tokens[j].term);
	}
}
