/*
 * highlight_find.c
 *	  The words of a text that a query asks for.
 *
 * What is marked: each word whose terms a word or a prefix of the query has, in
 * whatever group (of a variant of several terms, where the text has them all);
 * a phrase's words where they stand as the phrase says, or everywhere if they
 * nowhere do. What must not be there is not marked. Words that overlap (the
 * parts of a compound, of a URL) are marked as one; of an ngram tokenizer's
 * runs the characters of the grams found.
 */
#include "text/highlight.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#define NOT_ASKED	(-1)
#define UNKNOWN		(-2)

/* ---- what is asked ---- */

/* The words and phrases of clauses and their groups. */
static void
note_leaves(Highlight *h, const BarqClause *clauses, uint32 n)
{
	for (uint32 i = 0; i < n; i++)
	{
		const BarqClause *clause = &clauses[i];

		if (clause->occur == BARQ_MUST_NOT)
			continue;
		if (clause->nclauses > 0)
		{
			note_leaves(h, clause->clauses, clause->nclauses);
			continue;
		}
		if (h->nleaves == h->leaves_space)
		{
			h->leaves_space = Max(h->leaves_space * 2, 16);
			h->leaves = h->leaves == NULL ?
				palloc(h->leaves_space * sizeof(BarqClause *)) :
				repalloc(h->leaves, h->leaves_space * sizeof(BarqClause *));
		}
		h->leaves[h->nleaves++] = clause;
	}
}

/* The end of the variant that begins with a clause's term i. */
static uint32
variant_end(const BarqClause *clause, uint32 i)
{
	uint32		end = i + 1;

	while (end < clause->nterms && clause->terms[end].offset == clause->terms[i].offset &&
		   clause->terms[end].variant == clause->terms[i].variant)
		end++;
	return end;
}

static void
note_query(Highlight *h, const BarqTextQuery *query)
{
	note_leaves(h, query->clauses, query->nclauses);
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
	h->nasked = h->nexact + barq_terms_count(h->prefixes);
	h->asked = MemoryContextAllocZero(CurrentMemoryContext,
									  Max(h->nasked, 1) * sizeof(Asked));
	for (uint32 i = 0; i < h->nleaves; i++)
		for (uint32 j = 0, next; j < h->leaves[i]->nterms; j = next)
		{
			const BarqClauseTerm *term = &h->leaves[i]->terms[j];

			next = variant_end(h->leaves[i], j);
			if (h->leaves[i]->kind == BARQ_CLAUSE_WORD && next == j + 1)
				h->asked[term->prefix ?
						 h->nexact + barq_terms_find(h->prefixes, term->text, term->length) :
						 barq_terms_find(h->exact, term->text, term->length)]
					.everywhere = true;
		}
}

/* What a term of the text is asked as: itself, else by its longest prefix. */
static int32
asked_as(Highlight *h, uint32 term)
{
	uint32		length;
	const char *text;
	int32		answer = NOT_ASKED;

	if (term < h->nterms && h->asked_as[term] != UNKNOWN)
		return h->asked_as[term];
	if (term >= h->nterms)
	{
		uint32		n = Max(term + 1, h->nterms * 2);

		h->asked_as = h->asked_as == NULL ?
			MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(int32)) :
			repalloc_huge(h->asked_as, n * sizeof(int32));
		while (h->nterms < n)
			h->asked_as[h->nterms++] = UNKNOWN;
	}
	text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), term, &length);
	if (h->nexact > 0)
	{
		uint32		found = barq_terms_find(h->exact, text, length);

		if (found != PG_UINT32_MAX)
			answer = found;
	}
	for (uint32 n = Min(length, h->longest_prefix);
		 n > 0 && (answer == NOT_ASKED || !h->asked[answer].everywhere); n--)
	{
		uint32		found = barq_terms_find(h->prefixes, text, n);

		if (found != PG_UINT32_MAX)
			answer = h->nexact + found;
	}
	return h->asked_as[term] = answer;
}

/* ---- what is found ---- */

static void *
more_room(void *array, uint64 *space, Size size)
{
	*space = Max(*space * 2, 64);
	return array == NULL ? MemoryContextAllocHuge(CurrentMemoryContext, *space * size) :
		repalloc_huge(array, *space * size);
}

/*
 * A word of the text; or, without an advance, a gram that begins with the
 * character seen last.
 */
static void
see_word(void *arg, const BarqPiece *word, Size start, Size end)
{
	Highlight  *h = arg;
	uint64		position = h->position;
	Unit	   *last = h->nunits > 0 ? &h->units[h->nunits - 1] : NULL;

	h->position += word->advance;
	/* a parser may make up words, or go back */
	if (end <= start || start < h->last_start)
		return;
	h->last_start = start;
	if (word->advance > 0 && last != NULL && start < last->end)
		last->end = Max(last->end, end);
	else if (word->advance > 0)
	{
		if (h->nunits == h->units_space)
			h->units = more_room(h->units, &h->units_space, sizeof(Unit));
		h->units[h->nunits++] = (Unit) {start, end};
	}
	for (uint32 i = 0; i < word->nterms; i++)
	{
		int32		asked = word->terms[i].again ? NOT_ASKED : asked_as(h, word->terms[i].term);

		if (asked == NOT_ASKED)
			continue;
		/* a prefix finds grams by the character that they begin with */
		if (word->advance == 0 && asked >= (int32) h->nexact)
			end = h->units[h->nunits - 1].end;
		if (h->nmatches == h->matches_space)
			h->matches = more_room(h->matches, &h->matches_space, sizeof(Match));
		h->matches[h->nmatches++] = (Match) {
			.term = word->terms[i].term,
			.asked = asked,
			.position = position + word->terms[i].position,
			.unit = h->nunits - 1,
			.start = start,
			.end = end,
			.marked = h->asked[asked].everywhere
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

/* Matches that a term of a clause may be: all of them, for a prefix. */
typedef struct Candidates
{
	Match	  **sorted;			/* by term and position; h->matches are by position */
	uint64		from;
	uint64		upto;
} Candidates;

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

static bool
is_term(Highlight *h, const Match *match, const BarqClauseTerm *term)
{
	uint32		length;
	const char *text = barq_terms_text(barq_tokenizer_terms(h->tokenizer), match->term, &length);

	return (term->prefix ? length >= term->length : length == term->length) &&
		memcmp(text, term->text, term->length) == 0;
}

/* Whether a term stands at a position; if mark, mark its word. */
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
 * Whether a phrase stands at a position: at each offset all terms of a variant;
 * if mark, mark its words.
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

/* Mark a term wherever it stands, or only tell whether it does. */
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

/* Mark the variants of a clause that are in the text, wherever they are. */
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

/* Mark what is not marked everywhere, and forget the matches that are not marked. */
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
	note_query(h, query);
	barq_tokenize_words(h->tokenizer, h->body, h->length, BARQ_WORDS_PLACES, see_word, h);
	mark_matches(h);
}
