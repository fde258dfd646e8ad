/*
 * highlight_find.c
 *	  Finds the words of a text that a query contains.
 *
 * Marked are: words of the text that match a word or a prefix of the query, in any
 * group (all terms of a variant have to be in the text); the words of a phrase
 * where the phrase occurs, or, if it occurs nowhere, wherever they occur. Clauses
 * marked - are ignored. Overlapping words (parts of a compound or of a URL) are
 * marked as one. In runs of grams, the characters of the matching grams are marked.
 */
#include "text/highlight.h"

#include "base/array.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Highlight.query_term_of: no query term matches; not looked up yet. */
#define NO_QUERY_TERM	(-1)
#define UNKNOWN			(-2)

/* ---- the query ---- */

/* Add the words and phrases of clauses, at any depth of groups. */
static void
add_leaves(Highlight *h, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];

		if (clause->occur == BARQ_MUST_NOT)
			continue;
		if (clause->nclauses > 0)
		{
			add_leaves(h, clause->clauses, clause->nclauses);
			continue;
		}
		if (clause->fields != 0 && h->field != 0 && (clause->fields & h->field) == 0)
			continue;
		BARQ_ARRAY_RESERVE(h->leaves, h->leaves_space, h->nleaves + 1, 16);
		h->leaves[h->nleaves++] = clause;
	}
}

/* The end of the variant that begins with term i of a clause. */
static uint32
variant_end(const BarqClause *clause, uint32 i)
{
	uint32		end = i + 1;

	while (end < clause->nterms && clause->terms[end].offset == clause->terms[i].offset &&
		   clause->terms[end].variant == clause->terms[i].variant)
		end++;
	return end;
}

/* Set the query's leaves and terms. */
static void
read_query(Highlight *h, const BarqTextQuery *query)
{
	add_leaves(h, query->clauses, query->nclauses);
	h->exact = barq_terms_create(CurrentMemoryContext);
	h->prefixes = barq_terms_create(CurrentMemoryContext);
	for (uint32 i = 0; i < h->nleaves; i++)
		for (uint32 j = 0; j < h->leaves[i]->nterms; j++)
		{
			const BarqClauseTerm *term = &h->leaves[i]->terms[j];

			barq_terms_intern(term->prefix ? h->prefixes : h->exact, term->text, term->length);
			if (term->prefix)
				h->longest_prefix = Max(h->longest_prefix, term->length);
		}
	h->nexact = barq_terms_count(h->exact);
	h->nquery_terms = h->nexact + barq_terms_count(h->prefixes);
	h->query_terms = MemoryContextAllocZero(CurrentMemoryContext,
											Max(h->nquery_terms, 1) * sizeof(QueryTerm));
	for (uint32 i = 0; i < h->nleaves; i++)
		for (uint32 j = 0, next; j < h->leaves[i]->nterms; j = next)
		{
			const BarqClauseTerm *term = &h->leaves[i]->terms[j];

			next = variant_end(h->leaves[i], j);
			if (h->leaves[i]->kind == BARQ_CLAUSE_WORD && next == j + 1)
				h->query_terms[term->prefix ?
							   h->nexact + barq_terms_find(h->prefixes, term->text, term->length) :
							   barq_terms_find(h->exact, term->text, term->length)]
					.everywhere = true;
		}
}

/*
 * The query term that a term of the text matches: the same term; else, or if that
 * is part of phrases only, its longest prefix in the query. NO_QUERY_TERM: none.
 */
static int32
find_query_term(Highlight *h, uint32 term)
{
	uint32		length;
	const char *text;
	int32		answer = NO_QUERY_TERM;

	if (term < h->nterms && h->query_term_of[term] != UNKNOWN)
		return h->query_term_of[term];
	if (term >= h->nterms)
	{
		BARQ_ARRAY_RESERVE(h->query_term_of, h->terms_space, term + 1, 64);
		while (h->nterms < h->terms_space)
			h->query_term_of[h->nterms++] = UNKNOWN;
	}
	text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), term, &length);
	if (h->nexact > 0)
	{
		uint32		found = barq_terms_find(h->exact, text, length);

		if (found != PG_UINT32_MAX)
			answer = found;
	}
	for (uint32 n = Min(length, h->longest_prefix);
		 n > 0 && (answer == NO_QUERY_TERM || !h->query_terms[answer].everywhere); n--)
	{
		uint32		found = barq_terms_find(h->prefixes, text, n);

		if (found != PG_UINT32_MAX)
			answer = h->nexact + found;
	}
	return h->query_term_of[term] = answer;
}

