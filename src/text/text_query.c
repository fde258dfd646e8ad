/*
 * text_query.c
 *	  From the items of a text query to clauses of normalised terms. See
 *	  text_query.h.
 */
#include "text/text_query.h"

#include "base/array.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "text/lexize.h"
#include "text/query_scan.h"
#include "text/text_query_parse.h"
#include "utils/memutils.h"

BarqClause *
barq_query_add_clause(BarqQueryClauses *clauses, const BarqClause *clause)
{
	BARQ_ARRAY_RESERVE(clauses->list, clauses->space, clauses->n + 1, 8);
	clauses->list[clauses->n] = *clause;
	return &clauses->list[clauses->n++];
}

char *
barq_query_fields_list(const BarqQueryFields *fields)
{
	StringInfoData list;

	initStringInfo(&list);
	for (uint32 i = 0; i < fields->n; i++)
		if (fields->names[i] != NULL)
			appendStringInfo(&list, "%s\"%s\"", list.len > 0 ? ", " : "", fields->names[i]);
	return list.data;
}

/* ---- words ---- */

/*
 * Add a clause, a word or a phrase, of n spans sorted by position; none if n is 0.
 * Sets parse->full if there are too many terms.
 */
static void
add_clause_of_spans(BarqQueryParse *parse, const BarqQuerySpan *spans, uint32 n, const BarqQueryItem *item)
{
	BarqClause *clause;

	if (n == 0)
		return;
	if (n > BARQ_QUERY_MOST_TERMS - parse->nterms)
	{
		parse->full = true;
		return;
	}
	parse->nterms += n;
	clause = barq_query_add_clause(&parse->levels[parse->depth].clauses,
								   &(BarqClause) {
									   .kind = BARQ_CLAUSE_WORD,
									   .occur = item->occur,
									   .boost = barq_query_bounded_boost(item->boost),
									   .fields = item->fields,
									   .nterms = n,
									   .terms = palloc(n * sizeof(BarqClauseTerm))
								   });
	for (uint32 i = 0; i < n; i++)
	{
		BarqClauseTerm *term = &clause->terms[i];
		const char *text = barq_terms_text(barq_tokenizer_terms(parse->tokenizer),
										   spans[i].term, &term->length);

		term->text = barq_query_copy_bytes(text, term->length);
		term->offset = spans[i].position - spans[0].position;
		term->prefix = spans[i].prefix;
		term->fields = parse->fields;
		term->variant = 0;
		if (i > 0 && term->offset == term[-1].offset)
			term->variant = term[-1].variant + (spans[i].variant != spans[i - 1].variant);
		if (term->offset > 0)
			clause->kind = BARQ_CLAUSE_PHRASE;
	}
}

/* The first span after i with another position or, by_answer, another answer. */
static uint32
next_span(const BarqQuerySpan *spans, uint32 n, uint32 i, bool by_answer)
{
	uint32		next = i + 1;

	while (next < n && (by_answer ? spans[next].answer == spans[i].answer :
						spans[next].position == spans[i].position))
		next++;
	return next;
}

void
barq_query_add_word(BarqQueryParse *parse, const BarqQuerySpan *spans, uint32 n, const BarqQueryItem *item)
{
	if (n == 0 || next_span(spans, n, 0, true) < n)
	{
		add_clause_of_spans(parse, spans, n, item);
		return;
	}
	for (uint32 i = 0, next; i < n; i = next)
	{
		next = next_span(spans, n, i, false);
		add_clause_of_spans(parse, spans + i, next - i, item);
	}
}

/* BarqWordSink: add the terms of a word to the spans. */
static void
add_spans(void *arg, const BarqPiece *word, Size start, Size end)
{
	BarqQueryParse *parse = arg;

	/* one more than the limit is enough for the clause to be left out */
	for (uint32 i = 0; i < word->nterms && parse->nspans <= BARQ_QUERY_MOST_TERMS; i++)
	{
		BARQ_ARRAY_RESERVE(parse->spans, parse->spans_space, parse->nspans + 1, 64);
		parse->spans[parse->nspans++] = (BarqQuerySpan) {
			.term = word->terms[i].term,
			.position = parse->position + word->terms[i].position,
			.variant = word->terms[i].variant,
			.answer = parse->answers,
			.start = start,
			.prefix = word->terms[i].prefix
		};
	}
	parse->position += word->advance;
	parse->answers++;
}

