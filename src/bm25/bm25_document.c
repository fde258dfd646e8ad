/*
 * bm25_document.c
 *	  One document's score and conditions, from its own bytes: rows of the
 *	  growing log, and rows that are re-checked.
 */
#include "postgres.h"

#include "bm25/bm25_layout.h"

/* What the document has of a term of the query. */
typedef struct Held
{
	uint32		frequency;
	uint32	   *positions;		/* NULL where it keeps none */
} Held;

/* Which of a prefix's expansions is a term; they are sorted. */
static bool
expands(const BarqBm25Term *term, const char *text, uint32 length)
{
	uint32		low = 0;
	uint32		high = term->nexpansions;

	if (length < term->text.length || memcmp(text, term->text.text, term->text.length) != 0)
		return false;
	if (term->weight == 0)
		return true;			/* a condition: all that begin like this */
	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;
		int			order = barq_compare_terms(term->expansions[middle].text,
											   term->expansions[middle].length,
											   text, length);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The first term of the query that is not before a text. */
static uint32
first_at_least(const BarqBm25Query *query, const char *text, uint32 length)
{
	uint32		low = 0;
	uint32		high = query->nterms;

	while (low < high)
	{
		uint32		middle = low + (high - low) / 2;

		if (barq_compare_terms(query->terms[middle].text.text,
							   query->terms[middle].text.length, text, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
hold(Held *held, const BarqDocumentReader *reader)
{
	held->frequency = (uint32) Min((uint64) held->frequency + reader->frequency, PG_UINT32_MAX);
	if (reader->positions != NULL && held->positions == NULL)
	{
		held->positions = palloc_extended(sizeof(uint32) * (Size) reader->frequency,
										  MCXT_ALLOC_HUGE);
		barq_document_positions(reader, held->positions);
	}
}

static bool
condition_holds(const BarqBm25Condition *what, const Held *held, bool positions, bool *unsure)
{
	const uint32 **lists;
	uint32	   *counts;

	*unsure = false;
	if (!what->phrase)
	{
		for (uint32 i = 0; i < what->nterms; i++)
			if (held[what->terms[i]].frequency > 0)
				return true;
		return false;
	}
	for (uint32 i = 0; i < what->nterms;)
	{
		uint32		offset = what->offsets[i];
		bool		any = false;

		for (; i < what->nterms && what->offsets[i] == offset; i++)
			any |= held[what->terms[i]].frequency > 0;
		if (!any)
			return false;
	}
	if (what->nterms == 0 || what->offsets[what->nterms - 1] == what->offsets[0])
		return what->nterms > 0;
	if (!positions)
	{
		*unsure = true;
		return true;
	}
	lists = palloc(sizeof(uint32 *) * what->nterms);
	counts = palloc(sizeof(uint32) * what->nterms);
	for (uint32 i = 0; i < what->nterms; i++)
	{
		lists[i] = held[what->terms[i]].positions;
		counts[i] = held[what->terms[i]].frequency;
	}
	return barq_bm25_phrase_fits(what, lists, counts);
}

bool
barq_bm25_score_document(const BarqBm25Query *query, const char *document,
						 uint32 length, double *score, bool *recheck)
{
	BarqDocumentReader reader;
	Held	   *held = palloc0(sizeof(Held) * Max(query->nterms, 1));
	bool		positions;
	double		norm;
	bool		any = false;
	bool		prefixes = false;

	for (uint32 i = 0; i < query->nterms; i++)
		prefixes |= query->terms[i].prefix;
	barq_document_open(&reader, document, length);
	positions = (reader.header->flags & BARQ_DOCUMENT_POSITIONS) != 0;
	norm = barq_bm25_norm(query->k1, query->b, reader.header->length, query->avglen);
	while (barq_document_next(&reader))
	{
		uint32		at = first_at_least(query, reader.term, reader.term_length);

		/* a term and a prefix may have the same text */
		for (uint32 i = at; i < query->nterms &&
			 barq_compare_terms(query->terms[i].text.text, query->terms[i].text.length,
								reader.term, reader.term_length) == 0;
			 i++)
			if (!query->terms[i].prefix)
				hold(&held[i], &reader);
		for (uint32 i = 0; prefixes && i < query->nterms; i++)
			if (query->terms[i].prefix && expands(&query->terms[i], reader.term, reader.term_length))
				hold(&held[i], &reader);
	}

	*score = 0;
	*recheck = false;
	if (query->nothing)
		return false;
	for (uint32 i = 0; i < query->nterms; i++)
		if (held[i].frequency > 0 && query->terms[i].weight != 0)
		{
			*score += barq_bm25_share(query->terms[i].weight, held[i].frequency, norm);
			any = true;
		}
	for (uint32 i = 0; i < query->nconditions; i++)
	{
		bool		unsure;
		bool		holds = condition_holds(&query->conditions[i], held, positions, &unsure);

		if (unsure)
			*recheck = true;
		else if (holds == (query->conditions[i].occur == BARQ_MUST_NOT))
			return false;
	}
	return query->scored ? any : true;
}