/* ---- the text ---- */

/*
 * BarqWordSink: add a word of the text and its matches. Without an advance it is a
 * gram that begins with the last character.
 */
static void
add_word(void *arg, const BarqPiece *word, Size start, Size end)
{
	Highlight  *h = arg;
	uint64		position = h->position;
	Unit	   *last = h->nunits > 0 ? &h->units[h->nunits - 1] : NULL;

	h->position += word->advance;
	/* a parser may return words that are not in the text, or go back */
	if (end <= start || start < h->last_start)
		return;
	h->last_start = start;
	if (word->advance > 0 && last != NULL && start < last->end)
		last->end = Max(last->end, end);
	else if (word->advance > 0)
	{
		BARQ_ARRAY_RESERVE(h->units, h->units_space, h->nunits + 1, 64);
		h->units[h->nunits++] = (Unit) {start, end};
	}
	for (uint32 i = 0; i < word->nterms; i++)
	{
		int32		query_term = word->terms[i].again ? NO_QUERY_TERM : find_query_term(h, word->terms[i].term);

		if (query_term == NO_QUERY_TERM)
			continue;
		/* a prefix is one character: only that is marked */
		if (word->advance == 0 && query_term >= (int32) h->nexact)
			end = h->units[h->nunits - 1].end;
		BARQ_ARRAY_RESERVE(h->matches, h->matches_space, h->nmatches + 1, 64);
		h->matches[h->nmatches++] = (Match) {
			.term = word->terms[i].term,
			.query_term = query_term,
			.position = position + word->terms[i].position,
			.unit = h->nunits - 1,
			.start = start,
			.end = end,
			.marked = h->query_terms[query_term].everywhere
		};
	}
}

/* ---- phrases, and variants of several terms ---- */

static int
compare_matches(const void *a, const void *b)
{
	const Match *x = *(const Match *const *) a;
	const Match *y = *(const Match *const *) b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	return x->position < y->position ? -1 : x->position > y->position;
}

/* A range of matches among which those of a clause's term are. */
typedef struct Candidates
{
	Match	  **sorted;			/* by term and position; h->matches are by position */
	uint64		from;
	uint64		upto;
} Candidates;

/* The matches of an exact term; all matches, for a prefix. */
static Candidates
candidates_of(Highlight *h, Match **sorted, const BarqClauseTerm *term)
{
	Candidates	found = {sorted, 0, h->nmatches};
	uint32		number;
	uint64		high = h->nmatches;

	if (term->prefix)
		return found;
	number = barq_terms_find(barq_tokenizer_terms(h->tokenizer), term->text, term->length);
	while (found.from < high)
	{
		uint64		middle = (found.from + high) / 2;

		if (sorted[middle]->term < number)
			found.from = middle + 1;
		else
			high = middle;
	}
	for (found.upto = found.from;
		 found.upto < h->nmatches && sorted[found.upto]->term == number; found.upto++)
		;
	return found;
}

/* Whether a match is one of a clause's term. */
static bool
is_term(Highlight *h, const Match *match, const BarqClauseTerm *term)
{
	uint32		length;
	const char *text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), match->term, &length);

	return (term->prefix ? length >= term->length : length == term->length) &&
		memcmp(text, term->text, term->length) == 0;
}

/* Whether a term occurs at a position. With `mark`, marks its matches there. */
static bool
term_at(Highlight *h, const BarqClauseTerm *term, uint32 position, bool mark)
{
	uint64		low = 0;
	uint64		high = h->nmatches;
	bool		found = false;

	while (low < high)
	{
		uint64		middle = (low + high) / 2;

		if (h->matches[middle].position < position)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < h->nmatches && h->matches[low].position == position; low++)
		if (is_term(h, &h->matches[low], term))
		{
			found = true;
			h->matches[low].marked |= mark;
		}
	return found;
}

/*
 * Whether a phrase occurs at a position: at each offset all terms of one
 * variant. With `mark`, marks the terms of those variants, also if a later
 * offset fails.
 */