/* Set parse->spans to the terms of [from, to), a part of the items' texts. */
static void
tokenize(BarqQueryParse *parse, const char *from, const char *to)
{
	parse->nspans = 0;
	parse->position = 0;
	barq_tokenize_words(parse->tokenizer, from, to - from, BARQ_WORDS_QUERY, add_spans, parse);
}

void
barq_query_tokenize_item(BarqQueryParse *parse, const BarqQueryItem *item)
{
	tokenize(parse, parse->tokenizer->chunks ? item->text - 1 : item->text,
			 item->text + item->length);
}

void
barq_query_add_item(BarqQueryParse *parse, const BarqQueryItem *item)
{
	barq_query_tokenize_item(parse, item);
	if (item->kind == BARQ_ITEM_PREFIX)
	{
		Size		from = 0;
		Size		shift = parse->tokenizer->chunks ? 1 : 0;
		bool		any = parse->tokenizer->kind != BARQ_TOKENIZER_NGRAM ||
			barq_ngram_last_word(item->text, item->length, &from);

		for (uint32 i = 0; i < parse->nspans && any; i++)
			if (parse->spans[i].start >= from + shift || from == 0)
				parse->spans[i].prefix = true;
	}
	add_clause_of_spans(parse, parse->spans, parse->nspans, item);
}

/* Add an unmarked word, whose clauses add_clauses_of_words() makes. */
static void
add_word(BarqQueryParse *parse, const BarqQueryItem *item)
{
	BARQ_ARRAY_RESERVE(parse->words, parse->words_space, parse->nwords + 1, 8);
	parse->words[parse->nwords++] = *item;
}

/*
 * Add the clauses of parse->words: word by word, or, once a dictionary looks ahead,
 * of all of them together.
 */
static void
add_clauses_of_words(BarqQueryParse *parse)
{
	BarqQueryClauses *clauses = &parse->levels[parse->depth].clauses;
	uint32		nclauses = clauses->n;
	uint32		nterms = parse->nterms;
	const BarqQueryItem *last;
	const char *from;

	if (parse->nwords == 0)
		return;
	for (uint32 i = 0; i < parse->nwords && !parse->tokenizer->looks_ahead && !parse->full; i++)
	{
		barq_query_tokenize_item(parse, &parse->words[i]);
		barq_query_add_word(parse, parse->spans, parse->nspans, &parse->words[i]);
		CHECK_FOR_INTERRUPTS();
	}
	if (parse->tokenizer->looks_ahead)
	{
		/* spans belong to the word in which their answer begins */
		clauses->n = nclauses;
		parse->nterms = nterms;
		last = &parse->words[parse->nwords - 1];
		from = parse->words[0].text;
		tokenize(parse, from, last->text + last->length);
		for (uint32 i = 0, word = 0, next; i < parse->nspans; i = next)
		{
			Size		end;

			while (word + 1 < parse->nwords &&
				   parse->words[word + 1].text <= from + parse->spans[i].start)
				word++;
			end = parse->words[word].text + parse->words[word].length - from;
			for (next = i + 1; next < parse->nspans &&
				 parse->spans[next].start < end;
				 next++)
				;
			barq_query_add_word(parse, parse->spans + i, next - i, &parse->words[word]);
		}
	}
	parse->nwords = 0;
}

/* ---- groups ---- */

/* Multiply the boosts of a clause and of those within it. */
static void
multiply(BarqClause *clause, double boost)
{
	clause->boost = barq_query_bounded_boost(clause->boost * boost);
	for (uint32 i = 0; i < clause->nclauses; i++)
		multiply(&clause->clauses[i], boost);
	for (uint32 i = 0; i < clause->npools; i++)
		multiply(&clause->pools[i], boost);
}

/* BarqQueryClauses as one clause of a kind; a single one without a mark is returned itself. */
static BarqClause
join(BarqClauseKind kind, const BarqQueryClauses *clauses)
{
	if (clauses->n == 1 && clauses->list[0].occur == BARQ_SHOULD)
		return clauses->list[0];
	return (BarqClause) {
		.kind = kind,
		.occur = BARQ_SHOULD,
		.boost = 1,
		.nclauses = clauses->n,
		.clauses = clauses->list
	};
}

/* Make the clauses since the last OR, if any, an alternative. */
static void
end_alternative(BarqQueryLevel *level)
{
	if (level->clauses.n > 0)
	{
		BarqClause	joined = join(BARQ_CLAUSE_GROUP, &level->clauses);

		barq_query_add_clause(&level->alternatives, &joined);
	}
	level->clauses = (BarqQueryClauses) {0};
}