static bool
phrase_at(Highlight *h, const BarqClause *clause, uint32 position, bool mark)
{
	for (uint32 i = 0; i < clause->nterms;)
	{
		uint32		offset = clause->terms[i].offset;
		bool		here = false;

		while (i < clause->nterms && clause->terms[i].offset == offset)
		{
			uint32		first = i;
			uint32		end = variant_end(clause, i);
			bool		all = true;

			for (; i < end; i++)
				all &= term_at(h, &clause->terms[i], position + offset, false);
			here |= all;
			for (i = first; i < end; i++)
				if (all && mark)
					term_at(h, &clause->terms[i], position + offset, true);
		}
		if (!here)
			return false;
	}
	return true;
}

/* Whether a term occurs in the text. With `mark`, marks it at each place. */
static bool
mark_term(Highlight *h, Match **sorted, const BarqClauseTerm *term, bool mark)
{
	Candidates	c = candidates_of(h, sorted, term);
	bool		found = false;

	for (uint64 m = c.from; m < c.upto && (mark || !found); m++)
		if (is_term(h, sorted[m], term))
		{
			found = true;
			sorted[m]->marked |= mark;
		}
	return found;
}

/* Mark, at each place, the variants of a clause of which all terms occur. */
static void
mark_variants(Highlight *h, Match **sorted, const BarqClause *clause)
{
	for (uint32 i = 0, end; i < clause->nterms; i = end)
	{
		bool		all = true;

		end = variant_end(clause, i);
		for (uint32 j = i; j < end && all; j++)
			all = mark_term(h, sorted, &clause->terms[j], false);
		for (uint32 j = i; j < end && all; j++)
			mark_term(h, sorted, &clause->terms[j], true);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Mark a phrase where it occurs, or else its words. */
static void
mark_phrase(Highlight *h, Match **sorted, const BarqClause *clause)
{
	bool		found = false;

	for (uint32 i = 0; i < clause->nterms && clause->terms[i].offset == 0; i++)
	{
		Candidates	c = candidates_of(h, sorted, &clause->terms[i]);

		for (uint64 m = c.from; m < c.upto; m++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!is_term(h, sorted[m], &clause->terms[i]) ||
				!phrase_at(h, clause, sorted[m]->position, false))
				continue;
			found = true;
			phrase_at(h, clause, sorted[m]->position, true);
		}
	}
	if (!found)
		mark_variants(h, sorted, clause);
}

/*
 * Matches of words and plain prefixes are marked already (find time). Mark the
 * matches of phrases, and of variants that consist of several terms, then drop
 * the unmarked ones; keeps the order of h->matches. Checks for interrupts.
 */
static void
mark_matches(Highlight *h)
{
	Match	  **sorted = NULL;
	uint64		kept = 0;

	for (uint32 i = 0; i < h->nleaves && h->nmatches > 0; i++)
	{
		const BarqClause *clause = h->leaves[i];
		bool		several = clause->kind == BARQ_CLAUSE_PHRASE;

		for (uint32 j = 0; j < clause->nterms && !several; j++)
			several = variant_end(clause, j) > j + 1;
		if (!several)
			continue;
		if (sorted == NULL)
		{
			sorted = MemoryContextAllocHuge(CurrentMemoryContext,
											h->nmatches * sizeof(Match *));
			for (uint64 m = 0; m < h->nmatches; m++)
				sorted[m] = &h->matches[m];
			qsort(sorted, h->nmatches, sizeof(Match *), compare_matches);
		}
		if (clause->kind == BARQ_CLAUSE_PHRASE)
			mark_phrase(h, sorted, clause);
		else
			mark_variants(h, sorted, clause);
		CHECK_FOR_INTERRUPTS();
	}
	if (sorted != NULL)
		pfree(sorted);
	for (uint64 m = 0; m < h->nmatches; m++)
		if (h->matches[m].marked)
			h->matches[kept++] = h->matches[m];
	h->nmatches = kept;
}

void
barq_highlight_find(Highlight *h, const BarqTextQuery *query)
{
	read_query(h, query);
	barq_tokenize_words(h->tokenizer, h->body, h->length, BARQ_WORDS_PLACES, add_word, h);
	mark_matches(h);
}