/* Begin a group. */
static void
open_level(BarqQueryParse *parse, const BarqQueryItem *item)
{
	Assert(parse->depth < BARQ_QUERY_DEEPEST);
	parse->levels[++parse->depth] = (BarqQueryLevel) {.occur = item->occur};
}

/* End a group and add its clause to the level around it, if it has clauses. */
static void
close_level(BarqQueryParse *parse, double boost)
{
	BarqQueryLevel *level = &parse->levels[parse->depth];
	BarqClause	joined;

	Assert(parse->depth > 0);
	end_alternative(level);
	parse->depth--;
	if (level->alternatives.n == 0)
		return;
	joined = join(BARQ_CLAUSE_ANY, &level->alternatives);
	joined.occur = level->occur;
	if (boost != 1)
		multiply(&joined, boost);
	barq_query_add_clause(&parse->levels[parse->depth].clauses, &joined);
}

/* Add an item of the query to the innermost open level. */
static void
take_item(BarqQueryParse *parse, const BarqQueryItem *item)
{
	bool		mark = item->kind == BARQ_ITEM_OPEN || item->kind == BARQ_ITEM_CLOSE ||
		item->kind == BARQ_ITEM_OR;

	if (parse->nlanguages > 1 && !mark)
	{
		barq_query_add_languages(parse, item);
		return;
	}
	if (item->kind == BARQ_ITEM_WORD && item->occur == BARQ_SHOULD && item->boost == 1)
	{
		/* a dictionary that looks ahead sees the words of one field */
		if (parse->nwords > 0 && parse->words[0].fields != item->fields)
			add_clauses_of_words(parse);
		add_word(parse, item);
		return;
	}
	add_clauses_of_words(parse);
	switch (item->kind)
	{
		case BARQ_ITEM_OPEN:
			open_level(parse, item);
			break;
		case BARQ_ITEM_CLOSE:
			close_level(parse, item->boost);
			break;
		case BARQ_ITEM_OR:
			end_alternative(&parse->levels[parse->depth]);
			break;
		default:
			barq_query_add_item(parse, item);
			break;
	}
}

BarqTextQuery *
barq_text_query_parse(const char *query, Size length, const BarqQueryFields *fields,
					  BarqTokenizer *tokenizer)
{
	BarqQueryLanguage language = {.tokenizer = tokenizer};

	return barq_text_query_parse_languages(query, length, fields, &language, 1);
}

BarqTextQuery *
barq_text_query_parse_languages(const char *query, Size length, const BarqQueryFields *fields,
								const BarqQueryLanguage *languages, uint32 n)
{
	BarqTextQuery *result = palloc0(sizeof(BarqTextQuery));
	BarqQueryParse parse = {.tokenizer = languages[0].tokenizer, .languages = languages, .nlanguages = n};
	BarqQueryLevel *top = &parse.levels[0];
	BarqQueryScan scan;
	BarqQueryItem item;

	for (uint32 i = 0; i < n; i++)
		barq_tokenizer_refresh(languages[i].tokenizer);
	barq_query_scan_start(&scan, query, length, false);
	scan.fields = fields;
	while (!parse.full && barq_query_scan_next(&scan, &item))
	{
		take_item(&parse, &item);
		CHECK_FOR_INTERRUPTS();
	}
	add_clauses_of_words(&parse);
	while (parse.depth > 0)
		close_level(&parse, 1);
	barq_query_scan_end(&scan);
	if (parse.words != NULL)
		pfree(parse.words);
	if (parse.spans != NULL)
		pfree(parse.spans);

	if (top->alternatives.n > 0)
	{
		BarqClause	any;

		end_alternative(top);
		any = join(BARQ_CLAUSE_ANY, &top->alternatives);
		top->clauses = (BarqQueryClauses) {0};
		barq_query_add_clause(&top->clauses, &any);
	}
	/* the query is a group itself: drop one that encloses it all */
	if (top->clauses.n == 1 && top->clauses.list[0].kind == BARQ_CLAUSE_GROUP &&
		top->clauses.list[0].occur == BARQ_SHOULD)
	{
		result->nclauses = top->clauses.list[0].nclauses;
		result->clauses = top->clauses.list[0].clauses;
	}
	else
	{
		result->nclauses = top->clauses.n;
		result->clauses = top->clauses.list;
	}
	return result;
}
